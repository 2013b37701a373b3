//! A release is compared with the one that was read here before it.

use crate::support::{Bulkhead, Registry, Upload, Wheel};

const FOREIGN: &str = "helper @ https://files.test/helper-1.0-py3-none-any.whl";

fn published(registry: &Registry, version: &str, requires: &[&str]) -> Upload {
    let wheel = requires.iter().fold(Wheel::new("demo", version), |wheel, requirement| wheel.requires(requirement));
    registry.publish(Upload::from(wheel).days_old(90))
}

#[test]
fn what_is_new_against_the_release_before_is_held_and_shown() {
    let registry = Registry::start();
    let good = published(&registry, "1.0.0", &[]);
    let changed = published(&registry, "1.0.1", &[FOREIGN]);
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&good).status, 200);
    let refused = bulkhead.fetch(&changed);
    assert_eq!((refused.status, refused.code().as_str()), (403, "intake-delta-hold"), "{}", refused.text());
    assert!(refused.text().contains("new in 1.0.1 against 1.0.0: it now asks for helper"), "{}", refused.text());
    assert_eq!(bulkhead.page("demo").listed(), [good.filename()], "the next resolve chooses the release before");

    let explained = bulkhead.run(&["explain", "pkg:pypi/demo@1.0.1"]);
    let text = explained.all();
    for words in [
        "intake-delta-hold",
        "| helper @ https://files.test/",
        "why it matters: High when it comes from a URL",
        "delta.from = 1.0.0",
        "delta.new = dependency:helper",
    ] {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
    assert!(text.lines().count() < 50, "one screen:\n{text}");
}

#[test]
fn a_release_without_one_before_it_is_not_held_for_that() {
    let registry = Registry::start();
    let first = published(&registry, "1.0.1", &[FOREIGN]);
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&first).status, 200);
    let facts = bulkhead.run(&["explain", "pkg:pypi/demo@1.0.1", "--format", "json"]);
    let facts: serde_json::Value = serde_json::from_str(&facts.all()).expect("one JSON document");
    let attributes = &facts["files"][0]["facts"]["attributes"];
    assert_eq!((&attributes["content.judged"], &attributes["delta.from"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(attributes["content.score"], 0);
}

#[test]
fn a_delta_outlives_a_restart() {
    let registry = Registry::start();
    let (good, changed) = (published(&registry, "1.0.0", &[]), published(&registry, "1.0.1", &[FOREIGN]));
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&good).status, 200);
    assert_eq!(bulkhead.fetch(&changed).status, 403);
    let bulkhead = bulkhead.kill().start();
    assert_eq!(bulkhead.page("demo").listed(), [good.filename()]);
    assert_eq!(bulkhead.fetch(&changed).code(), "intake-delta-hold");
    assert_eq!(registry.asked_for(changed.filename()), 1, "read again from our own blob");
}

/// The second poisoned release must not be measured by the first.
#[test]
fn a_refused_release_is_no_measure_for_the_next() {
    let registry = Registry::start();
    let release = |version: &str, init: &str| {
        registry.publish(Upload::from(Wheel::new("demo", version).file("demo/more.py", init)).days_old(90))
    };
    let inert = "import base64\nexec(base64.b64decode(\"cGFzcw==\"))\n";
    let good = release("1.0.0", "X = 1\n");
    let (first, second) = (release("1.0.1", inert), release("1.0.2", inert));
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&good).status, 200);
    for refused in [&first, &second] {
        let reply = bulkhead.fetch(refused);
        assert_eq!(reply.status, 403, "{}", reply.text());
    }
    let text = bulkhead.run(&["explain", "pkg:pypi/demo@1.0.2"]).all();
    assert!(text.contains("delta.from = 1.0.0") && text.contains("demo/more.py:2"), "{text}");
}
