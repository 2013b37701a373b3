//! Tests of the policy: what is refused at load, what the shipped rules decide, what holds for any policy.

mod as_shipped;
mod check;
mod decide;
mod documents;
mod empty_release;
mod exceptions;
mod explain;
mod matrix;
mod memo;
mod properties;

use jiff::Timestamp;

use crate::{
    Action, Ask, Confidence, Context, Facts, Finding, FindingContext, Gate, Location, Principal, Resource, Severity,
};

use super::{DEFAULT, Policy};

/// The moment at which every test takes place.
fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

fn policy(text: &str) -> Policy {
    Policy::parse(text, "policy.toml").unwrap_or_else(|errors| panic!("{errors}"))
}

fn shipped() -> Policy {
    policy(DEFAULT)
}

/// What the checker says about a file, as a user reads it.
fn complaints(text: &str) -> String {
    match Policy::parse(text, "policy.toml") {
        Ok(policy) => {
            let warnings: Vec<_> = policy.warnings().iter().map(ToString::to_string).collect();
            format!("loads\n{}", warnings.join("\n")).trim_end().to_owned()
        }
        Err(errors) => errors.to_string(),
    }
}

/// A file with one rule at intake, whose condition is given.
fn rule(when: &str) -> String {
    format!(
        "[[rule]]\nid = \"mine\"\ngate = \"intake\"\nwhen = '''{when}'''\neffect = \"deny\"\nreason = \"r\"\nhelp = \"h\"\n"
    )
}

/// Somebody fetches a wheel of sampleproject 2.0.
fn ask() -> Ask {
    Ask {
        gate: Gate::Intake,
        principal: Principal::local(),
        action: Action::Fetch,
        resource: Resource {
            purl: Some("pkg:pypi/sampleproject@2.0".parse().expect("a purl")),
            file: Some("sampleproject-2.0-py3-none-any.whl".to_owned()),
            digest: Some(crate::Sha256::from_bytes([0xab; 32])),
            ..Resource::default()
        },
        context: Context::default(),
    }
}

const DAY: i64 = 86_400;

/// A file about which nothing is wrong: forty days old, hashed, readable.
fn good() -> Facts {
    let mut facts = Facts::new();
    facts.set("file.kind", "wheel");
    facts.set("file.size", 4096);
    facts.set("file.has_hash", true);
    facts.set("file.yanked", false);
    facts.set("file.age", 40 * DAY);
    facts.set("file.time", "upload");
    facts.set("file.uploaded", "2026-10-13T12:00:00Z");
    facts.set("project.status", "active");
    facts.set("project.reserved", false);
    facts.set("content.judged", true);
    facts.set("content.readable", true);
    facts
}

fn finding(detector: &str, severity: Severity, context: FindingContext) -> Finding {
    Finding {
        detector: detector.to_owned(),
        title: format!("{detector} was seen"),
        severity,
        confidence: Confidence::High,
        context,
        location: Some(Location { path: "sampleproject/member".to_owned(), line: None }),
        excerpt: None,
    }
}
