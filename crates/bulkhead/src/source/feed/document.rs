//! Where records lie: one file can hold one, a list of them, or one on each line.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek as _};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use bulkhead_core::Sha256;
use flate2::read::MultiGzDecoder;
use serde_json::value::RawValue;

use super::{folder, zip};
use crate::blob::from_aws;
use crate::store::FeedRefused;

/// One record's text is never longer.
pub(super) const LONGEST_RECORD: u64 = 16 << 20;
/// A list of records is read as a whole, so it has a limit; a file of lines has none.
const LONGEST_LIST: u64 = 512 << 20;

/// One record's text and the place where it lies.
pub(super) type Document = (String, Vec<u8>);
pub(super) type Each = Box<dyn Iterator<Item = Result<Document, FeedRefused>>>;

/// Everything that is to be imported.
pub(super) struct Documents {
    /// The digest of the one file that was given.
    pub(super) whole: Option<Sha256>,
    pub(super) each: Each,
}

/// Opens what the path names.
pub(super) fn open(path: &Path) -> Result<Documents, FeedRefused> {
    let failed = |cause| refused(path, cause);
    if fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(Documents { whole: None, each: Box::new(folder::Walk::new(path)?) });
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut file = File::open(path).map_err(failed)?;
    let whole = Some(digest(&mut file).map_err(failed)?);
    if has_ending(&name, ".zip") {
        let each = zip::Members::open(file).map_err(|why| FeedRefused(format!("{}: {why}", path.display())))?;
        return Ok(Documents { whole, each: Box::new(each) });
    }
    if !holds_records(&name) {
        let why = "a feed is a folder, or a .zip, .json, .jsonl or .ndjson file (the last three also with .gz)";
        return Err(FeedRefused(format!("{}: {why}", path.display())));
    }
    Ok(Documents { whole, each: split(&name, BufReader::new(file))? })
}

/// Whether a file of that name holds records.
pub(super) fn holds_records(name: &str) -> bool {
    let plain = without_gz(name);
    [".json", ".jsonl", ".ndjson"].iter().any(|ending| has_ending(plain, ending))
}

/// The records in one file.
pub(super) fn split(name: &str, bytes: impl BufRead + 'static) -> Result<Each, FeedRefused> {
    let plain = without_gz(name);
    let bytes: Box<dyn BufRead> =
        if plain.len() < name.len() { Box::new(BufReader::new(MultiGzDecoder::new(bytes))) } else { Box::new(bytes) };
    if has_ending(plain, ".json") {
        return one_or_list(name, bytes);
    }
    Ok(Box::new(Lines { name: name.to_owned(), bytes, number: 0 }))
}

fn one_or_list(name: &str, bytes: impl Read) -> Result<Each, FeedRefused> {
    let wrong = |why: String| FeedRefused(format!("{name}: {why}"));
    let text = read_limited(bytes, LONGEST_LIST).map_err(|error| wrong(error.to_string()))?;
    if text.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'[') {
        return Ok(Box::new(std::iter::once(Ok((name.to_owned(), text)))));
    }
    let items: Vec<Box<RawValue>> = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    let name = name.to_owned();
    let place =
        move |(nth, item): (usize, Box<RawValue>)| Ok((format!("{name}[{nth}]"), item.get().as_bytes().to_vec()));
    Ok(Box::new(items.into_iter().enumerate().map(place)))
}

/// One record on each line; empty lines do not count.
struct Lines {
    name: String,
    bytes: Box<dyn BufRead>,
    number: u64,
}

impl Iterator for Lines {
    type Item = Result<Document, FeedRefused>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.number += 1;
            let place = format!("{}:{}", self.name, self.number);
            let mut line = Vec::new();
            match (&mut self.bytes).take(LONGEST_RECORD + 1).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) if line.len() as u64 > LONGEST_RECORD => {
                    return Some(Err(FeedRefused(format!("{place}: the line is longer than {LONGEST_RECORD} bytes"))));
                }
                Ok(_) if line.trim_ascii().is_empty() => {}
                Ok(_) => return Some(Ok((place, line))),
                Err(error) => return Some(Err(FeedRefused(format!("{place}: {error}")))),
            }
        }
    }
}

/// Reads to the end, or fails when there is more than the limit: a few kilobytes of gzip can hold gigabytes.
pub(super) fn read_limited(bytes: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    bytes.take(limit + 1).read_to_end(&mut text)?;
    if text.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is longer than {limit} bytes")));
    }
    Ok(text)
}

pub(super) fn refused(path: &Path, cause: io::Error) -> FeedRefused {
    FeedRefused(format!("{} cannot be read: {cause}", path.display()))
}

fn without_gz(name: &str) -> &str {
    if has_ending(name, ".gz") { &name[..name.len() - 3] } else { name }
}

fn has_ending(name: &str, ending: &str) -> bool {
    name.len()
        .checked_sub(ending.len())
        .and_then(|at| name.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

fn digest(file: &mut File) -> io::Result<Sha256> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        context.update(&buffer[..read]);
    }
    file.rewind()?;
    Ok(from_aws(&context.finish()))
}
