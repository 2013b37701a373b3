//! What no entry can give back: reports, first-seen times, pages, what was withheld, tokens, small values.

use bulkhead_core::{Confidence, Finding, FindingContext, Principal, Purl, Severity};

use super::Check;
use super::fixture::{at, digest, project};
use crate::store::{Born, KeptDelta, Page, Reading, Report, SeenFile, Store, TokenText, WithheldFrom};

pub(super) const ALL: &[Check] = &[
    ("reports come back whole, long and short, one for each ruleset", reports),
    ("a file keeps the time when it was first seen", first_seen),
    ("pages come back whole and can be confirmed", pages),
    ("what was withheld is remembered for each asker and project", withheld),
    ("tokens name their principal until they expire or are revoked", tokens),
    ("small values are kept", meta),
    ("what was read is known by project", readings),
    ("a delta is kept by file and ruleset", deltas),
];

fn reports(store: &dyn Store) {
    let finding = Finding {
        detector: "executable-pth".to_owned(),
        title: "runs at start".to_owned(),
        severity: Severity::Critical,
        confidence: Confidence::High,
        context: FindingContext::Startup,
        location: None,
        excerpt: None,
    };
    let report = |byte: u8, ruleset: &str, length: usize, findings: Vec<Finding>| Report {
        digest: digest(byte),
        ruleset: ruleset.to_owned(),
        judged_at: at(1),
        readable: findings.is_empty(),
        findings,
        behaviours: findings_words(byte),
        json: format!("{{\"pad\":\"{}\"}}", "é".repeat(length)),
    };
    let long = report(1, "r1", 50_000, vec![finding]);
    let short = report(2, "r1", 3, Vec::new());
    let newer = report(1, "r2", 3, Vec::new());
    for report in [&long, &short, &newer] {
        store.put_report(report).expect("keeps");
    }
    for report in [&long, &short, &newer] {
        assert_eq!(store.report(&report.digest, &report.ruleset).expect("answers").as_ref(), Some(report));
    }
    assert_eq!(store.report(&digest(2), "r2").expect("answers"), None);
    let judged = store.reports_for(&[digest(1), digest(2), digest(3)], "r1").expect("answers");
    assert_eq!(judged.keys().collect::<Vec<_>>(), [&digest(1), &digest(2)]);
    assert_eq!((judged[&digest(1)].readable, &judged[&digest(1)].findings), (false, &long.findings));
    assert!(judged[&digest(2)].readable);
    let replaced = report(2, "r1", 4, Vec::new());
    store.put_report(&replaced).expect("replaces");
    assert_eq!(store.report(&digest(2), "r1").expect("answers"), Some(replaced));
}

fn findings_words(byte: u8) -> Vec<String> {
    if byte == 1 { vec!["import:spawn".to_owned()] } else { Vec::new() }
}

fn readings(store: &dyn Store) {
    let reading = |project: Purl, file: &str, byte: u8, time| Reading {
        purl: project.at("1.0"),
        file: file.to_owned(),
        digest: digest(byte),
        at: at(time),
    };
    let (a, b) = (reading(project("demo"), "a.whl", 1, 1), reading(project("other"), "b.whl", 2, 2));
    for noted in [&b, &a, &Reading { at: at(9), ..a.clone() }] {
        store.note_reading(noted).expect("notes");
    }
    assert_eq!(
        store.readings(Some(&project("demo"))).expect("answers"),
        std::slice::from_ref(&a),
        "the first time stands"
    );
    assert_eq!(store.readings(None).expect("answers"), [a, b]);
    assert_eq!(store.readings(Some(&project("none"))).expect("answers"), []);
}

fn deltas(store: &dyn Store) {
    let empty = bulkhead_detect::Profile::default();
    let delta = |from: &str| bulkhead_detect::delta::compare(&empty, &empty, from, "2.0");
    let kept = |byte: u8, from: &str| KeptDelta {
        before: digest(byte),
        delta: delta(from),
        born: [("young".to_owned(), Born::At(at(7))), ("gone".to_owned(), Born::Unasked("down".to_owned()))].into(),
    };
    store.put_delta(&digest(1), "r1", &kept(8, "1.0")).expect("keeps");
    store.put_delta(&digest(1), "r1", &kept(9, "1.1")).expect("replaces");
    store.put_delta(&digest(1), "r2", &kept(8, "1.0")).expect("keeps");
    let found = store.deltas_for(&[digest(1), digest(2)], "r1").expect("answers");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [(digest(1), kept(9, "1.1"))]);
}

