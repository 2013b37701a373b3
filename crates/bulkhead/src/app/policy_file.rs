//! The policy file: copied beside the data on first start, the operator's from then on.

use std::io;
use std::path::Path;

use bulkhead_core::Sha256;
use bulkhead_core::policy::{DEFAULT, Policy};

/// Puts the shipped policy there when there is none.
pub(super) fn ensure(path: &Path) -> io::Result<()> {
    if path.exists() { Ok(()) } else { crate::files::replace(path, DEFAULT.as_bytes(), 0o644) }
}

/// Reads and checks the policy, with the digest of what it says: a file of settings alone stands for the shipped rules
/// too, so a change of those is another policy.
pub(super) fn read(path: &Path) -> anyhow::Result<(Policy, Sha256)> {
    let text = crate::files::read_text(path)?;
    let policy = Policy::parse(&text, &path.display().to_string())?;
    let digest = crate::blob::sha256(policy.source().as_bytes());
    Ok((policy, digest))
}
