//! The server as a client on a raw socket sees it.
#![expect(clippy::disallowed_methods, reason = "a client's side of the connection, and tasks that end with the test")]

use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};

use super::*;
use crate::net::Body;

/// Answers with method and path, after reading the body; counts what reaches it.
#[derive(Clone, Default)]
struct Echo {
    reached: Arc<AtomicUsize>,
    entered: Arc<Notify>,
    /// Requests to `/wait` finish when this is notified.
    go: Arc<Notify>,
}

impl Service<Request<Incoming>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let Self { reached, entered, go } = self.clone();
        Box::pin(async move {
            reached.fetch_add(1, Ordering::SeqCst);
            entered.notify_one();
            let tls = request.extensions().get::<Peer>().is_some_and(|peer| peer.tls);
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            if path == "/wait" {
                go.notified().await;
            }
            let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let text = format!("{method} {path} {} tls={tls}", String::from_utf8_lossy(&body));
            Ok(Response::new(Body::from(text)))
        })
    }
}

struct Running {
    address: SocketAddr,
    echo: Echo,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
}

async fn start(limits: ServerLimits) -> Running {
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), None, limits).await.unwrap();
    let (address, echo) = (server.address().unwrap(), Echo::default());
    let (stop, stopped) = oneshot::channel();
    let service = echo.clone();
    let ended = tokio::spawn(async move { server.serve(service, async { drop(stopped.await) }).await });
    Running { address, echo, stop, ended }
}

/// Sends everything and reads until the server closes.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut out = Vec::new();
    // A reset after the answer is a way to close, too.
    drop(stream.read_to_end(&mut out).await);
    String::from_utf8(out).unwrap()
}

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

