//! Placeholders through the whole gate: where they become the secret, where they do not, and what comes back.

use super::world::{FORM_REAL, FORM_TEXT, REAL, TEXT, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[tokio::test]
async fn each_header_of_the_field_carries_it() {
    let world = World::start("").await;
    let basic = |key: &str| format!("Basic {}", STANDARD.encode(format!("user:{key}")));
    for (header, sent, arrives) in [
        ("authorization", format!("Bearer {TEXT}"), format!("Bearer {REAL}")),
        ("authorization", basic(TEXT), basic(REAL)),
        ("x-api-key", TEXT.to_owned(), REAL.to_owned()),
        ("api-key", TEXT.to_owned(), REAL.to_owned()),
    ] {
        let mut client = world.tls("api.example.test", &world.run_root()).await.unwrap();
        let said = client.get("/v1/echo", &[(header, &sent)]).await;
        assert_eq!(said.status, 200, "{header}: {}", said.body);
        assert!(world.upstream.heads().contains(&format!("{header}: {arrives}\n")), "{}", world.upstream.heads());
        assert!(!said.body.contains(REAL) && !said.body.contains(&STANDARD.encode(REAL)[..36]), "{}", said.body);
    }
}

#[tokio::test]
async fn misuse_is_refused_sends_nothing_and_is_of_high_severity() {
    let world = World::start("hosts = [\"other.example.test\"]\nopen = [\"other.example.test\"]").await;
    let (bearer, form) = (format!("Bearer {TEXT}"), format!("Bearer {FORM_TEXT}"));
    let basic = format!("Basic {}", STANDARD.encode(format!("user:{TEXT}")));
    for (host, path, header, value, why) in [
        ("other.example.test", "/v1/echo", "authorization", &bearer, "towards a host that it is not for"),
        ("other.example.test", "/v1/echo", "authorization", &basic, "towards a host that it is not for"),
        ("api.example.test", "/admin", "authorization", &bearer, "for a method or path that it is not for"),
        ("api.example.test", "/v1/../admin", "authorization", &bearer, "for a method or path that it is not for"),
        // GET, and the secret is for POST.
        ("api.example.test", "/v1/echo", "authorization", &form, "for a method or path that it is not for"),
        ("api.example.test", "/v1/echo", "user-agent", &bearer, "header user-agent, which may not carry it"),
        ("api.example.test", "/v1/echo", "cookie", &bearer, "header cookie, which may not carry it"),
        ("api.example.test", &format!("/v1/{TEXT}"), "accept", &"*/*".to_owned(), "the path"),
        ("api.example.test", &format!("/v1/x?key={TEXT}"), "accept", &"*/*".to_owned(), "the path"),
    ] {
        let mut client = world.tls(host, &world.run_root()).await.unwrap();
        let said = client.get(path, &[(header, value)]).await;
        assert_eq!(said.status, 403, "{host} {path} {header}: {}", said.body);
        assert!(said.body.contains("egress-secret-misuse"), "{}", said.body);
        let entry = world.entry("request", &format!("{host}:443")).await.unwrap();
        let detail = &entry["detail"];
        assert!(detail["misuse"].as_str().unwrap().contains(why), "{why}: {detail}");
        assert_eq!((entry["effect"].as_str(), detail["severity"].as_str()), (Some("deny"), Some("high")), "{detail}");
        assert!(!entry.to_string().contains(TEXT), "{entry}");
    }
    let mut client = world.tls("other.example.test", &world.run_root()).await.unwrap();
    assert_ne!(client.post("/upload", &format!("key={TEXT}")).await.status, 200);
    let entry = world.entry("request", "other.example.test:443").await.unwrap();
    assert_eq!((&entry["detail"]["severity"], &entry["effect"]), (&"high".into(), &"deny".into()), "{entry}");
    let mut client = world.plain("api.example.test").await;
    let said = client.get("/v1/echo", &[("authorization", &form)]).await;
    assert_eq!(said.status, 403);
    // Whose placeholder it was is told, and not that of whichever comes first.
    let entry = world.entry("request", "api.example.test:80").await.unwrap();
    assert!(entry["detail"]["misuse"].as_str().unwrap().contains("secret form is"), "{entry}");
    assert_eq!(entry["detail"]["severity"], "high");
    // The head of the upload was on its way when its body was seen.
    let heads = world.upstream.heads();
    assert!(!heads.contains(TEXT) && !heads.contains(FORM_TEXT) && !heads.contains("REALREAL"), "{heads}");
}

#[tokio::test]
async fn what_is_allowed_has_no_severity() {
    let world = World::start("").await;
    let mut client = world.tls("api.example.test", &world.run_root()).await.unwrap();
    client.get("/v1/echo", &[("x-api-key", TEXT)]).await;
    let entry = world.entry("request", "api.example.test:443").await.unwrap();
    assert!(entry["detail"]["severity"].is_null() && entry["effect"] == "allow", "{entry}");
}

/// A service that repeats the key piece by piece, as streams do, packed and not.
#[tokio::test]
async fn an_answer_in_small_pieces_is_scrubbed_as_one() {
    let world = World::start("").await;
    let bearer = format!("Bearer {TEXT}");
    for (path, headers) in [
        ("/v1/events", [("authorization", bearer.as_str()), ("accept", "text/event-stream")]),
        ("/v1/events", [("authorization", bearer.as_str()), ("x-note", "gzip ")]),
        ("/v1/echo", [("authorization", bearer.as_str()), ("x-pieces", "gzip ")]),
        ("/v1/echo", [("authorization", bearer.as_str()), ("x-pieces", "plain")]),
    ] {
        let mut client = world.tls("api.example.test", &world.run_root()).await.unwrap();
        let said = client.get(path, &headers).await;
        assert_eq!(said.status, 200, "{}", said.body);
        let times = if path == "/v1/events" { 20 } else { 1 };
        assert_eq!(said.body.matches(TEXT).count(), times, "{path} {headers:?}: {}", said.body);
        assert!(!said.body.contains("REALREAL") && !said.head.contains("REALREAL"), "{}", said.body);
        assert!(!said.head.contains("gzip"), "{}", said.head);
    }
}

#[tokio::test]
async fn other_spellings_of_the_secret_are_scrubbed_too() {
    let world = World::start("").await;
    for pieces in ["x-pieces", "x-whole"] {
        let mut client = world.tls("api.example.test", &world.run_root()).await.unwrap();
        let said = client.get("/v1/forms", &[("authorization", &format!("Bearer {TEXT}")), (pieces, "1")]).await;
        let spellings: Vec<&str> = said.body.split_whitespace().collect();
        let [encoded, lower, upper, percent] = spellings[..] else { panic!("{}", said.body) };
        let decoded = String::from_utf8_lossy(&STANDARD.decode(encoded).unwrap()).into_owned();
        assert!(!decoded.contains("REALREAL"), "{decoded}");
        let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!((lower, upper), (hex(TEXT).as_str(), hex(TEXT).to_uppercase().as_str()));
        assert!(!percent.contains("REALREAL"), "{percent}");
    }
}

#[tokio::test]
async fn a_secret_that_is_for_bodies_is_swapped_there_and_the_use_is_on_record() {
    let world = World::start("").await;
    let root = world.run_root();
    let percent = |text: &str| text.replace('/', "%2F").replace('+', "%2B");
    for chunked in [false, true] {
        for (sent, arrives) in [
            (format!("grant_type=x&client_secret={}&a=b", percent(FORM_TEXT)), percent(FORM_REAL)),
            (format!("{{\"client_secret\":\"{FORM_TEXT}\"}}"), FORM_REAL.to_owned()),
            (format!("{{\"client_secret\":\"{}\"}}", FORM_TEXT.replace('/', "\\/")), FORM_REAL.replace('/', "\\/")),
        ] {
            let before = world.upstream.heads().len();
            let mut client = world.tls("api.example.test", &root).await.unwrap();
            let said = match chunked {
                true => client.post_chunked("/v1/login", &sent).await,
                false => client.post("/v1/login", &sent).await,
            };
            assert_eq!(said.status, 200, "{}", said.body);
            let received = world.upstream.heads()[before..].to_owned();
            assert!(received.contains(&arrives) && !received.contains("placeholder"), "{received}");
            assert!(received.contains(&format!("content-length: {}\n", sent.len())), "{received}");
            assert!(!received.contains("transfer-encoding"), "{received}");
            assert!(!said.body.contains("REALREAL"), "{}", said.body);
            let detail = world.entry("request", "api.example.test:443").await.unwrap()["detail"].clone();
            assert_eq!((&detail["secrets"], &detail["place"]), (&"form".into(), &"body".into()), "{detail}");
        }
    }
}

#[tokio::test]
async fn what_is_not_for_bodies_is_refused_there_whatever_else_is() {
    let world = World::start("").await;
    let root = world.run_root();
    for (path, body) in [
        // The other secret of the host, alone and beside the one that may.
        ("/v1/login", format!("key={TEXT}")),
        ("/v1/login", format!("key={TEXT}&client_secret={FORM_TEXT}")),
        // A path that it is not for.
        ("/login", format!("client_secret={FORM_TEXT}")),
        // Larger than what is read before it is judged.
        ("/v1/login", format!("{}{FORM_TEXT}", "x".repeat(300 << 10))),
    ] {
        for chunked in [false, true] {
            let mut client = world.tls("api.example.test", &root).await.unwrap();
            let said = match chunked {
                true => client.post_chunked(path, &body).await,
                false => client.post(path, &body).await,
            };
            assert_eq!(said.status, 403, "{path} {} {}", body.len(), said.body);
            let detail = world.entry("request", "api.example.test:443").await.unwrap()["detail"].clone();
            assert!(detail["misuse"].as_str().unwrap().contains("the body"), "{detail}");
            assert_eq!(detail["severity"], "high");
        }
    }
    let heads = world.upstream.heads();
    assert!(!heads.contains("REALREAL") && !heads.contains(FORM_TEXT) && !heads.contains(TEXT), "{heads}");
}

#[tokio::test]
async fn a_large_body_without_a_placeholder_passes_as_it_came() {
    let world = World::start("").await;
    let body = "x".repeat(600 << 10);
    for chunked in [false, true] {
        let mut client = world.tls("api.example.test", &world.run_root()).await.unwrap();
        let said = match chunked {
            true => client.post_chunked("/v1/upload", &body).await,
            false => client.post("/v1/upload", &body).await,
        };
        assert_eq!(said.status, 200);
        assert!(said.body.matches('x').count() >= body.len());
    }
}

/// An answer that makes a new credential out of the secret would put that into the run: it gets a placeholder like the first.
#[tokio::test]
async fn a_credential_that_a_service_makes_is_a_placeholder_inside_and_works_outside() {
    let world = World::start("").await;
    let root = world.run_root();
    let bearer = format!("Bearer {TEXT}");
    for headers in
        [[("authorization", bearer.as_str()), ("x-pieces", "1")], [("authorization", &bearer), ("x-note", "gzip ")]]
    {
        for path in ["/v1/token", "/v1/form"] {
            let mut client = world.tls("api.example.test", &root).await.unwrap();
            let said = client.get(path, &headers).await;
            assert_eq!(said.status, 200);
            let token = said.body.split(['"', '=', '&']).skip_while(|word| *word != "access_token");
            let token = token.skip(1).find(|word| word.len() > 20).unwrap_or_else(|| panic!("{}", said.body));
            let real = super::upstream::FILES.iter().find(|file| file.0 == path).unwrap().2;
            assert!(!real.contains(token) && !said.body.contains("MINTEDref"), "{}", said.body);
            assert_eq!(said.body.len(), real.len(), "{}", said.body);
            // Used at the same host it is the real one there; elsewhere it is refused like the secret that it came from.
            let mut client = world.tls("api.example.test", &root).await.unwrap();
            let said = client.get("/v1/echo", &[("authorization", &format!("Bearer {token}"))]).await;
            assert_eq!(said.status, 200, "{}", said.body);
            assert!(said.body.contains(token) && !said.body.contains("MINTED"), "{}", said.body);
            let real = real.split(['"', '=', '&']).find(|word| word.starts_with("MINTED")).unwrap();
            assert!(
                world.upstream.heads().contains(&format!("authorization: Bearer {real}\n")),
                "{}",
                world.upstream.heads()
            );
            let mut client = world.tls("api.example.test", &root).await.unwrap();
            assert_eq!(client.get("/v1/echo", &[("x-note", token)]).await.status, 403);
        }
    }
    assert!(
        world.minted().iter().any(|what| what == "api.example.test:443 access_token of openai"),
        "{:?}",
        world.minted()
    );
    assert!(world.minted().iter().any(|what| what.ends_with("cookie session")), "{:?}", world.minted());
}

#[tokio::test]
async fn keys_that_aws_lends_are_placeholders_too() {
    let world = World::start("").await;
    let root = world.run_root();
    let mut client = world.tls("api.example.test", &root).await.unwrap();
    let said = client.get("/v1/sts", &[("authorization", &format!("Bearer {TEXT}"))]).await;
    assert!(!said.body.contains("MINTED") && said.body.contains("<AccessKeyId>ASIA"), "{}", said.body);
    let part = |name: &str| said.body.split(&format!("<{name}>")).nth(1).unwrap().split('<').next().unwrap().to_owned();
    let (id, token) = (part("AccessKeyId"), part("SessionToken"));
    let signed = format!(
        "AWS4-HMAC-SHA256 Credential={id}/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=0000"
    );
    let mut client = world.tls("api.example.test", &root).await.unwrap();
    let headers =
        [("authorization", signed.as_str()), ("x-amz-date", "20150830T123600Z"), ("x-amz-security-token", &token)];
    let said = client.get("/v1/echo", &headers).await;
    assert_eq!(said.status, 200, "{}", said.body);
    let heads = world.upstream.heads();
    assert!(heads.contains("Credential=ASIAMINTED0000000001/20150830"), "{heads}");
    assert!(heads.contains("x-amz-security-token: MINTEDsession//////////aaaabbbbccccdddd=="), "{heads}");
    assert!(!said.body.contains("MINTED"), "{}", said.body);
}

#[tokio::test]
async fn without_a_secret_in_the_request_an_answer_is_left_alone() {
    let world = World::start("hosts = [\"other.example.test\"]\nopen = [\"other.example.test\"]").await;
    let mut client = world.tls("other.example.test", &world.run_root()).await.unwrap();
    assert!(client.get("/v1/token", &[]).await.body.contains("MINTEDabcdef"));
}
