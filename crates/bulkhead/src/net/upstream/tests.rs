//! Everything an upstream can do wrong, and where credentials go.

use std::collections::HashMap;
use std::net::IpAddr;

use bulkhead_core::Code;

use super::*;
use crate::net::encoding::gzip;
use crate::net::fake::{Fake, Reply, http, path};
use crate::net::tls::Trust;

const QUICK: Duration = Duration::from_millis(60);
const AMPLE: Duration = Duration::from_secs(30);

fn limits() -> Limits {
    Limits { connect: AMPLE, first_byte: AMPLE, idle: AMPLE, page: AMPLE, max_page: 10_000, max_file: 10_000 }
}

fn no_roots() -> Trust {
    let key = rcgen::generate_simple_self_signed(["upstream.test".to_owned()]).unwrap();
    Trust::Roots(vec![key.cert.der().clone()])
}

fn options(base: Uri) -> UpstreamOptions {
    UpstreamOptions {
        base,
        credentials: None,
        hosts: Vec::new(),
        limits: limits(),
        trust: no_roots(),
        resolver: Resolver::Table(HashMap::new()),
    }
}

fn table(names: &[(&str, &str)]) -> Resolver {
    let entry = |(name, ip): &(&str, &str)| ((*name).to_owned(), vec![ip.parse::<IpAddr>().unwrap()]);
    Resolver::Table(names.iter().map(entry).collect())
}

async fn fake(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> (Fake, Upstream) {
    let fake = Fake::start(move |head| Reply::Keep(answer(head))).await;
    let upstream = Upstream::new(options(fake.url("/simple/")));
    (fake, upstream)
}

async fn page(upstream: &Upstream, uri: &Uri) -> Result<PageAnswer, FetchError> {
    upstream.fetch_page(uri, "application/json", None).await
}

async fn file(upstream: &Upstream, uri: &Uri) -> Result<Vec<u8>, FetchError> {
    let mut stream = upstream.fetch_file(uri).await?;
    let mut out = Vec::new();
    while let Some(chunk) = stream.next_chunk().await? {
        out.extend_from_slice(&chunk);
    }
    Ok(out)
}

fn fresh(answer: PageAnswer) -> crate::net::Page {
    match answer {
        PageAnswer::Fresh(page) => page,
        other => panic!("not a page: {other:?}"),
    }
}

#[tokio::test]
async fn a_page_is_decoded_and_knows_its_etag_and_type() {
    let (fake, upstream) = fake(|_| {
        let body = gzip(b"<html>not json</html>");
        http("200 OK", "ETag: \"7\"\r\nContent-Encoding: gzip\r\nContent-Type: text/html\r\n", &body)
    })
    .await;
    let page = fresh(page(&upstream, &fake.url("/simple/x/")).await.unwrap());
    assert_eq!(page.bytes, "<html>not json</html>");
    assert_eq!(page.content_type, "text/html");
    assert_eq!(page.etag.as_deref(), Some("\"7\""));
    assert_eq!(page.final_url, fake.url("/simple/x/"));
    let head = fake.seen().concat().to_lowercase();
    assert!(head.contains("accept: application/json\r\n") && head.contains("accept-encoding: gzip\r\n"), "{head}");
}

#[tokio::test]
async fn a_page_may_be_unchanged_or_missing() {
    let (fake, upstream) = fake(|head| match path(head) {
        "/gone/" => http("410 Gone", "", b""),
        "/none/" => http("404 Not Found", "", b"no"),
        _ => b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec(),
    })
    .await;
    let known = upstream.fetch_page(&fake.url("/x/"), "a/b", Some("\"7\"")).await;
    assert_eq!(known, Ok(PageAnswer::NotModified));
    assert!(fake.seen()[0].to_lowercase().contains("if-none-match: \"7\"\r\n"));
    assert_eq!(page(&upstream, &fake.url("/none/")).await, Ok(PageAnswer::NotFound));
    assert_eq!(page(&upstream, &fake.url("/gone/")).await, Ok(PageAnswer::NotFound));
    // 304 to an unconditional question is nonsense and not an empty page.
    assert_eq!(page(&upstream, &fake.url("/x/")).await.unwrap_err().code(), Code::UpstreamStatus);
}

#[tokio::test]
async fn other_statuses_are_never_taken_for_not_found() {
    let (fake, upstream) = fake(|head| http(&path(head)[1..].replace('-', " "), "", b"")).await;
    for status in ["401-Unauthorized", "403-Forbidden", "429-Slow", "500-Oops", "503-Busy", "206-Part", "204-Empty"] {
        let uri = fake.url(&format!("/{status}"));
        assert_eq!(page(&upstream, &uri).await.unwrap_err().code(), Code::UpstreamStatus, "{status}");
        assert_eq!(file(&upstream, &uri).await.unwrap_err().code(), Code::UpstreamStatus, "{status}");
    }
    let problem = page(&upstream, &fake.url("/403-Forbidden")).await.unwrap_err().problem();
    assert!(problem.help.contains("credentials"), "{problem}");
}

#[tokio::test]
async fn silence_is_a_timeout_before_and_inside_an_answer() {
    let fake = Fake::start(|head| match path(head) {
        "/silent/" => Reply::Hang(Vec::new()),
        _ => Reply::Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec()),
    })
    .await;
    let mut options = options(fake.url("/"));
    (options.limits.connect, options.limits.first_byte, options.limits.idle) = (QUICK, QUICK, QUICK);
    let upstream = Upstream::new(options);
    for place in ["/silent/", "/half/"] {
        assert_eq!(page(&upstream, &fake.url(place)).await.unwrap_err().code(), Code::UpstreamTimeout, "{place}");
        assert_eq!(file(&upstream, &fake.url(place)).await.unwrap_err().code(), Code::UpstreamTimeout, "{place}");
    }
}