#[tokio::test]
async fn ambiguous_requests_are_refused_and_the_connection_ends() {
    let table: [(&str, &str, &str); 25] = [
        ("no host", "GET / HTTP/1.1\r\n\r\n", "400"),
        ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        ("the same host twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"),
        ("empty host", "GET / HTTP/1.1\r\nHost: \r\n\r\n", "400"),
        ("host with user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400"),
        ("host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"),
        ("absolute form of another host", "GET http://other.test/ HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("connect", "CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n", "405"),
        ("get with length", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "400"),
        ("get with chunks", "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        ("head with length", "HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "400"),
        (
            "get with both",
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "400",
        ),
        ("two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "400"),
        ("a list of lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 4\r\n\r\nabc", "400"),
        ("negative length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\nabc", "400"),
        ("signed length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc", "400"),
        ("unknown encoding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400"),
        (
            "chunked not last",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            "400",
        ),
        ("chunks in 1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        ("space before colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400"),
        ("folded header", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", "400"),
        ("NUL in a header", "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", "400"),
        ("bare CR in a header", "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", "400"),
        ("raw bytes in the path", "GET /\u{fc} HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("space in the path", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
    ];
    let running = start(ServerLimits::default()).await;
    for (name, request, status) in table {
        let answer = exchange(running.address, format!("{request}{SMUGGLED}").as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{name}: {answer}");
        assert_eq!(running.echo.reached.load(Ordering::SeqCst), 0, "{name}: {answer}");
    }
}

#[tokio::test]
async fn nothing_is_read_behind_a_chunked_request() {
    let shapes = [
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ];
    for shape in shapes {
        let running = start(ServerLimits::default()).await;
        let request = format!("POST /first HTTP/1.1\r\nHost: h\r\n{shape}\r\n0\r\n\r\n{SMUGGLED}");
        let answer = exchange(running.address, request.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{shape}: {answer}");
        assert!(running.echo.reached.load(Ordering::SeqCst) <= 1, "{shape}: {answer}");
        assert!(!answer.contains("smuggled"), "{shape}: {answer}");
    }
}

#[tokio::test]
async fn good_requests_pass_in_every_shape() {
    let running = start(ServerLimits::default()).await;
    let table = [
        ("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /a"),
        ("GET http://H/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /a"),
        ("GET /a HTTP/1.0\r\n\r\n", "GET /a"),
        ("GET /a HTTP/1.1\r\nHost: 127.0.0.1:7070\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "GET /a"),
        ("GET /a HTTP/1.1\r\nHost: [::1]:7070\r\nConnection: close\r\n\r\n", "GET /a"),
        ("GET /%C3%BC%2e%00 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /%C3%BC%2e%00"),
        ("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", "POST /a abc"),
    ];
    for (request, expected) in table {
        let answer = exchange(running.address, request.as_bytes()).await;
        assert!(answer.contains(" 200 OK\r\n") && answer.contains(expected), "{request}: {answer}");
    }
    let both = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let answer = exchange(running.address, both.as_bytes()).await;
    assert!(answer.contains("GET /a") && answer.contains("GET /b"), "{answer}");
}

#[tokio::test]
async fn heads_are_limited() {
    let running = start(ServerLimits::default()).await;
    let many = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(100));
    let large = format!("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX: {}\r\n\r\n", "y".repeat(40 << 10));
    let long = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "y".repeat(9 << 10));
    assert!(exchange(running.address, many.as_bytes()).await.starts_with("HTTP/1.1 431 "));
    assert!(exchange(running.address, large.as_bytes()).await.starts_with("HTTP/1.1 431 "));
    assert!(exchange(running.address, long.as_bytes()).await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn a_slow_head_does_not_hold_a_connection() {
    let limits = ServerLimits { head: Duration::from_millis(40), ..ServerLimits::default() };
    let running = start(limits).await;
    // Returns only because the server closes.
    let answer = exchange(running.address, b"GET / HTTP/1.1\r\nHost: h\r\nX: ").await;
    assert!(!answer.contains(" 200 "), "{answer}");
    assert_eq!(exchange(running.address, b"").await, "");
}

#[tokio::test]
async fn the_reason_phrase_reaches_the_wire() {
    let running = start(ServerLimits::default()).await;
    let answer = exchange(running.address, b"GET / HTTP/1.1\r\n\r\n").await;
    let first = answer.lines().next().unwrap();
    assert_eq!(first, "HTTP/1.1 400 Bulkhead: Request not understood: a request without a Host header (bad-request)");
    assert!(answer.contains("content-type: application/problem+json\r\n") && answer.contains("connection: close\r\n"));
}

#[tokio::test]
async fn too_many_connections_wait_instead_of_failing() {
    let running = start(ServerLimits { connections: 1, ..ServerLimits::default() }).await;
    let wait = "GET /wait HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let first = tokio::spawn(exchange(running.address, wait.as_bytes()));
    running.echo.entered.notified().await;
    let second =
        tokio::spawn(exchange(running.address, b"GET /second HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    running.echo.go.notify_one();
    assert!(first.await.unwrap().contains("GET /wait"));
    assert!(second.await.unwrap().contains("GET /second"));
}

#[tokio::test]
async fn shutdown_finishes_open_requests_and_drops_idle_connections() {
    let running = start(ServerLimits::default()).await;
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    let open = tokio::spawn(exchange(running.address, b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
    running.echo.entered.notified().await;
    running.stop.send(()).unwrap();
    let mut rest = Vec::new();
    drop(idle.read_to_end(&mut rest).await);
    assert!(rest.is_empty());
    running.echo.go.notify_one();
    assert!(open.await.unwrap().contains("GET /wait"));
    running.ended.await.unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let running = start(ServerLimits { drain: Duration::from_millis(20), ..ServerLimits::default() }).await;
    let open = tokio::spawn(exchange(running.address, b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
    running.echo.entered.notified().await;
    running.stop.send(()).unwrap();
    running.ended.await.unwrap();
    open.abort();
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    let running = start(ServerLimits::default()).await;
    assert!(Server::bind(running.address, None, ServerLimits::default()).await.is_err());
}

mod over_tls {
    use std::collections::HashMap;

    use super::*;
    use crate::net::tls::{self, Trust};
    use crate::net::{FetchError, Limits, Resolver, Upstream, UpstreamOptions};

    /// Both halves of `net` against each other: our client, our server, a certificate for `upstream.test`.
    async fn fetch(trusted: bool, name: &str) -> Result<Vec<u8>, FetchError> {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["upstream.test".to_owned()]).unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let config = tls::server(&cert, &key).unwrap();
        let server = Server::bind("127.0.0.1:0".parse().unwrap(), Some(config), ServerLimits::default()).await.unwrap();
        let port = server.address().unwrap().port();
        tokio::spawn(server.serve(Echo::default(), std::future::pending()));
        let other = rcgen::generate_simple_self_signed(["upstream.test".to_owned()]).unwrap();
        let root = if trusted { made.cert.der().clone() } else { other.cert.der().clone() };
        let ample = Duration::from_secs(30);
        let base: http::Uri = format!("https://{name}:{port}/simple/").parse().unwrap();
        let upstream = Upstream::new(UpstreamOptions {
            base: base.clone(),
            credentials: None,
            hosts: Vec::new(),
            limits: Limits { connect: ample, first_byte: ample, idle: ample, page: ample, max_page: 99, max_file: 99 },
            trust: Trust::Roots(vec![root]),
            resolver: Resolver::Table(HashMap::from([(name.to_owned(), vec!["127.0.0.1".parse().unwrap()])])),
        });
        let mut stream = upstream.fetch_file(&base).await?;
        Ok(stream.next_chunk().await?.unwrap_or_default().to_vec())
    }

    #[tokio::test]
    async fn a_trusted_certificate_of_the_right_name_is_needed() {
        assert_eq!(fetch(true, "upstream.test").await, Ok(b"GET /simple/  tls=true".to_vec()));
        for (trusted, name) in [(false, "upstream.test"), (true, "other.test")] {
            let error = fetch(trusted, name).await.unwrap_err();
            assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
            assert!(error.to_string().contains("certificate"), "{error}");
        }
    }

    #[test]
    fn a_file_without_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        assert!(tls::server(&cert, &key).unwrap_err().to_string().contains("cert.pem"));
        std::fs::write(&cert, "nothing").unwrap();
        assert!(tls::server(&cert, &key).unwrap_err().to_string().contains("no certificate"));
        std::fs::write(&cert, rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap().cert.pem()).unwrap();
        assert!(tls::server(&cert, &key).unwrap_err().to_string().contains("key.pem"));
    }
}
