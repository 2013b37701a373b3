//! A file is written and then started.

use bulkhead_core::{Confidence, Severity};

use super::code::{HOLE, Rule, quoted, say, weigh, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Behaviour, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "dropped-program",
    title: "a file is written and then started",
    severity: Severity::High,
    confidence: Confidence::High,
    doc: "\
Code is written to a file, often in the temporary folder, and that file is started: the text that runs is not where a reader looks for it.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import tempfile, os
f = tempfile.NamedTemporaryFile(delete=False)
f.write(b'pass')
f.close()
os.system('start python ' + f.name)
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import tempfile
f = tempfile.NamedTemporaryFile()
f.write(b'pass')
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in &archive.code.behaviours {
        let effect = &behaviour.effect;
        let starts = matches!(effect.ability, Ability::Spawn | Ability::Execute | Ability::LoadNative);
        if starts && effect.from.any(Sources::WRITTEN) {
            // Where the command is not known, that it was written is a guess.
            let known = effect.detail.as_deref().is_some_and(|detail| detail.chars().any(|c| c != HOLE && c != ' '));
            let sure = if known { (Severity::High, Confidence::High) } else { (Severity::Medium, Confidence::Low) };
            let mut weight = weigh(behaviour.context, sure.0, sure.1);
            if bootstraps(archive, behaviour) {
                weight = (Severity::Medium, Confidence::Medium);
            }
            if !unasked(behaviour.context) {
                // Build tools and tests do it all day when they are called.
                weight = (Severity::Low, Confidence::Medium);
            }
            say(
                findings,
                &META,
                behaviour,
                weight,
                format!("a file that this code wrote is started {}: {}", when(behaviour.context), quoted(behaviour)),
            );
        }
    }
}

/// The script with which packages of the years before 2016 brought their build tool along: it installs what it unpacked, and knows no
/// other place than the language's own.
fn bootstraps(archive: &Archive, behaviour: &Behaviour) -> bool {
    let file = behaviour.path.rsplit('/').next().unwrap_or_default();
    let installs =
        behaviour.effect.detail.as_deref().is_some_and(|detail| detail.starts_with("python setup.py install"));
    let view = archive.code.views.iter().find(|view| view.path == behaviour.path);
    let own = view.is_some_and(|view| {
        view.literals.hosts.iter().all(|(host, _)| host.ends_with(".python.org") || host == "bitbucket.org")
    });
    matches!(file, "ez_setup.py" | "distribute_setup.py") && installs && own
}
