//! Dependencies that no registry holds.

use bulkhead_core::{Confidence, FindingContext, Severity};

use crate::archive::Archive;
use crate::detector::{Detector, Meta};
use crate::findings::Findings;
use crate::package::npm;
use crate::report::ArchiveKind;

const META: Meta = Meta {
    id: "remote-dependency",
    title: "a dependency comes from a repository or a URL",
    severity: Severity::Medium,
    confidence: Confidence::Medium,
    doc: "\
A dependency by git address or URL is fetched from there at install: no gate judges it, it can change at any time, and its `prepare`
script runs, which a package from a registry could not have. The TanStack releases of May 2026 got their payload so.

```recipe bad
archive demo-1.0.0.tgz
expect medium
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\", \"optionalDependencies\": { \"setup\": \"github:someone/setup#79ac49eedf774dd4b0cfa308722bc463cfe5885c\" } }
```

```recipe good
archive demo-1.0.0.tgz
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\", \"dependencies\": { \"a\": \"^1.0.0\", \"b\": \"npm:other@2\" }, \"devDependencies\": { \"c\": \"github:someone/c\" } }
```

What to do: Ask the authors to publish the dependency, or hold the release.
",
};

/// See its `META`.
pub(crate) struct RemoteDependency;

impl Detector for RemoteDependency {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        if !matches!(archive.kind, ArchiveKind::Npm | ArchiveKind::Tree) {
            return;
        }
        for manifest in npm::manifests(archive) {
            let Some(content) = manifest.content.as_deref() else { continue };
            let Some(json) = npm::manifest(content) else { continue };
            let text = String::from_utf8_lossy(content);
            for group in ["dependencies", "optionalDependencies", "peerDependencies"] {
                for (name, from) in json.get(group).and_then(serde_json::Value::as_object).into_iter().flatten() {
                    if let Some(from) = from.as_str().filter(|from| is_remote(from)) {
                        findings
                            .report(&META, format!("the dependency `{name}` comes from outside of the registry"))
                            .at(&manifest.path)
                            .line(npm::line_of(&text, name))
                            .excerpt(from.as_bytes())
                            .context(FindingContext::Install)
                            .add();
                    }
                }
            }
        }
    }
}

/// Whether npm would fetch this from a repository or a URL: `git+ssh://...`, `https://...`, `github:a/b`, `a/b`.
fn is_remote(from: &str) -> bool {
    const SCHEMES: &[&str] = &["git+", "git:", "http:", "https:", "ssh:", "github:", "gitlab:", "bitbucket:", "gist:"];
    let shorthand = || {
        let plain =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        from.split('#')
            .next()
            .unwrap_or_default()
            .split_once('/')
            .is_some_and(|(owner, name)| plain(owner) && plain(name) && !owner.starts_with('.'))
    };
    SCHEMES.iter().any(|scheme| from.starts_with(scheme)) || shorthand()
}

#[cfg(test)]
mod tests {
    use super::is_remote;

    #[test]
    fn what_npm_fetches_elsewhere() {
        for from in ["git+ssh://git@x.test/a.git", "https://x.test/a.tgz", "github:a/b", "a/b", "a/b#main"] {
            assert!(is_remote(from), "{from}");
        }
        for from in ["^1.2.3", "npm:@a/b@1", "file:../a", "workspace:*", "latest", ">=1 <2 || 3", "./a/b", "*"] {
            assert!(!is_remote(from), "{from}");
        }
    }
}
