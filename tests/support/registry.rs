//! A package registry in this process: the simple API in both forms, over files built in memory, with every fault that
//! an upstream can have. Plain threads and sockets, since a fault is mostly a matter of which bytes are not sent.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard},
};

use jiff::{SignedDuration, Timestamp};

use super::package::{Sdist, Wheel, normalise};

mod fault;
mod page;
mod serve;

pub use fault::{Barrier, Fault};

/// A registry on a loopback port of its own. Goes away when dropped.
#[derive(Debug)]
pub struct Registry {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    listener: Option<serve::Listener>,
}

#[derive(Debug, Default)]
struct State {
    /// By normalised name.
    projects: BTreeMap<String, Project>,
    /// By beginning of the path; the longest that fits counts.
    faults: BTreeMap<String, Fault>,
    log: Vec<Request>,
    html_only: bool,
}

#[derive(Debug, Clone, Default)]
struct Project {
    files: Vec<Upload>,
    /// Status and reason (PEP 792).
    status: Option<(String, String)>,
}

/// One request that the registry answered.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub status: u16,
    /// Bytes of the body that were sent.
    pub sent: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A file as the registry lists it: thirty days old, with a SHA-256, unless a test says otherwise.
#[derive(Debug, Clone)]
pub struct Upload {
    project: String,
    version: String,
    filename: String,
    bytes: Arc<Vec<u8>>,
    /// What the index promises; differs from `bytes` when an upstream lies.
    sha256: Option<String>,
    uploaded: Option<String>,
    yanked: Option<String>,
    metadata: Option<Vec<u8>>,
    url: Option<String>,
}

impl From<Wheel> for Upload {
    fn from(wheel: Wheel) -> Self {
        Self::new(wheel.name(), wheel.version(), wheel.file_name(), wheel.build())
    }
}

impl From<Sdist> for Upload {
    fn from(sdist: Sdist) -> Self {
        Self::new(sdist.name(), sdist.version(), sdist.file_name(), sdist.build())
    }
}

impl Upload {
    pub fn new(project: &str, version: &str, filename: String, bytes: Vec<u8>) -> Self {
        let upload = Self {
            project: project.to_owned(),
            version: version.to_owned(),
            filename,
            sha256: Some(super::sha256(&bytes)),
            bytes: Arc::new(bytes),
            uploaded: None,
            yanked: None,
            metadata: None,
            url: None,
        };
        upload.days_old(30)
    }

    pub fn days_old(self, days: i64) -> Self {
        self.hours_old(days * 24)
    }

    /// Negative hours lie in the future.
    pub fn hours_old(self, hours: i64) -> Self {
        let time = Timestamp::now() - SignedDuration::from_hours(hours);
        self.uploaded(&time.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string())
    }

    /// The upload time, as the index spells it.
    pub fn uploaded(mut self, time: &str) -> Self {
        self.uploaded = Some(time.to_owned());
        self
    }

    pub fn without_time(mut self) -> Self {
        self.uploaded = None;
        self
    }

    pub fn yanked(mut self, reason: &str) -> Self {
        self.yanked = Some(reason.to_owned());
        self
    }

    pub fn without_hash(mut self) -> Self {
        self.sha256 = None;
        self
    }

    /// The index promises the digest of something else.
    pub fn with_wrong_hash(mut self) -> Self {
        self.sha256 = Some(super::sha256(b"something else"));
        self
    }

    /// The registry offers these bytes as the file's metadata (PEP 714).
    pub fn with_metadata(mut self, metadata: Vec<u8>) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// The index links somewhere else.
    pub fn linked_to(mut self, url: &str) -> Self {
        self.url = Some(url.to_owned());
        self
    }

    /// On the page of another project.
    pub fn of(mut self, project: &str) -> Self {
        self.project = project.to_owned();
        self
    }

    /// Under another file name.
    pub fn named(mut self, filename: &str) -> Self {
        self.filename = filename.to_owned();
        self
    }

    pub fn filename(&self) -> &str {
        &self.filename
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the bytes.
    pub fn sha256(&self) -> String {
        super::sha256(&self.bytes)
    }

    /// The path under which Bulkhead serves the file: what a lockfile holds.
    pub fn path_here(&self) -> String {
        let promised = self.sha256.clone().unwrap_or_else(|| "0".repeat(64));
        format!("/pypi/files/{}/{promised}/{}", normalise(&self.project), self.filename)
    }

    /// The path under which the registry serves the file.
    pub fn path(&self) -> String {
        format!("/files/{}/{}", normalise(&self.project), self.filename)
    }
}

impl Registry {
    /// An empty registry that has begun to listen.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1")
    }

    /// The same, on another loopback address.
    pub fn start_at(address: &str) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let socket = TcpListener::bind((address, 0)).expect("a loopback port");
        let address = socket.local_addr().unwrap();
        let listener = Some(serve::Listener::start(socket, Arc::clone(&state)));
        Self { state, address, listener }
    }

    /// The simple API's address, as a client would be configured for it.
    pub fn simple(&self) -> String {
        format!("http://{}/simple/", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lists a file; returns what it listed.
    pub fn publish(&self, upload: impl Into<Upload>) -> Upload {
        let upload = upload.into();
        let mut state = self.state();
        let project = state.projects.entry(normalise(&upload.project)).or_default();
        project.files.retain(|file| file.filename != upload.filename);
        project.files.push(upload.clone());
        upload
    }

    /// Gives a project a status (PEP 792).
    pub fn status(&self, project: &str, status: &str, reason: &str) {
        self.state().projects.entry(project.to_owned()).or_default().status =
            Some((status.to_owned(), reason.to_owned()));
    }

    /// Answers only HTML (PEP 503), as older mirrors do.
    pub fn html_only(&self) {
        self.state().html_only = true;
    }

    /// From now on, paths with this beginning have this fault.
    pub fn fault(&self, path: &str, fault: Fault) {
        self.state().faults.insert(path.to_owned(), fault);
    }

    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state().log.clone()
    }

    /// How often a path with this ending was asked for.
    pub fn asked_for(&self, ending: &str) -> usize {
        self.state().log.iter().filter(|request| request.path.ends_with(ending)).count()
    }

    /// Bytes of bodies sent so far.
    pub fn sent(&self) -> usize {
        self.state().log.iter().map(|request| request.sent).sum()
    }

    pub fn forget_requests(&self) {
        self.state().log.clear();
    }

    /// Stops listening and closes what is open: the upstream is down.
    pub fn stop(&mut self) {
        self.listener = None;
    }

    /// Listens again, at the same address.
    pub fn resume(&mut self) {
        let socket = TcpListener::bind(self.address).expect("the port that was ours");
        self.listener = Some(serve::Listener::start(socket, Arc::clone(&self.state)));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
