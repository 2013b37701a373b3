//! A project page as HTML (PEP 503, 592, 629, 658, 714, 740, 792), with the files that the gate keeps.

use super::index::{CoreMetadata, IndexFile, ProjectIndex, UploadTime, Yanked};
use super::render::{Links, minor_of};
use super::route::digits;

/// Writes the page with only `kept`, in that order. Every text of the upstream is escaped. `data-upload-time` is no
/// part of the standard; mirrors write it and uv reads it, so a client's own cooldown keeps working.
pub fn render_html(index: &ProjectIndex, kept: &[&IndexFile], links: Links<'_>) -> Vec<u8> {
    let mut out = String::with_capacity(512 + kept.len() * 420);
    let version = format!("1.{}", minor_of(index, kept));
    out.push_str("<!DOCTYPE html>\n<html>\n  <head>\n");
    meta(&mut out, "pypi:repository-version", &version);
    if let Some(status) = &index.status {
        meta(&mut out, "pypi:project-status", &status.status);
        if let Some(reason) = &status.reason {
            meta(&mut out, "pypi:project-status-reason", reason);
        }
    }
    // PEP 708 writes one element per address.
    for (name, list) in [
        ("pypi:tracks", index.meta_extra.get("tracks")),
        ("pypi:alternate-locations", index.extra.get("alternate-locations")),
    ] {
        for address in list.map(super::RawJson::as_texts).unwrap_or_default() {
            meta(&mut out, name, &address);
        }
    }
    out.extend(["    <title>Links for ", index.name.as_str(), "</title>\n  </head>\n  <body>\n    <h1>Links for "]);
    out.extend([index.name.as_str(), "</h1>\n"]);
    for file in kept {
        anchor(&mut out, file, links);
    }
    out.push_str("  </body>\n</html>\n");
    out.into_bytes()
}

fn meta(out: &mut String, name: &str, content: &str) {
    out.extend(["    <meta name=\"", name, "\""]);
    attribute(out, "content", content);
    out.push_str(">\n");
}

fn anchor(out: &mut String, file: &IndexFile, links: Links<'_>) {
    let mut href = (links.file)(file);
    // PEP 503 has room for one digest; SHA-256 is the one that clients check.
    if let Some(digest) = file.sha256() {
        href.push_str("#sha256=");
        href.extend(digits(&digest).map(char::from));
    } else if let Some((algorithm, digest)) = file.hashes.others.first() {
        href.extend(["#", algorithm, "=", digest]);
    }
    out.push_str("    <a");
    attribute(out, "href", &href);
    if let Some(requires) = &file.requires_python {
        attribute(out, "data-requires-python", requires);
    }
    match &file.yanked {
        Yanked::No => {}
        Yanked::Yes => attribute(out, "data-yanked", ""),
        Yanked::Because(reason) => attribute(out, "data-yanked", reason),
    }
    let metadata = match (links.metadata)(file) {
        CoreMetadata::Unavailable => None,
        CoreMetadata::Available => Some("true".to_owned()),
        CoreMetadata::WithDigest(digest) => Some(format!("sha256={digest}")),
    };
    if let Some(metadata) = metadata {
        attribute(out, "data-core-metadata", &metadata);
        // PEP 714: older clients know only the earlier name.
        attribute(out, "data-dist-info-metadata", &metadata);
    }
    if let Some(provenance) = &file.provenance {
        attribute(out, "data-provenance", provenance.as_str());
    }
    if let UploadTime::At { text, .. } = &file.upload_time {
        attribute(out, "data-upload-time", text);
    }
    out.push('>');
    escape(out, &file.filename);
    out.push_str("</a><br>\n");
}

fn attribute(out: &mut String, name: &str, value: &str) {
    out.extend([" ", name, "=\""]);
    escape(out, value);
    out.push('"');
}

/// Escapes for attribute values in double quotes and for text alike.
fn escape(out: &mut String, text: &str) {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'')) {
        out.push_str(text);
        return;
    }
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // A NUL or another control character has no form in HTML that every reader understands alike.
            char if char.is_control() && !matches!(char, '\n' | '\t') => out.push('\u{fffd}'),
            char => out.push(char),
        }
    }
}
