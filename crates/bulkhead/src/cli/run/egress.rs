//! A run's way out: what is put into it before it starts, and who serves its connections afterwards.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_core::policy::{DEFAULT, Policy};
use bulkhead_core::{Action, Effect, Problem, RunId};
use rustls::ClientConfig;
use tokio::runtime::{EnterGuard, Runtime};

use super::super::{Failure, Place};
use super::keeper::{Keeper, Kept};
use crate::app::Paths;
use crate::config::Config;
use crate::config::env::{self, Env};
use crate::control::{EgressJudged, EgressRefused, Request};
use crate::gate::egress::broker::{Placeholder, PlaceholderError, SecretName, StoredSecret};
use crate::gate::egress::ca::Ca;
use crate::gate::egress::dial::Dialer;
use crate::gate::egress::host::Host;
use crate::gate::egress::inside;
use crate::gate::egress::judge::{self, Boxed, Judge, Outline, Wanted};
use crate::gate::egress::proxy::Egress;
use crate::gate::egress::supervise;
use crate::gate::runtime::decoy::CANARIES;
use crate::gate::runtime::plan::Plan;
use crate::gate::runtime::record::Recorder;
use crate::net::{Resolver, tls};
use crate::spine::{Permit, Told};
use crate::tasks::Tasks;

/// How long an answer stands. A policy that is changed takes effect in running programs within that time.
const STANDS: Duration = Duration::from_secs(5);
/// Answers that are kept; past it they are asked for anew.
const MOST: usize = 4_096;
/// How long connections may take to end once the program has: their last bytes are judged, and what is judged is recorded.
const LAST: Duration = Duration::from_secs(2);
/// Where the bundle lies in a run on a system that has none.
const BUNDLE: &str = "/run/bulkhead-trust.pem";
/// Environments whose own bundles are covered.
const MOST_BUNDLES: usize = 50;

/// A file that is put into the run, and its content.
type Put = (PathBuf, Vec<u8>);
/// What is asked about one connection or request.
type Asked = (Host, u16, Wanted);

/// What a run with a way out brings along.
pub(super) struct Reach {
    placeholders: Vec<Placeholder>,
    ca: Ca,
    trust: Arc<ClientConfig>,
    addresses: Vec<(String, u16, std::net::SocketAddr)>,
}

impl Reach {
    /// Puts into the plan what the run needs for its way out; `None` when it has none, because nothing is allowed.
    ///
    /// `without_broker` is the caller's environment where no placeholder is to stand for a secret: variables have what they
    /// have there, and nothing is swapped. Starts no thread: the launcher forks after this.
    pub(super) fn prepare(
        place: &Place,
        config: &Config,
        run: RunId,
        plan: &mut Plan,
        without_broker: Option<&[(OsString, OsString)]>,
    ) -> Result<Option<Self>, Failure> {
        let secrets = super::super::secret::sealed(place)?.read().map_err(anyhow::Error::new)?;
        if secrets.is_empty() && !allows(&Paths::new(&config.server.data).policy)? {
            return Ok(None);
        }
        let mut placeholders = secrets.into_iter().map(placeholder).collect::<Result<Vec<_>, _>>()?;
        if let Some(environment) = without_broker {
            let named = placeholders.iter().flat_map(Placeholder::variables).map(|(name, _)| OsString::from(name));
            let named: Vec<OsString> = named.collect();
            let real = environment.iter().filter(|(name, _)| named.contains(name)).cloned();
            plan.add(real.collect::<Vec<_>>(), []);
            placeholders.clear();
        }
        let ca = Ca::new(&run.to_string()).map_err(anyhow::Error::new)?;
        let trust = tls::client(tls::Trust::System).map_err(anyhow::Error::new)?;
        let (path, mut places) = bundles(&ca)?;
        let content = places.first().map(|(_, content)| content.clone()).unwrap_or_default();
        let covered = |path| (path, content.clone());
        places.extend(environments(plan).into_iter().take(MOST_BUNDLES).map(covered));
        let stores = java_stores(plan);
        if !stores.is_empty() {
            let store = inside::java_store(&content);
            places.extend(stores.into_iter().take(MOST_BUNDLES).map(|path| (path, store.clone())));
        }
        let names = plan.launch.env.iter().filter_map(|(name, _)| name.to_str());
        let proxies = inside::proxies(names, &format!("http://{}", supervise::PROXY));
        let variables = inside::variables(&path).map(|(name, path)| (OsString::from(name), path.into_os_string()));
        let variables = variables.chain(proxies.into_iter().map(|(name, value)| (name.into(), value.into())));
        let secrets = placeholders.iter().flat_map(Placeholder::variables);
        let secrets = secrets.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        plan.add(variables.chain(secrets).collect::<Vec<_>>(), places);
        if !placeholders.is_empty() {
            let names = placeholders.iter().map(|placeholder| {
                let variables: Vec<String> = placeholder.variables().into_iter().map(|(name, _)| name).collect();
                format!("{} ({})", placeholder.name, variables.join(" "))
            });
            plan.notes.push(format!("placeholders for: {}", names.collect::<Vec<_>>().join(", ")));
        }
        Ok(Some(Self { placeholders, ca, trust, addresses: config.egress.addresses.clone() }))
    }

