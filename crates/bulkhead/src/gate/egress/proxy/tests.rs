//! The gate as a run meets it: real TLS, real HTTP, a real spine; upstreams on loopback.

mod input;
mod secrets;
mod upstream;
mod world;

use world::{DECOY, REAL, TEXT, World};

#[tokio::test]
async fn a_listed_host_is_reached_untouched_and_recorded() {
    let world = World::start("hosts = [\"pass.example.test\"]").await;
    let mut client = world.tls("pass.example.test", &world.upstream_root()).await.unwrap();
    let said = client.get("/hello", &[]).await;
    assert_eq!(said.status, 200);
    assert!(said.body.contains("GET /hello"), "{}", said.body);
    let entry = world.entry("connect", "pass.example.test:443").await.unwrap();
    assert_eq!((entry["effect"].as_str(), entry["run"].is_string()), (Some("allow"), true));
}

#[tokio::test]
async fn any_other_host_is_refused_in_words_and_recorded() {
    let world = World::start("hosts = [\"pass.example.test\"]").await;
    let mut client = world.tls("models.example.test", &world.run_root()).await.unwrap();
    let said = client.get("/", &[]).await;
    assert_eq!(said.status, 403);
    assert!(said.body.contains("models.example.test:443"), "{}", said.body);
    assert_eq!(world.entry("connect", "models.example.test:443").await.unwrap()["effect"], "deny");
    assert_eq!(world.upstream.seen(), 0);
}

/// Who is at the other end gets the real key: the certificate decides, and nothing is sent before it holds.
#[tokio::test]
async fn a_host_whose_certificate_does_not_hold_gets_nothing() {
    let world = World::start("").await;
    for host in ["expired.example.test", "stranger.example.test", "elsewhere.example.test"] {
        let mut client = world.tls(host, &world.run_root()).await.unwrap();
        let said = client.get("/v1/models", &[("authorization", &format!("Bearer {TEXT}"))]).await;
        assert_eq!(said.status, 502, "{host}: {}", said.body);
        assert!(
            said.body.contains("upstream-unreachable") && said.body.contains("certificate"),
            "{host}: {}",
            said.body
        );
    }
    assert_eq!(world.upstream.seen(), 0);
}

/// Somebody read a credential file that is a canary, and sends what stood there to a host that may be reached.
#[tokio::test]
async fn a_canary_on_its_way_out_is_refused_and_named() {
    let world = World::start("hosts = [\"other.example.test\"]\nopen = [\"other.example.test\"]").await;
    let mut client = world.tls("other.example.test", &world.run_root()).await.unwrap();
    let said = client.get("/", &[("x-note", DECOY)]).await;
    assert_eq!(said.status, 403, "{}", said.body);
    assert!(said.body.contains("bulkhead-canary"), "{}", said.body);
    let mut client = world.tls("other.example.test", &world.run_root()).await.unwrap();
    assert_eq!(client.get("/", &[("x-note", "nothing of the kind")]).await.status, 200);
    assert_eq!(world.upstream.seen(), 1);
}

#[tokio::test]
async fn a_placeholder_becomes_the_secret_outside_and_the_answer_is_scrubbed_of_it() {
    let world = World::start("").await;
    let mut client = world.tls("api.example.test", &world.run_root()).await.unwrap();
    let said = client.get("/v1/echo", &[("authorization", &format!("Bearer {TEXT}"))]).await;
    assert_eq!(said.status, 200, "{}", said.body);
    assert!(world.upstream.heads().contains(&format!("authorization: Bearer {REAL}")), "{}", world.upstream.heads());
    // The upstream repeats what it was sent, in a header and in the body.
    assert!(said.body.contains(TEXT) && !said.body.contains(REAL), "{}", said.body);
    assert!(said.head.contains(TEXT) && !said.head.contains(REAL), "{}", said.head);
    let entry = world.entry("request", "api.example.test:443").await.unwrap();
    assert_eq!(entry["detail"]["secrets"], "openai");
    assert!(!entry.to_string().contains(REAL));
}

