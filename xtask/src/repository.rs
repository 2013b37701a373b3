//! The files of this repository and its manifests.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::run;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("invariant: xtask is a folder of the repository")
}

/// The folder for built things, where cargo puts them.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// One file that is or would be committed.
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    /// The text; nothing when the file is not UTF-8.
    pub(crate) text: Option<String>,
}

impl File {
    /// Whether only tests are in it: sizes and module edges do not apply.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
            || ["tests/", "fuzz/", "benches/"].iter().any(|folder| self.path.starts_with(folder))
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// Every file that is committed or would be by `git add`, in order.
pub(crate) fn files() -> Result<Vec<File>> {
    let listing = run::output(
        std::process::Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root()),
    )
    .context("the list of files comes from git")?;
    let mut paths: Vec<&str> = listing.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut files = Vec::new();
    for path in paths {
        let full = root().join(path);
        // Removed in the work tree but not yet in the index.
        if !full.is_file() {
            continue;
        }
        let bytes = std::fs::read(&full).with_context(|| format!("reading {path}"))?;
        files.push(File { path: path.to_owned(), text: String::from_utf8(bytes).ok() });
    }
    Ok(files)
}

/// One member of the workspace, as its manifest says.
pub(crate) struct Member {
    pub(crate) name: String,
    /// Direct dependencies of every kind: name, and whether it is for tests only.
    pub(crate) dependencies: BTreeMap<String, bool>,
}

/// The members of the workspace.
pub(crate) fn members() -> Result<Vec<Member>> {
    let workspace = manifest("Cargo.toml")?;
    let folders = workspace["workspace"]["members"].as_array().context("Cargo.toml has no workspace members")?;
    folders.iter().filter_map(toml::Value::as_str).map(|folder| member(&format!("{folder}/Cargo.toml"))).collect()
}

fn member(path: &str) -> Result<Member> {
    let manifest = manifest(path)?;
    let name = manifest["package"]["name"].as_str().with_context(|| format!("{path} has no name"))?.to_owned();
    let mut dependencies = BTreeMap::new();
    // A platform's own tables have the same shape as the manifest's.
    let platforms = manifest.get("target").and_then(toml::Value::as_table);
    let tables = platforms.into_iter().flat_map(|table| table.values().filter_map(toml::Value::as_table));
    for table in std::iter::once(&manifest).chain(tables) {
        for (kind, for_tests) in [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)] {
            for dependency in table.get(kind).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys) {
                let only_tests = dependencies.entry(dependency.clone()).or_insert(for_tests);
                *only_tests &= for_tests;
            }
        }
    }
    Ok(Member { name, dependencies })
}

/// A TOML file of the repository.
pub(crate) fn manifest(path: &str) -> Result<toml::Table> {
    let text = std::fs::read_to_string(root().join(path)).with_context(|| format!("reading {path}"))?;
    text.parse().with_context(|| format!("{path} is not TOML"))
}
