//! npm packages: lifecycle scripts and `binding.gyp` at install, `main`, `module` and `exports` at import.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_core::FindingContext;
use serde_json::Value;

use super::Started;
use crate::archive::Archive;
use crate::code::{Hook, Root};
use crate::detector::Want;
use crate::lang::{Import, View, measure, shell};

/// Scripts that package clients run by themselves, in their order. `prepare` and `prepublish` run where the package comes
/// from a repository instead of a registry.
pub(crate) const LIFECYCLE: &[&str] =
    &["preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"];
/// Packages of one archive (a tree of `node_modules` has many), and commands of one package.
const PACKAGES: usize = 20_000;
const COMMANDS: usize = 40;

/// What starts by itself in an npm tarball, or in every package of a tree.
pub(crate) fn started(archive: &Archive, views: &mut Vec<View>) -> Started {
    let mut started = Started { resolve: Some(resolve), ..Started::default() };
    for (at, view) in views.iter().enumerate() {
        started.modules.insert(view.path.clone(), at);
    }
    let paths: BTreeSet<&str> = archive.files().map(|entry| entry.path.as_str()).collect();
    for manifest in manifests(archive).take(PACKAGES) {
        Package { archive, paths: &paths, views, started: &mut started, folder: folder(&manifest.path) }
            .read(&manifest.path, manifest.content.as_deref());
    }
    started
}

/// The manifests that count: the one nearest to the root of a tarball, all of a tree.
pub(crate) fn manifests(archive: &Archive) -> impl Iterator<Item = &crate::archive::Entry> {
    let all: Vec<&crate::archive::Entry> = archive.files().filter(|entry| is_manifest(&entry.path)).collect();
    let top = all.iter().map(|entry| depth(&entry.path)).min().unwrap_or(0);
    let tree = archive.kind == crate::report::ArchiveKind::Tree;
    all.into_iter().filter(move |entry| tree || depth(&entry.path) == top)
}

/// The files that declare what starts by itself. One that cannot be held is a finding: no honest manifest is that large.
pub(super) fn wants(path: &str) -> Want {
    let file = path.rsplit('/').next().unwrap_or(path);
    if matches!(file, "package.json" | "binding.gyp") { Want::All } else { Want::Nothing }
}

/// Whether the member may be a manifest.
pub(crate) fn is_manifest(path: &str) -> bool {
    path == "package.json" || path.ends_with("/package.json")
}

fn depth(path: &str) -> usize {
    path.trim_start_matches("./").matches('/').count()
}

/// The folder of a member, with its slash; empty at the root.
pub(crate) fn folder(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..=at])
}

/// The manifest as JSON.
pub(crate) fn manifest(content: &[u8]) -> Option<Value> {
    serde_json::from_str(&measure::text(content)).ok()
}

/// The line on which a key of a JSON text stands.
pub(crate) fn line_of(text: &str, key: &str) -> u32 {
    let quoted = format!("\"{key}\"");
    let at = text.find(&quoted).unwrap_or(0);
    u32::try_from(text[..at].matches('\n').count()).unwrap_or(u32::MAX - 1) + 1
}

/// The commands of `<!(...)` and `<!@(...)` in a `binding.gyp`, with their lines.
pub(crate) fn expansions(text: &str) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    for mark in ["<!(", "<!@("] {
        for (at, _) in text.match_indices(mark).take(COMMANDS) {
            let inner = &text[at + mark.len()..];
            let mut depth = 0_i32;
            let end = inner.char_indices().take(8192).find(|&(_, c)| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth < 0
            });
            let end = end.map_or_else(|| inner.find('\n').unwrap_or(inner.len()), |(end, _)| end);
            let line = u32::try_from(text[..at].matches('\n').count()).unwrap_or(0) + 1;
            all.push((inner[..end].replace("\\\"", "\""), line));
        }
    }
    all
}

struct Package<'p> {
    archive: &'p Archive,
    paths: &'p BTreeSet<&'p str>,
    views: &'p mut Vec<View>,
    started: &'p mut Started,
    folder: &'p str,
}

