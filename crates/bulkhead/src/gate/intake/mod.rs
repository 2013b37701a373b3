//! The intake gate: between package clients and registries.
//!
//! One request goes: path -> route -> page of the project -> facts -> verdict -> entry -> permit -> bytes. `listing` and
//! `artifact` are the two answers; the rest is what they stand on.

mod ahead;
mod artifact;
mod before;
mod caller;
pub mod canary;
pub mod ecosystem;
mod explain;
mod flight;
mod gather;
mod listing;
mod pages;
mod quarantine;
mod reader;
mod release;

use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::{Action, Code, Problem, Purl};
use bulkhead_ledger::Entry;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};

use ahead::{Ahead, Machine};
use artifact::Wanted;
pub use caller::Caller;
use ecosystem::pypi::{self, Form, ProjectName, Route};
use gather::Gatherer;
use listing::{Key, Listing, Listings, Rendered};
use pages::Pages;
use quarantine::Quarantine;
pub use reader::Reader;

use crate::blob::Blobs;
use crate::clock::Clock;
use crate::estate::Recorder;
use crate::net::{Body, Upstream, conditional, encoding};
use crate::spine::{Permit, Spine};
use crate::store::{ServedVersion, Store};
use crate::tasks::Tasks;
use crate::telemetry::Metrics;

/// What the gate stands on.
pub struct Parts {
    /// Judges and records.
    pub spine: Arc<Spine>,
    /// Records what is inside what was judged.
    pub recorder: Arc<Recorder>,
    /// The index of the company's choice.
    pub upstream: Upstream,
    /// Pages, reports, advisories.
    pub store: Arc<dyn Store>,
    /// What was served and the store does not tell of yet.
    pub served_lately: ServedLately,
    /// Files, by digest.
    pub blobs: Arc<dyn Blobs>,
    /// Reads archives.
    pub reader: Arc<Reader>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Where work goes on when a client hangs up.
    pub tasks: Tasks,
    /// How long a page counts as current.
    pub index_ttl: Duration,
    /// Paths that begin with this are the gate's: `/pypi/`.
    pub clock: Clock,
}

/// The versions of a project that were let through so lately that only the ledger has them.
pub type ServedLately = Arc<dyn Fn(&Purl) -> Vec<ServedVersion> + Send + Sync>;

/// The gate.
pub struct Intake {
    spine: Arc<Spine>,
    store: Arc<dyn Store>,
    served_lately: ServedLately,
    blobs: Arc<dyn Blobs>,
    metrics: Arc<Metrics>,
    tasks: Tasks,
    clock: Clock,
    pages: Pages,
    quarantine: Quarantine,
    listings: Listings,
    ahead: Ahead,
}

/// One request, as far as the gate needs it.
#[derive(Debug)]
pub struct Request<'a> {
    /// GET or HEAD.
    pub method: &'a Method,
    /// The path behind `/pypi/`, still percent-encoded.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// Who asks.
    pub caller: Caller,
}

impl Intake {
    /// The gate over its parts.
    pub fn new(parts: Parts) -> Self {
        let base = parts.upstream.base().clone();
        let store = Arc::clone(&parts.store);
        let pages = Pages::new(parts.upstream.clone(), base, store, parts.index_ttl, parts.clock, parts.tasks.clone());
        let quarantine = Quarantine::new(quarantine::Parts {
            upstream: parts.upstream,
            blobs: Arc::clone(&parts.blobs),
            store: Arc::clone(&parts.store),
            reader: parts.reader,
            recorder: parts.recorder,
            metrics: Arc::clone(&parts.metrics),
            clock: parts.clock,
            tasks: parts.tasks.clone(),
        });
        Self {
            spine: parts.spine,
            store: parts.store,
            served_lately: parts.served_lately,
            blobs: parts.blobs,
            metrics: parts.metrics,
            tasks: parts.tasks,
            clock: parts.clock,
            pages,
            quarantine,
            listings: Listings::default(),
            ahead: Ahead::default(),
        }
    }

    /// The upstream, for people.
    pub fn upstream(&self) -> &Uri {
        self.pages.base()
    }

    /// Answers one request.
    ///
    /// # Errors
    /// The refusal or the fault, to be rendered by the caller.
    pub async fn answer(self: &Arc<Self>, request: Request<'_>) -> Result<Response<Body>, Problem> {
        if !matches!(*request.method, Method::GET | Method::HEAD) {
            let detail = format!("{} is not offered: an index is read with GET and HEAD", request.method);
            return Err(Problem::new(Code::MethodNotAllowed, detail));
        }
        let Request { method, path, headers, caller } = request;
        match pypi::route(path).map_err(|error| route_problem(&error))? {
            Route::Root => self.root(headers),
            Route::Redirect { to } => redirect(&to),
            Route::Index(project) => self.index(&project, &caller, headers).await,
            Route::File { project, digest, file_name } => {
                self.file(&Wanted { project, digest, file_name }, &caller, method, headers).await
            }
            Route::Metadata { project, digest, file_name } => {
                let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
                let machine = agent.and_then(Machine::from_user_agent);
                let wanted = Wanted { project, digest, file_name };
                self.metadata(&wanted, &caller, machine.as_ref(), headers).await
            }
        }
    }

