//! Time stamps over a checkpoint (RFC 3161): a third party says that the checkpoint existed at a time.
//!
//! Only what a client needs, in plain DER: the request, and a look at the answer. The signature of the authority is not
//! checked here (that needs CMS and its certificates); `openssl ts -verify` does, and the two files are what it takes.

use crate::hash::sha256;

#[cfg(test)]
mod tests;

/// `application/timestamp-query`.
pub const QUERY_TYPE: &str = "application/timestamp-query";
/// Ample: a token with a chain of certificates.
pub const MAX_ANSWER: usize = 1 << 16;

/// 2.16.840.1.101.3.4.2.1, SHA-256.
const SHA_256: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 1.2.840.113549.1.9.16.1.4, the content type of a token's statement.
const TST_INFO: [u8; 11] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const TIME: u8 = 0x18;

/// An answer is no token for what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// Not DER of the right form.
    #[error("the time stamp is malformed: {0}")]
    Malformed(&'static str),
    /// The authority refused.
    #[error("the authority refused the time stamp (status {0})")]
    Refused(u8),
    /// For other bytes, or another request.
    #[error("the time stamp is not for this checkpoint: {0}")]
    Other(&'static str),
}

/// The query for a time stamp over these bytes: SHA-256, with a nonce, certificates wanted.
pub fn query(bytes: &[u8], nonce: u64) -> Vec<u8> {
    let algorithm = der(SEQUENCE, &[&der(OBJECT, &[&SHA_256]), &[0x05, 0x00]]);
    let imprint = der(SEQUENCE, &[&algorithm, &der(OCTETS, &[sha256(&[bytes]).as_bytes()])]);
    der(SEQUENCE, &[&der(INTEGER, &[&[1]]), &imprint, &der(INTEGER, &[&integer(nonce)]), &[0x01, 0x01, 0xff]])
}

/// Checks that the answer is a token over these bytes for that nonce, and gives its time as the token writes it
/// (`20261124101500Z`). That its signature is the authority's is `openssl`'s business.
///
/// # Errors
/// When the authority refused, or the token is for something else. Never panics, whatever the bytes.
pub fn check(answer: &[u8], bytes: &[u8], nonce: u64) -> Result<String, TimestampError> {
    let malformed = TimestampError::Malformed;
    let response = Der(answer).inside(SEQUENCE).ok_or(malformed("it is not a response"))?;
    let (status, token) = response.split(SEQUENCE).ok_or(malformed("it has no status"))?;
    let status = status
        .inside(SEQUENCE)
        .and_then(|status| status.inside(INTEGER))
        .map(|status| status.0)
        .ok_or(malformed("its status is not a number"))?;
    // 0 granted, 1 granted with modifications.
    if !matches!(status, [0 | 1]) {
        return Err(TimestampError::Refused(status.last().copied().unwrap_or(u8::MAX)));
    }
    // ContentInfo > SignedData > EncapsulatedContentInfo > TSTInfo: the first time the type stands with its content.
    let token = token.inside(SEQUENCE).ok_or(malformed("it has no token"))?;
    let statement = statement(token).ok_or(malformed("the token has no statement"))?;
    let fields = statement.inside(SEQUENCE).ok_or(malformed("the statement is not a sequence"))?;
    let (_version, fields) = fields.split(INTEGER).ok_or(malformed("the statement has no version"))?;
    let (_policy, fields) = fields.split(OBJECT).ok_or(malformed("the statement has no policy"))?;
    let (imprint, fields) = fields.split(SEQUENCE).ok_or(malformed("the statement has no imprint"))?;
    let imprint = imprint.inside(SEQUENCE).ok_or(malformed("the statement has no imprint"))?;
    let (algorithm, hash) = imprint.split(SEQUENCE).ok_or(malformed("the imprint has no algorithm"))?;
    let algorithm = algorithm.inside(SEQUENCE).and_then(|one| one.inside(OBJECT));
    if algorithm.is_none_or(|algorithm| algorithm.0 != SHA_256) {
        return Err(TimestampError::Other("it is over another hash"));
    }
    let hash = hash.inside(OCTETS).ok_or(malformed("the imprint has no hash"))?;
    if hash.0 != sha256(&[bytes]).as_bytes() {
        return Err(TimestampError::Other("it is over other bytes"));
    }
    let (_serial, fields) = fields.split(INTEGER).ok_or(malformed("the statement has no serial number"))?;
    let (time, mut fields) = fields.split(TIME).ok_or(malformed("the statement has no time"))?;
    let time = time.inside(TIME).and_then(|time| std::str::from_utf8(time.0).ok());
    let time = time.ok_or(malformed("the statement's time is not text"))?;
    // Accuracy (a sequence) and ordering (a boolean) may stand before the nonce.
    for optional in [SEQUENCE, 0x01] {
        if let Some((_, rest)) = fields.split(optional) {
            fields = rest;
        }
    }
    let found = fields.inside(INTEGER).ok_or(TimestampError::Other("it has no nonce"))?;
    if found.0 != integer(nonce) {
        return Err(TimestampError::Other("it is for another request"));
    }
    Ok(time.to_owned())
}

/// The content of the encapsulated TSTInfo.
fn statement(token: Der<'_>) -> Option<Der<'_>> {
    let (_type, content) = token.split(OBJECT)?;
    let signed = content.inside(0xa0)?.inside(SEQUENCE)?;
    let (_version, rest) = signed.split(INTEGER)?;
    let (_algorithms, rest) = rest.split(0x31)?;
    let (kind, content) = rest.inside(SEQUENCE)?.split(OBJECT)?;
    (kind.inside(OBJECT)?.0 == TST_INFO).then(|| content.inside(0xa0)?.inside(OCTETS)).flatten()
}

/// A number as DER has it: no needless zeroes, and not negative.
fn integer(number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(7);
    let sign = bytes[first] >= 0x80;
    sign.then_some(0).into_iter().chain(bytes[first..].iter().copied()).collect()
}

/// A value with its tag and length; all that is written here is shorter than 128 bytes.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [&[tag, content.len() as u8][..], &content].concat()
}

/// DER being read: one value, and what follows it.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the value at the beginning, when it has that tag.
    fn inside(self, tag: u8) -> Option<Self> {
        let (start, end) = self.extent(tag)?;
        self.0.get(start..end).map(Self)
    }

    /// The value at the beginning, when it has that tag, and what follows it.
    fn split(self, tag: u8) -> Option<(Self, Self)> {
        let (_, end) = self.extent(tag)?;
        self.0.split_at_checked(end).map(|(value, rest)| (Self(value), Self(rest)))
    }

    fn extent(self, tag: u8) -> Option<(usize, usize)> {
        let (found, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        if *found != tag {
            return None;
        }
        let (header, length) = match first {
            short @ ..0x80 => (2, usize::from(*short)),
            long => {
                let count = usize::from(long & 0x7f);
                let digits = rest.get(..count).filter(|_| (1..=4).contains(&count))?;
                (2 + count, digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)))
            }
        };
        Some((header, header + length)).filter(|(_, end)| *end <= self.0.len())
    }
}
