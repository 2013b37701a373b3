//! Takes injected secrets out of what an upstream sends back: an answer that repeats the header it was sent would hand the
//! real value to the run.
//!
//! Each secret is looked for as it is and in the forms in which services echo it: base64 (all three alignments, both
//! alphabets), percent-encoded, hex, and with JSON's escapes. What is found is replaced by the same form of the placeholder
//! where that has the same length, else by asterisks. Bytes that may be the beginning of a form are held back until the next
//! chunk decides.

use std::collections::HashMap;
use std::sync::Arc;

use regex::bytes::Regex;

use super::known::LEAST;
use super::placeholder::Placeholder;
use super::spelling::{any_of, echoed};

/// What is looked for in one host's answers, made ready once.
#[derive(Debug, Default)]
pub struct Needles {
    automaton: Option<Regex>,
    /// What is put in place of each; of equal length.
    puts: HashMap<Vec<u8>, Vec<u8>>,
    /// Whether one begins with that byte.
    begins: Vec<bool>,
    longest: usize,
}

impl Needles {
    /// Every spelling of these.
    pub fn new<'a>(placeholders: impl IntoIterator<Item = &'a Placeholder>) -> Self {
        let mut puts: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        for placeholder in placeholders {
            for (value, text) in placeholder.values().zip(placeholder.marks()) {
                for (find, put) in echoed(value.as_bytes()).into_iter().zip(echoed(text.as_bytes())) {
                    let put = if put.len() == find.len() { put } else { vec![b'*'; find.len()] };
                    if find.len() >= LEAST {
                        puts.entry(find).or_insert(put);
                    }
                }
            }
        }
        let automaton = any_of(puts.keys().map(Vec::as_slice));
        let longest = puts.keys().map(Vec::len).max().unwrap_or(0);
        let mut begins = vec![false; 256];
        puts.keys().for_each(|needle| begins[usize::from(needle[0])] = true);
        Self { automaton, puts, begins, longest }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.automaton.is_none()
    }

    fn replace(&self, bytes: &mut [u8]) -> u64 {
        let found = self.automaton.iter().flat_map(|automaton| automaton.find_iter(bytes));
        let found: Vec<(usize, usize)> = found.map(|found| (found.start(), found.end())).collect();
        for (start, end) in &found {
            if let Some(put) = self.puts.get(&bytes[*start..*end]) {
                bytes[*start..*end].copy_from_slice(put);
            }
        }
        found.len() as u64
    }

    /// How many bytes at the end may be the beginning of one.
    fn undecided(&self, bytes: &[u8]) -> usize {
        let start = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        (start..bytes.len())
            .filter(|&at| self.begins[usize::from(bytes[at])])
            .find(|&at| self.puts.keys().any(|needle| needle.starts_with(&bytes[at..])))
            .map_or(0, |at| bytes.len() - at)
    }
}

/// Scrubs a stream of bytes, chunk by chunk.
#[derive(Debug)]
pub struct Scrubber {
    needles: Arc<Needles>,
    held: Vec<u8>,
    found: u64,
}

impl Scrubber {
    /// A scrubber for these.
    pub fn new(needles: Arc<Needles>) -> Self {
        Self { needles, held: Vec::new(), found: 0 }
    }

    /// How many were found so far.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// Whether that chunk may pass as it is: nothing is held back, and it holds nothing.
    pub fn passes(&self, chunk: &[u8]) -> bool {
        self.held.is_empty()
            && self.needles.undecided(chunk) == 0
            && !self.needles.automaton.as_ref().is_some_and(|automaton| automaton.is_match(chunk))
    }

    /// The next bytes in, what is decided out.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(chunk);
        self.found += self.needles.replace(&mut bytes);
        let keep = self.needles.undecided(&bytes);
        self.held = bytes.split_off(bytes.len() - keep);
        bytes
    }

    /// What is left at the end of the stream.
    pub fn finish(&mut self) -> Vec<u8> {
        // A form that had ended would have been replaced; what is left is the beginning of none that came.
        std::mem::take(&mut self.held)
    }

    /// A text as a whole: a header's value. `None` when it holds nothing.
    pub fn whole(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if !self.needles.automaton.as_ref().is_some_and(|automaton| automaton.is_match(bytes)) {
            return None;
        }
        let mut bytes = bytes.to_vec();
        self.found += self.needles.replace(&mut bytes);
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bulkhead_core::Secret;
    use proptest::prelude::*;

    use super::super::secret::Binding;
    use super::*;

    const VALUE: &str = "sk-proj-Zx9+abcDEF/ghi456jkl";
    const TEXT: &str = "sk-proj-Qw1+qweRTY/uio789pas";

    fn placeholder() -> Placeholder {
        Placeholder {
            name: "openai".parse().unwrap(),
            text: TEXT.into(),
            value: Secret::new(VALUE),
            binding: Binding::default(),
        }
    }

    fn scrub(chunks: &[&[u8]]) -> Vec<u8> {
        let mut scrubber = Scrubber::new(Arc::new(Needles::new([&placeholder()])));
        let mut out: Vec<u8> = chunks.iter().flat_map(|chunk| scrubber.push(chunk)).collect();
        out.extend(scrubber.finish());
        out
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn every_form_is_replaced() {
        let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
        for form in [
            VALUE.to_owned(),
            hex.clone(),
            hex.to_uppercase(),
            VALUE.replace('+', "%2B").replace('/', "%2F"),
            VALUE.replace('+', "%2b").replace('/', "%2f"),
            VALUE.replace('/', "\\/"),
        ] {
            let said = text(scrub(&[format!("{{\"you sent\":\"{form}\"}}").as_bytes()]));
            assert!(!said.contains(&form), "{said}");
        }
        assert_eq!(text(scrub(&[b"Bearer ", VALUE.as_bytes()])), format!("Bearer {TEXT}"));
    }

    #[test]
    fn base64_of_a_text_around_it_is_replaced_at_every_alignment() {
        for before in ["", "u", "us", "user:"] {
            for after in ["", "x", "xy", ":"] {
                let encoded = STANDARD.encode(format!("{before}{VALUE}{after}"));
                let said = scrub(&[encoded.as_bytes()]);
                let decoded = String::from_utf8_lossy(&STANDARD.decode(&said).unwrap_or(said)).into_owned();
                assert!(!decoded.contains(&VALUE[3..VALUE.len() - 3]), "{before} {after}: {decoded}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_cut_lets_it_through(cuts in proptest::collection::vec(0usize..120, 0..6)) {
            let body = format!("aaa sk-proj-Zx9+ab {VALUE}{VALUE} sk-p");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % body.len()).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &body.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(text(scrub(&chunks)), body.replace(VALUE, TEXT));
        }

        #[test]
        fn other_bytes_pass_as_they_are(chunks: Vec<Vec<u8>>) {
            let parts: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(scrub(&parts), chunks.concat());
        }
    }
}
