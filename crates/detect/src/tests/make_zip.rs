//! A zip writer that can lie in every field.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::{Compress, Compression, Crc, FlushCompress};

/// One member and its lies. `None` means the truth.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) name: Vec<u8>,
    pub(super) data: Vec<u8>,
    pub(super) method: u16,
    pub(super) flags: u16,
    pub(super) mode: u32,
    pub(super) local_name: Option<Vec<u8>>,
    pub(super) local_method: Option<u16>,
    pub(super) local_flags: Option<u16>,
    pub(super) local_crc: Option<u32>,
    pub(super) local_size: Option<u32>,
    pub(super) crc: Option<u32>,
    pub(super) size: Option<u32>,
    pub(super) packed_size: Option<u32>,
    pub(super) offset: Option<u32>,
    pub(super) disk: u16,
    /// Written instead of the data, packed.
    pub(super) packed: Option<Vec<u8>>,
    pub(super) local_extra: Vec<u8>,
    pub(super) extra: Vec<u8>,
    /// Bytes before the local header.
    pub(super) before: Vec<u8>,
    /// `Some` writes a data descriptor with that CRC (`None` inside: the right one) and zeros in the local header.
    pub(super) descriptor: Option<Option<u32>>,
}

impl File {
    pub(super) fn new(name: &str, data: &[u8]) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            data: data.to_vec(),
            method: 8,
            flags: if name.is_ascii() { 0 } else { 1 << 11 },
            mode: 0o100_644,
            local_name: None,
            local_method: None,
            local_flags: None,
            local_crc: None,
            local_size: None,
            crc: None,
            size: None,
            packed_size: None,
            offset: None,
            disk: 0,
            packed: None,
            local_extra: Vec::new(),
            extra: Vec::new(),
            before: Vec::new(),
            descriptor: None,
        }
    }
}

/// A zip and its lies.
#[derive(Debug, Clone, Default)]
pub(super) struct Zip {
    pub(super) files: Vec<File>,
    pub(super) before_directory: Vec<u8>,
    pub(super) after_directory: Vec<u8>,
    pub(super) comment: Vec<u8>,
    /// Written as the comment's length.
    pub(super) comment_len: Option<u16>,
    pub(super) entries: Option<u16>,
    pub(super) disk: u16,
    /// Writes zip64 records with these entries (`None` inside: the right number).
    pub(super) zip64: Option<Option<u64>>,
    /// The directory in reverse order.
    pub(super) reversed: bool,
}

impl Zip {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut directory = Vec::new();
        for file in &self.files {
            out.extend_from_slice(&file.before);
            let entry = file.write(&mut out);
            if self.reversed { directory.insert(0, entry) } else { directory.push(entry) }
        }
        out.extend_from_slice(&self.before_directory);
        let start = out.len() as u32;
        let size = directory.iter().map(Vec::len).sum::<usize>() as u32;
        out.extend(directory.concat());
        out.extend_from_slice(&self.after_directory);
        let count = self.entries.unwrap_or(self.files.len() as u16);
        let (mut count16, mut size32, mut start32) = (count, size, start);
        if let Some(entries) = self.zip64 {
            let at = out.len() as u64;
            let entries = entries.unwrap_or(u64::from(count));
            out.extend(b"PK\x06\x06");
            out.extend(44_u64.to_le_bytes());
            out.extend([45, 3, 45, 0]);
            out.extend([0; 8]);
            for number in [entries, entries, u64::from(size), u64::from(start)] {
                out.extend(number.to_le_bytes());
            }
            out.extend(b"PK\x06\x07\0\0\0\0");
            out.extend(at.to_le_bytes());
            out.extend(1_u32.to_le_bytes());
            (count16, size32, start32) = (u16::MAX, u32::MAX, u32::MAX);
        }
        out.extend(b"PK\x05\x06");
        for number in [self.disk, self.disk, count16, count16] {
            out.extend(number.to_le_bytes());
        }
        out.extend(size32.to_le_bytes());
        out.extend(start32.to_le_bytes());
        out.extend(self.comment_len.unwrap_or(self.comment.len() as u16).to_le_bytes());
        out.extend_from_slice(&self.comment);
        out
    }

    pub(super) fn file(&mut self, name: &str) -> &mut File {
        self.files.iter_mut().find(|file| file.name == name.as_bytes()).expect("a member of that name")
    }
}

