//! The supervisor's end of a run's network: every connection of the run ends here, and a new one begins where policy lets it.
//!
//! A connection comes in by one of two doors. *Transparent*: the program connected to an address, which stands for the name
//! that it asked the name server for. *Explicit*: the program was told of a proxy. Behind both doors the same happens: the
//! host's name is read in its one spelling, compared with what the connection itself says (TLS hello, `Host`), judged, and
//! dialled by name. What was said by the client never chooses the address.

mod body;
mod message;
mod minted;
mod outward;
mod prefixed;
mod request;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bulkhead_core::{Code, Problem};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::client::TlsStream;

use super::broker::{Given, Known, Misuse, Placeholder};
use super::ca::Ca;
use super::dial::Dialer;
use super::dns;
use super::hello::{self, Hello};
use super::host::Host;
use super::judge::{Boxed, Judge, Wanted, is_in};
use super::names::Names;
use crate::net::problem;
use prefixed::Prefixed;

/// How long the first bytes of a connection may take: programs that speak first do so at once.
const FIRST: Duration = Duration::from_secs(10);
/// The same where the server may speak first (ssh, mail, databases).
const FIRST_ELSEWHERE: Duration = Duration::from_millis(250);

/// One run's egress. Shared by its connections.
pub struct Egress {
    names: Names,
    known: RwLock<Arc<Known>>,
    ca: Ca,
    judge: Arc<dyn Judge>,
    dialer: Dialer,
}

/// A byte stream of the run.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}

impl Egress {
    /// The egress of one run.
    pub fn new(judge: Arc<dyn Judge>, dialer: Dialer, ca: Ca, placeholders: Vec<Placeholder>) -> Arc<Self> {
        let started_with = placeholders.len();
        let known = RwLock::new(Arc::new(Known::new(placeholders, started_with)));
        Arc::new(Self { names: Names::default(), known, ca, judge, dialer })
    }

