//! Credentials from netrc, which pip and uv both honour (format: ftp(1), Python's `netrc`).

use std::path::PathBuf;

use bulkhead_core::Secret;

use crate::config::env::{self, Env};

/// `user:password` of the `machine` entry for this very host. A `default` entry is not used: a credential goes only to
/// the host for which it was written. An unreadable file gives a note instead of stopping the start, as it does in pip.
pub(super) fn credentials(env: &Env, host: &str) -> Result<Option<Secret>, String> {
    let home = env.path(env::HOME);
    let places: Vec<PathBuf> = match env.path(env::NETRC) {
        Some(path) => vec![path],
        None => home.iter().flat_map(|home| [home.join(".netrc"), home.join("_netrc")]).collect(),
    };
    for path in places {
        match std::fs::read_to_string(&path) {
            Ok(text) => return Ok(entry(&text, host)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(format!("{} cannot be read, so no credentials come from it: {error}", path.display()));
            }
        }
    }
    Ok(None)
}

pub(super) fn entry(text: &str, host: &str) -> Option<Secret> {
    let mut tokens = Tokens { lines: text.lines(), line: "" };
    let mut here = false;
    let mut login = String::new();
    let mut password = None;
    while let Some(token) = tokens.next_token() {
        match token.as_str() {
            "machine" => {
                if here && password.is_some() {
                    break;
                }
                here = tokens.next_token()?.eq_ignore_ascii_case(host);
                (login, password) = (String::new(), None);
            }
            "default" if here => break,
            "login" | "user" if here => login = tokens.next_token()?,
            "password" if here => password = tokens.next_token(),
            "login" | "user" | "password" | "account" => drop(tokens.next_token()?),
            // A macro's body goes on to the next empty line.
            "macdef" => tokens.skip_macro(),
            _ => {}
        }
    }
    (here && password.is_some()).then(|| Secret::new(format!("{login}:{}", password.unwrap_or_default())))
}

/// Words, or quoted strings with backslash escapes; `#` at the start of a word begins a comment.
struct Tokens<'t> {
    lines: std::str::Lines<'t>,
    line: &'t str,
}

impl Tokens<'_> {
    fn next_token(&mut self) -> Option<String> {
        loop {
            self.line = self.line.trim_start();
            if !self.line.is_empty() && !self.line.starts_with('#') {
                return Some(self.token());
            }
            self.line = self.lines.next()?;
        }
    }

    fn token(&mut self) -> String {
        let mut out = String::new();
        let mut chars = self.line.char_indices().peekable();
        let quoted = chars.next_if(|(_, char)| *char == '"').is_some();
        while let Some((_, char)) = chars.next_if(|(_, char)| if quoted { *char != '"' } else { !char.is_whitespace() })
        {
            match char {
                '\\' => out.extend(chars.next().map(|(_, escaped)| escaped)),
                plain => out.push(plain),
            }
        }
        if quoted {
            chars.next();
        }
        self.line = chars.peek().map_or("", |(at, _)| &self.line[*at..]);
        out
    }

    fn skip_macro(&mut self) {
        self.line = "";
        for line in self.lines.by_ref() {
            if line.trim().is_empty() {
                break;
            }
        }
    }
}
