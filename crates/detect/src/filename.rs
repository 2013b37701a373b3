//! What the name of a distribution file promises.

use crate::report::ArchiveKind;

/// Project and version as a file's name spells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    /// The project, as spelled.
    pub name: String,
    /// The version, as spelled.
    pub version: String,
}

impl FileName {
    /// What the name of a file of that kind promises; nothing when it has no such form.
    pub fn of(file_name: &str, kind: ArchiveKind) -> Option<Self> {
        parse(file_name, kind)
    }
}

/// The kind of archive by the file's extension, in any case.
pub(crate) fn kind(file_name: &str) -> ArchiveKind {
    let name = file_name.to_ascii_lowercase();
    if name.ends_with(".whl") {
        ArchiveKind::Wheel
    } else if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        ArchiveKind::SdistTarGz
    } else if name.ends_with(".zip") {
        ArchiveKind::SdistZip
    } else if name.ends_with(".egg") {
        ArchiveKind::Egg
    } else if name.ends_with(".crate") {
        ArchiveKind::Crate
    } else {
        ArchiveKind::Other
    }
}

/// Splits a file's name: `{name}-{version}(-{build})?-{python}-{abi}-{platform}.whl` (PEP 427), `{name}-{version}.tar.gz`.
pub(crate) fn parse(file_name: &str, kind: ArchiveKind) -> Option<FileName> {
    let lower = file_name.to_ascii_lowercase();
    let suffix =
        [".whl", ".tar.gz", ".tgz", ".zip", ".egg", ".crate"].into_iter().find(|suffix| lower.ends_with(suffix))?;
    let stem = file_name.get(..file_name.len() - suffix.len())?;
    let (name, version) = match kind {
        ArchiveKind::Wheel => {
            let parts: Vec<&str> = stem.split('-').collect();
            if !matches!(parts.len(), 5 | 6) {
                return None;
            }
            (parts[0], parts[1])
        }
        ArchiveKind::Npm | ArchiveKind::Crate => {
            // Versions are semantic ones, which hold hyphens: the version begins at the first hyphen that a number and a
            // dot follow ("foo-2-bar-1.0.0-rc.1" is 1.0.0-rc.1 of foo-2-bar).
            let at = stem.char_indices().filter(|&(_, c)| c == '-').map(|(at, _)| at).find(|&at| {
                let rest = stem[at + 1..].trim_start_matches(|c: char| c.is_ascii_digit());
                rest.len() < stem.len() - at - 1 && rest.starts_with('.')
            })?;
            (&stem[..at], &stem[at + 1..])
        }
        ArchiveKind::SdistTarGz | ArchiveKind::SdistZip => {
            // Old sdists have hyphens in the name and, rarely, in the version: the version begins at the last hyphen
            // that a digit follows ("zope.interface-3.3.0.1", "foo-bar-1.0-beta2" is read as 1.0-beta2).
            let at = stem
                .char_indices()
                .filter(|&(at, c)| c == '-' && stem[at + 1..].starts_with(|c: char| c.is_ascii_digit()))
                .map(|(at, _)| at)
                .next_back()
                .or_else(|| stem.rfind('-'))?;
            // "1.0-3" is a post-release, whose hyphen is the second last.
            let number = stem[at + 1..].bytes().all(|byte| byte.is_ascii_digit());
            let before = stem[..at].rfind('-').filter(|&before| {
                let version = &stem[before + 1..at];
                number && version.starts_with(|c: char| c.is_ascii_digit()) && version.contains('.')
            });
            let at = before.unwrap_or(at);
            (&stem[..at], &stem[at + 1..])
        }
        ArchiveKind::Egg => {
            let mut parts = stem.split('-');
            (parts.next()?, parts.next()?)
        }
        ArchiveKind::Tree | ArchiveKind::Other => return None,
    };
    (!name.is_empty() && !version.is_empty()).then(|| FileName { name: name.to_owned(), version: version.to_owned() })
}

/// The name as PEP 503 normalises it.
pub(crate) fn normal_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '-' | '_' | '.' => {
                if !out.ends_with('-') {
                    out.push('-');
                }
            }
            other => out.extend(other.to_lowercase()),
        }
    }
    out
}

