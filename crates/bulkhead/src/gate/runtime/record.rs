//! From what the layers see to lines for the ledger: each thing once, counted after that, and never more than a run may write.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bulkhead_contain::net::Caught;
use bulkhead_contain::{Answer, Seen, Target, What, Who};
use bulkhead_core::{Action, Effect, Sha256};
use serde::{Deserialize, Serialize};

use super::shown;

/// Different things that one run may write lines about; past it they are only counted. A program that floods the record
/// finds its flood as a number.
pub const MOST_LINES: usize = 500;
/// Lines that go to the ledger at a time.
const BATCH: usize = 50;

/// One entry to be, of one run. Who, when, which run and which policy are added where it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLine {
    /// What.
    pub action: Action,
    /// What came of it.
    pub effect: Effect,
    /// The file, host or socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// A digest that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Sha256>,
    /// The rule, for what was refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// The reason in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Everything else, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub detail: BTreeMap<String, String>,
}

impl RunLine {
    /// A line that nothing refused.
    pub fn plain(action: Action) -> Self {
        Self {
            action,
            effect: Effect::Allow,
            about: None,
            digest: None,
            rule: String::new(),
            text: String::new(),
            detail: BTreeMap::new(),
        }
    }

    /// With one more detail; an empty one is none.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.detail.insert(name.to_owned(), value);
        }
        self
    }
}

/// Where lines go: into the ledger, durably, before it returns.
pub type Sink = Box<dyn Fn(&[RunLine]) -> anyhow::Result<()> + Send>;

/// What a run's lines are about: what paths are shown as, and what is normal.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// The work directory.
    pub work_dir: PathBuf,
    /// The home.
    pub home: Option<PathBuf>,
    /// What may be written besides.
    pub writable: Vec<PathBuf>,
    /// Whether everything is written down, because nothing but credentials is refused.
    pub observe: bool,
    /// Whether the run has a network of its own, and what of it reaches the supervisor.
    pub caught: Option<Caught>,
}

/// Takes down what a run does. Clones share it.
#[derive(Clone)]
pub struct Recorder {
    inner: Arc<Inner>,
}

struct Inner {
    scene: Scene,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How often each was seen.
    seen: HashMap<(Action, Effect, String), u64>,
    pending: Vec<RunLine>,
    /// Questions of the egress gate that are not answered yet.
    asked: usize,
    refused: Vec<String>,
    contacts: BTreeSet<String>,
    vanished: BTreeSet<String>,
    secrets: BTreeSet<String>,
    /// Lines that were not written, because there were too many.
    suppressed: u64,
    /// Writes of byte code beside sources that cannot be written: what Python does everywhere.
    routine: u64,
    over: bool,
    failed: Option<String>,
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// What was refused, in words, each once, in the order in which it happened.
    pub refused: Vec<String>,
    /// What was written where it ends with the run.
    pub vanished: BTreeSet<String>,
    /// Hosts that were reached.
    pub contacts: BTreeSet<String>,
    /// Secrets that were used.
    pub secrets: BTreeSet<String>,
    /// Repetitions of things that have a line.
    pub repeated: u64,
    /// Things that have none.
    pub suppressed: u64,
    /// Writes of byte code that came to nothing.
    pub routine: u64,
    /// Why not everything was recorded.
    pub failed: Option<String>,
}

