//! SHA-256, the one hash of every format here.

use aws_lc_rs::digest;
use bulkhead_core::Sha256;

/// The SHA-256 digest of the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> Sha256 {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    Sha256::from_bytes(bytes)
}
