//! SARIF 2.1.0: what code-scanning pages read.

use bulkhead_core::{Finding, Severity};
use serde_json::{Value, json};

use super::Scanned;

/// The whole scan as one run.
pub fn document(scanned: &Scanned) -> Value {
    let mut rules: Vec<&str> = Vec::new();
    let mut results = Vec::new();
    for item in &scanned.items {
        for finding in &item.findings {
            if !rules.contains(&finding.detector.as_str()) {
                rules.push(&finding.detector);
            }
            results.push(result(&item.name, finding));
        }
        for reason in
            item.reasons.iter().filter(|reason| reason.rule.starts_with("advisory") || reason.rule == "refused-before")
        {
            results.push(json!({
                "ruleId": reason.rule,
                "level": if reason.effect.passes() || !reason.counts() { "note" } else { "error" },
                "message": { "text": format!("{}: {}", item.name, reason.text) },
            }));
        }
    }
    let rules: Vec<Value> = rules.iter().map(|id| rule(id)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "bulkhead", "version": env!("CARGO_PKG_VERSION"), "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "properties": { "target": scanned.target, "ruleset": scanned.ruleset, "policy": scanned.policy, "effect": scanned.effect },
            "results": results,
        }],
    })
}

fn rule(id: &str) -> Value {
    let meta = bulkhead_detect::metas().find(|meta| meta.id == id);
    json!({
        "id": id,
        "shortDescription": { "text": meta.map_or(id, |meta| meta.title) },
        "fullDescription": { "text": meta.map_or(id, |meta| meta.doc.split("\n\n").next().unwrap_or(id)) },
    })
}

fn result(item: &str, finding: &Finding) -> Value {
    let level = match finding.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    };
    let mut result = json!({
        "ruleId": finding.detector,
        "level": level,
        "message": { "text": format!("{item}: {}", finding.title) },
        "properties": { "severity": finding.severity.as_str(), "confidence": finding.confidence.as_str(), "context": finding.context.as_str() },
    });
    if let Some(location) = &finding.location {
        let mut physical = json!({ "artifactLocation": { "uri": uri(&location.path) } });
        if let Some(line) = location.line {
            physical["region"] = json!({ "startLine": line.max(1) });
            if let Some(excerpt) = &finding.excerpt {
                physical["region"]["snippet"] = json!({ "text": excerpt });
            }
        }
        result["locations"] = json!([{ "physicalLocation": physical }]);
    }
    result
}

/// A path as a relative reference: what is not plain is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/+@=,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
