//! Methods of text and bytes that fold.

use std::rc::Rc;

use super::decode;
use super::fold::{Budget, LONGEST, codec_decode, latin, look_up, piece, show};
use super::value::{HOLE, Kind, Val};
use crate::behaviour::Sources;

/// A method of text, bytes, a list or a dict. `None` where it does not fold.
pub(super) fn method(
    receiver: &Val,
    name: &str,
    args: &[Val],
    named: &dyn Fn(&str) -> Option<Val>,
    budget: &mut Budget,
) -> Option<Kind> {
    let first = args.first();
    match &receiver.kind {
        Kind::Str(text) => {
            if !budget.step(1 + text.len() as u64 / 64) {
                return None;
            }
            text_method(text, name, args, named, budget)
        }
        Kind::Bytes(bytes) => match name {
            "decode" => {
                let codec = first.and_then(Val::as_str).unwrap_or("utf-8");
                codec_decode(bytes, codec, budget)
            }
            "hex" if budget.room(2 * bytes.len()) => {
                Some(Kind::Str(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()))
            }
            "replace" | "strip" | "join" | "split" | "translate" | "rstrip" | "lstrip" => {
                let text = std::str::from_utf8(bytes).ok()?;
                let args: Vec<Val> = args
                    .iter()
                    .map(|value| match value.constant_bytes().map(std::str::from_utf8) {
                        Some(Ok(text)) => Val::text(text, value.from),
                        _ => value.clone(),
                    })
                    .collect();
                match text_method(text, name, &args, named, budget)? {
                    Kind::Str(text) => Some(Kind::Bytes(text.as_bytes().into())),
                    _ => None,
                }
            }
            _ => None,
        },
        Kind::Dict(pairs) => match name {
            "get" => first.and_then(Val::as_str).and_then(|key| look_up(receiver, key)).map(|value| value.kind),
            "values" => Some(Kind::List(Rc::new(pairs.iter().map(|(_, value)| value.clone()).collect()))),
            "keys" => Some(Kind::List(Rc::new(pairs.iter().map(|(key, _)| key.clone()).collect()))),
            "items" => Some(Kind::List(Rc::new(
                pairs.iter().map(|(key, value)| Val::list(vec![key.clone(), value.clone()], Sources::NONE)).collect(),
            ))),
            "copy" => Some(receiver.kind.clone()),
            _ => None,
        },
        Kind::List(_) if name == "copy" => Some(receiver.kind.clone()),
        _ => None,
    }
}

