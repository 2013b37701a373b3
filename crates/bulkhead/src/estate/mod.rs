//! What is told about the estate: inventories, builds, runs, assets, and the contents of what was judged. Each becomes
//! entries; the projections that exposure walks follow from those.

pub mod assets;
pub mod cyclonedx;
mod recorder;
pub mod sbom;
pub mod scan;
mod submission;

pub use recorder::{CaughtUp, Recorded, Recorder};
pub use submission::{BuildReport, InventoryItem, InventoryReport, MemberFile, RunReport, Submission, canonical};
