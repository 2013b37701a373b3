//! Python distributions: `setup.py` and build back-ends at install, `.pth` and `sitecustomize` at start-up, modules at import.

use super::Started;
use crate::archive::Archive;
use crate::lang::View;

/// What starts by itself in a wheel, an egg or an sdist.
pub(crate) fn started(_archive: &Archive, _views: &mut Vec<View>) -> Started {
    Started::default()
}
