//! What the fuzz target in `fuzz/` and the tests run. It panics when an invariant is broken.

use crate::entry::{Entry, canonical};

/// Any bytes, taken for an entry: the walk over them accepts exactly what is decoded and written again to the same bytes.
pub fn entry(bytes: &[u8]) {
    let decoded = Entry::decode(bytes);
    let walked = canonical::index(bytes);
    assert_eq!(walked, decoded.as_ref().ok().map(|(index, _)| index.0), "{:?}", String::from_utf8_lossy(bytes));
    if let Ok((index, entry)) = decoded {
        assert_eq!(entry.encode(index).as_deref(), Ok(bytes));
    }
}
