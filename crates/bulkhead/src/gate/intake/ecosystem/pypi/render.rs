//! What both renderings of a page share.

use std::collections::HashSet;

use super::filename::FileName;
use super::index::{CoreMetadata, IndexFile, ProjectIndex};
use super::version::parse_version;

/// What a page says about a file that only the gate can know.
#[derive(Clone, Copy)]
pub struct Links<'a> {
    /// Where Bulkhead serves the file: absolute, or relative to the page such as [`super::file_link`] makes.
    pub file: &'a dyn Fn(&IndexFile) -> String,
    /// Whether Bulkhead serves its metadata. Say so only when it will: on a 404 pip and uv give up.
    pub metadata: &'a dyn Fn(&IndexFile) -> CoreMetadata,
}

/// The page's versions that still have a file, in the upstream's spelling and order (PEP 700).
///
/// None when the upstream names none; then nobody knows the spellings.
pub(super) fn versions_of<'a>(index: &'a ProjectIndex, kept: &[&IndexFile]) -> Option<Vec<&'a str>> {
    let versions = index.versions.as_ref()?;
    if kept.len() == index.files.len() && index.refused.is_empty() {
        return Some(versions.iter().map(AsRef::as_ref).collect());
    }
    // Most files spell the version as the page does, so reading it as PEP 440 is the exception.
    let mut texts = HashSet::with_capacity(versions.len());
    let mut read = HashSet::new();
    let spelled: HashSet<&str> = versions.iter().map(AsRef::as_ref).collect();
    for file in kept {
        let Ok(name) = FileName::parse(&file.filename, &index.name) else { continue };
        match spelled.get(name.version_text()) {
            Some(text) => {
                texts.insert(*text);
            }
            None => read.extend(name.version().cloned()),
        }
    }
    let has_file = |text: &str| {
        texts.contains(text) || (!read.is_empty() && parse_version(text).is_some_and(|version| read.contains(&version)))
    };
    Some(versions.iter().map(AsRef::as_ref).filter(|text| has_file(text)).collect())
}

/// The API minor to announce: the upstream's, or what the page's features need.
pub(super) fn minor_of(index: &ProjectIndex, kept: &[&IndexFile]) -> u16 {
    let needed = if index.status.is_some() {
        4
    } else if kept.iter().any(|file| file.provenance.is_some()) {
        3
    } else {
        0
    };
    index.api_version.minor.max(needed)
}
