use std::collections::BTreeSet;

use super::*;
use crate::{Effect, EntryIndex, Reason};

/// Codes are append-only: scripts and the docs rely on them. A changed line here is a breaking change.
#[test]
fn every_code() {
    let list: Vec<_> = Code::FIXED.iter().map(|(word, status, title)| format!("{status} {word:<22} {title}")).collect();
    insta::assert_snapshot!(list.join("\n"), @r"
    404 not-found              No such path
    404 project-not-found      No such project upstream
    404 file-not-found         No such file in the project
    400 bad-request            Request not understood
    400 bad-path               Path not understood
    405 method-not-allowed     Method not allowed
    406 not-acceptable         No acceptable form
    416 range-not-satisfiable  Range not satisfiable
    401 token-required         Token required
    401 token-refused          Token refused
    413 too-large              Request too large
    502 upstream-unreachable   Upstream not reachable
    504 upstream-timeout       Upstream too slow
    502 upstream-status        Upstream answered with an error
    502 upstream-malformed     Upstream answer not understood
    502 upstream-too-large     Upstream answer too large
    502 upstream-digest        Upstream file has another digest
    502 upstream-address       Upstream address not allowed
    502 upstream-name          Upstream file is of another release
    502 upstream-unset         No upstream configured
    503 ledger-unavailable     Ledger cannot record
    503 storage-unavailable    Storage not available
    503 worker-unavailable     Archive worker not available
    503 shutting-down          Shutting down
    500 bug                    Bulkhead made a mistake
    ");
}

#[test]
fn codes_are_unique_and_kebab_case() {
    let words: BTreeSet<_> = Code::FIXED.iter().map(|(word, ..)| word).collect();
    assert_eq!(words.len(), Code::FIXED.len());
    assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
}

#[test]
fn the_status_follows_the_blame() {
    for (code, class) in [
        (Code::BadPath, 400..=499),
        (Code::TokenRequired, 400..=499),
        (Code::UpstreamDigest, 502..=504),
        (Code::LedgerUnavailable, 503..=503),
        (Code::Bug, 500..=500),
        (rule(), 403..=403),
    ] {
        assert!(class.contains(&code.status()), "{code}: {:?} {}", code.blame(), code.status());
    }
    assert_eq!(rule().blame(), Blame::Policy);
}

fn rule() -> Code {
    Code::Rule { gate: Gate::Intake, rule: "cooldown".to_owned() }
}

fn refusal() -> Problem {
    let reason = |rule: &str, effect, audit| Reason {
        rule: rule.to_owned(),
        effect,
        text: format!("what {rule} says"),
        help: format!("what to do about {rule}"),
        audit,
        excepted_by: None,
    };
    let reasons = vec![
        reason("watched", Effect::Deny, true),
        reason("cooldown", Effect::Hold, false),
        reason("other", Effect::Hold, false),
    ];
    let verdict = Verdict { effect: Effect::Hold, reasons };
    Problem::refused(Gate::Intake, "requests 9.9.9 is held", &verdict, Some(VerdictId(EntryIndex(1234))))
}

#[test]
fn a_refusal_on_the_terminal() {
    insta::assert_snapshot!(refusal(), @r"
    intake-cooldown: requests 9.9.9 is held
      what cooldown says
      help: what to do about cooldown
      verdict: v1234
    ");
}

#[test]
fn a_refusal_over_http() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&refusal().to_json()).expect("JSON"), @r#"
    {
      "code": "intake-cooldown",
      "detail": "what cooldown says",
      "error": "requests 9.9.9 is held: what cooldown says",
      "help": "what to do about cooldown",
      "status": 403,
      "title": "requests 9.9.9 is held",
      "type": "urn:bulkhead:problem:intake-cooldown",
      "verdict": "v1234"
    }
    "#);
}

#[test]
fn a_refusal_by_default_names_the_gate() {
    let problem = Problem::refused(Gate::Egress, "api.example is refused", &Verdict::plain(Effect::Deny), None);
    insta::assert_snapshot!(problem, @r"
    egress-default: api.example is refused
      no rule allows it, and gate egress refuses by default
    ");
}

#[test]
fn a_fault_has_its_own_title() {
    let problem =
        Problem::new(Code::UpstreamTimeout, "no answer within 30 seconds\nfrom mirror.example").with_help("try again");
    insta::assert_snapshot!(problem, @r"
    upstream-timeout: Upstream too slow
      no answer within 30 seconds
      from mirror.example
      help: try again
    ");
}