/// A version as text in which equal versions are nearly always equal: the normalisations of PEP 440 that need no grammar
/// (case, `v`, separators, spelled-out pre-releases, leading zeros, trailing `.0`).
pub(crate) fn normal_version(version: &str) -> String {
    let lower = version.trim().to_lowercase();
    let lower = lower.strip_prefix('v').unwrap_or(&lower);
    let (public, local) = lower.split_once('+').map_or((lower, None), |(public, local)| (public, Some(local)));
    // An escaped file name writes "1.0+cpu" as "1.0_cpu" in some old tools; there the "+" is lost for good.
    let mut tokens: Vec<String> = Vec::new();
    for character in public.chars() {
        match (character, tokens.last_mut()) {
            ('.' | '-' | '_', _) => tokens.push(String::new()),
            (c, Some(last)) if last.chars().next_back().is_none_or(|l| l.is_ascii_digit() == c.is_ascii_digit()) => {
                last.push(c);
            }
            (c, _) => tokens.push(c.to_string()),
        }
    }
    let mut parts: Vec<String> = Vec::new();
    let mut release = true;
    for token in tokens.into_iter().filter(|token| !token.is_empty()) {
        let token = match token.as_str() {
            "alpha" => "a".to_owned(),
            "beta" => "b".to_owned(),
            "c" | "pre" | "preview" => "rc".to_owned(),
            "rev" | "r" => "post".to_owned(),
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.trim_start_matches('0') {
                "" => "0".to_owned(),
                rest => rest.to_owned(),
            },
            other => other.to_owned(),
        };
        if release && !token.bytes().all(|b| b.is_ascii_digit()) {
            release = false;
            trim_zeros(&mut parts);
        }
        parts.push(token);
    }
    if release {
        trim_zeros(&mut parts);
    }
    // "1.0a" is "1.0a0".
    if parts.last().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit())) {
        parts.push("0".to_owned());
    }
    let mut out = parts.join(".");
    if let Some(local) = local {
        out.push('+');
        out.push_str(&local.replace(['-', '_'], "."));
    }
    out
}

fn trim_zeros(parts: &mut Vec<String>) {
    while parts.len() > 1 && parts.last().is_some_and(|last| last == "0") {
        parts.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_equal_read_equal() {
        for (left, right) in [
            ("1.0", "1.0.0"),
            ("1.0-alpha1", "1.0a1"),
            ("1.0.post2", "1.0-r2"),
            ("v2.01", "2.1"),
            ("1.0RC1", "1.0.c1"),
            ("1.0+cpu_1", "1.0+cpu.1"),
            ("1.0a", "1.0a0"),
        ] {
            assert_eq!(normal_version(left), normal_version(right), "{left} {right}");
        }
        for (left, right) in [("1.0", "1.0.1"), ("1.0", "1.0a1"), ("10", "1.0"), ("1.0+a", "1.0"), ("1.0a1", "1.0b1")] {
            assert_ne!(normal_version(left), normal_version(right), "{left} {right}");
        }
    }

    #[test]
    fn names_of_files_split() {
        let split = |name: &str| parse(name, kind(name)).map(|f| (f.name, f.version));
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(split("a_b-1.0-py3-none-any.whl"), pair("a_b", "1.0"));
        assert_eq!(split("a_b-1.0-2-py3-none-any.whl"), pair("a_b", "1.0"));
        assert_eq!(split("a-b-c-1.0-2-py3-none-any.whl"), None);
        assert_eq!(split("zope.interface-3.3.0.1.tar.gz"), pair("zope.interface", "3.3.0.1"));
        assert_eq!(split("foo-bar-2-1.0.ZIP"), pair("foo-bar-2", "1.0"));
        assert_eq!(split("thing-0.0.30-1908.tar.gz"), pair("thing", "0.0.30-1908"));
        assert_eq!(split("x.exe"), None);
        assert_eq!(split("md-5-0.10.6.crate"), pair("md-5", "0.10.6"));
        assert_eq!(split("foo-2-bar-1.0.0-rc.1+b.crate"), pair("foo-2-bar", "1.0.0-rc.1+b"));
        let npm = |name: &str| parse(name, ArchiveKind::of_local(name)).map(|f| (f.name, f.version));
        assert_eq!(npm("types-node-22.0.0.tgz"), pair("types-node", "22.0.0"));
        assert_eq!(npm("nothing.tgz"), None);
    }
}
