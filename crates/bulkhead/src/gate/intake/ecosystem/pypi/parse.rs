//! From an upstream's answer to a [`ProjectIndex`], by what the answer says it is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use http::Uri;

use super::filename::{FileNameError, check_safe};
use super::index::{ApiVersion, Hashes, IndexFile, ProjectIndex, Refused, RefusedWhy};
use super::name::{NameError, shown};
use super::parse_html::parse_html;
use super::parse_json::parse_json;
use super::reference::{Base, FileUrl, ReferenceError};

/// No project has a tenth of this.
pub(super) const MAX_FILES: usize = 200_000;

/// The answer is not a page of the simple API that Bulkhead can vouch for. All are the upstream's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The answer says it is something else.
    #[error("the upstream announced `{0}`, which is no form of a project page")]
    ContentType(String),
    /// The answer says it is one form and begins like the other.
    #[error("the upstream announced {announced} and sent {sent}")]
    Disguised {
        /// What `Content-Type` says.
        announced: &'static str,
        /// What the first byte says.
        sent: &'static str,
    },
    /// The JSON cannot be read; says where: the key, and for a file its place in `files`.
    #[error("the page's JSON cannot be read: {0}")]
    Json(String),
    /// The HTML is not a simple page: it lists no file of the project and does not say that it is one.
    #[error("the page's HTML lists no file of the project and does not say that it is a simple page: a login page?")]
    NotAPage,
    /// The upstream speaks an API version that Bulkhead does not (PEP 629).
    #[error("the upstream speaks API version `{0}`, Bulkhead speaks 1.x")]
    ApiVersion(String),
    /// The page is not about a project that can exist.
    #[error("the page's project: {0}")]
    Name(#[from] NameError),
    /// The page's address, or the base that the page names, cannot be resolved against.
    #[error("the page's address: {0}")]
    Address(#[from] ReferenceError),
    /// More files than any project has.
    #[error("the page lists more than 200000 files")]
    TooMany,
}

/// Reads a project page in the form that `content_type` announces. `page_url` is where the answer came from, after
/// redirects: links are resolved against it.
///
/// # Errors
/// [`IndexError`], when the announced form is none, is not what was sent, or cannot be read.
pub fn parse(content_type: Option<&str>, bytes: &[u8], page_url: &Uri) -> Result<ProjectIndex, IndexError> {
    let announced = content_type.unwrap_or_default();
    let media = announced.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
    match media.as_str() {
        // Some mirrors announce the general type.
        "application/vnd.pypi.simple.v1+json" | "application/vnd.pypi.simple.latest+json" | "application/json" => {
            if first == Some(b'<') {
                return Err(IndexError::Disguised { announced: "JSON", sent: "HTML" });
            }
            parse_json(bytes, page_url)
        }
        "application/vnd.pypi.simple.v1+html" | "application/vnd.pypi.simple.latest+html" | "text/html" => {
            if matches!(first, Some(b'{' | b'[')) {
                return Err(IndexError::Disguised { announced: "HTML", sent: "JSON" });
            }
            parse_html(bytes, page_url)
        }
        _ => Err(IndexError::ContentType(shown(announced))),
    }
}

/// PEP 629: `1.x` is understood, another major must be refused.
pub(super) fn api_version(text: &str) -> Result<ApiVersion, IndexError> {
    let wrong = || IndexError::ApiVersion(shown(text));
    let (major, minor) = text.split_once('.').ok_or_else(wrong)?;
    let digits = |part: &str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    if major != "1" || !digits(minor) {
        return Err(wrong());
    }
    Ok(ApiVersion { minor: minor.parse().map_err(|_| wrong())? })
}

/// Resolves an entry's link and folds the fragment's digest into its hashes.
///
/// Returns the address and whether the fragment contradicts the hashes.
pub(super) fn link(base: &Base, link: &str, hashes: &mut Hashes) -> Result<(FileUrl, bool), RefusedWhy> {
    let (url, fragment) = base.resolve(link)?;
    let mut contradicts = false;
    for pair in fragment.into_iter().flat_map(|fragment| fragment.split('&')) {
        let Some((algorithm, digest)) = pair.split_once('=') else { continue };
        let mut other = Hashes::default();
        other.add(algorithm, digest);
        contradicts |= matches!((hashes.sha256, other.sha256), (Some(a), Some(b)) if a != b);
        hashes.add(algorithm, digest);
    }
    Ok((url, contradicts))
}

/// The file name, if it can be served.
pub(super) fn servable(filename: &str) -> Result<(), RefusedWhy> {
    check_safe(filename).map_err(|error| match error {
        FileNameError::Unsafe { why, .. } => RefusedWhy::FileName(why),
        FileNameError::OtherProject { .. } | FileNameError::Parts { .. } | FileNameError::Version { .. } => {
            RefusedWhy::FileName("cannot be read")
        }
    })
}

/// Notes an entry that is not served.
pub(super) fn refused(position: usize, named: &str, why: RefusedWhy) -> Refused {
    Refused { position, named: shown(named), why }
}

/// Drops repetitions, and marks every entry of a file name about which the page disagrees with itself.
pub(super) fn settle_duplicates(files: &mut Vec<IndexFile>) {
    let mut first_of: HashMap<&str, usize> = HashMap::with_capacity(files.len());
    let (mut repeated, mut conflicting) = (Vec::new(), Vec::new());
    for (at, file) in files.iter().enumerate() {
        match first_of.entry(&file.filename) {
            Entry::Vacant(entry) => {
                entry.insert(at);
            }
            Entry::Occupied(entry) if says_the_same(&files[*entry.get()], file) => repeated.push(at),
            Entry::Occupied(entry) => conflicting.extend([*entry.get(), at]),
        }
    }
    for at in conflicting {
        files[at].conflicting = true;
    }
    if !repeated.is_empty() {
        let mut at = 0;
        files.retain(|_| {
            at += 1;
            repeated.binary_search(&(at - 1)).is_err()
        });
    }
}

/// Whether policy would judge both entries alike. Without a SHA-256 nobody can say that both are one file.
fn says_the_same(a: &IndexFile, b: &IndexFile) -> bool {
    a.hashes.sha256.is_some()
        && a.hashes == b.hashes
        && a.upload_time == b.upload_time
        && a.yanked == b.yanked
        && a.size == b.size
        && a.requires_python == b.requires_python
        && a.provenance == b.provenance
}
