//! An upstream that repeats what it is sent, over HTTP and over TLS with a certificate of its own authority.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
        let Some(end) = until(&mut stream, &mut bytes, b"\r\n\r\n").await else { return };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase_names();
        bytes.drain(..end);
        let Some(sent) = body(&mut stream, &mut bytes, &head).await else { return };
        seen.lock().unwrap().push(format!("{head}{sent}"));
        if answer(&mut stream, &head, &sent).await.is_err() {
            return;
        }
    }
}

/// Reads until the bytes hold that; how far it reaches then.
async fn until(stream: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>, what: &[u8]) -> Option<usize> {
    loop {
        if let Some(at) = bytes.windows(what.len()).position(|window| window == what) {
            return Some(at + what.len());
        }
        if stream.read_buf(bytes).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

/// A request's body, as long as the head says; a chunked one as it came.
async fn body(stream: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>, head: &str) -> Option<String> {
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let end = if field("transfer-encoding:").is_some() {
        until(stream, bytes, b"0\r\n\r\n").await?
    } else {
        field("content-length:").map_or(0, |length| length.parse().unwrap())
    };
    while bytes.len() < end {
        if stream.read_buf(bytes).await.unwrap_or(0) == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&bytes.drain(..end).collect::<Vec<u8>>()).into_owned())
}

/// Repeats what was sent, in the way that the path asks for.
async fn answer(stream: &mut (impl AsyncWrite + Unpin), head: &str, sent: &str) -> std::io::Result<()> {
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let key = ["authorization:", "x-api-key:", "api-key:"].into_iter().find_map(field).unwrap_or("none").to_owned();
    let bare = key.rsplit(' ').next().unwrap();
    let mut more = String::new();
    let mut body = match head.split(' ').nth(1).unwrap_or_default() {
        "/v1/forms" => {
            let hex: String = bare.bytes().map(|byte| format!("{byte:02x}")).collect();
            let percent: String = bare.replace('-', "%2D");
            format!("{} {hex} {} {percent}\n", STANDARD.encode(format!("user:{bare}")), hex.to_uppercase()).into_bytes()
        }
        "/v1/events" => {
            more.push_str("content-type: text/event-stream\r\n");
            format!("event: delta\ndata: {{\"you\":\"{key}\"}}\n\n").repeat(20).into_bytes()
        }
        path => FILES.iter().find(|(file, ..)| *file == path).map_or_else(
            || format!("{head}{sent}").into_bytes(),
            |(_, kind, content)| {
                more.push_str(&format!("content-type: {kind}\r\nset-cookie: session=abcdefghijklmnop; Path=/\r\n"));
                content.as_bytes().to_vec()
            },
        ),
    };
    if head.contains("gzip ") {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&body).unwrap();
        body = encoder.finish().unwrap();
        more.push_str("content-encoding: gzip\r\n");
    }
    let status = format!("HTTP/1.1 200 OK\r\nx-you-sent: {key}\r\n{more}");
    if head.contains("x-pieces") || head.contains("/v1/events") {
        // Pieces of seven bytes: nothing that is looked for comes in one of them.
        stream.write_all(format!("{status}transfer-encoding: chunked\r\n\r\n").as_bytes()).await?;
        for piece in body.chunks(7) {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
            stream.write_all(&[piece, b"\r\n"].concat()).await?;
            stream.flush().await?;
            tokio::task::yield_now().await;
        }
        return stream.write_all(b"0\r\n\r\n").await;
    }
    let head = format!("{status}content-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), &body].concat()).await
}

/// What a service answers that makes new credentials out of old ones: path, kind, content.
pub(super) const FILES: [(&str, &str, &str); 3] = [
    (
        "/v1/token",
        "application/json",
        "{\"token_type\": \"Bearer\", \"access_token\": \"MINTEDabcdefghijklmnop0123\", \"expires_in\": 3600, \
         \"refresh_token\":\"MINTEDrefreshrefreshrefresh9\"}",
    ),
    (
        "/v1/sts",
        "text/xml",
        "<AssumeRoleResponse><Credentials><AccessKeyId>ASIAMINTED0000000001</AccessKeyId><SecretAccessKey>\
         MINTEDkey/000000000000000000000000000+aaaa</SecretAccessKey><SessionToken>MINTEDsession//////////aaaabbbbccccdddd==\
         </SessionToken><Expiration>2026-11-28T00:00:00Z</Expiration></Credentials></AssumeRoleResponse>",
    ),
    ("/v1/form", "application/x-www-form-urlencoded", "access_token=MINTEDformformformform0123&scope=repo"),
];

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
