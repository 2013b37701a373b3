//! The detectors, one file each; the list is `DETECTORS` in `detector.rs`.

pub(crate) mod archive_duplicate;
pub(crate) mod archive_link;
pub(crate) mod campaign_clone;
pub(crate) mod executable_pth;
pub(crate) mod name_mismatch;
pub(crate) mod place;
pub(crate) mod record_mismatch;
pub(crate) mod startup_entry_point;
pub(crate) mod startup_module;
