//! The gate's question to the policy: may this run reach that host, with that request?

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bulkhead_core::policy::{Mode, Policy, Settings};
use bulkhead_core::{Action, Ask, Context, Facts, Gate, Principal, Problem, Resource};
use serde::{Deserialize, Serialize};

use super::host::Host;
use crate::clock::Clock;
use crate::spine::{Permit, Reviewed, Spine};

/// The word for entries that somebody should look at before others.
const HIGH: &str = "high";

/// What is asked of one host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wanted {
    /// How it is spoken to: `tls`, `http`, `https`, `tcp`.
    pub scheme: String,
    /// The request, when it is one: method and path.
    pub request: Option<(String, String)>,
    /// The secrets that are for the host.
    pub secrets: Vec<String>,
    /// The secrets that this request carries.
    pub used: Vec<String>,
    /// Whether it carries them in its body.
    #[serde(default)]
    pub in_body: bool,
    /// A placeholder where it does not belong, in words.
    pub misuse: Option<String>,
    /// How the connection contradicts itself; never allowed.
    pub disagrees: Option<String>,
    /// Whether an allowed ask needs no entry of its own, because the connection has one.
    pub covered: bool,
    /// Whether a refusal is only counted, because the run has had as many as one may write down.
    #[serde(default)]
    pub quiet: bool,
}

/// What whoever serves a run's connections must know of the policy besides its verdicts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// Hosts whose TLS is opened although no secret is for them.
    pub open: Vec<String>,
    /// Hosts that may have private addresses.
    pub private: Vec<String>,
    /// Whether a rule looks at requests; where none does, what a connection was allowed covers its requests.
    pub sees_requests: bool,
}

impl Outline {
    /// The outline of that policy.
    pub fn of(policy: &Policy) -> Self {
        let Settings { open, private, .. } = policy.settings().clone();
        let host = Host::Name("any".to_owned());
        let asked = |request| {
            let wanted = Wanted { request, ..Wanted::default() };
            ask(&host, 443, &wanted, &Principal::local(), &Context::default())
        };
        let (connection, request) = (asked(None), asked(Some((String::new(), String::new()))));
        let names =
            |condition: &str| ["net.method", "net.path", "ask.action"].iter().any(|name| condition.contains(name));
        let sees_requests = policy.rules().iter().any(|rule| {
            rule.applies(&connection) != rule.applies(&request) || rule.applies(&request) && names(rule.condition())
        });
        Self { open, private, sees_requests }
    }
}

/// The conditions of the shipped rules that allow something: without hosts and secrets, they allow nothing.
const SHIPPED: [&str; 2] = ["net.listed == true", "net.secret != null && size(net.secret) > 0"];

/// Whether a run under that policy may reach anything at all, apart from the hosts of its secrets.
pub fn reaches_something(policy: &Policy) -> bool {
    let mut rules = policy.rules().iter().filter(|rule| rule.gate() == Gate::Egress && rule.mode() == Mode::Enforce);
    !policy.settings().hosts.is_empty()
        || policy.default_effect(Gate::Egress).passes()
        || rules.any(|rule| rule.effect().passes() && !SHIPPED.contains(&rule.condition().trim()))
}

/// A future that a trait can return.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who answers. In the server it is the spine itself; a supervisor beside a running server asks that.
pub trait Judge: Send + Sync {
    /// The permit, after the ledger has the entry; else the refusal, recorded too.
    fn judge<'a>(&'a self, host: &'a Host, port: u16, wanted: Wanted)
    -> Boxed<'a, Result<Option<Permit<()>>, Problem>>;

    /// What the policy is like now.
    fn outline(&self) -> Outline;

    /// The host was reached.
    fn reached(&self, _host: &Host, _port: u16) {}

    /// The program did not take the certificate that the run's authority made for the host: it pins one, or has a trust store of
    /// its own.
    fn not_trusted(&self, _host: &Host, _port: u16) {}

    /// The host answered a request that carried a secret with something new: a field and the secret that it is made of, for
    /// which the run has a placeholder, or a cookie, which it got.
    fn minted(&self, _host: &Host, _port: u16, _what: &str) {}

