//! A project page as JSON (PEP 691), with the files that the gate keeps.

use std::io::Write as _;

use super::index::{CoreMetadata, Hashes, IndexFile, ProjectIndex, UploadTime, Yanked};
use super::raw_json::Extra;
use super::render::{Links, minor_of, versions_of};
use super::route::digits;

/// Writes the page with only `kept`, in that order. Links and metadata are the gate's; unknown keys, sizes, upload
/// times, yanks, attestations and the status are the upstream's; `versions` are those that still have a file.
/// Legacy metadata keys and `gpg-sig` are left out: Bulkhead serves no signature files.
pub fn render_json(index: &ProjectIndex, kept: &[&IndexFile], links: Links<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + kept.len() * 420);
    let versions = versions_of(index, kept);
    // PEP 700 makes `versions` mandatory from 1.1 on.
    let minor = if versions.is_some() { minor_of(index, kept).max(1) } else { 0 };
    put(&mut out, "{\"meta\":{\"api-version\":");
    text(&mut out, &format!("1.{minor}"));
    extra(&mut out, &index.meta_extra);
    put(&mut out, "},\"name\":");
    text(&mut out, index.name.as_str());
    if let Some(status) = &index.status {
        put(&mut out, ",\"project-status\":{\"status\":");
        text(&mut out, &status.status);
        if let Some(reason) = &status.reason {
            key(&mut out, "reason", reason);
        }
        put(&mut out, "}");
    }
    extra(&mut out, &index.extra);
    put(&mut out, ",\"files\":[");
    for (at, one) in kept.iter().enumerate() {
        put(&mut out, if at == 0 { "" } else { "," });
        file(&mut out, one, links);
    }
    put(&mut out, "]");
    if let Some(versions) = versions {
        put(&mut out, ",\"versions\":[");
        for (at, version) in versions.iter().enumerate() {
            put(&mut out, if at == 0 { "" } else { "," });
            text(&mut out, version);
        }
        put(&mut out, "]");
    }
    put(&mut out, "}");
    out
}

fn file(out: &mut Vec<u8>, file: &IndexFile, links: Links<'_>) {
    put(out, "{\"filename\":");
    text(out, &file.filename);
    key(out, "url", &(links.file)(file));
    hashes(out, &file.hashes);
    if let Some(requires) = &file.requires_python {
        key(out, "requires-python", requires);
    }
    if let Some(size) = file.size {
        write!(out, ",\"size\":{size}").expect("invariant: writing to a Vec does not fail");
    }
    if let UploadTime::At { text, .. } = &file.upload_time {
        key(out, "upload-time", text);
    }
    match &file.yanked {
        Yanked::No => put(out, ",\"yanked\":false"),
        Yanked::Yes => put(out, ",\"yanked\":true"),
        Yanked::Because(reason) => key(out, "yanked", reason),
    }
    match (links.metadata)(file) {
        CoreMetadata::Unavailable => put(out, ",\"core-metadata\":false"),
        CoreMetadata::Available => put(out, ",\"core-metadata\":true"),
        CoreMetadata::WithDigest(digest) => {
            put(out, ",\"core-metadata\":{\"sha256\":\"");
            out.extend_from_slice(&digits(&digest));
            put(out, "\"}");
        }
    }
    if let Some(provenance) = &file.provenance {
        key(out, "provenance", provenance.as_str());
    }
    extra(out, &file.extra);
    put(out, "}");
}

fn hashes(out: &mut Vec<u8>, hashes: &Hashes) {
    put(out, ",\"hashes\":{");
    let mut separator = "";
    if let Some(digest) = hashes.sha256 {
        put(out, "\"sha256\":\"");
        out.extend_from_slice(&digits(&digest));
        put(out, "\"");
        separator = ",";
    }
    for (algorithm, digest) in &hashes.others {
        put(out, separator);
        text(out, algorithm);
        put(out, ":");
        text(out, digest);
        separator = ",";
    }
    put(out, "}");
}

fn extra(out: &mut Vec<u8>, extra: &Extra) {
    for (name, value) in extra {
        put(out, ",");
        text(out, name);
        put(out, ":");
        put(out, value.as_str());
    }
}

fn key(out: &mut Vec<u8>, name: &str, value: &str) {
    put(out, ",");
    text(out, name);
    put(out, ":");
    text(out, value);
}

fn text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("invariant: a text is JSON, and writing to a Vec does not fail");
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}
