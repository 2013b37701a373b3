//! An image: one layer as a tar, or a saved image whose members are layers, each perhaps gzipped. Only names are believed
//! that lead to METADATA, RECORD and package.json; a file that a later layer deletes is still listed, since it was there.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::{Scan, node, python};
use crate::estate::submission::InventoryItem;

const BLOCK: usize = 512;
/// METADATA, RECORD or package.json beyond this is passed over.
const LONGEST: u64 = 64 << 20;
/// A saved image holds layers; a layer holds no images that matter.
const DEPTH: usize = 2;

pub(super) fn scan(host: &str, path: &Path, scan: &mut Scan) {
    let mut reader = Image::default();
    let outcome = std::fs::File::open(path).and_then(|file| reader.stream(&mut BufReader::new(file), 0));
    if let Err(error) = outcome {
        scan.passed_over.push(format!("{}: {error}; what was read before is listed", path.display()));
    }
    let mut items = Vec::new();
    for (folder, dist) in &reader.dists {
        let Some(purl) = dist.metadata.as_deref().and_then(python::purl) else {
            scan.passed_over.push(format!("{folder}: METADATA does not say what it is"));
            continue;
        };
        let files = dist.record.as_deref().map(python::members).unwrap_or_default();
        items.push(InventoryItem { purl: Some(purl.to_string()), sha256: None, files });
    }
    items.extend(reader.packages.iter().map(|purl| InventoryItem {
        purl: Some(purl.clone()),
        sha256: None,
        files: Vec::new(),
    }));
    scan.add(host, format!("image {}", path.display()), items);
}

#[derive(Default)]
struct Image {
    dists: BTreeMap<String, Dist>,
    packages: std::collections::BTreeSet<String>,
}

#[derive(Default)]
struct Dist {
    metadata: Option<String>,
    record: Option<String>,
}

impl Image {
    /// A tar, gzipped or not; anything else is passed over in silence when it is inside an image.
    fn stream(&mut self, stream: &mut dyn BufRead, depth: usize) -> io::Result<()> {
        if stream.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
            return self.tar(&mut MultiGzDecoder::new(stream), depth);
        }
        self.tar(stream, depth)
    }

    fn tar(&mut self, stream: &mut dyn Read, depth: usize) -> io::Result<()> {
        let mut long_name: Option<String> = None;
        loop {
            let mut header = [0; BLOCK];
            if read_full(stream, &mut header)? < BLOCK || header.iter().all(|byte| *byte == 0) {
                return Ok(());
            }
            if &header[257..262] != b"ustar" {
                return if depth == 0 { Err(io::Error::other("it is not a tar")) } else { Ok(()) };
            }
            let size = number(&header[124..136]).ok_or_else(|| io::Error::other("a size in it is no number"))?;
            let padding = size.next_multiple_of(BLOCK as u64) - size;
            let mut content = (&mut *stream).take(size);
            match header[156] {
                b'L' => long_name = Some(text(&mut content)?.trim_end_matches('\0').to_owned()),
                b'x' => long_name = pax_path(&text(&mut content)?).or(long_name),
                b'0' | 0 => {
                    let name = long_name.take().unwrap_or_else(|| name(&header));
                    self.file(&name, size, &mut content, depth)?;
                }
                _ => long_name = None,
            }
            // What was not read of the member, and the padding behind it.
            let left = content.limit() + padding;
            if io::copy(&mut (&mut *stream).take(left), &mut io::sink())? < left {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn file(&mut self, name: &str, size: u64, content: &mut dyn Read, depth: usize) -> io::Result<()> {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        if folder.ends_with(".dist-info") && matches!(file, "METADATA" | "RECORD") && size <= LONGEST {
            let text = text(content)?;
            let dist = self.dists.entry(folder.to_owned()).or_default();
            *(if file == "METADATA" { &mut dist.metadata } else { &mut dist.record }) = Some(text);
        } else if file == "package.json" && is_package(folder) && size <= LONGEST {
            self.packages.extend(node::purl(&text(content)?).map(|purl| purl.to_string()));
        } else if depth < DEPTH
            && (file.ends_with(".tar") || file.ends_with(".tar.gz") || folder.ends_with("blobs/sha256"))
        {
            self.stream(&mut BufReader::new(content), depth + 1)?;
        }
        Ok(())
    }
}

/// `.../node_modules/NAME` or `.../node_modules/@SCOPE/NAME`.
fn is_package(folder: &str) -> bool {
    let Some((_, name)) = folder.rsplit_once("node_modules/") else { return false };
    if name.starts_with('@') { name.matches('/').count() == 1 } else { !name.contains('/') }
}

fn text(content: &mut dyn Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    content.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn name(header: &[u8; BLOCK]) -> String {
    let part = |range: std::ops::Range<usize>| {
        let bytes = &header[range];
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    };
    let (name, prefix) = (part(0..100), part(345..500));
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

/// Octal, or base 256 when the first bit says so (GNU).
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        return field[1..].iter().try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

fn pax_path(records: &str) -> Option<String> {
    records
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find_map(|(_, record)| record.strip_prefix("path="))
        .map(str::to_owned)
}

fn read_full(stream: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
