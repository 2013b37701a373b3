//! Takes injected secrets out of what an upstream sends back: an answer that repeats the header it was sent would hand the
//! real value to the run.
//!
//! Each secret is looked for as it is and in the forms in which services echo it: base64 (all three alignments, both
//! alphabets), percent-encoded, hex, and with JSON's escapes. What is found is replaced by the same form of the placeholder
//! where that has the same length, else by asterisks. Bytes that may be the beginning of a form are held back until the next
//! chunk decides.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::placeholder::Placeholder;

/// A form of a secret, and what is put in its place; of equal length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    find: Vec<u8>,
    put: Vec<u8>,
}

/// Everything to look for, longest first so that a form inside another does not hide it.
pub fn needles<'a>(placeholders: impl IntoIterator<Item = &'a Placeholder>) -> Vec<Needle> {
    let mut all = Vec::new();
    for placeholder in placeholders {
        let separator = if placeholder.binding.aws { ':' } else { '\0' };
        for (value, text) in placeholder.value.reveal().split(separator).zip(placeholder.marks()) {
            let (finds, puts) = (forms(value.as_bytes()), forms(text.as_bytes()));
            for (find, put) in finds.into_iter().zip(puts) {
                let put = if put.len() == find.len() { put } else { vec![b'*'; find.len()] };
                if find.len() >= 8 && !all.iter().any(|needle: &Needle| needle.find == find) {
                    all.push(Needle { find, put });
                }
            }
        }
    }
    all.sort_by_key(|needle| std::cmp::Reverse(needle.find.len()));
    all
}

/// The forms of a value, always the same number in the same order.
fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![value.to_vec()];
    for skip in 0..3 {
        // Base64 of any text that holds the value: the characters that depend on the value alone. `skip` bytes of the value
        // complete the group that its neighbours began; the tail that the next byte would change is cut.
        let inner = value.get(skip..).unwrap_or_default();
        let whole = inner.len() / 3 * 3;
        forms.push(STANDARD_NO_PAD.encode(&inner[..whole]).into_bytes());
        forms.push(URL_SAFE_NO_PAD.encode(&inner[..whole]).into_bytes());
    }
    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    forms.push(hex.to_ascii_uppercase().into_bytes());
    forms.push(hex.into_bytes());
    let percent = |upper: bool| -> Vec<u8> {
        value
            .iter()
            .flat_map(|&byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => vec![byte],
                _ if upper => format!("%{byte:02X}").into_bytes(),
                _ => format!("%{byte:02x}").into_bytes(),
            })
            .collect()
    };
    forms.push(percent(true));
    forms.push(percent(false));
    forms.push(
        value
            .iter()
            .flat_map(|&byte| if matches!(byte, b'/' | b'"' | b'\\') { vec![b'\\', byte] } else { vec![byte] })
            .collect(),
    );
    forms
}

/// Scrubs a stream of bytes, chunk by chunk.
#[derive(Debug)]
pub struct Scrubber {
    needles: Vec<Needle>,
    held: Vec<u8>,
    found: u64,
}

impl Scrubber {
    /// A scrubber for these.
    pub fn new(needles: Vec<Needle>) -> Self {
        Self { needles, held: Vec::new(), found: 0 }
    }

    /// How many were found so far.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// The next bytes in, what is decided out.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(chunk);
        self.replace(&mut bytes);
        let keep = self.undecided(&bytes);
        self.held = bytes.split_off(bytes.len() - keep);
        bytes
    }

    /// What is left at the end of the stream.
    pub fn finish(&mut self) -> Vec<u8> {
        // A form that had ended would have been replaced; what is left is the beginning of none that came.
        std::mem::take(&mut self.held)
    }

    /// A text as a whole: a header's value.
    pub fn whole(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        self.replace(&mut bytes);
        bytes
    }

    fn replace(&mut self, bytes: &mut [u8]) {
        for needle in &self.needles {
            let mut from = 0;
            while let Some(at) = find(&bytes[from..], &needle.find) {
                let at = from + at;
                bytes[at..at + needle.find.len()].copy_from_slice(&needle.put);
                self.found += 1;
                from = at + needle.find.len();
            }
        }
    }

    /// How many bytes at the end may be the beginning of a form.
    fn undecided(&self, bytes: &[u8]) -> usize {
        let longest = self.needles.first().map_or(0, |needle| needle.find.len());
        let start = bytes.len().saturating_sub(longest.saturating_sub(1));
        (start..bytes.len())
            .find(|&at| self.needles.iter().any(|needle| needle.find.starts_with(&bytes[at..])))
            .map_or(0, |at| bytes.len() - at)
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|&byte| byte == first) {
        let at = from + at;
        if bytes[at..].starts_with(what) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
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
        let mut scrubber = Scrubber::new(needles([&placeholder()]));
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
