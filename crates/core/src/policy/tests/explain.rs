//! Why, and what would change it.

use crate::policy::explain;
use crate::{Effect, Severity};

use super::{DAY, ask, good, now, policy, rule, shipped};

#[test]
fn a_young_file_is_allowed_from_the_second_on_which_it_is_old_enough() {
    let mut facts = good();
    facts.set("file.age", 3600);
    let explained = explain(&shipped(), &ask(), &facts, now(), &[]);
    let change = explained.next_change.expect("it matures");
    assert_eq!((change.at.to_string().as_str(), change.effect), ("2026-11-25T11:00:00Z", Effect::Allow));
    let cooldown = &explained.rules[0];
    assert_eq!((cooldown.rule.as_str(), cooldown.decides, cooldown.until), ("cooldown", true, Some(change.at)));
}

#[test]
fn the_explanation_as_json() {
    let mut facts = good();
    facts.set("file.age", 3600);
    let text =
        rule("file.age < settings.cooldown").replace("\"r\"", "\"{file.age|words} old\"").replace("deny", "hold")
            + &rule("findings.exists(f, f.severity == 'high')").replace("mine", "other")
            + "mode = \"audit\"\n";
    facts.findings.push(super::finding("net", Severity::High, crate::FindingContext::Import));
    let explained = explain(&policy(&text), &ask(), &facts, now(), &[]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&explained).expect("JSON"), @r#"
    {
      "verdict": {
        "effect": "hold",
        "reasons": [
          {
            "rule": "other",
            "effect": "deny",
            "text": "r",
            "help": "h",
            "audit": true
          },
          {
            "rule": "mine",
            "effect": "hold",
            "text": "1 hour old",
            "help": "h"
          }
        ]
      },
      "default_effect": "allow",
      "rules": [
        {
          "rule": "mine",
          "line": 1,
          "part": "matched",
          "decides": true,
          "effect": "hold",
          "mode": "enforce",
          "condition": "file.age < settings.cooldown",
          "text": "1 hour old",
          "help": "h",
          "facts": [
            {
              "name": "file.age",
              "value": 3600,
              "doc": "seconds since the upload, or since Bulkhead first saw the file when the registry gives no time"
            },
            {
              "name": "settings.cooldown",
              "value": 259200,
              "doc": "seconds that a file must be old before it passes"
            }
          ],
          "until": "2026-11-25T11:00:00Z"
        },
        {
          "rule": "other",
          "line": 8,
          "part": "matched",
          "decides": false,
          "effect": "deny",
          "mode": "audit",
          "condition": "findings.exists(f, f.severity == 'high')",
          "text": "r",
          "help": "h",
          "facts": [
            {
              "name": "findings",
              "value": [
                "net: net was seen"
              ],
              "doc": "what detectors saw in the content"
            }
          ]
        }
      ],
      "next_change": {
        "at": "2026-11-25T11:00:00Z",
        "effect": "allow"
      }
    }
    "#);
}

#[test]
fn a_verdict_that_time_does_not_change_has_no_moment() {
    let mut facts = good();
    facts.set("advisory.malicious", vec!["MAL-2026-2144"]);
    facts.set("file.age", 60);
    let policy = shipped();
    let verdict = policy.decide(&ask(), &facts, now(), &[]);
    assert_eq!(policy.next_change(&ask(), &facts, &verdict, now(), &[]), None);
    let explained = explain(&policy, &ask(), &facts, now(), &[]);
    assert_eq!(explained.rules[0].rule, "advisory-malicious");
    let cooldown = explained.rules.iter().find(|rule| rule.rule == "cooldown").expect("listed");
    assert!(cooldown.until.is_some() && !cooldown.decides);
}

#[test]
fn the_slowest_of_several_clocks_counts() {
    let text = rule("file.age < 10 * 86400").replace("deny", "hold")
        + &rule("file.age < 20 * 86400").replace("mine", "slower").replace("deny", "hold");
    let mut facts = good();
    facts.set("file.age", 0);
    let explained = explain(&policy(&text), &ask(), &facts, now(), &[]);
    assert_eq!(explained.next_change.expect("a change").at.to_string(), "2026-12-12T12:00:00Z");
}

#[test]
fn age_can_also_make_a_verdict_stricter() {
    let policy = policy(&rule("file.age > 50 * 86400"));
    let verdict = policy.decide(&ask(), &good(), now(), &[]);
    let change = policy.next_change(&ask(), &good(), &verdict, now(), &[]).expect("a change");
    assert_eq!((change.at.to_string().as_str(), change.effect), ("2026-12-02T12:00:01Z", Effect::Deny));
}

#[test]
fn the_end_of_an_exception_is_a_change() {
    let text = rule("true")
        + "[[exception]]\nrule = \"mine\"\nsubject = \"pkg:pypi/sampleproject\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2026-12-24\n";
    let policy = policy(&text);
    let explained = explain(&policy, &ask(), &good(), now(), &[]);
    assert_eq!(explained.verdict.effect, Effect::Allow);
    let change = explained.next_change.expect("a change");
    assert_eq!((change.at.to_string().as_str(), change.effect), ("2026-12-24T00:00:00Z", Effect::Deny));
    assert_eq!(explained.rules[0].exception.as_ref().map(|exception| exception.owner.as_str()), Some("o"));
}

#[test]
fn at_the_moment_named_the_verdict_is_the_one_named() {
    let policy = shipped();
    for age in [0, 1, 3599, 3600, 3 * DAY - 1] {
        let mut facts = good();
        facts.set("file.age", age);
        let verdict = policy.decide(&ask(), &facts, now(), &[]);
        let change = policy.next_change(&ask(), &facts, &verdict, now(), &[]).expect("it matures");
        let passed = change.at.duration_since(now()).as_secs();
        facts.set("file.age", age + passed);
        assert_eq!(policy.decide(&ask(), &facts, change.at, &[]).effect, change.effect);
        facts.set("file.age", age + passed - 1);
        assert_eq!(policy.decide(&ask(), &facts, change.at, &[]).effect, verdict.effect);
    }
}
