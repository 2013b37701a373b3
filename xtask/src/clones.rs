//! Makes the index of known campaigns anew, from archives that stay outside the repository: only hashes come into it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use crate::eval::{judge, lists};
use crate::{repository, run};

pub(crate) const USAGE: &str = "\
cargo xtask clones build --from PATH... --benign PATH... [--except LIST]... [--programs DIR]

  --from PATH      malicious archives: a folder, an archive, or a text file of paths
  --benign PATH    archives whose code marks no campaign
  --programs DIR   where `bulkhead` and `examples/judge` are, when they are built (default: built now, as released)
  --except LIST    archives of --from that are kept for evaluation: their campaigns are left out
";

/// Published under so many names, code is a campaign, however large it is up to [`LARGEST`].
const NAMES: usize = 2;
/// Unpacked bytes up to which code that was published once counts too: whoever wrote it writes the next one from it. Larger ones
/// hold more of other people's code than of their own.
const LARGEST_ALONE: u64 = 12_000;
/// Unpacked bytes beyond which an archive is most likely a copy of somebody's library, with a little added: the library's own
/// code would become the mark.
const LARGEST: u64 = 200_000;

/// `cargo xtask clones build`.
pub(crate) fn build(words: &[&str]) -> Result<()> {
    let (mut from, mut benign, mut except, mut programs): (_, _, _, Option<PathBuf>) =
        (Vec::new(), Vec::new(), BTreeSet::new(), None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let path = Path::new(words.next().with_context(|| format!("`{word}` needs a path\n\n{USAGE}"))?);
        match *word {
            "--from" => from.extend(lists::archives(path)?),
            "--benign" => benign.extend(lists::archives(path)?),
            "--programs" => programs = Some(path.to_owned()),
            "--except" => except.extend(lists::archives(path)?),
            _ => bail!("`{word}` is not an option\n\n{USAGE}"),
        }
    }
    if from.is_empty() || benign.is_empty() {
        bail!("{USAGE}");
    }
    let judge = judge::Judge::new(programs.clone(), &repository::root().join("policy/default.toml"), &[])?;
    let archives = judge.archives("campaigns", &from)?;
    let campaigns = campaigns(&archives, &except);
    println!("{} archives, {} campaigns", archives.len(), campaigns.len());
    let marker = repository::target().join("clones-marker.txt");
    fs::write(&marker, marker_text()?)?;
    if programs.is_none() {
        run::cargo(&["build", "--release", "-p", "bulkhead-detect", "--example", "clones"])?;
    }
    let programs = programs.unwrap_or_else(|| repository::target().join("release"));
    let mut child = Command::new(programs.join("examples/clones"))
        .arg(repository::root().join("crates/detect/data/clones.bin"))
        .arg(&marker)
        .args(&benign)
        .stdin(Stdio::piped())
        .spawn()?;
    let mut asked = child.stdin.take().context("no input")?;
    for (sketch, names) in campaigns {
        writeln!(asked, "{}", json!({ "archives": names, "sketch": sketch }))?;
    }
    drop(asked);
    if !child.wait()?.success() {
        bail!("the index was not written");
    }
    Ok(())
}

/// The sketch of the first archive of each campaign, and how many archives are like it.
fn campaigns(archives: &[judge::Archive], except: &BTreeSet<PathBuf>) -> Vec<(Vec<u32>, u16)> {
    let mut members: BTreeMap<&str, Vec<&judge::Archive>> = BTreeMap::new();
    for archive in archives {
        members.entry(archive.like.as_deref().unwrap_or(&archive.sha256)).or_default().push(archive);
    }
    members
        .values()
        .filter(|members| !members.iter().any(|archive| except.contains(Path::new(&archive.path))))
        .filter_map(|members| {
            let first = members.iter().find(|archive| archive.like.is_none())?;
            let names = members.iter().map(|archive| project(&archive.path)).collect::<BTreeSet<_>>().len();
            (first.unpacked <= if names >= NAMES { LARGEST } else { LARGEST_ALONE })
                .then(|| (first.sketch.clone(), u16::try_from(members.len()).unwrap_or(u16::MAX)))
        })
        .collect()
}

/// The project, by the name of the file; good enough for counting.
fn project(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase().replace('_', "-");
    file.split("-0")
        .next()
        .unwrap_or_default()
        .split(|c: char| c.is_ascii_digit())
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The harmless file of the detector's fixture.
fn marker_text() -> Result<String> {
    let path = repository::root().join("crates/detect/testdata/campaign-clone/bad/published-again.recipe");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let file = text.split("--- ").nth(1).context("the fixture has no file")?;
    Ok(file.split_once('\n').context("the fixture's file has no text")?.1.to_owned())
}

#[cfg(test)]
mod tests;
