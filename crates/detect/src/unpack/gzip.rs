//! gzip (RFC 1952), strictly: every header field, both checksums, and what follows the first stream.

use flate2::Crc;

use super::collect::Budget;
use super::fault::Fault;
use super::inflate::Inflater;
use crate::read::Window;
use crate::structure::Flaw;

/// A gzip file as a stream of unpacked bytes.
pub(crate) struct Gunzip<'a> {
    window: Window<'a>,
    position: u64,
    inflater: Inflater,
    piece: Vec<u8>,
    taken: usize,
    crc: Crc,
    size: u64,
    streams: u32,
    inside: bool,
    plain: bool,
    budget: Budget,
    flaws: Vec<(Flaw, String)>,
}

impl<'a> Gunzip<'a> {
    /// Over the whole archive. The budget bounds what comes out, members or not.
    pub(crate) fn new(window: Window<'a>, budget: Budget) -> Self {
        Self {
            window,
            position: 0,
            inflater: Inflater::new(),
            piece: Vec::new(),
            taken: 0,
            crc: Crc::new(),
            size: 0,
            streams: 0,
            inside: false,
            plain: false,
            budget,
            flaws: Vec::new(),
        }
    }

    /// Bytes that are not packed at all, as the same kind of stream.
    pub(crate) fn unpacked(window: Window<'a>, budget: Budget) -> Self {
        Self { plain: true, ..Self::new(window, budget) }
    }

    /// Unpacked bytes that are at hand; empty only at the end.
    pub(crate) fn fill(&mut self) -> Result<&[u8], Fault> {
        if self.plain && self.taken == self.piece.len() {
            self.piece.clear();
            self.piece.extend_from_slice(self.window.at(self.position)?);
            self.taken = 0;
            self.position += self.piece.len() as u64;
            self.budget.spend(self.piece.len())?;
            return Ok(&self.piece);
        }
        while self.taken == self.piece.len() {
            if !self.inside && !self.next_stream()? {
                return Ok(&[]);
            }
            self.inflate()?;
        }
        Ok(&self.piece[self.taken..])
    }

    /// Takes note that `count` bytes of the last [`Gunzip::fill`] were used.
    pub(crate) fn consume(&mut self, count: usize) {
        self.taken += count;
    }

    /// Fills the buffer, or as much of it as there is.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let mut done = 0;
        while done < into.len() {
            let have = self.fill()?;
            if have.is_empty() {
                break;
            }
            let count = have.len().min(into.len() - done);
            into[done..done + count].copy_from_slice(&have[..count]);
            self.consume(count);
            done += count;
        }
        Ok(done)
    }

    /// Flaws of the gzip layer so far.
    pub(crate) fn flaws(&mut self) -> Vec<(Flaw, String)> {
        std::mem::take(&mut self.flaws)
    }

    fn inflate(&mut self) -> Result<(), Fault> {
        self.piece.clear();
        self.taken = 0;
        let input = self.window.at(self.position)?;
        let step = self.inflater.step(input)?;
        if step.consumed == 0 && step.produced.is_empty() && !step.ended {
            return Err(Fault::truncated("the gzip stream ends too early"));
        }
        self.position += step.consumed as u64;
        self.budget.spend(step.produced.len())?;
        self.crc.update(step.produced);
        self.size += step.produced.len() as u64;
        self.piece.extend_from_slice(step.produced);
        if step.ended {
            self.inside = false;
            self.trailer()?;
        }
        Ok(())
    }

    fn trailer(&mut self) -> Result<(), Fault> {
        let mut trailer = [0; 8];
        self.window.exact(self.position, &mut trailer)?;
        self.position += 8;
        let (crc, size) = trailer.split_at(4);
        if crc != self.crc.sum().to_le_bytes() {
            return Err(Fault::Flaw(Flaw::Checksum, "the CRC-32 of the gzip stream is wrong".to_owned()));
        }
        // ISIZE is the size modulo 2^32.
        if size != &self.size.to_le_bytes()[..4] {
            return Err(Fault::Flaw(Flaw::Checksum, "the size of the gzip stream is wrong".to_owned()));
        }
        Ok(())
    }

    /// Starts the next stream, if there is one.
    fn next_stream(&mut self) -> Result<bool, Fault> {
        if self.position >= self.window.len() {
            return match self.streams {
                0 => Err(Fault::truncated("the file is empty")),
                _ => Ok(false),
            };
        }
        let head = self.window.at(self.position)?;
        let is_gzip = head.starts_with(&[0x1f, 0x8b]);
        if self.streams == 0 && !is_gzip {
            return Err(Fault::Flaw(Flaw::Unreadable, "the file is not gzip".to_owned()));
        }
        if self.streams > 0 && !is_gzip {
            self.trailing()?;
            return Ok(false);
        }
        self.header()?;
        self.streams += 1;
        if self.streams == 2 {
            self.flaws.push((Flaw::MultiStream, "a second gzip stream follows the first".to_owned()));
        }
        self.inflater.reset();
        self.crc = Crc::new();
        self.size = 0;
        self.inside = true;
        Ok(true)
    }

    fn trailing(&mut self) -> Result<(), Fault> {
        let end = self.window.len();
        let count = end - self.position;
        let what = if self.window.all_zero(self.position, end)? { "zero bytes" } else { "bytes" };
        self.flaws.push((Flaw::TrailingData, format!("{count} {what} follow the gzip stream")));
        self.position = end;
        Ok(())
    }

    fn header(&mut self) -> Result<(), Fault> {
        let mut fixed = [0; 10];
        self.window.exact(self.position, &mut fixed)?;
        let flags = fixed[3];
        if fixed[2] != 8 || flags & 0xe0 != 0 {
            return Err(Fault::corrupt("the gzip header has an unknown method or flag"));
        }
        let mut at = self.position + 10;
        if flags & 4 != 0 {
            let mut len = [0; 2];
            self.window.exact(at, &mut len)?;
            at += 2 + u64::from(u16::from_le_bytes(len));
        }
        // The name (8) and the comment (16) end with NUL; both are ignored by every installer.
        for bit in [8, 16] {
            if flags & bit != 0 {
                at = self.skip_text(at)?;
            }
        }
        if flags & 2 != 0 {
            at += 2;
        }
        self.position = at;
        Ok(())
    }

    fn skip_text(&mut self, mut at: u64) -> Result<u64, Fault> {
        const LONGEST: u64 = 64 * 1024;
        let start = at;
        loop {
            let have = self.window.at(at)?;
            if have.is_empty() {
                return Err(Fault::truncated("the gzip header ends too early"));
            }
            match have.iter().position(|&byte| byte == 0) {
                Some(nul) => return Ok(at + nul as u64 + 1),
                None => at += have.len() as u64,
            }
            if at - start > LONGEST {
                return Err(Fault::corrupt("the gzip header has an endless text"));
            }
        }
    }
}
