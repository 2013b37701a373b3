//! `cargo xtask bench contain`: what containment costs, in pairs: bare, contained, and in other sandboxes when installed.
//!
//! Interleaved, so that a noisy machine is noisy to all alike; minima and ratios are what to read. The launcher is measured
//! through the probe's supervisor, in a release build, with everything on and six tripwires; `bulkhead run`, measured beside
//! it, adds its own start and two entries that are durable before the program starts and before it has ended.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::{repository, run};

const STARTS: usize = 24;
const IMPORTS: usize = 14;
const LOOPS: usize = 9;

struct Way {
    name: &'static str,
    words: Vec<String>,
}

pub(crate) fn all() -> Result<()> {
    run::cargo(&["build", "--release", "-p", "bulkhead-contain", "-p", "bulkhead"])?;
    let supervisor = repository::root().join("target/release/contain-run");
    let folder = std::env::temp_dir().join(format!("bench-contain-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("home/project"))?;
    for name in [".ssh", ".aws", ".kube", ".azure", ".docker", ".gnupg"] {
        std::fs::create_dir_all(folder.join("home").join(name))?;
    }
    let python =
        run::ask("python3", &["-c", "import sys; print(sys.executable)"], &folder).context("python3 is needed")?;
    let ways = ways(&supervisor, &folder.join("home"), Path::new(python.trim()));
    let done = measure(&ways, python.trim(), &folder.join("home/project"));
    std::fs::remove_dir_all(&folder)?;
    done
}

fn ways(supervisor: &Path, home: &Path, python: &Path) -> Vec<Way> {
    let work = home.join("project");
    let text = |path: &Path| path.display().to_string();
    let mut contained = vec![text(supervisor), "--work".to_owned(), text(&work)];
    if rustix_is_root() {
        contained.extend(["--as", "65534:65534:0:0"].map(str::to_owned));
    }
    for hidden in
        [PathBuf::from("/tmp"), "/var/tmp".into(), "/run".into(), "/root".into(), "/home".into(), home.to_owned()]
    {
        contained.extend(["--hide".to_owned(), text(&hidden)]);
    }
    // The interpreter may be one of the user's own.
    if let Some(prefix) = python.ancestors().nth(2).filter(|prefix| *prefix != Path::new("/usr")) {
        contained.extend(["--read".to_owned(), text(prefix)]);
    }
    for name in [".ssh", ".aws", ".kube", ".azure", ".docker", ".gnupg"] {
        contained.extend(["--deny".to_owned(), text(&home.join(name))]);
    }
    contained.push("--".to_owned());
    let data = text(&home.join("data"));
    let binary = text(&supervisor.with_file_name("bulkhead"));
    let whole = [binary.as_str(), "--data", &data, "run", "--quiet", "--"].map(str::to_owned).to_vec();
    let mut ways = vec![
        Way { name: "bare", words: Vec::new() },
        Way { name: "contained", words: contained },
        Way { name: "bulkhead run", words: whole },
    ];
    if run::ask("bwrap", &["--version"], home).is_some() {
        let words = [
            "bwrap",
            "--ro-bind",
            "/",
            "/",
            "--dev-bind",
            "/dev",
            "/dev",
            "--proc",
            "/proc",
            "--tmpfs",
            "/run",
            "--unshare-all",
        ];
        let mut words: Vec<String> = words.map(str::to_owned).to_vec();
        words.extend(["--bind".to_owned(), text(&work), text(&work), "--".to_owned()]);
        ways.push(Way { name: "bwrap", words });
    } else {
        println!("bwrap is not installed: not measured");
    }
    if run::ask("srt", &["--version"], home).is_some() {
        ways.push(Way { name: "srt", words: vec!["srt".to_owned()] });
    } else {
        println!("srt (sandbox-runtime) is not installed: not measured");
    }
    ways
}

fn rustix_is_root() -> bool {
    run::ask("id", &["-u"], Path::new("/")).is_some_and(|id| id.trim() == "0")
}

fn measure(ways: &[Way], python: &str, work: &Path) -> Result<()> {
    const IMPORT: &str = "import json,ssl,http.client,asyncio,time;print(time.process_time())";
    const LOOP: &str = "import os,time
best=1e9
for _ in range(5):
    t=time.perf_counter()
    for _ in range(4000): os.close(os.open('/etc/passwd',os.O_RDONLY))
    best=min(best,time.perf_counter()-t)
print(best/4000)";
    println!("\nstart of python3 -c pass, n = {STARTS}: milliseconds (aim: at most 12 added at the minimum)");
    let walls = sample(ways, work, STARTS, &[python, "-I", "-S", "-c", "pass"], |wall, _| wall.as_secs_f64() * 1e3)?;
    print(ways, &walls, |this, bare| format!("+{:.1} ms", this - bare));
    println!("\nCPU of an import-heavy start, n = {IMPORTS}: seconds of the process itself (aim: at most 1.05x)");
    let cpu = sample(ways, work, IMPORTS, &[python, "-c", IMPORT], |_, said| said)?;
    print(ways, &cpu, |this, bare| format!("{:.2}x", this / bare));
    println!("\nopen and close in a loop, n = {LOOPS}: seconds each (aim: at most 1.6x)");
    let loops = sample(ways, work, LOOPS, &[python, "-c", LOOP], |_, said| said)?;
    print(ways, &loops, |this, bare| format!("{:.2}x", this / bare));
    Ok(())
}

fn sample(
    ways: &[Way],
    work: &Path,
    times: usize,
    words: &[&str],
    value: impl Fn(Duration, f64) -> f64,
) -> Result<Vec<Vec<f64>>> {
    let mut samples = vec![Vec::new(); ways.len()];
    for _ in 0..times {
        for (way, samples) in ways.iter().zip(&mut samples) {
            let mut all: Vec<&str> = way.words.iter().map(String::as_str).collect();
            all.extend(words);
            let mut command = Command::new(all[0]);
            command.args(&all[1..]).current_dir(work).stdin(Stdio::null()).stderr(Stdio::null());
            let start = Instant::now();
            let output = command.output().with_context(|| format!("{} could not be started", way.name))?;
            let wall = start.elapsed();
            anyhow::ensure!(output.status.success(), "{} failed ({})", way.name, output.status);
            let said = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0.0);
            samples.push(value(wall, said));
        }
    }
    Ok(samples)
}

fn print(ways: &[Way], samples: &[Vec<f64>], compare: impl Fn(f64, f64) -> String) {
    let figures = |samples: &[f64]| {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        (sorted[0], sorted[sorted.len() / 2])
    };
    let (bare_min, bare_median) = figures(&samples[0]);
    for (way, samples) in ways.iter().zip(samples) {
        let (min, median) = figures(samples);
        println!(
            "  {:<12} min {min:<12.6} {:<10} median {median:<12.6} {}",
            way.name,
            compare(min, bare_min),
            compare(median, bare_median)
        );
    }
}
