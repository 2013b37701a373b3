//! The sentences of a rule: `{file.age|words}` and the like, filled in from what the rule saw.

use crate::{Duration, Finding, Gate, Unknown};

use super::condition::{Condition, Fault};
use super::diagnostic::{did_you_mean, one_of};
use super::finding;
use super::schema::{self, Kind};
use super::scope::{Scope, Seen};

/// A sentence with places to fill in. Placeholders are checked at load.
#[derive(Debug, Clone)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Attribute(&'static str, Option<Filter>),
    Finding(&'static str),
    Findings,
    Unknowns,
}

#[derive(Debug, Clone, Copy)]
enum Filter {
    Words,
    Days,
}

/// What a matching rule is about: the scope, and the findings and unknowns that made it match.
pub(super) struct Subjects<'s, 'a> {
    scope: &'s Scope<'a>,
    findings: Vec<&'a Finding>,
    unknowns: Vec<&'a Unknown>,
}

/// Values that hostile bytes can influence are cut to this many characters.
const LONGEST: usize = 200;
/// How many findings or unknowns a sentence lists before it says "and 4 more".
const LISTED: usize = 3;
/// Findings are tried one by one to see which a rule is about; more than this many are not told apart.
const TRIED: usize = 64;

impl Template {
    /// Reads a sentence and checks each placeholder against the schema of the gate.
    pub(super) fn parse(text: &str, gate: Gate) -> Result<Self, Vec<Fault>> {
        let (mut pieces, mut faults) = (Vec::new(), Vec::new());
        let mut literal = String::new();
        let mut at = 0;
        while let Some(char) = text[at..].chars().next() {
            let rest = &text[at..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                literal.push(char);
                at += 2;
            } else if char == '{' {
                let Some(end) = rest.find('}') else {
                    faults.push(fault(
                        at,
                        "`{` opens a placeholder that never ends",
                        Some("write `{{` for a brace".to_owned()),
                    ));
                    break;
                };
                match placeholder(&rest[1..end], gate) {
                    Ok(piece) => pieces.extend([Piece::Text(std::mem::take(&mut literal)), piece]),
                    Err((what, hint)) => faults.push(fault(at, what, hint)),
                }
                at += end + 1;
            } else {
                literal.push(char);
                at += char.len_utf8();
            }
        }
        pieces.push(Piece::Text(literal));
        if faults.is_empty() { Ok(Self(pieces)) } else { Err(faults) }
    }

    /// The sentence about those subjects. A value that is not known reads `unknown`.
    pub(super) fn fill(&self, subjects: &Subjects<'_, '_>) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Attribute(name, filter) => {
                    let seen = subjects.scope.attribute(name).unwrap_or(Seen::Null);
                    out.push_str(&render(&seen, *filter));
                }
                Piece::Finding(field) => {
                    let seen = subjects.findings.first().and_then(|finding| finding::field(finding, field));
                    out.push_str(&render(&seen.unwrap_or(Seen::Null), None));
                }
                Piece::Findings => {
                    out.push_str(&listed(subjects.findings.iter().map(|finding| clean(&finding.title))));
                }
                Piece::Unknowns => {
                    let words = |unknown: &&Unknown| format!("{} ({})", clean(&unknown.source), clean(&unknown.why));
                    out.push_str(&listed(subjects.unknowns.iter().map(words)));
                }
            }
        }
        out
    }
}

impl<'s, 'a> Subjects<'s, 'a> {
    /// The findings and unknowns for which the condition, true in this scope, also holds alone; all, when none does.
    pub(super) fn of(condition: &Condition, scope: &'s Scope<'a>) -> Self {
        let (mut findings, mut unknowns) = (Vec::new(), Vec::new());
        let holds = |narrow: &Scope<'_>| condition.holds(narrow) == Ok(true);
        if condition.names().contains("findings") {
            let tried = scope.findings().iter().take(TRIED);
            findings.extend(tried.filter(|finding| holds(&scope.with_findings(std::slice::from_ref(*finding)))));
        }
        if condition.names().contains("unknown") {
            let tried = scope.unknowns().iter().take(TRIED);
            unknowns.extend(tried.filter(|unknown| holds(&scope.with_unknowns(std::slice::from_ref(*unknown)))));
        }
        if findings.is_empty() {
            findings.extend(scope.findings());
        }
        if unknowns.is_empty() {
            unknowns.extend(scope.unknowns());
        }
        Self { scope, findings, unknowns }
    }
}

fn placeholder(inside: &str, gate: Gate) -> Result<Piece, (String, Option<String>)> {
    let (name, filter) = match inside.split_once('|') {
        Some((name, filter)) => (name.trim(), Some(filter.trim())),
        None => (inside.trim(), None),
    };
    let filter = match filter {
        None => None,
        Some("words") => Some(Filter::Words),
        Some("days") => Some(Filter::Days),
        Some(other) => return Err((format!("unknown filter `{other}`"), one_of(other, ["words", "days"]))),
    };
    match name {
        "findings" => return Ok(Piece::Findings),
        "unknown" => return Ok(Piece::Unknowns),
        _ => {}
    }
    if let Some(field) = name.strip_prefix("finding.") {
        let fields = schema::FINDING.iter().map(|field| field.name);
        let found = fields.clone().find(|known| *known == field);
        return found.map(Piece::Finding).ok_or_else(|| (format!("a finding has no `{field}`"), one_of(field, fields)));
    }
    let mut known = schema::of(gate).chain(schema::SETTINGS);
    let Some(attribute) = known.find(|attribute| attribute.name == name) else {
        let names = schema::of(gate).chain(schema::SETTINGS).map(|attribute| attribute.name);
        let more = ["findings", "unknown", "finding.title", "finding.path"];
        return Err((format!("unknown placeholder `{{{name}}}`"), did_you_mean(name, names.chain(more))));
    };
    if filter.is_some() && attribute.kind != Kind::Int {
        return Err((format!("`{name}` is no span of time, so it has no filter"), Some(format!("write `{{{name}}}`"))));
    }
    Ok(Piece::Attribute(attribute.name, filter))
}

fn render(seen: &Seen<'_>, filter: Option<Filter>) -> String {
    match (seen, filter) {
        (Seen::Int(seconds), Some(Filter::Words)) => Duration::seconds(*seconds).in_words(),
        (Seen::Int(seconds), Some(Filter::Days)) => (seconds / 86_400).to_string(),
        (Seen::Int(value), None) => value.to_string(),
        (Seen::Null, _) => "unknown".to_owned(),
        (Seen::Bool(value), _) => value.to_string(),
        (Seen::Text(text), _) => clean(text),
        (Seen::List(list), _) => list.iter().map(|item| clean(item)).collect::<Vec<_>>().join(", "),
    }
}

/// File names and summaries come from strangers: no control characters, nothing that turns the writing around, no
/// endless text.
fn clean(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars().take(LONGEST + 1) {
        if char.is_control() || is_invisible(char) { out.extend(char.escape_default()) } else { out.push(char) }
    }
    if out.chars().count() <= LONGEST {
        return out;
    }
    out.chars().take(LONGEST - 3).chain("...".chars()).collect()
}

/// Zero-width characters and those that change the direction of writing (CVE-2021-42574).
fn is_invisible(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn listed(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(LISTED);
    let shown = items.take(LISTED).collect::<Vec<_>>().join("; ");
    if more == 0 { shown } else { format!("{shown}; and {more} more") }
}

fn fault(at: usize, what: impl Into<String>, hint: Option<String>) -> Fault {
    Fault { at, what: what.into(), hint }
}
