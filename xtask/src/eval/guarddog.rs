//! The peer: guarddog on the same archives, one process an archive, its answers kept between runs.
//!
//! It unpacks what it reads, so it gets a file system in memory from which nothing can be started, and no network, in namespaces of
//! its own; where the machine grants none, there is no comparison. Its lists must be of today (docs/evaluation.md), or it spends
//! its time on trying to renew them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::Set;
use super::judge::Archive;

/// The peer's answers, by digest.
#[derive(Default)]
pub(super) struct Answers {
    /// What it calls itself; nothing when there was no peer.
    pub(super) version: Option<String>,
    answers: BTreeMap<String, Answer>,
}

/// The peer's answer on one archive.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    /// 0 to 10; nothing when it gave no verdict.
    pub(super) score: Option<f64>,
    pub(super) cpu_us: u64,
    pub(super) rss_kb: u64,
}

impl Answer {
    /// Its own threshold for "suspicious".
    pub(super) fn suspicious(self) -> bool {
        self.score.is_some_and(|score| score >= 5.0)
    }

    /// Its own threshold for "high risk".
    pub(super) fn high(self) -> bool {
        self.score.is_some_and(|score| score >= 7.0)
    }
}

impl Answers {
    pub(super) fn on(&self, archive: &Archive) -> Option<Answer> {
        self.answers.get(&archive.sha256).copied()
    }
}

/// The program on the search path.
pub(super) fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("guarddog")).find(|program| program.is_file())
}

/// Runs one archive a line of its input, and answers with a line of JSON; the kernel counts what each process used.
const DRIVER: &str = r#"
import json, os, subprocess, sys
for line in sys.stdin:
    path = line.rstrip("\n")
    with open(os.path.join(os.environ["TMPDIR"], "answer"), "w+b") as out:
        child = subprocess.Popen([sys.argv[1], "pypi", "scan", path, "--output-format", "json"], stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        out.seek(0)
        try:
            score = json.load(out)["risk_score"]["score"]
        except (ValueError, KeyError, TypeError):
            score = None
    cpu = int((used.ru_utime + used.ru_stime) * 1e6)
    print(json.dumps({"path": path, "score": score, "cpu_us": cpu, "rss_kb": used.ru_maxrss}), flush=True)
"#;

/// Asks about every distinct malicious and every benign archive that the cache does not have.
pub(super) fn run(program: &Path, cache: &Path, sets: &[Set]) -> Result<Answers> {
    let version = version(program)?;
    let mut answers = read(cache, &version)?;
    let wanted = sets.iter().flat_map(|set| set.archives.iter().filter(|archive| archive.distinct() || !set.malicious));
    let open: Vec<&Archive> = wanted.filter(|archive| !answers.contains_key(&archive.sha256)).collect();
    if !open.is_empty() {
        eprintln!("{version}: {} archives, with about a second of CPU each", open.len());
        ask(program, &version, &open, cache, &mut answers)?;
    }
    Ok(Answers { version: Some(version), answers })
}

fn version(program: &Path) -> Result<String> {
    let said = Command::new(program).arg("--version").output().with_context(|| program.display().to_string())?;
    let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    if said.is_empty() {
        bail!("{} does not say which version it is", program.display());
    }
    Ok(format!("guarddog {}", said.rsplit(' ').next().unwrap_or_default()))
}

fn ask(
    program: &Path,
    version: &str,
    archives: &[&Archive],
    cache: &Path,
    answers: &mut BTreeMap<String, Answer>,
) -> Result<()> {
    let folder = crate::repository::target().join("eval/guarddog");
    fs::create_dir_all(&folder)?;
    let shell = "mount -t tmpfs -o noexec,nosuid,nodev tmpfs \"$TMPDIR\" && exec python3 -c \"$1\" \"$2\"";
    let mut child = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "--net", "sh", "-c", shell, "sh", DRIVER])
        .arg(program)
        .env("TMPDIR", &folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("`unshare` (of util-linux) shuts guarddog in")?;
    let mut asked = child.stdin.take().context("no input")?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let mut kept = fs::File::options().create(true).append(true).open(cache)?;
    for archive in archives {
        writeln!(asked, "{}", archive.path)?;
        let line = lines.next().with_context(|| format!("guarddog's driver ended before {}", archive.path))??;
        let told: Value = serde_json::from_str(&line)?;
        let answer = answer(&told)?;
        let entry = json!({
            "version": version, "sha256": archive.sha256,
            "score": told["score"], "cpu_us": answer.cpu_us, "rss_kb": answer.rss_kb,
        });
        writeln!(kept, "{entry}")?;
        answers.insert(archive.sha256.clone(), answer);
    }
    drop(asked);
    child.wait()?;
    Ok(())
}

fn read(cache: &Path, version: &str) -> Result<BTreeMap<String, Answer>> {
    let Ok(text) = fs::read_to_string(cache) else { return Ok(BTreeMap::new()) };
    let mut answers = BTreeMap::new();
    for line in text.lines() {
        let entry: Value = serde_json::from_str(line).with_context(|| cache.display().to_string())?;
        if entry["version"] == version {
            let digest = entry["sha256"].as_str().context("an answer without a digest")?;
            answers.insert(digest.to_owned(), answer(&entry)?);
        }
    }
    Ok(answers)
}

fn answer(entry: &Value) -> Result<Answer> {
    Ok(Answer {
        score: entry["score"].as_f64(),
        cpu_us: entry["cpu_us"].as_u64().context("an answer without its CPU time")?,
        rss_kb: entry["rss_kb"].as_u64().context("an answer without its memory")?,
    })
}
