//! Files that Python executes at every start.

use bulkhead_core::{Confidence, FindingContext, Severity, Sha256};

use super::place;
use crate::archive::{Archive, Entry};
use crate::detector::{Detector, Meta, Want};
use crate::filename::normal_name;
use crate::findings::Findings;
use crate::report::ArchiveKind;

const META: Meta = Meta {
    id: "executable-pth",
    title: "a .pth file with lines that Python executes at every start",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
`site.py` reads every `.pth` file in site-packages at every start of Python and **executes** each line that begins with
`import` and a space or tab. Nothing has to import the package. This is how litellm 1.82.8 ran on every Python start.

Two of 260 popular wheels have such a file, both tiny. They are allowed by project, name and SHA-256 of the whole file;
any other byte is a finding. In a source distribution the severity is medium: whether the file is installed is up to its
build.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo_init.pth
import os; os.getpid()
```

A `.pth` file that only names directories is not executed:

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo.pth
# adds a directory to sys.path
demo_vendor
 import is not at the start of this line
importlib_like_name
```

What to do: refuse the release; if it is an editable install or a coverage hook of your own, allow that one file's digest.
",
};

/// Known start-up lines, byte for byte: project, file name, SHA-256 of the whole file.
const ALLOWED: &[(&str, &str, [u8; 32])] = &[
    // setuptools 51 and later, 151 bytes: selects the bundled distutils.
    (
        "setuptools",
        "distutils-precedence.pth",
        hex(b"2638ce9e2500e572a5e0de7faed6661eb569d1b696fcba07b0dd223da5f5d224"),
    ),
    // coverage 7.10 and later, 205 bytes: measures subprocesses when an environment variable asks for it.
    ("coverage", "a1_coverage.pth", hex(b"ef2ed06d19867ec669c09a804060666a9cd5e383af0a9d11aa2de79b77d448e8")),
];

/// See its `META`.
pub(crate) struct ExecutablePth;

impl Detector for ExecutablePth {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, kind: ArchiveKind, path: &str) -> Want {
        match (is_pth(path), kind) {
            (false, _) => Want::Nothing,
            // Model weights are called .pth as well, but not in the start-up directory.
            (true, ArchiveKind::Wheel | ArchiveKind::Egg) if place::site_file(path).is_some() => Want::All,
            (true, ArchiveKind::Wheel | ArchiveKind::Egg) => Want::Nothing,
            (true, _) => Want::UpTo(1 << 20),
        }
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        for entry in archive.files().filter(|entry| is_pth(&entry.path)) {
            let Some(content) = &entry.content else { continue };
            if is_allowed(archive, entry) || is_namespace(&entry.path, content) {
                continue;
            }
            look(archive.kind, &entry.path, content, findings);
        }
    }
}

fn look(kind: ArchiveKind, path: &str, content: &[u8], findings: &mut Findings) {
    let severity = if kind.is_sdist() { Severity::Medium } else { Severity::Critical };
    if let Some((line, text)) = executed(content).next() {
        let count = executed(content).count();
        findings
            .report(&META, format!("{count} line(s) of `{path}` are executed at every start of Python"))
            .at(path)
            .line(line)
            .excerpt(text)
            .severity(severity)
            .context(FindingContext::Startup)
            .add();
    } else if std::str::from_utf8(content).is_err() && !kind.is_sdist() {
        findings
            .report(&META, format!("`{path}` is not UTF-8, so what Python executes depends on the machine's locale"))
            .at(path)
            .excerpt(content)
            .severity(Severity::High)
            .confidence(Confidence::Medium)
            .context(FindingContext::Startup)
            .add();
    }
}

/// The lines that `site.py` of some supported Python executes: number from 1 and text.
///
/// Pythons before 3.13 read text in the locale's encoding with universal line ends; from 3.13 on it is UTF-8, or else the
/// locale's, a leading byte order mark is dropped, and `str.splitlines` also ends lines at form feeds, separators and NEL.
/// A line counts if any of them would execute it.
pub(crate) fn executed(content: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut number = 1;
    let mut last = 0;
    content
        .split(|byte| {
            // 0x85 is NEL in Latin-1 and the end of NEL in UTF-8; 0xa8 and 0xa9 end U+2028 and U+2029.
            matches!(byte, b'\n' | b'\r' | 0x0b | 0x0c | 0x1c..=0x1e | 0x85 | 0xa8 | 0xa9)
        })
        .filter_map(move |line| {
            let here = number;
            last += line.len();
            let ends = (content.get(last), content.get(last + 1));
            number += u32::from(
                matches!(ends, (Some(b'\n'), _)) || matches!(ends, (Some(b'\r'), next) if next != Some(&b'\n')),
            );
            last += 1;
            (line.starts_with(b"import ") || line.starts_with(b"import\t")).then_some((here, line))
        })
}

/// Python itself compares the case, but installers on other file systems may change it, and nobody honest writes `.PTH`.
fn is_pth(path: &str) -> bool {
    path.trim_end_matches(['.', ' ']).to_ascii_lowercase().ends_with(".pth")
}

