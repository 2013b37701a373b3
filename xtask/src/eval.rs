//! The evaluation of what the intake gate makes of content: how much of what is malicious it refuses, how much of what is not,
//! and at what price. With `guarddog` on the search path, the same for it on the same archives.
//!
//! Everything is judged by the product's own contained worker and the shipped policy (the example `judge` of the product's crate);
//! here it is only counted. docs/evaluation.md says what the figures mean and on which data they may be made.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

mod count;
mod guarddog;
pub(crate) mod judge;
pub(crate) mod lists;
mod report;

pub(crate) const USAGE: &str = "\
cargo xtask eval --malicious DIR|LIST... --benign DIR|LIST... [--pairs DIR] [options]

  --malicious PATH      archives that should be refused: a folder, an archive, or a text file of paths (from its own folder)
  --benign PATH         archives that should pass; each is counted on its own and all together
  --pairs DIR           benign releases with the one before: a folder for each project, the two newest are compared
  --without DETECTOR    also give the recall as if that detector said nothing (default: campaign-clone)
  --guarddog PROGRAM    compare with this guarddog (default: the one on the search path, when there is one); `none` for none.
                        It is shut in with `unshare`, and has 120 s of CPU for an archive
  --cache FILE          where guarddog's verdicts are kept between runs (default: target/eval/guarddog.jsonl)
  --policy FILE         the policy (default: policy/default.toml)
  --programs DIR        where `bulkhead` and `examples/judge` are, when they are built (default: built now, as released)
  --out DIR             where the lists and the figures as JSON go (default: target/eval)
";

/// What was asked for.
struct Options {
    malicious: Vec<PathBuf>,
    benign: Vec<PathBuf>,
    pairs: Vec<PathBuf>,
    without: Vec<String>,
    guarddog: Option<PathBuf>,
    cache: PathBuf,
    policy: PathBuf,
    programs: Option<PathBuf>,
    out: PathBuf,
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self> {
        let out = crate::repository::target().join("eval");
        let mut options = Self {
            malicious: Vec::new(),
            benign: Vec::new(),
            pairs: Vec::new(),
            without: Vec::new(),
            guarddog: guarddog::installed(),
            cache: out.join("guarddog.jsonl"),
            policy: crate::repository::root().join("policy/default.toml"),
            programs: None,
            out,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("`{word}` needs a value\n\n{USAGE}"))?;
            match *word {
                "--malicious" => options.malicious.push(value.into()),
                "--benign" => options.benign.push(value.into()),
                "--pairs" => options.pairs.push(value.into()),
                "--without" => options.without.push((*value).to_owned()),
                "--guarddog" if *value == "none" => options.guarddog = None,
                "--guarddog" => options.guarddog = Some(value.into()),
                "--cache" => options.cache = value.into(),
                "--policy" => options.policy = value.into(),
                "--programs" => options.programs = Some(value.into()),
                "--out" => options.out = value.into(),
                _ => bail!("`{word}` is not an option\n\n{USAGE}"),
            }
        }
        if options.malicious.is_empty() && options.benign.is_empty() && options.pairs.is_empty() {
            bail!("nothing to evaluate\n\n{USAGE}");
        }
        if options.without.is_empty() {
            options.without.push("campaign-clone".to_owned());
        }
        Ok(options)
    }
}

/// A set of archives that is counted on its own.
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) malicious: bool,
    pub(crate) archives: Vec<judge::Archive>,
}

/// `cargo xtask eval`.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let options = Options::parse(words)?;
    fs::create_dir_all(&options.out).with_context(|| options.out.display().to_string())?;
    let judge = judge::Judge::new(options.programs.clone(), &options.policy, &options.without)?;
    let mut sets = Vec::new();
    // What is malicious is read as one: an archive in one folder may be like one in another.
    if !options.malicious.is_empty() {
        sets.push(read(&judge, &options.malicious, true)?);
    }
    let mut seen = BTreeSet::new();
    for path in &options.benign {
        let mut set = read(&judge, std::slice::from_ref(path), false)?;
        set.archives.retain(|archive| seen.insert(archive.sha256.clone()));
        sets.push(set);
    }
    for path in &options.pairs {
        let archives = judge.archives("pairs", &lists::pairs(path)?)?;
        sets.push(Set {
            name: format!("{} (beside the release before)", lists::name(std::slice::from_ref(path))),
            malicious: false,
            archives,
        });
    }
    // The product's figures are worth having without the peer's, so its failure waits until they are out.
    let (peer, failure) = match options.guarddog.as_deref().map(|program| guarddog::run(program, &options.cache, &sets))
    {
        Some(Ok(answers)) => (answers, None),
        Some(Err(error)) => (guarddog::Answers::default(), Some(error)),
        None => (guarddog::Answers::default(), None),
    };
    let figures = report::figures(&sets, &peer, &options.without);
    print!("{}", report::text(&figures));
    write(&options.out, "figures.json", &format!("{figures:#}\n"))?;
    write(&options.out, "misses.txt", &report::misses(&sets))?;
    write(&options.out, "false-positives.txt", &report::false_positives(&sets))?;
    write(&options.out, "no-verdicts.txt", &report::no_verdicts(&sets, &peer))?;
    println!(
        "\nThe figures as JSON and the lists of misses, false positives and archives without a verdict: {}",
        options.out.display()
    );
    match failure {
        Some(error) => Err(error.context("the figures are without guarddog's (`--guarddog none` does not ask it)")),
        None => Ok(()),
    }
}

fn read(judge: &judge::Judge, paths: &[PathBuf], malicious: bool) -> Result<Set> {
    let mut archives = Vec::new();
    for path in paths {
        archives.extend(lists::archives(path)?);
    }
    let name = lists::name(paths);
    if archives.is_empty() {
        bail!("{name}: there are no archives in it");
    }
    let archives = judge.archives(&name, &archives)?;
    Ok(Set { name, malicious, archives })
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    fs::File::create(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| path.display().to_string())
}
