//! The metadata against the file's name.

use bulkhead_core::{Confidence, Severity};

use super::place;
use crate::archive::Archive;
use crate::detector::{Detector, Meta, Want};
use crate::filename::{FileName, normal_name, normal_version};
use crate::findings::Findings;
use crate::metadata;
use crate::report::ArchiveKind;

const META: Meta = Meta {
    id: "name-mismatch",
    title: "metadata and file name disagree",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
The metadata inside names another project or version than the file's name, is missing from a wheel, states a name twice, or
there is more than one `.dist-info` directory. Resolvers go by one and installers by the other, so a rule or an advisory on
one name could be walked around. Names are compared as PEP 503 normalises them, versions by a light form of PEP 440. Old
source distributions vary: there a missing `PKG-INFO` is low and a differing version medium.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo-1.0.dist-info/METADATA
Metadata-Version: 2.1
Name: other
Version: 1.0
```

```recipe good
archive demo_tool-1.0-py3-none-any.whl
--- demo_tool-1.0.dist-info/METADATA
Metadata-Version: 2.1
Name: Demo.Tool
Version: 1.0.0
```

What to do: refuse the release, and tell its authors.
",
};

/// See its `META`.
pub(crate) struct NameMismatch;

impl Detector for NameMismatch {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, kind: ArchiveKind, path: &str) -> Want {
        let metadata = match kind {
            ArchiveKind::Wheel => path.split_once('/').is_some_and(|(directory, file)| {
                directory.to_ascii_lowercase().ends_with(".dist-info") && file == "METADATA"
            }),
            ArchiveKind::Egg => path == "EGG-INFO/PKG-INFO",
            _ => kind.is_sdist() && place::is_sdist_metadata(path),
        };
        if metadata { Want::All } else { Want::Nothing }
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        if !archive.kind.is_python() {
            return;
        }
        let Some(file) = &archive.file_name else {
            let severity = if archive.kind == ArchiveKind::Wheel { Severity::High } else { Severity::Low };
            findings.report(&META, "the file's name is not of the form that its kind has").severity(severity).add();
            return;
        };
        if archive.kind == ArchiveKind::Wheel {
            directories(archive, file, findings);
        }
        match place::core_metadata(archive) {
            // What is not kept was too large, which is a finding of its own.
            Some(entry) => {
                if let Some(content) = &entry.content {
                    fields(archive.kind, file, &entry.path, content, findings);
                }
            }
            None if archive.readable => {
                let severity = if archive.kind == ArchiveKind::Wheel { Severity::High } else { Severity::Low };
                findings.report(&META, "there is no core metadata").severity(severity).add();
            }
            None => {}
        }
    }
}

fn directories(archive: &Archive, file: &FileName, findings: &mut Findings) {
    let all = place::dist_infos(archive);
    if all.len() > 1 {
        findings.report(&META, format!("the wheel has {} .dist-info directories", all.len())).add();
    }
    for directory in all {
        let stem = &directory[..directory.len() - ".dist-info".len()];
        let (name, version) = stem.rsplit_once('-').unwrap_or((stem, ""));
        if normal_name(name) != normal_name(&file.name) || normal_version(version) != normal_version(&file.version) {
            findings
                .report(&META, format!("`{directory}` is not the directory that the file's name promises"))
                .at(directory)
                .add();
        }
    }
}

fn fields(kind: ArchiveKind, file: &FileName, path: &str, content: &[u8], findings: &mut Findings) {
    let version_severity = if kind == ArchiveKind::Wheel { Severity::High } else { Severity::Medium };
    for (field, promised, severity) in
        [("Name", &file.name, Severity::High), ("Version", &file.version, version_severity)]
    {
        let mut say = |title: String, severity| findings.report(&META, title).at(path).severity(severity).add();
        let normal = if field == "Name" { normal_name } else { normal_version };
        let values = metadata::values(content, field);
        if values.windows(2).any(|pair| pair[0] != pair[1]) {
            say(format!("the metadata states `{field}` more than once"), Severity::High);
        }
        match values.first().filter(|value| !value.is_empty()) {
            None => say(format!("the metadata has no `{field}`"), severity),
            Some(stated) if normal(stated) != normal(promised) => {
                say(format!("the metadata says `{field}: {stated}`, and the file's name `{promised}`"), severity);
            }
            Some(_) => {}
        }
    }
}
