//! A project's page in both forms of the simple API.

use serde_json::{Value, json};

use super::{Project, Upload, normalise};

/// JSON (PEP 691 at 1.1, or 1.4 with a status), with a member that no standard names: what a gate does not know it keeps.
pub(super) fn json(name: &str, project: &Project, origin: &str) -> Vec<u8> {
    let mut versions: Vec<&str> = project.files.iter().map(|file| file.version.as_str()).collect();
    versions.dedup();
    let mut page = json!({
        "meta": {"api-version": if project.status.is_some() { "1.4" } else { "1.1" }, "_last-serial": 7},
        "name": normalise(name),
        "versions": versions,
        "files": project.files.iter().map(|file| entry(file, origin)).collect::<Vec<Value>>(),
    });
    if let Some((status, reason)) = &project.status {
        page["project-status"] = json!({"status": status, "reason": reason});
    }
    page.to_string().into_bytes()
}

fn entry(file: &Upload, origin: &str) -> Value {
    let mut entry = json!({
        "filename": file.filename,
        "url": url(file, origin),
        "hashes": {},
        "size": file.bytes.len(),
        "requires-python": ">=3.8",
        "yanked": false,
        "_registry-own": "kept",
    });
    if let Some(sha256) = &file.sha256 {
        entry["hashes"] = json!({"sha256": sha256});
    }
    if let Some(uploaded) = &file.uploaded {
        entry["upload-time"] = json!(uploaded);
    }
    if let Some(reason) = &file.yanked {
        entry["yanked"] = json!(reason);
    }
    if let Some(metadata) = &file.metadata {
        entry["core-metadata"] = json!({"sha256": crate::support::sha256(metadata)});
    }
    entry
}

/// HTML (PEP 503), with hash fragments.
pub(super) fn html(name: &str, project: &Project, origin: &str) -> Vec<u8> {
    let mut page = format!(
        "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"1.0\"><title>Links for {name}</title>\
         </head><body>\n"
    );
    for file in &project.files {
        let fragment = file.sha256.as_ref().map(|sha256| format!("#sha256={sha256}")).unwrap_or_default();
        let yanked = file.yanked.as_ref().map(|reason| format!(" data-yanked=\"{reason}\"")).unwrap_or_default();
        let link = format!("<a href=\"{}{fragment}\" data-requires-python=\"&gt;=3.8\"{yanked}>", url(file, origin));
        page.push_str(&format!("{link}{}</a><br/>\n", file.filename));
    }
    page.push_str("</body></html>\n");
    page.into_bytes()
}

fn url(file: &Upload, origin: &str) -> String {
    file.url.clone().unwrap_or_else(|| format!("{origin}{}", file.path()))
}
