//! The simple API as clients rely on it: negotiation, validators, ranges, metadata.

use std::io::Read;

use crate::support::{Barrier, Bulkhead, Developer, Fault, Place, Registry, Relay, Upload, Wheel, eventually, http};

const JSON: &str = "application/vnd.pypi.simple.v1+json";

fn one_wheel() -> (Registry, Upload, Bulkhead) {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("demo", "1.0").padded(50_000));
    let bulkhead = Bulkhead::before(&registry);
    (registry, wheel, bulkhead)
}

#[test]
fn the_form_follows_what_the_client_prefers() {
    let (_registry, _, bulkhead) = one_wheel();
    let form = |accept: &str| {
        let page = bulkhead.request("GET", "/pypi/simple/demo/", &[("accept", accept)]);
        let varies = page.header("vary").is_some_and(|vary| vary.to_lowercase().contains("accept"));
        assert!(varies || page.status != 200, "{page:?}");
        let kind = page.header("content-type").unwrap_or_default();
        (page.status, kind.split(';').next().unwrap_or_default().to_owned())
    };
    let html = "application/vnd.pypi.simple.v1+html";
    assert_eq!(form(&format!("{JSON}, {html}; q=0.1, text/html; q=0.01")), (200, JSON.to_owned()));
    assert_eq!(form(&format!("{JSON}; q=0.1, {html}")), (200, html.to_owned()));
    assert!(form("text/html").1 == "text/html");
    assert!(form("*/*").1 == "text/html");
    assert_eq!(form(&format!("{JSON};q=0, text/html")).1, "text/html");
    assert_eq!(form("image/png").0, 406);
}

#[test]
fn what_is_not_understood_is_kept_and_what_changed_is_computed_anew() {
    let registry = Registry::start();
    registry.publish(Upload::from(Wheel::new("demo", "1.0")).days_old(90));
    registry.publish(Upload::from(Wheel::new("demo", "2.0")).hours_old(2));
    let bulkhead = Bulkhead::before(&registry);
    let page = bulkhead.page("demo").json();
    assert_eq!(page["meta"]["_last-serial"], 7);
    assert_eq!(page["files"][0]["_registry-own"], "kept");
    assert_eq!(page["versions"], serde_json::json!(["1.0"]));
    assert!(page["files"][0]["upload-time"].is_string() && page["files"][0]["size"].is_u64());
    let html = bulkhead.request("GET", "/pypi/simple/demo/", &[("accept", "text/html")]).text();
    assert!(html.contains("#sha256=") && html.contains("data-requires-python=\"&gt;=3.8\""), "{html}");
    assert!(!html.contains("demo-2.0"), "{html}");
}

#[test]
fn a_page_that_has_not_changed_is_not_sent_again() {
    let (_registry, _, bulkhead) = one_wheel();
    let page = bulkhead.page("demo");
    let tag = page.header("etag").expect("a page has a validator").to_owned();
    let again = bulkhead.request("GET", "/pypi/simple/demo/", &[("accept", JSON), ("if-none-match", &tag)]);
    // uv fetches the page in full when the 304 does not carry the validator.
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(tag.as_str())));
    let other = bulkhead.request("GET", "/pypi/simple/demo/", &[("accept", JSON), ("if-none-match", "\"other\"")]);
    assert_eq!(other.status, 200);
}

#[test]
fn the_validator_follows_the_filter_not_the_upstream() {
    let registry = Registry::start();
    registry.publish(Upload::from(Wheel::new("demo", "1.0")).days_old(90));
    let new = registry.publish(Upload::from(Wheel::new("demo", "2.0")).hours_old(2));
    let bulkhead = Bulkhead::before(&registry);
    let before = bulkhead.page("demo").header("etag").unwrap().to_owned();
    let release = ["review", "release", "pkg:pypi/demo@2.0", "--reason", "needed", "--expires", "7d", "--owner", "sec"];
    bulkhead.run(&release).expect_good();
    let page = bulkhead.request("GET", "/pypi/simple/demo/", &[("accept", JSON), ("if-none-match", &before)]);
    assert_eq!(page.status, 200);
    assert!(page.listed().contains(&new.filename().to_owned()));
}

