//! Random access to the bytes of an archive, without a file system.

use std::io;

/// Bytes that can be read at any offset: a file (`pread`), a mapped blob, a slice.
pub trait ReadAt {
    /// Total bytes. Must not change while the archive is inspected.
    fn len(&self) -> u64;

    /// Whether there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether bytes are still arriving: what is not there yet is waited for. The report is the same; what can be done early is.
    fn is_arriving(&self) -> bool {
        false
    }

    /// Reads some bytes at `offset` and says how many; 0 only at or after the end.
    ///
    /// # Errors
    /// Whatever the medium reports; the archive is then unreadable.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|start| self.get(start..)).unwrap_or_default();
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

impl ReadAt for &[u8] {
    fn len(&self) -> u64 {
        ReadAt::len(*self)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buf)
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        ReadAt::len(self.as_slice())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buf)
    }
}

/// One reused buffer over a [`ReadAt`]: headers and data of neighbouring members cost one system call, not several.
pub(crate) struct Window<'a> {
    source: &'a dyn ReadAt,
    buffer: Box<[u8]>,
    start: u64,
    filled: usize,
}

const WINDOW: usize = 256 * 1024;

impl<'a> Window<'a> {
    pub(crate) fn new(source: &'a dyn ReadAt) -> Self {
        Self { source, buffer: vec![0; WINDOW].into(), start: 0, filled: 0 }
    }

    pub(crate) fn len(&self) -> u64 {
        self.source.len()
    }

    pub(crate) fn is_arriving(&self) -> bool {
        self.source.is_arriving()
    }

    /// The bytes from `offset` on, as many as are at hand; empty only at the end of the archive.
    pub(crate) fn at(&mut self, offset: u64) -> io::Result<&[u8]> {
        let end = self.start + self.filled as u64;
        if offset < self.start || offset >= end {
            self.start = offset;
            self.filled = 0;
            if offset < self.source.len() {
                self.filled = self.source.read_at(offset, &mut self.buffer)?.min(self.buffer.len());
                if self.filled == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        let from = usize::try_from(offset - self.start).map_err(io::Error::other)?;
        Ok(&self.buffer[from..self.filled])
    }

    /// Exactly `into.len()` bytes from `offset`.
    pub(crate) fn exact(&mut self, mut offset: u64, into: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < into.len() {
            let have = self.at(offset)?;
            if have.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let count = have.len().min(into.len() - done);
            into[done..done + count].copy_from_slice(&have[..count]);
            done += count;
            offset += count as u64;
        }
        Ok(())
    }

    /// `len` bytes from `offset` as a vector; the caller has bounded `len`. Nothing is allocated beyond the archive's end.
    pub(crate) fn vec(&mut self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        if offset.checked_add(len as u64).is_none_or(|end| end > self.source.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; len];
        self.exact(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Whether every byte of `from..to` is zero.
    pub(crate) fn all_zero(&mut self, mut from: u64, to: u64) -> io::Result<bool> {
        while from < to {
            let have = self.at(from)?;
            let count = have.len().min(usize::try_from(to - from).unwrap_or(usize::MAX));
            if count == 0 || have[..count].iter().any(|&byte| byte != 0) {
                return Ok(false);
            }
            from += count as u64;
        }
        Ok(true)
    }
}
