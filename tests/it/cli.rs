//! The commands as an operator sees them.

use insta::assert_snapshot;

use crate::support::{Bulkhead, Developer, Place, Registry, Upload, Wheel};

/// One release that passes, one inside the cooldown, one that is malicious; a client asked for each.
fn with_history() -> (Registry, Bulkhead) {
    let registry = Registry::start();
    let good = registry.publish(Upload::from(Wheel::new("demo", "1.0")).days_old(90));
    // Half an hour off the full one, so that "2 days" stays true while the test runs.
    let new = registry.publish(Upload::from(Wheel::new("demo", "2.0")).hours_old(49));
    let poisoned = registry.publish(Upload::from(Wheel::new("litellm", "1.82.8")).days_old(100));
    let bulkhead = Bulkhead::before(&registry);
    for upload in [&good, &new, &poisoned] {
        bulkhead.fetch(upload);
    }
    (registry, bulkhead)
}

#[test]
fn the_banner_says_where_to_point_clients() {
    let registry = Registry::start();
    let bulkhead = Bulkhead::before(&registry);
    bulkhead.wait_for("bulkhead setup");
    let printed = bulkhead.printed();
    for word in ["intake", "console", "ledger", "/pypi/simple/", "policy"] {
        assert!(printed.contains(word), "{printed}");
    }
}

#[test]
fn explain_says_which_rule_decided_and_what_would_change_it() {
    let (_registry, bulkhead) = with_history();
    let held = bulkhead.run(&["explain", "pkg:pypi/demo@2.0"]).expect_code(1);
    for word in ["intake-cooldown", "would change it", "bulkhead review release"] {
        assert!(held.all().contains(word), "{held}");
    }
    let denied = bulkhead.run(&["explain", "pkg:pypi/litellm@1.82.8"]).expect_code(1);
    assert!(denied.all().contains("MAL-2026-2144"), "{denied}");
    bulkhead.run(&["explain", "pkg:pypi/demo@1.0"]).expect_good();
}

#[test]
fn explain_in_json_has_the_words_that_other_tools_rely_on() {
    let (_registry, bulkhead) = with_history();
    let json = bulkhead.run(&["explain", "pkg:pypi/demo@2.0", "--format", "json"]).expect_code(1).json();
    for member in ["code", "title", "detail", "help", "verdict"] {
        assert!(json.get(member).is_some(), "no `{member}`: {json}");
    }
    assert_eq!(json["code"], "intake-cooldown");
    assert_eq!(json["effect"], "hold");
}

#[test]
fn a_refusal_carries_a_verdict_that_explain_takes() {
    let (registry, bulkhead) = with_history();
    let wheel = registry.publish(Upload::from(Wheel::new("later", "1.0")).hours_old(5));
    let body = bulkhead.fetch(&wheel).json();
    let verdict = body["verdict"].as_str().expect("a refusal names its verdict");
    for command in [["explain"].as_slice(), &["policy", "explain"]] {
        let screen = bulkhead.run(&[command, &[verdict]].concat()).expect_code(1);
        assert!(screen.all().contains("cooldown"), "{screen}");
    }
}

#[test]
fn review_lists_what_waits_shows_it_and_lets_it_go() {
    let (_registry, bulkhead) = with_history();
    let list = bulkhead.run(&["review", "list", "--format", "json"]).expect_good().json();
    let items = list["items"].as_array().expect("items");
    let item = items.iter().find(|item| item["purl"] == "pkg:pypi/demo@2.0").expect("the held release");
    assert_eq!((item["rule"].as_str(), item["state"].as_str()), (Some("cooldown"), Some("waiting")));
    bulkhead.run(&["review", "show", item["verdict"].as_str().unwrap()]).expect_code(1);
    let release = ["review", "release", "pkg:pypi/demo@2.0", "--reason", "needed", "--expires", "7d", "--owner", "sec"];
    bulkhead.run(&release).expect_good();
    let list = bulkhead.run(&["review", "list", "--format", "json"]).expect_good().json();
    let items = list["items"].as_array().expect("items");
    assert!(!items.iter().any(|item| item["purl"] == "pkg:pypi/demo@2.0"), "{items:#?}");
}

