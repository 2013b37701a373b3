//! What a developer's `pip install` and `uv pip install` do behind Bulkhead.

use insta::assert_snapshot;

use crate::support::{
    Barrier, Bulkhead, Developer, Fault, Place, Registry, Screen, Upload, Wheel,
    bulkhead::{DEFAULT_POLICY, with_setting},
};

/// Both clients in turn, each on a machine of its own, must end alike.
fn with_each_client(bulkhead: &Bulkhead, words: &[&str], check: impl Fn(&Developer, Screen)) {
    for client in ["pip", "uv"] {
        let developer = Developer::behind(bulkhead);
        let screen = if client == "pip" { developer.pip_install(words) } else { developer.uv_install(words) };
        check(&developer, screen);
    }
}

/// `demo` in an old and a new release.
fn registry_with_new_release(hours: i64) -> (Registry, Upload, Upload) {
    let registry = Registry::start();
    let old = registry.publish(Upload::from(Wheel::new("demo", "1.0")).days_old(90));
    let new = registry.publish(Upload::from(Wheel::new("demo", "2.0")).hours_old(hours));
    (registry, old, new)
}

/// Asserts that clients can have `demo` 1.0 only, and that the file of 2.0 is refused by that rule.
fn assert_only_old(registry: &Registry, new: &Upload, code: &str) {
    let bulkhead = Bulkhead::before(registry);
    with_each_client(&bulkhead, &["demo"], |developer, screen| {
        screen.expect_good();
        assert_eq!(developer.installed("demo").as_deref(), Some("1.0"));
    });
    let refused = bulkhead.fetch(new);
    assert_eq!((refused.status, refused.code().as_str()), (403, code), "{}", refused.text());
    assert_eq!(registry.asked_for(new.filename()), 0, "what metadata refuses is not downloaded");
}

#[test]
fn what_is_old_enough_is_installed_and_recorded() {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("demo", "1.0"));
    let bulkhead = Bulkhead::before(&registry);
    with_each_client(&bulkhead, &["demo"], |developer, screen| {
        screen.expect_good();
        assert_eq!(developer.installed("demo").as_deref(), Some("1.0"));
    });
    let entries = bulkhead.entries();
    let fetched = entries.iter().find(|entry| entry["action"] == "fetch").expect("an entry for the file");
    assert_eq!(fetched["effect"], "allow");
    assert_eq!(fetched["principal"], "local");
    assert_eq!(fetched["resource"]["purl"], "pkg:pypi/demo@1.0");
    assert_eq!(fetched["resource"]["file"], wheel.filename());
    assert_eq!(fetched["resource"]["digest"], wheel.sha256());
    bulkhead.run(&["ledger", "verify"]).expect_good();
}

#[test]
fn inside_the_cooldown_clients_choose_the_release_before() {
    let (registry, _, new) = registry_with_new_release(2);
    assert_only_old(&registry, &new, "intake-cooldown");
}

#[test]
fn after_the_cooldown_the_new_release_is_installed() {
    let (registry, _, _) = registry_with_new_release(24 * 3 + 1);
    let bulkhead = Bulkhead::before(&registry);
    with_each_client(&bulkhead, &["demo"], |developer, screen| {
        screen.expect_good();
        assert_eq!(developer.installed("demo").as_deref(), Some("2.0"));
    });
}

#[test]
fn a_new_file_on_an_old_release_is_held_by_its_own_age() {
    let registry = Registry::start();
    registry.publish(Upload::from(Wheel::new("demo", "1.0")).days_old(90));
    let added = Upload::from(Wheel::new("demo", "1.0").file("demo/more.py", "")).named("demo-1.0-py2.py3-none-any.whl");
    let added = registry.publish(added.hours_old(2));
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.page("demo").listed(), ["demo-1.0-py3-none-any.whl"]);
    assert_eq!(bulkhead.fetch(&added).code(), "intake-cooldown");
}

#[test]
fn a_listing_that_withholds_is_recorded_once_per_change() {
    let (registry, _, new) = registry_with_new_release(2);
    let bulkhead = Place::before(&registry).pypi("index_ttl = \"0s\"").start();
    let listings = || -> Vec<_> { bulkhead.entries().into_iter().filter(|entry| entry["action"] == "list").collect() };
    for _ in 0..3 {
        assert_eq!(bulkhead.page("demo").status, 200);
    }
    let first = listings();
    assert_eq!(first.len(), 1, "{first:#?}");
    assert_eq!(first[0]["effect"], "transform");
    assert_eq!(first[0]["withheld"]["count"], 1);
    assert_eq!(first[0]["withheld"]["first"][0], new.filename());
    registry.publish(Upload::from(Wheel::new("demo", "3.0")).hours_old(1));
    assert_eq!(bulkhead.page("demo").status, 200);
    assert_eq!(listings().len(), 2);
}

