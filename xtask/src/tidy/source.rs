//! Rust source as far as the rules need it: without comments and texts, and the module paths that it names.

/// The source with comments and the content of texts blanked; lines stay where they are.
pub(crate) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = skipped(rest, code.chars().next_back()).unwrap_or(0);
        if length == 0 {
            code.push(next);
            rest = &rest[next.len_utf8()..];
        } else {
            code.extend(rest[..length].chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    code
}

/// The length of the comment, text or character that begins here, when one does.
fn skipped(rest: &str, before: Option<char>) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    let within_word = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let raw = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'));
    if let Some(raw) = raw.filter(|_| !within_word) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let start = rest.len() - raw.len() + hashes + 1;
            return Some(rest[start..].find(&close).map_or(rest.len(), |end| start + end + close.len()));
        }
    }
    if rest.starts_with('"') {
        return Some(closing(rest, '"'));
    }
    // A character, not a lifetime: it is closed after one letter or an escape.
    if rest.starts_with("'\\") {
        return Some(closing(rest, '\''));
    }
    let letter = rest.strip_prefix('\'')?.chars().next()?;
    rest[1 + letter.len_utf8()..].starts_with('\'').then(|| 2 + letter.len_utf8())
}

/// The length up to and with the closing mark, escapes passed over.
fn closing(rest: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == mark => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A path that the code names, and the line (from 1).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// From the root of the crate: `gate::intake::index` is three.
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// The module that a file of a crate is: `src/gate/intake/mod.rs` is `gate::intake`, `src/lib.rs` is the root.
pub(crate) fn module(path_in_src: &str) -> Vec<String> {
    let stem = path_in_src.trim_end_matches(".rs");
    let mut parts: Vec<String> = stem.split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

/// Every `crate::` and `super::` path in the code of that module, groups taken apart, made absolute.
pub(crate) fn paths(code: &str, module: &[String]) -> Vec<Named> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        let before = code[..at].chars().next_back();
        // `$crate::`, `my_crate::`, and the second of `super::super::` are not beginnings.
        if before.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '$' | ':')) {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let mut base: Vec<String> = Vec::new();
        let mut rest = &code[at..];
        if let Some(after) = rest.strip_prefix("crate::") {
            rest = after;
        } else {
            base = module.to_vec();
            while let Some(after) = rest.strip_prefix("super::") {
                base.pop();
                rest = after;
            }
        }
        let mut expanded = Vec::new();
        expand(rest, &base, &mut expanded);
        found.extend(expanded.into_iter().map(|path| Named { path, line }));
    }
    found
}

/// Follows one path, into its group when it has one; returns what is left after it.
fn expand<'a>(text: &'a str, base: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let mut path = base.to_vec();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if let Some(mut inside) = rest.strip_prefix('{') {
            loop {
                inside = inside.trim_start().trim_start_matches(',').trim_start();
                if let Some(after) = inside.strip_prefix('}') {
                    return after;
                }
                let after = expand(inside, &path, found);
                // `as name` and anything else up to the next member or the end.
                let end = after.find([',', '}']).unwrap_or(after.len());
                if after.len() == inside.len() || end == after.len() {
                    return "";
                }
                inside = &after[end..];
            }
        }
        let length = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
        if length == 0 {
            found.push(path);
            return rest.strip_prefix('*').unwrap_or(rest);
        }
        if &rest[..length] != "self" {
            path.push(rest[..length].to_owned());
        }
        rest = &rest[length..];
        match rest.strip_prefix("::") {
            Some(after) => rest = after,
            None => {
                found.push(path);
                return rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(code: &str, module: &[&str]) -> Vec<String> {
        let module: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
        paths(&code_only(code), &module).into_iter().map(|named| named.path.join("::")).collect()
    }

    #[test]
    fn comments_and_texts_name_nothing() {
        let code = "// crate::a\n/* crate::b */ let x = \"crate::c\"; let y = r#\"crate::\"d\"#; let z = 'c'; let e = '\\'';\n&'a crate::f";
        assert_eq!(named(code, &[]), ["f"]);
    }

    #[test]
    fn groups_are_taken_apart() {
        assert_eq!(named("use crate::{a::{b, c as d, self}, e::*, f};", &[]), ["a::b", "a::c", "a", "e", "f"]);
    }

    #[test]
    fn super_is_counted_from_the_module() {
        assert_eq!(named("super::super::store::Store", &["gate", "intake"]), ["store::Store"]);
        assert_eq!(named("use super::{a, super::b};", &["x", "y"])[0], "x::a");
    }

    #[test]
    fn a_file_is_a_module() {
        assert_eq!(module("lib.rs"), Vec::<String>::new());
        assert_eq!(module("gate/intake/mod.rs"), ["gate", "intake"]);
        assert_eq!(module("gate/intake/index.rs"), ["gate", "intake", "index"]);
    }
}
