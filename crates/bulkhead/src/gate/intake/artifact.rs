//! One file, or its metadata: judged by what is known without the bytes, then by the bytes, recorded, served.

use std::sync::Arc;

use bulkhead_core::{Action, Ask, Code, Problem, Sha256};
use bulkhead_ledger::Entry;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, header};

use super::Intake;
use super::ahead::Machine;
use super::caller::Caller;
use super::ecosystem::pypi::{IndexFile, ProjectName};
use super::gather::{Gatherer, Seen};
use super::pages::Page;
use super::quarantine::Read;
use crate::blob::Blob;
use crate::net::{Body, conditional, range};
use crate::spine::{Outcome, Permit};

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) project: ProjectName,
    pub(super) digest: Sha256,
    pub(super) file_name: String,
}

/// A wheel's METADATA, on its way out.
pub(super) struct Metadata {
    bytes: Bytes,
    digest: Sha256,
}

impl Intake {
    /// Answers a request for a file.
    pub(super) async fn file(
        self: &Arc<Self>,
        wanted: &Wanted,
        caller: &Caller,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Problem> {
        let ask = self.asked_before(wanted, caller, Action::Fetch);
        let outcome = match self.spine.recent(&ask) {
            Some(outcome) => outcome,
            None => self.judge(wanted, &ask).await?.0,
        };
        self.ahead.asked(caller, &wanted.digest);
        let permit = self.spine.admit(&ask, &outcome, wanted.digest)?;
        self.serve_file(permit, wanted, method, headers).await
    }

    /// Answers a request for a wheel's metadata.
    pub(super) async fn metadata(
        self: &Arc<Self>,
        wanted: &Wanted,
        caller: &Caller,
        machine: Option<&Machine>,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Problem> {
        let ask = self.asked_before(wanted, caller, Action::Metadata);
        let (outcome, read) = match (self.spine.recent(&ask), self.quarantine.known(&wanted.digest)) {
            (Some(outcome), Some(read)) => (outcome, Some(read)),
            (Some(outcome), None) if !outcome.verdict().effect.passes() => (outcome, None),
            _ => self.judge(wanted, &ask).await?,
        };
        let permit = self.spine.admit(&ask, &outcome, ())?;
        let bytes = read.and_then(|read| read.metadata.clone()).ok_or_else(|| {
            let detail = format!("{} has no metadata file", wanted.file_name);
            Problem::new(Code::FileNotFound, detail)
        })?;
        self.ahead.asked(caller, &wanted.digest);
        self.ahead.follow_metadata(self, caller, machine, &bytes);
        let digest = wanted.digest;
        Ok(serve_metadata(permit.map(|()| Metadata { bytes, digest }), headers))
    }

    /// The ask, as it is looked up among recent outcomes: by project and digest, so that it needs no page.
    fn asked_before(&self, wanted: &Wanted, caller: &Caller, action: Action) -> Ask {
        let version = super::ecosystem::pypi::FileName::parse(&wanted.file_name, &wanted.project);
        let purl = match version.as_ref().ok().and_then(|name| name.version()) {
            Some(version) => wanted.project.purl().at(version.to_string()),
            None => wanted.project.purl(),
        };
        caller.ask(action, purl, Some(&wanted.file_name), Some(wanted.digest))
    }

    async fn judge(self: &Arc<Self>, wanted: &Wanted, ask: &Ask) -> Result<(Outcome, Option<Arc<Read>>), Problem> {
        let page = self.pages.page(&wanted.project).await?;
        let file = find(&page, wanted)?;
        let mut basis = self.spine.basis();
        let mut gatherer = Gatherer::of_file(self, &page, file, &basis).await?;
        let now = self.clock.now();
        let verdict = basis.in_force.judge(ask, &gatherer.facts(file, None, now), gatherer.reviewed(), now);
        let (verdict, read) = if verdict.effect.passes() {
            let read = self.quarantine.read(&wanted.project, file, wanted.digest).await?;
            let delta = self.delta(&gatherer, &wanted.project, file, wanted.digest).await?;
            // A download takes as long as it takes. What was decided meanwhile holds for this file too.
            if self.spine.epoch() != basis.epoch {
                basis = self.spine.basis();
                gatherer = Gatherer::of_file(self, &page, file, &basis).await?;
            }
            let now = self.clock.now();
            let seen = Seen { delta: delta.as_ref(), ..read.seen() };
            let facts = gatherer.facts(file, Some(seen), now);
            (basis.in_force.judge(ask, &facts, gatherer.reviewed(), now), Some(read))
        } else {
            // An advisory or the cooldown needs no download to say no.
            (verdict, None)
        };
        if !verdict.effect.passes() && read.is_some() {
            self.listings.forget(&wanted.project);
        }
        self.metrics.verdict("intake", ask.action.as_str(), verdict.effect.as_str());
        let title = format!(
            "{} is {}",
            wanted.file_name,
            if verdict.effect == bulkhead_core::Effect::Hold { "held" } else { "refused" }
        );
        // The floor needs the upload time of what was served, and entries are all that a rebuild has.
        let uploaded = file.upload_time.at().map_or_else(String::new, |at| at.to_string());
        let dress = |entry: Entry| entry.with_detail("uploaded", uploaded);
        let outcome = self.spine.settle(ask, verdict, title, &basis, now, dress).await?;
        Ok((outcome, read))
    }

    /// Lets a file out. Takes the permit for its digest, opens our own copy, and nothing else.
    async fn serve_file(
        &self,
        permit: Permit<Sha256>,
        wanted: &Wanted,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Problem> {
        let (digest, receipt) = permit.redeem();
        let blob = self.open(digest).await?;
        let etag = quoted(&digest.to_hex());
        if conditional::client_has(headers, &etag) {
            return Ok(conditional::not_modified(etag, None));
        }
        let content_type = HeaderValue::from_static(content_type(&wanted.file_name));
        let file = Arc::new(blob.file);
        let mut response = range::respond(headers, content_type, blob.len, etag, |part| {
            if method == Method::HEAD { Body::empty() } else { Body::file(file, part) }
        });
        let answer = response.headers_mut();
        answer.insert("x-bulkhead-verdict", verdict_header(receipt.verdict_id()));
        self.metrics.served(blob.len);
        Ok(response)
    }

    async fn open(&self, digest: Sha256) -> Result<Blob, Problem> {
        // Opening is one system call on a warm path; a thread of its own would cost more than it saves.
        let opened = self.blobs.open(&digest).map_err(|error| error.to_problem())?;
        opened.ok_or_else(|| {
            Problem::new(Code::StorageUnavailable, format!("blob {digest} is gone from the data directory"))
                .with_help("ask again in a minute: it is fetched and judged anew")
        })
    }
}

/// Lets a wheel's metadata out.
fn serve_metadata(permit: Permit<Metadata>, headers: &HeaderMap) -> Response<Body> {
    let (metadata, receipt) = permit.redeem();
    let etag = quoted(&format!("{}.metadata", metadata.digest));
    if conditional::client_has(headers, &etag) {
        return conditional::not_modified(etag, None);
    }
    let mut response = Response::new(Body::from(metadata.bytes));
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    answer.insert(header::ETAG, etag);
    answer.insert("x-bulkhead-verdict", verdict_header(receipt.verdict_id()));
    response
}

fn quoted(tag: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{tag}\"")).expect("invariant: hexadecimal digits are a header value")
}

fn verdict_header(id: bulkhead_core::VerdictId) -> HeaderValue {
    HeaderValue::from_str(&id.to_string()).expect("invariant: a verdict id is `v` and digits")
}

fn content_type(file_name: &str) -> &'static str {
    if file_name.ends_with(".gz") || file_name.ends_with(".tgz") { "application/gzip" } else { "application/zip" }
}

fn find<'a>(page: &'a Page, wanted: &Wanted) -> Result<&'a IndexFile, Problem> {
    let found = page.index.files.iter().find(|file| *file.filename == *wanted.file_name);
    let missing = |why: String| {
        Problem::new(Code::FileNotFound, why)
            .with_help("resolve anew: the upstream's list of files has changed, or the link is not from it")
    };
    match found {
        None => Err(missing(format!("the upstream lists no file {} in project {}", wanted.file_name, wanted.project))),
        // The all-zero digest is the link of a file without one: judged, so that the answer says why it is refused.
        Some(file) if file.sha256().unwrap_or(Sha256::from_bytes([0; 32])) == wanted.digest => Ok(file),
        Some(_) => {
            Err(missing(format!("the upstream lists {} with another digest than {}", wanted.file_name, wanted.digest)))
        }
    }
}
