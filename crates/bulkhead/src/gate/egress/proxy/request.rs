//! HTTP/1.1 of the run: each request's host held to the connection's, judged, its placeholders swapped, sent on.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bulkhead_core::{Code, Problem};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::Mutex;

use super::super::broker::{self, Given, Known, Misuse, Swapped};
use super::super::host::Host;
use super::super::judge::Wanted;
use super::super::supervise::PROXY;
use super::body::{Held, Pending, Watched};
use super::message::{finish, prepare, two_lengths};
use super::minted::Minting;
use super::{Egress, Stream};
use crate::net::problem;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(super) type Body = BoxBody<Bytes, BoxError>;

/// Bytes of a request's head. Real ones stay under 16 kB.
const HEAD: usize = 64 << 10;
/// Bytes of a body that is read before it is judged, where a secret is for bodies. What logs in is smaller.
const BODY: usize = 256 << 10;

/// Where the requests of a connection may go.
#[derive(Debug, Clone)]
pub(super) enum Side {
    /// To this host only.
    Host {
        /// The host.
        host: Host,
        /// Its port.
        port: u16,
        /// `http` or `https`.
        scheme: &'static str,
    },
    /// Where each request says: the explicit proxy.
    Proxy,
}

/// How long a connection may say nothing between two requests, or take over the head of one; at most twice that.
const IDLE: Duration = Duration::from_secs(60);

