//! An installed Python environment: each distribution against its RECORD, and what no RECORD knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_core::{Confidence, Ecosystem, Finding, FindingContext, Location, Purl, Severity};
use bulkhead_detect::ArchiveKind;

use super::pack::Pack;
use super::{LARGEST, Parcel, walk};

/// Findings of one kind per distribution.
const SHOWN: usize = 20;

/// A site-packages folder.
#[derive(Debug)]
pub struct Site {
    /// The folder.
    pub root: PathBuf,
    /// Distributions, by folder.
    pub distributions: Vec<Distribution>,
    /// Files that no RECORD lists.
    pub unrecorded: Vec<PathBuf>,
}

/// One installed distribution.
#[derive(Debug, Clone)]
pub struct Distribution {
    /// Its name, as METADATA spells it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its `.dist-info` folder.
    pub info: String,
    /// What RECORD lists: the path as written, where it is relative to the site, and the SHA-256.
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    path: String,
    /// Relative to the site when it lies below it.
    inside: Option<PathBuf>,
    sha256: Option<Vec<u8>>,
}

/// Reads which distributions a site-packages folder holds.
///
/// # Errors
/// When the folder cannot be read.
pub fn read(root: &Path) -> io::Result<Site> {
    let files = walk::files(root, &|path| walk::is_cache(path))?;
    let infos: BTreeSet<&str> = files
        .iter()
        .filter_map(|path| path.parent()?.to_str())
        .filter(|folder| folder.ends_with(".dist-info") && !folder.contains('/'))
        .collect();
    let mut distributions = Vec::new();
    for info in infos {
        let folder = root.join(info);
        let metadata = fs::read(folder.join("METADATA")).unwrap_or_default();
        let stem = info.trim_end_matches(".dist-info");
        let (name, version) = stem.rsplit_once('-').unwrap_or((stem, "0"));
        let field = |field: &str| header(&metadata, field);
        let record = fs::read_to_string(folder.join("RECORD")).unwrap_or_default();
        distributions.push(Distribution {
            name: field("Name").unwrap_or_else(|| name.to_owned()),
            version: field("Version").unwrap_or_else(|| version.to_owned()),
            info: info.to_owned(),
            rows: record.lines().filter_map(row).collect(),
        });
    }
    let recorded: BTreeSet<&Path> =
        distributions.iter().flat_map(|found| &found.rows).filter_map(|row| row.inside.as_deref()).collect();
    let unrecorded = files.iter().filter(|path| !recorded.contains(path.as_path()) && !is_expected(path)).cloned();
    let unrecorded: Vec<PathBuf> = unrecorded.collect();
    Ok(Site { root: root.to_owned(), distributions, unrecorded })
}

/// What installers and tools leave beside distributions, and what is no code.
fn is_expected(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let info = path.parent().and_then(Path::to_str).is_some_and(|folder| folder.ends_with(".dist-info"));
    info || matches!(&*name, "README.txt" | ".lock" | "CACHEDIR.TAG" | ".gitignore") || name.ends_with(".pyc")
}

