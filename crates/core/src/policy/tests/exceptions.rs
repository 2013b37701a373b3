//! Exceptions: what they cover, until when, and which of them protect nothing.

use crate::policy::{Exception, ExceptionUse, Subject};
use crate::{Effect, Facts, Sha256};

use super::{ask, complaints, good, now, policy, rule};

fn with_exception(subject: &str, expires: &str) -> String {
    format!(
        "{}\n[[exception]]\nrule = \"mine\"\nsubject = \"{subject}\"\nowner = \"sec\"\nreason = \"needed\"\nexpires = {expires}\n",
        rule("true")
    )
}

fn effect(subject: &str, expires: &str) -> Effect {
    policy(&with_exception(subject, expires)).decide(&ask(), &good(), now(), &[]).effect
}

fn reviewed(id: &str, subject: &str) -> Exception {
    Exception {
        id: id.to_owned(),
        rule: "mine".to_owned(),
        subject: subject.parse().expect("a subject"),
        owner: "sec".to_owned(),
        reason: "needed".to_owned(),
        expires: "2026-12-01T00:00:00Z".parse().expect("a time"),
    }
}

#[test]
fn what_a_subject_covers() {
    let digest = format!("sha256:{}", Sha256::from_bytes([0xab; 32]));
    for subject in
        ["pkg:pypi/sampleproject", "pkg:pypi/Sample.Project@2.0", "pkg:pypi/sampleproject@2.*", digest.as_str()]
    {
        let covers = subject.parse::<Subject>().expect("a subject").covers(&ask());
        assert_eq!(covers, subject != "pkg:pypi/Sample.Project@2.0", "{subject}");
    }
    for subject in ["pkg:pypi/sampleproject@2", "pkg:pypi/sampleproject@1.*", "pkg:npm/sampleproject", "pkg:pypi/other"]
    {
        assert!(!subject.parse::<Subject>().expect("a subject").covers(&ask()), "{subject}");
    }
}

#[test]
fn an_exception_takes_the_weight_away_until_it_expires() {
    assert_eq!(effect("pkg:pypi/sampleproject", "2026-12-01"), Effect::Allow);
    assert_eq!(effect("pkg:pypi/sampleproject", "\"2026-11-22T12:00:01Z\""), Effect::Allow);
    assert_eq!(effect("pkg:pypi/sampleproject", "2026-11-22T12:00:00Z"), Effect::Deny);
    assert_eq!(effect("pkg:pypi/sampleproject", "2026-11-22"), Effect::Deny);
    assert_eq!(effect("pkg:pypi/other", "2026-12-01"), Effect::Deny);
}

#[test]
fn the_reason_stays_and_names_the_exception() {
    let policy = policy(&with_exception("pkg:pypi/sampleproject@2.*", "2026-12-01"));
    let verdict = policy.decide(&ask(), &good(), now(), &[]);
    assert_eq!(verdict.reasons[0].excepted_by.as_deref(), Some("mine:pkg:pypi/sampleproject@2.*"));
    assert_eq!(verdict.deciding(), None);
}

#[test]
fn a_review_counts_like_the_file() {
    let policy = policy(&rule("true"));
    let verdict = policy.decide(&ask(), &good(), now(), &[reviewed("review-7", "pkg:pypi/sampleproject@2.0")]);
    assert_eq!(verdict.effect, Effect::Allow);
    assert_eq!(verdict.reasons[0].excepted_by.as_deref(), Some("review-7"));
}

#[test]
fn an_exception_from_one_rule_does_not_lift_another() {
    let text =
        format!("{}{}", with_exception("pkg:pypi/sampleproject", "2026-12-01"), rule("true").replace("mine", "second"));
    assert_eq!(policy(&text).decide(&ask(), &good(), now(), &[]).effect, Effect::Deny);
}

#[test]
fn an_exception_also_lifts_a_rule_that_fails() {
    let policy = policy(&rule("file.age < 3"));
    let verdict = policy.decide(&ask(), &Facts::new(), now(), &[reviewed("review-7", "pkg:pypi/sampleproject")]);
    assert_eq!(verdict.effect, Effect::Allow);
}

