//! What a distribution's file name says: project, version, kind (PEP 427, PEP 625, and the older habits).

use super::name::{ProjectName, shown};
use super::version::{Version, parse_version};

/// A file name, read as a distribution of one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    kind: FileKind,
    version_text: Box<str>,
    version: Option<Version>,
    build: Option<Box<str>>,
}

/// The kinds of file that a simple page lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    /// A wheel (PEP 427).
    Wheel,
    /// A source distribution in any archive form (PEP 625 and older).
    Sdist,
    /// An egg.
    Egg,
    /// Anything else: Windows installers, RPMs, signatures. No client of today installs these.
    Other,
}

impl FileKind {
    /// The word used in facts and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wheel => "wheel",
            Self::Sdist => "sdist",
            Self::Egg => "egg",
            Self::Other => "other",
        }
    }
}

/// The file name does not say what a file of the project must say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// It cannot stand as one segment of a path, or deceives whoever reads it.
    #[error("file name `{name}` {why}")]
    Unsafe {
        /// The name, cut and escaped.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file of another project.
    #[error("`{name}` is not a file of {project}")]
    OtherProject {
        /// The name, cut and escaped.
        name: String,
        /// The project that was asked for.
        project: ProjectName,
    },
    /// The extension says one kind, and the rest does not have its parts.
    #[error("`{name}` is not named as {kind} must be")]
    Parts {
        /// The name, cut and escaped.
        name: String,
        /// What the extension says, with its article.
        kind: &'static str,
    },
    /// The version cannot be read.
    #[error("`{name}`: `{version}` is not a version (PEP 440)")]
    Version {
        /// The name, cut and escaped.
        name: String,
        /// The part where the version stands.
        version: String,
    },
}

/// Longest first, so that `.tar.gz` is not taken for something before `.gz`.
const SDIST: [&str; 10] =
    [".tar.gz", ".tar.bz2", ".tar.xz", ".tar.lzma", ".tar.zst", ".tar.Z", ".tgz", ".tbz", ".tar", ".zip"];

impl FileName {
    /// Reads a file name as a distribution of `project`.
    ///
    /// # Errors
    /// When the name is unsafe, belongs to another project, or is a wheel, sdist or egg without a readable version.
    pub fn parse(file_name: &str, project: &ProjectName) -> Result<Self, FileNameError> {
        check_safe(file_name)?;
        if let Some(stem) = strip_extension(file_name, ".whl") {
            return wheel(file_name, stem, project);
        }
        if let Some(stem) = SDIST.iter().find_map(|extension| strip_extension(file_name, extension)) {
            return sdist(file_name, stem, project);
        }
        if let Some(stem) = strip_extension(file_name, ".egg") {
            return egg(file_name, stem, project);
        }
        other(file_name, project)
    }

    /// What kind of file it is.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// The version as the file name spells it. Empty for [`FileKind::Other`], whose names follow no rule.
    pub fn version_text(&self) -> &str {
        &self.version_text
    }

    /// The version. Absent only for [`FileKind::Other`].
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// A wheel's build tag.
    pub fn build(&self) -> Option<&str> {
        self.build.as_deref()
    }
}

/// Checks that a name can stand as one segment of a path, in a header and in a terminal: 1 to 255 printable ASCII
/// characters, no separator, no `%` (which would be decoded once more by whoever comes next), no leading dot.
///
/// # Errors
/// [`FileNameError::Unsafe`], with what is wrong.
pub(super) fn check_safe(name: &str) -> Result<(), FileNameError> {
    let why = if name.is_empty() {
        "is empty"
    } else if name.len() > 255 {
        "is longer than 255 bytes"
    } else if name.starts_with('.') {
        "begins with a dot"
    } else if name.starts_with(' ') || name.ends_with(' ') {
        "begins or ends with a space"
    } else if name.bytes().any(|byte| matches!(byte, b'/' | b'\\')) {
        "contains a path separator"
    } else if name.contains('%') {
        "contains a percent sign"
    } else if !name.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        "contains characters outside printable ASCII"
    } else {
        return Ok(());
    };
    Err(FileNameError::Unsafe { name: shown(name), why })
}

