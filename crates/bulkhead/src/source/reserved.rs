//! Names that are reserved for internal packages (dependency confusion). Sets `project.reserved`.

use bulkhead_core::policy::Settings;
use bulkhead_core::{Facts, Purl};

/// Sets whether the project's name is one that `settings.reserved` keeps for internal packages.
pub fn gather(facts: &mut Facts, project: &Purl, settings: &Settings) {
    facts.set("project.reserved", settings.reserves(project).is_some());
}
