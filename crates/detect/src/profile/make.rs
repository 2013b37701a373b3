//! The profile of an archive that was read.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use bulkhead_core::FindingContext;

use super::{Act, Blob, BlobKind, CodeFile, Doing, Host, Mail, Profile, Start, Structure, most, requires};
use crate::archive::{Archive, Entry};
use crate::behaviour::{Ability, Behaviour, rank, unasked};
use crate::detectors::code::{is_library, is_test};
use crate::detectors::place;
use crate::lang::{Fidelity, Language, View, measure};
use crate::report::ArchiveKind;
use crate::text;

/// A file of nothing that can be read is remembered from this size on.
const LARGE: u64 = 1 << 20;

/// The profile of the archive. The same archive gives the same profile.
pub(crate) fn of(archive: &Archive) -> Profile {
    let mut profile = Profile {
        behaviours: behaviours(archive),
        hosts: hosts(archive),
        mails: mails(archive),
        hooks: hooks(archive),
        dependencies: requires::of(archive),
        imports: imports(archive),
        blobs: blobs(archive),
        files: files(archive),
        structure: structure(archive),
        cut: Vec::new(),
    };
    let mut cut = |name: &str, was_cut: bool| {
        if was_cut {
            profile.cut.push(name.to_owned());
        }
    };
    cut("behaviours", truncate(&mut profile.behaviours, most::BEHAVIOURS));
    cut("hosts", truncate(&mut profile.hosts, most::HOSTS));
    cut("mails", truncate(&mut profile.mails, most::MAILS));
    cut("hooks", truncate(&mut profile.hooks, most::HOOKS));
    cut("dependencies", truncate(&mut profile.dependencies, most::DEPENDENCIES));
    cut("imports", truncate(&mut profile.imports, most::IMPORTS));
    cut("blobs", truncate(&mut profile.blobs, most::BLOBS));
    cut("files", truncate(&mut profile.files, most::FILES));
    cut("acts", keep_gravest(&mut profile.files));
    profile
}

fn truncate<T>(list: &mut Vec<T>, most: usize) -> bool {
    let longer = list.len() > most;
    list.truncate(most);
    longer
}

fn behaviours(archive: &Archive) -> Vec<Doing> {
    let mut doings: BTreeMap<(u8, Ability), Doing> = BTreeMap::new();
    for Behaviour { path, context, effect, .. } in &archive.code.behaviours {
        doings.entry((rank(*context), effect.ability)).and_modify(|doing| doing.count += 1).or_insert_with(|| Doing {
            context: *context,
            ability: effect.ability,
            count: 1,
            path: stable_path(archive, path),
            line: effect.line,
        });
    }
    doings.into_values().collect()
}

fn hosts(archive: &Archive) -> Vec<Host> {
    let code = &archive.code;
    let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
    let mut found = |name: String, context: FindingContext, path: &str, line: u32| {
        let host = || Host { name: short(&name), context, path: stable_path(archive, path), line: line.max(1) };
        match hosts.get_mut(&name) {
            Some(known) if rank(context) < rank(known.context) => *known = host(),
            Some(_) => {}
            None => {
                let host = host();
                hosts.insert(name, host);
            }
        }
    };
    for (at, view) in code.views.iter().enumerate() {
        let context = earliest(code.reached.get(at));
        for (name, line) in &view.literals.hosts {
            found(name.clone(), context, &view.path, *line);
        }
    }
    // What is handed to a network call names a place without a scheme, too.
    for Behaviour { path, context, effect, .. } in &code.behaviours {
        if matches!(effect.ability, Ability::Network | Ability::Download | Ability::Dns)
            && let Some(host) = effect.detail.as_deref().and_then(measure::bare_host)
        {
            found(host, *context, path, effect.line);
        }
    }
    hosts.into_values().collect()
}

