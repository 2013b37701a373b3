//! Package URLs (the PURL specification), existing only in canonical form.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name of a package, in bytes; of a scope or an owner as well.
const LONGEST_NAME: usize = 214;

/// The ecosystems whose names Bulkhead can normalise; the purl `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    /// Python packages.
    Pypi,
    /// JavaScript packages.
    Npm,
    /// Rust packages.
    Cargo,
    /// Models and datasets.
    Huggingface,
}

impl Ecosystem {
    /// Every ecosystem.
    pub const ALL: [Self; 4] = [Self::Pypi, Self::Npm, Self::Cargo, Self::Huggingface];

    /// The purl type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pypi => "pypi",
            Self::Npm => "npm",
            Self::Cargo => "cargo",
            Self::Huggingface => "huggingface",
        }
    }

    /// The name that OSV records use for it.
    pub fn osv_name(self) -> &'static str {
        match self {
            Self::Pypi => "PyPI",
            Self::Npm => "npm",
            Self::Cargo => "crates.io",
            Self::Huggingface => "Hugging Face",
        }
    }

    /// The canonical form of a package name, or nothing when the name cannot exist there. For PyPI: PEP 503.
    pub fn normalise(self, name: &str) -> Option<String> {
        let good = |name: &str, extra: &[u8]| {
            !name.is_empty()
                && name.len() <= LONGEST_NAME
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte))
        };
        match self {
            Self::Pypi => {
                let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
                if !good(name, b"-_.") || !edge(name.bytes().next()) || !edge(name.bytes().last()) {
                    return None;
                }
                let mut out = String::with_capacity(name.len());
                for char in name.chars() {
                    match char {
                        '-' | '_' | '.' if out.ends_with('-') => {}
                        '-' | '_' | '.' => out.push('-'),
                        other => out.push(other.to_ascii_lowercase()),
                    }
                }
                Some(out)
            }
            Self::Npm => {
                let bare = match name.strip_prefix('@') {
                    Some(scoped) => {
                        let (scope, bare) = scoped.split_once('/')?;
                        (good(scope, b"-_.~") && !scope.starts_with('.')).then_some(bare)?
                    }
                    None => name,
                };
                (good(bare, b"-_.~") && !bare.starts_with('.')).then(|| name.to_owned())
            }
            Self::Cargo => good(name, b"-_").then(|| name.to_owned()),
            Self::Huggingface => {
                let good_part = |part: &str| good(part, b"-_.") && !part.starts_with('.');
                name.split('/').all(good_part).then(|| name.to_owned())
            }
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A package or a package release: `pkg:pypi/litellm`, `pkg:pypi/litellm@1.82.8`. Canonical by construction.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Purl {
    ecosystem: Ecosystem,
    name: String,
    version: Option<String>,
}

/// The text is not a purl that Bulkhead knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PurlError {
    /// It does not begin with `pkg:` and a type and a name.
    #[error("`{0}` is not a package URL: write pkg:TYPE/NAME@VERSION, such as pkg:pypi/litellm@1.82.6")]
    Shape(String),
    /// The type is not one of the ecosystems.
    #[error("`{0}` is not an ecosystem that Bulkhead knows: pypi, npm, cargo or huggingface")]
    Ecosystem(String),
    /// The name cannot exist in that ecosystem.
    #[error("`{name}` cannot be the name of a package of type {ecosystem}")]
    Name {
        /// The ecosystem.
        ecosystem: Ecosystem,
        /// The name as given.
        name: String,
    },
}

impl Purl {
    /// The project, without a version. The name is normalised.
    ///
    /// # Errors
    /// When the name cannot exist in that ecosystem.
    pub fn project(ecosystem: Ecosystem, name: &str) -> Result<Self, PurlError> {
        let canonical = ecosystem
            .normalise(name)
            .ok_or_else(|| PurlError::Name { ecosystem, name: name.chars().take(80).collect() })?;
        Ok(Self { ecosystem, name: canonical, version: None })
    }