/// PEP 427: `distribution-version(-build)?-python-abi-platform.whl`.
fn wheel(name: &str, stem: &str, project: &ProjectName) -> Result<FileName, FileNameError> {
    let parts = || FileNameError::Parts { name: shown(name), kind: "a wheel" };
    let tag_count = stem.matches('-').count();
    if !(4..=5).contains(&tag_count) || stem.split('-').any(str::is_empty) {
        return Err(parts());
    }
    let mut rest = stem.split('-');
    let (distribution, version_text) = (rest.next().ok_or_else(parts)?, rest.next().ok_or_else(parts)?);
    let build = if tag_count == 5 { rest.next() } else { None };
    if build.is_some_and(|build| !build.starts_with(|first: char| first.is_ascii_digit())) {
        return Err(parts());
    }
    if !project.is_spelled(distribution) {
        return Err(FileNameError::OtherProject { name: shown(name), project: project.clone() });
    }
    // The wheel format writes `_` for `-`, so `1.0-1` may arrive as `1.0_1`.
    let version = parse_version(version_text)
        .or_else(|| version_text.contains('_').then(|| parse_version(&version_text.replace('_', "-"))).flatten())
        .ok_or_else(|| no_version(name, version_text))?;
    Ok(FileName {
        kind: FileKind::Wheel,
        version_text: version_text.into(),
        version: Some(version),
        build: build.map(Into::into),
    })
}

/// `name-version.ext`. Old names keep their own `-`, so the place to split is where the project's name ends.
fn sdist(name: &str, stem: &str, project: &ProjectName) -> Result<FileName, FileNameError> {
    let version_text = stem
        .match_indices('-')
        .find_map(|(at, _)| project.is_spelled(&stem[..at]).then_some(&stem[at + 1..]))
        .ok_or_else(|| FileNameError::OtherProject { name: shown(name), project: project.clone() })?;
    let version = parse_version(version_text).ok_or_else(|| no_version(name, version_text))?;
    Ok(FileName { kind: FileKind::Sdist, version_text: version_text.into(), version: Some(version), build: None })
}

/// `name-version(-pyX.Y(-platform)?)?.egg`, where name and version write `_` for `-`.
fn egg(name: &str, stem: &str, project: &ProjectName) -> Result<FileName, FileNameError> {
    let mut parts = stem.split('-');
    let distribution = parts.next().unwrap_or_default();
    if !project.is_spelled(distribution) {
        return Err(FileNameError::OtherProject { name: shown(name), project: project.clone() });
    }
    let version_text = parts.next().ok_or_else(|| FileNameError::Parts { name: shown(name), kind: "an egg" })?;
    let version = parse_version(version_text)
        .or_else(|| parse_version(&version_text.replace('_', "-")))
        .ok_or_else(|| no_version(name, version_text))?;
    Ok(FileName { kind: FileKind::Egg, version_text: version_text.into(), version: Some(version), build: None })
}

/// No rule names these; the least that is asked is that the name begins with the project's.
fn other(name: &str, project: &ProjectName) -> Result<FileName, FileNameError> {
    let begins_with_project =
        name.match_indices(['-', '_', '.']).any(|(at, _)| project.is_spelled(&name[..at])) || project.is_spelled(name);
    if !begins_with_project {
        return Err(FileNameError::OtherProject { name: shown(name), project: project.clone() });
    }
    Ok(FileName { kind: FileKind::Other, version_text: "".into(), version: None, build: None })
}

/// The name without the extension, which clients compare without regard to case.
fn strip_extension<'a>(name: &'a str, extension: &str) -> Option<&'a str> {
    let at = name.len().checked_sub(extension.len())?;
    (at > 0 && name.as_bytes()[at..].eq_ignore_ascii_case(extension.as_bytes())).then(|| &name[..at])
}

fn no_version(name: &str, version: &str) -> FileNameError {
    FileNameError::Version { name: shown(name), version: shown(version) }
}
