//! What goes over the socket between gate and worker, and how much of it.
//!
//! To the worker: one message per job, [`Header`] as JSON with the file attached (`bulkhead_contain::send_job`), and behind it,
//! where the file is still arriving, words of eight bytes until all of it is there. From the worker: frames, a length of four bytes (little-endian) and that much JSON: first one [`Hello`], then one [`Answer`] per job.

use std::io::{self, Write};

use bulkhead_contain::Enforced;
use bulkhead_detect::{ArchiveKind, Limits, Report};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes of the largest [`Hello`].
pub(super) const MAX_HELLO: u32 = 16 << 10;

/// Bytes of the largest [`Answer`]: the most members that the limits allow, at the usual 160 bytes each.
pub(super) const MAX_ANSWER: u32 = 32 << 20;

/// The worker's first word.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Hello {
    /// Shut in, and ready for jobs.
    Contained {
        /// As [`Enforced::in_force`].
        in_force: Vec<String>,
        /// As [`Enforced::missing`].
        missing: Vec<String>,
    },
    /// Not shut in, and about to exit.
    Refused {
        /// Why.
        why: String,
    },
}

impl From<Enforced> for Hello {
    fn from(Enforced { in_force, missing }: Enforced) -> Self {
        Self::Contained { in_force, missing }
    }
}

/// One job; the archive's open file comes with it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// Counts the worker's jobs; its answer repeats it.
    pub(super) id: u64,
    /// What kind of archive it must be.
    pub(super) kind: ArchiveKind,
    /// The name under which clients install the file. Project and version stand in it.
    pub(super) file_name: String,
    /// What the archive may cost.
    pub(super) limits: Limits,
    /// How long the file will be, when it is still arriving. How much of it is there follows ([`PROGRESS`]), up to this.
    pub(super) arriving: Option<u64>,
}

/// Bytes of one word about a file that is still arriving: how many of its bytes are there, little-endian.
pub(super) const PROGRESS: usize = 8;

/// The answer to one job.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// The job's.
    pub(super) id: u64,
    /// What was seen.
    pub(super) report: Report,
}

/// Writes one frame.
pub(super) fn write_frame(mut to: impl Write, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(body)
}

/// Reads one frame of at most `most` bytes.
///
/// # Errors
/// `InvalidData` when the sender announces none or more; `UnexpectedEof` when it ends before. Memory grows with what really
/// arrives, not with what was announced.
pub(super) async fn read_frame(mut from: impl AsyncRead + Unpin, most: u32) -> io::Result<Vec<u8>> {
    let length = from.read_u32_le().await?;
    if !(1..=most).contains(&length) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("an answer of {length} bytes, where at most {most} are allowed"),
        ));
    }
    let mut body = Vec::new();
    from.take(length.into()).read_to_end(&mut body).await?;
    if body.len() == length as usize { Ok(body) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