#[tokio::test]
async fn a_packed_answer_is_unpacked_to_be_scrubbed() {
    let world = World::start("").await;
    let mut client = world.tls("api.example.test", &world.run_root()).await.unwrap();
    let said = client.get("/v1/gzip", &[("authorization", &format!("Bearer {TEXT}"))]).await;
    assert!(said.body.contains(TEXT) && !said.body.contains(REAL), "{}", said.body);
    assert!(!said.head.contains("gzip"), "{}", said.head);
}

#[tokio::test]
async fn a_placeholder_for_another_host_path_or_place_is_refused_and_nothing_is_sent() {
    let world = World::start("hosts = [\"other.example.test\"]\nopen = [\"other.example.test\"]").await;
    let bearer = format!("Bearer {TEXT}");
    for (host, path, header) in [
        ("other.example.test", "/v1/echo", "authorization"),
        ("api.example.test", "/admin", "authorization"),
        ("api.example.test", "/v1/echo", "user-agent"),
    ] {
        let mut client = world.tls(host, &world.run_root()).await.unwrap();
        let said = client.get(path, &[(header, &bearer)]).await;
        assert_eq!(said.status, 403, "{host} {path} {header}: {}", said.body);
        assert!(said.body.contains("egress-secret-misuse"), "{}", said.body);
    }
    let mut client = world.tls("other.example.test", &world.run_root()).await.unwrap();
    let said = client.post("/upload", &format!("key={TEXT}")).await;
    assert_ne!(said.status, 200, "a placeholder in a body: {}", said.body);
    assert!(!world.upstream.heads().contains(TEXT));
    assert!(world.entry("request", "other.example.test:443").await.unwrap().to_string().contains("openai"));
}

#[tokio::test]
async fn over_plain_http_no_secret_travels() {
    let world = World::start("hosts = [\"api.example.test\"]").await;
    let mut client = world.plain("api.example.test").await;
    let said = client.get("/v1/echo", &[("authorization", &format!("Bearer {TEXT}"))]).await;
    assert_eq!(said.status, 403, "{}", said.body);
    assert_eq!(world.upstream.seen(), 0);
    let mut client = world.plain("api.example.test").await;
    assert_eq!(client.get("/hello", &[]).await.status, 200);
}

#[tokio::test]
async fn a_connection_that_says_two_things_is_refused() {
    let world = World::start("hosts = [\"pass.example.test\"]").await;
    // Resolved pass.example.test, and says models.example.test in the hello.
    assert!(world.tls_to("pass.example.test", "models.example.test", &world.run_root()).await.is_err());
    assert_eq!(world.entry("connect", "pass.example.test:443").await.unwrap()["effect"], "deny");
    let mut client = world.plain("pass.example.test").await;
    let said = client.get("/", &[("host", "models.example.test")]).await;
    assert_eq!(said.status, 403, "{}", said.body);
    assert!(said.body.contains("egress-host-disagrees"), "{}", said.body);
    let entry = world.entry("connect", "pass.example.test:80").await.unwrap();
    assert_eq!(entry["detail"]["disagrees"], "its Host header names models.example.test:80");
    assert_eq!(world.upstream.seen(), 0);
}

#[tokio::test]
async fn what_was_allowed_for_one_protocol_does_not_cover_another() {
    let rule = "[[rule]]\nid = \"no-raw\"\ngate = \"egress\"\nwhen = 'net.scheme == \"tcp\"'\n\
                effect = \"deny\"\nreason = \"{net.host} is spoken to in HTTP only\"\nhelp = \"use HTTP\"\n";
    let world = World::with_rules("hosts = [\"pass.example.test\"]", rule).await;
    assert_eq!(world.plain("pass.example.test").await.get("/", &[]).await.status, 200);
    assert_eq!(world.plain("pass.example.test").await.raw("xyzzy\r\n\r\n").await, "");
    let entry = world.entry("connect", "pass.example.test:80").await.unwrap();
    assert_eq!((entry["effect"].as_str(), entry["detail"]["scheme"].as_str()), (Some("deny"), Some("tcp")));
    assert_eq!(world.upstream.seen(), 1);
}

