//! Who may ask, and who may own a data folder.

use base64::Engine;

use crate::support::{Bulkhead, Developer, Place, Registry, Upload, Wheel, http};

fn demo() -> (Registry, Upload) {
    let registry = Registry::start();
    let wheel = registry.publish(Wheel::new("demo", "1.0"));
    (registry, wheel)
}

/// A certificate for loopback that signs itself, and its key, as PEM.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn other_machines_are_served_over_tls_with_a_token_and_only_so() {
    let (registry, wheel) = demo();
    let place =
        Place::before(&registry).words(&["--listen", "0.0.0.0:0"]).server("tls_cert = \"c.pem\"\ntls_key = \"k.pem\"");
    let (certificate, key) = certificate();
    let certificate_file = place.write("c.pem", &certificate);
    place.write("k.pem", &key);
    let refused = place.refuses_to_start();
    assert!(refused.all().contains("bulkhead token create"), "TLS alone is not enough: {refused}");
    let minted = place.run(&["token", "create", "--for", "laptop", "--format", "json"]).expect_good().json();
    let token = minted["token"].as_str().unwrap().to_owned();

    let bulkhead = place.start();
    let developer = Developer::behind(&bulkhead);
    let index = |login: &str| format!("https://{login}127.0.0.1:{}/pypi/simple/", bulkhead.address().port());
    let trust =
        [("SSL_CERT_FILE", certificate_file.to_str().unwrap()), ("PIP_CERT", certificate_file.to_str().unwrap())];
    let with_token = index(&format!("__token__:{token}@"));
    developer
        .run("pip", &["install", "--no-compile", "--target", "site", "--index-url", &with_token, "demo"], &trust)
        .expect_good();
    developer
        .run("uv", &["pip", "install", "--target", "site2", "--index-url", &with_token, "demo"], &trust)
        .expect_good();
    let entries = bulkhead.entries();
    assert!(entries.iter().any(|entry| entry["action"] == "fetch" && entry["principal"] == "laptop"), "{entries:#?}");
    // What is not TLS gets no answer that could be taken for one.
    assert!(http::try_request(bulkhead.address(), "GET", &wheel.path_here(), &[]).is_err());
}

/// The upstream's credentials are for the upstream, and no file host that its pages name gets them.
#[test]
fn upstream_credentials_go_to_that_host_only() {
    let registry = Registry::start();
    let elsewhere = Registry::start_at("127.0.0.2");
    let own = registry.publish(Upload::from(Wheel::new("own", "1.0")));
    let hosted = elsewhere.publish(Upload::from(Wheel::new("hosted", "1.0")));
    let url = format!("http://{}{}", elsewhere.address(), hosted.path());
    let hosted = registry.publish(hosted.linked_to(&url));
    let upstream = format!("http://reader:s3cret@{}/simple/", registry.address());
    let hosts = format!("hosts = [\"{}\"]", elsewhere.address());
    let bulkhead = Place::before(&registry).upstream(&upstream).pypi(&hosts).start();
    assert_eq!(bulkhead.fetch(&own).body, own.bytes());
    assert_eq!(bulkhead.fetch(&hosted).body, hosted.bytes());
    let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("reader:s3cret"));
    assert!(registry.requests().iter().all(|request| request.header("authorization") == Some(&basic)));
    assert_eq!(elsewhere.requests().len(), 1);
    assert!(elsewhere.requests().iter().all(|request| request.header("authorization").is_none()));
    let seen = format!("{}{:?}{}", bulkhead.printed(), bulkhead.entries(), bulkhead.page("own").text());
    assert!(!seen.contains("s3cret"), "a secret is printed nowhere");
}

/// A token for that principal, as the command shows it once.
fn token(bulkhead: &Bulkhead, principal: &str) -> (String, String) {
    let minted = bulkhead.run(&["token", "create", "--for", principal, "--format", "json"]).expect_good().json();
    (minted["id"].as_str().unwrap().to_owned(), minted["token"].as_str().unwrap().to_owned())
}

