//! The product's verdicts, through the example `judge`.

use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{repository, run};

/// What came of one archive.
pub(crate) struct Archive {
    pub(crate) path: String,
    pub(crate) sha256: String,
    /// The earlier one that it is like.
    pub(crate) like: Option<String>,
    /// Hashes by which its code is compared with that of others.
    pub(crate) sketch: Vec<u32>,
    /// Bytes of all its files.
    pub(crate) unpacked: u64,
    pub(crate) effect: String,
    /// The effect without the detectors that were to be left out.
    pub(crate) without: String,
    pub(crate) rules: Vec<String>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) score: u64,
    /// Whether the worker got to the end of it.
    pub(crate) verdict_given: bool,
    pub(crate) cpu_us: Option<u64>,
    pub(crate) rss_kb: u64,
}

/// A finding, as far as it is counted.
pub(crate) struct Finding {
    pub(crate) detector: String,
    pub(crate) severity: String,
    pub(crate) context: String,
}

impl Archive {
    /// Whether no earlier one is like it.
    pub(crate) fn distinct(&self) -> bool {
        self.like.is_none()
    }

    /// Whether it does not pass.
    pub(crate) fn refused(&self) -> bool {
        matches!(self.effect.as_str(), "deny" | "hold")
    }

    /// Whether it would not pass without the detectors that were left out.
    pub(crate) fn refused_without(&self) -> bool {
        matches!(self.without.as_str(), "deny" | "hold")
    }

    /// Whether only the archive's form was against it, not what is in it.
    pub(crate) fn by_form_alone(&self) -> bool {
        const FORM: &[&str] =
            &["archive-structure", "record-mismatch", "name-mismatch", "reading-unfinished", "unreadable"];
        self.refused() && self.rules.iter().all(|rule| FORM.contains(&rule.as_str()))
    }
}

/// The judge, built.
pub(crate) struct Judge {
    programs: PathBuf,
    policy: PathBuf,
    without: Vec<String>,
}

impl Judge {
    /// The programs there, or, without a folder, built now as they are released.
    pub(crate) fn new(programs: Option<PathBuf>, policy: &Path, without: &[String]) -> Result<Self> {
        let programs = match programs {
            Some(programs) => programs,
            None => {
                run::cargo(&["build", "--release", "-p", "bulkhead", "--bin", "bulkhead", "--example", "judge"])?;
                repository::target().join("release")
            }
        };
        Ok(Self { programs, policy: policy.to_owned(), without: without.to_vec() })
    }

    /// Judges the archives, in the order of their digests, each content once.
    pub(crate) fn archives(&self, name: &str, paths: &[PathBuf]) -> Result<Vec<Archive>> {
        let mut command = Command::new(self.programs.join("examples/judge"));
        command.arg("--policy").arg(&self.policy).arg("--worker").arg(self.programs.join("bulkhead"));
        for detector in &self.without {
            command.arg("--without").arg(detector);
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("the judge does not start")?;
        let mut asked = child.stdin.take().context("the judge has no input")?;
        let lines: String = paths.iter().map(|path| format!("{}\n", path.display())).collect();
        // The judge reads all of its input before it says anything, so that writing first cannot block both.
        asked.write_all(lines.as_bytes()).context("the judge does not listen")?;
        drop(asked);
        let mut archives = Vec::new();
        let answers = BufReader::new(child.stdout.take().context("the judge has no output")?);
        for line in answers.lines() {
            archives.push(archive(&serde_json::from_str(&line?)?)?);
            if std::io::stderr().is_terminal() {
                eprint!("\r{name}: {} of {}   ", archives.len(), paths.len());
            }
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("the judge failed ({status}) after {} archives of {name}", archives.len());
        }
        eprintln!("\r{name}: {} archives, {} files   ", archives.len(), paths.len());
        Ok(archives)
    }
}

fn archive(line: &Value) -> Result<Archive> {
    let text = |value: &Value, name: &str| {
        value[name].as_str().map(str::to_owned).with_context(|| format!("the judge's answer has no {name}: {value}"))
    };
    let findings = line["findings"].as_array().context("the judge's answer has no findings")?;
    let rules = line["rules"].as_array().context("the judge's answer has no rules")?;
    let sketch = line["sketch"].as_array().context("the judge's answer has no sketch")?;
    Ok(Archive {
        path: text(line, "path")?,
        sha256: text(line, "sha256")?,
        like: line["like"].as_str().map(str::to_owned),
        sketch: sketch.iter().filter_map(|hash| u32::try_from(hash.as_u64()?).ok()).collect(),
        unpacked: line["unpacked"].as_u64().context("the judge's answer has no unpacked")?,
        effect: text(line, "effect")?,
        without: text(line, "without")?,
        rules: rules.iter().filter_map(|rule| rule.as_str().map(str::to_owned)).collect(),
        findings: findings
            .iter()
            .map(|finding| {
                Ok(Finding {
                    detector: text(finding, "detector")?,
                    severity: text(finding, "severity")?,
                    context: text(finding, "context")?,
                })
            })
            .collect::<Result<_>>()?,
        score: line["score"].as_u64().context("the judge's answer has no score")?,
        verdict_given: line["verdict_given"].as_bool().context("the judge's answer has no verdict_given")?,
        cpu_us: line["cpu_us"].as_u64(),
        rss_kb: line["rss_kb"].as_u64().context("the judge's answer has no rss_kb")?,
    })
}
