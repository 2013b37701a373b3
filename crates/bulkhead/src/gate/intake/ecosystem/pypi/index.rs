//! A project page as types, whichever form it came in.

use bulkhead_core::Sha256;
use jiff::Timestamp;

use super::name::ProjectName;
use super::raw_json::Extra;
use super::reference::{FileUrl, ReferenceError};

/// The files of a project, as its upstream lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectIndex {
    /// The project that the page says it is about; from the page's address when the form has no place for a name.
    pub name: ProjectName,
    /// The version of the API that the upstream speaks.
    pub api_version: ApiVersion,
    /// The project's status (PEP 792), when the page tells one. None means `active`.
    pub status: Option<ProjectStatus>,
    /// Keys of `meta` that Bulkhead does not know, and `tracks` (PEP 708).
    pub meta_extra: Extra,
    /// Keys of the page that Bulkhead does not know, and `alternate-locations` (PEP 708).
    pub extra: Extra,
    /// The files, in the upstream's order.
    pub files: Vec<IndexFile>,
    /// Every version of the project in the upstream's spelling and order (PEP 700), when the page tells them.
    pub versions: Option<Vec<Box<str>>>,
    /// Entries that cannot be represented and so cannot be served. Their absence is not silence: report them.
    pub refused: Vec<Refused>,
}

/// `meta.api-version`, whose major is 1 (PEP 629: a reader must refuse another major).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiVersion {
    /// The minor.
    pub minor: u16,
}

/// A project's status (PEP 792).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectStatus {
    /// `active`, `archived`, `quarantined`, `deprecated`, or a word that is newer than this program.
    pub status: Box<str>,
    /// Why, in the index's words.
    pub reason: Option<Box<str>>,
}

impl ProjectStatus {
    /// Whether the index considers the project unsafe to use.
    pub fn is_quarantined(&self) -> bool {
        self.status.trim().eq_ignore_ascii_case("quarantined")
    }
}

/// One file of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// The file name: printable ASCII, no separator, at most 255 bytes. Not yet known to be of this project: see
    /// [`super::FileName::parse`].
    pub filename: Box<str>,
    /// Where the upstream has it: absolute, resolved against the page.
    pub url: FileUrl,
    /// The digests that the page promises.
    pub hashes: Hashes,
    /// The Python versions it is for, unparsed.
    pub requires_python: Option<Box<str>>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// When it was uploaded.
    pub upload_time: UploadTime,
    /// Whether it was taken back (PEP 592).
    pub yanked: Yanked,
    /// Whether the upstream offers its metadata as a file of its own (PEP 658, 714).
    pub core_metadata: CoreMetadata,
    /// Where the upstream has its attestations (PEP 740): absolute.
    pub provenance: Option<FileUrl>,
    /// Whether the upstream has a signature beside it. Not passed on: Bulkhead does not serve one.
    pub gpg_sig: Option<bool>,
    /// The page lists this file name more than once and the entries disagree, so that nobody can say which is meant.
    /// Withhold every one of them.
    pub conflicting: bool,
    /// Keys that Bulkhead does not know.
    pub extra: Extra,
}

impl IndexFile {
    /// The SHA-256 that the page promises, when it promises one.
    pub fn sha256(&self) -> Option<Sha256> {
        self.hashes.sha256
    }
}

/// The digests of a file. Other algorithms than SHA-256 are passed on and prove nothing here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hashes {
    /// SHA-256. A malformed one is none.
    pub sha256: Option<Sha256>,
    /// Other algorithms: name and hexadecimal digest, in the upstream's order.
    pub others: Vec<(Box<str>, Box<str>)>,
}

impl Hashes {
    /// Adds one digest; malformed ones are dropped, as a digest that cannot match promises nothing.
    pub(super) fn add(&mut self, algorithm: &str, digest: &str) {
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        if algorithm == "sha256" {
            self.sha256 = self.sha256.or_else(|| digest.parse().ok());
        } else if !algorithm.is_empty()
            && algorithm.len() <= 32
            && algorithm.bytes().all(named)
            && !digest.is_empty()
            && digest.len() <= 256
            && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !self.others.iter().any(|(known, _)| &**known == algorithm)
        {
            self.others.push((algorithm.into(), digest.into()));
        }
    }
}

/// When a file was uploaded, or why that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadTime {
    /// The page does not say.
    Absent,
    /// At this time.
    At {
        /// The instant.
        at: Timestamp,
        /// As the upstream wrote it: some clients read only the exact shape that PEP 700 prescribes.
        text: Box<str>,
    },
    /// The page says something that is not an instant (RFC 3339): no zone, no such day.
    Malformed(Box<str>),
}

impl UploadTime {
    /// Reads RFC 3339 with a zone. Anything looser is malformed, not guessed.
    pub(super) fn read(text: &str) -> Self {
        match text.parse() {
            Ok(at) if is_rfc_3339(text.as_bytes()) => Self::At { at, text: text.into() },
            _ => Self::Malformed(text.chars().take(80).collect()),
        }
    }

    /// The instant, when it is known.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::At { at, .. } => Some(*at),
            Self::Absent | Self::Malformed(_) => None,
        }
    }
}

/// `2026-03-24T10:52:00.123456Z`, with `+02:00` for `Z` and 1 to 9 digits of fraction or none.
fn is_rfc_3339(text: &[u8]) -> bool {
    let shape = |text: &[u8], shape: &[u8]| {
        text.len() == shape.len()
            && text.iter().zip(shape).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                b'+' => matches!(byte, b'+' | b'-'),
                wanted => byte == wanted,
            })
    };
    let Some((head, rest)) = text.split_at_checked(19) else { return false };
    let zone = match rest.strip_prefix(b".") {
        Some(rest) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return false;
            }
            &rest[digits..]
        }
        None => rest,
    };
    shape(head, b"0000-00-00T00:00:00") && (zone == b"Z" || shape(zone, b"+00:00"))
}

/// Whether a file was taken back (PEP 592).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Yanked {
    /// It was not.
    No,
    /// It was, without a reason.
    Yes,
    /// It was, with a reason.
    Because(Box<str>),
}

impl Yanked {
    /// Whether it was taken back.
    pub fn is_yanked(&self) -> bool {
        *self != Self::No
    }

    pub(super) fn because(reason: &str) -> Self {
        if reason.is_empty() { Self::Yes } else { Self::Because(reason.into()) }
    }
}

/// Whether a file's metadata can be had as a file of its own (PEP 658, 714).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoreMetadata {
    /// It cannot.
    Unavailable,
    /// It can.
    Available,
    /// It can, and it has this digest.
    WithDigest(Sha256),
}

/// An entry of a page that is not served, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {position} (`{named}`): {why}")]
pub struct Refused {
    /// Its place on the page, from 0.
    pub position: usize,
    /// Its file name or link, cut to 80 characters and escaped.
    pub named: String,
    /// Why.
    pub why: RefusedWhy,
}

/// Why an entry is not served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedWhy {
    /// The file name cannot be served.
    #[error("the file name {0}")]
    FileName(&'static str),
    /// The link leads nowhere that can be fetched.
    #[error(transparent)]
    Link(#[from] ReferenceError),
    /// The link to its attestations leads nowhere that can be fetched.
    #[error("provenance: {0}")]
    Provenance(ReferenceError),
    /// The entry is not text in UTF-8.
    #[error("it is not UTF-8")]
    Encoding,
}