#[test]
fn uv_asks_whether_a_page_changed_and_is_told_no() {
    let (_registry, _, bulkhead) = one_wheel();
    let developer = Developer::behind(&bulkhead);
    let relay = Relay::to(bulkhead.address());
    let index = format!("http://{}/pypi/simple/", relay.address());
    let compile = ["pip", "compile", "--quiet", "--refresh", "--default-index", &index, "in.txt"];
    developer.write("in.txt", "demo\n");
    developer.uv(&compile).expect_good();
    let first = relay.received();
    developer.uv(&compile).expect_good();
    let second = relay.received() - first;
    assert!(second < first, "first {first} bytes, then {second}");
}

#[test]
fn pages_are_compressed_for_those_who_ask() {
    let registry = Registry::start();
    for minor in 0..50 {
        registry.publish(Wheel::new("demo", &format!("1.{minor}")));
    }
    let bulkhead = Bulkhead::before(&registry);
    let plain = bulkhead.page("demo");
    assert_eq!(plain.header("content-encoding"), None);
    let packed = bulkhead.request("GET", "/pypi/simple/demo/", &[("accept", JSON), ("accept-encoding", "gzip")]);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() * 3 < plain.body.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
}

#[test]
fn a_file_can_be_looked_at_and_read_in_parts() {
    let (_registry, wheel, bulkhead) = one_wheel();
    let path = wheel.path_here();
    let bytes = wheel.bytes();
    let head = bulkhead.request("HEAD", &path, &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(bytes.len().to_string().as_str()));
    assert_eq!(head.header("accept-ranges"), Some("bytes"));
    let part = |range: &str| bulkhead.request("GET", &path, &[("range", range)]);
    let end = bytes.len() - 1;
    for (range, wanted) in
        [("bytes=0-9", 0..10), ("bytes=-100", bytes.len() - 100..bytes.len()), ("bytes=49000-", 49_000..bytes.len())]
    {
        let reply = part(range);
        assert_eq!(reply.status, 206, "{range}");
        assert_eq!(reply.body, bytes[wanted.clone()], "{range}");
        let shown = format!("bytes {}-{}/{}", wanted.start, wanted.end - 1, bytes.len());
        assert_eq!(reply.header("content-range"), Some(shown.as_str()));
    }
    assert_eq!(part(&format!("bytes={}-", end + 1)).status, 416);
    let whole = bulkhead.get(&path);
    assert_eq!((whole.status, whole.body.as_slice()), (200, bytes));
    let tag = whole.header("etag").expect("a file has a validator").to_owned();
    assert_eq!(bulkhead.request("GET", &path, &[("if-none-match", &tag)]).status, 304);
    let stale = [("range", "bytes=0-9"), ("if-range", "\"another\"")];
    assert_eq!(bulkhead.request("GET", &path, &stale).status, 200, "a stale if-range gets the whole file");
}

#[test]
fn metadata_is_the_wheels_own() {
    let registry = Registry::start();
    let wheel = Wheel::new("demo", "1.0").requires("other>=2");
    let metadata = wheel.metadata();
    // The upstream's side file is not what is served: nobody checked it against the wheel.
    let upload = registry
        .publish(Upload::from(wheel).with_metadata(b"Metadata-Version: 2.1\nName: demo\nVersion: 9\n".to_vec()));
    let bulkhead = Bulkhead::before(&registry);
    let page = bulkhead.page("demo").json();
    assert!(page["files"][0].get("core-metadata").is_some_and(|value| value != false), "{page}");
    assert_eq!(page["files"][0].get("dist-info-metadata"), None, "the older name must not be in JSON");
    let served = bulkhead.get(&format!("{}.metadata", upload.path_here()));
    assert_eq!((served.status, served.body), (200, metadata));
}

#[test]
fn metadata_of_a_held_file_is_held() {
    let registry = Registry::start();
    let upload = registry.publish(Upload::from(Wheel::new("demo", "1.0")).hours_old(2));
    let bulkhead = Bulkhead::before(&registry);
    let refused = bulkhead.get(&format!("{}.metadata", upload.path_here()));
    assert_eq!((refused.status, refused.code().as_str()), (403, "intake-cooldown"));
    let head = bulkhead.request("HEAD", &upload.path_here(), &[]);
    assert_eq!(head.status, 403);
    let part = bulkhead.request("GET", &upload.path_here(), &[("range", "bytes=0-9")]);
    assert_eq!(part.status, 403);
}

