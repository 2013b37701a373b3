//! From the path of a request to what it asks for, and back to the links that pages carry.

use bulkhead_core::Sha256;

use super::filename::check_safe;
use super::name::ProjectName;

/// Where the adapter is mounted; redirects name it.
pub const PREFIX: &str = "/pypi/";

/// Longer than any path that a page of ours links to.
const LONGEST: usize = 1024;

/// What a path below [`PREFIX`] asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `simple/`: the list of projects.
    Root,
    /// Another spelling of a page that exists once. Answer 308 with this absolute path.
    Redirect {
        /// The path, from the root of the host; normalised and safe in a header.
        to: String,
    },
    /// `simple/NAME/`: the files of a project.
    Index(ProjectName),
    /// `files/NAME/SHA256/FILENAME`: one file.
    File {
        /// The project.
        project: ProjectName,
        /// The digest that the page promised.
        digest: Sha256,
        /// The file name, decoded.
        file_name: String,
    },
    /// `files/NAME/SHA256/FILENAME.metadata`: the metadata inside one file (PEP 658).
    Metadata {
        /// The project.
        project: ProjectName,
        /// The digest of the file, not of the metadata.
        digest: Sha256,
        /// The file's name, decoded, without `.metadata`.
        file_name: String,
    },
}

/// The path asks for nothing that exists, or is written so that two readers could understand two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The path is too long.
    #[error("the path is longer than 1024 bytes")]
    TooLong,
    /// The path is malformed or ambiguous.
    #[error("the path {0}")]
    Malformed(&'static str),
    /// Nothing is at this path.
    #[error("nothing is at this path: projects are at simple/NAME/")]
    NotFound,
}

impl RouteError {
    /// The HTTP status that says it: 400, 404 or 414.
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::NotFound => 404,
            Self::TooLong => 414,
        }
    }
}

/// Reads the path behind [`PREFIX`], still percent-encoded and without the query.
///
/// # Errors
/// [`RouteError`]: dot segments and separators in any encoding, empty segments, control characters, bytes outside
/// ASCII and double encoding are refused rather than repaired, so that no two readers of a path can disagree.
pub fn route(path: &str) -> Result<Route, RouteError> {
    if path.len() > LONGEST {
        return Err(RouteError::TooLong);
    }
    let (segments, slash) = match path.strip_suffix('/') {
        Some(rest) => (rest, true),
        None => (path, false),
    };
    let raw: Vec<&str> = segments.split('/').collect();
    let mut decoded = Vec::with_capacity(raw.len());
    for segment in &raw {
        decoded.push(decode(segment)?);
    }
    let decoded: Vec<&str> = decoded.iter().map(String::as_str).collect();
    match *decoded.as_slice() {
        ["simple"] if slash => Ok(Route::Root),
        ["simple"] => Ok(Route::Redirect { to: format!("{PREFIX}simple/") }),
        ["simple", name] => {
            let project = ProjectName::parse(name).map_err(|_| RouteError::NotFound)?;
            // The spelling on the wire decides, so that `%66oo` is not served as a second copy of `foo`.
            if slash && raw.get(1) == Some(&project.as_str()) {
                Ok(Route::Index(project))
            } else {
                Ok(Route::Redirect { to: format!("{PREFIX}simple/{project}/") })
            }
        }
        ["files", name, digest, file_name] if !slash => file(name, digest, file_name),
        _ => Err(RouteError::NotFound),
    }
}

/// The path of a file below [`PREFIX`]: what [`route`] reads back.
pub fn file_path(project: &ProjectName, digest: &Sha256, file_name: &str) -> String {
    let mut path = String::new();
    append_file_path(&mut path, project, digest, file_name);
    path
}

/// The path of a file's metadata below [`PREFIX`].
pub fn metadata_path(project: &ProjectName, digest: &Sha256, file_name: &str) -> String {
    file_path(project, digest, file_name) + ".metadata"
}

/// The link to a file as a project page carries it: relative, so that a page is the same under whatever host and
/// scheme the client reached Bulkhead by (clients resolve it before they write a lockfile).
pub fn file_link(project: &ProjectName, digest: &Sha256, file_name: &str) -> String {
    let mut link = String::with_capacity(160);
    link.push_str("../../");
    append_file_path(&mut link, project, digest, file_name);
    link
}

fn append_file_path(out: &mut String, project: &ProjectName, digest: &Sha256, file_name: &str) {
    out.reserve(80 + project.as_str().len() + file_name.len());
    out.extend(["files/", project.as_str(), "/"]);
    out.extend(digits(digest).map(char::from));
    out.push('/');
    encode_into(file_name, out);
}

/// 64 lower-case hexadecimal digits. A page carries two per file, so they are not formatted byte by byte.
pub(super) fn digits(digest: &Sha256) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes = digest.as_bytes();
    std::array::from_fn(|at| {
        let byte = bytes[at / 2];
        DIGITS[usize::from(if at % 2 == 0 { byte >> 4 } else { byte & 15 })]
    })
}

fn file(name: &str, digest: &str, file_name: &str) -> Result<Route, RouteError> {
    let project = ProjectName::parse(name).map_err(|_| RouteError::NotFound)?;
    let digest: Sha256 = digest.parse().map_err(|_| RouteError::NotFound).and_then(|parsed: Sha256| {
        // One path per file: caches and entries key on it.
        if parsed.to_hex() == digest && project.as_str() == name { Ok(parsed) } else { Err(RouteError::NotFound) }
    })?;
    let (file_name, metadata) = match file_name.strip_suffix(".metadata") {
        Some(of) => (of, true),
        None => (file_name, false),
    };
    check_safe(file_name).map_err(|_| RouteError::Malformed("does not end in a file name"))?;
    if file_name.ends_with(".metadata") {
        return Err(RouteError::NotFound);
    }
    let file_name = file_name.to_owned();
    Ok(if metadata {
        Route::Metadata { project, digest, file_name }
    } else {
        Route::File { project, digest, file_name }
    })
}

/// Decodes one segment, once. What it lets through contains no separator, no `%`, no control character and is no dot
/// segment.
fn decode(segment: &str) -> Result<String, RouteError> {
    let mut out = String::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'%' {
            let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
            let (high, low) = (digit(), digit());
            let (Some(high), Some(low)) = (high, low) else {
                return Err(RouteError::Malformed("has a percent sign without two hexadecimal digits"));
            };
            u8::try_from(high * 16 + low).expect("invariant: two hexadecimal digits are one byte")
        } else if matches!(byte, b' ' | b'?' | b'#' | b'"' | b'<' | b'>') {
            return Err(RouteError::Malformed("has a character that must be percent-encoded"));
        } else {
            byte
        };
        match byte {
            b'/' | b'\\' => return Err(RouteError::Malformed("has a path separator inside a segment")),
            b'%' => return Err(RouteError::Malformed("is percent-encoded twice")),
            0x20..0x7f => out.push(char::from(byte)),
            _ => return Err(RouteError::Malformed("has characters outside printable ASCII")),
        }
    }
    match out.as_str() {
        "" => Err(RouteError::Malformed("has an empty segment")),
        "." | ".." => Err(RouteError::Malformed("has a dot segment")),
        _ => Ok(out),
    }
}

/// Percent-encodes a file name as one path segment. `+` and `!` are encoded although RFC 3986 allows them bare: some
/// servers and caches read `+` as a space.
fn encode_into(file_name: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in file_name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}