impl Recorder {
    /// A recorder, and the thread that empties it into the sink.
    pub fn start(scene: Scene, sink: Sink) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let inner = Arc::new(Inner { scene, state: Mutex::default(), changed: Condvar::new() });
        let writing = Arc::clone(&inner);
        let thread = std::thread::Builder::new().name("record".to_owned()).spawn(move || writing.write(&sink))?;
        Ok((Self { inner }, thread))
    }

    /// Something that a layer saw.
    pub fn seen(&self, seen: Seen) {
        let sent = matches!(seen.what, What::Sent { .. });
        let line = self.inner.scene.line(seen);
        let mut state = self.inner.state();
        match line {
            // Seen as a call before, with its process: the packet adds nothing.
            Judged::Line(line, _) if sent && state.knows(&line) => {}
            Judged::Nothing => {}
            Judged::Routine => state.routine += 1,
            Judged::Line(line, by) => state.take(line, &by),
        }
        drop(state);
        self.inner.changed.notify_all();
    }

    /// A connection that was refused, by whom the network side knows: `host:port`, and why.
    pub fn refused_connection(&self, to: &str, rule: &str, why: &str) {
        self.not_reached(to, Effect::Deny, rule, why);
    }

    /// Takes note of a connection that the egress gate refused; its entry is there already.
    pub fn refused_by_gate(&self, action: Action, to: &str, rule: &str) {
        self.inner.state().refused_by_gate(action, to, rule);
    }

    /// Takes note of a host that was allowed and not reached: refused by its address, or silent.
    pub fn not_reached(&self, to: &str, effect: Effect, rule: &str, why: &str) {
        let line = RunLine {
            effect,
            about: Some(to.to_owned()),
            rule: rule.to_owned(),
            text: why.to_owned(),
            ..RunLine::plain(Action::Connect)
        };
        self.inner.state().take(line, "");
        self.inner.changed.notify_all();
    }

    /// Takes note of what a host made of a secret: a new credential, for which the run has a placeholder, or a cookie.
    pub fn minted(&self, what: &str) {
        let (effect, text) = match what.contains(" cookie ") {
            true => {
                (Effect::Allow, "a cookie came with the answer to a request that carried a secret; it may be a session")
            }
            false => (Effect::Transform, "the host made a new credential; the run has a placeholder for it"),
        };
        let line = RunLine {
            effect,
            about: Some(what.to_owned()),
            rule: "minted".to_owned(),
            text: text.to_owned(),
            ..RunLine::plain(Action::Request)
        };
        self.inner.state().take(line, "");
        self.inner.changed.notify_all();
    }

    /// Before the egress gate asks: whether there is room for one more refusal. Whoever asks says when it is [`Self::answered`];
    /// what many connections ask at once counts from the beginning.
    pub fn asking(&self) -> bool {
        let mut state = self.inner.state();
        state.asked += 1;
        state.seen.len() + state.asked <= MOST_LINES
    }

    /// The answer is there: nothing, or what was refused, by which rule.
    pub fn answered(&self, refused: Option<(Action, &str, &str)>) {
        let mut state = self.inner.state();
        state.asked -= 1;
        if let Some((action, to, rule)) = refused {
            state.refused_by_gate(action, to, rule);
        }
    }

    /// A host that was reached.
    pub fn contacted(&self, host: &str) {
        self.inner.state().contacts.insert(host.to_owned());
    }

    /// A secret that was used.
    pub fn used_secret(&self, name: &str) {
        self.inner.state().secrets.insert(name.to_owned());
    }

    /// No more comes: the thread ends when all is written.
    pub fn close(&self) {
        self.inner.state().over = true;
        self.inner.changed.notify_all();
    }

    /// What it came to. Call it when the thread has ended.
    pub fn totals(&self) -> Totals {
        let state = self.inner.state();
        Totals {
            refused: state.refused.clone(),
            contacts: state.contacts.clone(),
            vanished: state.vanished.clone(),
            secrets: state.secrets.clone(),
            repeated: state.seen.values().map(|times| times.saturating_sub(1)).sum(),
            suppressed: state.suppressed,
            routine: state.routine,
            failed: state.failed.clone(),
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, sink: &Sink) {
        loop {
            let mut state = self.state();
            while state.pending.is_empty() && !state.over {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.pending.is_empty() {
                return;
            }
            let count = state.pending.len().min(BATCH);
            let lines: Vec<RunLine> = state.pending.drain(..count).collect();
            drop(state);
            if let Err(why) = sink(&lines) {
                let mut state = self.state();
                state.suppressed += lines.len() as u64;
                state.failed.get_or_insert_with(|| format!("{why:#}"));
            }
        }
    }
}

impl State {
    fn take(&mut self, line: RunLine, by: &str) {
        let about = line.about.clone().unwrap_or_default();
        if !self.is_new(&(line.action, line.effect, about.clone())) {
            return;
        }
        if line.effect == Effect::Deny && line.detail.get("answer").is_none_or(|answer| answer != "absent") {
            self.refused.push(format!("{} {about}{by}", line.action));
        }
        if line.rule == "vanishes" {
            self.vanished.insert(about);
        }
        self.pending.push(line);
    }

    fn knows(&self, line: &RunLine) -> bool {
        self.seen.contains_key(&(line.action, line.effect, line.about.clone().unwrap_or_default()))
    }

    fn refused_by_gate(&mut self, action: Action, to: &str, rule: &str) {
        if self.is_new(&(action, Effect::Deny, format!("{to} {rule}"))) {
            self.refused.push(format!("{action} {to} ({rule})"));
        }
    }

    /// Whether it is seen for the first time, and there is room to write it down.
    fn is_new(&mut self, what: &(Action, Effect, String)) -> bool {
        if let Some(times) = self.seen.get_mut(what) {
            *times += 1;
            return false;
        }
        if self.seen.len() >= MOST_LINES {
            self.suppressed += 1;
            return false;
        }
        self.seen.insert(what.clone(), 1);
        true
    }
}

enum Judged {
    Nothing,
    Routine,
    Line(RunLine, String),
}

/// Sockets that libc and loggers try wherever they are: their absence is no attempt at anything.
const CUSTOMARY: &[&str] =
    &["/nscd/socket", "/dev/log", "/systemd/journal", "io.systemd.", "/avahi-daemon/", "/userdb/"];

const NO_DATAGRAMS: &str = "a run sends no datagrams outside";

impl Scene {
    fn line(&self, Seen { who, what }: Seen) -> Judged {
        match what {
            What::Credential { path, verb, answer } => self.credential(&who, &path, verb, answer),
            What::Write { path, refused } => self.write(&who, &path, refused),
            What::Sent { to } => {
                let line = RunLine {
                    effect: if self.observe { Effect::Allow } else { Effect::Deny },
                    about: Some(format!("udp {to}")),
                    rule: "no-datagrams".to_owned(),
                    text: NO_DATAGRAMS.to_owned(),
                    ..RunLine::plain(Action::Connect)
                };
                Judged::Line(line.with("from", "kernel"), String::new())
            }
            What::Socket { kind } => {
                let text = "a run has no such socket: nothing could see where it leads";
                self.made(&who, Action::Connect, Effect::Deny, kind, "socket-kind", text, &[("from", "kernel")])
            }
            What::Connect { to, datagram, answered } => self.connect(&who, &to, datagram, answered),
        }
    }

    fn credential(&self, who: &Who, path: &Path, verb: &str, answer: Answer) -> Judged {
        let action = if verb == "write" { Action::Write } else { Action::Read };
        let (effect, rule, text, word) = match answer {
            Answer::Refused => (Effect::Deny, "tripwire", "credentials are not readable inside a run", "refused"),
            Answer::Absent => (Effect::Deny, "tripwire", "there is nothing, and somebody looked for it", "absent"),
            Answer::Decoy => {
                let text = "a decoy was opened in its place; which process did is not known without FUSE";
                (Effect::Deny, "tripwire", text, "decoy")
            }
            Answer::Canary => (Effect::Allow, "canary", "a canary was read: its value marks where it goes", "canary"),
        };
        self.made(
            who,
            action,
            effect,
            self.shown(path),
            rule,
            text,
            &[("answer", word), ("verb", verb), ("from", "kernel")],
        )
    }

    fn write(&self, who: &Who, path: &Path, refused: bool) -> Judged {
        if path.starts_with("/dev") || path.starts_with("/proc") {
            return Judged::Nothing;
        }
        let shown = self.shown(path);
        if refused {
            if path.components().any(|part| part.as_os_str() == "__pycache__") {
                return Judged::Routine;
            }
            let text = "it is read-only inside a run";
            return self.made(who, Action::Write, Effect::Deny, shown, "read-only", text, &[("from", "claim")]);
        }
        let own = path.starts_with(&self.work_dir) || self.writable.iter().any(|folder| path.starts_with(folder));
        let home = self.home.as_ref().is_some_and(|home| path.starts_with(home));
        if own || !(home || self.observe && !path.starts_with("/tmp")) {
            return Judged::Nothing;
        }
        if self.observe {
            return self.made(who, Action::Write, Effect::Allow, shown, "observed", "", &[("from", "claim")]);
        }
        let text = "what is written in the home ends with the run";
        self.made(who, Action::Write, Effect::Transform, shown, "vanishes", text, &[("from", "claim")])
    }

    fn connect(&self, who: &Who, to: &Target, datagram: bool, answered: bool) -> Judged {
        match to {
            // Its own: the network is.
            Target::Abstract(_) => Judged::Nothing,
            Target::Path(path) => {
                let text = path.to_string_lossy();
                // A home may itself lie below `/tmp`; then what is in it is the home's.
                let home = self.home.as_ref().is_some_and(|home| path.starts_with(home));
                let own = [Path::new("/tmp"), Path::new("/dev/shm")];
                let own = path.starts_with(&self.work_dir) || !home && own.iter().any(|own| path.starts_with(own));
                if own || !path.is_absolute() || CUSTOMARY.iter().any(|part| text.contains(part)) {
                    return Judged::Nothing;
                }
                let why = "sockets of services outside are out of sight";
                self.attempt(who, &self.shown(path), "socket", why)
            }
            Target::Internet(address) => self.internet(who, *address, datagram, answered),
        }
    }

    fn internet(&self, who: &Who, address: SocketAddr, datagram: bool, answered: bool) -> Judged {
        let ip = address.ip().to_canonical();
        if ip.is_loopback() && !answered && self.caught.is_some() {
            let udp = if datagram { "udp " } else { "" };
            let why = "the loopback of the machine is another one, and nothing of the run listens there";
            return self.attempt(who, &format!("{udp}{address}"), "loopback", why);
        }
        if ip.is_loopback() || ip.is_unspecified() || address.port() == 53 {
            return Judged::Nothing;
        }
        let Some(caught) = &self.caught else {
            // No entry may say that something was refused which nothing here refused: for the question after a breach it left.
            let text = match self.observe {
                true => "",
                false => {
                    "the run was accepted without a network of its own; whether anything else refused it is not known"
                }
            };
            let about = address.to_string();
            return self.made(who, Action::Connect, Effect::Allow, about, "observed", text, &[("from", "claim")]);
        };
        if datagram {
            return self.attempt(who, &format!("udp {address}"), "no-datagrams", NO_DATAGRAMS);
        }
        if ip.is_ipv4() && caught.port(address.port()) {
            // The network side knows more of it, and writes it down.
            return Judged::Nothing;
        }
        self.attempt(who, &address.to_string(), "no-way-out", "a run has no network but the supervisor's")
    }

    fn attempt(&self, who: &Who, about: &str, rule: &str, text: &str) -> Judged {
        let effect = if self.observe { Effect::Allow } else { Effect::Deny };
        self.made(who, Action::Connect, effect, about.to_owned(), rule, text, &[("from", "claim")])
    }

    #[expect(clippy::too_many_arguments, reason = "one line has that many columns")]
    fn made(
        &self,
        who: &Who,
        action: Action,
        effect: Effect,
        about: String,
        rule: &str,
        text: &str,
        details: &[(&str, &str)],
    ) -> Judged {
        let mut line = RunLine {
            effect,
            about: Some(about),
            rule: rule.to_owned(),
            text: text.to_owned(),
            ..RunLine::plain(action)
        };
        let mut by = String::new();
        if who.pid != 0 {
            line = line.with("pid", who.pid.to_string()).with("command", who.command.clone());
            line = line.with("exe", self.shown(&who.exe));
            by = format!(" ({} {})", who.command, who.pid);
        }
        for (name, value) in details {
            line = line.with(name, *value);
        }
        Judged::Line(line, by)
    }

    fn shown(&self, path: &Path) -> String {
        shown(path, &self.work_dir, self.home.as_deref())
    }
}