    /// The same package at a version. The version is taken as given: its spelling is the ecosystem adapter's business.
    /// An empty one is none.
    #[must_use]
    pub fn at(&self, version: impl Into<String>) -> Self {
        let version = Some(version.into()).filter(|version: &String| !version.is_empty());
        Self { ecosystem: self.ecosystem, name: self.name.clone(), version }
    }

    /// Whether the text is the canonical form of a purl: whether reading it and writing it again gives the same.
    pub fn is_canonical(text: &str) -> bool {
        is_plainly_canonical(text) || text.parse().is_ok_and(|purl: Self| purl.to_string() == text)
    }

    /// The ecosystem.
    pub fn ecosystem(&self) -> Ecosystem {
        self.ecosystem
    }

    /// The canonical name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version, when it names a release.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

impl FromStr for Purl {
    type Err = PurlError;

    /// Reads `pkg:type/name[@version]`; qualifiers and subpath are dropped, percent-encoding is decoded.
    fn from_str(text: &str) -> Result<Self, PurlError> {
        let shape = || PurlError::Shape(text.chars().take(120).collect());
        let rest = text.strip_prefix("pkg:").ok_or_else(shape)?;
        let rest = rest.split(['?', '#']).next().unwrap_or(rest);
        let (kind, rest) = rest.trim_start_matches('/').split_once('/').ok_or_else(shape)?;
        let ecosystem = Ecosystem::ALL
            .into_iter()
            .find(|ecosystem| ecosystem.as_str().eq_ignore_ascii_case(kind))
            .ok_or_else(|| PurlError::Ecosystem(kind.chars().take(40).collect()))?;
        // An npm scope may be written with a bare `@`, so the version is behind the last one that is not the first character.
        let (name, version) = match rest.rfind('@') {
            Some(at) if at > 0 => (&rest[..at], Some(&rest[at + 1..])),
            _ => (rest, None),
        };
        let name = percent_decode(name).ok_or_else(shape)?;
        let purl = Self::project(ecosystem, &name)?;
        match version {
            None => Ok(purl),
            Some("") => Err(shape()),
            Some(version) => Ok(purl.at(percent_decode(version).ok_or_else(shape)?)),
        }
    }
}

/// The purls of every day, told without allocating: names of lower-case letters, digits and single hyphens, which all
/// ecosystems leave as they are, and versions in which nothing is percent-encoded.
fn is_plainly_canonical(text: &str) -> bool {
    let Some((kind, rest)) = text.strip_prefix("pkg:").and_then(|rest| rest.split_once('/')) else { return false };
    let (name, version) = rest.split_once('@').map_or((rest, None), |(name, version)| (name, Some(version)));
    let mut before = b'-';
    let names = name.bytes().all(|byte| {
        let good = byte.is_ascii_lowercase() || byte.is_ascii_digit() || (byte == b'-' && before != b'-');
        before = byte;
        good
    });
    let good_version =
        |version: &str| !version.is_empty() && version.bytes().all(|byte| is_bare_in_version(char::from(byte)));
    Ecosystem::ALL.iter().any(|ecosystem| ecosystem.as_str() == kind)
        && names
        && before != b'-'
        && name.len() <= LONGEST_NAME
        && version.is_none_or(good_version)
}

/// Whether a version's character is written as it is.
fn is_bare_in_version(char: char) -> bool {
    char.is_ascii_alphanumeric() || ".-_~:".contains(char)
}

fn percent_decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/{}", self.ecosystem, self.name.replace('@', "%40"))?;
        let Some(version) = &self.version else { return Ok(()) };
        f.write_str("@")?;
        for char in version.chars() {
            match char {
                char if is_bare_in_version(char) => write!(f, "{char}")?,
                other => {
                    let mut buffer = [0; 4];
                    for byte in other.encode_utf8(&mut buffer).bytes() {
                        write!(f, "%{byte:02X}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Purl({self})")
    }
}

impl Serialize for Purl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Purl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
