//! The paths of the server. Not a framework: a handful of prefixes, raw paths, exact reason phrases.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};

use bulkhead_core::{Code, Context, Principal, Problem};
use http::{HeaderValue, Method, Request, Response, header};
use hyper::body::Incoming;
use tower_service::Service;

use crate::app::App;
use crate::auth;
use crate::gate::intake::{self, Caller};
use crate::net::server::Peer;
use crate::net::{Body, problem};

/// The service that `net::server` runs for every connection.
#[derive(Clone)]
pub struct Front {
    app: Arc<App>,
}

impl Front {
    /// The front of that app.
    pub fn new(app: Arc<App>) -> Self {
        Self { app }
    }
}

impl Service<Request<Incoming>> for Front {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let app = Arc::clone(&self.app);
        Box::pin(async move {
            let mut request = request;
            let answer = route(&app, &mut request).await;
            Ok(answer.unwrap_or_else(|refusal| {
                problem::log(&refusal, request.uri().path());
                app.metrics().problem(refusal.code.to_string());
                problem::render(&refusal)
            }))
        })
    }
}

async fn route(app: &Arc<App>, request: &mut Request<Incoming>) -> Result<Response<Body>, Problem> {
    let path = request.uri().path().to_owned();
    let path = path.as_str();
    if path == "/healthz" {
        return Ok(text("text/plain; charset=utf-8", "ok\n".to_owned()));
    }
    if path == "/console" || path.starts_with("/console/") {
        return Ok(crate::console::answer(app, request).await);
    }
    let caller = caller(app, request).await?;
    if let Some(path) = path.strip_prefix("/pypi/") {
        let (method, headers) = (request.method(), request.headers());
        return app.intake()?.answer(intake::Request { method, path, headers, caller }).await;
    }
    if path.starts_with("/api/") {
        return crate::api::answer(app, request, &caller).await;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::new(Code::MethodNotAllowed, format!("{} is not offered at {path}", request.method())));
    }
    match path {
        "/" => Ok(text("text/html; charset=utf-8", crate::front_page::page(app))),
        "/metrics" => {
            let written = app.metrics().text(app.log().size());
            let written =
                written.map_err(|error| Problem::new(Code::Bug, format!("the metrics cannot be written: {error}")))?;
            Ok(text("application/openmetrics-text; version=1.0.0; charset=utf-8", written))
        }
        _ => match path.strip_prefix("/ledger/") {
            Some(resource) => ledger(app, resource).await,
            None => Err(Problem::new(
                Code::NotFound,
                format!("nothing is at {}", path.chars().take(120).collect::<String>()),
            )
            .with_help("the Python index is at /pypi/simple/, the ledger at /ledger/checkpoint")),
        },
    }
}

/// The ledger as plain static files (C2SP tlog-tiles), so that mirrors and witnesses are ordinary clients.
async fn ledger(app: &Arc<App>, resource: &str) -> Result<Response<Body>, Problem> {
    // A compartment's log has the same resources, below its name.
    let (log, resource) = match resource.strip_prefix("compartments/").and_then(|rest| rest.split_once('/')) {
        None => (app.log().clone(), resource.to_owned()),
        Some((name, resource)) => match app.compartment(name) {
            Some(sequencer) => (sequencer.log(), resource.to_owned()),
            None => return Err(Problem::new(Code::NotFound, "there is no such compartment")),
        },
    };
    let checkpoint = resource.starts_with("checkpoint");
    let served = crate::blocking::run(move || log.resource(&resource)).await?;
    let served = served.map_err(|error| Problem::new(Code::LedgerUnavailable, error.to_string()))?;
    let served = served.ok_or_else(|| Problem::new(Code::NotFound, "the ledger has no such resource"))?;
    let mut response = Response::new(Body::from(bytes::Bytes::from(served.bytes)));
    let kind = if checkpoint { "text/plain; charset=utf-8" } else { "application/octet-stream" };
    let caching = if served.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    Ok(response)
}

/// Who asks, from where and with what.
async fn caller(app: &Arc<App>, request: &Request<Incoming>) -> Result<Caller, Problem> {
    let peer = request.extensions().get::<Peer>().copied();
    let peer = peer.ok_or_else(|| Problem::new(Code::Bug, "a request without a peer"))?;
    let address = peer.address.ip().to_canonical();
    let principal = match auth::token(request.headers())? {
        Some(token) => {
            let (store, now) = (Arc::clone(app.store()), app.clock().now());
            crate::blocking::run(move || store.verify_token(&token, now))
                .await?
                .map_err(|error| error.to_problem())?
                .ok_or_else(auth::refused)?
        }
        None if address.is_loopback() => {
            known_host(app, request)?;
            Principal::local()
        }
        None => return Err(auth::required()),
    };
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let context = Context { client: agent.map(client), address: Some(address.to_string()), ..Context::default() };
    Ok(Caller { principal, context })
}

/// Without a token, the address is all that says who asks, and a browser can be made to ask from this machine: a web page
/// whose name is bound to 127.0.0.1 after it was loaded (DNS rebinding). So the Host must be one that only means us.
fn known_host(app: &App, request: &Request<Incoming>) -> Result<(), Problem> {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).or(request.uri().host());
    let Some(host) = host else { return Ok(()) };
    let authority: Option<http::uri::Authority> = host.parse().ok();
    let name = authority.as_ref().map_or("", http::uri::Authority::host).trim_matches(['[', ']']);
    let own = app.config().server.url.as_ref().and_then(http::Uri::host);
    if name.parse::<std::net::IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    {
        return Ok(());
    }
    Err(Problem::new(
        Code::TokenRequired,
        format!(
            "the request names the host `{}`, which is not known to be this server",
            name.chars().take(80).collect::<String>()
        ),
    )
    .with_help("use 127.0.0.1 or localhost, set url in [server] of bulkhead.toml, or show a token"))
}

/// The product part of a user agent: pip and uv append a page of JSON about the machine, which no entry needs.
fn client(agent: &str) -> String {
    let product = agent.split('{').next().unwrap_or(agent).trim();
    product.chars().take(120).collect()
}

fn text(kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes::Bytes::from(body)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
