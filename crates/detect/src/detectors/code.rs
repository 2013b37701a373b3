//! What detectors of code share: when something happens in words, who is asked, and where findings point.

use bulkhead_core::{Confidence, FindingContext, Severity};

use crate::archive::Archive;
use crate::behaviour::{Ability, Behaviour, Sources, unasked};
use crate::detector::{Detector, Meta};
use crate::filename::normal_name;
use crate::findings::Findings;

/// A detector that is one function over the archive's code.
pub(crate) struct Rule {
    pub(crate) meta: &'static Meta,
    pub(crate) check: fn(&Archive, &mut Findings),
}

impl Detector for Rule {
    fn meta(&self) -> &'static Meta {
        self.meta
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        (self.check)(archive, findings);
    }
}

/// When the code runs, as the end of a sentence.
pub(crate) fn when(context: FindingContext) -> &'static str {
    match context {
        FindingContext::Install => "while the package is installed",
        FindingContext::Startup => "at every start of the interpreter",
        FindingContext::Import => "as soon as the package is imported",
        FindingContext::Load => "when a model is loaded",
        FindingContext::Call => "when it is called",
        FindingContext::Archive => "in this archive",
    }
}

/// How much a chain weighs by when it happens: what runs unasked is as grave and sure as given, a call is for the score.
pub(crate) fn weigh(context: FindingContext, severity: Severity, confidence: Confidence) -> (Severity, Confidence) {
    if unasked(context) {
        (severity, confidence)
    } else {
        (severity.min(Severity::Medium), confidence.min(Confidence::Medium))
    }
}

/// How much it weighs that a library holds what no honest one has a use for, even when it is only called. Tests, examples and
/// manuals show such things.
pub(crate) fn weigh_called(behaviour: &Behaviour) -> (Severity, Confidence) {
    let shown = is_test(&behaviour.path)
        || behaviour.path.split('/').any(|part| {
            let part = part.to_ascii_lowercase();
            part.contains("example") || matches!(part.as_str(), "docs" | "doc" | "demos" | "samples" | "scripts")
        });
    if shown || !is_library(&behaviour.path) {
        (Severity::Medium, Confidence::Medium)
    } else {
        (Severity::Critical, Confidence::High)
    }
}

/// Whether a file is code of the package, not a manual or a script beside it.
pub(crate) fn is_library(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [".py", ".pyw", ".js", ".mjs", ".cjs", ".ts", ".rs"].iter().any(|end| lower.ends_with(end))
}

/// Whether the text names a fixed address: a URL with nothing unknown in its host.
pub(crate) fn fixed_address(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| {
        let host = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        host.len() > 3 && !host.contains(HOLE) && !host.contains(['{', '%', '$', '<'])
    })
}

/// Adds a finding about one behaviour.
pub(crate) fn say(
    findings: &mut Findings,
    meta: &'static Meta,
    behaviour: &Behaviour,
    weight: (Severity, Confidence),
    title: impl Into<String>,
) {
    findings
        .report(meta, title)
        .at(&behaviour.path)
        .line(behaviour.effect.line)
        .excerpt(behaviour.effect.excerpt.as_bytes())
        .context(behaviour.context)
        .severity(weight.0)
        .confidence(weight.1)
        .add();
}

/// The behaviours that can do so.
pub(crate) fn doing(archive: &Archive, ability: Ability) -> impl Iterator<Item = &Behaviour> {
    archive.code.behaviours.iter().filter(move |behaviour| behaviour.effect.ability == ability)
}

/// Whether another behaviour of the same file happens in as early a context, with that ability and from there.
pub(crate) fn beside(archive: &Archive, behaviour: &Behaviour, ability: Ability, from: Sources) -> bool {
    archive.code.behaviours.iter().any(|other| {
        other.effect.ability == ability
            && other.path == behaviour.path
            && (from.is_empty() || other.effect.from.any(from))
            && (unasked(other.context) || !unasked(behaviour.context))
    })
}

/// The detail for a title, short and in code quotes.
pub(crate) fn quoted(behaviour: &Behaviour) -> String {
    match behaviour.effect.detail.as_deref().filter(|detail| !detail.trim().is_empty()) {
        Some(detail) => {
            let short: String = detail.chars().take(80).collect();
            format!("`{}`", short.replace('`', "'"))
        }
        None => "something computed".to_owned(),
    }
}

