//! The second lock: a Landlock domain without a single rule (Linux 5.13 and later).
//!
//! The system call filter already leaves no call that could use a path or a socket. This holds when the filter has a hole,
//! because it sits at the objects instead of at the calls.

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr, RulesetError, Scope,
};

use super::enter::step;
use crate::{ContainError, Enforced, Need};

/// What each version of the kernel's interface added, as far as a worker cares.
const ADDED: &[(ABI, &str)] = &[
    (ABI::V1, "files"),
    (ABI::V4, "TCP"),
    (ABI::V6, "abstract sockets and signals"),
    (ABI::V9, "path sockets"),
    (ABI::V10, "UDP"),
];

pub(super) fn restrict(need: Need) -> Result<Enforced, ContainError> {
    if need == Need::Off {
        return Ok(Enforced::lacking("landlock (switched off)"));
    }
    let status = deny_everything().map_err(|why| step("enter a landlock domain", why))?;
    let why_not = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => return Ok(describe(effective_abi)),
        LandlockStatus::NotEnabled => "not enabled at boot (lsm=)",
        _ => "not in this kernel",
    };
    if need == Need::Required {
        return Err(ContainError::Missing { layer: "landlock", why: why_not.to_owned() });
    }
    Ok(Enforced::lacking(format!("landlock ({why_not})")))
}

/// Handles every right that the kernel knows, and allows none.
fn deny_everything() -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V10))?
        .handle_access(AccessNet::from_all(ABI::V10))?
        .scope(Scope::from_all(ABI::V10))?
        .create()?
        .restrict_self()
}

fn describe(abi: ABI) -> Enforced {
    let (held, lacking): (Vec<_>, Vec<_>) = ADDED.iter().partition(|(since, _)| *since <= abi);
    let names = |list: Vec<&(ABI, &'static str)>| list.iter().map(|(_, what)| *what).collect::<Vec<_>>().join(", ");
    let mut layer = Enforced::held(format!("landlock ABI {} without rules ({})", abi as i32, names(held)));
    if !lacking.is_empty() {
        layer.missing.push(format!("landlock for {}", names(lacking)));
    }
    layer
}
