//! `bulkhead explain`: which rule, which facts, what would change it.

use bulkhead_core::{Effect, Value};

use super::call::call;
use super::output::Output;
use super::{Done, Failure, Place, evidence};
use crate::control::{ExplainedFile, Explanation, Request};

/// Say which rule decided on a release, on which facts, and what would change it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A release (pkg:pypi/litellm@1.82.8), a verdict (v12) or a file's SHA-256
    pub(crate) subject: String,

    /// Show every file of the release and every rule, not only what decided
    #[arg(long)]
    pub(crate) all: bool,
}

pub(super) fn run(place: &Place, args: Args, output: &Output) -> Result<Done, Failure> {
    let explanation: Explanation = call(place, Request::Explain { subject: args.subject })?;
    let done = if explanation.effect.passes() { Done::Good } else { Done::Refused };
    output.facts(&explanation, |explanation| text(explanation, args.all))?;
    Ok(done)
}

fn text(explanation: &Explanation, all: bool) -> String {
    let mut out = String::new();
    let code = explanation.code.as_deref().unwrap_or("allowed");
    push(&mut out, &format!("{code}: {}", explanation.title));
    if !explanation.detail.is_empty() {
        push(&mut out, &format!("  {}", explanation.detail));
    }
    if !explanation.help.is_empty() {
        push(&mut out, &format!("  help: {}", explanation.help));
    }
    let shown = if all { explanation.files.len() } else { 3 };
    for file in explanation.files.iter().take(shown) {
        push(&mut out, "");
        file_text(&mut out, file, all);
    }
    if explanation.files.len() > shown {
        push(&mut out, &format!("\n{} more files; `--all` shows them and every rule", explanation.files.len() - shown));
    }
    push(&mut out, &format!("\npolicy {}", &explanation.policy[..explanation.policy.len().min(16)]));
    out
}

fn file_text(out: &mut String, file: &ExplainedFile, all: bool) {
    push(out, &format!("{}  {}", file.file, word(file.effect)));
    for reason in &file.reasons {
        let weight = match (&reason.excepted_by, reason.audit) {
            (Some(exception), _) => format!("excepted by {exception}"),
            (None, true) => "audit only".to_owned(),
            (None, false) => reason.effect.to_string(),
        };
        push(out, &format!("  rule {} ({weight}): {}", reason.rule, reason.text));
    }
    if file.reasons.is_empty() {
        push(out, "  no rule matched");
    }
    evidence::text(out, &file.facts.findings, if all { usize::MAX } else { evidence::SCREEN });
    push(out, "  facts");
    for (name, value) in &file.facts.attributes {
        if *value != Value::Null || all {
            push(out, &format!("    {name} = {}", value_text(value, all)));
        }
    }
    for unknown in &file.facts.unknowns {
        push(out, &format!("    unknown {}: {}", unknown.source, unknown.why));
    }
    if let Some(at) = file.changes_at {
        push(out, &format!("  from {at:.0} on it would be allowed, if nothing else changes"));
    }
    for sentence in &file.would_change {
        push(out, &format!("  would change it: {sentence}"));
    }
    if all {
        push(out, "  rules");
        for rule in &file.rules {
            let mark = if rule.matched { "matches" } else { "silent " };
            push(out, &format!("    {mark}  {} ({})  when {}", rule.rule, rule.effect, rule.when));
        }
    }
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allowed",
        Effect::Transform => "allowed, changed",
        Effect::Hold => "held",
        Effect::Deny => "denied",
    }
}

/// Values of a list that fit a line.
const LISTED: usize = 8;

fn value_text(value: &Value, all: bool) -> String {
    match value {
        Value::Null => "not known".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Text(value) => value.clone(),
        Value::List(values) if values.is_empty() => "none".to_owned(),
        Value::List(values) if !all && values.len() > LISTED => {
            format!("{}, and {} more", values[..LISTED].join(", "), values.len() - LISTED)
        }
        Value::List(values) => values.join(", "),
    }
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
