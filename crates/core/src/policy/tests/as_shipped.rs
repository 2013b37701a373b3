//! The shipped policy as a whole.

use crate::{Facts, Verdict};

use super::{ask, good, now, shipped};

#[test]
fn the_shipped_policy_loads_without_a_warning() {
    let policy = shipped();
    assert_eq!(policy.warnings(), []);
    assert_eq!(*policy.settings(), super::super::Settings::default());
    assert!(policy.has_own_rules());
}

#[test]
fn a_file_of_settings_alone_gets_the_shipped_rules_under_its_own_settings() {
    let policy = super::policy("[settings]\ncooldown = \"90d\"\n");
    assert!(!policy.has_own_rules());
    assert!(policy.source().ends_with(super::DEFAULT));
    let held = policy.decide(&ask(), &good(), now(), &[]);
    insta::assert_snapshot!(held.deciding().expect("a rule").text, @"sampleproject-2.0-py3-none-any.whl is 40 days old by its upload time; files younger than 90 days are held");
}

#[test]
fn a_listing_of_a_project_without_a_file_is_not_held_for_the_file() {
    let mut ask = ask();
    ask.resource.file = None;
    ask.resource.digest = None;
    ask.action = crate::Action::List;
    let verdict = shipped().decide(&ask, &Facts::new(), now(), &[]);
    assert_eq!(verdict, Verdict::plain(crate::Effect::Allow));
}