#[test]
fn an_address_that_others_reach_needs_tls_and_a_token() {
    let (registry, _) = demo();
    let place = Place::before(&registry).words(&["--listen", "0.0.0.0:0"]);
    let screen = place.refuses_to_start();
    assert!(screen.code != Some(0), "{screen}");
    for word in ["tls_cert", "token"] {
        assert!(screen.all().contains(word), "it says how: {screen}");
    }
}

#[test]
fn two_servers_do_not_share_a_data_folder() {
    let (registry, wheel) = demo();
    let bulkhead = Bulkhead::before(&registry);
    let screen = bulkhead.place().refuses_to_start();
    assert!(screen.all().contains("another bulkhead uses"), "{screen}");
    assert_eq!(bulkhead.fetch(&wheel).status, 200, "the first one does not mind");
}

#[test]
fn a_data_folder_of_a_killed_server_is_taken_over() {
    let (registry, wheel) = demo();
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&wheel).status, 200);
    let bulkhead = bulkhead.kill().start();
    assert_eq!(bulkhead.fetch(&wheel).body, wheel.bytes());
    bulkhead.run(&["ledger", "verify"]).expect_good();
}

#[test]
fn a_token_names_the_principal_in_every_entry() {
    let (registry, wheel) = demo();
    let bulkhead = Bulkhead::before(&registry);
    let (_, token) = token(&bulkhead, "ci");
    let developer = Developer::behind(&bulkhead);
    let index = format!("http://__token__:{token}@{}/pypi/simple/", bulkhead.address());
    developer.pip(&["install", "--no-compile", "--target", "site", "--index-url", &index, "demo"]).expect_good();
    let bearer = format!("Bearer {token}");
    assert_eq!(bulkhead.request("GET", &wheel.path_here(), &[("authorization", &bearer)]).status, 200);
    let entries = bulkhead.entries();
    let fetched: Vec<_> = entries.iter().filter(|entry| entry["action"] == "fetch").collect();
    assert!(!fetched.is_empty() && fetched.iter().all(|entry| entry["principal"] == "ci"), "{fetched:#?}");
    let all = format!("{entries:?}{}", bulkhead.printed());
    assert!(!all.contains(&token), "a token's text is nowhere");
}

#[test]
fn a_wrong_token_is_refused_even_on_loopback() {
    let (registry, wheel) = demo();
    let bulkhead = Bulkhead::before(&registry);
    let (id, token) = token(&bulkhead, "ci");
    let basic =
        |password: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("x:{password}")));
    let fetch = |value: &str| bulkhead.request("GET", &wheel.path_here(), &[("authorization", value)]);
    for wrong in ["Bearer bh_wrong", "Bearer", "Digest x", &basic("bh_wrong"), "Basic ???"] {
        let reply = fetch(wrong);
        assert_eq!((reply.status, reply.code().as_str()), (401, "token-refused"), "{wrong}");
        assert!(reply.header("www-authenticate").is_some(), "{wrong}");
    }
    assert_eq!(fetch(&basic(&token)).status, 200);
    bulkhead.run(&["token", "revoke", &id]).expect_good();
    assert_eq!(fetch(&basic(&token)).code(), "token-refused");
    let list = bulkhead.run(&["token", "list", "--format", "json"]).expect_good();
    assert!(!list.stdout.contains(&token), "{list}");
}

#[test]
fn the_server_stops_when_asked_and_finishes_what_it_began() {
    let (registry, wheel) = demo();
    let bulkhead = Bulkhead::before(&registry);
    let barrier = crate::support::Barrier::default();
    registry.fault(&wheel.path(), crate::support::Fault::Behind(barrier.clone()));
    let (address, path) = (bulkhead.address(), wheel.path_here());
    let client = std::thread::spawn(move || http::try_request(address, "GET", &path, &[]));
    barrier.wait_for(1);
    bulkhead.signal("TERM");
    barrier.open();
    let reply = client.join().unwrap().expect("an answer");
    assert_eq!((reply.status, reply.whole), (200, true));
    let (place, code) = bulkhead.stop();
    assert_eq!(code, Some(0));
    place.run(&["ledger", "verify"]).expect_good();
}