#[test]
fn one_that_matches_nothing_is_reported() {
    let text = with_exception("pkg:pypi/sampleproject", "2026-12-01")
        + &with_exception("pkg:pypi/unused", "2026-12-01").replace(&rule("true"), "")
        + &with_exception("pkg:pypi/long-gone", "2020-01-01").replace(&rule("true"), "");
    let policy = policy(&text);
    let mut used = ExceptionUse::default();
    let verdict = policy.decide(&ask(), &good(), now(), &[]);
    assert!(used.note(&verdict));
    assert!(!used.note(&verdict), "the second time nothing is new");
    let unmatched: Vec<_> = policy.unmatched_exceptions(&used, now()).map(|exception| exception.id.as_str()).collect();
    assert_eq!(unmatched, ["mine:pkg:pypi/unused"]);
    let expired: Vec<_> = policy.expired_exceptions(now()).map(|exception| exception.id.as_str()).collect();
    assert_eq!(expired, ["mine:pkg:pypi/long-gone"]);
}

#[test]
fn an_exception_without_owner_reason_or_expiry_is_refused() {
    let text = format!(
        "{}{}\n[[exception]]\nrule = \"mine\"\nsubject = \"pkg:pypi/x\"\n\n[[exception]]\nid = \"second\"\nrule = \"mien\"\nsubject = \"sha256:12\"\n\
         owner = \" \"\nreason = \"r\"\nexpires = \"tomorrow\"\n\n[[exception]]\nrule = \"passes\"\nsubject = \"x\"\nowner = \"o\"\nreason = \"r\"\n\
         expires = 2026-12-01T10:00:00\n",
        rule("true"),
        rule("true").replace("mine", "passes").replace("deny", "allow")
    );
    insta::assert_snapshot!(complaints(&text), @r"
    policy.toml:16: exception 1: `owner` is missing
      hint: name who answers for it
    policy.toml:16: exception 1: `reason` is missing
      hint: say why it is needed
    policy.toml:16: exception 1: `expires` is missing
      hint: write a day or a moment in UTC: expires = 2027-01-31 or expires = 2027-01-31T12:00:00Z
    policy.toml:22: exception `second`: there is no rule `mien`
      hint: did you mean `mine`?
    policy.toml:23: exception `second`: `sha256:12` is not the subject of an exception: 64 hexadecimal digits are wanted
    policy.toml:24: exception `second`: `owner` is empty
      hint: name who answers for it
    policy.toml:26: exception `second`: `expires` is neither a day nor a moment with its offset
      hint: write a day or a moment in UTC: expires = 2027-01-31 or expires = 2027-01-31T12:00:00Z
    policy.toml:29: exception 3: rule `passes` refuses nothing, so nothing can be excepted from it
    policy.toml:30: exception 3: `x` is not the subject of an exception: write pkg:pypi/NAME, pkg:pypi/NAME@VERSION, pkg:pypi/NAME@1.* or sha256:DIGEST
    policy.toml:33: exception 3: `expires` is neither a day nor a moment with its offset
      hint: write a day or a moment in UTC: expires = 2027-01-31 or expires = 2027-01-31T12:00:00Z
    ");
}

#[test]
fn two_exceptions_of_one_id_are_refused() {
    let second = with_exception("pkg:pypi/sampleproject", "2026-12-02").replace(&rule("true"), "");
    insta::assert_snapshot!(complaints(&(with_exception("pkg:pypi/SampleProject", "2026-12-01") + &second)), @r"
    policy.toml:16: exception `mine:pkg:pypi/sampleproject`: there are two with this id
      hint: remove one, or give each an `id` of its own
    ");
}

#[test]
fn subjects_are_shown_as_written() {
    for text in ["pkg:pypi/foo", "pkg:pypi/foo@1.2", "pkg:pypi/foo@1.*", "pkg:npm/%40acme/x@1.*"] {
        assert_eq!(text.parse::<Subject>().expect("a subject").to_string(), text);
    }
}