    /// The root of the index lists no project: the upstream's list is tens of megabytes, and no client needs it.
    fn root(&self, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
        let form = form(headers)?;
        let bytes = match form {
            Form::JsonV1 => Bytes::from_static(br#"{"meta":{"api-version":"1.0"},"projects":[]}"#),
            Form::HtmlV1 | Form::Html => Bytes::from_static(
                b"<!DOCTYPE html><html><head><meta name=\"pypi:repository-version\" content=\"1.0\"><title>Simple index</title></head>\
<body><p>Projects are at simple/NAME/. Bulkhead does not list them all.</p></body></html>",
            ),
        };
        Ok(page_response(bytes, form, None))
    }

    async fn index(
        self: &Arc<Self>,
        project: &ProjectName,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Problem> {
        let form = form(headers)?;
        let listing = self.listing(project, caller).await?;
        let permit = self.admit_listing(project, caller, &listing).await?;
        let gzip = encoding::accepts_gzip(headers);
        // Rendering and compressing a large page takes milliseconds, once per listing.
        let rendered = if listing.is_rendered(form, gzip) {
            permit.map(|listing| listing.rendered(form, gzip).clone())
        } else {
            let ready = Arc::clone(&listing);
            let rendered = crate::blocking::run(move || ready.rendered(form, gzip).clone()).await?;
            permit.map(|_| rendered)
        };
        Ok(serve_page(rendered, form, gzip, headers))
    }

    /// The project's page, judged for the caller.
    async fn listing(self: &Arc<Self>, project: &ProjectName, caller: &Caller) -> Result<Arc<Listing>, Problem> {
        let page = self.pages.page(project).await?;
        let basis = self.spine.basis();
        let judged_as = caller.as_judged(basis.in_force.names_client, basis.in_force.names_address);
        let key = Key { project: project.clone(), caller: judged_as };
        if let Some(listing) = self.listings.fresh(&key, &page, basis.epoch) {
            return Ok(listing);
        }
        let gatherer = Gatherer::of_page(self, &page, &basis).await?;
        let (caller, now) = (key.caller.clone(), self.clock.now());
        let judged = crate::blocking::run(move || Listing::judge(&caller, &gatherer, basis, now)).await?;
        let listing = Arc::new(judged);
        self.listings.remember(key, Arc::clone(&listing));
        Ok(listing)
    }

    /// Leave for a listing. One that withholds is recorded once for each asker, project and change; one that withholds
    /// nothing rests on the entry of the policy that withholds nothing.
    async fn admit_listing(
        &self,
        project: &ProjectName,
        caller: &Caller,
        listing: &Arc<Listing>,
    ) -> Result<Permit<Arc<Listing>>, Problem> {
        if listing.withheld.is_empty() {
            return Ok(self.spine.admit_unchanged(&listing.basis.in_force, Arc::clone(listing)));
        }
        // The digest is over what is withheld, so that a change of it is another ask.
        let ask = caller.ask(Action::List, project.purl(), None, Some(listing.withheld_digest));
        let title = format!("the listing of {project}");
        let outcome = match self.spine.recorded(&ask, &title).await? {
            Some(outcome) => outcome,
            None => {
                let verdict = listing.verdict();
                self.metrics.verdict("intake", Action::List.as_str(), verdict.effect.as_str());
                let names = listing.withheld.iter().map(|withheld| &*withheld.file);
                let dress = |entry: Entry| entry.with_withheld(names);
                self.spine.settle(&ask, verdict, title, &listing.basis, self.clock.now(), dress).await?
            }
        };
        self.spine.admit(&ask, &outcome, Arc::clone(listing))
    }
}

/// Lets a page out.
fn serve_page(permit: Permit<Rendered>, form: Form, gzip: bool, headers: &HeaderMap) -> Response<Body> {
    let (page, _) = permit.redeem();
    let etag = HeaderValue::from_str(&page.etag).expect("invariant: an ETag of hexadecimal digits is a header value");
    if conditional::client_has(headers, &etag) {
        return conditional::not_modified(etag, Some(VARY));
    }
    let mut response = page_response(page.body, form, Some(etag));
    if gzip {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

const VARY: HeaderValue = HeaderValue::from_static("Accept, Accept-Encoding");

fn page_response(bytes: Bytes, form: Form, etag: Option<HeaderValue>) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
    headers.insert(header::VARY, VARY);
    // Clients keep the page and ask each time: a verdict may change at any moment.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(etag) = etag {
        headers.insert(header::ETAG, etag);
    }
    response
}

fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    // RFC 9110, 5.3: several fields of one name are one list.
    let accept: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let accept = (!accept.is_empty()).then(|| accept.join(", "));
    pypi::negotiate(accept.as_deref()).map_err(|error| {
        Problem::new(Code::NotAcceptable, error.to_string())
            .with_help("accept application/vnd.pypi.simple.v1+json or text/html")
    })
}

fn redirect(to: &str) -> Result<Response<Body>, Problem> {
    let location =
        HeaderValue::from_str(to).map_err(|_| Problem::new(Code::BadPath, "the path cannot be normalised"))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

fn route_problem(error: &pypi::RouteError) -> Problem {
    let code = if error.status() == 404 { Code::NotFound } else { Code::BadPath };
    Problem::new(code, error.to_string())
        .with_help("projects are at /pypi/simple/NAME/; point a client there with `bulkhead setup pip`")
}
