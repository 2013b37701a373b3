//! What holds for any set of rules, any facts and any exceptions.

use proptest::prelude::*;

use crate::policy::{Exception, Policy};
use crate::{Effect, Facts, Verdict};

use super::{DAY, ask, complaints, good, now, policy, rule};

const WORDS: [&str; 4] = ["allow", "transform", "hold", "deny"];

/// A rule that reads one of a few facts, with any effect and mode.
#[derive(Debug, Clone)]
struct AnyRule {
    id: usize,
    when: &'static str,
    effect: &'static str,
    audit: bool,
}

fn any_rule() -> impl Strategy<Value = AnyRule> {
    let when = prop::sample::select(vec![
        "true",
        "file.age < settings.cooldown",
        "file.age != null && file.age > 86400",
        "project.reserved == true",
        "size(advisory.malicious) > 0",
        "unknown.exists(u, u == 'advisories')",
    ]);
    (when, prop::sample::select(WORDS.to_vec()), any::<bool>()).prop_map(|(when, effect, audit)| AnyRule {
        id: 0,
        when,
        effect,
        audit,
    })
}

fn rules() -> impl Strategy<Value = Vec<AnyRule>> {
    prop::collection::vec(any_rule(), 1..6).prop_map(|mut rules| {
        rules.iter_mut().enumerate().for_each(|(index, rule)| rule.id = index);
        rules
    })
}

fn facts() -> impl Strategy<Value = Facts> {
    (prop::option::of(0..10 * DAY), any::<bool>(), prop::option::of(0..2usize), any::<bool>()).prop_map(
        |(age, reserved, malicious, unknown)| {
            let mut facts = good();
            facts.set("file.age", age);
            facts.set("project.reserved", reserved);
            facts.set("advisory.malicious", malicious.map(|count| vec!["MAL-1".to_owned(); count]));
            if unknown {
                facts.unknown("advisories", "no feed");
            }
            facts
        },
    )
}

fn exceptions() -> impl Strategy<Value = Vec<Exception>> {
    let exception = (0..6usize, any::<bool>(), any::<bool>()).prop_map(|(rule, expired, same)| Exception {
        id: format!("review-{rule}"),
        rule: format!("r{rule}"),
        subject: if same { "pkg:pypi/sampleproject" } else { "pkg:pypi/other" }.parse().expect("a subject"),
        owner: "o".to_owned(),
        reason: "r".to_owned(),
        expires: if expired { "2026-01-01T00:00:00Z" } else { "2027-01-01T00:00:00Z" }.parse().expect("a time"),
    });
    prop::collection::vec(exception, 0..4)
}

fn build(rules: &[AnyRule], default: &str) -> Policy {
    let mut text = format!("[defaults]\nintake = \"{default}\"\n");
    for any in rules {
        let mode = if any.audit { "mode = \"audit\"\n" } else { "" };
        text += &rule(any.when)
            .replace("mine", &format!("r{}", any.id))
            .replace("\"deny\"", &format!("\"{}\"", any.effect));
        text += mode;
    }
    policy(&text)
}

fn decide(rules: &[AnyRule], default: &str, facts: &Facts, exceptions: &[Exception]) -> Verdict {
    build(rules, default).decide(&ask(), facts, now(), exceptions)
}

fn default() -> impl Strategy<Value = &'static str> {
    prop::sample::select(WORDS.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_rules_does_not_change_the_effect(
        (rules, shuffled) in rules().prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
        facts in facts(), exceptions in exceptions(), default in default(),
    ) {
        let (one, other) = (decide(&rules, default, &facts, &exceptions), decide(&shuffled, default, &facts, &exceptions));
        prop_assert_eq!(one.effect, other.effect);
    }

    #[test]
    fn audit_never_changes_the_effect(
        rules in rules(), facts in facts(), exceptions in exceptions(), default in default(),
    ) {
        let enforced: Vec<_> = rules.iter().filter(|rule| !rule.audit).cloned().collect();
        prop_assume!(!enforced.is_empty());
        let (with, without) = (decide(&rules, default, &facts, &exceptions), decide(&enforced, default, &facts, &exceptions));
        prop_assert_eq!(with.effect, without.effect);
    }

    #[test]
    fn exceptions_only_ever_weaken(
        rules in rules(), facts in facts(), exceptions in exceptions(), default in default(),
    ) {
        let policy = build(&rules, default);
        let mut before = policy.decide(&ask(), &facts, now(), &[]).effect;
        for count in 1..=exceptions.len() {
            let after = policy.decide(&ask(), &facts, now(), &exceptions[..count]).effect;
            prop_assert!(after <= before);
            before = after;
        }
    }

    #[test]
    fn the_effect_is_that_of_the_reasons_or_the_default(
        rules in rules(), facts in facts(), default in default(),
    ) {
        let verdict = decide(&rules, default, &facts, &[]);
        let strictest = verdict.reasons.iter().filter(|reason| reason.counts()).map(|reason| reason.effect).max();
        let default = Effect::ALL.into_iter().find(|effect| effect.as_str() == default);
        prop_assert_eq!(Some(verdict.effect), strictest.or(default));
        prop_assert!(verdict.reasons.is_sorted_by(|one, next| one.effect >= next.effect));
    }

    #[test]
    fn deciding_is_deterministic(rules in rules(), facts in facts(), exceptions in exceptions()) {
        prop_assert_eq!(decide(&rules, "allow", &facts, &exceptions), decide(&rules, "allow", &facts, &exceptions));
    }

    #[test]
    fn any_text_as_a_condition_is_refused_or_loads(when in "[ -~]{0,40}") {
        complaints(&rule(&when.replace("'''", "")));
    }

    #[test]
    fn any_expression_of_known_parts_is_refused_or_loads(
        parts in prop::collection::vec(prop::sample::select(vec![
            "file.age", "findings", ".exists(f, ", ")", "(", "f.path", "==", "&&", "!", "null", "3", "'x'", ".matches(", "[", "]", ",", "?", ":",
            ".map(x, ", "in", "-", "{", "}", "size(", "has(",
        ]), 0..10),
    ) {
        complaints(&rule(&parts.join(" ")));
    }

    #[test]
    fn any_text_as_a_file_is_refused_or_loads(text in "(\\[\\[?(rule|settings|exception)\\]?\\]|[a-z]{1,6} = |\"|'|[ -~]|\n){0,60}") {
        complaints(&text);
    }

    #[test]
    fn any_sentence_is_refused_or_loads(sentence in "([a-z {}|.]|\\{file\\.age|\\}|é){0,30}") {
        complaints(&rule("true").replace("\"r\"", &format!("\"{sentence}\"")));
    }
}