#[tokio::test]
async fn a_connection_without_a_word_is_on_record() {
    let world = World::start("hosts = [\"pass.example.test\"]").await;
    drop(world.plain("models.example.test").await);
    // The entry is there once the other end has seen that nothing comes.
    let entry = loop {
        match world.entry("connect", "models.example.test:80").await {
            Some(entry) => break entry,
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!(entry["effect"], "deny");
}

#[tokio::test]
async fn rules_see_method_and_path_of_opened_hosts() {
    let rule = "[[rule]]\nid = \"read-only\"\ngate = \"egress\"\nwhen = 'net.method != null && net.method != \"GET\"'\n\
                effect = \"deny\"\nreason = \"{net.method} to {net.host} is not allowed\"\nhelp = \"read only\"\n";
    let world = World::with_rules("hosts = [\"pass.example.test\"]\nopen = [\"pass.example.test\"]", rule).await;
    let mut client = world.tls("pass.example.test", &world.run_root()).await.unwrap();
    assert_eq!(client.get("/", &[]).await.status, 200);
    let said = client.post("/", "x").await;
    assert_eq!(said.status, 403);
    assert!(said.body.contains("egress-read-only"), "{}", said.body);
}

#[tokio::test]
async fn an_explicit_proxy_judges_tunnels_and_plain_requests_alike() {
    let world = World::start("hosts = [\"pass.example.test\"]").await;
    let mut tunnel = world.tunnel("pass.example.test:443").await;
    tunnel.upgrade("pass.example.test", &world.upstream_root()).await.unwrap();
    assert_eq!(tunnel.get("/through", &[]).await.status, 200);
    // Plain HTTP inside CONNECT is held to the tunnel's host.
    let mut tunnel = world.tunnel("pass.example.test:80").await;
    assert_eq!(tunnel.get("/", &[("host", "models.example.test")]).await.status, 403);
    let mut tunnel = world.tunnel("models.example.test:80").await;
    assert_eq!(tunnel.get("/", &[("host", "models.example.test")]).await.status, 403);
    let mut proxy = world.proxy().await;
    assert_eq!(proxy.get("http://pass.example.test/absolute", &[("host", "pass.example.test")]).await.status, 200);
    let mut proxy = world.proxy().await;
    assert_eq!(proxy.get("http://169.254.169.254/latest/", &[("host", "169.254.169.254")]).await.status, 403);
}

#[tokio::test]
async fn an_address_that_nothing_outside_stands_on_is_not_dialled_even_when_listed() {
    let world =
        World::start("hosts = [\"169.254.169.254\", \"inside.example.test\"]\nprivate = [\"inside.example.test\"]")
            .await;
    let mut proxy = world.proxy().await;
    let said = proxy.get("http://169.254.169.254/latest/", &[("host", "169.254.169.254")]).await;
    assert_eq!(said.status, 502, "{}", said.body);
    assert!(said.body.contains("metadata"), "{}", said.body);
    // It resolves to loopback, which no setting opens.
    let mut client = world.plain("inside.example.test").await;
    let said = client.get("/", &[]).await;
    assert!(said.status == 502 && said.body.contains("loopback"), "{}", said.body);
}

#[tokio::test]
async fn a_smuggled_request_is_not_served() {
    let world = World::start("hosts = [\"pass.example.test\"]").await;
    let mut client = world.plain("pass.example.test").await;
    let said = client
        .raw(
            "POST / HTTP/1.1\r\nhost: pass.example.test\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n\
             0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: pass.example.test\r\n\r\n",
        )
        .await;
    assert!(!said.contains("/smuggled"), "{said}");
    assert!(!world.upstream.heads().contains("/smuggled"));
}
