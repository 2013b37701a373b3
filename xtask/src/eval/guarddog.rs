//! The peer: guarddog on the same archives, one process an archive, its answers kept between runs.
//!
//! It unpacks what it reads, so it gets a file system in memory from which nothing can be started, and no network, in namespaces of
//! its own. Before it is asked about anything it must take a decoy for bad: a guarddog that cannot work here would otherwise
//! count as one that has nothing to say.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::Set;
use super::judge::Archive;

/// One archive may take it so much CPU time; the slowest of 700 took 24.
const CPU_SECONDS: u32 = 120;

/// The clock's limit is for one that waits; it is wide because the machine may have other work.
const CLOCK_SECONDS: u32 = 600;

const DRIVER: &str = include_str!("guarddog/driver.py");
const DECOY: &str = "xtask/src/eval/guarddog/decoy.py";

/// The peer's answers, by digest.
#[derive(Default)]
pub(super) struct Answers {
    /// What it calls itself; nothing when there was no peer.
    pub(super) version: Option<String>,
    pub(super) answers: BTreeMap<String, Answer>,
}

/// The peer's answer on one archive.
#[derive(Clone)]
pub(super) struct Answer {
    /// 0 to 10, or why it gave no verdict.
    pub(super) verdict: Result<f64, String>,
    /// How many of its rules failed on this archive: its score is without them.
    pub(super) failed_rules: usize,
    pub(super) cpu_us: u64,
    pub(super) rss_kb: u64,
}

impl Answer {
    /// Its own threshold for "suspicious".
    pub(super) fn suspicious(&self) -> bool {
        self.verdict.as_ref().is_ok_and(|score| *score >= 5.0)
    }

    /// Its own threshold for "high risk".
    pub(super) fn high(&self) -> bool {
        self.verdict.as_ref().is_ok_and(|score| *score >= 7.0)
    }
}

impl Answers {
    pub(super) fn on(&self, archive: &Archive) -> Option<&Answer> {
        self.answers.get(&archive.sha256)
    }
}

/// The program on the search path.
pub(super) fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("guarddog")).find(|program| program.is_file())
}

/// Asks about every distinct malicious and every benign archive that the cache has no verdict on.
pub(super) fn run(program: &Path, cache: &Path, sets: &[Set]) -> Result<Answers> {
    let mut driver = Driver::start(program)?;
    let version = driver.version.clone();
    let mut answers = read(cache, &version)?;
    let wanted = sets.iter().flat_map(|set| set.archives.iter().filter(|archive| archive.distinct() || !set.malicious));
    let open: Vec<&Archive> = wanted.filter(|archive| !answers.contains_key(&archive.sha256)).collect();
    if !open.is_empty() {
        eprintln!("{version}: {} archives, with about a second of CPU each", open.len());
    }
    if let Some(folder) = cache.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut kept =
        fs::File::options().create(true).append(true).open(cache).with_context(|| cache.display().to_string())?;
    for (place, archive) in open.iter().enumerate() {
        let answer = driver.ask(&archive.path)?;
        // A verdict that was not given is not kept: it may have been for want of time or memory.
        if let Ok(score) = answer.verdict {
            let entry = json!({
                "version": version, "sha256": archive.sha256, "score": score, "failed_rules": answer.failed_rules,
                "cpu_us": answer.cpu_us, "rss_kb": answer.rss_kb,
            });
            writeln!(kept, "{entry}")?;
        }
        answers.insert(archive.sha256.clone(), answer);
        if std::io::stderr().is_terminal() {
            eprint!("\r{version}: {} of {}   ", place + 1, open.len());
        }
    }
    driver.end()?;
    Ok(Answers { version: Some(version), answers })
}

/// The process that starts guarddog for each archive and has the kernel count what it uses.
struct Driver {
    child: Child,
    asked: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
    version: String,
}

