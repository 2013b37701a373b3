//! The canonical form told in one pass over the bytes: nothing is built, nothing is written again.
//!
//! The rule is [`Entry::decode`](super::Entry::decode), which writes the entry again and compares. This walk accepts the
//! same bytes, and tests hold the two together, in both directions. It exists because whoever verifies a log looks at
//! every entry of it, and SHA-256 is the only work that ought to cost anything there.

use std::str::from_utf8;

use bulkhead_core::{Action, Effect, Gate, Purl};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as WordError, StrDeserializer};

use super::wire::{self, MAX_INDEX};
use super::{EntryTime, MAX_ENTRY_BYTES};
use crate::checkpoint::decimal;

#[cfg(test)]
mod tests;

/// The index of the entry, when the bytes are one in its only permitted spelling.
pub(crate) fn index(bytes: &[u8]) -> Option<u64> {
    if bytes.len() > MAX_ENTRY_BYTES {
        return None;
    }
    // Checked once for the whole: every byte outside of texts is ASCII.
    let mut walk = Walk { text: from_utf8(bytes).ok()?, at: 0 };
    let index = walk.entry()?;
    (walk.at == bytes.len()).then_some(index)
}

/// Where the walk has come to. `at` always lies between two characters.
struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    /// In the order of `wire::Wire`, which is that of the names.
    fn entry(&mut self) -> Option<u64> {
        self.take(b"{\"action\":")?;
        self.known::<Action>()?;
        if self.skip(b",\"context\":") {
            self.context()?;
        }
        if self.skip(b",\"detail\":") {
            self.detail()?;
        }
        self.take(b",\"effect\":")?;
        self.known::<Effect>()?;
        self.take(b",\"gate\":")?;
        self.known::<Gate>()?;
        self.take(b",\"policy\":")?;
        self.digest()?;
        self.take(b",\"principal\":")?;
        self.string()?;
        if self.skip(b",\"reasons\":") {
            self.list(Self::reason, 1)?;
        }
        if self.skip(b",\"resource\":") {
            self.resource()?;
        }
        if self.skip(b",\"run\":") {
            self.run()?;
        }
        self.take(b",\"seq\":")?;
        let index = self.number().filter(|index| *index <= MAX_INDEX)?;
        self.take(b",\"time\":")?;
        self.plain().filter(|time| time.parse::<EntryTime>().is_ok())?;
        self.take(b",\"v\":1")?;
        if self.skip(b",\"withheld\":") {
            self.take(b"{\"count\":")?;
            self.number()?;
            self.take(b",\"digest\":")?;
            self.digest()?;
            self.take(b",\"first\":")?;
            self.list(Self::string, 0)?;
            self.take(b"}")?;
        }
        self.take(b"}")?;
        Some(index)
    }

    fn reason(&mut self) -> Option<()> {
        self.take(b"{")?;
        self.skip(b"\"audit\":true,");
        self.take(b"\"effect\":")?;
        self.known::<Effect>()?;
        if self.skip(b",\"excepted_by\":") {
            self.string()?;
        }
        if self.skip(b",\"help\":") {
            // An empty one is absent.
            let start = self.at;
            self.string()?;
            (self.at - start > 2).then_some(())?;
        }
        self.take(b",\"rule\":")?;
        self.string()?;
        self.take(b",\"text\":")?;
        self.string()?;
        self.take(b"}")
    }

    /// At least one line, the names in ascending order.
    fn detail(&mut self) -> Option<()> {
        let mut before = "";
        self.take(b"{")?;
        while before.is_empty() || self.skip(b",") {
            let name = self.plain().filter(|name| wire::is_detail_name(name) && *name > before)?;
            self.take(b":")?;
            self.string()?;
            before = name;
        }
        self.take(b"}")
    }

    /// An object with at least one of its members, as the next.
    fn context(&mut self) -> Option<()> {
        self.take(b"{")?;
        let mut any = false;
        if self.member(&mut any, b"\"address\":") {
            self.string()?;
        }
        if self.member(&mut any, b"\"client\":") {
            self.string()?;
        }
        if self.member(&mut any, b"\"purpose\":") {
            self.string()?;
        }
        if any { self.take(b"}") } else { None }
    }

    fn resource(&mut self) -> Option<()> {
        self.take(b"{")?;
        let mut any = false;
        if self.member(&mut any, b"\"digest\":") {
            self.digest()?;
        }
        if self.member(&mut any, b"\"file\":") {
            self.string()?;
        }
        if self.member(&mut any, b"\"host\":") {
            self.string()?;
        }
        if self.member(&mut any, b"\"purl\":") {
            self.purl()?;
        }
        if any { self.take(b"}") } else { None }
    }

    /// Whether that member comes next, with the comma before it unless it is the first.
    fn member<const N: usize>(&mut self, any: &mut bool, name: &[u8; N]) -> bool {
        let start = self.at;
        if (*any && !self.skip(b",")) || !self.skip(name) {
            self.at = start;
            return false;
        }
        *any = true;
        true
    }

    fn list(&mut self, item: impl Fn(&mut Self) -> Option<()>, least: usize) -> Option<()> {
        self.take(b"[")?;
        let mut count = 0;
        while count < least || self.rest().first() != Some(&b']') {
            if count > 0 {
                self.take(b",")?;
            }
            item(self)?;
            count += 1;
        }
        self.take(b"]")
    }

    /// One of the words of that type; serde knows them all.
    fn known<T: for<'de> Deserialize<'de>>(&mut self) -> Option<()> {
        let word: StrDeserializer<'_, WordError> = self.plain()?.into_deserializer();
        T::deserialize(word).is_ok().then_some(())
    }

    fn digest(&mut self) -> Option<()> {
        let [b'"', digits @ .., b'"'] = self.rest().first_chunk::<66>()? else { return None };
        // No early end: this way the compiler looks at many digits at once.
        digits.iter().fold(true, |good, digit| good & is_hexadecimal(*digit)).then_some(())?;
        self.at += 66;
        Some(())
    }

    fn run(&mut self) -> Option<()> {
        let id = self.plain().filter(|id| id.len() == 36)?;
        let good = |(at, byte): (usize, u8)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => is_hexadecimal(byte),
        };
        id.bytes().enumerate().all(good).then_some(())
    }

    fn purl(&mut self) -> Option<()> {
        self.plain().filter(|purl| Purl::is_canonical(purl)).map(drop)
    }

    fn number(&mut self) -> Option<u64> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = decimal(&self.text[self.at..self.at + digits])?;
        self.at += digits;
        Some(number)
    }

    /// A text with nothing escaped in it.
    fn plain(&mut self) -> Option<&'a str> {
        self.take(b"\"")?;
        let length = run_of_plain(self.rest());
        let text = &self.text[self.at..self.at + length];
        self.at += length;
        self.take(b"\"")?;
        Some(text)
    }

    /// A text, escaped exactly where it must be (RFC 8785, section 3.2.2.2).
    fn string(&mut self) -> Option<()> {
        self.take(b"\"")?;
        loop {
            self.at += run_of_plain(self.rest());
            match self.rest() {
                [b'"', ..] => {
                    self.at += 1;
                    return Some(());
                }
                [b'\\', b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.at += 2,
                [b'\\', b'u', b'0', b'0', high @ b'0'..=b'1', low, ..] if is_hexadecimal(*low) => {
                    // These five have letters of their own.
                    if *high == b'0' && b"89acd".contains(low) {
                        return None;
                    }
                    self.at += 6;
                }
                _ => return None,
            }
        }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn take<const N: usize>(&mut self, expected: &[u8; N]) -> Option<()> {
        self.skip(expected).then_some(())
    }

    /// The length is known when this is compiled, so that comparing is a few instructions and no call.
    fn skip<const N: usize>(&mut self, expected: &[u8; N]) -> bool {
        let there = self.rest().first_chunk::<N>() == Some(expected);
        if there {
            self.at += N;
        }
        there
    }
}

fn is_hexadecimal(byte: u8) -> bool {
    byte.is_ascii_digit() | (b'a'..=b'f').contains(&byte)
}

/// How many bytes stand before the first that ends a text or is never in one as it is: `"`, `\`, and below 0x20.
fn run_of_plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // Eight bytes at once: the high bit of a byte is set in `below` when the byte is below `limit`, exactly so for the
    // lowest byte that is. Bytes from 0x80 up never are.
    let below = |eight: u64, limit: u8| eight.wrapping_sub(ONES * u64::from(limit)) & !eight & HIGH;
    let (words, tail) = bytes.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let eight = u64::from_le_bytes(*word);
        let quote = below(eight ^ (ONES * u64::from(b'"')), 1);
        let escape = below(eight ^ (ONES * u64::from(b'\\')), 1);
        let found = quote | escape | below(eight, 0x20);
        if found != 0 {
            return place * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    bytes.len() - tail.len() + tail.iter().position(ends).unwrap_or(tail.len())
}
