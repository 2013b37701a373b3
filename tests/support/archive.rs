//! Writers of zip and tar.gz archives: small, and the same bytes for the same content.

use std::io::Write;

use flate2::{Compression, Crc, write::DeflateEncoder, write::GzEncoder};

/// How a zip member is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Stored,
    Deflated,
}

/// A zip archive (APPNOTE 6.3, no zip64, no data descriptors) of these members, in order, all of one date.
pub fn zip(members: &[(String, Vec<u8>)], method: Method) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in members {
        let mut crc = Crc::new();
        crc.update(content);
        let data = match method {
            Method::Stored => content.clone(),
            Method::Deflated => deflate(content),
        };
        // Version needed to flags to date, CRC, sizes and lengths: the part that local and central headers share.
        let mut shared = Vec::new();
        shared.extend(20_u16.to_le_bytes());
        shared.extend(0x0800_u16.to_le_bytes());
        shared.extend(if method == Method::Stored { 0_u16 } else { 8 }.to_le_bytes());
        shared.extend(0_u16.to_le_bytes());
        // 1980-01-01, the first day of the format.
        shared.extend(0x0021_u16.to_le_bytes());
        shared.extend(crc.sum().to_le_bytes());
        shared.extend(length(&data).to_le_bytes());
        shared.extend(length(content).to_le_bytes());
        shared.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        shared.extend(0_u16.to_le_bytes());

        let offset = length(&archive);
        archive.extend(b"PK\x03\x04");
        archive.extend(&shared);
        archive.extend(name.as_bytes());
        archive.extend(&data);

        directory.extend(b"PK\x01\x02");
        // Made on Unix by version 2.0, so that the mode below means something.
        directory.extend(0x0314_u16.to_le_bytes());
        directory.extend(&shared);
        // Comment length, disk, internal attributes.
        directory.extend([0; 6]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(members.len()).unwrap();
    let start = length(&archive);
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06");
    archive.extend([0; 4]);
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(length(&directory).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

/// A gzip'ed tar archive (ustar) of these regular files, in order, all of one date.
pub fn tar_gz(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    for (name, content) in members {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[108..115].copy_from_slice(b"0000000");
        header[116..123].copy_from_slice(b"0000000");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[136..147].copy_from_slice(b"00000000000");
        header[148..156].copy_from_slice(b"        ");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        encoder.write_all(&header).unwrap();
        encoder.write_all(content).unwrap();
        encoder.write_all(&vec![0; content.len().next_multiple_of(512) - content.len()]).unwrap();
    }
    encoder.write_all(&[0; 1024]).unwrap();
    encoder.finish().unwrap()
}

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}
