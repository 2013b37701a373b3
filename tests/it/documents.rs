//! The generated parts of the documents are what the code says. `cargo xtask codegen` writes them anew.
//!
//! A document holds `<!-- generated: NAME -->` and `<!-- end -->`; what stands between is this module's.

use std::{fmt::Write as _, path::Path};

use bulkhead::config::env;
use bulkhead_core::{
    Code,
    policy::schema::{self, Attribute, Kind},
};

use crate::support::{Place, Registry};

type Part = (&'static str, fn() -> String);

/// Every generated part: its name, and what makes it.
const PARTS: &[Part] = &[
    ("attributes", attributes),
    ("commands", commands),
    ("detectors", detectors),
    ("environment", environment),
    ("problems", problems),
];

/// Set by `cargo xtask codegen`.
const WRITE: &str = "BULKHEAD_WRITE_DOCUMENTS";

#[test]
fn generated_documents_are_current() {
    let write = std::env::var_os(WRITE).is_some();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut seen = Vec::new();
    let mut stale = Vec::new();
    let mut documents: Vec<_> =
        std::fs::read_dir(root.join("docs")).unwrap().flatten().map(|entry| entry.path()).collect();
    documents.sort();
    for path in documents.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = std::fs::read_to_string(path).unwrap();
        let fresh = renewed(&text, &mut seen);
        if fresh != text {
            stale.push(path.file_name().unwrap().to_owned());
            if write {
                std::fs::write(path, fresh).unwrap();
            }
        }
    }
    assert!(write || stale.is_empty(), "not current, run `cargo xtask codegen`: {stale:?}");
    seen.sort_unstable();
    let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(seen, names, "every part stands in exactly one document of docs/");
}

/// The document with every generated part made anew.
fn renewed(text: &str, seen: &mut Vec<String>) -> String {
    const BEGIN: &str = "<!-- generated: ";
    const END: &str = "<!-- end -->";
    let mut fresh = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        let (name, _) = rest[at + BEGIN.len()..].split_once(" -->").expect("a marker ends with ` -->`");
        let (_, make) =
            PARTS.iter().find(|(part, _)| *part == name).unwrap_or_else(|| panic!("no generated part `{name}`"));
        let end = at + rest[at..].find(END).unwrap_or_else(|| panic!("`{name}` has no end marker"));
        let _ = write!(fresh, "{}{BEGIN}{name} -->\n\n{}\n\n{END}", &rest[..at], make().trim());
        seen.push(name.to_owned());
        rest = &rest[end + END.len()..];
    }
    fresh + rest
}

fn attributes() -> String {
    let rows = |attributes: &[Attribute]| -> String {
        let row = |attribute: &Attribute| {
            let kind = match attribute.kind {
                Kind::Bool => "bool",
                Kind::Int => "int",
                Kind::Text => "text",
                Kind::List => "list of texts",
            };
            format!("| `{}` | {kind} | {} |\n", attribute.name, attribute.doc)
        };
        attributes.iter().map(row).collect()
    };
    let head = "| attribute | type | meaning |\n| --- | --- | --- |\n";
    format!("At every gate:\n\n{head}{}\nAt the intake gate:\n\n{head}{}", rows(schema::ASK), rows(schema::INTAKE))
}

fn environment() -> String {
    let row = |variable: &env::Variable| format!("| `{}` | {} |\n", variable.name, variable.doc);
    format!("| variable | meaning |\n| --- | --- |\n{}", env::ALL.iter().map(row).collect::<String>())
}

fn problems() -> String {
    let row = |(word, status, title): &(&str, u16, &str)| format!("| `{word}` | {status} | {title} |\n");
    let head = "| code | HTTP | meaning |\n| --- | --- | --- |\n";
    let rule = "| `<gate>-<rule>` | 403 | a policy rule refused, `intake-cooldown` for example |\n";
    format!("{head}{}{rule}", Code::FIXED.iter().map(row).collect::<String>())
}

fn detectors() -> String {
    let part = |meta: &bulkhead_detect::Meta| {
        let (severity, confidence) = (meta.severity.as_str(), meta.confidence.as_str());
        format!(
            "## {}\n\n{}. Severity {severity}, confidence {confidence}.\n\n{}\n",
            meta.id,
            meta.title,
            meta.doc.trim()
        )
    };
    bulkhead_detect::metas().map(part).collect::<Vec<_>>().join("\n")
}

/// The help of the program and of every command that it names.
fn commands() -> String {
    let registry = Registry::start();
    let place = Place::before(&registry);
    let help = |words: &[&str]| place.help(words);
    let mut out = String::new();
    let top = help(&[]);
    let _ = write!(out, "## bulkhead\n\n```text\n{}\n```\n", top.trim());
    for command in subcommands(&top) {
        let text = help(&[&command]);
        let _ = write!(out, "\n## bulkhead {command}\n\n```text\n{}\n```\n", text.trim());
        for below in subcommands(&text) {
            let text = help(&[&command, &below]);
            let _ = write!(out, "\n### bulkhead {command} {below}\n\n```text\n{}\n```\n", text.trim());
        }
    }
    out
}

/// The names under `Commands:` in a help text.
fn subcommands(help: &str) -> Vec<String> {
    let after = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names =
        after.take_while(|line| !line.is_empty()).filter(|line| line.starts_with("  ") && !line.starts_with("    "));
    names.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).filter(|name| name != "help").collect()
}
