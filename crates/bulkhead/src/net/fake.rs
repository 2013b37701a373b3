//! A scriptable upstream on loopback that may break every rule of HTTP; tests only.
#![expect(clippy::disallowed_methods, reason = "its tasks end with the runtime of the test")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use http::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the fake does after reading a request's head.
pub(super) enum Reply {
    /// Write, then wait for the next request.
    Keep(Vec<u8>),
    /// Write, then close.
    Close(Vec<u8>),
    /// Write, then say nothing more and stay open.
    Hang(Vec<u8>),
}

/// The server; it ends with the runtime of its test.
pub(super) struct Fake {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Listens on 127.0.0.1; `answer` gets each request's head.
    pub(super) async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into(), answer).await
    }

    /// Listens on any loopback address.
    pub(super) async fn start_on(ip: IpAddr, answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let fake = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (seen, answer) = (fake.seen.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, seen.clone(), answer.clone()));
            }
        });
        fake
    }

    /// A URL on this server by its address.
    pub(super) fn url(&self, path: &str) -> Uri {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    /// A URL on this server under another name.
    pub(super) fn url_as(&self, host: &str, path: &str) -> Uri {
        format!("http://{host}:{}{path}", self.address.port()).parse().unwrap()
    }

    /// The heads of all requests so far.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn talk(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>, answer: Arc<impl Fn(&str) -> Reply>) {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(count) => buffer.extend_from_slice(&chunk[..count]),
            }
        };
        let head = String::from_utf8(buffer.drain(..end).collect()).unwrap();
        seen.lock().unwrap().push(head.clone());
        let (bytes, after) = match answer(&head) {
            Reply::Keep(bytes) => (bytes, None),
            Reply::Close(bytes) => (bytes, Some(false)),
            Reply::Hang(bytes) => (bytes, Some(true)),
        };
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
        match after {
            None => {}
            Some(false) => return,
            Some(true) => std::future::pending().await,
        }
    }
}

/// A well-formed answer.
pub(super) fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    out.extend_from_slice(body);
    out
}

/// The path of a request's head.
pub(super) fn path(head: &str) -> &str {
    head.split(' ').nth(1).unwrap()
}
