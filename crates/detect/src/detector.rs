//! What a detector is, and the list of all of them.

use bulkhead_core::{Confidence, Severity};

use crate::archive::Archive;
use crate::delta::Change;
use crate::detectors;
use crate::findings::Findings;
use crate::report::ArchiveKind;
use crate::structure::Flaw;

/// The version of the detector set: bump it whenever any detector may say something else about the same bytes. Reports
/// are cached by digest and this text.
pub const RULESET: &str = "2026.11-15";

/// What a detector is about, for policy and for the manual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// The stable id, kebab-case; policy names it.
    pub id: &'static str,
    /// What it looks for, in a few words.
    pub title: &'static str,
    /// The severity it usually reports, and the highest.
    pub severity: Severity,
    /// How sure it usually is.
    pub confidence: Confidence,
    /// The manual entry, in Markdown: what, why, and what to do. A detector of content shows a `recipe bad` and a
    /// `recipe good`; both are built and inspected in the tests.
    pub doc: &'static str,
}

/// How much of a member's content a detector needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// Nothing.
    Nothing,
    /// All of it, unless it is larger than that many bytes: then nothing, and nobody minds.
    UpTo(u64),
    /// All of it. That it does not fit the limits is a finding (`member-not-read`).
    All,
}

/// One idea about what is wrong with an archive's content. Pure: sees bytes, reports findings.
pub trait Detector: Sync {
    /// What it is about.
    fn meta(&self) -> &'static Meta;

    /// How much of the member at this path must be kept in memory for it.
    fn wants(&self, _kind: ArchiveKind, _path: &str) -> Want {
        Want::Nothing
    }

    /// Looks at the whole archive.
    fn inspect(&self, archive: &Archive, findings: &mut Findings);
}

/// Every detector. The order is the order of equally bad findings.
pub static DETECTORS: &[&dyn Detector] = &[
    &detectors::executable_pth::ExecutablePth,
    &detectors::startup_entry_point::StartupEntryPoint,
    &detectors::startup_module::StartupModule,
    &detectors::archive_duplicate::ArchiveDuplicate,
    &detectors::archive_link::ArchiveLink,
    &detectors::record_mismatch::RecordMismatch,
    &detectors::name_mismatch::NameMismatch,
    &detectors::campaign_clone::CampaignClone,
    &detectors::decoded_execution::DETECTOR,
    &detectors::downloaded_execution::DETECTOR,
    &detectors::install_network::DETECTOR,
    &detectors::recon_beacon::DETECTOR,
    &detectors::environment_sent::DETECTOR,
    &detectors::credential_sent::DETECTOR,
    &detectors::private_data::DETECTOR,
    &detectors::watching::DETECTOR,
    &detectors::dropped_program::DETECTOR,
    &detectors::hidden_call::DETECTOR,
    &detectors::suspicious_command::DETECTOR,
    &detectors::unasked_process::DETECTOR,
    &detectors::unasked_network::DETECTOR,
    &detectors::unasked_execution::DETECTOR,
    &detectors::reverse_shell::DETECTOR,
    &detectors::dns_exfiltration::DETECTOR,
    &detectors::persistence::DETECTOR,
    &detectors::disarming::DETECTOR,
    &detectors::unasked_installation::DETECTOR,
    &detectors::drop_service::DETECTOR,
    &detectors::pushed_right::DETECTOR,
    &detectors::deceptive_text::DETECTOR,
    &detectors::encoded_literal::DETECTOR,
    &detectors::large_setup::DETECTOR,
    &detectors::code_not_parsed::DETECTOR,
    &detectors::code_not_read::DETECTOR,
    &detectors::bundled_program::DETECTOR,
    &detectors::install_script::InstallScript,
    &detectors::gyp_expansion::GypExpansion,
    &detectors::foreign_runtime::ForeignRuntime,
    &detectors::agent_config::AgentConfig,
    &detectors::agent_unasked::AgentUnasked,
    &detectors::encoded_powershell::EncodedPowershell,
    &detectors::native_program::NativeProgram,
    &detectors::skill_prerequisite::SkillPrerequisite,
    &detectors::remote_dependency::RemoteDependency,
    &detectors::polyglot_file::PolyglotFile,
    &detectors::pickle_execution::DETECTOR,
    &detectors::obfuscator::DETECTOR,
    &detectors::binary_in_source::DETECTOR,
    &detectors::unasked_write::DETECTOR,
    &detectors::empty_release::DETECTOR,
    &detectors::hidden_address::DETECTOR,
    &detectors::misnamed_code::MisnamedCode,
    &detectors::declared_test::DETECTOR,
    &detectors::misspelled_name::DETECTOR,
];

/// Every id that a finding can carry: the flaws of archives first, then the detectors, then what a comparison with the
/// release before says.
pub fn metas() -> impl Iterator<Item = &'static Meta> {
    let flaws = Flaw::ALL.iter().map(|flaw| flaw.meta());
    let deltas = Change::ALL.iter().map(|change| change.meta());
    flaws.chain(DETECTORS.iter().map(|detector| detector.meta())).chain(deltas)
}
