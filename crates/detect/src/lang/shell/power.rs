//! PowerShell, by statements: its grammar is rich, but what attacks use of it is a few dozen names.

use super::posix::{Shell, Word};
use super::{Dialect, spell};
use crate::behaviour::{Ability, Sources};
use crate::lang::{measure, places};

/// Reads a text; the answer says what it would print.
pub(super) fn script(shell: &mut Shell, text: &str, line: u32, depth: u32) -> Sources {
    let mut printed = Sources::NONE;
    for (at, statement) in statements(text) {
        printed = printed.with(one(shell, &statement, line + at, depth));
    }
    printed
}

/// Statements with the number of lines before them: split at `;` and ends of lines outside of quotes, ticks taken away.
fn statements(text: &str) -> Vec<(u32, String)> {
    let mut all = Vec::new();
    let (mut current, mut quote, mut line, mut start) = (String::new(), None, 0, 0);
    let mut characters = text.chars().peekable();
    while let Some(next) = characters.next() {
        line += u32::from(next == '\n');
        match (quote, next) {
            // The tick escapes: `i`ex` is iex.
            (None | Some('"'), '`') => {
                if characters.peek() == Some(&'\n') {
                    characters.next();
                    line += 1;
                } else if let Some(escaped) = characters.next() {
                    current.push(escaped);
                }
            }
            (None, '\'' | '"') => {
                quote = Some(next);
                current.push(next);
            }
            (Some(open), next) if next == open => {
                quote = None;
                current.push(next);
            }
            (None, '#') if current.trim().is_empty() => {
                while characters.peek().is_some_and(|&c| c != '\n') {
                    characters.next();
                }
            }
            (None, ';' | '\n') => {
                if !current.trim().is_empty() {
                    all.push((start, std::mem::take(&mut current)));
                }
                current.clear();
                start = line;
            }
            (_, next) => {
                if current.trim().is_empty() {
                    start = line;
                }
                current.push(next);
            }
        }
    }
    if !current.trim().is_empty() {
        all.push((start, current));
    }
    all
}

fn one(shell: &mut Shell, statement: &str, line: u32, depth: u32) -> Sources {
    let joined = join(statement);
    let lower = joined.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let mut from = Sources::NONE;
    for (name, value) in &shell.variables {
        // Case matters not, and `$x` must not match `$xy`.
        if let Some(after) = lower.find(&format!("${}", name.to_ascii_lowercase())).map(|at| at + name.len() + 1)
            && !lower[after..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
        {
            from = from.with(value.from);
        }
    }
    let urls: Vec<&str> =
        joined.split(['\'', '"', ' ', '(', ')', ',']).filter(|part| measure::host(part).is_some()).collect();
    let url = urls.first().copied().unwrap_or_default();

    if has(&[
        "downloadstring",
        "downloadfile",
        "downloaddata",
        "invoke-webrequest",
        "invoke-restmethod",
        "start-bitstransfer",
        "openread(",
    ]) || words(&lower).any(|word| matches!(word, "iwr" | "irm" | "wget" | "curl"))
    {
        let sends = has(&["-method post", "-method put", "-body", "-infile", "uploadstring", "uploadfile"]);
        shell.effect(if sends { Ability::Network } else { Ability::Download }, from, line, url, statement);
        from = from.with(Sources::NETWORK);
        if let Some(file) = target(&joined, &lower) {
            shell.written.insert(last(&file), Sources::NETWORK);
        }
    } else if has(&["uploadstring", "uploadfile", "net.sockets.tcpclient", "net.webclient"]) {
        shell.effect(Ability::Network, from, line, url, statement);
        if has(&["tcpclient"]) {
            from = from.with(Sources::NETWORK);
        }
    }
    if has(&["frombase64string", "gzipstream", "deflatestream", "-bxor", "convertto-securestring"]) {
        shell.effect(Ability::Decode, from, line, "", statement);
        from = from.with(Sources::DECODED);
    }
    if has(&["get-childitem env:", "gci env:", "dir env:", "ls env:", "getenvironmentvariables"]) {
        shell.effect(Ability::ReadEnvironment, Sources::NONE, line, "", statement);
        from = from.with(Sources::ENVIRONMENT);
    }
    if places::credential(&joined) {
        shell.effect(Ability::ReadCredential, Sources::NONE, line, &joined, statement);
        from = from.with(Sources::CREDENTIAL);
    }
    if places::browser(&joined) {
        shell.effect(Ability::ReadBrowser, Sources::NONE, line, &joined, statement);
        from = from.with(Sources::PRIVATE);
    }
    if has(&["get-clipboard", "set-clipboard", "[windows.forms.clipboard]"]) {
        shell.effect(Ability::Clipboard, Sources::NONE, line, "", statement);
        from = from.with(Sources::PRIVATE);
    }
    if has(&[
        "iex ",
        "iex(",
        "invoke-expression",
        "|iex",
        "| iex",
        "[scriptblock]::create",
        "reflection.assembly]::load",
    ]) || lower.trim_end().ends_with("iex")
    {
        let literal = quoted(&joined).filter(|_| !has(&["downloadstring", "frombase64string"]));
        shell.effect(Ability::Execute, from, line, "", statement);
        if let Some(inner) = literal {
            shell.script(Dialect::Power, &inner, line, depth + 1, Sources::NONE);
        }
    }
    let runs = has(&["start-process", "saps ", "invoke-item", "[diagnostics.process]::start"])
        || lower.trim_start().starts_with('&');
    if runs || words(&lower).next().is_some_and(|word| shell.written.contains_key(&last(word))) {
        let written =
            shell.written.iter().find(|(file, _)| lower.contains(&file.to_ascii_lowercase())).map(|(_, from)| *from);
        let from = written.map_or(from, |sources| from.with(sources).with(Sources::WRITTEN));
        shell.effect(Ability::Spawn, from, line, &joined, statement);
    }
    if has(&["-verb runas", "fodhelper"]) {
        shell.effect(Ability::Escalate, Sources::NONE, line, "", statement);
    }
    if has(&[
        "add-mppreference",
        "disablerealtimemonitoring",
        "set-mppreference",
        "amsiutils",
        "amsiinitfailed",
        "netsh advfirewall",
    ]) {
        shell.effect(Ability::Disarm, Sources::NONE, line, "", statement);
    }
    if has(&["register-scheduledtask", "schtasks", "new-service"])
        || (places::persistent(&joined)
            && has(&[
                "set-itemproperty",
                "new-itemproperty",
                "copy",
                "out-file",
                "set-content",
                "add-content",
                "reg add",
            ]))
    {
        shell.effect(Ability::Persist, from, line, "", statement);
    }
    if has(&["remove-item", "rd /s", "del /s"])
        && has(&["-recurse", "/s"])
        && joined.split_whitespace().any(|word| places::home(word.trim_matches(['\'', '"'])))
    {
        shell.effect(Ability::DeleteFile, Sources::NONE, line, "home", statement);
    }
    if has(&["-windowstyle hidden", "-w hidden", "createnowindow"]) {
        shell.effect(Ability::Disarm, Sources::NONE, line, "hidden window", statement);
    }
    if let Some((name, _)) = lower.trim_start().strip_prefix('$').and_then(|rest| rest.split_once('='))
        && shell.variables.len() < 100
    {
        let name = name.trim().trim_end_matches('+').trim();
        if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            let value = quoted(&joined).unwrap_or_default();
            let keep = if value.len() < 4096 { value } else { String::new() };
            shell.variables.insert(name.to_owned(), Word { text: keep, from });
        }
    }
    nested(shell, &joined, line, depth);
    from
}

