//! What was let in, under rules that came later.

use serde_json::Value;

use crate::support::{Bulkhead, Registry, Upload, Wheel, bulkhead::DEFAULT_POLICY};

const LATER: &str = "
[[rule]]
id = \"not-demo\"
gate = \"intake\"
when = 'package.name == \"demo\"'
effect = \"deny\"
reason = \"{package.name} was found out\"
help = \"remove it\"
";

fn rejudged(bulkhead: &Bulkhead) -> (bool, Value) {
    let screen = bulkhead.run(&["rejudge", "--format", "json"]);
    (screen.good(), serde_json::from_str(&screen.all()).expect("one JSON document"))
}

#[test]
fn a_rule_that_comes_later_tells_who_has_what() {
    let registry = Registry::start();
    let demo = registry.publish(Wheel::new("demo", "1.0"));
    let other = registry.publish(Wheel::new("other", "1.0"));
    let bulkhead = Bulkhead::before(&registry);
    for upload in [&demo, &other] {
        assert_eq!(bulkhead.fetch(upload).status, 200);
    }
    let (good, all) = rejudged(&bulkhead);
    assert!(good && all["judged"] == 2 && all["failing"] == Value::Array(Vec::new()), "{all:#}");

    std::fs::write(bulkhead.data().join("policy.toml"), format!("{DEFAULT_POLICY}{LATER}")).expect("writes");
    bulkhead.run(&["policy", "reload"]).expect_good();
    let (good, all) = rejudged(&bulkhead);
    assert!(!good, "{all:#}");
    let failing = &all["failing"][0];
    assert_eq!((&failing["purl"], &failing["effect"]), (&"pkg:pypi/demo@1.0".into(), &"deny".into()));
    assert_eq!((&failing["has"][0]["principal"], &failing["has"][0]["times"]), (&"local".into(), &1.into()));
    assert_eq!(all["failing"].as_array().map(Vec::len), Some(1));
    assert_eq!(registry.asked_for(demo.filename()), 1, "no download");
    let entries = bulkhead.entries();
    let entry = entries.iter().find(|entry| entry["action"] == "rejudge" && entry["effect"] == "deny");
    assert_eq!(entry.expect("an entry")["resource"]["file"], demo.filename());
    // What is inside and refused now is raised once: in the server's log, to whoever runs `watch`, and on the console.
    bulkhead.wait_for("a release that is already inside was marked");
    let watched = bulkhead.run(&["watch", "--format", "json"]).expect_code(1).json();
    let alarm = &watched["alarms"][0];
    assert_eq!((&alarm["purl"], &alarm["advisory"]), (&"pkg:pypi/demo@1.0".into(), &"rule:not-demo".into()));
    assert_eq!((&alarm["mark"], &alarm["summary"]), (&"refused".into(), &"demo was found out".into()));
    assert_eq!(watched["alarms"].as_array().map(Vec::len), Some(1));
    bulkhead.run(&["watch"]).expect_good();
    let text = bulkhead.run(&["rejudge"]).all();
    assert!(text.contains("demo was found out") && text.contains("received by local"), "{text}");
}

/// Detectors that come later read what is here again, without a download.
#[test]
fn detectors_that_come_later_read_what_was_let_in_again() {
    let registry = Registry::start();
    let demo = registry.publish(Wheel::new("demo", "1.0"));
    let other = registry.publish(Wheel::new("other", "1.0"));
    let bulkhead = Bulkhead::before(&registry);
    for upload in [&demo, &other] {
        assert_eq!(bulkhead.fetch(upload).status, 200);
    }
    assert_eq!(rejudged(&bulkhead).1["read"], 0, "nothing has changed");
    // As it is after an upgrade: one report is of the detectors before.
    let (place, _) = bulkhead.stop();
    let age = "import sqlite3, sys\nstore = sqlite3.connect(sys.argv[1])\n\
        store.execute(\"UPDATE report SET ruleset = '2020.01-1' WHERE lower(hex(digest)) = ?\", (sys.argv[2],))\n\
        assert store.total_changes == 1\nstore.commit()\n";
    let store = place.data().join("state.sqlite");
    let aged = std::process::Command::new("python3").args(["-c", age]).arg(&store).arg(demo.sha256()).status();
    assert!(aged.expect("python3 starts").success(), "{}", store.display());
    let bulkhead = place.start();
    let (good, all) = rejudged(&bulkhead);
    assert!(good && all["judged"] == 2 && all["read"] == 1, "{all:#}");
    assert_eq!(rejudged(&bulkhead).1["read"], 0, "and the new report is kept");
    assert_eq!(registry.asked_for(demo.filename()), 1, "no download");
}

/// The rule is gone again before anybody looked: nothing is wrong with what is inside.
#[test]
fn what_the_newest_rejudge_passes_is_not_raised() {
    let registry = Registry::start();
    let demo = registry.publish(Wheel::new("demo", "1.0"));
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&demo).status, 200);
    for (policy, good) in [(format!("{DEFAULT_POLICY}{LATER}"), false), (DEFAULT_POLICY.to_owned(), true)] {
        std::fs::write(bulkhead.data().join("policy.toml"), policy).expect("writes");
        bulkhead.run(&["policy", "reload"]).expect_good();
        assert_eq!(rejudged(&bulkhead).0, good);
    }
    bulkhead.run(&["watch"]).expect_good();
}

/// A file that was only looked at is young by its first sight, and never came in.
#[test]
fn what_nobody_received_is_not_judged() {
    let registry = Registry::start();
    let demo = registry.publish(Wheel::new("demo", "1.0"));
    let looked = registry.publish(Upload::from(Wheel::new("other", "1.0")).without_time());
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&demo).status, 200);
    bulkhead.run(&["scan", "pkg:pypi/other@1.0"]);
    assert_eq!(registry.asked_for(looked.filename()), 1, "it is here");
    let (good, all) = rejudged(&bulkhead);
    assert!(good, "{all:#}");
    assert_eq!((&all["judged"], &all["outside"]), (&1.into(), &1.into()));
}
