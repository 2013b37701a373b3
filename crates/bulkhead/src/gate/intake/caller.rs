//! Who asks, as the gate knows it from one request.

use bulkhead_core::{Action, Ask, Context, Gate, Principal, Purl, Resource, Sha256};

/// The asker's part of an ask. Equal callers are judged alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// With what, from where, in which run.
    pub context: Context,
}

impl Caller {
    /// The ask of this caller for a file, or for a project when there is no file.
    pub fn ask(&self, action: Action, purl: Purl, file: Option<&str>, digest: Option<Sha256>) -> Ask {
        Ask {
            gate: Gate::Intake,
            principal: self.principal.clone(),
            action,
            resource: Resource { purl: Some(purl), file: file.map(str::to_owned), digest, host: None },
            context: self.context.clone(),
        }
    }

    /// The same caller without what no rule of the policy names, so that callers who are judged alike share a listing.
    #[must_use]
    pub fn as_judged(&self, names_client: bool, names_address: bool) -> Self {
        let mut caller = self.clone();
        if !names_client {
            caller.context.client = None;
        }
        if !names_address {
            caller.context.address = None;
        }
        caller
    }
}