impl Driver {
    fn start(program: &Path) -> Result<Self> {
        let program = fs::canonicalize(program).with_context(|| program.display().to_string())?;
        let folder = crate::repository::target().join("eval/guarddog");
        fs::create_dir_all(&folder)?;
        let shell = "mount -t tmpfs -o noexec,nosuid,nodev,size=4g tmpfs \"$TMPDIR\" && exec python3 -c \"$@\"";
        let mut child = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "--net", "sh", "-c", shell, "sh", DRIVER])
            .arg(program)
            .arg(crate::repository::root().join(DECOY))
            .args([CPU_SECONDS.to_string(), CLOCK_SECONDS.to_string()])
            .env("TMPDIR", &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("`unshare` (of util-linux) shuts guarddog in")?;
        let asked = child.stdin.take().context("no input")?;
        let told = BufReader::new(child.stdout.take().context("no output")?).lines();
        let mut driver = Self { child, asked, told, version: String::new() };
        let said = driver.next().context("namespaces in which guarddog is shut in")?;
        driver.version = version(&said)?;
        let decoy = answer(&driver.next()?)?;
        match decoy.verdict {
            Ok(score) if decoy.suspicious() => {
                eprintln!("{}: gives the decoy {score} of 10, as it should", driver.version);
                Ok(driver)
            }
            Ok(score) => bail!("{} does not work here: it gives the decoy {score} of 10", driver.version),
            Err(why) => bail!("{} does not work here: no verdict on the decoy: {why}", driver.version),
        }
    }

    fn ask(&mut self, path: &str) -> Result<Answer> {
        writeln!(self.asked, "{}\t{path}", ecosystem(path)).with_context(|| format!("guarddog's driver at {path}"))?;
        answer(&self.next().with_context(|| path.to_owned())?)
    }

    fn next(&mut self) -> Result<Value> {
        let line = self.told.next().context("guarddog's driver ended")??;
        serde_json::from_str(&line).context("guarddog's driver said something else")
    }

    fn end(self) -> Result<()> {
        let Self { mut child, asked, .. } = self;
        drop(asked);
        let status = child.wait()?;
        if !status.success() {
            bail!("guarddog's driver failed ({status})");
        }
        Ok(())
    }
}

/// guarddog's name for where an archive is from. Release 3.2.0 has the same rules about code for all.
fn ecosystem(path: &str) -> &'static str {
    match path.rsplit_once('.') {
        Some((_, "tgz")) => "npm",
        Some((_, "crate")) => "crates",
        _ => "pypi",
    }
}

fn version(told: &Value) -> Result<String> {
    match told["out"].as_str().and_then(|said| said.split_whitespace().last()) {
        Some(version) if told["ended"].is_null() => Ok(format!("guarddog {version}")),
        _ => bail!("guarddog does not say which version it is: {}", complaint(told)),
    }
}

/// What the driver tells of one start.
fn answer(told: &Value) -> Result<Answer> {
    let said = told["out"].as_str().context("an answer without guarddog's words")?;
    let said: Option<Value> = serde_json::from_str(said).ok();
    let score = said.as_ref().and_then(|said| said["risk_score"]["score"].as_f64());
    let errors = said.as_ref().and_then(|said| said["errors"].as_object());
    let verdict = match (score, errors) {
        (Some(score), _) if told["ended"].is_null() => Ok(score),
        (None, Some(errors)) if !errors.is_empty() => Err(format!("{}", Value::Object(errors.clone()))),
        _ => Err(complaint(told)),
    };
    Ok(Answer {
        failed_rules: if verdict.is_ok() { errors.map_or(0, serde_json::Map::len) } else { 0 },
        verdict,
        cpu_us: told["cpu_us"].as_u64().context("an answer without its CPU time")?,
        rss_kb: told["rss_kb"].as_u64().context("an answer without its memory")?,
    })
}

/// Why there is no verdict, in one line.
fn complaint(told: &Value) -> String {
    let mut lines = told["err"].as_str().unwrap_or_default().lines().map(str::trim).filter(|line| !line.is_empty());
    let ended = told["ended"].as_str().unwrap_or("no score in what it prints");
    // It complains of its lists first, which it cannot renew without a network; the reason is what it says last.
    match lines.next_back() {
        Some(said) => format!("{ended}: {said}"),
        None => ended.to_owned(),
    }
}

fn read(cache: &Path, version: &str) -> Result<BTreeMap<String, Answer>> {
    let Ok(text) = fs::read_to_string(cache) else { return Ok(BTreeMap::new()) };
    let mut answers = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let place = || format!("{}, line {}", cache.display(), number + 1);
        let entry: Value = serde_json::from_str(line).with_context(place)?;
        let (Some(score), true) = (entry["score"].as_f64(), entry["version"] == version) else { continue };
        let number = |name: &str| entry[name].as_u64();
        let answer = Answer {
            verdict: Ok(score),
            failed_rules: number("failed_rules").and_then(|failed| usize::try_from(failed).ok()).unwrap_or_default(),
            cpu_us: number("cpu_us").context("an answer without its CPU time").with_context(place)?,
            rss_kb: number("rss_kb").context("an answer without its memory").with_context(place)?,
        };
        let digest = entry["sha256"].as_str().context("an answer without a digest").with_context(place)?;
        answers.insert(digest.to_owned(), answer);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests;
