//! An upstream that repeats what it is sent, over HTTP and over TLS with a certificate of its own authority.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::gate::egress::ca::Ca;
use crate::gate::egress::host::Host;

/// The upstream; its tasks end with the runtime of the test.
pub(super) struct Upstream {
    pub(super) tls: SocketAddr,
    pub(super) plain: SocketAddr,
    pub(super) root: CertificateDer<'static>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    /// Answers as any of these hosts; the first name's certificate is shown to all, so each host gets its own listener
    /// in `tls` only for that name.
    pub(super) async fn start(hosts: &[&str]) -> Self {
        let ca = Arc::new(Ca::new("upstream").unwrap());
        let stranger = Arc::new(Ca::new("nobody's").unwrap());
        let root = pem_to_der(ca.pem());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (tls, plain) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let addresses = (tls.local_addr().unwrap(), plain.local_addr().unwrap());
        let hosts: Vec<Host> = hosts.iter().map(|host| Host::parse(host).unwrap()).collect();
        let seen = Arc::clone(&heads);
        spawn(async move {
            while let Ok((stream, _)) = tls.accept().await {
                let (ca, seen, hosts) = (Arc::clone(&ca), Arc::clone(&seen), hosts.clone());
                let stranger = Arc::clone(&stranger);
                spawn(async move {
                    let acceptor = tokio_rustls::LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream);
                    let Ok(start) = acceptor.await else { return };
                    let name = start.client_hello().server_name().map(str::to_owned).unwrap_or_default();
                    let Some(host) = hosts.iter().find(|host| host.name() == Some(&name)) else { return };
                    let config = match name.split('.').next() {
                        Some("expired") => ca.serve_expired(host),
                        Some("stranger") => stranger.serve_as(host).unwrap(),
                        Some("elsewhere") => ca.serve_as(&Host::parse("another.example.test").unwrap()).unwrap(),
                        _ => ca.serve_as(host).unwrap(),
                    };
                    if let Ok(stream) = start.into_stream(config).await {
                        talk(stream, seen).await;
                    }
                });
            }
        });
        let seen = Arc::clone(&heads);
        spawn(async move {
            while let Ok((stream, _)) = plain.accept().await {
                spawn(talk(stream, Arc::clone(&seen)));
            }
        });
        Self { tls: addresses.0, plain: addresses.1, root, heads }
    }

    /// How many requests came.
    pub(super) fn seen(&self) -> usize {
        self.heads.lock().unwrap().len()
    }

    /// Their heads, one after the other.
    pub(super) fn heads(&self) -> String {
        self.heads.lock().unwrap().concat()
    }
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, seen: Arc<Mutex<Vec<String>>>) {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase_names();
        bytes.drain(..end);
        seen.lock().unwrap().push(head.clone());
        let authorization =
            head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("none").to_owned();
        let mut body = head.clone().into_bytes();
        let mut more = String::new();
        if head.contains("/v1/gzip") {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&body).unwrap();
            body = encoder.finish().unwrap();
            more = "content-encoding: gzip\r\n".to_owned();
        }
        let answer =
            format!("HTTP/1.1 200 OK\r\nx-you-sent: {authorization}\r\n{more}content-length: {}\r\n\r\n", body.len());
        if stream.write_all(&[answer.as_bytes(), &body].concat()).await.is_err() {
            return;
        }
    }
}

trait Names {
    fn to_lowercase_names(&self) -> String;
}

impl<T: AsRef<str>> Names for T {
    fn to_lowercase_names(&self) -> String {
        let line = |line: &str| match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}\n", name.to_ascii_lowercase()),
            None => format!("{line}\n"),
        };
        self.as_ref().lines().map(line).collect()
    }
}

/// The one certificate of a PEM text.
pub(super) fn pem_to_der(pem: &str) -> CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "it ends with the runtime of the test")]
    tokio::spawn(work);
}