fn is_allowed(archive: &Archive, entry: &Entry) -> bool {
    let project = archive.file_name.as_ref().map(|file| normal_name(&file.name)).unwrap_or_default();
    ALLOWED.iter().any(|(name, file, digest)| {
        *name == project && *file == entry.path && entry.sha256 == Some(Sha256::from_bytes(*digest))
    })
}

/// The lines that setuptools wrote over the years, as [`namespace_line`] has them.
const NAMESPACES: &[&str] = &[
    "importsys,types,os;p=os.path.join(sys._getframe(1).f_locals['sitedir'],*('N',));\
     ie=os.path.exists(os.path.join(p,'__init__.py'));\
     m=notieandsys.modules.setdefault('N',types.ModuleType('N'));\
     mp=(mor[])andm.__dict__.setdefault('__path__',[]);(pnotinmp)andmp.append(p)",
    "importsys,types,os;has_mfs=sys.version_info>(3,5);\
     p=os.path.join(sys._getframe(1).f_locals['sitedir'],*('N',));\
     importlib=has_mfsand__import__('importlib.util');has_mfsand__import__('importlib.machinery');\
     m=has_mfsandsys.modules.setdefault('N',importlib.util.module_from_spec(importlib.machinery.PathFinde\
     r.find_spec('N',[os.path.dirname(p)])));m=morsys.modules.setdefault('N',types.ModuleType('N'));\
     mp=(mor[])andm.__dict__.setdefault('__path__',[]);(pnotinmp)andmp.append(p)",
    "importsys,types,os;p=os.path.join(sys._getframe(1).f_locals['sitedir'],*('N',));\
     importlib=__import__('importlib.util');__import__('importlib.machinery');\
     m=sys.modules.setdefault('N',importlib.util.module_from_spec(importlib.machinery.PathFinder.find_spe\
     c('N',[os.path.dirname(p)])));m=morsys.modules.setdefault('N',types.ModuleType('N'));\
     mp=(mor[])andm.__dict__.setdefault('__path__',[]);(pnotinmp)andmp.append(p)",
];

/// Whether every line is the one by which old setuptools made a namespace package, whatever its name.
fn is_namespace(path: &str, content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else { return false };
    path.ends_with("-nspkg.pth")
        && text.len() < 20_000
        && text.bytes().all(|byte| byte == b'\n' || byte == b'\r' || (b' '..=b'~').contains(&byte))
        && text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .all(|line| NAMESPACES.contains(&namespace_line(line).as_str()))
}

/// The line without blanks, and with one name for all names in quotes that are Python's.
fn namespace_line(line: &str) -> String {
    const FIXED: &[&str] = &["sitedir", "importlib.util", "importlib.machinery", "__path__", "__init__.py"];
    let mut out = String::new();
    for (at, part) in line.split('\'').enumerate() {
        let name = at % 2 == 1;
        let plain =
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
        match name && plain && !FIXED.contains(&part) {
            true => out.push_str("'N'"),
            false if name => out.push_str(&format!("'{part}'")),
            false => out.extend(part.chars().filter(|c| *c != ' ')),
        }
    }
    // The parents of a nested namespace.
    while out.contains("'N','N'") {
        out = out.replace("'N','N'", "'N'");
    }
    out.replace("*('N')", "*('N',)").replace(";mandsetattr(sys.modules['N'],'N',m)", "")
}

const fn hex(digits: &[u8; 64]) -> [u8; 32] {
    const fn nibble(digit: u8) -> u8 {
        if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 }
    }
    let mut bytes = [0; 32];
    let mut at = 0;
    while at < 32 {
        bytes[at] = nibble(digits[2 * at]) << 4 | nibble(digits[2 * at + 1]);
        at += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_if_any_python_executes_it() {
        let lines = |text: &[u8]| executed(text).map(|(line, _)| line).collect::<Vec<_>>();
        assert_eq!(lines(b"import os\n"), [1]);
        assert_eq!(lines(b"a\nb\r\nimport\tos"), [3]);
        assert_eq!(lines(b"a\rimport os"), [2]);
        assert_eq!(lines(b"\xef\xbb\xbfimport os"), [1]);
        for end in
            [&b"\x0b"[..], b"\x0c", b"\x1c", b"\x1d", b"\x1e", b"\xc2\x85", b"\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9"]
        {
            assert_eq!(lines(&[b"# x", end, b"import os\n"].concat()), [1], "{end:x?}");
        }
        assert_eq!(lines(&[b"import ".as_slice(), &vec![b'x'; 1 << 20]].concat()), [1]);
        assert_eq!(lines(b"x\0\nimport a\0b\n"), [2]);
        for quiet in
            [&b""[..], b" import os", b"importos", b"import", b"import\n", b"# import os", b"Import os", b"\x0bxi\n"]
        {
            assert!(lines(quiet).is_empty(), "{quiet:?}");
        }
    }
}