/// Hiding a whole project makes both clients install a years-old release of whatever needs it, without a word.
#[test]
fn a_project_that_is_held_as_a_whole_stops_the_install() {
    let registry = Registry::start();
    registry.publish(Upload::from(Wheel::new("app", "1.0")).days_old(3000));
    registry.publish(Upload::from(Wheel::new("app", "2.0").requires("fresh")).days_old(90));
    let fresh = registry.publish(Upload::from(Wheel::new("fresh", "1.0")).hours_old(2));
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.page("fresh").listed(), [fresh.filename()]);
    with_each_client(&bulkhead, &["app"], |developer, screen| {
        assert!(!screen.good(), "{screen}");
        assert!(screen.all().contains("intake-cooldown"), "{screen}");
        assert_eq!(developer.installed("app"), None);
    });
}

#[test]
fn what_a_refused_developer_reads() {
    let registry = Registry::start();
    registry.publish(Upload::from(Wheel::new("fresh", "1.0")).hours_old(2));
    let bulkhead = Bulkhead::before(&registry);
    let developer = Developer::behind(&bulkhead);
    assert_snapshot!("refused_by_cooldown_pip", developer.pip_install(&["fresh"]).expect_code(1));
    let uv = developer.uv_install(&["fresh"]);
    assert!(!uv.good());
    assert_snapshot!("refused_by_cooldown_uv", uv);
    // pip prints the reason phrase and nothing else.
    let file = bulkhead.page("fresh").json()["files"][0]["hashes"]["sha256"].as_str().unwrap().to_owned();
    let refused = bulkhead.get(&format!("/pypi/files/fresh/{file}/fresh-1.0-py3-none-any.whl"));
    assert!(refused.reason.starts_with("Blocked by Bulkhead: ") && refused.reason.len() <= 120, "{}", refused.reason);
}

#[test]
fn the_poisoned_release_of_march_2026_is_refused() {
    let registry = Registry::start();
    registry.publish(Upload::from(Wheel::new("litellm", "1.82.6")).days_old(200));
    // Inert: the name and version are what the advisory is about.
    let poisoned = registry.publish(Upload::from(Wheel::new("litellm", "1.82.8")).days_old(100));
    let bulkhead = Bulkhead::before(&registry);
    with_each_client(&bulkhead, &["litellm"], |developer, screen| {
        screen.expect_good();
        assert_eq!(developer.installed("litellm").as_deref(), Some("1.82.6"));
    });
    let refused = bulkhead.fetch(&poisoned);
    assert_eq!((refused.status, refused.code().as_str()), (403, "intake-advisory-malicious"));
    assert!(refused.text().contains("MAL-2026-2144"), "{}", refused.text());
    assert_eq!(registry.asked_for(poisoned.filename()), 0);
    // Another spelling of the version is the same version.
    let spelled = registry.publish(Upload::from(Wheel::new("litellm", "1.82.8.0")).days_old(100));
    let fresh = Bulkhead::before(&registry);
    assert_eq!(fresh.fetch(&spelled).code(), "intake-advisory-malicious");
}

#[test]
fn code_that_runs_at_every_start_is_refused_and_the_next_install_takes_the_release_before() {
    let registry = Registry::start();
    registry.publish(Upload::from(Wheel::new("demo", "1.0")).days_old(90));
    let wheel = Wheel::new("demo", "2.0").file("demo_init.pth", "import os; os.getcwd()\n");
    let startup = registry.publish(Upload::from(wheel).days_old(60));
    let bulkhead = Bulkhead::before(&registry);
    let developer = Developer::behind(&bulkhead);
    let first = developer.pip_install(&["demo"]);
    // Only the content tells, and it is read on the first ask.
    assert!(!first.good() && first.all().contains("intake-executable-pth"), "{first}");
    assert_eq!(bulkhead.fetch(&startup).code(), "intake-executable-pth");
    assert!(!developer.has("demo_init.pth"));
    assert_eq!(bulkhead.page("demo").listed(), ["demo-1.0-py3-none-any.whl"]);
    with_each_client(&bulkhead, &["demo"], |developer, screen| {
        screen.expect_good();
        assert_eq!(developer.installed("demo").as_deref(), Some("1.0"));
    });
}

#[test]
fn a_path_file_that_only_adds_a_path_passes() {
    let registry = Registry::start();
    registry.publish(Wheel::new("demo", "1.0").file("demo_more.pth", "demo/more\n"));
    let bulkhead = Bulkhead::before(&registry);
    Developer::behind(&bulkhead).pip_install(&["demo"]).expect_good();
}