impl Site {
    /// The distribution as the wheel that it was, with what differs from RECORD.
    ///
    /// # Errors
    /// When it cannot be read or is too large.
    pub fn parcel(&self, found: &Distribution) -> io::Result<Parcel> {
        let (mut findings, mut passed_over) = (Vec::new(), Vec::new());
        let mut pack = Wheel::new(&found.name, &found.version)?;
        for row in &found.rows {
            let Some(inside) = &row.inside else { continue };
            let path = self.root.join(inside);
            let Ok(metadata) = fs::symlink_metadata(&path) else {
                if row.sha256.is_some() && findings.len() < SHOWN {
                    findings.push(differs(&row.path, Severity::Low, "RECORD lists this file, and it is gone"));
                }
                continue;
            };
            if !metadata.is_file() || row.path.ends_with(".pyc") {
                continue;
            }
            if wanted(&row.path) && metadata.len() > LARGEST {
                passed_over.push(row.path.to_string());
            }
            let wanted = wanted(&row.path) && metadata.len() <= LARGEST;
            let (content, sha256) = read_file(&path, wanted)?;
            if row.sha256.as_ref().is_some_and(|recorded| *recorded != sha256) && findings.len() < SHOWN {
                let says = "this file was changed after it was installed: its SHA-256 is not the one in RECORD";
                findings.push(differs(&row.path, Severity::High, says));
            }
            if wanted && !row.path.ends_with(".dist-info/RECORD") && !is_known_start(inside, &content) {
                pack.add(&super::walk::spelled(inside), &content, &sha256)?;
            }
        }
        let purl =
            Purl::project(Ecosystem::Pypi, &found.name).ok().map(|project| project.at(&found.version).to_string());
        Ok(Parcel {
            name: format!("{} {}", found.name, found.version),
            purl,
            kind: ArchiveKind::Wheel,
            file_name: pack.file_name(),
            file: pack.finish(&found.info)?,
            findings,
            advice: Some(format!(
                "reinstall {} from a trusted index and compare: what is installed is not what was published, or was never good",
                found.name
            )),
            made: true,
            passed_over,
        })
    }

    /// What no RECORD lists, as one wheel of nobody's.
    ///
    /// # Errors
    /// When it cannot be read or is too large.
    pub fn unrecorded(&self) -> io::Result<Option<Parcel>> {
        let mut pack = Wheel::new("unrecorded", "0")?;
        let (mut any, mut passed_over) = (false, Vec::new());
        for path in &self.unrecorded {
            let full = self.root.join(path);
            let spelled = walk::spelled(path);
            if !wanted(&spelled) {
                continue;
            }
            if fs::symlink_metadata(&full)?.len() > LARGEST {
                passed_over.push(spelled.to_string());
                any = true;
                continue;
            }
            let (content, sha256) = read_file(&full, true)?;
            if is_known_start(path, &content) {
                continue;
            }
            pack.add(&spelled, &content, &sha256)?;
            any = true;
        }
        if !any {
            return Ok(None);
        }
        let (file_name, info) = (pack.file_name(), "unrecorded-0.dist-info");
        Ok(Some(Parcel {
            name: "files that no installed package lists".to_owned(),
            purl: None,
            kind: ArchiveKind::Wheel,
            file_name,
            file: pack.finish(info)?,
            findings: Vec::new(),
            advice: Some(format!(
                "no installed package claims this file: look at it in {}, remove it, find out what wrote it, and treat every \
                 credential that this environment could read as stolen",
                self.root.display()
            )),
            made: true,
            passed_over,
        }))
    }
}

/// Code and what starts it; models, tables and machine code are compared with RECORD and not packed.
fn wanted(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let ends = [
        ".py",
        ".pyw",
        ".pth",
        ".start",
        ".js",
        ".mjs",
        ".cjs",
        ".ts",
        ".sh",
        ".bash",
        ".ps1",
        ".bat",
        ".cmd",
        ".md",
        ".json",
        ".toml",
        ".cfg",
        ".txt",
        ".pyz",
        ".egg-link",
    ];
    !name.contains('.') || ends.iter().any(|end| name.ends_with(end)) || path.contains(".dist-info/")
}

/// Start-up lines that installers write themselves, byte for byte: virtualenv's, and those of an editable install by
/// setuptools. The module that each imports is read like any other.
fn is_known_start(path: &Path, content: &[u8]) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let Ok(text) = std::str::from_utf8(content) else { return false };
    let text = text.trim_end_matches('\n');
    if name == "_virtualenv.pth" {
        return text == "import _virtualenv";
    }
    let Some(stem) = name.strip_prefix("__editable__.").and_then(|rest| rest.strip_suffix(".pth")) else {
        return false;
    };
    let module: String = stem.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect();
    text == format!("import __editable___{module}_finder; __editable___{module}_finder.install()")
}