/// Tests and manuals name people who are none.
fn mails(archive: &Archive) -> Vec<Mail> {
    let mut mails: BTreeMap<&str, Mail> = BTreeMap::new();
    for view in archive.code.views.iter().filter(|view| is_library(&view.path) && !is_test(&view.path)) {
        for (name, line, blind) in &view.literals.mails {
            let mail =
                || Mail { name: short(name), blind: *blind, path: stable_path(archive, &view.path), line: *line };
            let known = mails.entry(name).or_insert_with(mail);
            if *blind && !known.blind {
                *known = mail();
            }
        }
    }
    mails.into_values().collect()
}

/// When the first of a file's units runs.
fn earliest(reached: Option<&Vec<Option<FindingContext>>>) -> FindingContext {
    let contexts = reached.into_iter().flatten().flatten().copied();
    contexts.min_by_key(|context| rank(*context)).unwrap_or(FindingContext::Call)
}

fn hooks(archive: &Archive) -> Vec<Start> {
    let mut hooks: Vec<Start> = archive
        .code
        .hooks
        .iter()
        .map(|hook| Start {
            kind: short(&hook.kind),
            context: hook.context,
            path: stable_path(archive, &hook.path),
            line: hook.line,
            runs: short(&hook.runs),
        })
        .collect();
    hooks.sort_by(|a, b| (rank(a.context), &a.kind, &a.path, a.line).cmp(&(rank(b.context), &b.kind, &b.path, b.line)));
    hooks
}

/// Top-level names that the code imports and that are not its own. Relative imports are its own.
fn imports(archive: &Archive) -> Vec<String> {
    let own: BTreeSet<String> = archive
        .code
        .views
        .iter()
        .filter_map(|view| {
            let path = stable_path(archive, &view.path);
            let path = path.strip_prefix("src/").or_else(|| path.strip_prefix("lib/")).unwrap_or(&path);
            let first = path.split('/').next()?;
            Some(first.split('.').next().unwrap_or(first).to_owned())
        })
        .collect();
    let mut names = BTreeSet::new();
    for view in &archive.code.views {
        let outside = view.imports.iter().filter_map(|import| top(view.language, &import.module));
        names.extend(outside.filter(|name| !own.contains(*name)).map(short));
    }
    names.into_iter().filter(|name| !name.is_empty()).collect()
}

/// The name under which a package is known from outside, by the language's way of writing imports.
fn top(language: Language, module: &str) -> Option<&str> {
    match language {
        Language::JavaScript => {
            let module = module.strip_prefix("node:").unwrap_or(module);
            if module.starts_with(['.', '/']) {
                return None;
            }
            let parts = if module.starts_with('@') { 2 } else { 1 };
            let end = module.match_indices('/').nth(parts - 1).map_or(module.len(), |(at, _)| at);
            Some(&module[..end])
        }
        Language::Rust => {
            let first = module.split("::").next()?;
            (!matches!(first, "crate" | "self" | "super")).then_some(first)
        }
        Language::Python => module.split('.').next(),
        Language::Shell | Language::Markdown => None,
    }
}

fn blobs(archive: &Archive) -> Vec<Blob> {
    let mut blobs: Vec<Blob> = archive
        .files()
        .filter_map(|entry| {
            let kind = blob_kind(archive.kind, entry)?;
            Some(Blob { path: stable_path(archive, &entry.path), size: entry.size, kind, sha256: entry.sha256 })
        })
        .collect();
    blobs.sort_by(|a, b| {
        (a.kind, std::cmp::Reverse(a.size), &a.path).cmp(&(b.kind, std::cmp::Reverse(b.size), &b.path))
    });
    blobs
}

