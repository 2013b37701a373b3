//! The gate's question to the policy: may this run reach that host, with that request?

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bulkhead_core::policy::Settings;
use bulkhead_core::{Action, Ask, Context, Facts, Gate, Principal, Problem, Resource};

use super::broker::Misuse;
use super::host::Host;
use crate::clock::Clock;
use crate::spine::{Permit, Reviewed, Spine};

/// What is asked of one host.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// How it is spoken to: `tls`, `http`, `https`, `tcp`.
    pub scheme: &'static str,
    /// The request, when it is one: method and path.
    pub request: Option<(String, String)>,
    /// The secrets that are for the host.
    pub secrets: Vec<String>,
    /// The secrets that this request carries.
    pub used: Vec<String>,
    /// A placeholder where it does not belong.
    pub misuse: Option<Misuse>,
    /// How the connection contradicts itself; never allowed.
    pub disagrees: Option<String>,
    /// Whether an allowed ask needs no entry of its own, because the connection has one.
    pub covered: bool,
}

/// A future that a trait can return.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who answers. In the server it is the spine itself; a supervisor beside a running server asks that.
pub trait Judge: Send + Sync {
    /// The permit, after the ledger has the entry; else the refusal, recorded too.
    fn judge<'a>(&'a self, host: &'a Host, port: u16, wanted: Wanted)
    -> Boxed<'a, Result<Option<Permit<()>>, Problem>>;

    /// The policy's settings now.
    fn settings(&self) -> Settings;
}

/// The spine as judge, for one run.
pub struct SpineJudge {
    spine: Arc<Spine>,
    clock: Clock,
    principal: Principal,
    context: Context,
}

impl SpineJudge {
    /// For asks of that principal in that run.
    pub fn new(spine: Arc<Spine>, clock: Clock, principal: Principal, context: Context) -> Self {
        Self { spine, clock, principal, context }
    }
}

impl Judge for SpineJudge {
    fn judge<'a>(
        &'a self,
        host: &'a Host,
        port: u16,
        wanted: Wanted,
    ) -> Boxed<'a, Result<Option<Permit<()>>, Problem>> {
        Box::pin(async move {
            let basis = self.spine.basis();
            let ask = ask(host, port, &wanted, &self.principal, &self.context);
            // A connection of the same run to the same host a moment ago covers this one. Requests differ in their facts.
            if wanted.request.is_none()
                && wanted.disagrees.is_none()
                && let Some(outcome) = self.spine.recent(&ask)
            {
                return self.spine.admit(&ask, &outcome, ()).map(Some);
            }
            let facts = facts(host, port, &wanted, basis.in_force.policy.settings());
            let verdict = basis.in_force.judge(&ask, &facts, &Reviewed::default(), self.clock.now());
            if wanted.covered && verdict.effect.passes() {
                return Ok(None);
            }
            let title = format!("{host}:{port}");
            let method = wanted.request.as_ref().map(|(method, _)| method.clone()).unwrap_or_default();
            let secrets = wanted.used.join(",");
            let misuse = wanted.misuse.as_ref().map(ToString::to_string).unwrap_or_default();
            let dress = |entry: bulkhead_ledger::Entry| {
                entry
                    .with_detail("scheme", wanted.scheme)
                    .with_detail("method", method)
                    .with_detail("secrets", secrets)
                    .with_detail("misuse", misuse)
                    .with_detail("disagrees", wanted.disagrees.clone().unwrap_or_default())
            };
            let outcome = self.spine.settle(&ask, verdict, title, &basis, self.clock.now(), dress).await?;
            self.spine.admit(&ask, &outcome, ()).map(Some)
        })
    }

    fn settings(&self) -> Settings {
        self.spine.in_force().policy.settings().clone()
    }
}

/// The ask for one host. Paths stay out of it: they may hold what belongs in no entry.
pub fn ask(host: &Host, port: u16, wanted: &Wanted, principal: &Principal, context: &Context) -> Ask {
    Ask {
        gate: Gate::Egress,
        principal: principal.clone(),
        action: if wanted.request.is_some() { Action::Request } else { Action::Connect },
        resource: Resource { host: Some(format!("{host}:{port}")), ..Resource::default() },
        context: context.clone(),
    }
}

/// The facts about it, as the schema's `net.*` has them.
pub fn facts(host: &Host, port: u16, wanted: &Wanted, settings: &Settings) -> Facts {
    let mut facts = Facts::new();
    facts.set("net.host", host.to_string());
    facts.set("net.port", i64::from(port));
    facts.set("net.scheme", wanted.scheme);
    facts.set("net.listed", is_in(host, &settings.hosts));
    facts.set("net.secret", wanted.secrets.clone());
    if let Some((method, path)) = &wanted.request {
        facts.set("net.method", method.as_str());
        facts.set("net.path", path.as_str());
    }
    facts.set("net.disagrees", wanted.disagrees.clone());
    facts.set("net.misuse", wanted.misuse.as_ref().map(ToString::to_string));
    facts
}

/// Whether one of the patterns means the host.
pub fn is_in(host: &Host, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| host.matches(pattern))
}
