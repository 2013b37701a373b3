//! Rust crates: `build.rs` runs when the crate is built, a proc-macro when anything that uses it is compiled.

use std::collections::BTreeMap;

use bulkhead_core::FindingContext;

use super::Started;
use crate::archive::Archive;
use crate::code::{Hook, Root};
use crate::detector::Want;
use crate::lang::{View, measure};

/// The file that declares what starts by itself.
pub(super) fn wants(path: &str) -> Want {
    if is_manifest(path) { Want::All } else { Want::Nothing }
}

/// Whether the member is the manifest of the crate itself.
pub(crate) fn is_manifest(path: &str) -> bool {
    path.split_once('/').is_some_and(|(_, file)| file == "Cargo.toml")
}

/// What starts by itself in a crate.
pub(crate) fn started(archive: &Archive, views: &[View]) -> Started {
    let mut started = Started { resolve: Some(resolve), ..Started::default() };
    for (at, view) in views.iter().enumerate() {
        started.modules.insert(view.path.clone(), at);
    }
    let Some(manifest) = archive.files().find(|entry| is_manifest(&entry.path)) else { return started };
    let text = measure::text(manifest.content.as_deref().unwrap_or_default()).into_owned();
    let folder = super::npm::folder(&manifest.path).to_owned();
    let build = field(&text, "package", "build");
    let build = match build.as_deref() {
        Some("false") => None,
        Some(path) => Some(path.to_owned()),
        None => Some("build.rs".to_owned()),
    };
    if let Some((path, view)) = build.and_then(|path| {
        let path = format!("{folder}{}", path.trim_start_matches("./"));
        started.modules.get(&path).copied().map(|view| (path, view))
    }) {
        let hook = Hook {
            kind: "build.rs".to_owned(),
            context: FindingContext::Install,
            path,
            line: 0,
            runs: "main".to_owned(),
        };
        started.hooks.push(hook);
        root(&mut started, view, &views[view], |unit| unit.is_empty() || unit == "main");
    }
    if field(&text, "lib", "proc-macro").or_else(|| field(&text, "lib", "proc_macro")).as_deref() == Some("true") {
        let path = format!("{folder}{}", field(&text, "lib", "path").unwrap_or_else(|| "src/lib.rs".to_owned()));
        if let Some(&view) = started.modules.get(&path) {
            let hook = Hook {
                kind: "proc-macro".to_owned(),
                context: FindingContext::Install,
                path,
                line: 0,
                runs: "lib".to_owned(),
            };
            started.hooks.push(hook);
            // Any public function of a proc-macro may be an entry: the attribute is not kept.
            root(&mut started, view, &views[view], |_| true);
        }
    }
    started
}

fn root(started: &mut Started, view: usize, of: &View, wanted: impl Fn(&str) -> bool) {
    for (unit, _) in of.units.iter().enumerate().filter(|(_, unit)| wanted(&unit.name)) {
        started.roots.push(Root { context: FindingContext::Install, view, unit });
    }
}

/// The value of a key in a table, as far as a plain line says it. Cargo writes published manifests anew, one key a line.
pub(crate) fn field(text: &str, table: &str, key: &str) -> Option<String> {
    let mut inside = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('[') {
            inside = line == format!("[{table}]");
        } else if inside
            && let Some((name, value)) = line.split_once('=')
            && name.trim() == key
        {
            return Some(value.trim().trim_matches('"').to_owned());
        }
    }
    None
}

/// `mod x;` in `src/a.rs` is `src/x.rs`, `src/x/mod.rs`, or in a folder named after the file.
fn resolve(modules: &BTreeMap<String, usize>, from: &str, module: &str) -> Option<usize> {
    let folder = super::npm::folder(from);
    let stem = from.strip_suffix(".rs").unwrap_or(from);
    let path = module.replace("::", "/");
    [
        format!("{folder}{path}.rs"),
        format!("{folder}{path}/mod.rs"),
        format!("{stem}/{path}.rs"),
        format!("{stem}/{path}/mod.rs"),
    ]
    .iter()
    .find_map(|path| modules.get(path))
    .copied()
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields_are_of_their_table() {
        let text = "[package]\nname = \"x\"\nbuild = \"b.rs\"\n[lib]\nproc-macro = true\n[dependencies.build]\nbuild = \"no\"\n";
        assert_eq!(field(text, "package", "build").as_deref(), Some("b.rs"));
        assert_eq!(field(text, "lib", "proc-macro").as_deref(), Some("true"));
        assert_eq!(field(text, "lib", "path"), None);
    }
}
