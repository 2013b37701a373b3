//! Changes of secrets, recorded before they are made. The values stay with whoever runs the command.

use std::sync::Arc;

use bulkhead_core::{Action, Problem, Resource};
use serde::{Deserialize, Serialize};

use super::act::control;
use crate::app::App;

/// What is done to a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretChange {
    /// A new one.
    Add,
    /// A new value for one.
    Rotate,
    /// One less.
    Remove,
    /// Another key under which all are sealed; no value changes.
    Key,
}

/// The entry that recorded it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecretNoted {
    /// Its index.
    pub entry: u64,
}

pub(super) async fn note(
    app: &Arc<App>,
    change: SecretChange,
    name: String,
    use_for: String,
    owner: &str,
) -> Result<SecretNoted, Problem> {
    let action = match change {
        SecretChange::Add => Action::SecretAdd,
        SecretChange::Rotate | SecretChange::Key => Action::SecretRotate,
        SecretChange::Remove => Action::SecretRemove,
    };
    let mut details = vec![("use", use_for), ("owner", owner.to_owned())];
    if change != SecretChange::Key {
        details.insert(0, ("secret", name));
    }
    let entry = control(app, action, owner, Resource::default(), &details).await?;
    Ok(SecretNoted { entry })
}
