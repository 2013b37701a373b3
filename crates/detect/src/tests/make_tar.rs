//! A tar writer that can lie in every field.

use std::io::Write as _;

use flate2::{Compression, GzBuilder};

/// One header with its body, and its lies.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) name: Vec<u8>,
    pub(super) kind: u8,
    pub(super) link: Vec<u8>,
    pub(super) data: Vec<u8>,
    /// Written into the header instead of the data's length.
    pub(super) size: Option<u64>,
    pub(super) magic: [u8; 8],
    pub(super) prefix: Vec<u8>,
    /// Added to the right sum.
    pub(super) sum_off_by: u32,
}

impl Item {
    pub(super) fn new(name: &str, kind: u8, data: &[u8]) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            kind,
            link: Vec::new(),
            data: data.to_vec(),
            size: None,
            magic: *b"ustar\x0000",
            prefix: Vec::new(),
            sum_off_by: 0,
        }
    }

    pub(super) fn file(name: &str, data: &[u8]) -> Self {
        Self::new(name, b'0', data)
    }

    pub(super) fn link(name: &str, kind: u8, target: &str) -> Self {
        Self { link: target.as_bytes().to_vec(), ..Self::new(name, kind, b"") }
    }

    /// A pax header (`x`) or a global one (`g`).
    pub(super) fn pax(kind: u8, pairs: &[(&str, &str)]) -> Self {
        let body: String = pairs.iter().map(|(key, value)| pax_line(key, value)).collect();
        Self::new("PaxHeader", kind, body.as_bytes())
    }

    /// A GNU long name (`L`) or link (`K`).
    pub(super) fn long(kind: u8, name: &str) -> Self {
        Self::new("././@LongLink", kind, &[name.as_bytes(), b"\0"].concat())
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut block = [0_u8; 512];
        let put = |block: &mut [u8; 512], at: usize, bytes: &[u8], most: usize| {
            let count = bytes.len().min(most);
            block[at..at + count].copy_from_slice(&bytes[..count]);
        };
        put(&mut block, 0, &self.name, 100);
        put(&mut block, 100, b"0000644\0", 8);
        put(&mut block, 108, b"0000000\0", 8);
        put(&mut block, 116, b"0000000\0", 8);
        let size = self.size.unwrap_or(self.data.len() as u64);
        put(&mut block, 124, format!("{size:011o}\0").as_bytes(), 12);
        put(&mut block, 136, b"00000000000\0", 12);
        block[156] = self.kind;
        put(&mut block, 157, &self.link, 100);
        put(&mut block, 257, &self.magic, 8);
        put(&mut block, 345, &self.prefix, 155);
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum::<u32>() + self.sum_off_by;
        put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes(), 8);
        out.extend(block);
        out.extend(&self.data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
}

/// Writes the right sum into a header.
pub(super) fn set_sum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    block[154] = 0;
}

fn pax_line(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut len = rest.len();
    while len != rest.len() + len.to_string().len() {
        len = rest.len() + len.to_string().len();
    }
    format!("{len}{rest}")
}

/// The members without end blocks.
pub(super) fn open_tar(items: &[Item]) -> Vec<u8> {
    let mut out = Vec::new();
    items.iter().for_each(|item| item.write(&mut out));
    out
}

/// A whole tar.
pub(super) fn tar(items: &[Item]) -> Vec<u8> {
    let mut out = open_tar(items);
    out.resize(out.len() + 1024, 0);
    out
}

/// Packed, with a file name and a comment in the header.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let builder = GzBuilder::new().filename("demo.tar").comment("a comment").extra(b"xy".as_slice());
    let mut writer = builder.write(Vec::new(), Compression::default());
    writer.write_all(bytes).and_then(|()| writer.finish()).expect("packs into memory")
}

/// An honest source distribution `demo` 1.0 with these members.
pub(super) fn sdist(items: &[Item]) -> Vec<u8> {
    let info = Item::file("demo-1.0/PKG-INFO", b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n\n");
    gzip(&tar(&[&[Item::new("demo-1.0/", b'5', b""), info], items].concat()))
}
