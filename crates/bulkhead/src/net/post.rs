//! Telling something to a server that the operator named: a report to another Bulkhead, an alarm to a webhook.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use super::connector::Connector;
use super::resolver::Resolver;
use super::ssrf::LinkRule;
use super::tls;

/// From the connection to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(120);
const CONNECT: Duration = Duration::from_secs(10);
const LONGEST_ANSWER: usize = 1 << 20;

/// What came back.
#[derive(Debug)]
pub struct Posted {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// It could not be told.
#[derive(Debug, thiserror::Error)]
#[error("{to} was not told: {why}")]
pub struct PostError {
    /// Whom.
    pub to: String,
    /// Why not.
    pub why: String,
}

/// Posts a body. No redirect is followed: who was named is told, and nobody else.
///
/// # Errors
/// When there is no answer. An answer of any status is one.
pub async fn post(to: &Uri, headers: &[(HeaderName, HeaderValue)], body: Bytes) -> Result<Posted, PostError> {
    let failed = |why: String| PostError { to: to.to_string(), why };
    let trust = if to.scheme_str() == Some("https") {
        tls::client(tls::Trust::System).map_err(|error| failed(error.to_string()))?
    } else {
        // Nothing is verified on a plain connection; the connector wants a configuration all the same.
        plain().map_err(failed)?
    };
    let rule = Arc::new(LinkRule::new(to, &[]));
    let connector = Connector { rule, resolver: Arc::new(Resolver::system()), limit: CONNECT };
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(rustls::ClientConfig::clone(&trust))
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let mut request = Request::builder().method(Method::POST).uri(to.clone());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let agent = HeaderValue::from_static(concat!("bulkhead/", env!("CARGO_PKG_VERSION")));
    let request = request.header(header::USER_AGENT, agent).body(Full::new(body));
    let request = request.map_err(|error| failed(error.to_string()))?;
    let told = timeout(PATIENCE, async {
        let answer = client.request(request).await.map_err(|error| super::fetch::root_cause(&error))?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        Ok::<_, String>(Posted { status, body })
    });
    told.await.map_err(|_| failed(format!("no answer within {PATIENCE:?}")))?.map_err(failed)
}

fn plain() -> Result<Arc<rustls::ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(Arc::new(config))
}
