//! A strict reader of gzipped tar (POSIX ustar and pax, GNU long names): every header says one thing only, and after the
//! end blocks there is nothing.
//!
//! Sizes are where tar readers have been deceived: a pax size beside another size in the header, sizes on links, global
//! headers. Each is a flaw here, and the size that is followed is the pax one, as pip's reader does.

mod header;
mod pax;

use self::header::{BLOCK, Header, Type};
use self::pax::Extended;
use super::collect::{Budget, Collector};
use super::fault::Fault;
use super::gzip::Gunzip;
use super::path;
use crate::archive::EntryKind;
use crate::read::Window;
use crate::structure::Flaw;
use crate::text;

/// Reads all of it into the collector.
pub(crate) fn read_gz(window: Window<'_>, out: &mut Collector<'_>) {
    let budget = Budget::new(out.limits, window.len());
    read(Gunzip::new(window, budget), out);
}

/// The same of a tar that is not packed.
pub(crate) fn read_plain(window: Window<'_>, out: &mut Collector<'_>) {
    let budget = Budget::new(out.limits, window.len());
    read(Gunzip::unpacked(window, budget), out);
}

fn read(stream: Gunzip<'_>, out: &mut Collector<'_>) {
    let mut tar = Tar { stream };
    let done = tar.members(out).and_then(|()| tar.rest(out));
    for (flaw, what) in tar.stream.flaws() {
        out.flaw(flaw, None, what);
    }
    if let Err(fault) = done {
        out.fault(&fault, None, "the tar could not be read");
    }
}

struct Tar<'a> {
    stream: Gunzip<'a>,
}

/// What extended headers say about the next member.
#[derive(Default)]
struct Pending {
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    pax: Option<Extended>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.long_name.is_none() && self.long_link.is_none() && self.pax.is_none()
    }
}

