//! Wheels and sdists built in memory: valid unless a test asks for something else, and inert.

use base64::Engine;

use super::archive::{self, Method};

/// A pure Python wheel, being put together.
#[derive(Debug, Clone)]
pub struct Wheel {
    name: String,
    version: String,
    tag: String,
    requires: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
}

impl Wheel {
    /// A wheel with one module that says its version, and does something: what does nothing is held.
    pub fn new(name: &str, version: &str) -> Self {
        let module = format!("{}/__init__.py", snake(name));
        let content =
            format!("__version__ = \"{version}\"\n\n\ndef upper(text):\n    return text.upper()\n").into_bytes();
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            tag: "py3-none-any".to_owned(),
            requires: Vec::new(),
            files: vec![(module, content)],
        }
    }

    /// Needs another package, as a requirement (`idna>=2`).
    pub fn requires(mut self, requirement: &str) -> Self {
        self.requires.push(requirement.to_owned());
        self
    }

    /// Holds another file.
    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.push((path.to_owned(), content.as_ref().to_vec()));
        self
    }

    /// Holds a module of that many bytes that do not compress: a large wheel.
    pub fn padded(self, bytes: usize) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .take(bytes)
        .collect();
        let path = format!("{}/data.bin", snake(&self.name));
        self.file(&path, noise)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn file_name(&self) -> String {
        format!("{}-{}-{}.whl", snake(&self.name), self.version, self.tag)
    }

    /// The METADATA file inside (core metadata 2.1).
    pub fn metadata(&self) -> Vec<u8> {
        let mut text = format!("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", self.name, self.version);
        for requirement in &self.requires {
            text.push_str(&format!("Requires-Dist: {requirement}\n"));
        }
        text.push_str("\nA fixture.\n");
        text.into_bytes()
    }

    /// The archive, with METADATA, WHEEL and a RECORD whose digests are right.
    pub fn build(&self) -> Vec<u8> {
        let folder = format!("{}-{}.dist-info", snake(&self.name), self.version);
        let mut members = self.files.clone();
        members.push((format!("{folder}/METADATA"), self.metadata()));
        let wheel = format!("Wheel-Version: 1.0\nGenerator: fixture\nRoot-Is-Purelib: true\nTag: {}\n", self.tag);
        members.push((format!("{folder}/WHEEL"), wheel.into_bytes()));
        let record = format!("{folder}/RECORD");
        let mut rows: String = members.iter().map(|(path, content)| row(path, content)).collect();
        rows.push_str(&format!("{record},,\n"));
        members.push((record, rows.into_bytes()));
        archive::zip(&members, Method::Deflated)
    }
}

/// One line of RECORD.
fn row(path: &str, content: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    let digest = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest.as_ref());
    format!("{path},sha256={digest},{}\n", content.len())
}

/// A source distribution, being put together. Clients that build it need a back end; tests only fetch it.
#[derive(Debug, Clone)]
pub struct Sdist {
    name: String,
    version: String,
    files: Vec<(String, Vec<u8>)>,
}

impl Sdist {
    /// An sdist with PKG-INFO, a pyproject.toml and a module that does something.
    pub fn new(name: &str, version: &str) -> Self {
        let info = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nA fixture.\n");
        let project = format!("[project]\nname = \"{name}\"\nversion = \"{version}\"\n");
        let files = vec![
            ("PKG-INFO".to_owned(), info.into_bytes()),
            ("pyproject.toml".to_owned(), project.into_bytes()),
            (format!("{}.py", snake(name)), b"def upper(text):\n    return text.upper()\n".to_vec()),
        ];
        Self { name: name.to_owned(), version: version.to_owned(), files }
    }

    /// Holds another file.
    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.push((path.to_owned(), content.as_ref().to_vec()));
        self
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn file_name(&self) -> String {
        format!("{}-{}.tar.gz", snake(&self.name), self.version)
    }

    pub fn build(&self) -> Vec<u8> {
        let folder = format!("{}-{}", snake(&self.name), self.version);
        let members: Vec<_> =
            self.files.iter().map(|(path, content)| (format!("{folder}/{path}"), content.clone())).collect();
        archive::tar_gz(&members)
    }
}

/// The name as file names spell it: runs of `-`, `_` and `.` become one `_`, in lower case.
fn snake(name: &str) -> String {
    normalise(name).replace('-', "_")
}

/// The normalised project name (PEP 503).
pub fn normalise(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}