/// Whether a command line does more than build software: it fetches, hides, or speaks to a script host.
pub(crate) fn suspicious_command(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let words = [
        "powershell",
        "pwsh",
        "cmd /c",
        "cmd.exe",
        "mshta",
        "rundll32",
        "regsvr32",
        "certutil",
        "bitsadmin",
        "wscript",
        "cscript",
        "base64 -d",
        "base64 --decode",
        "/dev/tcp",
        "nc -e",
        "ncat ",
        "bash -i",
        "xmrig",
        "frombase64string",
        "-enc ",
        "downloadstring",
        "invoke-webrequest",
        "start /b",
        "attrib +h",
        "schtasks",
        "netsh ",
        "taskkill",
        "reg add",
        "wmic ",
        "nslookup",
        "osascript",
        "chmod 777",
        "chmod +x",
        "startfile",
        "> /dev/null 2>&1 &",
        "crontab",
        "ngrok",
        "sudo ",
    ];
    let first = lower.split_whitespace().next().unwrap_or_default();
    if lower.ends_with(" --version")
        || ["://localhost", "://127.", "--unix-socket"].iter().any(|local| lower.contains(local))
    {
        return false;
    }
    // What proofs of concept start to show that they could.
    if matches!(
        first,
        "calc"
            | "calc.exe"
            | "notepad"
            | "notepad.exe"
            | "whoami"
            | "id"
            | "ls"
            | "dir"
            | "cat"
            | "touch"
            | "ping"
            | "ifconfig"
            | "ipconfig"
    ) {
        return true;
    }
    words.iter().any(|word| lower.contains(word))
        || (lower.contains("://") && !lower.starts_with("git ") && !lower.contains("pip install"))
        || lower.split([' ', '"', '\'', ';', '&']).any(|word| {
            word.ends_with(".exe") || word.ends_with(".bat") || word.ends_with(".vbs") || word.ends_with(".ps1")
        })
}

/// A shell and nothing that it should do: what somebody types is run.
pub(crate) fn bare_shell(command: &str) -> bool {
    let command = command.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or_default();
    let program = program.rsplit(['/', '\\']).next().unwrap_or(program).trim_end_matches(".exe");
    matches!(program, "sh" | "bash" | "zsh" | "dash" | "cmd" | "powershell" | "pwsh")
        && words.all(|word| matches!(word, "-i" | "-l" | "-nologo" | "-noprofile" | "/q" | "-il"))
}

/// Whether an address belongs to the project itself: the name before its top-level domain is the project's, or it is the
/// project's page at a forge. Only who owns the name can have it.
pub(crate) fn own_address(archive: &Archive, text: &str) -> bool {
    let Some(project) = archive.file_name.as_ref().map(|file| normal_name(&file.name)) else { return false };
    let Some((_, rest)) = text.split_once("https://") else { return false };
    let rest = rest.split([' ', '"', '\'']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let owner = host.rsplit('.').nth(1).unwrap_or_default();
    let forge = matches!(host, "github.com" | "api.github.com" | "gitlab.com");
    project.len() >= 4
        && (normal_name(owner) == project
            || forge && path.split(['/', '?']).any(|part| !part.is_empty() && normal_name(part) == project))
}

/// Whether it only asks the project's own page at a forge for something, and looks at the answer.
pub(crate) fn asks_own(archive: &Archive, behaviour: &Behaviour, command: &str) -> bool {
    let captured = behaviour.effect.excerpt.contains("check_output") || behaviour.effect.excerpt.contains("getoutput");
    captured
        && command.starts_with("curl ")
        && own_address(archive, command)
        && command.split_whitespace().skip(1).all(|word| {
            word.starts_with("https://")
                || matches!(word, "-s" | "-S" | "-L" | "-f" | "-sS" | "-sL" | "-fsSL" | "--silent")
        })
}

/// Stands for what is not known of a text.
pub(crate) const HOLE: char = '\u{fffc}';

/// Whether code that was given as text, on the line of that behaviour, touches the machine.
pub(crate) fn acts_inside(archive: &Archive, behaviour: &Behaviour) -> bool {
    archive.code.behaviours.iter().any(|other| {
        // `python -c CODE` is a program, not what is inside of it.
        let interpreter = other.effect.ability == Ability::Spawn
            && other.effect.detail.as_deref().is_some_and(|detail| detail.starts_with("python"));
        other.path == behaviour.path
            && other.unit == behaviour.unit
            && other.effect.line == behaviour.effect.line
            && !interpreter
            && matches!(
                other.effect.ability,
                Ability::Spawn
                    | Ability::Network
                    | Ability::Download
                    | Ability::WriteFile
                    | Ability::ReadBrowser
                    | Ability::Wallet
                    | Ability::Watch
                    | Ability::Clipboard
                    | Ability::Persist
                    | Ability::ReadCredential
            )
    })
}

/// Whether a file is a test by its path: it may do anything, and nobody installs it to be run.
pub(crate) fn is_test(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "test" | "testing"))
        || path.rsplit('/').next().is_some_and(|file| file.starts_with("test_"))
}
