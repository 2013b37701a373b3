//! One release, with its content read although nobody installs it.

use std::sync::Arc;

use bulkhead_core::Problem;
use bulkhead_detect::Profile;
use serde::{Deserialize, Serialize};

use super::Explanation;
use super::act::release_purl;
use crate::app::App;

/// What one file of a release can do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseProfile {
    /// The file.
    pub file: String,
    /// The release's version.
    pub version: String,
    /// Its profile.
    pub profile: Profile,
}

/// Reads every file of the release and explains it. Nothing leaves by this, and nothing is recorded.
pub(super) async fn scan(app: &Arc<App>, subject: &str) -> Result<Explanation, Problem> {
    let purl = release_purl(subject)?;
    app.intake()?.read_release(&purl).await?;
    super::explain::explain(app, &purl.to_string()).await
}

/// The profile of the release's first wheel, else of its first file.
pub(super) async fn profile(app: &Arc<App>, subject: &str) -> Result<ReleaseProfile, Problem> {
    let purl = release_purl(subject)?;
    let (file, profile) = app.intake()?.release_profile(&purl).await?;
    Ok(ReleaseProfile { file, version: purl.version().unwrap_or_default().to_owned(), profile })
}
