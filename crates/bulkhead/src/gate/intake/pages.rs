//! Upstream project pages: from memory while they are fresh, else asked for once, else from the store when the upstream is down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bulkhead_core::{Code, Problem, Purl, Sha256};
use http::Uri;
use jiff::Timestamp;

use super::canary;
use super::ecosystem::pypi::{self, ProjectIndex, ProjectName};
use super::flight::Flights;
use crate::clock::Clock;
use crate::net::{FetchError, PageAnswer, Upstream};
use crate::source::age::FirstSeen;
use crate::store::{self, SeenFile, Store};
use crate::tasks::Tasks;

/// JSON first; an upstream that has only HTML is understood too.
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";
/// Files of all the pages in memory, at about a kilobyte each; past it the longest unused pages go. The store has them.
const MOST_FILES: usize = 30_000;

/// A project page as the upstream gave it.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) index: ProjectIndex,
    /// When each file without an upload time was first seen, by file name.
    pub(super) first_seen: FirstSeen,
    /// When the upstream last confirmed it.
    confirmed: Mutex<Instant>,
    used: Mutex<Instant>,
    etag: Option<String>,
    /// SHA-256 of the body: an upstream without validators sends the same page again.
    body: Sha256,
}

impl Page {
    fn age(&self) -> Duration {
        self.confirmed.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn confirm(&self) {
        *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// The pages. Cloning shares them.
#[derive(Clone)]
pub(super) struct Pages {
    inner: Arc<Inner>,
}

struct Inner {
    upstream: Upstream,
    base: Uri,
    store: Arc<dyn Store>,
    time_to_live: Duration,
    clock: Clock,
    known: Mutex<Known>,
    flights: Flights<ProjectName, Arc<Page>>,
    tasks: Tasks,
}

/// The pages in memory.
#[derive(Default)]
struct Known {
    held: HashMap<ProjectName, Arc<Page>>,
    /// Pages that were put out while listings still stand on them: they are in memory all the same, and reading one anew
    /// would cost the listing too.
    let_go: HashMap<ProjectName, Weak<Page>>,
}

impl Known {
    fn get(&self, project: &ProjectName) -> Option<Arc<Page>> {
        let page = self.held.get(project).cloned().or_else(|| self.let_go.get(project)?.upgrade())?;
        *page.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Some(page)
    }

    fn remove(&mut self, project: &ProjectName) {
        self.held.remove(project);
        self.let_go.remove(project);
    }

    fn insert(&mut self, project: &ProjectName, page: Arc<Page>) {
        let mut files: usize = self.held.values().map(|page| page.index.files.len()).sum();
        let used = |page: &Arc<Page>| *page.used.lock().unwrap_or_else(PoisonError::into_inner);
        self.let_go.retain(|_, page| page.strong_count() > 0);
        self.let_go.remove(project);
        while files > MOST_FILES {
            let oldest = self.held.iter().min_by_key(|(_, page)| used(page)).map(|(name, _)| name.clone());
            let Some((name, page)) = oldest.and_then(|name| self.held.remove_entry(&name)) else { break };
            files -= page.index.files.len();
            self.let_go.insert(name, Arc::downgrade(&page));
        }
        self.held.insert(project.clone(), page);
    }
}

impl Pages {
    pub(super) fn new(
        upstream: Upstream,
        base: Uri,
        store: Arc<dyn Store>,
        time_to_live: Duration,
        clock: Clock,
        tasks: Tasks,
    ) -> Self {
        let inner = Inner {
            upstream,
            base,
            store,
            time_to_live,
            clock,
            known: Mutex::default(),
            flights: Flights::new(tasks.clone()),
            tasks,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The project's page, confirmed by the upstream within the time to live, or as it was before the upstream went down.
    pub(super) async fn page(&self, project: &ProjectName) -> Result<Arc<Page>, Problem> {
        if let Some(page) = self.known(project) {
            let age = page.age();
            if age < self.inner.time_to_live {
                if age > self.inner.time_to_live / 2 && !self.inner.flights.contains(project) {
                    self.refresh_behind(project);
                }
                return Ok(page);
            }
        }
        self.asked(project).await
    }

    /// The upstream's address.
    pub(super) fn base(&self) -> &Uri {
        &self.inner.base
    }

    fn known(&self, project: &ProjectName) -> Option<Arc<Page>> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner).get(project)
    }

    async fn asked(&self, project: &ProjectName) -> Result<Arc<Page>, Problem> {
        let (inner, name) = (Arc::clone(&self.inner), project.clone());
        self.inner.flights.join(project.clone(), || async move { inner.obtain(&name).await }).await
    }

    fn refresh_behind(&self, project: &ProjectName) {
        let (pages, project) = (self.clone(), project.clone());
        self.inner.tasks.spawn(async move {
            if let Err(problem) = pages.asked(&project).await {
                tracing::warn!(project = project.as_str(), %problem, "a page could not be refreshed; the old one still serves");
            }
        });
    }
}

impl Inner {
    async fn obtain(&self, project: &ProjectName) -> Result<Arc<Page>, Problem> {
        if project.as_str() == canary::PROJECT {
            let page = Page {
                index: canary::index(),
                first_seen: FirstSeen::default(),
                confirmed: Mutex::new(Instant::now()),
                used: Mutex::new(Instant::now()),
                etag: None,
                body: canary::DIGEST,
            };
            return Ok(self.remember(project, Arc::new(page)));
        }
        let purl = project.purl();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(project);
        let mut kept = None;
        if known.is_none() {
            let of_store = purl.clone();
            kept = self.blocking(move |store, _| store.page(&of_store)).await?;
            if let Some(page) = &kept
                && let Some(page) = self.still_current(project, page).await?
            {
                return Ok(self.remember(project, page));
            }
        }
        let etag = known.as_ref().and_then(|page| page.etag.clone());
        let uri = project_uri(&self.base, project)?;
        // A kept page may be of an upstream that was configured before; its validator means nothing to another.
        let of_same =
            |page: &&store::Page| page.final_url.parse::<Uri>().is_ok_and(|from| from.authority() == uri.authority());
        let etag = etag.or_else(|| kept.as_ref().filter(of_same).and_then(|page| page.etag.clone()));
        match self.upstream.fetch_page(&uri, ACCEPT, etag.as_deref()).await {
            Ok(PageAnswer::Fresh(answer)) => {
                let now = self.clock.now();
                if let Some(page) = known.filter(|page| page.body == crate::blob::sha256(&answer.bytes)) {
                    page.confirm();
                    self.blocking(move |store, now| store.touch_page(&purl, now)).await?;
                    return Ok(page);
                }
                let fetched = store::Page {
                    fetched_at: now,
                    etag: answer.etag,
                    content_type: answer.content_type,
                    final_url: answer.final_url.to_string(),
                    body: answer.bytes.into(),
                };
                let page = self.parsed(project, &fetched, now).await?;
                self.keep_behind(project, fetched);
                Ok(self.remember(project, page))
            }
            Ok(PageAnswer::NotModified) => {
                let unasked = || {
                    let detail =
                        format!("the upstream says that the page of `{project}` has not changed, but none was known");
                    Problem::new(Code::UpstreamMalformed, detail)
                };
                let page = match known {
                    Some(page) => page,
                    None => {
                        let kept = kept.ok_or_else(unasked)?;
                        let page = self.parsed(project, &kept, self.clock.now()).await?;
                        self.remember(project, page)
                    }
                };
                page.confirm();
                self.blocking(move |store, now| store.touch_page(&purl, now)).await?;
                Ok(page)
            }
            Ok(PageAnswer::NotFound) => {
                self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(project);
                let detail = format!("the upstream has no project `{project}`");
                Err(Problem::new(Code::ProjectNotFound, detail).with_help("check the spelling"))
            }
            Err(error) => self.kept(project, known, kept, error).await,
        }
    }

    /// Keeps the page in the store while the client already reads it. A page that cannot be kept still serves: it is
    /// asked for again when it is needed again.
    fn keep_behind(&self, project: &ProjectName, page: store::Page) {
        let (store, project) = (Arc::clone(&self.store), project.clone());
        self.tasks.spawn(async move {
            let purl = project.purl();
            let kept = crate::blocking::run(move || store.put_page(&purl, &page)).await;
            if let Err(problem) = kept.and_then(|kept| kept.map_err(|error| error.to_problem())) {
                tracing::warn!(project = project.as_str(), %problem, "the page could not be kept");
            }
        });
    }

    /// The kept page, when the upstream confirmed it within the time to live: it was put out of memory, or the server
    /// was restarted.
    async fn still_current(&self, project: &ProjectName, kept: &store::Page) -> Result<Option<Arc<Page>>, Problem> {
        let now = self.clock.now();
        let age = Duration::try_from(kept.fetched_at.duration_until(now)).ok().filter(|age| *age < self.time_to_live);
        // A time in the future (the clock was set back) counts as no confirmation.
        let Some(age) = age else { return Ok(None) };
        let page = self.parsed(project, kept, now).await?;
        if let Some(confirmed) = Instant::now().checked_sub(age) {
            *page.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = confirmed;
        }
        Ok(Some(page))
    }

    /// The page from before the upstream went down. What it lists was true then; files are judged all the same.
    async fn kept(
        &self,
        project: &ProjectName,
        known: Option<Arc<Page>>,
        kept: Option<store::Page>,
        error: FetchError,
    ) -> Result<Arc<Page>, Problem> {
        if let Some(page) = known {
            tracing::warn!(project = project.as_str(), %error, "the upstream failed; the page from memory serves");
            // Counts as confirmed, so that the upstream is asked again once per time to live, not once per request.
            page.confirm();
            return Ok(page);
        }
        match kept {
            Some(kept) => {
                tracing::warn!(project = project.as_str(), %error, kept = %kept.fetched_at, "the upstream failed; the kept page serves");
                let page = self.parsed(project, &kept, self.clock.now()).await?;
                Ok(self.remember(project, page))
            }
            None => Err(error.problem()),
        }
    }

    async fn parsed(&self, project: &ProjectName, page: &store::Page, now: Timestamp) -> Result<Arc<Page>, Problem> {
        let malformed = |why: String| {
            Problem::new(Code::UpstreamMalformed, format!("the page of `{project}`: {why}"))
                .with_help("check the upstream address; it must be a simple index (PEP 503 or 691)")
        };
        let url: Uri = page.final_url.parse().map_err(|_| malformed("its address is not an address".to_owned()))?;
        let index =
            pypi::parse(Some(&page.content_type), &page.body, &url).map_err(|error| malformed(error.to_string()))?;
        if index.name != *project {
            return Err(Problem::new(
                Code::UpstreamName,
                format!("asked for the page of `{project}`, the upstream sent the page of `{}`", index.name),
            ));
        }
        for refused in &index.refused {
            tracing::warn!(project = project.as_str(), %refused, "an entry of the page cannot be served");
        }
        let first_seen = self.first_seen(project.purl(), &index, now).await?;
        let now = Instant::now();
        Ok(Arc::new(Page {
            index,
            first_seen,
            confirmed: Mutex::new(now),
            used: Mutex::new(now),
            etag: page.etag.clone(),
            body: crate::blob::sha256(&page.body),
        }))
    }

    /// The persisted clock of files whose upload time the upstream does not tell.
    async fn first_seen(&self, purl: Purl, index: &ProjectIndex, now: Timestamp) -> Result<FirstSeen, Problem> {
        let timeless: Vec<(Box<str>, Option<Sha256>)> = index
            .files
            .iter()
            .filter(|file| file.upload_time == pypi::UploadTime::Absent)
            .map(|file| (file.filename.clone(), file.sha256()))
            .collect();
        if timeless.is_empty() {
            return Ok(FirstSeen::default());
        }
        self.blocking(move |store, _| {
            let files: Vec<SeenFile<'_>> =
                timeless.iter().map(|(file, sha256)| SeenFile { file, sha256: *sha256 }).collect();
            let times = store.first_seen(&purl, &files, now)?;
            Ok(timeless.iter().map(|(file, _)| file.clone()).zip(times).collect())
        })
        .await
    }

    fn remember(&self, project: &ProjectName, page: Arc<Page>) -> Arc<Page> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(project, Arc::clone(&page));
        page
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store, Timestamp) -> Result<T, store::StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        crate::blocking::run(move || work(&*store, now)).await?.map_err(|error| error.to_problem())
    }
}

fn project_uri(base: &Uri, project: &ProjectName) -> Result<Uri, Problem> {
    let text = format!("{}/{project}/", base.to_string().trim_end_matches('/'));
    text.parse().map_err(|_| Problem::new(Code::UpstreamUnset, format!("`{text}` is not an address")))
}
