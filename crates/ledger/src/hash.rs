//! SHA-256, the one hash of every format here.

use aws_lc_rs::digest;
use bulkhead_core::Sha256;

/// The SHA-256 digest of the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> Sha256 {
    if let [whole] = parts {
        return of(&digest::digest(&digest::SHA256, whole));
    }
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // A node of a tree, most entries, the rest: setting a context up costs more than hashing a short text, and so does
    // clearing more room than it needs.
    match length {
        0..=96 => gathered::<96>(parts, length),
        97..=512 => gathered::<512>(parts, length),
        513..=2048 => gathered::<2048>(parts, length),
        _ => {
            let mut context = digest::Context::new(&digest::SHA256);
            parts.iter().for_each(|part| context.update(part));
            of(&context.finish())
        }
    }
}

fn gathered<const ROOM: usize>(parts: &[&[u8]], length: usize) -> Sha256 {
    let (mut whole, mut at) = ([0; ROOM], 0);
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
