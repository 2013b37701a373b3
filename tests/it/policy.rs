//! The operator's policy: read as a whole, taken over while running, never half.

use insta::assert_snapshot;

use crate::support::{
    Bulkhead, Place, Registry, Upload, Wheel,
    bulkhead::{DEFAULT_POLICY, with_setting},
};

fn fresh_release() -> (Registry, Upload) {
    let registry = Registry::start();
    let wheel = registry.publish(Upload::from(Wheel::new("demo", "1.0")).hours_old(2));
    (registry, wheel)
}

fn write_policy(bulkhead: &Bulkhead, text: &str) {
    std::fs::write(bulkhead.data().join("policy.toml"), text).unwrap();
}

#[test]
fn the_shipped_policy_lies_beside_the_data_after_the_first_start() {
    let (registry, _) = fresh_release();
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(std::fs::read_to_string(bulkhead.data().join("policy.toml")).unwrap(), DEFAULT_POLICY);
    bulkhead.run(&["policy", "check"]).expect_good();
}

#[test]
fn an_edit_is_taken_over_and_recorded() {
    let (registry, wheel) = fresh_release();
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&wheel).status, 403);
    write_policy(&bulkhead, &with_setting(DEFAULT_POLICY, "cooldown", "\"1h\""));
    bulkhead.run(&["policy", "reload"]).expect_good();
    assert_eq!(bulkhead.fetch(&wheel).status, 200);
    let loads = bulkhead.entries().into_iter().filter(|entry| entry["action"] == "policy-load").count();
    assert_eq!(loads, 2, "the first start and the edit");
}

#[test]
fn an_edit_is_taken_over_on_the_signal_and_by_itself() {
    let (registry, wheel) = fresh_release();
    for by_signal in [true, false] {
        let bulkhead = Bulkhead::before(&registry);
        assert_eq!(bulkhead.fetch(&wheel).status, 403);
        bulkhead.forget_printed();
        write_policy(&bulkhead, &with_setting(DEFAULT_POLICY, "cooldown", "\"1h\""));
        if by_signal {
            bulkhead.signal("HUP");
        }
        bulkhead.wait_for("policy loaded");
        assert_eq!(bulkhead.fetch(&wheel).status, 200, "{}", bulkhead.printed());
    }
}

#[test]
fn a_broken_edit_keeps_the_policy_before_it_and_says_so() {
    let (registry, wheel) = fresh_release();
    let bulkhead = Bulkhead::before(&registry);
    bulkhead.forget_printed();
    write_policy(&bulkhead, &DEFAULT_POLICY.replace("file.age < settings.cooldown", "file.agee < settings.cooldown"));
    let reload = bulkhead.run(&["policy", "reload"]);
    assert!(!reload.good(), "{reload}");
    bulkhead.signal("HUP");
    bulkhead.wait_for("file.agee");
    let refused = bulkhead.fetch(&wheel);
    assert_eq!(refused.code(), "intake-cooldown", "the policy before it is in force");
    let (place, _) = bulkhead.stop();
    // What keeps running must not start anew: a fresh start has no policy before it.
    let screen = place.refuses_to_start();
    assert!(screen.all().contains("file.agee"), "{screen}");
}

#[test]
fn every_mistake_is_said_at_once_with_line_and_hint() {
    let (registry, _) = fresh_release();
    let broken = DEFAULT_POLICY
        .replace("file.age < settings.cooldown", "file.agee < settings.cooldown")
        .replace("cooldown = \"3d\"", "cooldown = \"3 days\"")
        .replacen("effect = \"deny\"", "effect = \"forbid\"", 1);
    let place = Place::before(&registry).policy(&broken);
    assert_snapshot!("policy_with_mistakes", place.run(&["policy", "check"]).expect_code(1));
    place.refuses_to_start();
}

#[test]
fn an_exception_passes_what_it_names_and_one_that_matches_nothing_is_reported() {
    let (registry, wheel) = fresh_release();
    let exception = |subject: &str| {
        format!(
            "\n[[exception]]\nrule = \"cooldown\"\nsubject = \"{subject}\"\nowner = \"sec@acme.example\"\nreason = \"a fix\"\nexpires = 2099-01-01\n"
        )
    };
    let text =
        format!("{DEFAULT_POLICY}{}{}", exception("pkg:pypi/demo@1.*"), exception("pkg:pypi/nobody-has-this@1.0"));
    let bulkhead = Place::before(&registry).policy(&text).start();
    assert_eq!(bulkhead.fetch(&wheel).status, 200);
    let entries = bulkhead.entries();
    let fetched = entries.iter().find(|entry| entry["action"] == "fetch").expect("an entry for the file");
    assert_eq!(fetched["reasons"][0]["rule"], "cooldown");
    assert!(fetched["reasons"][0]["excepted_by"].is_string(), "{fetched}");
}

#[test]
fn an_exception_without_owner_reason_or_expiry_is_a_mistake() {
    let (registry, _) = fresh_release();
    let text = format!("{DEFAULT_POLICY}\n[[exception]]\nrule = \"cooldown\"\nsubject = \"pkg:pypi/demo@1.0\"\n");
    let screen = Place::before(&registry).policy(&text).run(&["policy", "check"]).expect_code(1);
    for word in ["owner", "reason", "expires"] {
        assert!(screen.all().contains(word), "{screen}");
    }
}
