//! The network is used unasked.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, doing, quoted, say, when};
use crate::archive::Archive;
use crate::behaviour::Ability;
use crate::detector::Meta;
use crate::findings::Findings;

const META: Meta = Meta {
    id: "unasked-network",
    title: "the network is used unasked",
    severity: Severity::Medium,
    confidence: Confidence::Medium,
    doc: "\
A connection is opened at start-up or on import. Some honest packages do that (a check for updates, a test of a service), so it is weighed with everything
else and refuses nothing alone.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import urllib.request
urllib.request.urlopen('https://updates.test/latest')
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/__init__.py
import urllib.request
def check():
    urllib.request.urlopen('https://updates.test/latest')
```

What to do: ask what is fetched or sent; a package can wait until it is called.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in doing(archive, Ability::Network) {
        if matches!(behaviour.context, FindingContext::Import | FindingContext::Startup) {
            let startup = behaviour.context == FindingContext::Startup;
            let grave = startup || behaviour.effect.detail.as_deref().is_some_and(bare_address);
            let weight = if grave { (Severity::High, Confidence::High) } else { (Severity::Low, Confidence::High) };
            say(
                findings,
                &META,
                behaviour,
                weight,
                format!("the network is used {}: {}", when(behaviour.context), quoted(behaviour)),
            );
        }
    }
}

/// A URL of a public IPv4 address: what has a name to lose has a name.
fn bare_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    let Ok(address) = host.parse::<std::net::Ipv4Addr>() else { return false };
    let own = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_unspecified();
    // The resolvers that everybody asks whether there is a network at all.
    let resolver = matches!(address.octets(), [1, 1, 1, 1] | [1, 0, 0, 1] | [8, 8, 8, 8] | [8, 8, 4, 4] | [9, 9, 9, 9]);
    scheme.ends_with(['p', 's']) && !own && !resolver && !address.is_broadcast()
}
