//! SHA-256, the one hash of every format here.

use aws_lc_rs::digest;
use bulkhead_core::Sha256;

/// What fits in here is gathered and hashed in one call: setting a context up costs more than hashing a short text.
const SHORT: usize = 1024;

/// The SHA-256 digest of the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> Sha256 {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if length > SHORT {
        let mut context = digest::Context::new(&digest::SHA256);
        parts.iter().for_each(|part| context.update(part));
        return of(&context.finish());
    }
    let (mut whole, mut at) = ([0; SHORT], 0);
    for part in parts {
        whole[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    of(&digest::digest(&digest::SHA256, &whole[..length]))
}

fn of(digest: &digest::Digest) -> Sha256 {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    Sha256::from_bytes(bytes)
}