    /// Whether secrets are behind it.
    pub(super) fn has_secrets(&self) -> bool {
        !self.placeholders.is_empty()
    }

    /// What serves the run's network from here on.
    pub(super) fn open(
        self,
        way: &Way,
        run: RunId,
        principal: &str,
        recorder: &Recorder,
    ) -> Result<Arc<Egress>, Failure> {
        let outline = way.kept.0.ask(&Request::EgressPolicy)?;
        let judge = RemoteJudge {
            keeper: Arc::clone(&way.kept.0),
            run,
            principal: principal.to_owned(),
            recorder: recorder.clone(),
            outline: Mutex::new(outline),
            answers: Mutex::default(),
        };
        let dialer = Dialer::new(Resolver::system(), self.trust).redirect(self.addresses);
        // For no host and in no variable: what was read from behind a canary and is on its way out.
        let mut known = self.placeholders;
        let canary: SecretName = "bulkhead-canary".parse().map_err(anyhow::Error::new)?;
        known.extend(CANARIES.map(|text| Placeholder::decoy(canary.clone(), text)));
        Ok(Egress::new(Arc::new(judge), dialer, self.ca, known))
    }
}

/// The supervisor's own runtime, with whoever holds the ledger.
pub(super) struct Way {
    // Before the runtime, in which it closes what it holds.
    kept: Kept,
    tasks: Tasks,
    runtime: Runtime,
}

impl Way {
    /// Opens it. From here on the process has several threads.
    pub(super) fn open(place: &Place, config: &Config) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(anyhow::Error::new)?;
        let keeper = Keeper::new(place, config.server.data.clone(), runtime.handle().clone());
        keeper.ensure()?;
        Ok(Self { kept: Kept(Arc::new(keeper)), tasks: Tasks::default(), runtime })
    }

    /// Where connections are served: its runtime, and its tasks.
    pub(super) fn inside(&self) -> (EnterGuard<'_>, &Tasks) {
        (self.runtime.enter(), &self.tasks)
    }

    /// Waits until the last connections of the ended run are judged.
    pub(super) fn drained(&self) {
        // Whatever is left is a connection to a host that does not answer, and was judged before.
        drop(self.runtime.block_on(async { tokio::time::timeout(LAST, self.tasks.drained()).await }));
    }

    /// Lets go of the data directory and ends.
    pub(super) fn close(self) {
        let Self { kept, runtime, .. } = self;
        drop(kept);
        runtime.shutdown_background();
    }
}

/// Whether the policy lets runs reach anything. One that cannot be read is judged by whoever holds the ledger.
fn allows(policy: &Path) -> Result<bool, Failure> {
    let text = crate::files::read_if_there(policy).map_err(anyhow::Error::new)?;
    let text = text.map_or_else(|| DEFAULT.to_owned(), |text| String::from_utf8_lossy(&text).into_owned());
    // To read a policy takes as long as to start a small program, and this one is known.
    if text == DEFAULT {
        return Ok(false);
    }
    Ok(Policy::parse(&text, &policy.display().to_string()).map_or(true, |policy| judge::reaches_something(&policy)))
}