    /// The run's placeholders, as they are now.
    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// One more, in place of those that are a part of it.
    fn put(&self, placeholder: Placeholder) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let started_with = known.started_with();
        let mut all = known.placeholders().to_vec();
        let part = |mark: &str| placeholder.marks().any(|new| new == mark);
        let mut place = 0;
        all.retain(|old| {
            place += 1;
            place <= started_with || !old.marks().any(part)
        });
        if all.len() >= started_with + minted::MOST {
            all.remove(started_with);
        }
        all.push(placeholder);
        *known = Arc::new(Known::new(all, started_with));
    }

    /// The authority that the run must trust.
    pub fn ca(&self) -> &Ca {
        &self.ca
    }

    /// The names that the run asked for and did not connect to, by domain.
    pub fn idle_names(&self) -> Vec<(String, u64)> {
        self.names.idle()
    }

    /// Answers one DNS message; `None` for what deserves no answer.
    pub fn answer(&self, message: &[u8]) -> Option<Vec<u8>> {
        let question = dns::question(message)?;
        let answer = match question.host.as_ref().and_then(Host::name) {
            None => dns::Answer::NoName,
            Some("localhost") => dns::Answer::Address(std::net::Ipv4Addr::LOCALHOST),
            Some(name) => self.names.address(name).map_or(dns::Answer::Refused, dns::Answer::Address),
        };
        Some(dns::answer(&question, answer))
    }

    /// Serves a connection that a program made to `to`, an address inside the run.
    pub async fn transparent(self: Arc<Self>, stream: impl Stream, to: SocketAddr) {
        let named = match to.ip() {
            IpAddr::V4(address) => self.names.name(address),
            IpAddr::V6(_) => None,
        };
        let host = match named {
            Some(name) => Host::Name(name),
            None => Host::Address(to.ip().to_canonical()),
        };
        self.connection(stream, host, to.port()).await;
    }

    /// Serves a connection to the proxy's own port.
    pub async fn explicit(self: Arc<Self>, stream: impl Stream) {
        request::serve(self, stream, request::Side::Proxy).await;
    }

    /// The same, boxed: a tunnel may hold plain HTTP, whose requests are served by what serves tunnels.
    fn connection_boxed(self: Arc<Self>, stream: impl Stream, host: Host, port: u16) -> Boxed<'static, ()> {
        Box::pin(self.connection(stream, host, port))
    }

    /// Serves a connection to a host, whichever door it came by.
    async fn connection(self: Arc<Self>, mut stream: impl Stream, host: Host, port: u16) {
        let wait = if matches!(port, 80 | 443 | 8080 | 8443) { FIRST } else { FIRST_ELSEWHERE };
        let (first, kind) = match timeout(wait, first_bytes(&mut stream)).await {
            Ok(Ok(read)) => read,
            // Connected and gone without a word: that is an attempt all the same, and may have been the whole message.
            Ok(Err(_)) => {
                if let Err(problem) = self.judge.judge(&host, port, self.wanted(&host, port, "tcp")).await {
                    problem::log(&problem, &host.to_string());
                }
                return;
            }
            // Nobody spoke: a server that speaks first, or somebody who holds a connection open.
            Err(_) => (Vec::new(), Kind::Other),
        };
        let stream = Prefixed::new(first, stream);
        match kind {
            Kind::Tls(hello) => self.tls(stream, host, port, hello).await,
            Kind::NotTls(why) => self.refuse_quietly(&host, port, "tls", why).await,
            Kind::Http => {
                let side = request::Side::Host { host, port, scheme: "http" };
                request::serve(self, stream, side).await;
            }
            Kind::Other => self.raw(stream, host, port, "tcp").await,
        }
    }

    /// TLS: passed by name untouched, or opened where rules or secrets want to see inside.
    async fn tls(self: Arc<Self>, stream: Prefixed<impl Stream>, host: Host, port: u16, hello: Hello) {
        let said = match (&host, &hello.server_name) {
            (Host::Name(_), Some(name)) if *name == host => None,
            (Host::Name(_), Some(_)) => Some("its TLS hello names another host than it resolved"),
            (Host::Name(_), None) => Some("its TLS hello names no host"),
            (Host::Address(_), Some(_)) => Some("it connects to an address and names a host in its TLS hello"),
            (Host::Address(_), None) => None,
        };
        if let Some(why) = said {
            return self.refuse_quietly(&host, port, "tls", why).await;
        }
        let opened = !self.known().given(&host, port).places.is_empty() || is_in(&host, &self.judge.outline().open);
        if opened {
            return self.open(stream, host, port, false).await;
        }
        if hello.encrypted {
            return self
                .refuse_quietly(&host, port, "tls", "its TLS hello is encrypted, so the host it means cannot be seen")
                .await;
        }
        match self.judge.judge(&host, port, self.wanted(&host, port, "tls")).await {
            Ok(_) => match self.dial(&host, port).await {
                Ok(upstream) => join(stream, upstream, &host).await,
                // A program that is shown a certificate it trusts can read what is wrong...
                Err(_) => self.open(stream, host, port, true).await,
            },
            // ...or why it was refused.
            Err(_) => self.open(stream, host, port, true).await,
        }
    }

    /// Opens the TLS with the run's own authority, and serves what is inside. `refused` says that this only tells a program
    /// what is on record already.
    async fn open(self: Arc<Self>, stream: Prefixed<impl Stream>, host: Host, port: u16, refused: bool) {
        let config = match self.ca.serve_as(&host) {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(%host, %error, "a connection was dropped");
                return;
            }
        };
        match timeout(FIRST, TlsAcceptor::from(config).accept(stream)).await {
            Ok(Ok(stream)) => {
                let side = request::Side::Host { host, port, scheme: "https" };
                request::serve(self, stream, side).await;
            }
            Ok(Err(error)) => {
                tracing::info!(%host, %error, "a client does not trust the run's authority (pinned, or its own trust store)");
                if !refused {
                    self.judge.not_trusted(&host, port);
                }
            }
            Err(_) => tracing::debug!(%host, "a client did not finish its TLS handshake"),
        }
    }

    /// Bytes of no protocol that the gate reads.
    async fn raw(self: Arc<Self>, stream: Prefixed<impl Stream>, host: Host, port: u16, scheme: &'static str) {
        match self.judge.judge(&host, port, self.wanted(&host, port, scheme)).await {
            Ok(_) => self.pass(stream, &host, port).await,
            Err(problem) => problem::log(&problem, &host.to_string()),
        }
    }

    /// Joins the run's connection and a new one to the host. Only called after a permit.
    async fn pass(&self, mut stream: Prefixed<impl Stream>, host: &Host, port: u16) {
        match self.dial(host, port).await {
            Ok(upstream) => join(stream, upstream, host).await,
            Err(problem) => {
                problem::log(&problem, &host.to_string());
                drop(stream.shutdown().await);
            }
        }
    }

    /// A connection to a host that a permit was given for.
    async fn dial(&self, host: &Host, port: u16) -> Result<TcpStream, Problem> {
        let private = is_in(host, &self.judge.outline().private);
        self.told(host, port, self.dialer.dial(host, port, private).await)
    }

    /// The same, with TLS.
    async fn dial_tls(&self, host: &Host, port: u16) -> Result<TlsStream<TcpStream>, Problem> {
        let private = is_in(host, &self.judge.outline().private);
        self.told(host, port, self.dialer.dial_tls(host, port, private).await)
    }

    fn told<T>(&self, host: &Host, port: u16, dialled: Result<T, Problem>) -> Result<T, Problem> {
        match &dialled {
            Ok(_) => self.judge.reached(host, port),
            Err(why) => self.judge.not_reached(host, port, why),
        }
        dialled
    }

    /// Records an attempt that no protocol can answer, and lets the connection end.
    async fn refuse_quietly(&self, host: &Host, port: u16, scheme: &'static str, why: &str) {
        problem::log(&self.disagreed(host, port, scheme, why).await, &host.to_string());
    }

    /// The problem that a connection is which says two things about where it goes; recorded. Not a placeholder's misuse, but
    /// refused by the same kind of rule.
    async fn disagreed(&self, host: &Host, port: u16, scheme: &'static str, why: &str) -> Problem {
        let wanted = Wanted { disagrees: Some(why.to_owned()), ..self.wanted(host, port, scheme) };
        let fallback = || Problem::new(Code::BadRequest, format!("a connection to {host}:{port}, and {why}"));
        self.judge.judge(host, port, wanted).await.err().unwrap_or_else(fallback)
    }

    fn wanted(&self, host: &Host, port: u16, scheme: &'static str) -> Wanted {
        wanted(scheme, &self.known().given(host, port))
    }

    /// The problem that a placeholder in the wrong place is; recorded.
    async fn misused(
        &self,
        host: &Host,
        port: u16,
        scheme: &'static str,
        request: (String, String),
        misuse: Misuse,
    ) -> Problem {
        let fallback = Problem::new(Code::BadRequest, format!("{misuse}; nothing was sent"));
        let wanted =
            Wanted { request: Some(request), misuse: Some(misuse.to_string()), ..self.wanted(host, port, scheme) };
        // Even a policy that would let it pass does not put a secret where it is not for: the placeholder itself is harmless,
        // but whoever sends it means harm, so nothing is sent.
        self.judge.judge(host, port, wanted).await.err().unwrap_or(fallback)
    }
}

