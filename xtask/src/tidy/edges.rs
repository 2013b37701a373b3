//! Which module of the product may use which: DESIGN.md's picture, held by a table.

use anyhow::Result;

use super::source::{self, Named};
use crate::repository::File;

const SOURCES: &str = "crates/bulkhead/src/";

/// Modules of the product, each with the modules that it may name. The longest row that fits a module holds for it;
/// a module may always name itself, what is below it and the `mod.rs` above it. Tests may name everything.
const MAY_USE: &[(&str, &[&str])] = &[
    // The composition root, and what it mounts: builds everything once.
    ("app", &["*"]),
    ("http", &["*"]),
    // Pages and machine reports: both ask what an operator asks.
    ("console", &["api", "app", "blob", "blocking", "control", "exposure", "net", "store"]),
    ("api", &["app", "estate", "gate::intake", "net"]),
    // What is told about the estate becomes entries; reading a machine or a bill of materials is plain work on files.
    ("estate", &["blob", "blocking", "clock", "ledger::subject", "spine", "store"]),
    // The walk and its bundle stand on the graph alone: a receiver without a server computes the same.
    ("exposure", &["blob", "store"]),
    ("front_page", &["app", "http", "net", "telemetry"]),
    // The command line asks a running Bulkhead through `control`, or builds one with `app`.
    ("cli", &["*"]),
    // What an operator asks of a running Bulkhead, over the control socket or in process.
    ("control", &["*"]),
    // The proof: drives the whole product from outside.
    ("drill", &["*"]),
    // A gate: everything below it, and never another gate.
    ("gate", &[]),
    (
        "gate::intake",
        &[
            "auth",
            "blob",
            "blocking",
            "clock",
            "config",
            "control",
            "estate",
            "net",
            "source",
            "spine",
            "store",
            "tasks",
            "telemetry",
            "worker",
        ],
    ),
    // The pure parts of it (host, hello, dns, names, broker) stand on nothing but files for what is sealed.
    ("gate::egress", &["clock", "config", "files", "net", "spine", "tasks"]),
    ("gate::runtime", &["clock", "config", "files"]),
    // Translators without I/O: bytes in, typed out.
    ("gate::intake::ecosystem", &[]),
    // Ask, facts, verdict, entry, permit: over the ledger and its projection, and nothing of a gate.
    ("spine", &["blocking", "clock", "files", "ledger::subject", "store", "telemetry"]),
    // Looking at what is there already, judged as the gate would: by policy, over what sources set.
    ("scan", &["clock", "control", "files", "source", "store", "worker"]),
    // Sources learn facts; they remember through the store and ask through the network.
    ("source", &["blob", "clock", "config", "files", "net", "store", "gate::intake::ecosystem"]),
    ("auth", &["clock", "config", "store"]),
    // The worker reads hostile bytes under containment: nothing of the product is in its reach.
    ("worker", &["blocking", "config"]),
    // Around the ledger: who vouches for it, and in which forms it leaves.
    ("ledger", &["blocking", "clock", "config", "files", "net", "stop", "tasks"]),
    // The floor: each stands on the vocabulary alone.
    ("store", &["blob", "files"]),
    ("blob", &["files"]),
    ("net", &["config", "stop", "tasks"]),
    ("config", &["files"]),
    ("telemetry", &[]),
    ("blocking", &[]),
    ("clock", &[]),
    ("files", &[]),
    ("stop", &[]),
    ("tasks", &["stop"]),
    // The entry points.
    ("", &["*"]),
];

pub(crate) fn check(files: &[File]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust() && !file.is_test()) {
        let (Some(path), Some(text)) = (file.path.strip_prefix(SOURCES), &file.text) else { continue };
        let module = source::module(path);
        let Some((row, may_use)) = row(&module) else {
            found.push(format!("{}: module `{}` has no row in xtask/src/tidy/edges.rs", file.path, module.join("::")));
            continue;
        };
        for named in source::paths(&source::code_only(text), &module) {
            if !allowed(&named, row, &module, may_use) {
                let name = named.path.join("::");
                found.push(format!(
                    "{}:{}: `{row}` may not use `{name}` (xtask/src/tidy/edges.rs)",
                    file.path, named.line
                ));
            }
        }
    }
    Ok(found)
}

/// The row for a module: the longest that is the module or above it. The empty row is for the root alone.
fn row(module: &[String]) -> Option<(&'static str, &'static [&'static str])> {
    let name = module.join("::");
    let fits = |row: &str| row == name || (!row.is_empty() && name.starts_with(&format!("{row}::")));
    MAY_USE.iter().filter(|(row, _)| fits(row)).max_by_key(|(row, _)| row.len()).map(|(row, uses)| (*row, *uses))
}

fn allowed(named: &Named, row: &str, module: &[String], may_use: &[&str]) -> bool {
    let name = named.path.join("::");
    let under = |root: &str| name == root || name.starts_with(&format!("{root}::"));
    // Itself and below; an item of the `mod.rs` above (`gate::X` seen from `gate::intake::y`) is a type there.
    if under(row) || may_use.iter().any(|used| *used == "*" || under(used)) {
        return true;
    }
    let above = &module[..module.len().saturating_sub(1)];
    named.path.len() == above.len() + 1 && named.path.starts_with(above) && starts_upper(&named.path)
}

fn starts_upper(path: &[String]) -> bool {
    path.last().and_then(|name| name.chars().next()).is_some_and(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(module: &str, name: &str) -> bool {
        let path = |name: &str| -> Vec<String> { name.split("::").map(str::to_owned).collect() };
        let module = path(module);
        let (row, may_use) = row(&module).expect("a row");
        allowed(&Named { path: path(name), line: 1 }, row, &module, may_use)
    }

    #[test]
    fn a_gate_uses_the_spine_and_never_another_gate() {
        assert!(uses("gate::intake::artifact", "spine::Permit"));
        assert!(uses("gate::intake::artifact", "gate::intake::index::Page"));
        assert!(!uses("gate::intake::artifact", "gate::egress::proxy"));
        assert!(!uses("gate::intake::artifact", "app::App"));
    }

    #[test]
    fn a_translator_does_no_io() {
        assert!(uses("gate::intake::ecosystem::pypi::route", "gate::intake::ecosystem::pypi::Name"));
        assert!(!uses("gate::intake::ecosystem::pypi::route", "net::upstream::Client"));
        assert!(!uses("gate::intake::ecosystem::pypi::route", "store::Store"));
    }

    #[test]
    fn the_floor_stands_on_nothing() {
        assert!(uses("store::sqlite", "store::Store"));
        assert!(!uses("store::sqlite", "spine::Entry"));
        assert!(row(&["novelty".to_owned()]).is_none());
    }
}
