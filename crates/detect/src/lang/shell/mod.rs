//! Text for a shell, `cmd` or PowerShell, wherever it is found: a script, a lifecycle command, an argument of `os.system`.
//!
//! Words are split as the shell does it, with quotes, variables and substitutions followed within a budget; then each
//! command says what it does and what flows through it. Nothing is expanded that needs a machine.

pub(crate) mod command;
mod posix;
mod power;
mod programs;
pub(crate) mod spell;
mod windows;

use crate::behaviour::{Effect, Sources};
use crate::detector::Want;
use crate::lang::{Adapter, Fidelity, Import, Language, Shape, Unit, View, javascript, measure};
use crate::report::ArchiveKind;

use self::posix::Shell;

/// Bytes of a text that are looked at, those of texts inside it included.
const BUDGET: usize = 1 << 20;
/// How deep a shell in a shell in a shell is followed.
const DEPTH: u32 = 8;
/// Effects kept of one text.
const EFFECTS: usize = 400;

/// Scripts, by their extension.
pub(crate) const ADAPTER: Adapter = Adapter { wants, view };

/// Whose words a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// sh, bash, zsh.
    Posix,
    /// `cmd.exe`.
    Cmd,
    /// PowerShell.
    Power,
}

/// What a command line or script does. `line` is where it stands in the file that holds it.
pub(crate) fn effects(text: &str, line: u32) -> Vec<Effect> {
    effects_in(dialect(text), text, line)
}

/// The same, where the dialect is known.
pub(crate) fn effects_in(dialect: Dialect, text: &str, line: u32) -> Vec<Effect> {
    let mut shell = Shell::new(BUDGET);
    shell.script(dialect, text, line, 0, Sources::NONE);
    shell.effects
}

/// A guess that errs on the side of POSIX, whose words the others mostly share.
pub(crate) fn dialect(text: &str) -> Dialect {
    let head: String = text.chars().take(4096).collect::<String>().to_lowercase();
    let first = head.trim_start_matches(['@', '&', ' ', '"', '\'', '\n', '\t']);
    let first = command::base_name(first.split_whitespace().next().unwrap_or_default());
    const CMD: &[&str] = &[
        "powershell",
        "pwsh",
        "cmd",
        "reg",
        "certutil",
        "bitsadmin",
        "mshta",
        "schtasks",
        "rundll32",
        "regsvr32",
        "wscript",
        "cscript",
        "wmic",
        "msiexec",
        "start",
        "attrib",
        "echo off",
    ];
    if CMD.contains(&first.as_str())
        || head.contains("%userprofile%")
        || head.contains("%temp%")
        || head.contains("%appdata%")
    {
        return Dialect::Cmd;
    }
    const POWER: &[&str] = &[
        "invoke-",
        "$env:",
        "new-object",
        "start-process",
        "iex ",
        "iex(",
        "| iex",
        "|iex",
        "iwr ",
        "add-mppreference",
        "set-mppreference",
        "[convert]::",
        "[system.",
        "get-childitem",
        "set-itemproperty",
        "-outfile",
    ];
    let assigns = head.trim_start().strip_prefix('$').is_some_and(|rest| {
        rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').trim_start().starts_with('=')
    });
    if assigns || POWER.iter().any(|word| head.contains(word)) { Dialect::Power } else { Dialect::Posix }
}

fn wants(_kind: ArchiveKind, path: &str) -> Want {
    if by_name(path).is_some() { Want::UpTo(4 << 20) } else { Want::Nothing }
}

fn by_name(path: &str) -> Option<Dialect> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    match name.rsplit_once('.').map(|(_, end)| end)? {
        "sh" | "bash" | "zsh" | "command" => Some(Dialect::Posix),
        "bat" | "cmd" => Some(Dialect::Cmd),
        "ps1" | "psm1" => Some(Dialect::Power),
        _ => None,
    }
}

/// The view of a script.
pub(crate) fn view(path: &str, bytes: &[u8]) -> View {
    let dialect = by_name(path).unwrap_or(Dialect::Posix);
    let text = measure::text(bytes);
    let mut shell = Shell::new(BUDGET);
    shell.script(dialect, &text, 1, 0, Sources::NONE);
    let fidelity = if shell.exhausted() {
        Fidelity::Partial(format!("only the first {BUDGET} bytes were followed"))
    } else {
        Fidelity::Parsed
    };
    view_of(path, &text, shell.effects, fidelity)
}

/// The view of a command line that stands in another file, at this line.
pub(crate) fn line_view(path: &str, text: &str, line: u32) -> View {
    let mut shell = Shell::new(BUDGET);
    shell.script(dialect(text), text, line, 0, Sources::NONE);
    let mut effects = shell.effects;
    let mut imports = Vec::new();
    for (program, code, line) in shell.inline {
        // `node -e "..."`: the code runs as a whole, and nobody calls its functions later.
        if matches!(program.as_str(), "node" | "bun" | "deno") {
            let inner = javascript::view(path, code.as_bytes());
            effects
                .extend(inner.units.into_iter().flat_map(|unit| unit.effects).map(|effect| Effect { line, ..effect }));
            imports.extend(inner.imports.into_iter().map(|import| Import { line, unit: 0, ..import }));
        }
    }
    View { imports, ..view_of(path, text, effects, Fidelity::Parsed) }
}

fn view_of(path: &str, text: &str, effects: Vec<Effect>, fidelity: Fidelity) -> View {
    let literals = measure::literals(text);
    let shape: Shape = measure::shape(text);
    View {
        path: path.to_owned(),
        language: Language::Shell,
        fidelity,
        imports: Vec::new(),
        units: vec![Unit { line: 1, effects, digest: measure::digest(text), ..Unit::default() }],
        literals,
        shape,
    }
}

#[cfg(test)]
mod tests;
