//! What an upstream and a disk can do to us: a clear error, nothing half-stored, nothing served unjudged, and recovery.

use crate::support::{Bulkhead, Developer, Fault, Place, Registry, Upload, Wheel};

/// Limits small enough to be reached in a test.
const SMALL: &str =
    "max_index = \"1MiB\"\nmax_file = \"1MiB\"\nidle_timeout = \"1s\"\nfirst_byte_timeout = \"1s\"\nindex_ttl = \"0s\"";

fn registry_with_demo() -> (Registry, Upload) {
    registry_with(50_000)
}

fn registry_with(bytes: usize) -> (Registry, Upload) {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("demo", "1.0").padded(bytes));
    (registry, wheel)
}

fn small(registry: &Registry) -> Bulkhead {
    Place::before(registry).pypi(SMALL).start()
}

/// Files anywhere in the blob folder, those under way included.
fn stored(bulkhead: &Bulkhead) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![bulkhead.data().join("blobs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found
}

/// Faults of a file, each with the code that names it.
fn faults_of_a_file() -> Vec<(Fault, &'static str)> {
    vec![
        (Fault::Truncated(100), "upstream-malformed"),
        (Fault::Stalled, "upstream-timeout"),
        (Fault::Bytes(b"not what was promised".to_vec()), "upstream-digest"),
        (Fault::Status(500), "upstream-status"),
        (Fault::Status(404), "file-not-found"),
        (Fault::Huge(3 << 20), "upstream-too-large"),
        (Fault::Garbage, "upstream-malformed"),
        (Fault::Reset, "upstream-unreachable"),
        (Fault::Html, "upstream-digest"),
        (Fault::Redirect("http://169.254.169.254/latest/meta-data/".to_owned()), "upstream-address"),
        (Fault::Redirect("http://10.0.0.1/demo.whl".to_owned()), "upstream-address"),
        (Fault::Redirect("file:///etc/hostname".to_owned()), "upstream-malformed"),
    ]
}

#[test]
fn a_file_that_comes_wrong_is_not_kept_and_comes_right_later() {
    comes_wrong(50_000);
}

/// One that is large enough to be read while it arrives: the worker has begun when it turns out to be wrong.
#[test]
fn a_large_file_that_comes_wrong_is_not_kept_and_comes_right_later() {
    comes_wrong(700_000);
}

fn comes_wrong(bytes: usize) {
    let (registry, wheel) = registry_with(bytes);
    let bulkhead = small(&registry);
    for (fault, code) in faults_of_a_file() {
        registry.fault(&wheel.path(), fault.clone());
        let reply = bulkhead.fetch(&wheel);
        assert_eq!(reply.code(), code, "{fault:?}: {}", reply.text());
        assert!(matches!(reply.status, 404 | 502 | 504), "{fault:?}: {}", reply.status);
        assert_eq!(stored(&bulkhead), Vec::<String>::new(), "{fault:?}");
        assert!(
            !bulkhead.entries().iter().any(|entry| entry["effect"] == "allow" && entry["action"] == "fetch"),
            "{fault:?}"
        );
    }
    registry.heal();
    assert_eq!(bulkhead.fetch(&wheel).body, wheel.bytes());
    bulkhead.run(&["ledger", "verify"]).expect_good();
}

#[test]
fn a_digest_that_the_index_got_wrong_is_an_error_of_the_upstream() {
    let registry = Registry::start();
    let wheel = registry.publish(Upload::from(Wheel::new("demo", "1.0")).with_wrong_hash());
    let bulkhead = Bulkhead::before(&registry);
    let reply = bulkhead.fetch(&wheel);
    assert_eq!((reply.status, reply.code().as_str()), (502, "upstream-digest"));
    assert_eq!(stored(&bulkhead), Vec::<String>::new());
    // pip asks again on a 502 and then prints only that; uv prints the reason.
    let developer = Developer::behind(&bulkhead);
    assert!(!developer.pip_install(&["demo"]).good());
    let uv = developer.uv_install(&["demo"]);
    assert!(!uv.good() && uv.all().contains("another digest"), "{uv}");
}

/// A page of megabytes is not fetched again because the server was restarted: the kept one has its validator.
#[test]
fn after_a_restart_an_unchanged_page_is_confirmed_and_a_changed_one_fetched() {
    let (registry, wheel) = registry_with_demo();
    let bulkhead = small(&registry);
    let before = bulkhead.page("demo");
    assert_eq!(bulkhead.fetch(&wheel).status, 200);
    let bulkhead = bulkhead.stop().0.start();
    registry.forget_requests();
    assert_eq!(bulkhead.page("demo").body, before.body);
    assert_eq!(
        registry.requests().iter().map(|request| (request.status, request.sent)).collect::<Vec<_>>(),
        [(304, 0)]
    );
    let newer = registry.publish(Wheel::new("demo", "1.1"));
    let bulkhead = bulkhead.stop().0.start();
    assert!(bulkhead.page("demo").text().contains(newer.filename()));
}

#[test]
fn a_redirect_loop_ends() {
    let (registry, wheel) = registry_with_demo();
    let bulkhead = small(&registry);
    registry.fault(&wheel.path(), Fault::Redirect(format!("http://{}{}", registry.address(), wheel.path())));
    let reply = bulkhead.fetch(&wheel);
    assert!(reply.code().starts_with("upstream-"), "{}", reply.text());
    assert!(registry.asked_for(wheel.filename()) <= 20);
}

#[test]
fn a_page_that_links_to_a_private_address_gives_nothing_from_there() {
    let registry = Registry::start();
    // Loopback, and not the upstream's address.
    let secret = Registry::start_at("127.0.0.2");
    secret.publish(Wheel::new("demo", "1.0").padded(50_000));
    let elsewhere = format!("http://{}/files/demo/demo-1.0-py3-none-any.whl", secret.address());
    let wheel = registry.publish(Upload::from(Wheel::new("demo", "1.0").padded(50_000)).linked_to(&elsewhere));
    let bulkhead = Bulkhead::before(&registry);
    let reply = bulkhead.fetch(&wheel);
    assert_eq!((reply.status, reply.code().as_str()), (502, "upstream-address"), "{}", reply.text());
    assert_eq!(secret.requests().len(), 0, "another loopback address is not the upstream");
}

#[test]
fn a_page_that_comes_wrong_is_an_error_and_comes_right_later() {
    let (registry, wheel) = registry_with_demo();
    let faults = [
        (Fault::Status(500), "upstream-status"),
        (Fault::Html, "upstream-malformed"),
        (Fault::Bytes(b"{\"files\": [".to_vec()), "upstream-malformed"),
        (Fault::Bytes(b"[]".to_vec()), "upstream-malformed"),
        (Fault::Huge(3 << 20), "upstream-too-large"),
        (Fault::Stalled, "upstream-timeout"),
        (Fault::Truncated(10), "upstream-malformed"),
        (Fault::Reset, "upstream-unreachable"),
        (Fault::Garbage, "upstream-malformed"),
    ];
    let bulkhead = small(&registry);
    for (fault, code) in faults {
        registry.fault("/simple/", fault.clone());
        let page = bulkhead.page("demo");
        assert_eq!(page.code(), code, "{fault:?}: {}", page.text());
        let pip = Developer::behind(&bulkhead).pip_install(&["--retries", "0", "demo"]);
        assert!(!pip.good(), "{fault:?}: {pip}");
    }
    registry.heal();
    assert_eq!(bulkhead.page("demo").listed(), [wheel.filename()]);
}

#[test]
fn a_project_that_the_upstream_does_not_have_is_not_found() {
    let (registry, _) = registry_with_demo();
    let bulkhead = Bulkhead::before(&registry);
    let page = bulkhead.page("nothing-here");
    assert_eq!((page.status, page.code().as_str()), (404, "project-not-found"));
}

#[test]
fn what_was_permitted_is_served_while_the_upstream_is_down() {
    let (mut registry, wheel) = registry_with_demo();
    let other = registry.publish(Wheel::new("other", "1.0"));
    let bulkhead = Place::before(&registry).pypi("index_ttl = \"0s\"\nconnect_timeout = \"1s\"").start();
    Developer::behind(&bulkhead).pip_install(&["demo"]).expect_good();
    assert_eq!(bulkhead.page("other").status, 200);
    registry.stop();
    for client in ["pip", "uv"] {
        let developer = Developer::behind(&bulkhead);
        let screen = if client == "pip" { developer.pip_install(&["demo"]) } else { developer.uv_install(&["demo"]) };
        screen.expect_good();
    }
    assert_eq!(bulkhead.fetch(&wheel).body, wheel.bytes());
    let missing = bulkhead.fetch(&other);
    assert_eq!((missing.status, missing.code().as_str()), (502, "upstream-unreachable"));

    // After a restart too: pages and files are kept, not only remembered.
    let (place, code) = bulkhead.stop();
    assert_eq!(code, Some(0));
    let bulkhead = place.start();
    Developer::behind(&bulkhead).pip_install(&["demo"]).expect_good();
    registry.resume();
    assert_eq!(bulkhead.fetch(&other).body, other.bytes());
}

#[test]
fn an_upstream_that_is_down_from_the_start_is_said_to_be() {
    let (mut registry, _) = registry_with_demo();
    registry.stop();
    let bulkhead = Bulkhead::before(&registry);
    let page = bulkhead.page("demo");
    assert_eq!((page.status, page.code().as_str()), (502, "upstream-unreachable"));
    let pip = Developer::behind(&bulkhead).pip_install(&["demo"]);
    assert!(!pip.good(), "{pip}");
}

/// A full disk refuses what would need a new entry or a new file, keeps serving what has both, and recovers.
#[test]
fn a_full_disk_permits_nothing_new_and_recovers() {
    let (registry, wheel) = registry_with_demo();
    let other = registry.publish(Wheel::new("other", "1.0").padded(50_000));
    let bulkhead = Place::before(&registry).with_a_disk_to_fill().start();
    assert_eq!(bulkhead.fetch(&wheel).status, 200);
    bulkhead.fill_disk();
    let refused = bulkhead.fetch(&other);
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(["storage-unavailable", "ledger-unavailable"].contains(&refused.code().as_str()), "{}", refused.text());
    assert_eq!(stored(&bulkhead).len(), 1, "only what was there before");
    assert_eq!(bulkhead.fetch(&wheel).body, wheel.bytes(), "what has its entry is still served");
    bulkhead.empty_disk();
    assert_eq!(bulkhead.fetch(&other).body, other.bytes());
    bulkhead.run(&["ledger", "verify"]).expect_good();
}