fn text_method(
    text: &str,
    name: &str,
    args: &[Val],
    named: &dyn Fn(&str) -> Option<Val>,
    budget: &mut Budget,
) -> Option<Kind> {
    let first = args.first();
    let second = args.get(1);
    if matches!(name, "index" | "find") && args.len() == 1 && !text.contains(HOLE) {
        let at = text.find(first?.constant_str()?)?;
        return Some(Kind::Int(i128::try_from(text[..at].chars().count()).ok()?));
    }
    let out: String = match name {
        "format" => format(text, args, named),
        "format_map" => format(text, &[], &|key| first.and_then(|dict| look_up(dict, key))),
        "join" => {
            let items: Vec<Val> = match &first?.kind {
                Kind::List(items) => items.to_vec(),
                Kind::Str(text) => text.chars().map(|c| Val::text(&c.to_string(), Sources::NONE)).collect(),
                _ => return None,
            };
            let mut out = String::new();
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(text);
                }
                match item.constant_bytes().map(std::str::from_utf8) {
                    Some(Ok(piece)) => out.push_str(piece),
                    _ => out.push_str(&piece(item)),
                }
                if out.len() > LONGEST {
                    return None;
                }
            }
            out
        }
        "replace" => {
            let (old, new) = (first?.constant_str()?, second?.as_str()?);
            if old.is_empty() {
                return None;
            }
            let count = text.matches(old).count();
            if !budget.room(text.len().saturating_add(count.saturating_mul(new.len()))) {
                return None;
            }
            text.replace(old, new)
        }
        "lower" | "casefold" => text.to_lowercase(),
        "upper" => text.to_uppercase(),
        "swapcase" => text
            .chars()
            .map(|c| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })
            .collect(),
        "title" | "capitalize" | "expandtabs" | "zfill" | "ljust" | "rjust" | "center" => text.to_owned(),
        "strip" | "lstrip" | "rstrip" => {
            let set: Vec<char> = match first.and_then(Val::constant_str) {
                Some(set) => set.chars().collect(),
                None => vec![' ', '\t', '\n', '\r'],
            };
            let trimmed = if name == "rstrip" { text } else { text.trim_start_matches(&set[..]) };
            let trimmed = if name == "lstrip" { trimmed } else { trimmed.trim_end_matches(&set[..]) };
            trimmed.to_owned()
        }
        "removeprefix" => text.strip_prefix(first?.constant_str()?).unwrap_or(text).to_owned(),
        "removesuffix" => text.strip_suffix(first?.constant_str()?).unwrap_or(text).to_owned(),
        "translate" => return translate(text, first?),
        "split" | "rsplit" => {
            let pieces: Vec<Val> = match first.and_then(Val::constant_str) {
                Some("") => return None,
                Some(by) => text.split(by).take(50_000).map(|part| Val::text(part, Sources::NONE)).collect(),
                None if first.is_none() => {
                    text.split_whitespace().take(50_000).map(|part| Val::text(part, Sources::NONE)).collect()
                }
                None => return None,
            };
            budget.step(pieces.len() as u64);
            return Some(Kind::List(Rc::new(pieces)));
        }
        "splitlines" => {
            return Some(Kind::List(Rc::new(
                text.lines().take(50_000).map(|part| Val::text(part, Sources::NONE)).collect(),
            )));
        }
        "encode" => {
            let codec = first.and_then(Val::as_str).unwrap_or("utf-8");
            return match codec.to_ascii_lowercase().replace('_', "-").as_str() {
                _ if text.contains(HOLE) => Some(Kind::Str(text.into())),
                "rot13" | "rot-13" => Some(Kind::Str(decode::rot13(text).into())),
                "latin-1" | "latin1" | "iso-8859-1" => Some(Kind::Bytes(latin(text).into())),
                _ => Some(Kind::Bytes(text.as_bytes().into())),
            };
        }
        // Python 2: `"...".decode("hex")`.
        "decode" => {
            let codec = first.and_then(Val::as_str).unwrap_or("utf-8");
            return codec_decode(text.as_bytes(), codec, budget);
        }
        _ => return None,
    };
    budget.room(out.len()).then(|| Kind::Str(out.into()))
}

fn translate(text: &str, table: &Val) -> Option<Kind> {
    let Kind::Dict(pairs) = &table.kind else { return None };
    let map: std::collections::HashMap<u32, Option<char>> = pairs
        .iter()
        .filter_map(|(key, value)| {
            let code = key.as_int().and_then(|code| u32::try_from(code).ok())?;
            let to = match &value.kind {
                Kind::Int(code) => u32::try_from(*code).ok().and_then(char::from_u32),
                Kind::Str(text) => text.chars().next(),
                _ => None,
            };
            Some((code, to))
        })
        .collect();
    let out: String = text.chars().filter_map(|c| map.get(&u32::from(c)).copied().unwrap_or(Some(c))).collect();
    Some(Kind::Str(out.into()))
}

/// `"{} {name} {0}".format(...)`.
fn format(text: &str, args: &[Val], named: &dyn Fn(&str) -> Option<Val>) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut next = 0;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let open = rest.as_bytes()[at] == b'{';
        let after = &rest[at + 1..];
        if after.starts_with(['{', '}']) && (open == after.starts_with('{')) {
            out.push(if open { '{' } else { '}' });
            rest = &after[1..];
            continue;
        }
        let Some((field, tail)) = after.split_once('}').filter(|_| open) else {
            rest = after;
            continue;
        };
        rest = tail;
        let name = field.split([':', '!']).next().unwrap_or_default();
        let value = match name.parse::<usize>() {
            Ok(at) => args.get(at).cloned(),
            Err(_) if name.is_empty() => {
                next += 1;
                args.get(next - 1).cloned()
            }
            Err(_) => named(name),
        };
        match value {
            Some(value) if field.ends_with(":c") => {
                out.extend(value.as_int().and_then(|code| u32::try_from(code).ok()).and_then(char::from_u32));
            }
            Some(value) => out.push_str(&show(&value)),
            None => out.push(HOLE),
        }
        if out.len() > LONGEST {
            return out;
        }
    }
    out.push_str(rest);
    out
}