fn differs(path: &str, severity: Severity, says: &str) -> Finding {
    Finding {
        detector: "record-mismatch".to_owned(),
        title: says.to_owned(),
        severity,
        confidence: Confidence::High,
        context: FindingContext::Archive,
        location: Some(Location { path: path.chars().filter(|char| !char.is_control()).collect(), line: None }),
        excerpt: None,
    }
}

fn read_file(path: &Path, keep: bool) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut file = fs::File::open(path)?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut kept = Vec::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((kept, context.finish().as_ref().to_vec()));
        }
        context.update(&buffer[..count]);
        if keep {
            kept.extend_from_slice(&buffer[..count]);
        }
    }
}

/// One line of RECORD: `path,sha256=...,size`; a path with a comma stands in quotes.
fn row(line: &str) -> Option<Row> {
    let line = line.trim_end_matches('\r');
    let (path, rest) = match line.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted.rfind("\",")?;
            (quoted[..end].replace("\"\"", "\""), &quoted[end + 2..])
        }
        None => {
            let (path, rest) = line.split_once(',')?;
            (path.to_owned(), rest)
        }
    };
    let sha256 = rest.split(',').next()?.strip_prefix("sha256=").and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    Some(Row { inside: inside(&path), path, sha256 })
}

/// The path below the site, when it does not lead out of it.
fn inside(path: &str) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(part) => out.push(part),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!out.as_os_str().is_empty()).then_some(out)
}

/// The first header of that name in METADATA.
fn header(metadata: &[u8], field: &str) -> Option<String> {
    let text = String::from_utf8_lossy(&metadata[..metadata.len().min(64 << 10)]);
    let line = text.lines().take_while(|line| !line.is_empty()).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(field).then(|| value.trim().to_owned())
    });
    line.filter(|value| !value.is_empty())
}

/// A wheel made of what is installed, with a RECORD of its own.
struct Wheel {
    pack: Pack,
    name: String,
    version: String,
    rows: BTreeMap<String, String>,
}

impl Wheel {
    fn new(name: &str, version: &str) -> io::Result<Self> {
        let plain = |text: &str| text.replace(['-', '/'], "_");
        let pack = Pack::new(ArchiveKind::Wheel)?;
        Ok(Self { pack, name: plain(name), version: plain(version), rows: BTreeMap::new() })
    }

    fn file_name(&self) -> String {
        format!("{}-{}-py3-none-any.whl", self.name, self.version)
    }

    fn add(&mut self, path: &str, content: &[u8], sha256: &[u8]) -> io::Result<()> {
        if self.rows.contains_key(path) {
            return Ok(());
        }
        let quoted =
            if path.contains([',', '"']) { format!("\"{}\"", path.replace('"', "\"\"")) } else { path.to_owned() };
        let line = format!("{quoted},sha256={},{}\n", URL_SAFE_NO_PAD.encode(sha256), content.len());
        self.rows.insert(path.to_owned(), line);
        self.pack.add(path, content)
    }

    fn finish(mut self, info: &str) -> io::Result<fs::File> {
        let metadata = format!("{info}/METADATA");
        if !self.rows.contains_key(&metadata) {
            let text = format!("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", self.name, self.version);
            let sha256 = digest::digest(&digest::SHA256, text.as_bytes());
            self.add(&metadata, text.as_bytes(), sha256.as_ref())?;
        }
        let wheel = format!("{info}/WHEEL");
        if !self.rows.contains_key(&wheel) {
            let text = b"Wheel-Version: 1.0\nGenerator: bulkhead\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
            self.add(&wheel, text, digest::digest(&digest::SHA256, text).as_ref())?;
        }
        let record = format!("{info}/RECORD");
        let mut text: String = self.rows.values().map(String::as_str).collect();
        text.push_str(&format!("{record},,\n"));
        self.pack.add(&record, text.as_bytes())?;
        self.pack.finish()
    }
}