fn placeholder(secret: StoredSecret) -> Result<Placeholder, Failure> {
    let StoredSecret { name, value, binding, .. } = secret;
    let random = |bytes: &mut [u8]| aws_lc_rs::rand::fill(bytes).map_err(|_| PlaceholderError::Random);
    let made = Placeholder::new(name.clone(), value, binding, random);
    made.map_err(|why| Failure::Other(anyhow::anyhow!("secret {name} cannot be used in a run: {why}")))
}

/// Where the run finds its bundle, and the bundle over each that the system has.
fn bundles(ca: &Ca) -> Result<(PathBuf, Vec<Put>), Failure> {
    let mut system: Vec<PathBuf> =
        inside::SYSTEM_BUNDLES.iter().filter_map(|path| std::fs::canonicalize(path).ok()).collect();
    system.dedup();
    let own = Env::process().path(env::SSL_CERT_FILE);
    let trusted = match own.as_ref().or(system.first()) {
        Some(path) => crate::files::read(path).map_err(anyhow::Error::new)?,
        None => Vec::new(),
    };
    if system.is_empty() {
        system.push(PathBuf::from(BUNDLE));
    }
    let content = inside::bundle(&trusted, ca.pem());
    let path = system.first().cloned().unwrap_or_default();
    let places = system.into_iter().map(|path| (path, content.clone()));
    Ok((path, places.collect()))
}

/// The bundles of certifi and its copies in the environments that the run sees.
fn environments(plan: &Plan) -> Vec<PathBuf> {
    let active = plan.launch.env.iter().find(|(name, _)| name == "VIRTUAL_ENV").map(|(_, path)| PathBuf::from(path));
    let roots = plan.found.protected.iter().cloned().chain(active).filter(|path| path.join("pyvenv.cfg").is_file());
    let packages = roots.flat_map(|root| crate::files::list(&root.join("lib")).unwrap_or_default());
    let bundles = packages.flat_map(|version| inside::certifi(&version.join("site-packages")));
    let mut bundles: Vec<PathBuf> = bundles.filter_map(|path| std::fs::canonicalize(path).ok()).collect();
    bundles.sort();
    bundles.dedup();
    bundles
}

/// The trust stores of the Javas that the run may start.
fn java_stores(plan: &Plan) -> Vec<PathBuf> {
    let own = plan.launch.env.iter().find(|(name, _)| name == "JAVA_HOME").map(|(_, path)| PathBuf::from(path));
    let installed = crate::files::list(Path::new("/usr/lib/jvm")).unwrap_or_default();
    let stores = own.into_iter().chain(installed).map(|home| home.join(inside::JAVA_STORE));
    let stores = stores.chain(inside::JAVA_STORES.iter().map(PathBuf::from));
    let mut stores: Vec<PathBuf> = stores.filter_map(|path| std::fs::canonicalize(path).ok()).collect();
    stores.sort();
    stores.dedup();
    stores
}

/// Asks whoever holds the ledger, and tells the run's recorder what came of it.
struct RemoteJudge {
    keeper: Arc<Keeper>,
    run: RunId,
    principal: String,
    recorder: Recorder,
    outline: Mutex<Outline>,
    answers: Mutex<HashMap<Asked, (Instant, Answer)>>,
}

#[derive(Clone)]
enum Answer {
    Permitted(Option<Told>),
    Refused(EgressRefused),
}