/// The upstream offers no metadata, so a direct resolution downloads wheels; through Bulkhead it does not.
#[test]
fn a_cold_resolution_needs_fewer_bytes_than_direct() {
    let registry = Registry::start();
    registry.publish(Wheel::new("app", "1.0").requires("large"));
    registry.publish(Wheel::new("large", "1.0").padded(2_000_000));
    let bulkhead = Bulkhead::before(&registry);
    let resolve = |server| {
        let relay = Relay::to(server);
        let path = if server == bulkhead.address() { "/pypi/simple/" } else { "/simple/" };
        let developer = Developer::with_index(&format!("http://{}{path}", relay.address()), relay.address().port());
        developer.pip_install(&["--dry-run", "app"]).expect_good();
        relay.received()
    };
    let through = resolve(bulkhead.address());
    assert!(through < 50_000, "through Bulkhead: {through} bytes");
    // The registry answers with links to itself, past the wire: what it sent is what the client got.
    registry.forget_requests();
    let developer = Developer::with_index(&registry.simple(), registry.address().port());
    developer.pip_install(&["--dry-run", "app"]).expect_good();
    assert!(through * 10 < registry.sent(), "through Bulkhead: {through} bytes, direct: {}", registry.sent());
}

#[test]
fn many_clients_at_once_share_one_fetch() {
    let (registry, wheel, bulkhead) = one_wheel();
    let barrier = Barrier::default();
    registry.fault(&wheel.path(), Fault::Behind(barrier.clone()));
    let (address, path) = (bulkhead.address(), wheel.path_here());
    let requests: [(&str, &[(&str, &str)]); 4] =
        [("GET", &[]), ("HEAD", &[]), ("GET", &[("range", "bytes=-100")]), ("GET", &[])];
    let replies: Vec<_> = std::thread::scope(|scope| {
        let clients: Vec<_> = requests
            .iter()
            .cycle()
            .take(16)
            .map(|(method, headers)| {
                let path = &path;
                scope.spawn(move || http::request(address, method, path, headers))
            })
            .collect();
        barrier.wait_for(1);
        barrier.open();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(registry.asked_for(wheel.filename()), 1);
    for reply in replies {
        assert!(matches!(reply.status, 200 | 206), "{reply:?}");
        assert!(reply.whole);
    }
}

#[test]
fn many_clients_at_once_share_one_page() {
    let (registry, _, bulkhead) = one_wheel();
    let barrier = Barrier::default();
    registry.fault("/simple/demo/", Fault::Behind(barrier.clone()));
    let address = bulkhead.address();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(move || {
                assert_eq!(http::request(address, "GET", "/pypi/simple/demo/", &[("accept", JSON)]).status, 200)
            });
        }
        barrier.wait_for(1);
        barrier.open();
    });
    assert_eq!(registry.asked_for("/simple/demo/"), 1);
}

#[test]
fn an_upstream_that_knows_only_html_is_served_in_both_forms() {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("demo", "1.0"));
    registry.html_only();
    // HTML has no upload times: the clock starts now, and without a cooldown that is enough.
    let bulkhead = Place::before(&registry).setting("cooldown", "\"0s\"").start();
    assert_eq!(bulkhead.page("demo").listed(), [wheel.filename()]);
    Developer::behind(&bulkhead).pip_install(&["demo"]).expect_good();
    assert_eq!(bulkhead.fetch(&wheel).body, wheel.bytes());
}

#[test]
fn health_and_metrics_answer() {
    let (_registry, wheel, bulkhead) = one_wheel();
    assert_eq!(bulkhead.get("/healthz").status, 200);
    assert_eq!(bulkhead.fetch(&wheel).status, 200);
    let metrics = bulkhead.get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.text().contains("bulkhead_"), "{}", metrics.text());
}

#[test]
fn the_checkpoint_is_signed_and_tiles_are_served() {
    let (_registry, wheel, bulkhead) = one_wheel();
    assert_eq!(bulkhead.fetch(&wheel).status, 200);
    // Merkle integration follows the entry within a second or so.
    let text = eventually(|| {
        let checkpoint = bulkhead.get("/ledger/checkpoint");
        assert_eq!(checkpoint.status, 200);
        Some(checkpoint.text()).filter(|text| text.lines().nth(1) != Some("0"))
    });
    assert!(text.lines().next().is_some_and(|origin| !origin.is_empty()), "{text}");
    assert!(text.contains("\n\n\u{2014} "), "{text}");
    assert_eq!(bulkhead.get("/ledger/tile/0/000.p/1").status, 200);
}