impl Tar<'_> {
    fn members(&mut self, out: &mut Collector<'_>) -> Result<(), Fault> {
        let mut pending = Pending::default();
        let mut extended: u32 = 0;
        loop {
            let mut block = [0; BLOCK];
            let got = self.stream.read(&mut block)?;
            if got == 0 && !out.entries.is_empty() {
                out.flaw(Flaw::Truncated, None, "the tar has no end blocks");
                return Ok(());
            }
            if got < BLOCK {
                return Err(Fault::truncated("the tar ends in the middle of a header"));
            }
            if block.iter().all(|&byte| byte == 0) {
                if !pending.is_empty() {
                    return Err(Fault::truncated("the tar ends after an extended header"));
                }
                return Ok(());
            }
            let header = Header::parse(&block)?;
            for what in header.oddities() {
                out.flaw(Flaw::ViewsDiffer, Some(&text::escape(&header.name)), what);
            }
            match header.kind {
                Type::Pax | Type::PaxGlobal | Type::LongName | Type::LongLink => {
                    // Extended headers without members are members for the limit's sake.
                    extended += 1;
                    if extended > out.limits.members {
                        return Err(Fault::Bomb(format!("the archive has more than {} headers", out.limits.members)));
                    }
                    self.extended(&header, &mut pending, out)?;
                }
                _ => self.member(&header, std::mem::take(&mut pending), out)?,
            }
        }
    }

    fn extended(&mut self, header: &Header, pending: &mut Pending, out: &mut Collector<'_>) -> Result<(), Fault> {
        if header.size > out.limits.directory_bytes.min(1 << 20) {
            return Err(Fault::Bomb("an extended header is larger than one MiB".to_owned()));
        }
        let mut body = vec![0; usize::try_from(header.size).unwrap_or(0)];
        if self.stream.read(&mut body)? < body.len() {
            return Err(Fault::truncated("the tar ends in the middle of an extended header"));
        }
        self.padding(header.size)?;
        let taken = match header.kind {
            Type::LongName => pending.long_name.replace(header::until_nul(&body).to_vec()).is_some(),
            Type::LongLink => pending.long_link.replace(header::until_nul(&body).to_vec()).is_some(),
            Type::PaxGlobal => {
                for key in pax::parse(&body)?.keys.iter().filter(|key| pax::changes_members(key)) {
                    out.flaw(Flaw::PaxGlobal, None, format!("a global header sets `{}`", text::excerpt(key, 80)));
                }
                false
            }
            _ => pending.pax.replace(pax::parse(&body)?).is_some(),
        };
        if taken {
            out.flaw(Flaw::ViewsDiffer, None, "two extended headers of one kind precede one member");
        }
        Ok(())
    }

    fn member(&mut self, header: &Header, pending: Pending, out: &mut Collector<'_>) -> Result<(), Fault> {
        let mut differ: Vec<&str> = Vec::new();
        let pax = pending.pax.unwrap_or_default();
        differ.extend(pax.oddity);
        let name = one(pax.path, pending.long_name, &mut differ).unwrap_or_else(|| header.name.clone());
        let link = one(pax.link, pending.long_link, &mut differ).unwrap_or_else(|| header.link.clone());
        let size = pax.size.unwrap_or(header.size);
        // The header's own field cannot hold 8 GiB; writers put a 0 or the low digits there.
        if size != header.size && size < 1 << 33 {
            differ.push("the pax size differs from the size in the header");
        }
        // No file system takes longer ones, and a zip cannot even state them.
        if name.len().max(link.len()) > usize::from(u16::MAX) {
            return Err(Fault::corrupt("a path is longer than 65,535 bytes"));
        }
        let sparse = pax.sparse || header.kind == Type::Sparse;

        let (shown, flaws) = path::judge(&name);
        for (flaw, what) in flaws {
            out.flaw(flaw, Some(&shown), what);
        }
        for what in differ {
            out.flaw(Flaw::ViewsDiffer, Some(&shown), what);
        }
        if sparse {
            out.readable = false;
            out.flaw(Flaw::Sparse, Some(&shown), "the member is sparse");
            self.skip(size)?;
            return out.add(shown, EntryKind::Special);
        }
        let is_file = matches!(header.kind, Type::File);
        if !is_file && size != 0 {
            let what =
                "the member is no file and has a size, which some readers skip and others read as the next header";
            out.flaw(Flaw::ViewsDiffer, Some(&shown), what);
        }
        match header.kind {
            Type::File if name.ends_with(b"/") => {
                // Before ustar, a directory was a file whose name ends in a slash.
                if size != 0 {
                    out.flaw(Flaw::HiddenData, Some(&shown), "the directory has content");
                }
                self.skip(size)?;
                out.add(shown, EntryKind::Directory)
            }
            Type::File => self.file(shown, size, out),
            Type::Directory => out.add(shown, EntryKind::Directory),
            Type::Symlink => out.add(shown, EntryKind::Symlink(text::escape(&link))),
            Type::Hardlink => out.add(shown, EntryKind::Hardlink(text::escape(&link))),
            _ => {
                out.flaw(Flaw::SpecialFile, Some(&shown), format!("the member has the type `{}`", header.kind_shown()));
                out.add(shown, EntryKind::Special)
            }
        }
    }

    fn file(&mut self, shown: String, size: u64, out: &mut Collector<'_>) -> Result<(), Fault> {
        let mut intake = out.begin(&shown, Some(size));
        let mut left = size;
        while left > 0 {
            let have = match self.stream.fill() {
                Ok([]) => Err(Fault::truncated(format!("it ends in the middle of `{shown}`"))),
                other => other,
            };
            let have = match have {
                Ok(have) => have,
                Err(fault) => {
                    out.end(shown, intake, false)?;
                    return Err(fault);
                }
            };
            let count = have.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            intake.take(&have[..count])?;
            self.stream.consume(count);
            left -= count as u64;
        }
        out.end(shown, intake, true)?;
        self.padding(size)
    }

    fn skip(&mut self, size: u64) -> Result<(), Fault> {
        let mut left = size;
        while left > 0 {
            let have = self.stream.fill()?.len();
            if have == 0 {
                return Err(Fault::truncated("it ends in the middle of a member"));
            }
            let count = have.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.stream.consume(count);
            left -= count as u64;
        }
        self.padding(size)
    }

    /// Members are filled up to whole blocks.
    fn padding(&mut self, size: u64) -> Result<(), Fault> {
        let fill = (BLOCK - (size % BLOCK as u64) as usize) % BLOCK;
        let mut block = [0; BLOCK];
        if self.stream.read(&mut block[..fill])? < fill {
            return Err(Fault::truncated("it ends in the middle of a block"));
        }
        Ok(())
    }

    /// After the first end block: one more, then zeros up to the end of the record, and nothing else.
    fn rest(&mut self, out: &mut Collector<'_>) -> Result<(), Fault> {
        let mut foreign = 0_u64;
        loop {
            let have = self.stream.fill()?;
            if have.is_empty() {
                break;
            }
            let count = have.len();
            foreign += have.iter().filter(|&&byte| byte != 0).count() as u64;
            self.stream.consume(count);
        }
        if foreign > 0 {
            out.flaw(Flaw::TrailingData, None, "the tar goes on after its end blocks");
        }
        Ok(())
    }
}

/// The pax value or the GNU one; both only if they agree.
fn one(pax: Option<Vec<u8>>, gnu: Option<Vec<u8>>, differ: &mut Vec<&'static str>) -> Option<Vec<u8>> {
    if let (Some(pax), Some(gnu)) = (&pax, &gnu)
        && pax != gnu
    {
        differ.push("a pax and a GNU header give the member two names");
    }
    pax.or(gnu)
}