fn blob_kind(kind: ArchiveKind, entry: &Entry) -> Option<BlobKind> {
    let name = entry.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if is_machine_code(entry.head()) {
        let honest = !name.contains('.')
            || ends(&[".so", ".pyd", ".dll", ".dylib", ".node", ".exe", ".bin", ".a", ".o", ".lib", ".sys", ".com"])
            || name.contains(".so.")
            || name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        return Some(if honest { BlobKind::Native } else { BlobKind::Disguised });
    }
    if ends(&[".pyc", ".pyo", ".class", ".wasm", ".jsc", ".elc"]) || entry.head().starts_with(b"\0asm") {
        return Some(BlobKind::Bytecode);
    }
    let packed = entry.head().starts_with(b"PK\x03\x04")
        || entry.head().starts_with(b"\x1f\x8b")
        || entry.head().starts_with(b"\xfd7zXZ\0")
        || entry.head().starts_with(b"7z\xbc\xaf\x27\x1c")
        || entry.head().starts_with(b"Rar!")
        || entry.head().starts_with(b"BZh")
        || entry.head().starts_with(b"\x28\xb5\x2f\xfd");
    if packed {
        return Some(BlobKind::Archive);
    }
    if entry.size < LARGE {
        return None;
    }
    if ends(&[".js", ".mjs", ".cjs"]) {
        return (kind != ArchiveKind::Npm).then_some(BlobKind::Foreign);
    }
    let readable = ends(&[
        ".py", ".pyi", ".ts", ".tsx", ".jsx", ".rs", ".c", ".h", ".cc", ".cpp", ".hpp", ".cu", ".go", ".java", ".json",
        ".txt", ".md", ".rst", ".html", ".css", ".csv", ".tsv", ".svg", ".xml", ".yaml", ".yml", ".toml", ".po",
        ".pot", ".map", ".sql", ".ipynb", ".pyx", ".pxd", ".f", ".f90", ".png", ".jpg", ".jpeg", ".gif", ".ttf",
        ".otf", ".woff", ".woff2", ".mo", ".ico", ".pdf",
    ]);
    (!readable).then_some(BlobKind::Opaque)
}

/// ELF, PE, Mach-O (thin and fat).
fn is_machine_code(head: &[u8]) -> bool {
    // `MZ` alone is two letters that a text may begin with: a PE file has zeros among its first bytes.
    let pe = head.starts_with(b"MZ") && head.len() >= 4 && head[2..].contains(&0);
    let magic = head.get(..4).map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]));
    head.starts_with(b"\x7fELF")
        || pe
        || matches!(magic, Some(0xfeed_face | 0xfeed_facf | 0xcefa_edfe | 0xcffa_edfe))
        // A fat Mach-O shares its mark with Java classes, whose next number is a version above 40.
        || (magic == Some(0xcafe_babe) && head.get(4..8).is_some_and(|count| count[..3] == [0; 3] && count[3] < 40))
}

fn files(archive: &Archive) -> Vec<CodeFile> {
    let code = &archive.code;
    let mut acts: BTreeMap<&str, BTreeMap<(u8, Ability), Act>> = BTreeMap::new();
    for Behaviour { path, context, effect, .. } in code.behaviours.iter().filter(|behaviour| unasked(behaviour.context))
    {
        acts.entry(path)
            .or_default()
            .entry((rank(*context), effect.ability))
            .and_modify(|act| act.from = act.from.with(effect.from))
            .or_insert_with(|| Act {
                context: *context,
                ability: effect.ability,
                from: effect.from,
                line: effect.line.max(1),
                excerpt: if effect.ability.is_grave() { short(&effect.excerpt) } else { String::new() },
            });
    }
    let mut files: BTreeMap<String, CodeFile> = BTreeMap::new();
    for (at, view) in code.views.iter().enumerate() {
        let mut file = file(view, code.reached.get(at));
        file.path = stable_path(archive, &view.path);
        file.acts = acts.remove(view.path.as_str()).map(|acts| acts.into_values().collect()).unwrap_or_default();
        // Code that stands inside another file (a line of a `.pth`) has a view of its own: both are one file.
        match files.get_mut(&file.path) {
            Some(known) => {
                known.start = mixed(known.start, file.start);
                known.rest = mixed(known.rest, file.rest);
                known.units = known.units.saturating_add(file.units);
                known.acts.extend(file.acts);
            }
            None => {
                files.insert(file.path.clone(), file);
            }
        }
    }
    files.into_values().collect()
}

