//! Clients that ask for no page: lockfiles and direct links are judged the same.

use crate::support::{
    Bulkhead, Developer, Place, Registry, Upload, Wheel, bulkhead::DEFAULT_POLICY, bulkhead::with_setting,
};

const PROJECT: &str = "\
[project]
name = \"app\"
version = \"0\"
requires-python = \">=3.8\"
dependencies = [\"fresh\"]
";

/// A release that is two hours old, and a Bulkhead that does not mind yet.
fn before_the_cooldown_began() -> (Registry, Upload, Bulkhead) {
    let registry = Registry::start();
    let fresh = registry.publish(Upload::from(Wheel::new("fresh", "1.0")).hours_old(2));
    let bulkhead = Place::before(&registry).setting("cooldown", "\"0s\"").start();
    (registry, fresh, bulkhead)
}

/// The shipped policy, put in force while the server runs.
fn begin_the_cooldown(bulkhead: &Bulkhead) {
    std::fs::write(bulkhead.data().join("policy.toml"), with_setting(DEFAULT_POLICY, "cooldown", "\"3d\"")).unwrap();
    bulkhead.run(&["policy", "reload"]).expect_good();
}

#[test]
fn a_uv_lock_that_names_the_file_is_judged_at_the_file() {
    let (_registry, _, bulkhead) = before_the_cooldown_began();
    let developer = Developer::behind(&bulkhead);
    developer.write("app/pyproject.toml", PROJECT);
    developer.uv(&["lock", "--project", "app", "--default-index", &bulkhead.simple()]).expect_good();
    let lock = std::fs::read_to_string(developer.home().join("app/uv.lock")).unwrap();
    assert!(lock.contains("/pypi/files/fresh/"), "{lock}");

    begin_the_cooldown(&bulkhead);
    let other = Developer::behind(&bulkhead);
    other.write("app/pyproject.toml", PROJECT);
    other.write("app/uv.lock", &lock);
    let sync = other.uv(&[
        "sync",
        "--project",
        "app",
        "--frozen",
        "--no-install-project",
        "--default-index",
        &bulkhead.simple(),
    ]);
    assert!(!sync.good() && sync.all().contains("held"), "{sync}");
}

#[test]
fn requirements_with_hashes_are_judged() {
    let (_registry, fresh, bulkhead) = before_the_cooldown_began();
    let locked = format!("fresh==1.0 --hash=sha256:{}\n", fresh.sha256());
    let developer = Developer::behind(&bulkhead);
    developer.write("locked.txt", &locked);
    developer.pip_install(&["--require-hashes", "-r", "locked.txt"]).expect_good();

    begin_the_cooldown(&bulkhead);
    let other = Developer::behind(&bulkhead);
    other.write("locked.txt", &locked);
    let pip = other.pip_install(&["--require-hashes", "-r", "locked.txt"]);
    assert!(!pip.good() && pip.all().contains("intake-cooldown"), "{pip}");
    let uv = other.uv_install(&["--require-hashes", "-r", "locked.txt"]);
    assert!(!uv.good() && uv.all().contains("cooldown"), "{uv}");
}

#[test]
fn a_direct_link_is_judged_though_no_page_was_asked_for() {
    let registry = Registry::start();
    let fresh = registry.publish(Upload::from(Wheel::new("fresh", "1.0")).hours_old(2));
    let old = registry.publish(Upload::from(Wheel::new("old", "1.0")).days_old(60));
    let bulkhead = Bulkhead::before(&registry);
    let developer = Developer::behind(&bulkhead);
    let link = |upload: &Upload| format!("http://{}{}", bulkhead.address(), upload.path_here());
    let refused = developer.pip_install(&[&link(&fresh)]);
    assert!(!refused.good() && refused.all().contains("intake-cooldown"), "{refused}");
    developer.pip_install(&[&link(&old)]).expect_good();
    let entries = bulkhead.entries();
    let fetched = entries.iter().filter(|entry| entry["action"] == "fetch" || entry["action"] == "metadata");
    let effects: Vec<_> = fetched.map(|entry| entry["effect"].as_str().unwrap()).collect();
    assert!(effects.contains(&"hold") && effects.contains(&"allow"), "{entries:#?}");
}

#[test]
fn a_digest_that_the_page_does_not_promise_is_not_found() {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("demo", "1.0"));
    let bulkhead = Bulkhead::before(&registry);
    let path = wheel.path_here().replace(&wheel.sha256(), &"ab".repeat(32));
    let reply = bulkhead.get(&path);
    assert_eq!((reply.status, reply.code().as_str()), (404, "file-not-found"));
    assert_eq!(registry.asked_for(wheel.filename()), 0);
}