#[test]
fn a_yanked_release_is_passed_over_and_given_when_pinned() {
    let (registry, _, new) = registry_with_new_release(24 * 60);
    registry.publish(new.clone().yanked("a mistake"));
    let bulkhead = Bulkhead::before(&registry);
    with_each_client(&bulkhead, &["demo"], |developer, screen| {
        screen.expect_good();
        assert_eq!(developer.installed("demo").as_deref(), Some("1.0"));
    });
    with_each_client(&bulkhead, &["demo==2.0"], |developer, screen| {
        let screen = screen.expect_good();
        assert!(screen.all().contains("a mistake"), "{screen}");
        assert_eq!(developer.installed("demo").as_deref(), Some("2.0"));
    });
}

#[test]
fn a_quarantined_project_is_refused_with_the_registrys_reason() {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("demo", "1.0"));
    registry.status("demo", "quarantined", "looks like malware");
    let bulkhead = Bulkhead::before(&registry);
    let refused = bulkhead.fetch(&wheel);
    assert_eq!(refused.code(), "intake-quarantined");
    assert!(refused.text().contains("looks like malware"), "{}", refused.text());
    with_each_client(&bulkhead, &["demo"], |_, screen| {
        assert!(screen.all().contains("intake-quarantined"), "{screen}")
    });
}

#[test]
fn a_file_without_a_hash_is_refused() {
    let (registry, _, new) = registry_with_new_release(24 * 60);
    let new = registry.publish(new.without_hash());
    assert_only_old(&registry, &new, "intake-no-hash");
}

#[test]
fn a_time_in_the_future_is_no_time() {
    let (registry, _, new) = registry_with_new_release(-48);
    assert_only_old(&registry, &new, "intake-upload-time");
}

#[test]
fn a_malformed_time_is_no_time() {
    let (registry, _, new) = registry_with_new_release(2);
    let new = registry.publish(new.uploaded("yesterday"));
    assert_only_old(&registry, &new, "intake-upload-time");
}

/// Without an upload time the clock starts when Bulkhead first saw the file.
#[test]
fn without_a_time_the_cooldown_counts_from_the_first_sight() {
    let (registry, _, new) = registry_with_new_release(2);
    let new = registry.publish(new.without_time());
    assert_only_old(&registry, &new, "intake-cooldown");
}

#[test]
fn an_internal_name_does_not_come_from_outside() {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("Acme_Tools", "99.0"));
    let bulkhead = Place::before(&registry).setting("reserved", "[\"acme-*\"]").start();
    assert_eq!(bulkhead.fetch(&wheel).code(), "intake-reserved-name");
    with_each_client(&bulkhead, &["acme-tools"], |_, screen| {
        assert!(screen.all().contains("intake-reserved-name"), "{screen}")
    });
}

#[test]
fn a_file_that_says_inside_that_it_is_another_release_is_refused() {
    let registry = Registry::start();
    let wheel =
        registry.publish(Upload::from(Wheel::new("other", "1.0")).named("demo-1.0-py3-none-any.whl").of("demo"));
    let bulkhead = Bulkhead::before(&registry);
    let refused = bulkhead.fetch(&wheel);
    assert_eq!((refused.status, refused.code().as_str()), (403, "intake-name-mismatch"), "{}", refused.text());
}

#[test]
fn a_file_name_of_another_project_is_not_served() {
    let registry = Registry::start();
    let wheel = registry.publish(Upload::from(Wheel::new("other", "1.0")).of("demo"));
    let bulkhead = Bulkhead::before(&registry);
    let reply = bulkhead.fetch(&wheel);
    assert_eq!((reply.status, reply.code().as_str()), (403, "intake-unknown-source"), "{}", reply.text());
    let pip = Developer::behind(&bulkhead).pip_install(&["demo"]);
    assert!(!pip.good(), "{pip}");
}

/// Somebody who hides the new releases makes clients take an old one.
#[test]
fn a_release_far_below_what_was_served_before_is_held() {
    let registry = Registry::start();
    let ancient = registry.publish(Upload::from(Wheel::new("demo", "0.1")).days_old(4000));
    registry.publish(Upload::from(Wheel::new("demo", "2.0")).days_old(90));
    let bulkhead = Bulkhead::before(&registry);
    Developer::behind(&bulkhead).pip_install(&["demo"]).expect_good();
    let refused = bulkhead.fetch(&ancient);
    assert_eq!(refused.code(), "intake-downgrade", "{}", refused.text());
}

