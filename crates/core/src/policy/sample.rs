//! Facts that have every attribute, so that a rule can be tried before the night when it matters.

use crate::{
    Action, Ask, Confidence, Context, Ecosystem, Facts, Finding, FindingContext, Gate, Location, Principal, Purl,
    Resource, RunId, Severity, Sha256, Value,
};

use super::schema::{self, Kind};

/// An ask that says everything an ask can say.
pub(super) fn ask(gate: Gate) -> Ask {
    let text = || Some("sample".to_owned());
    let purl = Purl::project(Ecosystem::Pypi, "sample").ok().map(|project| project.at("1"));
    let run = Some(RunId::from_uuid(uuid::Uuid::nil()));
    Ask {
        resource: Resource { purl, file: text(), digest: Some(Sha256::from_bytes([0; 32])), host: text() },
        context: Context { run, purpose: text(), client: text(), address: text() },
        ..bare_ask(gate)
    }
}

/// An ask that says as little as an ask can say.
pub(super) fn bare_ask(gate: Gate) -> Ask {
    let (resource, context) = (Resource::default(), Context::default());
    Ask { gate, principal: Principal::local(), action: Action::Fetch, resource, context }
}

/// Facts with every attribute of a gate, one finding and one unknown.
pub(super) fn facts(gate: Gate) -> Facts {
    let value = |kind| match kind {
        Kind::Bool => Value::Bool(true),
        Kind::Int => Value::Int(1),
        Kind::Text => Value::Text("sample".to_owned()),
        Kind::List => Value::List(vec!["sample".to_owned()]),
    };
    let mut facts = Facts::new();
    facts.attributes.extend(schema::of(gate).map(|attribute| (attribute.name.to_owned(), value(attribute.kind))));
    facts.findings.push(Finding {
        detector: "sample".to_owned(),
        title: "a sample".to_owned(),
        severity: Severity::Info,
        confidence: Confidence::Low,
        context: FindingContext::Archive,
        location: Some(Location { path: "sample".to_owned(), line: None }),
        excerpt: None,
    });
    facts.unknown("sample", "a sample");
    facts
}