impl File {
    /// Writes local header, data and descriptor; returns the directory's entry.
    fn write(&self, out: &mut Vec<u8>) -> Vec<u8> {
        let offset = out.len() as u32;
        let (crc, size) = (crc32(&self.data), self.data.len() as u32);
        let packed = match (&self.packed, self.method) {
            (Some(packed), _) => packed.clone(),
            (None, 8) => deflate(&self.data),
            (None, _) => self.data.clone(),
        };
        let packed_size = packed.len() as u32;
        let flags = self.flags | if self.descriptor.is_some() { 1 << 3 } else { 0 };
        let zeroed = self.descriptor.is_some();
        let name = self.local_name.as_ref().unwrap_or(&self.name);
        out.extend(b"PK\x03\x04\x14\0");
        out.extend(self.local_flags.unwrap_or(flags).to_le_bytes());
        out.extend(self.local_method.unwrap_or(self.method).to_le_bytes());
        out.extend([0, 0, 0x21, 0]);
        let local_crc = self.local_crc.unwrap_or(self.crc.unwrap_or(crc));
        let local_size = self.local_size.unwrap_or(self.size.unwrap_or(size));
        for number in [local_crc, packed_size, local_size] {
            out.extend((if zeroed { 0 } else { number }).to_le_bytes());
        }
        out.extend((name.len() as u16).to_le_bytes());
        out.extend((self.local_extra.len() as u16).to_le_bytes());
        out.extend_from_slice(name);
        out.extend_from_slice(&self.local_extra);
        out.extend_from_slice(&packed);
        if let Some(crc_said) = self.descriptor {
            out.extend(b"PK\x07\x08");
            for number in [crc_said.unwrap_or(crc), packed_size, size] {
                out.extend(number.to_le_bytes());
            }
        }
        let mut entry = b"PK\x01\x02\x14\x03\x14\0".to_vec();
        entry.extend(flags.to_le_bytes());
        entry.extend(self.method.to_le_bytes());
        entry.extend([0, 0, 0x21, 0]);
        for number in [self.crc.unwrap_or(crc), self.packed_size.unwrap_or(packed_size), self.size.unwrap_or(size)] {
            entry.extend(number.to_le_bytes());
        }
        entry.extend((self.name.len() as u16).to_le_bytes());
        entry.extend((self.extra.len() as u16).to_le_bytes());
        entry.extend([0, 0]);
        entry.extend(self.disk.to_le_bytes());
        entry.extend([0, 0]);
        entry.extend((self.mode << 16).to_le_bytes());
        entry.extend(self.offset.unwrap_or(offset).to_le_bytes());
        entry.extend_from_slice(&self.name);
        entry.extend_from_slice(&self.extra);
        entry
    }
}

/// An extra field.
pub(super) fn extra(id: u16, data: &[u8]) -> Vec<u8> {
    [&id.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
}

/// A Unicode path extra field for a member of that name.
pub(super) fn unicode_path(name: &[u8], says: &str) -> Vec<u8> {
    extra(0x7075, &[&[1][..], &crc32(name).to_le_bytes(), says.as_bytes()].concat())
}

/// An honest wheel `demo` 1.0 with these files; metadata and RECORD are written unless they are among them.
pub(super) fn wheel(files: &[(&str, &[u8])]) -> Zip {
    wheel_named("demo", "1.0", files.iter().map(|(name, data)| File::new(name, data)).collect())
}

pub(super) fn wheel_named(name: &str, version: &str, mut files: Vec<File>) -> Zip {
    let info = format!("{name}-{version}.dist-info");
    let has = |files: &[File], path: &str| files.iter().any(|file| file.name == path.as_bytes());
    let texts = [
        (
            "METADATA",
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.9\n\nText\n"),
        ),
        ("WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned()),
    ];
    for (file, text) in texts {
        let path = format!("{info}/{file}");
        if !has(&files, &path) {
            files.push(File::new(&path, text.as_bytes()));
        }
    }
    let record = format!("{info}/RECORD");
    if !has(&files, &record) {
        let text = record_text(&files, &record);
        files.push(File::new(&record, text.as_bytes()));
    }
    Zip { files, ..Zip::default() }
}

/// The right RECORD for these files.
pub(super) fn record_text(files: &[File], record: &str) -> String {
    let mut rows = String::new();
    for file in files.iter().filter(|file| !file.name.ends_with(b"/")) {
        let digest = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &file.data));
        let name = String::from_utf8_lossy(&file.name).replace('"', "\"\"");
        rows += &format!("\"{name}\",sha256={digest},{}\n", file.data.len());
    }
    rows + record + ",,\n"
}

pub(super) fn crc32(data: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(data);
    crc.sum()
}

pub(super) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut state = Compress::new(Compression::default(), false);
    let mut out = Vec::with_capacity(data.len() + 64);
    state.compress_vec(data, &mut out, FlushCompress::Finish).expect("compresses into memory");
    out
}