#[test]
fn a_reviewed_release_passes_until_its_day_and_is_recorded() {
    let (registry, _, new) = registry_with_new_release(2);
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&new).status, 403);
    bulkhead
        .run(&[
            "review",
            "release",
            "pkg:pypi/demo@2.0",
            "--reason",
            "a fix we need",
            "--expires",
            "7d",
            "--owner",
            "sec",
        ])
        .expect_good();
    with_each_client(&bulkhead, &["demo"], |developer, screen| {
        screen.expect_good();
        assert_eq!(developer.installed("demo").as_deref(), Some("2.0"));
    });
    let entries = bulkhead.entries();
    let review = entries.iter().find(|entry| entry["action"] == "review-release").expect("an entry for the review");
    assert!(review.to_string().contains("a fix we need"), "{review}");
}

#[test]
fn a_rejected_release_does_not_pass_when_it_is_old_enough() {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("demo", "1.0"));
    let bulkhead = Bulkhead::before(&registry);
    let reject = ["review", "reject", "pkg:pypi/demo@1.0", "--reason", "not ours", "--owner", "sec"];
    bulkhead.run(&reject).expect_good();
    assert_eq!(bulkhead.fetch(&wheel).status, 403);
}

/// Somebody rejects the release while a client already waits for the download: what was decided meanwhile holds.
#[test]
fn a_release_that_is_rejected_during_the_download_does_not_pass() {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("demo", "1.0"));
    let bulkhead = Bulkhead::before(&registry);
    let barrier = Barrier::default();
    registry.fault(&wheel.path(), Fault::Behind(barrier.clone()));
    let refused = std::thread::scope(|scope| {
        let fetched = scope.spawn(|| bulkhead.fetch(&wheel));
        barrier.wait_for(1);
        bulkhead
            .run(&["review", "reject", "pkg:pypi/demo@1.0", "--reason", "not ours", "--owner", "sec"])
            .expect_good();
        barrier.open();
        fetched.join().unwrap()
    });
    assert_eq!((refused.status, refused.code().as_str()), (403, "intake-rejected"), "{}", refused.text());
}

/// A file that was served a moment ago has its entry, which covers the same ask for a minute; a review ends that.
#[test]
fn a_review_holds_for_every_request_after_it() {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("demo", "1.0"));
    let bulkhead = Bulkhead::before(&registry);
    let review = |words: &[&str]| {
        let whole = [&["review"], words, &["--reason", "why", "--owner", "sec"]].concat();
        bulkhead.run(&whole).expect_good();
    };
    assert_eq!(bulkhead.fetch(&wheel).status, 200);
    // Another spelling of the same version is the same release (PEP 440).
    for spelled in ["pkg:pypi/demo@1.0", "pkg:pypi/Demo@1.0.0", "pkg:pypi/demo@v1"] {
        review(&["reject", spelled]);
        assert_eq!(bulkhead.fetch(&wheel).status, 403, "{spelled}");
        review(&["release", spelled, "--rule", "cooldown", "--expires", "7d"]);
        assert_eq!(bulkhead.fetch(&wheel).status, 403, "a release of one rule lifts no rejection");
        review(&["release", spelled, "--expires", "7d"]);
        assert_eq!(bulkhead.fetch(&wheel).status, 200, "what a person refused, a person can release: {spelled}");
    }
}

/// What was judged is what is served: the upstream's later bytes do not matter.
#[test]
fn what_was_judged_is_what_is_served() {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("demo", "1.0"));
    let bulkhead = Place::before(&registry).pypi("index_ttl = \"0s\"").start();
    assert_eq!(bulkhead.fetch(&wheel).body, wheel.bytes());
    registry.fault(&wheel.path(), Fault::Bytes(b"something else".to_vec()));
    assert_eq!(bulkhead.fetch(&wheel).body, wheel.bytes());
    assert_eq!(registry.asked_for(wheel.filename()), 1);
}

#[test]
fn a_rule_in_audit_mode_is_recorded_and_refuses_nothing() {
    let (registry, _, new) = registry_with_new_release(2);
    let policy = DEFAULT_POLICY.replacen("id = \"cooldown\"\n", "id = \"cooldown\"\nmode = \"audit\"\n", 1);
    assert_ne!(policy, with_setting(&policy, "cooldown", "\"0s\""), "the policy can be changed");
    let bulkhead = Place::before(&registry).policy(&policy).start();
    assert_eq!(bulkhead.fetch(&new).status, 200);
    let entries = bulkhead.entries();
    let fetched = entries.iter().find(|entry| entry["action"] == "fetch").expect("an entry for the file");
    assert_eq!(fetched["reasons"][0]["rule"], "cooldown");
    assert_eq!(fetched["reasons"][0]["audit"], true);
}