/// A program that is itself a shell, called from PowerShell.
fn nested(shell: &mut Shell, joined: &str, line: u32, depth: u32) {
    let first =
        super::command::base_name(joined.trim_start_matches(['&', ' ']).split_whitespace().next().unwrap_or_default());
    if matches!(
        first.as_str(),
        "powershell" | "pwsh" | "cmd" | "mshta" | "certutil" | "bitsadmin" | "regsvr32" | "reg" | "schtasks"
    ) {
        shell.script(Dialect::Cmd, joined, line, depth + 1, Sources::NONE);
    }
}

/// `'a'+'b'` becomes `'ab'`, so that words cut in pieces are whole again.
fn join(statement: &str) -> String {
    let mut out = statement.to_owned();
    for quote in ['\'', '"'] {
        for glue in [format!("{quote}+{quote}"), format!("{quote} + {quote}")] {
            out = out.replace(&glue, "");
        }
    }
    out
}

fn words(lower: &str) -> impl Iterator<Item = &str> {
    lower.split(|c: char| !(c.is_alphanumeric() || "-_.\\/:$~".contains(c))).filter(|word| !word.is_empty())
}

/// The first text in quotes.
fn quoted(text: &str) -> Option<String> {
    let start = text.find(['\'', '"'])?;
    let quote = text[start..].chars().next()?;
    let rest = &text[start + 1..];
    let inner = &rest[..rest.find(quote)?];
    Some(spell::plain(inner).filter(|_| inner.len() > 40).unwrap_or_else(|| inner.to_owned()))
}

/// The file that a download writes: `-OutFile x`, or the second argument of `DownloadFile(url, x)`.
fn target(joined: &str, lower: &str) -> Option<String> {
    for flag in ["-outfile", "-destination", " -o "] {
        if let Some(at) = lower.find(flag)
            && lower.len() == joined.len()
        {
            return joined[at + flag.len()..]
                .split_whitespace()
                .next()
                .map(|word| word.trim_matches(['\'', '"', ')']).to_owned());
        }
    }
    let at = lower.find("downloadfile(").filter(|_| lower.len() == joined.len())?;
    joined[at..].split(',').nth(1).map(|word| word.trim().trim_matches(['\'', '"', ')', ' ']).to_owned())
}

/// The last component, lower case: what a file is recognised by.
pub(super) fn last(path: &str) -> String {
    path.trim_matches(['\'', '"']).rsplit(['/', '\\']).next().unwrap_or(path).to_ascii_lowercase()
}
