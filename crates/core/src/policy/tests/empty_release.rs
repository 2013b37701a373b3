//! A release in which there is nothing: which version it goes by says whether somebody only holds a name.

use crate::{Effect, FindingContext, Severity};

use super::{ask, finding, good, now, shipped};

#[test]
fn an_empty_release_is_held_by_the_version_it_goes_by() {
    for (version, effect) in [
        ("0.0.0", Effect::Hold),
        ("99.9.9", Effect::Hold),
        ("0.0.1", Effect::Allow),
        ("9.0", Effect::Allow),
        ("10.0.0", Effect::Allow),
    ] {
        let (mut ask, mut facts) = (ask(), good());
        ask.resource.purl = ask.resource.purl.map(|purl| purl.at(version));
        facts.findings.push(finding("empty-release", Severity::Medium, FindingContext::Archive));
        assert_eq!(shipped().decide(&ask, &facts, now(), &[]).effect, effect, "{version}");
        facts.findings.clear();
        assert_eq!(shipped().decide(&ask, &facts, now(), &[]).effect, Effect::Allow, "{version}");
    }
}