#[tokio::test]
async fn a_page_has_a_time_limit_as_a_whole() {
    let fake = Fake::start(|_| Reply::Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec())).await;
    let mut options = options(fake.url("/"));
    options.limits.page = QUICK;
    let error = page(&Upstream::new(options), &fake.url("/x/")).await.unwrap_err();
    assert_eq!(error.code(), Code::UpstreamTimeout);
}

#[tokio::test]
async fn a_truncated_body_is_an_error() {
    let fake = Fake::start(|head| {
        Reply::Close(match path(head) {
            "/length" => b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec(),
            "/chunked" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel".to_vec(),
            "/last-chunk" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n".to_vec(),
            _ => {
                let whole = gzip(b"a page that is longer than its beginning");
                http("200 OK", "Content-Encoding: gzip\r\n", &whole[..whole.len() - 6])
            }
        })
    })
    .await;
    let upstream = Upstream::new(options(fake.url("/")));
    for place in ["/length", "/chunked", "/last-chunk"] {
        assert_eq!(file(&upstream, &fake.url(place)).await.unwrap_err().code(), Code::UpstreamMalformed, "{place}");
        assert_eq!(page(&upstream, &fake.url(place)).await.unwrap_err().code(), Code::UpstreamMalformed, "{place}");
    }
    assert_eq!(page(&upstream, &fake.url("/gzip")).await.unwrap_err().code(), Code::UpstreamMalformed);
}

#[tokio::test]
async fn what_follows_a_body_is_not_the_next_answer() {
    let (fake, upstream) = fake(|head| {
        let mut out = http("200 OK", "", path(head).as_bytes());
        out.extend(http("200 OK", "", b"smuggled"));
        out
    })
    .await;
    for place in ["/a", "/b", "/c", "/d"] {
        assert_eq!(file(&upstream, &fake.url(place)).await, Ok(place.as_bytes().to_vec()));
    }
}

