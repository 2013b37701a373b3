//! What comes at the gate that no honest program sends.

use super::world::{TEXT, World};

/// A gigabyte of header fields: what is kept of it is bounded, it is answered, and it is on record.
#[tokio::test]
async fn a_head_without_an_end_is_cut_short_and_on_record() {
    let world = World::start("hosts = [\"pass.example.test\"]").await;
    let one = format!("x-a: {}\r\n", "a".repeat(8 << 10));
    let long = "a".repeat(64 << 10);
    for (begin, again) in [
        ("GET / HTTP/1.1\r\nhost: pass.example.test\r\n", one.as_str()),
        ("GET / HTTP/1.1\r\nhost: pass.example.test\r\nx-a: ", &long),
        ("GET /", &long),
    ] {
        let mut client = world.plain("pass.example.test").await;
        let (taken, said) = client.flood(begin, again, 1 << 30).await;
        assert!(taken < 1 << 20, "{taken} bytes were taken");
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 431") || said.starts_with("HTTP/1.1 414"), "{said}");
        let entry = world.entry_now("connect", "pass.example.test:80", |entry| entry["effect"] == "deny").await;
        let why = entry["detail"]["disagrees"].as_str().unwrap().to_owned();
        assert!(why.contains("larger than 64 KiB"), "{why}");
        let mut proxy = world.proxy().await;
        let (taken, _) = proxy.flood(&begin.replace(" /", " http://pass.example.test/"), again, 1 << 30).await;
        assert!(taken < 1 << 20, "{taken} bytes were taken");
        world.entry_now("connect", "127.0.0.1:3128", |entry| entry["effect"] == "deny").await;
    }
    let mut client = world.tls("api.example.test", &world.run_root()).await.unwrap();
    let (taken, _) = client.flood("GET /v1/ HTTP/1.1\r\nhost: api.example.test\r\n", &one, 1 << 30).await;
    assert!(taken < 1 << 20, "{taken} bytes were taken");
    world.entry_now("connect", "api.example.test:443", |entry| entry["effect"] == "deny").await;
    assert_eq!(world.upstream.seen(), 0);
}

#[tokio::test]
async fn addresses_that_nobody_may_reach_are_closed_by_any_name_and_spelling() {
    let hosts = [
        "mapped.example.test",
        "metadata.example.test",
        "inside.example.test",
        "127.0.0.1",
        "127.0.0.2",
        "169.254.169.254",
        "::1",
    ];
    let list = hosts.map(|host| format!("{:?}", host)).join(", ");
    let world = World::start(&format!("hosts = [{list}]\nprivate = [{list}]")).await;
    for (host, class) in [
        ("metadata.example.test", "metadata"),
        ("mapped.example.test", "loopback"),
        ("inside.example.test", "loopback"),
        ("169.254.169.254", "metadata"),
        ("[::ffff:169.254.169.254]", "metadata"),
        ("[::ffff:a9fe:a9fe]", "metadata"),
        ("127.0.0.1:3128", "loopback"),
        ("127.0.0.2:3128", "loopback"),
        ("[::ffff:127.0.0.2]:3128", "loopback"),
        ("[::1]:3128", "loopback"),
    ] {
        let mut proxy = world.proxy().await;
        let said = proxy.get(&format!("http://{host}/latest/"), &[("host", host)]).await;
        assert!(said.status == 502 && said.body.contains(class), "{host}: {} {}", said.status, said.body);
        // A tunnel to there, and what is in it.
        let authority =
            if host.contains("]:") || host.contains(":3128") { host.to_owned() } else { format!("{host}:80") };
        let mut tunnel = world.tunnel(&authority).await;
        let said = tunnel.get("/latest/", &[("host", host)]).await;
        assert!(said.status == 502 && said.body.contains(class), "{host}: {} {}", said.status, said.body);
    }
    // Other spellings of the same are no hosts at all.
    for host in
        ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "127.1", "localhost%00.example.test"]
    {
        let mut proxy = world.proxy().await;
        let said = proxy.get(&format!("http://{host}/"), &[("host", host)]).await;
        assert!(matches!(said.status, 400 | 403), "{host}: {} {}", said.status, said.body);
    }
    assert_eq!(world.upstream.seen(), 0);
}

#[tokio::test]
async fn inside_opened_tls_the_host_is_the_one_of_its_hello() {
    let world = World::start("hosts = [\"other.example.test\"]\nopen = [\"other.example.test\"]").await;
    for (resolved, said) in [("other.example.test", "api.example.test"), ("api.example.test", "other.example.test")] {
        let mut client = world.tls(resolved, &world.run_root()).await.unwrap();
        let answer = client.get("/v1/x", &[("host", said)]).await;
        assert!(answer.status == 403 && answer.body.contains("egress-host-disagrees"), "{}", answer.body);
        let entry = world.entry("connect", &format!("{resolved}:443")).await.unwrap();
        assert_eq!(entry["detail"]["disagrees"], format!("its Host header names {said}:443"));
        let mut client = world.tls(resolved, &world.run_root()).await.unwrap();
        let answer = client.get(&format!("https://{said}/v1/x"), &[("host", resolved)]).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
    }
    assert_eq!(world.upstream.seen(), 0);
}