impl RemoteJudge {
    fn known(&self, question: &Asked) -> Option<Answer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(question).filter(|(at, _)| at.elapsed() < STANDS).map(|(_, answer)| answer.clone())
    }

    fn remember(&self, question: Asked, answer: Answer) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(question, (Instant::now(), answer));
    }

    async fn ask(&self, host: &Host, port: u16, mut wanted: Wanted) -> Result<Answer, Problem> {
        let question = (host.clone(), port, wanted.clone());
        let (action, to) = (action(&wanted), format!("{host}:{port}"));
        if let Some(answer) = self.known(&question) {
            if let Answer::Refused(refused) = &answer {
                self.recorder.refused_by_gate(action, &to, &refused.code());
            }
            return Ok(answer);
        }
        // Each use of a secret has an entry of its own.
        let stands = wanted.used.is_empty();
        let (keeper, recorder) = (Arc::clone(&self.keeper), self.recorder.clone());
        wanted.quiet = !recorder.asking();
        let (run, principal) = (self.run, self.principal.clone());
        let request = Request::EgressJudge { run, principal, host: host.to_string(), port, wanted };
        // On its thread to the end, so that it is counted whatever becomes of the connection meanwhile.
        let asked = crate::blocking::run(move || {
            let judged: Result<EgressJudged, Problem> = keeper.ask(&request);
            let refused = judged.as_ref().ok().and_then(|judged| judged.refused.as_ref()).map(EgressRefused::code);
            recorder.answered(refused.as_deref().map(|code| (action, to.as_str(), code)));
            judged
        });
        let judged = asked.await??;
        *self.outline.lock().unwrap_or_else(PoisonError::into_inner) = judged.outline;
        let answer = judged.refused.map_or(Answer::Permitted(judged.permit), Answer::Refused);
        if stands {
            self.remember(question, answer.clone());
        }
        Ok(answer)
    }
}

fn action(wanted: &Wanted) -> Action {
    if wanted.request.is_some() { Action::Request } else { Action::Connect }
}

impl Judge for RemoteJudge {
    fn judge<'a>(
        &'a self,
        host: &'a Host,
        port: u16,
        wanted: Wanted,
    ) -> Boxed<'a, Result<Option<Permit<()>>, Problem>> {
        Box::pin(async move {
            let plain = wanted.misuse.is_none() && wanted.disagrees.is_none();
            if wanted.covered && plain && !self.outline.lock().unwrap_or_else(PoisonError::into_inner).sees_requests {
                // What is asked of a request is no more than what was asked of its connection just before.
                return Ok(None);
            }
            let used = wanted.used.clone();
            match self.ask(host, port, wanted).await? {
                Answer::Permitted(told) => {
                    used.iter().for_each(|name| self.recorder.used_secret(name));
                    Ok(told.map(Permit::told))
                }
                Answer::Refused(refused) => Err(refused.to_problem()),
            }
        })
    }

    fn outline(&self) -> Outline {
        self.outline.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reached(&self, host: &Host, _port: u16) {
        // As `exposure --host-contacted` asks for it; the port is in the connection's own entry.
        self.recorder.contacted(&host.to_string());
    }

    fn not_trusted(&self, host: &Host, port: u16) {
        let why = "the program does not trust the run's authority: it pins a certificate, or has a trust store of its own; \
                   without a secret for the host, and outside of `open` in the policy, its TLS passes untouched";
        self.recorder.not_reached(&format!("{host}:{port}"), Effect::Deny, "not-trusted", why);
    }

    fn minted(&self, host: &Host, port: u16, what: &str) {
        self.recorder.minted(&format!("{host}:{port} {what}"));
    }

    fn not_reached(&self, host: &Host, port: u16, why: &Problem) {
        let effect = if why.code == bulkhead_core::Code::UpstreamAddress { Effect::Deny } else { Effect::Allow };
        self.recorder.not_reached(&format!("{host}:{port}"), effect, &why.code.to_string(), &why.detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policy_reaches_nothing() {
        let policy = Policy::parse(DEFAULT, "policy.toml").expect("the shipped policy");
        assert!(!judge::reaches_something(&policy));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("policy.toml");
        assert!(!allows(&file).expect("reads"), "no file is the shipped one");
        let open = DEFAULT.replacen("hosts = []", "hosts = [\"api.example\"]", 1);
        assert_ne!(open, DEFAULT);
        std::fs::write(&file, open).expect("writes");
        assert!(allows(&file).expect("reads"));
    }
}