#[tokio::test]
async fn nonsense_is_malformed() {
    let cases: [&[u8]; 4] = [
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    ];
    for case in cases {
        let fake = Fake::start(move |_| Reply::Close(case.to_vec())).await;
        let upstream = Upstream::new(options(fake.url("/")));
        let error = file(&upstream, &fake.url("/x")).await.unwrap_err();
        assert_eq!(error.code(), Code::UpstreamMalformed, "{error}");
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_says_so() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let base: Uri = format!("http://127.0.0.1:{port}/simple/").parse().unwrap();
    let error = page(&Upstream::new(options(base.clone())), &base).await.unwrap_err();
    assert_eq!(error.code(), Code::UpstreamUnreachable);
    assert!(error.to_string().contains("does not accept connections"), "{error}");
    let unknown: Uri = "http://nowhere.test/simple/".parse().unwrap();
    let error = page(&Upstream::new(options(unknown.clone())), &unknown).await.unwrap_err();
    assert_eq!(error.code(), Code::UpstreamUnreachable);
    assert!(error.to_string().contains("nowhere.test does not resolve"), "{error}");
}

#[tokio::test]
async fn sizes_are_capped_however_they_come() {
    let (fake, upstream) = fake(|head| match path(head) {
        "/announced" => http("200 OK", "", &[b'x'; 10_001]),
        "/chunked" => {
            let mut out = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for _ in 0..11 {
                out.extend(b"3e8\r\n");
                out.extend([b'x'; 1000]);
                out.extend(b"\r\n");
            }
            out.extend(b"0\r\n\r\n");
            out
        }
        "/bomb" => http("200 OK", "Content-Encoding: gzip\r\n", &gzip(&vec![0; 5_000_000])),
        _ => http("200 OK", "", &[b'x'; 10_000]),
    })
    .await;
    for place in ["/announced", "/chunked"] {
        assert_eq!(file(&upstream, &fake.url(place)).await.unwrap_err().code(), Code::UpstreamTooLarge, "{place}");
        assert_eq!(page(&upstream, &fake.url(place)).await.unwrap_err().code(), Code::UpstreamTooLarge, "{place}");
    }
    let bomb = page(&upstream, &fake.url("/bomb")).await.unwrap_err();
    assert_eq!(bomb.code(), Code::UpstreamTooLarge);
    assert!(bomb.problem().help.contains("`max_index`"), "{}", bomb.problem());
    assert_eq!(file(&upstream, &fake.url("/fits")).await.map(|bytes| bytes.len()), Ok(10_000));
}

#[tokio::test]
async fn encodings_that_were_not_asked_for_are_refused() {
    let (fake, upstream) = fake(|head| match path(head) {
        "/gzip" => http("200 OK", "Content-Encoding: gzip\r\n", &gzip(b"x")),
        _ => http("200 OK", "Content-Encoding: br\r\n", b"x"),
    })
    .await;
    assert_eq!(file(&upstream, &fake.url("/gzip")).await.unwrap_err().code(), Code::UpstreamMalformed);
    assert_eq!(page(&upstream, &fake.url("/br")).await.unwrap_err().code(), Code::UpstreamMalformed);
    assert!(fake.seen()[0].to_lowercase().contains("accept-encoding: identity\r\n"));
}

#[tokio::test]
async fn redirects_are_followed_a_few_times() {
    let (fake, upstream) = fake(|head| match path(head) {
        "/simple/X" => http("308 Permanent", "Location: x/\r\n", b""),
        "/simple/x/" => http("302 Found", "Location: ../y/?a=b#c\r\n", b""),
        "/simple/y/?a=b" => http("200 OK", "", b"here"),
        "/loop" => http("301 Moved", "Location: /loop\r\n", b""),
        "/nowhere" => http("301 Moved", "", b""),
        _ => http("301 Moved", "Location: ftp://upstream.test/x\r\n", b""),
    })
    .await;
    let page_here = fresh(page(&upstream, &fake.url("/simple/X")).await.unwrap());
    assert_eq!((page_here.bytes.as_ref(), page_here.final_url), (&b"here"[..], fake.url("/simple/y/?a=b")));
    for place in ["/loop", "/nowhere", "/ftp"] {
        assert_eq!(page(&upstream, &fake.url(place)).await.unwrap_err().code(), Code::UpstreamMalformed, "{place}");
    }
    assert_eq!(fake.seen().iter().filter(|head| path(head) == "/loop").count(), MAX_REDIRECTS + 1);
}

#[tokio::test]
async fn a_redirect_to_an_inner_address_is_not_followed() {
    let inner = Fake::start_on("127.0.0.2".parse().unwrap(), |_| Reply::Keep(http("200 OK", "", b"inner"))).await;
    let port = inner.address.port();
    let places = [
        format!("http://127.0.0.2:{port}/"),
        format!("http://inner.test:{port}/"),
        // getaddrinfo takes this spelling for 127.0.0.2.
        format!("http://2130706434:{port}/"),
        format!("http://[::ffff:127.0.0.2]:{port}/"),
        format!("http://[::1]:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[fd00:ec2::254]/latest/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "http://0.0.0.0/".to_owned(),
    ];
    for place in places {
        let to = place.clone();
        let fake = Fake::start(move |_| Reply::Keep(http("302 Found", &format!("Location: {to}\r\n"), b""))).await;
        let mut options = options(fake.url("/"));
        if place.contains("2130706434") {
            options.resolver = Resolver::system();
        } else {
            options.resolver = table(&[("inner.test", "127.0.0.2")]);
        }
        let upstream = Upstream::new(options);
        let error = file(&upstream, &fake.url("/x")).await.unwrap_err();
        assert_eq!(error.code(), Code::UpstreamAddress, "{place}: {error}");
        // The same holds for a link that leads there directly.
        let error = file(&upstream, &place.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.code(), Code::UpstreamAddress, "{place}: {error}");
    }
    assert_eq!(inner.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn the_upstream_address_is_trusted_under_another_name_and_a_listed_host_anywhere() {
    let fake = Fake::start(|_| Reply::Keep(http("200 OK", "", b"file"))).await;
    let other = Fake::start_on("127.0.0.2".parse().unwrap(), |_| Reply::Keep(http("200 OK", "", b"other"))).await;
    let names = [("upstream.test", "127.0.0.1"), ("files.test", "127.0.0.1"), ("other.test", "127.0.0.2")];
    let mut strict = options(fake.url_as("upstream.test", "/simple/"));
    strict.resolver = table(&names);
    let strict = Upstream::new(strict);
    assert_eq!(file(&strict, &fake.url_as("FILES.test.", "/x")).await, Ok(b"file".to_vec()));
    let refused = file(&strict, &other.url_as("other.test", "/x")).await.unwrap_err();
    assert_eq!(refused.code(), Code::UpstreamAddress);
    assert!(refused.to_string().contains("other.test is at 127.0.0.2, which is loopback"), "{refused}");
    assert!(refused.problem().help.contains("`hosts`"));
    for (listed, good) in [
        ("Other.test".to_owned(), true),
        (format!("other.test:{}", other.address.port()), true),
        ("other.test:1".to_owned(), false),
    ] {
        let mut options = options(fake.url_as("upstream.test", "/simple/"));
        (options.resolver, options.hosts) = (table(&names), vec![listed.to_lowercase()]);
        let outcome = file(&Upstream::new(options), &other.url_as("other.test", "/x")).await;
        assert_eq!(outcome.is_ok(), good, "{listed}: {outcome:?}");
    }
}

#[tokio::test]
async fn only_the_public_ones_of_several_addresses_are_dialled() {
    let connector = Connector {
        rule: Arc::new(LinkRule::new(&"http://upstream.test/".parse().unwrap(), &[])),
        resolver: Arc::new(Resolver::Table(HashMap::from([
            ("mixed.test".to_owned(), vec!["10.0.0.1".parse().unwrap(), "8.8.8.8".parse().unwrap()]),
            ("upstream.test".to_owned(), vec!["10.0.0.9".parse().unwrap()]),
        ]))),
        limit: AMPLE,
    };
    let good = connector.addresses("mixed.test", 443).await.unwrap();
    assert_eq!(good, ["8.8.8.8:443".parse().unwrap()]);
}

#[tokio::test]
async fn credentials_go_to_the_upstream_alone() {
    let names = [("upstream.test", "127.0.0.1"), ("files.test", "127.0.0.1")];
    let fake = Fake::start(|head| {
        let port = head.to_lowercase().split("host: ").nth(1).unwrap().split([':', '\r']).nth(1).unwrap().to_owned();
        Reply::Keep(match path(head) {
            "/away" => http("302 Found", &format!("Location: http://files.test:{port}/back\r\n"), b""),
            "/back" => http("302 Found", &format!("Location: http://upstream.test:{port}/home\r\n"), b""),
            "/slash" => http("308 Found", "Location: /slash/\r\n", b""),
            _ => http("200 OK", "", b"ok"),
        })
    })
    .await;
    let mut options = options(fake.url_as("upstream.test", "/simple/"));
    options.resolver = table(&names);
    options.credentials = Some(Secret::new("user:s3cret-päss"));
    let upstream = Upstream::new(options);
    for (host, place) in [("upstream.test", "/slash"), ("upstream.test", "/away"), ("files.test", "/direct")] {
        assert_eq!(file(&upstream, &fake.url_as(host, place)).await, Ok(b"ok".to_vec()));
    }
    // "user:s3cret-päss" in base64.
    let expected = "authorization: Basic dXNlcjpzM2NyZXQtcMOkc3M=\r\n";
    let seen = fake.seen();
    let got: Vec<(&str, bool)> = seen.iter().map(|head| (path(head), head.contains(expected))).collect();
    assert!(seen.iter().all(|head| head.contains(expected) || !head.to_lowercase().contains("authorization")));
    assert_eq!(
        got,
        [
            ("/slash", true),
            ("/slash/", true),
            ("/away", true),
            ("/back", false),
            // Sent here by a stranger, so without credentials, although it is the upstream again.
            ("/home", false),
            ("/direct", false),
        ]
    );
}

#[tokio::test]
async fn errors_show_neither_credentials_nor_signatures() {
    let (fake, upstream) = fake(|_| http("500 Oops", "", b"")).await;
    let error = file(&upstream, &fake.url("/x?sig=s3cret")).await.unwrap_err();
    assert!(!format!("{error} {error:?} {}", error.problem()).contains("s3cret"));
    let inside: Uri = format!("http://user:s3cret@{}/x", fake.address).parse().unwrap();
    let error = file(&upstream, &inside).await.unwrap_err();
    assert_eq!(error.code(), Code::UpstreamAddress);
    assert!(!format!("{error} {error:?} {}", error.problem()).contains("s3cret"));
}

#[tokio::test]
async fn an_https_upstream_is_never_left_for_http() {
    let plain = Fake::start(|_| Reply::Keep(http("200 OK", "", b"plain"))).await;
    let upstream = Upstream::new(options("https://upstream.test/simple/".parse().unwrap()));
    let error = file(&upstream, &plain.url("/x")).await.unwrap_err();
    assert_eq!(error.code(), Code::UpstreamAddress);
    assert!(error.to_string().contains("from https to http"), "{error}");
    assert_eq!(plain.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn connections_are_kept_and_a_closed_one_is_replaced() {
    let fake = Fake::start(|head| {
        // Announces keep-alive, then closes: what a server with a short idle time does.
        if path(head) == "/close" {
            Reply::Close(http("200 OK", "", b"1"))
        } else {
            Reply::Keep(http("200 OK", "", b"2"))
        }
    })
    .await;
    let upstream = Upstream::new(options(fake.url("/")));
    for _ in 0..20 {
        assert_eq!(file(&upstream, &fake.url("/close")).await, Ok(b"1".to_vec()));
        assert_eq!(file(&upstream, &fake.url("/keep")).await, Ok(b"2".to_vec()));
    }
}
