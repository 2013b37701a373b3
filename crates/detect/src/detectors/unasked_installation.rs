//! Further packages are installed unasked.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{HOLE, Rule, doing, quoted, say, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "unasked-installation",
    title: "further packages are installed unasked",
    severity: Severity::Medium,
    confidence: Confidence::Medium,
    doc: "\
A package manager is started by code that nobody called. What it installs was not in the list of dependencies and was judged by nobody.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
import os
os.system('pip install demo-helper')
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
from setuptools import setup
setup(name='demo', install_requires=['demo-helper'])
```

What to do: declare them as dependencies, so that they are judged too.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::InstallPackage).filter(|behaviour| unasked(behaviour.context)) {
        let foreign = behaviour.effect.detail.as_deref().is_some_and(foreign_package);
        let confidence =
            if foreign || behaviour.context == FindingContext::Install { Confidence::High } else { Confidence::Low };
        let setup = behaviour.context == FindingContext::Install && behaviour.path.ends_with(".py");
        let weight = match (foreign, setup && by_name(behaviour.effect.detail.as_deref().unwrap_or_default())) {
            (true, _) => (Severity::High, confidence),
            // What a package needs it declares, so that it can be seen and judged.
            (false, true) => (Severity::High, Confidence::Medium),
            (false, false) => (Severity::Medium, confidence),
        };
        say(
            findings,
            &META,
            behaviour,
            weight,
            format!("further packages are installed {}: {}", when(behaviour.context), quoted(behaviour)),
        );
    }
}

/// A package that comes from an address, not from an index by name.
fn foreign_package(command: &str) -> bool {
    let indexed = ["--index-url", "-i ", "--extra-index-url", "--find-links", "-f "];
    command.contains("pip")
        && !indexed.iter().any(|flag| command.contains(flag))
        && command.split(' ').any(|word| {
            let word = word.trim_start_matches("git+");
            (word.starts_with("http://") || word.starts_with("https://")) && !word.contains(HOLE)
        })
}

/// Whether something else than the package itself, or what a file of it lists, is named.
fn by_name(command: &str) -> bool {
    let Some((_, rest)) = command.split_once(" install ") else { return false };
    rest.split(' ').any(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()) && !word.contains(['/', '.']))
        && !rest.contains("-r ")
}
