//! What the supervisor of a run asks about its connections. The spine is where the ledger is, so the answer comes from here.

use std::sync::Arc;

use bulkhead_core::{Code, Context, EntryIndex, Gate, Principal, Problem, RunId, VerdictId};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::gate::egress::host::Host;
use crate::gate::egress::judge::{Judge as _, Outline, SpineJudge, Wanted};
use crate::spine::Told;

/// The answer about one connection or request. Its entry is durable.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EgressJudged {
    /// The permit; absent when it is refused, and when what the connection was permitted covers it.
    pub permit: Option<Told>,
    /// The refusal.
    pub refused: Option<EgressRefused>,
    /// What the policy is like now.
    pub outline: Outline,
}

/// A refusal by a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressRefused {
    /// The rule.
    pub rule: String,
    /// What.
    pub title: String,
    /// Why.
    pub detail: String,
    /// What to do next.
    pub help: String,
    /// The entry; absent when it is only counted.
    pub entry: Option<u64>,
}

impl EgressRefused {
    /// The stable code, `egress-RULE`.
    pub fn code(&self) -> String {
        Code::Rule { gate: Gate::Egress, rule: self.rule.clone() }.to_string()
    }

    /// As the problem that the program is shown.
    pub fn to_problem(&self) -> Problem {
        let Self { rule, title, detail, help, entry } = self.clone();
        let code = Code::Rule { gate: Gate::Egress, rule };
        Problem { code, title, detail, help, verdict: entry.map(|entry| VerdictId(EntryIndex(entry))) }
    }
}

/// What the policy is like.
pub(super) fn policy(app: &Arc<App>) -> Outline {
    Outline::of(&app.spine().in_force().policy)
}

/// Judges what a run wants of a host, and answers when the entry is durable.
pub(super) async fn judge(
    app: &Arc<App>,
    run: RunId,
    principal: String,
    host: &str,
    port: u16,
    wanted: Wanted,
) -> Result<EgressJudged, Problem> {
    let host =
        Host::parse(host).map_err(|why| Problem::new(Code::BadRequest, format!("`{host}` is no host: {why}")))?;
    let context = Context { run: Some(run), ..Context::default() };
    let judge = SpineJudge::new(Arc::clone(app.spine()), app.clock(), Principal::new(principal), context);
    let (permit, refused) = match judge.judge(&host, port, wanted).await {
        Ok(permit) => (permit.map(|permit| permit.tell()), None),
        Err(Problem { code: Code::Rule { rule, .. }, title, detail, help, verdict }) => {
            (None, Some(EgressRefused { rule, title, detail, help, entry: verdict.map(|id| id.0.0) }))
        }
        Err(other) => return Err(other),
    };
    Ok(EgressJudged { permit, refused, outline: judge.outline() })
}
