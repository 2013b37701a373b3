//! The project's status at the registry (PEP 792). Sets `project.status` and `project.status_reason`.

use bulkhead_core::{Facts, Value};

/// The source's id.
pub const SOURCE: &str = "project-status";

/// The statuses of PEP 792.
const KNOWN: [&str; 4] = ["active", "archived", "deprecated", "quarantined"];

/// Sets the status and the registry's reason for it. A page without one is of an active project, as PEP 792 says; a
/// word that the PEP does not have is passed on, and is an Unknown: it may mean more than "quarantined" does.
pub fn gather(facts: &mut Facts, status: Option<(&str, Option<&str>)>) {
    let (word, reason) = status.unwrap_or(("active", None));
    let reason = reason.map(|reason| reason.chars().take(300).collect::<String>());
    facts.set("project.status_reason", reason);
    let word = word.trim().to_ascii_lowercase();
    if KNOWN.contains(&word.as_str()) {
        facts.set("project.status", word);
    } else if word.is_empty() {
        facts.set("project.status", Value::Null);
        facts.unknown(SOURCE, "the registry gives an empty project status");
    } else {
        let word: String = word.chars().take(80).collect();
        facts.unknown(SOURCE, format!("the registry gives the project status `{word}`, which PEP 792 does not have"));
        facts.set("project.status", word);
    }
}
