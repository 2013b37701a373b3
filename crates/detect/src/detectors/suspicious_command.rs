//! An unasked command line that fetches, hides or speaks to a script host.

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, asks_own, doing, is_library, quoted, say, suspicious_command, weigh, weigh_called, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "suspicious-command",
    title: "an unasked command line that fetches, hides or speaks to a script host",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
A program is started without anybody asking, and its command line is not one that builds software: it fetches from the network, runs a script host such
as `powershell` or `mshta`, decodes, hides a window, or starts an executable that came along.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
import subprocess
subprocess.Popen('powershell -WindowStyle Hidden -EncodedCommand cABhAHMAcwA=', shell=True)
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
import subprocess
from setuptools import setup
version = subprocess.check_output(['git', 'describe', '--tags']).decode()
setup(name='demo', version=version)
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::Spawn) {
        let Some(command) = behaviour.effect.detail.as_deref() else { continue };
        if suspicious_command(command) {
            let mut weight = weigh(behaviour.context, Severity::High, Confidence::High);
            if asks_own(archive, behaviour, command) {
                weight = (Severity::Low, Confidence::Medium);
            }
            if !unasked(behaviour.context) {
                // Build tools and tests do it all day when they are called.
                weight = if hidden(command) && is_library(&behaviour.path) {
                    weigh_called(behaviour)
                } else {
                    (Severity::Low, Confidence::Medium)
                };
            }
            say(
                findings,
                &META,
                behaviour,
                weight,
                format!(
                    "a command that does not build software is started {}: {}",
                    when(behaviour.context),
                    quoted(behaviour)
                ),
            );
        }
    }
}

/// A script for PowerShell that nobody is to see, past the rule that says which scripts may run.
fn hidden(command: &str) -> bool {
    let lower = command.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| c.is_whitespace() || c == '"' || c == '\'').collect();
    let pair = |flags: &[&str], values: &[&str]| {
        words.windows(2).any(|pair| flags.contains(&pair[0]) && values.iter().any(|value| pair[1].starts_with(value)))
    };
    (lower.contains("powershell") || lower.contains("pwsh"))
        && pair(&["-w", "-win", "-windowstyle", "/w"], &["hidden", "1", "h"])
        && (pair(&["-ep", "-ex", "-exec", "-executionpolicy"], &["bypass", "unrestricted"])
            || words.iter().any(|word| matches!(*word, "-enc" | "-e" | "-ec" | "-encodedcommand")))
}
