//! The detectors, one file each; the list is `DETECTORS` in `detector.rs`.

pub(crate) mod agent_config;
pub(crate) mod agent_unasked;
pub(crate) mod archive_duplicate;
pub(crate) mod archive_link;
pub(crate) mod bundled_program;
pub(crate) mod deceptive_text;
pub(crate) mod encoded_powershell;
pub(crate) mod executable_pth;
pub(crate) mod foreign_runtime;
pub(crate) mod gyp_expansion;
pub(crate) mod install_script;
pub(crate) mod name_mismatch;
pub(crate) mod place;
pub(crate) mod polyglot_file;
pub(crate) mod record_mismatch;
pub(crate) mod remote_dependency;
pub(crate) mod skill_prerequisite;
pub(crate) mod startup_entry_point;
pub(crate) mod startup_module;