/// Serves a connection of the run until either side ends it.
pub(super) async fn serve(egress: Arc<Egress>, stream: impl Stream, side: Side) {
    let connection = Arc::new(Connection {
        egress,
        side,
        upstream: Mutex::new(None),
        last: std::sync::Mutex::default(),
        busy: Arc::default(),
        begun: AtomicU64::new(0),
    });
    let serving = Arc::clone(&connection);
    let service = service_fn(move |request| {
        let connection = Arc::clone(&serving);
        async move { Ok::<_, Infallible>(connection.answer(request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        // Its own time-out sets a timer for each request, which wakes the thread that sets it.
        .header_read_timeout(None)
        .max_header_size(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let served = tokio::select! {
        served = served => served,
        () = connection.idle() => return,
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a run's connection ended");
        // Answered already, with 400 or 431.
        if error.is_parse_too_large() {
            connection.unreadable(&format!("the head of its request is larger than {} KiB", HEAD >> 10)).await;
        } else if error.is_parse() {
            connection.unreadable(&format!("its request cannot be read: {error}")).await;
        }
    }
}

/// Why a request goes nowhere.
enum NoTarget {
    /// It is not one that is understood.
    Wrong(String),
    /// It says something else than its connection.
    Disagrees { host: Host, port: u16, scheme: &'static str, why: String },
}

pub(super) struct Connection {
    pub(super) egress: Arc<Egress>,
    side: Side,
    /// The connection to the host of the last request, kept for the next.
    pub(super) upstream: Mutex<Option<(Host, u16, SendRequest<Watched>)>>,
    last: std::sync::Mutex<Option<Last>>,
    /// Held by whatever belongs to a request that is not over: its answer's body is the last of it.
    busy: Arc<()>,
    /// Requests that have come.
    begun: AtomicU64,
}

/// What was seen at the last look at a connection: how many requests had begun, when none was under way.
#[derive(Debug, Default)]
struct Quiet(Option<u64>);

impl Quiet {
    /// Whether nothing has happened since then.
    fn is_over(&mut self, begun: u64, busy: bool) -> bool {
        let now = (!busy).then_some(begun);
        let over = now.is_some() && now == self.0;
        self.0 = now;
        over
    }
}

/// Where the last request went.
struct Last {
    host: Host,
    port: u16,
    known: Arc<Known>,
    given: Arc<Given>,
}

impl Connection {
    /// Ends when nothing has happened for a while: no request is under way, and none began.
    async fn idle(&self) {
        let mut quiet = Quiet::default();
        loop {
            tokio::time::sleep(IDLE).await;
            if quiet.is_over(self.begun.load(Ordering::Relaxed), Arc::strong_count(&self.busy) > 1) {
                return;
            }
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let busy = Arc::clone(&self.busy);
        self.begun.fetch_add(1, Ordering::Relaxed);
        let close = request.headers().contains_key(TRANSFER_ENCODING);
        let answered =
            if request.method() == Method::CONNECT { self.tunnel(request) } else { self.forward(request).await };
        match answered {
            Ok(mut response) => {
                if close {
                    // Whatever was smuggled behind a chunked body is never read as a request.
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                response.map(|body| Held::new(body, busy).boxed())
            }
            Err(problem) => {
                problem::log(&problem, "egress");
                let mut response =
                    problem::render::<Full<Bytes>>(&problem).map(|body| body.map_err(Into::into).boxed());
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                response
            }
        }
    }

    /// `CONNECT host:port`: what comes through the tunnel is judged like any connection.
    fn tunnel(&self, mut request: Request<Incoming>) -> Result<Response<Body>, Problem> {
        if !matches!(self.side, Side::Proxy) {
            return Err(Problem::new(Code::MethodNotAllowed, "CONNECT inside a connection to a host"));
        }
        let authority = request.uri().authority().map(http::uri::Authority::as_str).unwrap_or_default();
        let (host, port) = Host::parse_authority(authority, None)
            .map_err(|why| Problem::new(Code::BadRequest, format!("CONNECT to no host: {why}")))?;
        let egress = Arc::clone(&self.egress);
        let upgraded = hyper::upgrade::on(&mut request);
        #[expect(
            clippy::disallowed_methods,
            reason = "the tunnel belongs to its connection and ends with either side"
        )]
        tokio::spawn(async move {
            match upgraded.await {
                Ok(stream) => egress.connection_boxed(TokioIo::new(stream), host, port).await,
                Err(error) => tracing::debug!(%error, "a tunnel was not opened"),
            }
        });
        Ok(Response::new(Full::default().map_err(Into::into).boxed()))
    }

    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Body>, Problem> {
        let (host, port, scheme) = match self.target(&request) {
            Ok(target) => target,
            Err(NoTarget::Wrong(what)) => return Err(Problem::new(Code::BadRequest, what)),
            Err(NoTarget::Disagrees { host, port, scheme, why }) => {
                return Err(self.egress.disagreed(&host, port, scheme, &why).await);
            }
        };
        if let Some(why) = two_lengths(request.headers()) {
            return Err(self.egress.disagreed(&host, port, scheme, why).await);
        }
        let egress = &self.egress;
        let (known, given) = self.given(&host, port);
        let method = request.method().clone();
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
        let path = target.split('?').next().unwrap_or_default();
        let asked = broker::Request {
            host: &host,
            port,
            encrypted: scheme == "https",
            method: method.as_str(),
            target: &target,
        };
        let (mut parts, body) = request.into_parts();
        let judged = match broker::swap(&known, &asked, &mut parts.headers) {
            Ok(swapped) => self.read(&known, &given, &asked, &mut parts.headers, body, swapped).await?,
            Err(misuse) => Err(misuse),
        };
        let (swapped, body, in_body) = match judged {
            Ok(judged) => judged,
            Err(misuse) => {
                let request = (method.to_string(), path.to_owned());
                return Err(egress.misused(&host, port, scheme, request, misuse).await);
            }
        };
        let secrets = || swapped.places.iter().filter_map(|place| known.placeholders().get(*place));
        // The connection as such first: one entry for host, port and scheme covers its requests...
        let connect = super::wanted(scheme, &given);
        // ...unless rules want to see the request, or a secret goes with it.
        let wanted = Wanted {
            request: Some((method.to_string(), path.to_owned())),
            covered: swapped.places.is_empty(),
            used: secrets().map(|secret| secret.name.to_string()).collect(),
            in_body,
            ..connect.clone()
        };
        egress.judge.judge(&host, port, connect).await?;
        egress.judge.judge(&host, port, wanted).await?;
        let mut request = Request::from_parts(parts, body);
        prepare(&mut request, &host, port, scheme, &target, !given.needles.is_empty())?;
        let signer = swapped.resign.and_then(|place| known.placeholders().get(place));
        let request = self.signed(request, &known, signer, &asked).await?;
        let minting = secrets().next().map(|of| Minting {
            egress: Arc::clone(egress),
            host: host.clone(),
            port,
            of: of.clone(),
            keys: [None, None, None],
        });
        let response = self.send(request.map(|body| Watched::new(body, known.clone())), &host, port, scheme).await?;
        finish(response, &method, &given, minting)
    }

    /// What the host's secrets are: mostly those of the last request.
    fn given(&self, host: &Host, port: u16) -> (Arc<Known>, Arc<Given>) {
        let known = self.egress.known();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last
            && last.host == *host
            && last.port == port
            && Arc::ptr_eq(&last.known, &known)
        {
            return (known, Arc::clone(&last.given));
        }
        let given = Arc::new(known.given(host, port));
        *last = Some(Last { host: host.clone(), port, known: Arc::clone(&known), given: Arc::clone(&given) });
        (known, given)
    }

    /// The body as it is sent on, and whether secrets were put into it: read first where one is for bodies.
    async fn read(
        &self,
        known: &Known,
        given: &Given,
        asked: &broker::Request<'_>,
        headers: &mut HeaderMap,
        body: Incoming,
        mut swapped: Swapped,
    ) -> Result<Result<(Swapped, Pending, bool), Misuse>, Problem> {
        let for_body = |place: &usize| known.placeholders().get(*place).is_some_and(|secret| asked.may_hold(secret));
        // What is packed cannot be looked into, and no secret is put into it.
        let packed = headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
        if body.is_end_stream() || packed || !given.places.iter().any(for_body) {
            return Ok(Ok((swapped, Pending::Coming(body), false)));
        }
        let begun = Pending::begin(body, BODY).await.map_err(|error| {
            Problem::new(Code::BadRequest, format!("the body of a request could not be read: {error}"))
        })?;
        let (bytes, whole) = begun.read();
        let new = match broker::swap_body(known, asked, whole, bytes, &mut swapped) {
            Ok(new) => new,
            Err(misuse) => return Ok(Err(misuse)),
        };
        let in_body = new.is_some();
        let body = new.map_or(begun, |new| Pending::Whole(Some(new.into())));
        if let (bytes, true) = body.read() {
            headers.remove(TRANSFER_ENCODING);
            headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        }
        Ok(Ok((swapped, body, in_body)))
    }

    /// Records a request that could not be read; the answer was given already.
    async fn unreadable(&self, why: &str) {
        let (host, port, scheme) = match &self.side {
            Side::Host { host, port, scheme } => (host.clone(), *port, *scheme),
            Side::Proxy => (Host::Address(std::net::Ipv4Addr::LOCALHOST.into()), PROXY.port(), "http"),
        };
        problem::log(&self.egress.disagreed(&host, port, scheme, why).await, "egress");
    }

    /// Host, port and scheme of a request: the connection's own, and every place that names a host must agree.
    fn target(&self, request: &Request<Incoming>) -> Result<(Host, u16, &'static str), NoTarget> {
        let wrong = NoTarget::Wrong;
        let mut hosts = request.headers().get_all(HOST).iter();
        let header = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().map_err(|_| wrong("a Host header that is no host".to_owned()))?,
            _ => return Err(wrong("a request must have exactly one Host header".to_owned())),
        };
        let (host, port, scheme) = match &self.side {
            Side::Host { host, port, scheme } => (host.clone(), *port, *scheme),
            Side::Proxy => {
                let uri = request.uri();
                let authority = uri.authority().map(http::uri::Authority::as_str);
                let authority = authority.filter(|_| uri.scheme_str() == Some("http")).ok_or_else(|| {
                    wrong("this is a proxy: CONNECT for TLS, http:// addresses for the rest".to_owned())
                })?;
                let parsed = Host::parse_authority(authority, Some(80));
                let (host, port) = parsed.map_err(|why| wrong(format!("no host in the address: {why}")))?;
                (host, port, "http")
            }
        };
        let default = if scheme == "https" { 443 } else { 80 };
        let said =
            Host::parse_authority(header, Some(default)).map_err(|why| wrong(format!("no host in Host: {why}")))?;
        // Some clients leave the port out of Host when they are told of it elsewhere; none names another host.
        if said.0 != host || (said.1 != port && header.contains(&format!(":{}", said.1))) {
            let why = format!("its Host header names {}:{}", said.0, said.1);
            return Err(NoTarget::Disagrees { host, port, scheme, why });
        }
        if let (Side::Host { .. }, Some(authority)) = (&self.side, request.uri().authority()) {
            let same = Host::parse_authority(authority.as_str(), Some(port)).is_ok_and(|(other, _)| other == host);
            if !same {
                let why = format!("its request names {authority}");
                return Err(NoTarget::Disagrees { host, port, scheme, why });
            }
        }
        Ok((host, port, scheme))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_over_when_nothing_happened_between_two_looks() {
        let mut quiet = Quiet::default();
        // A long answer, then its end, then one more request, then nothing.
        let looks = [(1, true), (1, true), (1, false), (2, false), (3, true), (3, false), (3, false)];
        assert_eq!(
            looks.map(|(begun, busy)| quiet.is_over(begun, busy)),
            [false, false, false, false, false, false, true]
        );
        assert!(!Quiet::default().is_over(0, false) && Quiet(Some(0)).is_over(0, false));
    }
}
