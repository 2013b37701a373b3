//! Links that lead out of the archive.

use std::collections::{HashMap, VecDeque};

use bulkhead_core::{Confidence, Severity};

use crate::archive::{Archive, EntryKind};
use crate::detector::{Detector, Meta};
use crate::findings::Findings;
use crate::report::ArchiveKind;
use crate::unpack::path;

const META: Meta = Meta {
    id: "archive-link-escape",
    title: "a link out of the archive",
    severity: Severity::Critical,
    confidence: Confidence::High,
    doc: "\
A symbolic or hard link whose target is absolute or outside of the archive, directly or by way of another link; or a member
that would be written *through* a symbolic link of the archive. Unpacked by a careless reader, it reads or overwrites files
elsewhere. Links inside the tree are fine, also with `../`: many projects have them.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/notes -> ../../etc/passwd
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/LICENSE
free
--- demo-1.0/sub/LICENSE -> ../LICENSE
```

What to do: refuse the file; another file of the release (a wheel) may do.
",
};

/// See its `META`.
pub(crate) struct ArchiveLink;

impl Detector for ArchiveLink {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        // A directory is looked at where it lies: nothing is unpacked, and its links are its owner's.
        if archive.kind == ArchiveKind::Tree {
            return;
        }
        let links: HashMap<String, &str> = archive
            .entries
            .iter()
            .filter_map(|entry| match &entry.kind {
                EntryKind::Symlink(target) => Some((path::normal(&entry.path), target.as_str())),
                _ => None,
            })
            .collect();
        for entry in &archive.entries {
            let normal = path::normal(&entry.path);
            let (directory, target) = match &entry.kind {
                EntryKind::Symlink(target) => (normal.rsplit_once('/').map_or("", |(directory, _)| directory), target),
                // A hard link's target is a path of the archive, not relative to the link.
                EntryKind::Hardlink(target) => ("", target),
                _ => {
                    through_link(&entry.path, &normal, &links, findings);
                    continue;
                }
            };
            through_link(&entry.path, &normal, &links, findings);
            if escapes(directory, target, &links) {
                findings
                    .report(&META, format!("`{}` links to a place outside of the archive", entry.path))
                    .at(&entry.path)
                    .excerpt(target.as_bytes())
                    .add();
            }
        }
    }
}

fn through_link(shown: &str, normal: &str, links: &HashMap<String, &str>, findings: &mut Findings) {
    if links.is_empty() {
        return;
    }
    let parent = normal.match_indices('/').map(|(at, _)| &normal[..at]).find(|parent| links.contains_key(*parent));
    if let Some(parent) = parent {
        findings.report(&META, format!("`{shown}` would be written through the link `{parent}`")).at(shown).add();
    }
}

/// Walks the target as a file system would, links of the archive included.
fn escapes(directory: &str, target: &str, links: &HashMap<String, &str>) -> bool {
    // A walk that takes longer goes in circles: such a link leads nowhere.
    const STEPS: usize = 1000;
    let absolute = |target: &str| target.starts_with(['/', '\\']) || target.as_bytes().get(1) == Some(&b':');
    if absolute(target) {
        return true;
    }
    let mut place: Vec<String> = directory.split('/').filter(|c| !c.is_empty()).map(str::to_owned).collect();
    let mut ahead: VecDeque<String> = target.split(['/', '\\']).map(str::to_owned).collect();
    for _ in 0..STEPS {
        let Some(component) = ahead.pop_front() else { return false };
        match component.as_str() {
            "" | "." => {}
            ".." => {
                if place.pop().is_none() {
                    return true;
                }
            }
            _ => {
                place.push(component);
                if let Some(&next) = links.get(&place.join("/")) {
                    place.pop();
                    if absolute(next) {
                        return true;
                    }
                    if ahead.len() > STEPS {
                        return false;
                    }
                    for component in next.split(['/', '\\']).rev() {
                        ahead.push_front(component.to_owned());
                    }
                }
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_walked_as_a_file_system_would() {
        let links =
            |pairs: &[(&str, &'static str)]| pairs.iter().map(|&(a, b)| (a.to_owned(), b)).collect::<HashMap<_, _>>();
        let none = links(&[]);
        assert!(!escapes("a/b", "../c", &none));
        assert!(!escapes("a", "../a/x", &none));
        assert!(escapes("a", "../../x", &none));
        assert!(escapes("", "..", &none));
        assert!(escapes("a", "/x", &none));
        assert!(escapes("a", "C:/x", &none));
        // a/here is a itself, so a/here/../.. is above the root, which the words alone do not show.
        assert!(escapes("a", "here/../../x", &links(&[("a/here", ".")])));
        assert!(!escapes("a", "loop", &links(&[("a/loop", "loop")])));
    }
}
