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
        let confidence = if foreign || behaviour.context == FindingContext::Install { Confidence::High } else { Confidence::Low };
        say(
            findings,
            &META,
            behaviour,
            (if foreign { Severity::High } else { Severity::Medium }, confidence),
            format!("further packages are installed {}: {}", when(behaviour.context), quoted(behaviour)),
        );
    }
}

/// A package that comes from an address, not from an index by name.
fn foreign_package(command: &str) -> bool {
    let indexed = ["--index-url", "-i ", "--extra-index-url", "--find-links", "-f "];
    command.contains("pip") && !indexed.iter().any(|flag| command.contains(flag)) && command.split(' ').any(|word| {
        let word = word.trim_start_matches("git+");
        (word.starts_with("http://") || word.starts_with("https://")) && !word.contains(HOLE)
    })
}