fn wanted(scheme: &'static str, given: &Given) -> Wanted {
    Wanted { scheme: scheme.to_owned(), secrets: given.names.clone(), ..Wanted::default() }
}

async fn join(mut stream: impl Stream, mut upstream: TcpStream, host: &Host) {
    if let Err(error) = tokio::io::copy_bidirectional(&mut stream, &mut upstream).await {
        tracing::debug!(%host, %error, "a connection ended");
    }
}

enum Kind {
    Tls(Hello),
    NotTls(&'static str),
    Http,
    Other,
}

/// Reads until it is clear what is spoken.
async fn first_bytes(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(Vec<u8>, Kind)> {
    let mut bytes = Vec::with_capacity(2048);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if bytes[0] == 22 {
            match hello::read(&bytes) {
                hello::Read::Hello(hello) => return Ok((bytes, Kind::Tls(hello))),
                hello::Read::Not(why) => return Ok((bytes, Kind::NotTls(why))),
                hello::Read::More => continue,
            }
        }
        match http_method(&bytes) {
            Some(true) => return Ok((bytes, Kind::Http)),
            Some(false) => return Ok((bytes, Kind::Other)),
            None => {}
        }
    }
}

/// Whether the bytes begin like an HTTP/1 request: a token of capitals and a space. `None` while it is not clear.
fn http_method(bytes: &[u8]) -> Option<bool> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_uppercase());
    match end {
        Some(at) => Some((3..=16).contains(&at) && bytes[at] == b' '),
        None if bytes.len() > 16 => Some(false),
        None => None,
    }
}

#[cfg(test)]
mod tests;