#[test]
fn commands_work_the_same_without_a_server() {
    let (_registry, bulkhead) = with_history();
    let running = bulkhead.run(&["ledger", "show", "--last", "3", "--format", "json"]).expect_good().json();
    let (place, code) = bulkhead.stop();
    assert_eq!(code, Some(0));
    let stopped = place.run(&["ledger", "show", "--last", "3", "--format", "json"]).expect_good().json();
    assert_eq!(running["entries"], stopped["entries"]);
    place.run(&["ledger", "verify"]).expect_good();
    place.run(&["explain", "pkg:pypi/demo@2.0"]).expect_code(1);
    place.run(&["policy", "check"]).expect_good();
}

/// The tables are a projection: made anew from the entries they are the same.
#[test]
fn rebuilding_the_projections_changes_nothing() {
    let (_registry, bulkhead) = with_history();
    let release = ["review", "release", "pkg:pypi/demo@2.0", "--reason", "needed", "--expires", "7d", "--owner", "sec"];
    bulkhead.run(&release).expect_good();
    let (place, _) = bulkhead.stop();
    let state = |place: &Place| {
        let review = place.run(&["review", "list", "--all", "--format", "json"]).expect_good().json();
        let ledger = place.run(&["ledger", "show", "--last", "1000", "--format", "json"]).expect_good().json();
        (review, ledger["entries"].clone())
    };
    let before = state(&place);
    place.run(&["ledger", "rebuild"]).expect_good();
    assert_eq!(state(&place), before);
    place.run(&["ledger", "verify"]).expect_good();
}

/// Somebody with the disk changes one byte of the record.
#[test]
fn a_ledger_that_was_changed_does_not_verify() {
    let (_registry, bulkhead) = with_history();
    let (place, _) = bulkhead.stop();
    place.run(&["ledger", "verify"]).expect_good();
    let mut folders = vec![place.data().join("ledger")];
    let mut changed = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let mut bytes = std::fs::read(entry.path()).unwrap();
            let at = bytes.windows(15).position(|window| window == b"pkg:pypi/demo@2");
            if let Some(at) = at {
                bytes[at + 14] = b'3';
                std::fs::write(entry.path(), bytes).unwrap();
                changed += 1;
            }
        }
    }
    assert!(changed > 0, "the release stands in a file of the ledger");
    place.run(&["ledger", "verify"]).expect_code(1);
}

#[test]
fn wrong_use_says_what_is_right() {
    let registry = Registry::start();
    let place = Place::before(&registry);
    for words in [["explane"].as_slice(), &["review", "release", "pkg:pypi/demo@1.0"], &["explain"]] {
        let screen = place.run(words).expect_code(2);
        assert!(screen.stderr.to_lowercase().contains("usage") || screen.stderr.contains("--help"), "{screen}");
    }
    assert_snapshot!("explain_of_something_that_is_no_release", place.run(&["explain", "what is this"]));
}

#[test]
fn a_configuration_with_mistakes_says_all_of_them() {
    let registry = Registry::start();
    let place = Place::before(&registry).pypi("max_file = \"huge\"\nupstreem = \"x\"").server("listen = \"localhost\"");
    let screen = place.run(&["policy", "check"]);
    assert!(!screen.good());
    for word in ["max_file", "upstreem", "listen", "bulkhead.toml:"] {
        assert!(screen.all().contains(word), "{screen}");
    }
}

#[test]
fn setup_prints_what_makes_a_client_go_through() {
    let registry = Registry::start();
    registry.publish(Wheel::new("demo", "1.0"));
    let bulkhead = Bulkhead::before(&registry);
    for client in ["pip", "uv"] {
        let screen = bulkhead.run(&["setup", client]).expect_good();
        assert!(screen.stdout.contains("/pypi/simple/"), "{screen}");
    }
    let developer = Developer::behind(&bulkhead);
    developer.pip_install(&["demo"]).expect_good();
}

#[test]
fn setup_writes_once_and_undo_leaves_nothing_behind() {
    let registry = Registry::start();
    let bulkhead = Bulkhead::before(&registry);
    let home = bulkhead.data().parent().unwrap().join("home/.config");
    for (client, file) in [("pip", "pip/pip.conf"), ("uv", "uv/uv.toml"), ("pdm", "pdm/config.toml")] {
        let file = home.join(file);
        bulkhead.run(&["setup", client, "--write"]).expect_good();
        let written = std::fs::read_to_string(&file).unwrap();
        assert!(written.contains("/pypi/simple/"), "{written}");
        bulkhead.run(&["setup", client, "--write"]).expect_good();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), written, "twice is once");
        bulkhead.run(&["setup", client, "--undo"]).expect_good();
        assert!(!file.exists(), "{client}: a file that was made for this goes with it");
        bulkhead.run(&["setup", client, "--undo"]).expect_good();
    }
}
