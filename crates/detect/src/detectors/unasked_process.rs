//! A program is started unasked.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{HOLE, Rule, asks_own, bare_shell, doing, quoted, say, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::Meta;
use crate::findings::Findings;
use crate::lang::python::known_module;

const META: Meta = Meta {
    id: "unasked-process",
    title: "a program is started unasked",
    severity: Severity::Medium,
    confidence: Confidence::Medium,
    doc: "\
A program is started while the package is installed, at start-up or on import. Builds do that for compilers and for `git describe`, so it is weighed
with everything else and refuses nothing alone.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
import os
os.system('./configure')
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
import os
from setuptools import setup
def build():
    os.system('./configure')
setup(name='demo')
```

What to do: see what the program is; builds that need it are fine.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::Spawn).filter(|behaviour| unasked(behaviour.context)) {
        let command = behaviour.effect.detail.as_deref().unwrap_or_default();
        let build = [
            "git ",
            "hg ",
            "gcc",
            "cc ",
            "clang",
            "cmake",
            "make",
            "ninja",
            "pkg-config",
            "llvm-config",
            "nvcc",
            "python",
            "cargo",
            "rustc",
            "npm ",
            "node ",
            "uname",
            "lsb_release",
            "ldconfig",
            "xcrun",
            "brew ",
            "sysctl",
            "ldd",
            "which ",
        ];
        let (program, rest) = command.trim_start_matches(['"', '\'']).split_once(' ').unwrap_or((command, ""));
        let program = format!("{} {rest}", program.rsplit(['/', '\\']).next().unwrap_or(program));
        let known = build.iter().any(|word| program.starts_with(word)) || asks_own(archive, behaviour, command);
        let install = behaviour.context == FindingContext::Install;
        let weight = if behaviour.context == FindingContext::Import
            && behaviour.effect.excerpt.contains("Popen")
            && foreign_code(archive, command)
        {
            // What it asks for it would wait for, and its own code it would import: this one goes on by itself.
            (Severity::High, Confidence::High)
        } else if bare_shell(command) || install && is_missing(archive, command) {
            // A shell waits for whoever is there; and what the release does not hold, somebody else has to bring.
            (Severity::High, Confidence::High)
        } else if known || !install {
            (Severity::Low, Confidence::Medium)
        } else {
            (Severity::Medium, Confidence::Medium)
        };
        say(
            findings,
            &META,
            behaviour,
            weight,
            format!("a program is started {}: {}", when(behaviour.context), quoted(behaviour)),
        );
    }
}

/// A script beside `setup.py` that is not there.
fn is_missing(archive: &Archive, command: &str) -> bool {
    let word = command.split_whitespace().next().unwrap_or_default();
    let Some(script) = word.strip_prefix("./").filter(|script| script.ends_with(".sh") && !script.contains(HOLE))
    else {
        return false;
    };
    !archive.entries.iter().any(|entry| entry.path.ends_with(script))
}

/// Another interpreter, which imports a module that is neither this package's nor the language's.
fn foreign_code(archive: &Archive, command: &str) -> bool {
    let Some((program, code)) = command.split_once(" -c ") else { return false };
    if !program.starts_with("python") || code.contains(['(', HOLE]) && !code.contains("import ") {
        return false;
    }
    let last = code.rsplit(';').next().unwrap_or(code).trim();
    let Some(rest) = last.strip_prefix("from ").or_else(|| last.strip_prefix("import ")) else { return false };
    let module = rest.split([' ', '.', ',']).next().unwrap_or_default();
    let own = archive.entries.iter().any(|entry| entry.path.split(['/', '.']).any(|part| part == module));
    !module.is_empty()
        && module.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !own
        && !known_module(module)
}
