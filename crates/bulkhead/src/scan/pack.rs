//! Files packed for the worker: an unnamed file in memory, written once and then open for reading only.

use std::fs::File;
use std::io::{self, Seek as _, Write};
use std::os::fd::AsRawFd as _;

use bulkhead_detect::ArchiveKind;
use flate2::write::GzEncoder;
use flate2::{Compression, Crc};
use rustix::fs::{MemfdFlags, memfd_create};

/// The most bytes of one pack.
pub const MOST: u64 = 1 << 30;

/// A pack in the making.
pub struct Pack {
    form: Form,
    bytes: u64,
}

enum Form {
    Zip { out: File, offset: u32, directory: Vec<u8>, count: u16 },
    Tar(Tar),
}

enum Tar {
    Plain(File),
    Gzip(Box<GzEncoder<File>>),
}

impl Write for Tar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(bytes),
            Self::Gzip(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Gzip(out) => out.flush(),
        }
    }
}

impl Pack {
    /// An empty pack of that kind. Nothing is compressed: the worker reads it once, a moment later.
    ///
    /// # Errors
    /// When the system gives no memory file.
    pub fn new(kind: ArchiveKind) -> io::Result<Self> {
        let out = File::from(memfd_create("bulkhead-scan", MemfdFlags::CLOEXEC)?);
        let form = match kind {
            ArchiveKind::Wheel | ArchiveKind::Egg | ArchiveKind::SdistZip => {
                Form::Zip { out, offset: 0, directory: Vec::new(), count: 0 }
            }
            ArchiveKind::Tree | ArchiveKind::Other => Form::Tar(Tar::Plain(out)),
            ArchiveKind::SdistTarGz | ArchiveKind::Npm | ArchiveKind::Crate => {
                Form::Tar(Tar::Gzip(Box::new(GzEncoder::new(out, Compression::none()))))
            }
        };
        Ok(Self { form, bytes: 0 })
    }

    /// Adds a file.
    ///
    /// # Errors
    /// When the pack grows too large, or memory ends.
    pub fn add(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        self.bytes += content.len() as u64 + 1024;
        if self.bytes > MOST {
            return Err(io::Error::other(format!("it holds more than {MOST} bytes of code")));
        }
        match &mut self.form {
            Form::Zip { out, offset, directory, count } => {
                let (local, central) = headers(path, content, *offset)?;
                out.write_all(&local)?;
                out.write_all(content)?;
                *offset += u32::try_from(local.len() + content.len()).map_err(io::Error::other)?;
                directory.extend(central);
                *count = count.checked_add(1).ok_or_else(|| io::Error::other("it holds more than 65,535 files"))?;
                Ok(())
            }
            Form::Tar(out) => {
                if path.len() > 99 || !path.is_ascii() {
                    // A pax header gives the whole name, in UTF-8.
                    let record = pax(path);
                    out.write_all(&tar_header("pax", record.len(), b'x'))?;
                    padded(out, record.as_bytes())?;
                }
                let short: String = path.chars().filter(char::is_ascii).take(99).collect();
                out.write_all(&tar_header(&short, content.len(), b'0'))?;
                padded(out, content)
            }
        }
    }

    /// The pack, open for reading only.
    ///
    /// # Errors
    /// When memory ends.
    pub fn finish(self) -> io::Result<File> {
        let out = match self.form {
            Form::Zip { mut out, offset, directory, count } => {
                let size = u32::try_from(directory.len()).map_err(io::Error::other)?;
                out.write_all(&directory)?;
                let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
                end.extend(count.to_le_bytes());
                end.extend(count.to_le_bytes());
                end.extend(size.to_le_bytes());
                end.extend(offset.to_le_bytes());
                end.extend([0, 0]);
                out.write_all(&end)?;
                out
            }
            Form::Tar(mut out) => {
                out.write_all(&[0; 1024])?;
                match out {
                    Tar::Plain(out) => out,
                    Tar::Gzip(out) => out.finish()?,
                }
            }
        };
        reopened(out)
    }
}

/// The same memory, through a descriptor that cannot write it: the worker is given nothing else.
fn reopened(mut out: File) -> io::Result<File> {
    out.rewind()?;
    File::open(format!("/proc/self/fd/{}", out.as_raw_fd()))
}

/// The local and the central header of a stored member.
fn headers(path: &str, content: &[u8], offset: u32) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut crc = Crc::new();
    crc.update(content);
    let size = u32::try_from(content.len()).map_err(io::Error::other)?;
    let name = u16::try_from(path.len()).map_err(io::Error::other)?;
    let mut common = Vec::new();
    // Version 2.0, names in UTF-8, stored, 1 January 1980.
    for field in [20_u16, 0x800, 0, 0, 0x21] {
        common.extend(field.to_le_bytes());
    }
    for field in [crc.sum(), size, size] {
        common.extend(field.to_le_bytes());
    }
    common.extend(name.to_le_bytes());
    common.extend([0, 0]);
    let local = [b"PK\x03\x04", common.as_slice(), path.as_bytes()].concat();
    let mut central = b"PK\x01\x02".to_vec();
    // Made by version 2.0 on Unix.
    central.extend([20, 3]);
    central.extend(&common);
    // No comment, first disk, no internal attributes, a regular file.
    central.extend([0; 6]);
    central.extend((0o100_644_u32 << 16).to_le_bytes());
    central.extend(offset.to_le_bytes());
    central.extend(path.as_bytes());
    Ok((local, central))
}

fn tar_header(path: &str, size: usize, kind: u8) -> [u8; 512] {
    let mut header = [0; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[108..115].copy_from_slice(b"0000000");
    header[116..123].copy_from_slice(b"0000000");
    header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header
}

fn pax(path: &str) -> String {
    let rest = format!(" path={path}\n");
    // The length counts its own digits.
    let mut length = rest.len() + 1;
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}")
}

fn padded(out: &mut impl Write, content: &[u8]) -> io::Result<()> {
    out.write_all(content)?;
    out.write_all(&[0; 512][..content.len().next_multiple_of(512) - content.len()])
}
