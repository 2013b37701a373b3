//! The client that asks upstream: one connection pool per upstream, and nothing that happens behind our back.
//!
//! No implicit redirects (each hop is judged), no proxies from the environment, no implicit decoding. Credentials go to
//! the configured origin only and are dropped at the first redirect that leaves it.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine;
use bulkhead_core::Secret;
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, IF_NONE_MATCH, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::time::timeout;

use super::connector::{Connector, DialError};
use super::fetch::{Answer, FetchError, FileStream, PageAnswer, root_cause};
use super::link;
use super::resolver::Resolver;
use super::ssrf::LinkRule;
use super::tls::{self, Trust};

/// Everything an [`Upstream`] needs.
pub struct UpstreamOptions {
    /// The configured index, without credentials.
    pub base: Uri,
    /// `user:password` for that origin.
    pub credentials: Option<Secret>,
    /// Further trusted hosts, `host` or `host:port`.
    pub hosts: Vec<String>,
    /// Patience and sizes.
    pub limits: Limits,
    /// Whom to trust; read at the first question.
    pub trust: Trust,
    /// How names become addresses.
    pub resolver: Resolver,
}

/// Patience and sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Name look-up and TCP connection.
    pub connect: Duration,
    /// From the connection (TLS included) to the answer's head.
    pub first_byte: Duration,
    /// The longest silence inside a body.
    pub idle: Duration,
    /// A whole page, so that one byte per second does not count as alive.
    pub page: Duration,
    /// The largest page, decompressed.
    pub max_page: u64,
    /// The largest file.
    pub max_file: u64,
}

/// Redirects per fetch; real indexes need one.
const MAX_REDIRECTS: usize = 5;

/// An idle connection is kept for less than the 60 seconds or more that servers keep theirs.
const POOL_IDLE: Duration = Duration::from_secs(50);

/// One upstream. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

struct Inner {
    base: Uri,
    authorization: Option<HeaderValue>,
    limits: Limits,
    rule: Arc<LinkRule>,
    connector: Connector,
    trust: Trust,
    client: OnceLock<HttpsClient>,
}

type HttpsClient = Client<HttpsConnector<Connector>, Empty<Bytes>>;

impl Upstream {
    /// Sets the client up; opens nothing.
    pub fn new(options: UpstreamOptions) -> Self {
        let rule = Arc::new(LinkRule::new(&options.base, &options.hosts));
        let connector =
            Connector { rule: rule.clone(), resolver: Arc::new(options.resolver), limit: options.limits.connect };
        let authorization = options.credentials.as_ref().map(basic);
        Self(Arc::new(Inner {
            base: options.base,
            authorization,
            limits: options.limits,
            rule,
            connector,
            trust: options.trust,
            client: OnceLock::new(),
        }))
    }

    fn client(&self, uri: &Uri) -> Result<&HttpsClient, FetchError> {
        if let Some(client) = self.0.client.get() {
            return Ok(client);
        }
        let config = tls::client(self.0.trust.clone())
            .map_err(|error| FetchError::Unreachable { url: link::shown(uri), why: error.to_string() })?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(ClientConfig::clone(&config))
            .https_or_http()
            .enable_http1()
            .wrap_connector(self.0.connector.clone());
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .build(connector);
        Ok(self.0.client.get_or_init(|| client))
    }

    /// The configured index.
    pub fn base(&self) -> &Uri {
        &self.0.base
    }

    /// Fetches an index page; `etag` makes the question conditional.
    ///
    /// # Errors
    /// [`FetchError`]; 404 and 410 are answers, every other status than 200 and 304 is an error.
    pub async fn fetch_page(&self, uri: &Uri, accept: &str, etag: Option<&str>) -> Result<PageAnswer, FetchError> {
        let limit = self.0.limits.page;
        timeout(limit, self.page(uri, accept, etag))
            .await
            .unwrap_or_else(|_| Err(FetchError::Timeout { url: link::shown(uri), stage: "the whole page", limit }))
    }