    /// The host was allowed and not reached: its address is one that nothing outside may have, or nobody answered.
    fn not_reached(&self, _host: &Host, _port: u16, _why: &Problem) {}
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
            let facts = facts(host, port, &wanted, basis.in_force.policy.settings());
            let verdict = basis.in_force.judge(&ask, &facts, &Reviewed::default(), self.clock.now());
            let unlisted = verdict.deciding().is_none();
            let explain = |problem: Problem| match unlisted {
                true => problem
                    .with_help(format!("if runs may reach it, add \"{host}\" to `hosts` in the policy's settings")),
                false => problem,
            };
            // A connection of the same run to the same host a moment ago covers this one, when the verdict is the same: it
            // may be spoken to in another way now. Requests differ in their facts.
            if wanted.request.is_none()
                && wanted.disagrees.is_none()
                && let Some(outcome) = self.spine.recent(&ask)
                && *outcome.verdict() == verdict
            {
                return self.spine.admit(&ask, &outcome, ()).map(Some).map_err(explain);
            }
            if wanted.covered && verdict.effect.passes() {
                return Ok(None);
            }
            let title = format!("{host}:{port}");
            if wanted.quiet && !verdict.effect.passes() {
                return Err(explain(Problem::refused(ask.gate, title, &verdict, None)));
            }
            let method = wanted.request.as_ref().map(|(method, _)| method.clone()).unwrap_or_default();
            let secrets = wanted.used.join(",");
            let misuse = wanted.misuse.clone().unwrap_or_default();
            // Nobody sends a placeholder elsewhere by mistake.
            let severity = if wanted.misuse.is_some() { HIGH } else { "" };
            let dress = |entry: bulkhead_ledger::Entry| {
                entry
                    .with_detail("scheme", wanted.scheme.clone())
                    .with_detail("method", method)
                    .with_detail("secrets", secrets)
                    .with_detail("place", if wanted.in_body { "body" } else { "" })
                    .with_detail("severity", severity)
                    .with_detail("misuse", misuse)
                    .with_detail("disagrees", wanted.disagrees.clone().unwrap_or_default())
            };
            let outcome = self.spine.settle(&ask, verdict, title, &basis, self.clock.now(), dress).await?;
            self.spine.admit(&ask, &outcome, ()).map(Some).map_err(explain)
        })
    }

    fn outline(&self) -> Outline {
        Outline::of(&self.spine.in_force().policy)
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
    facts.set("net.scheme", wanted.scheme.as_str());
    facts.set("net.listed", is_in(host, &settings.hosts));
    facts.set("net.secret", wanted.secrets.clone());
    if let Some((method, path)) = &wanted.request {
        facts.set("net.method", method.as_str());
        facts.set("net.path", path.as_str());
    }
    facts.set("net.disagrees", wanted.disagrees.clone());
    facts.set("net.misuse", wanted.misuse.clone());
    facts
}

/// Whether one of the patterns means the host.
pub fn is_in(host: &Host, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| host.matches(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(settings: &str, rules: &str) -> Policy {
        let shipped = bulkhead_core::policy::DEFAULT.replacen("hosts = []", settings, 1);
        Policy::parse(&format!("{shipped}\n{rules}"), "policy.toml").unwrap()
    }

    const OWN: &str = r#"
[[rule]]
id = "own"
gate = "egress"
when = 'net.host == "a.example.test" && net.method == "GET"'
effect = "allow"
reason = "ours"
help = "remove it"
"#;

    #[test]
    fn as_shipped_a_run_reaches_nothing() {
        assert!(!reaches_something(&policy("hosts = []", "")));
        assert!(reaches_something(&policy(r#"hosts = ["a.example.test"]"#, "")));
        assert!(reaches_something(&policy("hosts = []", OWN)));
        let audited = OWN.replace("effect =", "mode = \"audit\"\neffect =");
        assert!(!reaches_something(&policy("hosts = []", &audited)));
        let open = bulkhead_core::policy::DEFAULT.replace("egress = \"deny\"", "egress = \"allow\"");
        assert!(reaches_something(&Policy::parse(&open, "policy.toml").unwrap()));
    }

    #[test]
    fn requests_are_looked_at_when_a_rule_names_them() {
        assert!(!Outline::of(&policy("hosts = []", "")).sees_requests);
        assert!(Outline::of(&policy("hosts = []", OWN)).sees_requests);
    }
}
