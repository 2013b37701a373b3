//! Lines of lists, and how a long list is split over entries.

use bulkhead_core::{Purl, Sha256};

use super::{ItemLine, MemberLine};

/// Bytes of a list in one entry, as JSON has them: the head, reasons and signatures of names stay well below the rest.
pub const LIST_BYTES: usize = 48_000;
/// Longer names and paths are cut: a path of an archive may be as long as its author likes.
const LONGEST_LABEL: usize = 400;

/// A name on one line: control characters escaped, cut when very long.
pub(super) fn label(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
        if out.len() > LONGEST_LABEL {
            out.push('…');
            break;
        }
    }
    out
}

pub(super) fn member(member: &MemberLine) -> String {
    format!("{} {}", member.digest, label(&member.path))
}

pub(super) fn read_member(line: &str) -> Result<MemberLine, String> {
    let (digest, path) = line.split_once(' ').ok_or_else(|| format!("`{line}` is not a member"))?;
    Ok(MemberLine { digest: digest.parse().map_err(|error| format!("{error}"))?, path: path.to_owned() })
}

pub(super) fn item(item: &ItemLine) -> String {
    let purl = item.purl.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let digest = item.digest.map_or_else(|| "-".to_owned(), |digest| digest.to_hex());
    format!("{purl} {digest}")
}

pub(super) fn read_item(line: &str) -> Result<ItemLine, String> {
    let (purl, digest) = line.split_once(' ').ok_or_else(|| format!("`{line}` is not an item"))?;
    let purl: Option<Purl> = if purl == "-" { None } else { Some(purl.parse().map_err(|error| format!("{error}"))?) };
    let digest: Option<Sha256> =
        if digest == "-" { None } else { Some(digest.parse().map_err(|error| format!("{error}"))?) };
    if purl.is_none() && digest.is_none() {
        return Err("an item is neither a release nor a file".to_owned());
    }
    Ok(ItemLine { purl, digest })
}

/// The list over as many entries as it needs.
pub(super) fn split(list: Vec<String>) -> Vec<String> {
    let (mut parts, mut part, mut size) = (Vec::new(), String::new(), 0);
    for line in list {
        // In JSON a newline is two bytes, a quote or a backslash too.
        let length = 2 + line.len() + line.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        if size + length > LIST_BYTES && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            size = 0;
        }
        if !part.is_empty() {
            part.push('\n');
        }
        part.push_str(&line);
        size += length;
    }
    parts.push(part);
    parts
}
