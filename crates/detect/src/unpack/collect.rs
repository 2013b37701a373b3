//! Where readers put members: digests, limits, and the content that detectors asked for.

use aws_lc_rs::digest;
use bulkhead_core::Sha256;
use flate2::Crc;

use super::fault::Fault;
use crate::archive::{Entry, EntryKind};
use crate::code;
use crate::detector::{DETECTORS, Want};
use crate::findings::Findings;
use crate::limits::Limits;
use crate::report::ArchiveKind;
use crate::structure::Flaw;

/// Everything that one reader learns.
pub(crate) struct Collector<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) findings: &'a mut Findings,
    pub(crate) entries: Vec<Entry>,
    pub(crate) readable: bool,
    /// Code is looked at while it flows by, and its bytes are let go: an archive's code need not fit into memory.
    pub(crate) code: code::Passing,
    /// Whether the bytes of code are kept all the same, for whoever makes an index of it.
    pub(crate) keep_code: bool,
    kind: ArchiveKind,
    budget: Budget,
    kept: u64,
    names: u64,
}

/// Unpacked bytes, counted against the limits while they flow.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    packed: u64,
    unpacked: u64,
    total: u64,
    ratio: u64,
    floor: u64,
}

impl Budget {
    pub(crate) fn new(limits: &Limits, packed: u64) -> Self {
        Self { packed, unpacked: 0, total: limits.total_bytes, ratio: limits.ratio, floor: limits.ratio_floor }
    }

    pub(crate) fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        self.unpacked += bytes as u64;
        if self.unpacked > self.total {
            return Err(Fault::Bomb(format!("the archive unpacks to more than {} bytes", self.total)));
        }
        if self.unpacked > self.floor && self.unpacked / self.ratio.max(1) > self.packed {
            return Err(Fault::Bomb(format!("the archive unpacks to more than {} times its size", self.ratio)));
        }
        Ok(())
    }
}

impl<'a> Collector<'a> {
    pub(crate) fn new(kind: ArchiveKind, limits: &'a Limits, findings: &'a mut Findings, packed: u64) -> Self {
        let budget = Budget::new(limits, packed);
        let code = code::Passing::new();
        let (entries, keep_code) = (Vec::new(), false);
        Self { limits, findings, entries, readable: true, code, keep_code, kind, budget, kept: 0, names: 0 }
    }

    /// A flaw that leaves the rest readable.
    pub(crate) fn flaw(&mut self, flaw: Flaw, path: Option<&str>, title: impl Into<String>) {
        self.findings.flaw(flaw, path, title);
    }

    /// A flaw because of which some content was not read.
    pub(crate) fn fault(&mut self, fault: &Fault, path: Option<&str>, what: &str) {
        self.readable = false;
        self.findings.flaw(fault.flaw(), path, format!("{what}: {fault}"));
    }

    /// A member without content.
    pub(crate) fn add(&mut self, path: String, kind: EntryKind) -> Result<(), Fault> {
        self.push(Entry { path, kind, size: 0, sha256: None, first: [0; 8], content: None })
    }

    /// The member's content, when it is code that an adapter reads and fits, to be read before the archive is whole.
    pub(crate) fn early(&mut self, path: String, intake: Intake) {
        let sha256 = Sha256::from_bytes(digest_of(intake.sha256));
        if let Some(content) = &intake.content {
            self.code.early(self.kind, path, content, sha256);
        }
    }

    /// Whether the member is worth reading before the archive is whole.
    pub(crate) fn wants_early(&self, path: &str) -> bool {
        code::adapter(self.kind, path).is_some()
    }

