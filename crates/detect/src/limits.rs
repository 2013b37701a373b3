//! How much an archive may cost.

use serde::{Deserialize, Serialize};

/// What an archive may ask of its reader. Passing one is a finding (`archive-bomb`) and ends the reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Members of every kind.
    pub members: u32,
    /// Unpacked bytes of one member.
    pub member_bytes: u64,
    /// Unpacked bytes in all, headers of a tar included.
    pub total_bytes: u64,
    /// Unpacked bytes for each packed byte, over the whole archive, once `ratio_floor` is passed. Deflate itself ends at
    /// 1,032; popular wheels and sdists stay under 30.
    pub ratio: u64,
    /// Unpacked bytes below which the ratio does not matter.
    pub ratio_floor: u64,
    /// Bytes of a zip's central directory, and of all paths together.
    pub directory_bytes: u64,
    /// Bytes of content held in memory for detectors, in all.
    pub kept_bytes: u64,
    /// Bytes of one member held in memory for detectors.
    pub kept_member_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            members: 200_000,
            member_bytes: 8 << 30,
            total_bytes: 16 << 30,
            ratio: 200,
            ratio_floor: 64 << 20,
            directory_bytes: 64 << 20,
            kept_bytes: 48 << 20,
            kept_member_bytes: 32 << 20,
        }
    }
}