    async fn page(&self, uri: &Uri, accept: &str, etag: Option<&str>) -> Result<PageAnswer, FetchError> {
        let mut headers = HeaderMap::new();
        let header = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| FetchError::Malformed {
                url: link::shown(uri),
                why: "a header value with control characters".to_owned(),
            })
        };
        headers.insert(ACCEPT, header(accept)?);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some(etag) = etag {
            headers.insert(IF_NONE_MATCH, header(etag)?);
        }
        let answer = self.get(uri.clone(), headers).await?;
        match answer.status {
            StatusCode::OK => answer.into_page(self.0.limits.max_page).await.map(PageAnswer::Fresh),
            StatusCode::NOT_MODIFIED if etag.is_some() => Ok(PageAnswer::NotModified),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(PageAnswer::NotFound),
            status => Err(FetchError::Status { url: link::shown(&answer.url), status }),
        }
    }

    /// Starts fetching a file.
    ///
    /// # Errors
    /// [`FetchError`]; every status but 200 is one.
    pub async fn fetch_file(&self, uri: &Uri) -> Result<FileStream, FetchError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let answer = self.get(uri.clone(), headers).await?;
        match answer.status {
            StatusCode::OK => answer.into_file(self.0.limits.max_file),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(FetchError::NotFound { url: link::shown(&answer.url) }),
            status => Err(FetchError::Status { url: link::shown(&answer.url), status }),
        }
    }

    /// Asks, following redirects; any status that is not a redirect comes back.
    ///
    /// # Errors
    /// [`FetchError`] when no answer's head arrives or a hop is not allowed.
    pub async fn get(&self, uri: Uri, headers: HeaderMap) -> Result<Answer, FetchError> {
        let mut uri = uri;
        let mut at_home = true;
        for _ in 0..=MAX_REDIRECTS {
            self.0.rule.standing(&uri).map_err(|why| refused(&uri, &why))?;
            at_home &= link::same_origin(&uri, &self.0.base);
            let response = self.ask(&uri, &headers, at_home).await?;
            if !is_redirect(response.status()) {
                let (parts, body) = response.into_parts();
                let idle = self.0.limits.idle;
                return Ok(Answer { url: uri, status: parts.status, headers: parts.headers, body, idle });
            }
            uri = next_hop(&uri, &response)?;
        }
        Err(FetchError::Malformed { url: link::shown(&uri), why: format!("more than {MAX_REDIRECTS} redirects") })
    }

    /// One request, one answer's head. A connection that upstream closed while it lay idle is tried anew, once.
    async fn ask(&self, uri: &Uri, headers: &HeaderMap, at_home: bool) -> Result<Response<Incoming>, FetchError> {
        let limit = self.0.limits.connect + self.0.limits.first_byte;
        let client = self.client(uri)?;
        let attempts = async {
            match client.request(self.request(uri, headers, at_home)).await {
                Err(error) if !error.is_connect() && closed_early(&error) => {
                    client.request(self.request(uri, headers, at_home)).await
                }
                outcome => outcome,
            }
        };
        match timeout(limit, attempts).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(classify(uri, &error)),
            Err(_) => Err(FetchError::Timeout { url: link::shown(uri), stage: "the answer", limit }),
        }
    }

    fn request(&self, uri: &Uri, headers: &HeaderMap, at_home: bool) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers.clone();
        let agent = HeaderValue::from_static(concat!("bulkhead/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, agent);
        if let Some(authorization) = self.0.authorization.as_ref().filter(|_| at_home) {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        request
    }
}

/// `Basic` credentials (RFC 7617); marked sensitive so that no debug output shows them.
fn basic(secret: &Secret) -> HeaderValue {
    let encoded = base64::engine::general_purpose::STANDARD.encode(secret.reveal());
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).expect("invariant: base64 is a header value");
    value.set_sensitive(true);
    value
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn next_hop(from: &Uri, response: &Response<Incoming>) -> Result<Uri, FetchError> {
    let malformed = |why: String| FetchError::Malformed { url: link::shown(from), why };
    let location =
        response.headers().get(LOCATION).ok_or_else(|| malformed("a redirect without a place".to_owned()))?;
    let location = location.to_str().map_err(|_| malformed("a redirect to something that is not a URL".to_owned()))?;
    let to = link::resolve(from, location).map_err(|error| malformed(format!("a redirect to {error}")))?;
    if from.scheme_str() == Some("https") && to.scheme_str() != Some("https") {
        return Err(refused(&to, &super::ssrf::LinkRefused::Downgrade));
    }
    Ok(to)
}

fn refused(uri: &Uri, why: &super::ssrf::LinkRefused) -> FetchError {
    FetchError::Address { url: link::shown(uri), why: why.to_string() }
}

/// Whether the connection ended before the answer began.
fn closed_early(error: &hyper_util::client::legacy::Error) -> bool {
    let io = |kind| matches!(kind, std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe);
    chain(error).any(|cause| {
        cause.downcast_ref::<hyper::Error>().is_some_and(|error| error.is_incomplete_message() || error.is_canceled())
            || cause.downcast_ref::<std::io::Error>().is_some_and(|error| io(error.kind()))
    })
}

fn classify(uri: &Uri, error: &hyper_util::client::legacy::Error) -> FetchError {
    let url = link::shown(uri);
    for cause in chain(error) {
        if let Some(dial) = cause.downcast_ref::<DialError>() {
            return match dial {
                DialError::Refused(why) => refused(uri, why),
                DialError::Timeout { limit, .. } => FetchError::Timeout { url, stage: "the connection", limit: *limit },
                other => FetchError::Unreachable { url, why: other.to_string() },
            };
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>()
            && error.is_parse()
        {
            return FetchError::Malformed { url, why: format!("the answer is not HTTP: {}", root_cause(error)) };
        }
    }
    FetchError::Unreachable { url, why: root_cause(error) }
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

#[cfg(test)]
mod tests;
