//! Paths and requests that no package client sends.

use crate::support::{Bulkhead, Registry, Upload, Wheel, http};

fn demo() -> (Registry, Upload, Bulkhead) {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("demo", "1.0"));
    let bulkhead = Bulkhead::before(&registry);
    (registry, wheel, bulkhead)
}

#[test]
fn a_path_that_two_readers_could_read_differently_goes_nowhere() {
    let (registry, _, bulkhead) = demo();
    let paths = [
        "/pypi/simple/%2e%2e/demo/",
        "/pypi/simple/../simple/demo/",
        "/pypi/simple/./demo/",
        "/pypi/simple/demo%2f..%2fother/",
        "/pypi/simple/demo%5cother/",
        "/pypi/simple/demo%00/",
        "/pypi/simple/demo%0d%0aX-Evil:%201/",
        "/pypi/simple//demo/",
        "/pypi/simple/demo//",
        "/pypi/simple/%64emo%252f/",
        "/pypi/simple/d%C3%A9mo/",
        "/pypi/simple/demo%zz/",
        "/pypi/simple/demo%/",
        "/pypi/files/demo/../../etc/passwd",
        "/pypi/files/demo/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/pypi//simple/demo/",
        "/ledger/tile/%2e%2e/%2e%2e/policy.toml",
        "/ledger/tile/0/../../../policy.toml",
    ];
    for path in paths {
        let reply = bulkhead.get(path);
        assert!(matches!(reply.status, 400 | 404), "{path}: {} {}", reply.status, reply.text());
        assert!(["bad-path", "bad-request", "not-found"].contains(&reply.code().as_str()), "{path}: {}", reply.text());
    }
    assert_eq!(registry.requests().len(), 0, "{:?}", registry.requests());
}

#[test]
fn another_spelling_of_a_project_leads_to_the_one_page() {
    let (_registry, _, bulkhead) = demo();
    for path in ["/pypi/simple/Demo/", "/pypi/simple/demo", "/pypi/simple/%64emo/", "/pypi/simple/DEMO"] {
        let reply = bulkhead.get(path);
        assert!(matches!(reply.status, 301 | 307 | 308), "{path}: {}", reply.status);
        assert_eq!(reply.header("location"), Some("/pypi/simple/demo/"), "{path}");
    }
}

#[test]
fn a_path_that_does_not_exist_is_not_found() {
    let (_registry, wheel, bulkhead) = demo();
    let file = wheel.path_here();
    for path in [
        "/nothing",
        "/pypi/files/",
        "/pypi/files/demo/",
        "/ledger/",
        &format!("{file}.metadata.metadata"),
        &format!("{file}.asc"),
    ] {
        let reply = bulkhead.get(path);
        assert_eq!(reply.status, 404, "{path}: {}", reply.text());
        assert!(reply.code().ends_with("not-found"), "{path}");
    }
}

#[test]
fn only_reading_methods_are_offered() {
    let (registry, wheel, bulkhead) = demo();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"] {
        for path in ["/pypi/simple/demo/", &wheel.path_here()] {
            let reply = bulkhead.request(method, path, &[("content-length", "0")]);
            assert!(matches!(reply.status, 400 | 405), "{method} {path}: {}", reply.status);
        }
    }
    assert_eq!(registry.requests().len(), 0);
}

/// Shapes that two servers in a row read as different requests.
#[test]
fn a_smuggled_request_is_not_answered() {
    let (registry, _, bulkhead) = demo();
    let host = bulkhead.address();
    let smuggled = "GET /pypi/simple/smuggled/ HTTP/1.1\r\nhost: x\r\n\r\n";
    let shapes = [
        format!(
            "GET /healthz HTTP/1.1\r\nhost: {host}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        format!(
            "GET /healthz HTTP/1.1\r\nhost: {host}\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello{smuggled}"
        ),
        format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\ncontent-length: +5\r\n\r\nhello{smuggled}"),
        format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nhost: other\r\nconnection: close\r\n\r\n{smuggled}"),
        format!("GET /healthz HTTP/1.1\nhost: {host}\n x: folded\n\n{smuggled}"),
        format!("GET /healthz\x00 HTTP/1.1\r\nhost: {host}\r\n\r\n{smuggled}"),
    ];
    for shape in shapes {
        let answer = http::raw(host, shape.as_bytes());
        let answers = String::from_utf8_lossy(&answer).matches("HTTP/1.1 ").count();
        assert!(answers <= 1, "{shape:?}: {}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(registry.asked_for("/simple/smuggled/"), 0);
    assert_eq!(bulkhead.get("/healthz").status, 200);
}

#[test]
fn a_request_that_is_too_large_is_refused_and_the_next_is_served() {
    let (_registry, _, bulkhead) = demo();
    let long = "a".repeat(100_000);
    let reply = bulkhead.request("GET", "/healthz", &[("x-long", &long)]);
    assert!((400..500).contains(&reply.status), "{}", reply.status);
    let path = format!("/pypi/simple/{}/", "a".repeat(2000));
    assert!((400..500).contains(&bulkhead.get(&path).status));
    assert_eq!(bulkhead.get("/healthz").status, 200);
}