impl Package<'_> {
    fn read(&mut self, path: &str, content: Option<&[u8]>) {
        let text = content.map(measure::text).unwrap_or_default();
        let manifest: Value = serde_json::from_str(&text).unwrap_or_default();
        let scripts = manifest.get("scripts").and_then(Value::as_object);
        for kind in LIFECYCLE {
            let Some(command) = scripts.and_then(|all| all.get(*kind)).and_then(Value::as_str) else { continue };
            let hook = format!("npm:{kind}");
            self.command(path, &hook, command, line_of(&text, kind), &manifest, 0);
        }
        self.gyp(scripts.is_some_and(|all| all.contains_key("install") || all.contains_key("preinstall")));
        for entry in entries(&manifest) {
            self.entry(path, &entry);
        }
        if let Some(bin) = manifest.get("bin") {
            let names: Vec<(String, String)> = match bin {
                Value::String(file) => vec![(String::new(), file.clone())],
                Value::Object(all) => {
                    all.iter().filter_map(|(name, file)| Some((name.clone(), file.as_str()?.to_owned()))).collect()
                }
                _ => Vec::new(),
            };
            for (name, file) in names.into_iter().take(COMMANDS) {
                self.hook(&format!("bin:{name}"), FindingContext::Call, path, line_of(&text, "bin"), &file);
            }
        }
    }

    fn hook(&mut self, kind: &str, context: FindingContext, path: &str, line: u32, runs: &str) {
        self.started.hooks.push(Hook {
            kind: kind.to_owned(),
            context,
            path: path.to_owned(),
            line,
            runs: runs.chars().take(2000).collect(),
        });
    }

    /// One command line, with the files and other scripts that it starts.
    fn command(&mut self, path: &str, hook: &str, command: &str, line: u32, manifest: &Value, depth: u32) {
        if depth > 4 || self.started.hooks.len() > 100_000 {
            return;
        }
        self.hook(hook, FindingContext::Install, path, line, command);
        let mut view = shell::line_view(path, command, line);
        let words: Vec<&str> = command
            .split(|c: char| c.is_whitespace() || "\"'`&|;()=<>,".contains(c))
            .filter(|word| !word.is_empty())
            .collect();
        for word in words.iter().take(200) {
            let target = format!("./{}", word.trim_start_matches("./"));
            let index = if matches!(*word, "." | "./") {
                manifest.get("main").and_then(Value::as_str).unwrap_or("index.js")
            } else {
                &target
            };
            let module = format!("./{}", index.trim_start_matches("./"));
            if self.started.module(path, &module).is_some() {
                view.imports.push(Import { module, line, unit: 0 });
            }
        }
        let at = self.views.len();
        self.views.push(view);
        self.started.roots.push(Root { context: FindingContext::Install, view: at, unit: 0 });
        // `npm run build`, `yarn build`: another script of this file.
        for pair in words
            .windows(2)
            .filter(|pair| matches!(pair[0], "run" | "run-script" | "yarn" | "pnpm" | "run-s" | "run-p" | "bun"))
        {
            let script = manifest.get("scripts").and_then(|all| all.get(pair[1])).and_then(Value::as_str);
            if let Some(script) = script.filter(|script| *script != command) {
                let script = script.to_owned();
                self.command(path, hook, &script, line, manifest, depth + 1);
            }
        }
    }

    /// `binding.gyp` is enough for an install script: npm then runs `node-gyp rebuild`, which expands `<!(...)`.
    fn gyp(&mut self, has_install: bool) {
        let path = format!("{}binding.gyp", self.folder);
        if !self.paths.contains(path.as_str()) {
            return;
        }
        if !has_install {
            self.hook("npm:gyp", FindingContext::Install, &path, 0, "node-gyp rebuild");
        }
        let content = self.archive.file(&path).and_then(|entry| entry.content.as_deref()).unwrap_or_default();
        for (command, line) in expansions(&measure::text(content)) {
            self.command(&path, "gyp", &command, line, &Value::Null, 0);
        }
    }

    fn entry(&mut self, path: &str, entry: &str) {
        if let Some((before, after)) = entry.split_once('*') {
            let before = format!("{}{}", self.folder, before.trim_start_matches("./"));
            let range = self
                .started
                .modules
                .range(before.clone()..)
                .take_while(|(path, _)| path.starts_with(&before))
                .take(5000);
            let found: Vec<usize> = range.filter(|(path, _)| path.ends_with(after)).map(|(_, &at)| at).collect();
            self.started.roots.extend(found.into_iter().map(|view| Root {
                context: FindingContext::Import,
                view,
                unit: 0,
            }));
            return;
        }
        let module = format!("./{}", entry.trim_start_matches("./"));
        if let Some(view) = self.started.module(path, &module) {
            self.started.roots.push(Root { context: FindingContext::Import, view, unit: 0 });
        }
    }
}

/// Every file that `import` or `require` of the package can begin with.
fn entries(manifest: &Value) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for field in ["main", "module", "browser", "jsnext:main"] {
        if let Some(file) = manifest.get(field).and_then(Value::as_str) {
            all.insert(file.to_owned());
        }
    }
    if manifest.get("main").is_none() {
        all.insert("index.js".to_owned());
    }
    // serde_json bounds how deep this can be.
    let mut open: Vec<&Value> = manifest.get("exports").into_iter().collect();
    while let Some(next) = open.pop() {
        match next {
            Value::String(file) if all.len() < 5000 => {
                all.insert(file.clone());
            }
            Value::Array(items) => open.extend(items),
            Value::Object(parts) => {
                open.extend(parts.iter().filter(|(key, _)| *key != "types").map(|(_, value)| value))
            }
            _ => {}
        }
    }
    all
}

/// A module as a file names it: relative to the file, with the extensions that Node and bundlers add.
pub(super) fn resolve(modules: &BTreeMap<String, usize>, from: &str, module: &str) -> Option<usize> {
    if !module.starts_with('.') {
        return None;
    }
    let mut parts: Vec<&str> = folder(from).split('/').filter(|part| !part.is_empty()).collect();
    for part in module.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let base = parts.join("/");
    if let Some(&at) = modules.get(&base) {
        return Some(at);
    }
    // TypeScript writes `./x.js` for a file that is `x.ts`.
    let bare = base.strip_suffix(".js").unwrap_or(&base);
    [".js", ".cjs", ".mjs", ".ts", ".tsx", ".jsx", "/index.js", "/index.cjs", "/index.mjs", "/index.ts"]
        .iter()
        .find_map(|end| modules.get(&format!("{bare}{end}")).or_else(|| modules.get(&format!("{base}{end}"))))
        .copied()
}
