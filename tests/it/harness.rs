//! The fakes themselves: real clients must take them for a registry, or nothing else here means anything.

use crate::support::{Developer, Fault, Registry, Sdist, Wheel, http};

fn direct(registry: &Registry) -> Developer {
    Developer::with_index(&registry.simple(), registry.address().port())
}

fn with_two_packages() -> Registry {
    let registry = Registry::start();
    registry.publish(Wheel::new("needs-other", "1.0").requires("other-thing>=2"));
    registry.publish(Wheel::new("Other_Thing", "2.1"));
    registry.publish(Sdist::new("other-thing", "2.0"));
    registry
}

#[test]
fn pip_installs_from_the_fake_registry() {
    let registry = with_two_packages();
    let developer = direct(&registry);
    developer.pip_install(&["needs-other"]).expect_good();
    assert_eq!(developer.installed("other_thing").as_deref(), Some("2.1"));
}

#[test]
fn pip_installs_from_the_fake_registry_in_html() {
    let registry = with_two_packages();
    registry.html_only();
    let developer = direct(&registry);
    developer.pip_install(&["needs-other"]).expect_good();
    assert_eq!(developer.installed("other_thing").as_deref(), Some("2.1"));
}

#[test]
fn uv_installs_from_the_fake_registry() {
    let registry = with_two_packages();
    let developer = direct(&registry);
    developer.uv_install(&["needs-other"]).expect_good();
    assert_eq!(developer.installed("other_thing").as_deref(), Some("2.1"));
}

#[test]
fn faults_are_what_they_say() {
    let registry = with_two_packages();
    let get = |path: &str| http::try_request(registry.address(), "GET", path, &[]);
    registry.fault("/files/", Fault::Truncated(10));
    let path = "/files/other-thing/other_thing-2.0.tar.gz";
    let cut = get(path).unwrap();
    assert!(!cut.whole && cut.body.len() == 10, "{cut:?}");
    registry.fault(path, Fault::Status(503));
    assert_eq!(get(path).unwrap().status, 503);
    registry.fault(path, Fault::Reset);
    get(path).unwrap_err();
    registry.heal();
    assert_eq!(get(path).unwrap().status, 200);
    assert_eq!(registry.asked_for(".tar.gz"), 4);
}

#[test]
fn a_registry_can_be_down_and_come_back() {
    let mut registry = with_two_packages();
    registry.stop();
    http::try_request(registry.address(), "GET", "/simple/other-thing/", &[]).unwrap_err();
    registry.resume();
    assert_eq!(http::request(registry.address(), "GET", "/simple/other-thing/", &[]).status, 200);
}
