//! Makes the index of known campaigns, `crates/detect/data/clones.bin`; run by `cargo xtask clones`.
//!
//!     clones OUT MARKER BENIGN... < sketches
//!
//! The input has a line of JSON for each campaign: how many `archives` of it were seen, and the `sketch` of one. MARKER is the
//! harmless text that is campaign 0. Of each sketch those shingles are kept that no benign archive has. Nothing malicious is read
//! here: sketches come from the contained worker.
#![expect(clippy::print_stdout, reason = "a command line tool prints")]

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bulkhead_detect::clones::{Index, Sketch, each};
use bulkhead_detect::{Limits, ReadAt, shingles};
use serde::Deserialize;

/// Shingles kept of a campaign: enough for a share, and the index stays small.
const KEPT: usize = 48;
/// A campaign with fewer of its own is like what everybody writes.
const FEWEST: usize = 20;

#[derive(Deserialize)]
struct Seen {
    archives: u16,
    sketch: Sketch,
}

struct OnDisk {
    file: File,
    len: u64,
}

impl ReadAt for OnDisk {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }
}

fn main() -> io::Result<()> {
    let mut words = std::env::args().skip(1);
    let (Some(out), Some(marker)) = (words.next(), words.next()) else {
        return Err(io::Error::other("clones OUT MARKER BENIGN... < sketches"));
    };
    let seen: Vec<Seen> =
        io::stdin().lock().lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect::<io::Result<_>>()?;
    let wanted: HashSet<u32> = seen.iter().flat_map(|seen| seen.sketch.hashes()).copied().collect();
    let mut ordinary = HashSet::new();
    let mut benign = 0;
    for path in words {
        let file = File::open(&path)?;
        let archive = OnDisk { len: file.metadata()?.len(), file };
        let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        ordinary.extend(shingles(&archive, &name, &Limits::default()).into_iter().filter(|hash| wanted.contains(hash)));
        benign += 1;
    }
    let mut own = Vec::new();
    each(&fs::read(marker)?, |hash| own.push(hash));
    let mut campaigns = vec![(1, own)];
    let mut without = 0;
    for seen in &seen {
        let rare: Vec<u32> =
            seen.sketch.hashes().iter().copied().filter(|hash| !ordinary.contains(hash)).take(KEPT).collect();
        if rare.len() < FEWEST {
            without += 1;
        } else {
            campaigns.push((seen.archives, rare));
        }
    }
    for (_, shingles) in &mut campaigns {
        shingles.sort_unstable();
        shingles.dedup();
        shingles.truncate(KEPT);
    }
    let index = Index::new(campaigns.iter().map(|(archives, shingles)| (*archives, shingles.as_slice())));
    let bytes = index.to_bytes();
    fs::write(&out, &bytes)?;
    println!(
        "{} campaigns in {} bytes; {without} of {} had too little of their own beside {benign} benign archives",
        index.len(),
        bytes.len(),
        seen.len()
    );
    Ok(())
}
