use bulkhead_core::{Confidence, FindingContext, Location, Severity, Sha256};
use bulkhead_detect::Member;
use serde_json::{Value, json};

use super::*;

const FILE: &str = "demo-1.0-py3-none-any.whl";

fn asked() -> Asked {
    Asked { id: 5, kind: ArchiveKind::of(FILE), limits: Limits::default() }
}

fn found() -> Finding {
    Finding {
        detector: "executable-pth".to_owned(),
        title: "demo.pth is executed at every start".to_owned(),
        severity: Severity::Critical,
        confidence: Confidence::High,
        context: FindingContext::Startup,
        location: Some(Location { path: "demo.pth".to_owned(), line: Some(1) }),
        excerpt: Some("import os".to_owned()),
    }
}

fn honest() -> Report {
    let sha256 = Sha256::from_bytes([7; 32]);
    Report {
        readable: true,
        findings: vec![found()],
        members: vec![Member { path: "demo.pth".to_owned(), size: 9, sha256 }],
        member_count: 2,
        unpacked_size: 9,
        ..Report::unreadable(ArchiveKind::of(FILE), "to be overwritten")
    }
}

fn answer(report: Report) -> Value {
    serde_json::to_value(Answer { id: 5, report }).expect("plain")
}

fn check(answer: &Value) -> Result<Report, String> {
    report(answer.to_string().as_bytes(), &asked())
}

#[test]
fn an_honest_report_passes_unchanged() {
    assert_eq!(check(&answer(honest())), Ok(honest()));
}

#[test]
fn a_shape_that_no_honest_worker_sends_is_refused_by_name() {
    let content = |sha256: Value| json!({ "content": { "text": "Name: demo\n" }, "sha256": sha256, "name": null, "version": null, "requires_python": null });
    for (pointer, value, words) in [
        ("/id", json!(4), "another job"),
        ("/id", json!(-1), "not a report"),
        ("/report/ruleset", json!("other"), "other rules"),
        ("/report/kind", json!("egg"), "another kind"),
        ("/report/findings/0/title", json!("\u{1b}[2J"), "control characters"),
        ("/report/findings/0/title", json!("x".repeat(5_000)), "too long"),
        ("/report/findings/0/detector", json!("x".repeat(65)), "too long"),
        ("/report/findings/0/excerpt", json!("a\nb"), "control characters"),
        ("/report/findings/0/location/path", json!("a\u{7f}"), "control characters"),
        ("/report/findings/0/severity", json!("none"), "not a report"),
        ("/report/members/0/path", json!("a\u{0}b"), "control characters"),
        ("/report/members/0/size", json!(-1), "not a report"),
        ("/report/member_count", json!(0), "more files than members"),
        ("/report/member_count", json!(u64::MAX), "beyond reason"),
        ("/report/unpacked_size", json!(u64::MAX), "beyond reason"),
        ("/report/metadata", content(json!("00".repeat(32))), "does not fit its digest"),
    ] {
        let mut answer = answer(honest());
        *answer.pointer_mut(pointer).expect("is there") = value;
        let why = check(&answer).expect_err(pointer);
        assert!(why.contains(words), "{pointer}: {why}");
    }
}

#[test]
fn counts_are_held_to_the_limits() {
    let mut report = Report { findings: vec![found(); FINDINGS + 1], ..honest() };
    assert!(check(&answer(report)).expect_err("too many").contains("too many findings"));
    report = Report { readable: false, findings: Vec::new(), ..honest() };
    assert!(check(&answer(report)).expect_err("no reason").contains("no reason"));

    let mut asked = asked();
    asked.limits.members = 0;
    let answer = answer(honest()).to_string();
    assert!(super::report(answer.as_bytes(), &asked).expect_err("too many").contains("more files than allowed"));
}

#[test]
fn metadata_is_passed_on_only_with_its_own_digest_and_size() {
    let sha256 =
        Sha256::from_bytes(digest::digest(&digest::SHA256, b"Name: demo\n").as_ref().try_into().expect("32 bytes"));
    let text = json!({ "content": { "text": "Name: demo\n" }, "sha256": sha256, "name": "demo", "version": "1.0", "requires_python": null });
    let mut good = answer(honest());
    good["report"]["metadata"] = text;
    let report = check(&good).expect("passes");
    assert_eq!(report.metadata.expect("kept").content.0, b"Name: demo\n");

    let mut asked = asked();
    asked.limits.kept_member_bytes = 10;
    assert!(super::report(good.to_string().as_bytes(), &asked).expect_err("too large").contains("its limits"));
    good["report"]["metadata"]["name"] = json!("x".repeat(5_000));
    assert!(check(&good).expect_err("too long").contains("its limits"));
}

#[test]
fn deep_nesting_and_rubbish_are_errors_not_crashes() {
    for rubbish in
        ["[".repeat(1_000_000), "{\"id\":".repeat(100_000), String::new(), "\u{0}".to_owned(), "null".to_owned()]
    {
        assert!(report(rubbish.as_bytes(), &asked()).expect_err("rubbish").starts_with("is not a report"));
    }
}

#[test]
fn what_is_said_about_rubbish_does_not_repeat_it_raw() {
    let field = json!({ "\u{1b}[2J".repeat(1_000): 1 }).to_string();
    let why = report(field.as_bytes(), &asked()).expect_err("rubbish");
    assert!(why.len() < 2_000 && !why.chars().any(char::is_control), "{why}");
}
