//! What machines tell the server: inventories, builds and runs, as JSON over POST, under the same tokens as the gates.

use std::sync::Arc;

use bulkhead_core::{Code, Problem};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::estate::Submission;
use crate::gate::intake::Caller;
use crate::net::Body;

/// A million components with their hashes.
const LONGEST: usize = 256 << 20;

/// Answers below `/api/`.
pub(crate) async fn answer(
    app: &Arc<App>,
    request: &mut Request<Incoming>,
    caller: &Caller,
) -> Result<Response<Body>, Problem> {
    let path = request.uri().path().to_owned();
    let read: fn(&[u8]) -> Result<Submission, Problem> = match path.as_str() {
        "/api/inventory" => |body| json(body).map(Submission::Inventory),
        "/api/builds" => |body| json(body).map(Submission::Build),
        "/api/runs" => |body| json(body).map(Submission::Run),
        _ => {
            return Err(Problem::new(Code::NotFound, "there is no such path below /api/")
                .with_help("POST to /api/inventory, /api/builds or /api/runs"));
        }
    };
    if request.method() != Method::POST {
        return Err(Problem::new(Code::MethodNotAllowed, format!("{} is not offered at {path}", request.method()))
            .with_help("POST a JSON report"));
    }
    // A web page can make a browser post text, forms and files to any address, and JSON only after it was allowed to.
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Problem::new(Code::BadRequest, "the report is not sent as application/json")
            .with_help("set the header Content-Type: application/json"));
    }
    let submission = read(&body(request, LONGEST).await?)?;
    let recorded = app.recorder().submit(&caller.principal, &submission).await?;
    let text = serde_json::to_vec(&recorded);
    let text = text.map_err(|error| Problem::new(Code::Bug, format!("the answer cannot be written: {error}")))?;
    let mut response = Response::new(Body::from(Bytes::from(text)));
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The whole body, when it is not longer than that.
pub(crate) async fn body(request: &mut Request<Incoming>, longest: usize) -> Result<Bytes, Problem> {
    let collected = Limited::new(request.body_mut(), longest).collect().await;
    collected.map(http_body_util::Collected::to_bytes).map_err(|error| {
        let long = error.downcast_ref::<http_body_util::LengthLimitError>().is_some();
        let code = if long { Code::TooLarge } else { Code::BadRequest };
        Problem::new(code, format!("the body could not be read: {error}"))
            .with_help("split the report by environment, or send it again")
    })
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(Code::BadRequest, format!("the report is not understood: {error}"))
            .with_help("docs/exposure.md shows each report")
    })
}
