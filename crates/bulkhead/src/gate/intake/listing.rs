//! Which files of a project an asker may choose from, and the page that says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_core::policy::Memo;
use bulkhead_core::{Action, Effect, Reason, Sha256, Verdict};
use bytes::Bytes;
use jiff::Timestamp;

use super::caller::Caller;
use super::ecosystem::pypi::{self, CoreMetadata, FileKind, Form, IndexFile, Links, ProjectName};
use super::gather::Gatherer;
use super::pages::Page;
use crate::net::encoding;
use crate::spine::Basis;

/// A listing that withholds is judged anew after this, so that maturing files show.
const LONGEST: Duration = Duration::from_secs(60);
/// One that withholds nothing: only an exception that ends or a feed that grows old could change it by time alone, and
/// the file itself is judged when it is asked for.
const LONGEST_WHOLE: Duration = Duration::from_secs(600);
/// Rendered pages kept in memory, in bytes; past it the longest unused go.
const MOST_BYTES: usize = 16 << 20;

/// A project page judged for one kind of asker.
#[derive(Debug)]
pub(super) struct Listing {
    page: Arc<Page>,
    pub(super) basis: Basis,
    judged: Instant,
    /// Indexes into the page's files that stay.
    keep: Vec<usize>,
    /// What was left out, with why. Empty when the page is as the upstream gave it.
    pub(super) withheld: Vec<Withheld>,
    causes: Vec<Cause>,
    /// Set when nothing would remain: the refused files stay listed, and answer 403.
    pub(super) all_refused: bool,
    /// SHA-256 over what is withheld and why: the same digest is the same answer.
    pub(super) withheld_digest: Sha256,
    /// By form and coding; what no client asks for is never made.
    forms: [OnceLock<Rendered>; 4],
    used: Mutex<Instant>,
}

/// One file that a listing leaves out.
#[derive(Debug)]
pub(super) struct Withheld {
    pub(super) file: Box<str>,
    /// Which of the listing's causes.
    cause: usize,
}

/// Why files are left out: one rule, with its sentence about the first of them.
#[derive(Debug)]
struct Cause {
    reason: Reason,
    example: Box<str>,
    count: usize,
}

/// A page in one form and coding, with its validator.
#[derive(Debug, Clone)]
pub(super) struct Rendered {
    pub(super) body: Bytes,
    pub(super) etag: String,
}

impl Listing {
    /// Judges every file of the page for the caller.
    pub(super) fn judge(caller: &Caller, gatherer: &Gatherer, basis: Basis, now: Timestamp) -> Self {
        let in_force = &basis.in_force;
        let page = Arc::clone(gatherer.page());
        let index = &page.index;
        let mut keep = Vec::with_capacity(index.files.len());
        let (mut withheld, mut causes, mut memo) = (Vec::new(), Vec::new(), Memo::default());
        for (at, file) in index.files.iter().enumerate() {
            let ask = gatherer.ask(caller, Action::List, file);
            let facts = gatherer.facts(file, gatherer.seen(file), now);
            let verdict = in_force.judge_listed(&mut memo, &ask, &facts, gatherer.reviewed(), now);
            if verdict.effect.passes() {
                keep.push(at);
                continue;
            }
            let rule = verdict.deciding().map_or("default", |reason| &reason.rule);
            let known = causes.iter().position(|cause: &Cause| cause.reason.rule == rule);
            let cause = known.unwrap_or_else(|| {
                // The sentence is made once for each rule: it costs more than judging does.
                let whole = in_force.judge(&ask, &facts, gatherer.reviewed(), now);
                let reason = whole.deciding().cloned().unwrap_or_else(|| by_default(verdict.effect));
                causes.push(Cause { reason, example: file.filename.clone(), count: 0 });
                causes.len() - 1
            });
            causes[cause].count += 1;
            withheld.push(Withheld { file: file.filename.clone(), cause });
        }
        let all_refused = keep.is_empty() && !withheld.is_empty();
        if all_refused {
            // Hiding a whole project makes pip and uv silently install years-old releases of whatever needs it
            // (notes/firewall.md 4.3): list what is held, and refuse at the file, where they print why.
            keep = (0..index.files.len()).collect();
        }
        let withheld_digest = digest(&withheld, &causes, all_refused);
        Self {
            page,
            basis,
            judged: Instant::now(),
            keep,
            withheld,
            causes,
            all_refused,
            withheld_digest,
            forms: Default::default(),
            used: Mutex::new(Instant::now()),
        }
    }

    /// The files that stay, in the upstream's order.
    pub(super) fn kept(&self) -> impl DoubleEndedIterator<Item = &IndexFile> {
        self.keep.iter().map(|at| &self.page.index.files[*at])
    }

    /// The page in that form, compressed or not. Made once.
    pub(super) fn rendered(&self, form: Form, gzip: bool) -> &Rendered {
        self.slot(form, gzip).get_or_init(|| self.render(form, gzip))
    }