    /// Starts a file; give its bytes to [`Intake::take`], then [`Collector::end`].
    pub(crate) fn begin(&mut self, path: &str, limit: Option<u64>) -> Intake {
        let room = self.limits.kept_member_bytes.min(self.limits.kept_bytes.saturating_sub(self.kept));
        let want = DETECTORS.iter().map(|detector| detector.wants(self.kind, path)).max().unwrap_or(Want::Nothing);
        let want = want.max(code::needs(self.kind, path));
        let needed = self.keep_code || want != Want::Nothing;
        let want = want.max(code::wants(self.kind, path));
        let (room, overflow_matters) = match want {
            Want::Nothing => (0, false),
            Want::UpTo(most) => (room.min(most), false),
            Want::All => (room, true),
        };
        Intake {
            sha256: digest::Context::new(&digest::SHA256),
            crc: Crc::new(),
            size: 0,
            first: [0; 8],
            declared: limit.unwrap_or(u64::MAX),
            member_limit: self.limits.member_bytes,
            room,
            needed,
            content: (want != Want::Nothing).then(Vec::new),
            overflow: false,
            overflow_matters,
            // The budget travels with the intake so that readers may hold other parts of the collector meanwhile.
            budget: self.budget.clone(),
        }
    }

    /// Ends a file. `whole` says that all of its content was read and fits its checksums.
    pub(crate) fn end(&mut self, path: String, intake: Intake, whole: bool) -> Result<(), Fault> {
        self.budget = intake.budget;
        if intake.overflow && intake.overflow_matters {
            self.flaw(Flaw::NotRead, Some(&path), "the file is larger than what detectors may read");
        }
        let sha256 = Sha256::from_bytes(digest_of(intake.sha256));
        if let Some(content) = &intake.content {
            self.code.file(self.kind, &path, content, sha256);
        }
        let content = intake.content.filter(|_| intake.needed);
        self.kept += content.as_ref().map_or(0, |content| content.len() as u64);
        self.push(Entry {
            path,
            kind: EntryKind::File,
            size: intake.size,
            sha256: whole.then_some(sha256),
            first: intake.first,
            content,
        })
    }

    fn push(&mut self, entry: Entry) -> Result<(), Fault> {
        if self.entries.len() as u64 >= u64::from(self.limits.members) {
            return Err(Fault::Bomb(format!("the archive has more than {} members", self.limits.members)));
        }
        self.names += entry.path.len() as u64;
        if self.names > self.limits.directory_bytes {
            return Err(Fault::Bomb(format!("the paths take more than {} bytes", self.limits.directory_bytes)));
        }
        self.entries.push(entry);
        Ok(())
    }
}

fn digest_of(context: digest::Context) -> [u8; 32] {
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(context.finish().as_ref());
    sha256
}

/// One file while its bytes flow by.
pub(crate) struct Intake {
    sha256: digest::Context,
    crc: Crc,
    size: u64,
    first: [u8; 8],
    declared: u64,
    member_limit: u64,
    room: u64,
    /// Whether the content is needed once the whole archive was read.
    needed: bool,
    content: Option<Vec<u8>>,
    overflow: bool,
    overflow_matters: bool,
    budget: Budget,
}

impl Intake {
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if let Some(room) = usize::try_from(self.size).ok().and_then(|at| self.first.get_mut(at..)) {
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
        }
        self.size += bytes.len() as u64;
        if self.size > self.declared {
            return Err(Fault::Flaw(
                Flaw::Corrupt,
                format!("it unpacks to more than the {} bytes declared", self.declared),
            ));
        }
        if self.size > self.member_limit {
            return Err(Fault::Bomb(format!("a member unpacks to more than {} bytes", self.member_limit)));
        }
        self.budget.spend(bytes.len())?;
        self.sha256.update(bytes);
        self.crc.update(bytes);
        if let Some(content) = &mut self.content {
            if self.size <= self.room {
                content.extend_from_slice(bytes);
            } else {
                // Half a file would mislead a detector: it gets none.
                self.content = None;
                self.overflow = true;
            }
        }
        Ok(())
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn crc(&self) -> u32 {
        self.crc.sum()
    }
}