fn first_seen(store: &dyn Store) {
    let demo = project("demo");
    let file = |file, sha256| SeenFile { file, sha256 };
    let (a, b) = (file("a.whl", Some(digest(1))), file("b.whl", None));
    assert_eq!(store.first_seen(&demo, &[a], at(1)).expect("keeps"), [at(1)]);
    assert_eq!(store.first_seen(&demo, &[b, a], at(2)).expect("keeps"), [at(2), at(1)], "in the order asked");
    assert_eq!(store.first_seen(&demo, &[a, b], at(3)).expect("keeps"), [at(1), at(2)]);
    let swapped = file("a.whl", Some(digest(2)));
    assert_eq!(store.first_seen(&demo, &[swapped], at(4)).expect("keeps"), [at(4)], "other bytes are another file");
    assert_eq!(store.first_seen(&project("other"), &[a], at(5)).expect("keeps"), [at(5)]);
    assert_eq!(
        store.first_seen(&demo, &[a, a], at(0)).expect("keeps"),
        [at(1), at(1)],
        "a clock set back changes nothing"
    );
    assert_eq!(store.first_seen(&demo, &[], at(6)).expect("keeps"), []);
}

fn pages(store: &dyn Store) {
    let demo = project("demo");
    assert_eq!(store.page(&demo).expect("answers"), None);
    store.touch_page(&demo, at(1)).expect("nothing to touch");
    assert_eq!(store.page(&demo).expect("answers"), None);
    let page = Page {
        fetched_at: at(1),
        etag: Some("W/\"x\"".to_owned()),
        content_type: "application/json".to_owned(),
        final_url: "http://index.test/simple/demo/".to_owned(),
        body: (0..200_000_u32).flat_map(u32::to_le_bytes).collect(),
    };
    store.put_page(&demo, &page).expect("keeps");
    assert_eq!(store.page(&demo).expect("answers").as_ref(), Some(&page));
    store.touch_page(&demo, at(9)).expect("touches");
    assert_eq!(store.page(&demo).expect("answers"), Some(Page { fetched_at: at(9), ..page.clone() }));
    let empty = Page { etag: None, body: Vec::new(), ..page };
    store.put_page(&demo, &empty).expect("replaces");
    assert_eq!(store.page(&demo).expect("answers"), Some(empty));
    assert_eq!(store.page(&project("other")).expect("answers"), None);
}

fn withheld(store: &dyn Store) {
    let (ci, dev, demo, other) = (Principal::new("ci"), Principal::new("dev"), project("demo"), project("other"));
    let from = WithheldFrom { principal: &ci, client: "pip 127.0.0.1", project: &demo };
    assert_eq!(store.withheld(&from).expect("answers"), None);
    store.set_withheld(&from, &digest(1)).expect("keeps");
    store.set_withheld(&from, &digest(2)).expect("keeps");
    assert_eq!(store.withheld(&from).expect("answers"), Some(digest(2)));
    for different in [
        WithheldFrom { principal: &dev, ..from },
        WithheldFrom { client: "uv 127.0.0.1", ..from },
        WithheldFrom { project: &other, ..from },
    ] {
        assert_eq!(store.withheld(&different).expect("answers"), None);
    }
}

fn tokens(store: &dyn Store) {
    let (ci, dev) = (Principal::new("ci"), Principal::new("dev"));
    let [one, two] = [(); 2].map(|()| TokenText::generate().expect("randomness"));
    let short = store.create_token(&one, &ci, at(1), Some(at(10))).expect("creates");
    let long = store.create_token(&two, &dev, at(2), None).expect("creates");
    assert_eq!(store.tokens().expect("answers"), [short.clone(), long.clone()]);
    assert_eq!(store.verify_token(&one, at(9)).expect("answers"), Some(ci));
    assert_eq!(store.verify_token(&one, at(10)).expect("answers"), None, "expired");
    assert_eq!(store.verify_token(&two, at(10)).expect("answers"), Some(dev.clone()));
    assert_eq!(store.verify_admin(&two, at(10)).expect("answers"), None, "a client's token opens no console");
    store.make_admin(&two).expect("changes");
    assert_eq!(store.verify_admin(&two, at(10)).expect("answers"), Some(dev));
    assert_eq!(store.verify_admin(&one, at(9)).expect("answers"), None);
    let unknown = TokenText::generate().expect("randomness");
    assert_eq!(store.verify_token(&unknown, at(1)).expect("answers"), None);
    assert!(!store.revoke_token(&long.id[..6], at(11)).expect("answers"), "only whole ids");
    assert!(!store.revoke_token("", at(11)).expect("answers"));
    assert!(store.revoke_token(&long.id, at(11)).expect("revokes"));
    assert!(!store.revoke_token(&long.id, at(12)).expect("answers"), "revoked already");
    assert_eq!(store.verify_token(&two, at(3)).expect("answers"), None, "revoked, whatever the clock says");
    assert_eq!(store.verify_admin(&two, at(3)).expect("answers"), None, "and for the console too");
    assert_eq!(store.tokens().expect("answers")[1].revoked, Some(at(11)));
    store.create_token(&one, &Principal::new("thief"), at(12), None).expect_err("a token names one principal for ever");
}

fn meta(store: &dyn Store) {
    assert_eq!(store.meta("key").expect("answers"), None);
    store.set_meta("key", "one").expect("keeps");
    store.set_meta("key", "two").expect("keeps");
    assert_eq!(store.meta("key").expect("answers").as_deref(), Some("two"));
}
