//! An environment as CycloneDX 1.6 in JSON, for tools that read that.

use jiff::Timestamp;
use serde_json::{Value, json};

/// The document: what the last scan of an environment saw. `installed` are releases and digests.
pub fn document(host: &str, environment: &str, at: Timestamp, installed: &[(Option<String>, Option<String>)]) -> Value {
    let component = |(number, (purl, digest)): (usize, &(Option<String>, Option<String>))| {
        let (name, version) = purl.as_deref().map_or(("file", None), name_and_version);
        let mut component = json!({
            "type": if purl.is_some() { "library" } else { "file" },
            "bom-ref": format!("c{number}"),
            "name": name,
        });
        if let Some(version) = version {
            component["version"] = Value::from(version);
        }
        if let Some(purl) = purl {
            component["purl"] = Value::from(purl.as_str());
        }
        if let Some(digest) = digest {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": digest }]);
        }
        component
    };
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": format!("{at:.0}"),
            "tools": { "components": [{ "type": "application", "name": "bulkhead", "version": env!("CARGO_PKG_VERSION") }] },
            "component": { "type": "platform", "name": host, "description": environment, "bom-ref": "subject" },
        },
        "components": installed.iter().enumerate().map(component).collect::<Vec<_>>(),
    })
}

fn name_and_version(purl: &str) -> (&str, Option<&str>) {
    let rest = purl.split_once('/').map_or(purl, |(_, rest)| rest);
    match rest.rsplit_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (rest, None),
    }
}
