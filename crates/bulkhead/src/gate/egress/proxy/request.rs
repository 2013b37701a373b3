//! HTTP/1.1 of the run: each request's host held to the connection's, judged, its placeholders swapped, sent on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::{Code, Problem};
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HOST, HeaderName, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Mutex;

use super::super::broker::{self, Misuse, Scrubber, needles};
use super::super::host::Host;
use super::super::judge::Wanted;
use super::body::{InBody, Pending, Scrubbed, Watched};
use super::{Egress, Stream};
use crate::net::problem;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Body = BoxBody<Bytes, BoxError>;

/// Bytes of a request's head. Real ones stay under 16 kB.
const HEAD: usize = 64 << 10;
/// Bytes of a body that is read whole to be signed. Services that want more take a hash in a header.
const SIGNED: usize = 16 << 20;

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

/// Serves a connection of the run until either side ends it.
pub(super) async fn serve(egress: Arc<Egress>, stream: impl Stream, side: Side) {
    let connection = Arc::new(Connection { egress, side, upstream: Mutex::new(None) });
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { Ok::<_, Infallible>(connection.answer(request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(60))
        .max_header_size(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a run's connection ended");
    }
}

/// Why a request goes nowhere.
enum NoTarget {
    /// It is not one that is understood.
    Wrong(String),
    /// It says something else than its connection.
    Disagrees { host: Host, port: u16, scheme: &'static str, why: String },
}

struct Connection {
    egress: Arc<Egress>,
    side: Side,
    /// The connection to the host of the last request, kept for the next.
    upstream: Mutex<Option<(Host, u16, SendRequest<Watched>)>>,
}

impl Connection {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let close = request.headers().contains_key(TRANSFER_ENCODING);
        let answered =
            if request.method() == Method::CONNECT { self.tunnel(request) } else { self.forward(request).await };
        match answered {
            Ok(mut response) => {
                if close {
                    // Whatever was smuggled behind a chunked body is never read as a request.
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                response
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

    async fn forward(&self, mut request: Request<Incoming>) -> Result<Response<Body>, Problem> {
        let (host, port, scheme) = match self.target(&request) {
            Ok(target) => target,
            Err(NoTarget::Wrong(what)) => return Err(Problem::new(Code::BadRequest, what)),
            Err(NoTarget::Disagrees { host, port, scheme, why }) => {
                return Err(self.egress.disagreed(&host, port, scheme, &why).await);
            }
        };
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let egress = &self.egress;
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
        let mut headers = request.headers().clone();
        let seen = broker::seen_in(&egress.placeholders, target.as_bytes()).is_some()
            || headers.values().any(|value| broker::seen_in(&egress.placeholders, value.as_bytes()).is_some());
        let swapped = if scheme == "http" && seen {
            let name = &egress.placeholders[0].name;
            Err(Misuse {
                name: name.clone(),
                place: "a request".to_owned(),
                why: "over a connection that is not encrypted",
            })
        } else {
            broker::swap(&egress.placeholders, &host, port, &method, request.uri(), &mut headers)
        };
        let swapped = match swapped {
            Ok(swapped) => swapped,
            Err(misuse) => return Err(egress.misused(&host, port, scheme, (method, path), misuse).await),
        };
        let used: Vec<String> = swapped.names.iter().map(ToString::to_string).collect();
        // The connection as such first: one entry for host, port and scheme covers its requests...
        let connect = egress.wanted(&host, port, scheme);
        // ...unless rules want to see the request, or a secret goes with it.
        let wanted =
            Wanted { request: Some((method.clone(), path.clone())), covered: used.is_empty(), used, ..connect.clone() };
        egress.judge.judge(&host, port, connect).await?;
        egress.judge.judge(&host, port, wanted).await?;
        *request.headers_mut() = headers;
        let given = egress.placeholders.iter().filter(|placeholder| placeholder.binding.reaches(&host, port));
        let needles = needles(given);
        prepare(&mut request, &host, port, scheme, &target, !needles.is_empty())?;
        let request = self.signed(request, swapped.resign, &host, &target).await?;
        let response = self.send(request, &host, port, scheme).await?;
        finish(response, needles)
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

    /// The request, signed anew where a run signed it with placeholders.
    async fn signed(
        &self,
        request: Request<Incoming>,
        resign: Option<usize>,
        host: &Host,
        target: &str,
    ) -> Result<Request<Pending>, Problem> {
        let Some(placeholder) = resign.and_then(|place| self.egress.placeholders.get(place)) else {
            return Ok(request.map(Pending::Coming));
        };
        let wrong = |why: String| Problem::new(Code::BadRequest, why);
        let (mut parts, body) = request.into_parts();
        let body = if broker::wants_body(&parts.headers) {
            let whole = http_body_util::Limited::new(body, SIGNED).collect().await;
            let whole = whole.map_err(|error| {
                wrong(format!("a request that must be signed as a whole could not be read: {error}"))
            })?;
            Pending::Whole(Some(whole.to_bytes()))
        } else {
            Pending::Coming(body)
        };
        let bytes = if let Pending::Whole(Some(bytes)) = &body { Some(bytes) } else { None };
        broker::resign(placeholder, host, parts.method.as_str(), target, &mut parts.headers, bytes)
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Request::from_parts(parts, body))
    }

    async fn send(
        &self,
        request: Request<Pending>,
        host: &Host,
        port: u16,
        scheme: &str,
    ) -> Result<Response<Incoming>, Problem> {
        let egress = &self.egress;
        let request = request.map(|body| Watched::new(body, &egress.placeholders));
        let mut slot = self.upstream.lock().await;
        let kept = slot.take().filter(|(kept, at, sender)| kept == host && *at == port && !sender.is_closed());
        let mut usable = None;
        if let Some((_, _, mut sender)) = kept
            && sender.ready().await.is_ok()
        {
            usable = Some(sender);
        }
        let mut sender = match usable {
            Some(sender) => sender,
            None => self.connect(host, port, scheme).await?,
        };
        let sent = sender.send_request(request).await;
        match sent {
            Ok(response) => {
                *slot = Some((host.clone(), port, sender));
                Ok(response)
            }
            Err(error) => {
                drop(slot);
                Err(self.failed(host, port, scheme, &error).await)
            }
        }
    }

    async fn connect(&self, host: &Host, port: u16, scheme: &str) -> Result<SendRequest<Watched>, Problem> {
        if scheme == "https" {
            handshake(self.egress.dial_tls(host, port).await?).await
        } else {
            handshake(self.egress.dial(host, port).await?).await
        }
    }

    /// A request that did not get through: the host's fault, or a placeholder in its body.
    async fn failed(&self, host: &Host, port: u16, scheme: &str, error: &hyper::Error) -> Problem {
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            if let Some(InBody(name)) = inner.downcast_ref::<InBody>() {
                let scheme = if scheme == "https" { "https" } else { "http" };
                let secret = self.egress.placeholders.iter().find(|placeholder| placeholder.name.as_str() == name);
                if let Some(secret) = secret {
                    let misuse = Misuse {
                        name: secret.name.clone(),
                        place: "the body".to_owned(),
                        why: "which may not carry it",
                    };
                    let request = (String::new(), String::new());
                    return self.egress.misused(host, port, scheme, request, misuse).await;
                }
            }
            cause = inner.source();
        }
        Problem::new(Code::UpstreamUnreachable, format!("{host}:{port} ended the connection: {error}"))
            .with_help("ask again; if it goes on, see whether the host answers outside the run")
    }
}

async fn handshake(stream: impl Stream) -> Result<SendRequest<Watched>, Problem> {
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Problem::new(Code::UpstreamUnreachable, format!("no HTTP connection: {error}")))?;
    #[expect(clippy::disallowed_methods, reason = "it ends with the sender, which the run's connection holds")]
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an upstream connection ended");
        }
    });
    Ok(sender)
}

/// Headers that are between two neighbours only (RFC 9110, 7.6.1), and what a proxy is told.
const HOP: [HeaderName; 6] = [
    CONNECTION,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("te"),
];

/// The request as the host gets it: origin form, its own Host, nothing that was meant for the proxy.
fn prepare(
    request: &mut Request<Incoming>,
    host: &Host,
    port: u16,
    scheme: &str,
    target: &str,
    scrubbed: bool,
) -> Result<(), Problem> {
    let wrong = |what: &str| Problem::new(Code::BadRequest, what.to_owned());
    *request.uri_mut() = target.parse::<Uri>().map_err(|_| wrong("a path that cannot be sent on"))?;
    *request.version_mut() = http::Version::HTTP_11;
    let headers = request.headers_mut();
    // Fields that Connection names are between neighbours too.
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
        .collect();
    for name in HOP.iter().chain(&named) {
        headers.remove(name);
    }
    let default = if scheme == "https" { 443 } else { 80 };
    let name = if port == default { host.to_string() } else { format!("{host}:{port}") };
    headers.insert(HOST, HeaderValue::try_from(name).map_err(|_| wrong("a host that cannot be sent on"))?);
    if scrubbed {
        // What is packed cannot be scrubbed without unpacking it.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    Ok(())
}

/// The answer as the run gets it.
fn finish(response: Response<Incoming>, needles: Vec<broker::Needle>) -> Result<Response<Body>, Problem> {
    let (mut parts, body) = response.into_parts();
    for name in &HOP {
        parts.headers.remove(name);
    }
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Problem::new(Code::UpstreamMalformed, "the host switches to a protocol that was not asked for"));
    }
    if needles.is_empty() {
        return Ok(Response::from_parts(parts, Scrubbed::new(body, None, false).boxed()));
    }
    let mut scrubber = Scrubber::new(needles);
    for value in parts.headers.values_mut() {
        let clean = scrubber.whole(value.as_bytes());
        if clean != value.as_bytes() {
            *value = HeaderValue::from_bytes(&clean).unwrap_or(HeaderValue::from_static("[scrubbed]"));
        }
    }
    let packed = parts.headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    let gzip = match packed.as_deref() {
        None | Some(b"identity") => false,
        Some(b"gzip" | b"x-gzip") => true,
        Some(other) => {
            let other = String::from_utf8_lossy(other).into_owned();
            return Err(Problem::new(
                Code::UpstreamMalformed,
                format!(
                    "the host packed its answer as {other} although it was asked not to, so it cannot be scrubbed of the secret"
                ),
            ));
        }
    };
    if gzip {
        parts.headers.remove(CONTENT_ENCODING);
        parts.headers.remove(CONTENT_LENGTH);
    }
    Ok(Response::from_parts(parts, Scrubbed::new(body, Some(scrubber), gzip).boxed()))
}
