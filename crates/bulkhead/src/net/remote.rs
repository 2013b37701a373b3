//! A client for one server that the operator named: a mirror of a log, a witness, a time stamping authority.
//!
//! It asks below one address and follows no redirect: what is fetched here is verified by signature, so nothing is
//! gained by going where a stranger points. The connector dials only the named host.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::time::timeout;

use super::connector::Connector;
use super::resolver::Resolver;
use super::ssrf::LinkRule;
use crate::config::server_url;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the whole answer may take.
const ANSWER: Duration = Duration::from_secs(60);

/// The server below one address. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Remote {
    base: Uri,
    authorization: Option<HeaderValue>,
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
}

/// No answer.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address is not one.
    #[error("`{0}` is not an http:// or https:// address")]
    Address(String),
    /// Nothing, or nothing whole, came back.
    #[error("{url} cannot be asked: {why}")]
    Unreachable {
        /// What was asked for, without credentials.
        url: String,
        /// Why.
        why: String,
    },
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

impl Remote {
    /// Sets the client up; opens nothing.
    ///
    /// # Errors
    /// When the text is not an http or https address. User and password in it become basic authentication.
    pub fn new(address: &str, tls: &Arc<ClientConfig>) -> Result<Self, RemoteError> {
        // The text may hold a password; what is repeated is what stands before one.
        let shown =
            || RemoteError::Address(address.split('@').next_back().unwrap_or_default().chars().take(120).collect());
        let (base, credentials) = server_url(address).map_err(|_| shown())?;
        let rule = Arc::new(LinkRule::new(&base, &[]));
        let connector = Connector { rule, resolver: Arc::new(Resolver::system()), limit: CONNECT };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(ClientConfig::clone(tls))
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        let authorization = credentials.map(|secret| {
            let encoded = base64::engine::general_purpose::STANDARD.encode(secret.reveal());
            let mut value =
                HeaderValue::from_str(&format!("Basic {encoded}")).expect("invariant: base64 is a header value");
            value.set_sensitive(true);
            value
        });
        Ok(Self { base, authorization, client })
    }

    /// The address, without credentials, with a slash at its end.
    pub fn base(&self) -> &Uri {
        &self.base
    }

    /// Asks for a resource below the address.
    ///
    /// # Errors
    /// When no whole answer of at most so many bytes comes back. Any status is an answer.
    pub async fn get(&self, path: &str, most: usize) -> Result<Answered, RemoteError> {
        self.ask(Method::GET, path, None, most).await
    }

    /// Sends a body to a resource below the address; an empty path is the address itself, without the slash.
    ///
    /// # Errors
    /// As [`Remote::get`].
    pub async fn post(
        &self,
        path: &str,
        kind: &'static str,
        body: Vec<u8>,
        most: usize,
    ) -> Result<Answered, RemoteError> {
        self.ask(Method::POST, path, Some((kind, body)), most).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
        most: usize,
    ) -> Result<Answered, RemoteError> {
        let base = self.base.to_string();
        let url = if path.is_empty() { base.trim_end_matches('/').to_owned() } else { format!("{base}{path}") };
        let failed = |why: String| RemoteError::Unreachable { url: url.clone(), why };
        let uri: Uri = url.parse().map_err(|_| RemoteError::Address(url.clone()))?;
        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("bulkhead/", env!("CARGO_PKG_VERSION"))));
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some((kind, body)) = body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            *request.body_mut() = Full::new(Bytes::from(body));
        }
        let asked = async {
            let response = self.client.request(request).await.map_err(|error| failed(deepest(&error)))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), most).collect().await;
            let body =
                body.map_err(|error| failed(format!("the answer is longer than {most} bytes, or broke: {error}")))?;
            Ok(Answered { status, body: body.to_bytes() })
        };
        timeout(ANSWER, asked).await.unwrap_or_else(|_| Err(failed(format!("no whole answer within {ANSWER:?}"))))
    }
}

/// The last cause is the one that says something.
fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