    fn render(&self, form: Form, gzip: bool) -> Rendered {
        let index = &self.page.index;
        let link = |file: &IndexFile| link(&index.name, file);
        let metadata = |file: &IndexFile| metadata(&index.name, file);
        let links = Links { file: &link, metadata: &metadata };
        let kept: Vec<&IndexFile> = self.kept().collect();
        let bytes = match form {
            Form::JsonV1 => pypi::render_json(index, &kept, links),
            Form::HtmlV1 | Form::Html => pypi::render_html(index, &kept, links),
        };
        // One tag for both codings would let a cache answer one with the other (RFC 9110, 8.8.3.3).
        let coding = if gzip { "-gzip" } else { "" };
        let etag = format!("\"{}{coding}\"", &crate::blob::sha256(&bytes).to_hex()[..32]);
        Rendered { body: if gzip { encoding::gzip(&bytes) } else { bytes.into() }, etag }
    }

    /// The verdict to record for the listing as a whole: changed, because of these rules.
    pub(super) fn verdict(&self) -> Verdict {
        let all = self.page.index.files.len();
        let reason = |cause: &Cause| {
            let text = format!("{} of {all} files; for example {}: {}", cause.count, cause.example, cause.reason.text);
            Reason { text, help: String::new(), ..cause.reason.clone() }
        };
        Verdict { effect: Effect::Transform, reasons: self.causes.iter().map(reason).collect() }
    }

    /// Whether the page is ready in that form and coding.
    pub(super) fn is_rendered(&self, form: Form, gzip: bool) -> bool {
        self.slot(form, gzip).get().is_some()
    }

    fn slot(&self, form: Form, gzip: bool) -> &OnceLock<Rendered> {
        match (form, gzip) {
            (Form::JsonV1, true) => &self.forms[0],
            (Form::JsonV1, false) => &self.forms[1],
            (Form::HtmlV1 | Form::Html, true) => &self.forms[2],
            (Form::HtmlV1 | Form::Html, false) => &self.forms[3],
        }
    }

    fn size(&self) -> usize {
        let rendered = self.forms.iter().filter_map(OnceLock::get);
        rendered.map(|form| form.body.len()).sum::<usize>() + self.keep.len() * 8
    }

    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a file is to be had here, relative to its page, so that the page works under any name of this server.
fn link(project: &ProjectName, file: &IndexFile) -> String {
    match file.sha256() {
        Some(digest) => pypi::file_link(project, &digest, &file.filename),
        // Without a digest nothing can be served; the link says which file was meant, and answers with the reason.
        None => pypi::file_link(project, &Sha256::from_bytes([0; 32]), &file.filename),
    }
}

/// Every wheel that can be served has its metadata served from itself.
fn metadata(project: &ProjectName, file: &IndexFile) -> CoreMetadata {
    let wheel = pypi::FileName::parse(&file.filename, project).is_ok_and(|name| name.kind() == FileKind::Wheel);
    if wheel && file.sha256().is_some() { CoreMetadata::Available } else { CoreMetadata::Unavailable }
}

fn digest(withheld: &[Withheld], causes: &[Cause], all_refused: bool) -> Sha256 {
    let mut text = String::from(if all_refused { "all\n" } else { "some\n" });
    for withheld in withheld {
        text.push_str(&withheld.file);
        text.push('\t');
        text.push_str(&causes[withheld.cause].reason.rule);
        text.push('\n');
    }
    crate::blob::sha256(text.as_bytes())
}

/// The reason when no rule has a say and the gate refuses by default.
fn by_default(effect: Effect) -> Reason {
    let text = "no rule allows it, and the gate refuses by default".to_owned();
    Reason { rule: "default".to_owned(), effect, text, help: String::new(), audit: false, excepted_by: None }
}

/// What makes two askers see the same listing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) project: ProjectName,
    pub(super) caller: Caller,
}

/// Listings by project and kind of asker. The mutex guards the map only.
#[derive(Debug, Default)]
pub(super) struct Listings {
    known: Mutex<HashMap<Key, Arc<Listing>>>,
}

impl Listings {
    /// The listing, when it was made from this page under this epoch not long ago.
    pub(super) fn fresh(&self, key: &Key, page: &Arc<Page>, epoch: u64) -> Option<Arc<Listing>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let listing = known.get(key)?;
        let longest = if listing.withheld.is_empty() { LONGEST_WHOLE } else { LONGEST };
        let fresh =
            Arc::ptr_eq(&listing.page, page) && listing.basis.epoch == epoch && listing.judged.elapsed() < longest;
        fresh.then(|| {
            *listing.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            Arc::clone(listing)
        })
    }

    pub(super) fn remember(&self, key: Key, listing: Arc<Listing>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes: usize = known.values().map(|listing| listing.size()).sum();
        while bytes > MOST_BYTES {
            let Some(oldest) = known.iter().min_by_key(|(_, listing)| listing.used()).map(|(key, _)| key.clone())
            else {
                break;
            };
            bytes -= known.remove(&oldest).map_or(0, |listing| listing.size());
        }
        known.insert(key, listing);
    }

    /// Forgets a project: the content of one of its files was read, and may change what is listed.
    pub(super) fn forget(&self, project: &ProjectName) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| key.project != *project);
    }
}
