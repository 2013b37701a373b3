//! A clock that is set back, set forward, and wrong from the start: what was permitted stays served, nothing passes that
//! a right clock would hold by its age once the clock is right, and the ledger goes on.

use crate::support::{Bulkhead, Developer, Place, Registry, Upload, Wheel};

fn registry() -> (Registry, Upload, Upload) {
    let registry = Registry::start();
    let old = registry.publish(Upload::from(Wheel::new("demo", "1.0")).days_old(30));
    let new = registry.publish(Upload::from(Wheel::new("demo", "2.0")).hours_old(2));
    (registry, old, new)
}

/// Pages are asked for again each time, so that what is kept of them is compared with the clock.
fn place(registry: &Registry) -> Place {
    Place::before(registry).pypi("index_ttl = \"0s\"").with_a_clock_to_set()
}

/// A new process on the same data: a verdict stands for a minute of the kernel's time in the one that gave it.
fn restarted(bulkhead: Bulkhead) -> Bulkhead {
    let (place, code) = bulkhead.stop();
    assert_eq!(code, Some(0));
    place.start()
}

#[test]
fn a_clock_that_is_set_back_permits_nothing_new_and_recovers() {
    let (registry, old, new) = registry();
    let other = registry.publish(Upload::from(Wheel::new("other", "1.0")).days_old(30));
    let bulkhead = place(&registry).start();
    assert_eq!(bulkhead.fetch(&old).status, 200);
    bulkhead.set_clock("-365d");
    // Uploaded, as this clock sees it, eleven months from now.
    let refused = bulkhead.fetch(&other);
    assert_eq!((refused.status, refused.code().as_str()), (403, "intake-upload-time"), "{}", refused.text());
    // Not only in the running server: one that starts while the clock is wrong reads entries and pages from the future.
    let bulkhead = restarted(bulkhead);
    assert_eq!(bulkhead.fetch(&other).code(), "intake-upload-time");
    bulkhead.set_clock("+0");
    let bulkhead = restarted(bulkhead);
    assert_eq!(bulkhead.fetch(&other).body, other.bytes());
    assert_eq!(bulkhead.fetch(&old).body, old.bytes());
    assert_eq!(bulkhead.fetch(&new).code(), "intake-cooldown");
    bulkhead.run(&["ledger", "verify"]).expect_good();
}

/// Nobody can tell from inside that a clock is ahead: the release passes, with an entry that says when that was. Once the
/// clock is right the same release is held again.
#[test]
fn what_a_clock_that_ran_ahead_let_through_is_held_again_when_it_is_right() {
    let (registry, _, new) = registry();
    let bulkhead = place(&registry).start();
    bulkhead.set_clock("+10d");
    assert_eq!(bulkhead.fetch(&new).status, 200);
    bulkhead.set_clock("+0");
    let bulkhead = restarted(bulkhead);
    assert_eq!(bulkhead.fetch(&new).code(), "intake-cooldown");
    Developer::behind(&bulkhead).pip_install(&["demo"]).expect_good();
    bulkhead.run(&["ledger", "verify"]).expect_good();
    let passed = bulkhead.entries().into_iter().filter(|entry| {
        entry["action"] == "fetch" && entry["effect"] == "allow" && entry["resource"]["purl"] == "pkg:pypi/demo@2.0"
    });
    assert_eq!(passed.count(), 1, "the time that it passed is on record");
}

/// A file without an upload time ages from its first sight, which was while the clock ran ahead.
#[test]
fn a_first_sight_in_the_future_is_no_age() {
    let registry = Registry::start();
    let timeless = registry.publish(Upload::from(Wheel::new("demo", "1.0")).without_time());
    let bulkhead = place(&registry).start();
    bulkhead.set_clock("+10d");
    assert_eq!(bulkhead.fetch(&timeless).code(), "intake-cooldown");
    bulkhead.set_clock("+0");
    let bulkhead = restarted(bulkhead);
    let held = bulkhead.fetch(&timeless);
    assert_eq!((held.status, held.code().as_str()), (403, "intake-cooldown"), "{}", held.text());
    bulkhead.set_clock("+14d");
    let bulkhead = restarted(bulkhead);
    assert_eq!(bulkhead.fetch(&timeless).status, 200, "more than three days after any sight");
}