#[tokio::test]
async fn plain_http_inside_a_tunnel_carries_no_secret() {
    let world = World::start("").await;
    let mut tunnel = world.tunnel("api.example.test:443").await;
    let said = tunnel.get("/v1/x", &[("host", "api.example.test:443"), ("x-api-key", TEXT)]).await;
    assert_eq!(said.status, 403, "{}", said.body);
    let entry = world.entry("request", "api.example.test:443").await.unwrap();
    assert!(entry["detail"]["misuse"].as_str().unwrap().contains("not encrypted"), "{entry}");
    assert_eq!((world.upstream.seen(), &entry["detail"]["severity"]), (0, &"high".into()));
}

/// Labels that carry data: the name server inside answers them all, and none is asked for outside.
#[tokio::test]
async fn names_that_are_only_asked_for_never_leave() {
    let world = World::start("hosts = [\"pass.example.test\"]").await;
    for number in 0..200 {
        world.resolve(&format!("c2VjcmV0{number}.attacker.test"));
    }
    let mut client = world.tls("attacker.example.test", &world.run_root()).await.unwrap();
    assert_eq!(client.get("/", &[]).await.status, 403);
    assert_eq!(world.asked(), Vec::<String>::new());
    assert!(world.idle_names().contains(&("attacker.test".to_owned(), 200)), "{:?}", world.idle_names());
}

#[tokio::test]
async fn requests_that_two_readers_would_read_differently_are_refused_and_on_record() {
    let world = World::start("hosts = [\"pass.example.test\"]").await;
    let inner = "GET /smuggled HTTP/1.1\r\nhost: pass.example.test\r\n\r\n";
    for head in [
        "content-length: 4\r\ncontent-length: 44",
        "content-length: 4, 4",
        "content-length: +4",
        "content-length: 4\r\n x-folded: 1",
        "x-a: b\r\n content-length: 4",
        "content-length : 4",
        "transfer-encoding : chunked",
        "transfer-encoding: xchunked",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding:\x0bchunked",
        "x-a: b\x00c",
        "x-a: b\rcontent-length: 4",
    ] {
        let mut client = world.plain("pass.example.test").await;
        let bytes = format!("POST / HTTP/1.1\r\nhost: pass.example.test\r\n{head}\r\n\r\n0\r\n\r\n{inner}");
        let said = client.raw(&bytes).await;
        let status = said.split(' ').nth(1).unwrap_or_default();
        assert!(matches!(status, "400" | "403"), "{head:?}: {said}");
        assert!(!said.contains("/smuggled"), "{head:?}: {said}");
        let denied = |entry: &serde_json::Value| entry["effect"] == "deny";
        let entry = world.entry_now("connect", "pass.example.test:80", denied).await;
        assert!(entry["detail"]["disagrees"].as_str().unwrap().contains("its request"), "{entry}");
    }
    assert_eq!(world.upstream.seen(), 0, "{}", world.upstream.heads());
}

/// A line that ends in a bare LF is one to some readers and not to others. What is sent on has been written anew.
#[tokio::test]
async fn what_is_sent_on_is_written_anew() {
    let world = World::start("hosts = [\"pass.example.test\"]").await;
    let mut client = world.plain("pass.example.test").await;
    let bytes = "GET / HTTP/1.1\nhost: pass.example.test\nx-a: b\nconnection: close\n\n";
    client.raw(bytes).await;
    let heads = world.upstream.heads();
    assert!(world.upstream.seen() <= 1 && !heads.contains("\n\n\n"), "{heads}");
    // Two lengths of which one counts (RFC 9112, 6.3): one is sent on, and what stands behind the end is no request.
    for (head, body, kept) in [
        ("content-length: 4\r\ntransfer-encoding: chunked", "0\r\n\r\n", "transfer-encoding"),
        ("transfer-encoding: chunked\r\ncontent-length: 4", "0\r\n\r\n", "transfer-encoding"),
        ("content-length: 4\r\ncontent-length: 4\r\nconnection: close", "abcd", "content-length"),
    ] {
        let before = world.upstream.heads().len();
        let mut client = world.plain("pass.example.test").await;
        let smuggled = "GET /smuggled HTTP/1.1\r\nhost: pass.example.test\r\n\r\n";
        let said =
            client.raw(&format!("POST / HTTP/1.1\r\nhost: pass.example.test\r\n{head}\r\n\r\n{body}{smuggled}")).await;
        assert!(said.starts_with("HTTP/1.1 200") && !said.contains("/smuggled"), "{head:?}: {said}");
        let sent = world.upstream.heads()[before..].to_owned();
        assert_eq!(sent.matches("content-length").count() + sent.matches("transfer-encoding").count(), 1, "{sent}");
        assert!(sent.contains(kept) && !sent.contains("/smuggled"), "{sent}");
    }
    // A chunk whose size does not fit, and one that ends too late.
    for chunks in ["ffffffffffffffff1\r\nx\r\n0\r\n\r\n", "-1\r\nx\r\n0\r\n\r\n", "1\r\nxx\r\n0\r\n\r\n"] {
        let mut client = world.plain("pass.example.test").await;
        let said = client
            .raw(&format!("POST /c HTTP/1.1\r\nhost: pass.example.test\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"))
            .await;
        assert!(!said.contains("HTTP/1.1 200"), "{chunks:?}: {said}");
    }
}
