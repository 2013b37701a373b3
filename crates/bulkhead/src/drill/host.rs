//! Hosts of the drill, on loopback: each takes what it is sent, and answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::{ClientConnection, ServerConfig, ServerConnection, StreamOwned};

use crate::net::tls;

/// Longer than any answer of loopback takes.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of a request that are taken.
const MOST: u64 = 64 << 10;

/// A host. Its thread ends with the drill.
pub struct Host {
    /// Where it stands.
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
}

impl Host {
    /// A host that answers each request, over TLS when there is a configuration for it.
    ///
    /// # Errors
    /// When there is no port or no thread.
    pub fn start(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&str) -> Vec<u8> + Send + 'static,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let host = Self { address: listener.local_addr()?, received: Arc::default() };
        let received = Arc::clone(&host.received);
        std::thread::Builder::new().name("drill-host".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                // Fails for who connects and says nothing, or nothing that is understood: then nothing is received.
                drop(stream.set_read_timeout(Some(PATIENCE)));
                match tls.as_ref().map(|tls| ServerConnection::new(Arc::clone(tls))) {
                    None => drop(serve(stream, &received, &answer)),
                    Some(Ok(connection)) => drop(serve(StreamOwned::new(connection, stream), &received, &answer)),
                    Some(Err(error)) => tracing::debug!(%error, "a host of the drill has no TLS"),
                }
            }
        })?;
        Ok(host)
    }

    /// What it was sent since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.received.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn serve(
    mut stream: impl Read + Write,
    received: &Mutex<Vec<String>>,
    answer: &dyn Fn(&str) -> Vec<u8>,
) -> std::io::Result<()> {
    let request = request(&mut stream)?;
    let body = answer(&request);
    received.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    let kind = "application/vnd.pypi.simple.v1+json";
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(&[head.into_bytes(), body].concat())?;
    stream.flush()
}

fn request(stream: &mut impl Read) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let mut stream = stream.take(MOST);
    loop {
        let mut chunk = [0; 4096];
        let got = stream.read(&mut chunk)?;
        bytes.extend_from_slice(&chunk[..got]);
        let text = String::from_utf8_lossy(&bytes);
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| body.len() >= length(head));
        if whole || got == 0 && !bytes.is_empty() {
            return Ok(text.into_owned());
        }
        if got == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn length(head: &str) -> usize {
    let field = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok();
    head.lines().find_map(field).unwrap_or(0)
}

/// Sends a request to that address as to that host; status and body of the answer.
pub fn send(to: SocketAddr, host: &str, request: &str, more: &str, body: &str) -> Option<(u16, Vec<u8>)> {
    exchange(connect(to)?, host, request, more, body)
}

/// The same over TLS, trusting whom programs trust here.
pub fn send_tls(to: SocketAddr, host: &str, request: &str, more: &str, body: &str) -> Option<(u16, Vec<u8>)> {
    fronted(to, host, host, request, more, body)
}

/// The same, with one name in the TLS hello and another in the request.
pub fn fronted(
    to: SocketAddr,
    hello: &str,
    host: &str,
    request: &str,
    more: &str,
    body: &str,
) -> Option<(u16, Vec<u8>)> {
    let config = tls::client(tls::Trust::System).ok()?;
    let connection = ClientConnection::new(config, hello.to_owned().try_into().ok()?).ok()?;
    exchange(StreamOwned::new(connection, connect(to)?), host, request, more, body)
}

#[expect(clippy::disallowed_methods, reason = "the drill tries what a payload tries; it has no other way out")]
fn connect(to: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&to, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    Some(stream)
}

fn exchange(
    mut stream: impl Read + Write,
    host: &str,
    request: &str,
    more: &str,
    body: &str,
) -> Option<(u16, Vec<u8>)> {
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nhost: {host}\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = Vec::new();
    // TLS that ends without a farewell is an error behind the last byte.
    drop(stream.take(16 << 20).read_to_end(&mut answer));
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let status = String::from_utf8_lossy(&answer[..end]).split(' ').nth(1)?.parse().ok()?;
    Some((status, answer[end + 4..].to_vec()))
}
