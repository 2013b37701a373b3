//! The console: pages made on the server, without script, build step or anything from elsewhere. Behind an admin token: the
//! browser holds a session cookie, every form a token of that session (CSRF), and a strict content security policy keeps a
//! mistake in escaping from becoming more than a mistake.

mod exposure;
mod form;
mod held;
mod layout;
mod ledger;
mod overview;
mod session;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bulkhead_core::{Code, Problem};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use crate::app::App;
use crate::control::Reply;
use crate::net::Body;
use crate::net::server::Peer;
use form::Form;
pub(crate) use session::Sessions;
use session::{COOKIE, Session};

/// A form is short; a page of text fits many times.
const LONGEST_FORM: usize = 64 << 10;
const STYLE: &str = include_str!("style.css");
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What one page is made from.
struct Page<'a> {
    app: &'a Arc<App>,
    session: &'a Session,
    query: Form,
}

/// Answers below `/console`.
pub(crate) async fn answer(app: &Arc<App>, request: &mut Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let outcome = route(app, request, path.trim_end_matches('/')).await;
    secured(outcome.unwrap_or_else(|problem| {
        crate::net::problem::log(&problem, &path);
        let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        html(status, layout::problem(&problem))
    }))
}

async fn route(app: &Arc<App>, request: &mut Request<Incoming>, path: &str) -> Result<Response<Body>, Problem> {
    match (request.method(), path) {
        (&Method::GET, "/console/style.css") => return Ok(style()),
        (&Method::GET, "/console/login") => return Ok(html(StatusCode::OK, layout::login(None))),
        (&Method::POST, "/console/login") => return login(app, request).await,
        _ => {}
    }
    let now = app.clock().now();
    let Some(session) = cookie(request.headers()).and_then(|text| app.sessions().find(&text, now)) else {
        return Ok(redirect("/console/login"));
    };
    let query = Form::parse(request.uri().query().unwrap_or_default());
    match *request.method() {
        Method::GET | Method::HEAD => {
            let page = Page { app, session: &session, query };
            let body = match path {
                "/console" => overview::page(&page).await?,
                "/console/held" => held::list(&page).await?,
                "/console/held/item" => held::item(&page).await?,
                "/console/exposure" => exposure::form(&page),
                "/console/ledger" => ledger::list(&page).await?,
                "/console/ledger/entry" => ledger::entry(&page)?,
                _ => return Err(missing(path)),
            };
            Ok(html(StatusCode::OK, body))
        }
        Method::POST => {
            let form = posted(request, &session).await?;
            let page = Page { app, session: &session, query };
            match path {
                "/console/logout" => {
                    app.sessions().end(&session);
                    Ok(redirect("/console/login"))
                }
                "/console/review" => {
                    held::decide(&page, &form).await?;
                    Ok(redirect("/console/held"))
                }
                "/console/exposure" => Ok(html(StatusCode::OK, exposure::answer(&page, &form).await?)),
                "/console/exposure/bundle" => exposure::bundle(&page, &form).await,
                _ => Err(missing(path)),
            }
        }
        _ => Err(Problem::new(Code::MethodNotAllowed, format!("{} is not offered at {path}", request.method()))),
    }
}

fn missing(path: &str) -> Problem {
    Problem::new(Code::NotFound, format!("the console has no page {}", path.chars().take(120).collect::<String>()))
        .with_help("begin at /console/")
}

async fn login(app: &Arc<App>, request: &mut Request<Incoming>) -> Result<Response<Body>, Problem> {
    same_site(request)?;
    let tls = request.extensions().get::<Peer>().is_some_and(|peer| peer.tls);
    let body = crate::api::body(request, LONGEST_FORM).await?;
    let form = Form::parse(&String::from_utf8_lossy(&body));
    let refused = || html(StatusCode::UNAUTHORIZED, layout::login(Some("That token does not open the console.")));
    let Ok(token) = crate::store::TokenText::parse(form.get("token").trim()) else { return Ok(refused()) };
    let (store, now) = (Arc::clone(app.store()), app.clock().now());
    let known = crate::blocking::run(move || store.verify_admin(&token, now)).await?;
    let Some(principal) = known.map_err(|error| error.to_problem())? else { return Ok(refused()) };
    let text = app.sessions().begin(principal, now)?;
    let mut response = redirect("/console/");
    let secure = if tls { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={text}; Path=/console; HttpOnly; SameSite=Strict; Max-Age={}{secure}", session::SECONDS);
    let mut cookie = HeaderValue::from_str(&cookie).map_err(|error| Problem::new(Code::Bug, error.to_string()))?;
    cookie.set_sensitive(true);
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// The fields of a form that a page of this session sent.
async fn posted(request: &mut Request<Incoming>, session: &Session) -> Result<Form, Problem> {
    same_site(request)?;
    let body = crate::api::body(request, LONGEST_FORM).await?;
    let form = Form::parse(&String::from_utf8_lossy(&body));
    if !session.is_own_form(form.get("csrf")) {
        return Err(Problem::new(Code::TokenRefused, "the form was not made by a page of this session")
            .with_help("go back, load the page again, and send the form from there"));
    }
    Ok(form)
}

/// A browser names the origin of the page that posts: it must be ours. Programs name none.
fn same_site(request: &Request<Incoming>) -> Result<(), Problem> {
    let text = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let (origin, host) = (text(header::ORIGIN), text(header::HOST));
    let own = |origin: &str| origin.split_once("://").map(|(_, host)| host) == host;
    if origin.is_none_or(own) {
        return Ok(());
    }
    Err(Problem::new(Code::TokenRefused, "the form comes from another site").with_help("use the console's own pages"))
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

fn html(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn style() -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from_static(STYLE.as_bytes())));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    response
}

/// 303: the browser asks for the page with GET, so that loading it again posts nothing twice.
fn redirect(to: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(to));
    response
}

fn secured(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The facts of a request that the page makes as an operator would.
async fn ask<T: serde::de::DeserializeOwned>(app: &Arc<App>, request: crate::control::Request) -> Result<T, Problem> {
    match crate::control::act(app, request).await {
        Reply::Facts(facts) => serde_json::from_value(facts)
            .map_err(|error| Problem::new(Code::Bug, format!("a reply is not understood: {error}"))),
        Reply::Problem { title, detail, help, .. } => {
            let mut problem = Problem::new(Code::BadRequest, detail).with_help(help);
            problem.title = title;
            Err(problem)
        }
    }
}
