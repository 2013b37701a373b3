//! Hostile bytes in, findings out: reads package archives strictly and runs the detectors over what is in them.
//!
//! No network, disk or database crate is in this crate's tree and it never reads the clock (invariant 7). The bytes come
//! through [`ReadAt`]; what was seen comes back as a [`Report`]. It runs in the contained worker (invariant 6), which
//! sends the report to the gate as JSON; when the worker dies, the gate makes [`Report::unreadable`] itself.
//!
//! What cannot be read is a finding, never silence. An archive is refused for what it *is*, not for byte patterns in
//! it: the four bytes of an end-of-directory mark may occur by chance in any compressed stream.
//!
//! A new detector is one file in `detectors/`, one line in [`DETECTORS`], and a bump of [`RULESET`].

mod archive;
pub mod behaviour;
pub mod clones;
mod code;
mod csv;
pub mod delta;
mod detector;
mod detectors;
mod filename;
mod findings;
#[doc(hidden)]
pub mod fuzz;
mod inspect;
mod lang;
mod likeness;
mod limits;
mod metadata;
mod package;
mod pickle;
pub mod profile;
mod reach;
mod read;
mod report;
mod score;
mod structure;
mod text;
mod unpack;

#[cfg(test)]
mod tests;

pub use archive::{Archive, Entry, EntryKind};
pub use code::{Code, Hook};
pub use detector::{DETECTORS, Detector, Meta, RULESET, Want, metas};
pub use filename::FileName;
pub use findings::Findings;
pub use inspect::{code_of, inspect, inspect_as, shingles};
pub use lang::{Callee, Fidelity, Import, Language, Literals, Shape, Unit, View};
pub use likeness::Likeness;
pub use limits::Limits;
pub use profile::Profile;
pub use read::ReadAt;
pub use report::{ArchiveKind, Content, CoreMetadata, Member, Report};
pub use score::score;
