//! Running other programs, with their names on the screen.

use std::{ffi::OsStr, path::Path, process::Command, time::Instant};

use anyhow::{Context, Result, bail};

use crate::repository;

/// `cargo` with these words, in the root of the repository, its output passed through.
pub(crate) fn cargo(words: &[&str]) -> Result<()> {
    pass_through(&mut cargo_command(words), &format!("cargo {}", words.join(" ")))
}

/// `cargo` with these words, not yet started.
pub(crate) fn cargo_command(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).current_dir(repository::root());
    command
}

/// What `cargo` with these words prints on standard output.
pub(crate) fn cargo_output(words: &[&str]) -> Result<String> {
    output(&mut cargo_command(words))
}

/// Runs with output passed through, says how long it took, and fails when the program does.
pub(crate) fn pass_through(command: &mut Command, title: &str) -> Result<()> {
    println!("\n== {title}");
    let start = Instant::now();
    let status = command.status().with_context(|| format!("{title} could not be started"))?;
    println!(
        "== {title}: {} ({:.0} s)",
        if status.success() { "good" } else { "FAILED" },
        start.elapsed().as_secs_f64()
    );
    if !status.success() {
        bail!("{title} failed ({status})");
    }
    Ok(())
}

/// Standard output of a program that must succeed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} could not be started"))?;
    if !output.status.success() {
        bail!("{name} failed ({}):\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).with_context(|| format!("{name} printed something that is not UTF-8"))
}

/// Standard output of a program when it is there and succeeds: for questions about the machine.
pub(crate) fn ask(program: impl AsRef<OsStr>, words: &[&str], directory: &Path) -> Option<String> {
    let output = Command::new(program).args(words).current_dir(directory).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