fn file(view: &View, reached: Option<&Vec<Option<FindingContext>>>) -> CodeFile {
    let (mut start, mut rest) = (Sum::default(), Sum::default());
    for (at, unit) in view.units.iter().enumerate() {
        let context = reached.and_then(|contexts| contexts.get(at)).copied().flatten();
        match context.filter(|context| unasked(*context)) {
            Some(_) => start.add(unit.digest),
            None => rest.add(unit.digest),
        }
    }
    let units = u32::try_from(view.units.len()).unwrap_or(u32::MAX);
    CodeFile { path: String::new(), start: start.end(), rest: rest.end(), units, acts: Vec::new() }
}

/// A digest over digests, in order.
#[derive(Default)]
struct Sum(Vec<u8>);

impl Sum {
    fn add(&mut self, digest: u64) {
        self.0.extend(digest.to_le_bytes());
    }

    fn end(self) -> u64 {
        if self.0.is_empty() { 0 } else { first_eight(&self.0) }
    }
}

fn mixed(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { first_eight(&[left.to_le_bytes(), right.to_le_bytes()].concat()) }
}

fn first_eight(bytes: &[u8]) -> u64 {
    let sha256 = digest::digest(&digest::SHA256, bytes);
    let mut first = [0; 8];
    first.copy_from_slice(&sha256.as_ref()[..8]);
    u64::from_le_bytes(first)
}

/// Acts beyond the most: those that nearly every package has go first. True when any went.
fn keep_gravest(files: &mut [CodeFile]) -> bool {
    let count = |files: &[CodeFile]| files.iter().map(|file| file.acts.len()).sum::<usize>();
    if count(files) <= most::ACTS {
        return false;
    }
    for file in files.iter_mut() {
        file.acts.retain(|act| act.ability.is_grave());
    }
    let mut left = most::ACTS;
    for file in files {
        file.acts.truncate(left);
        left -= file.acts.len();
    }
    true
}

fn structure(archive: &Archive) -> Structure {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let views = &archive.code.views;
    let pth = |entry: &&Entry| {
        let path = entry.path.to_ascii_lowercase();
        path.ends_with(".pth") && (archive.kind.is_sdist() || place::site_file(&entry.path).is_some())
    };
    Structure {
        files: count(archive.files().count()),
        code: count(views.len()),
        unparsed: count(views.iter().filter(|view| !matches!(view.fidelity, Fidelity::Parsed)).count()),
        pth: count(archive.files().filter(pth).count()),
        bytes: archive.files().map(|entry| entry.size).fold(0, u64::saturating_add),
    }
}

/// The path without what differs from release to release by its nature.
pub(super) fn stable_path(archive: &Archive, path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let path = match (archive.kind, path.split_once('/')) {
        (ArchiveKind::Wheel | ArchiveKind::Egg, Some((first, rest))) => {
            let lower = first.to_ascii_lowercase();
            match [".dist-info", ".data"].into_iter().find(|ending| lower.ends_with(ending)) {
                Some(ending) => format!("*{ending}/{rest}"),
                None => path.to_owned(),
            }
        }
        (ArchiveKind::Wheel | ArchiveKind::Egg | ArchiveKind::Tree | ArchiveKind::Other, _) => path.to_owned(),
        // Source archives of every ecosystem have one directory on top, named after the release or `package`.
        (_, Some((_, rest))) => rest.to_owned(),
        (_, None) => path.to_owned(),
    };
    text::excerpt(path.as_bytes(), most::PATH)
}

fn short(text: &str) -> String {
    text::excerpt(text.as_bytes(), most::TEXT)
}
