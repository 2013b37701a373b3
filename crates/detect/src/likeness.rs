//! What the code of an archive is like: its sketch, and the known campaign it belongs to.

use std::sync::LazyLock;

use crate::archive::Archive;
use crate::clones::{Campaign, Index, Sketch};

/// What an archive's code is like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Likeness {
    /// For comparing it with any other.
    pub sketch: Sketch,
    /// The known campaign that it shares most with, when it shares enough.
    pub campaign: Option<Campaign>,
}

/// The campaigns that this build knows. A test holds that the file is an index.
static KNOWN: LazyLock<Index> =
    LazyLock::new(|| Index::parse(include_bytes!("../data/clones.bin")).unwrap_or_default());

/// The shipped index.
pub(crate) fn known() -> &'static Index {
    &KNOWN
}

/// Bytes of a file beyond which its code is not compared: no known campaign comes in files so large, and a gate does not wait
/// for a likeness.
pub(crate) const LARGEST: u64 = 4 << 20;

/// Whether the member at this path is code that is compared.
pub(crate) fn is_code(path: &str) -> bool {
    let end = path.rsplit_once('.').map_or("", |(_, end)| end);
    ["py", "pyw", "js", "mjs", "cjs", "ts", "rs", "sh", "ps1", "bat"].iter().any(|code| end.eq_ignore_ascii_case(code))
}

/// The content of every member that is compared.
pub(crate) fn code(archive: &Archive) -> impl Iterator<Item = &[u8]> {
    archive
        .files()
        .filter(|entry| entry.size <= LARGEST && is_code(&entry.path))
        .filter_map(|entry| entry.content.as_deref())
}
