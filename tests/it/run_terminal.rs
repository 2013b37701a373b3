//! `bulkhead run` at a terminal, with job control.

use std::process::Command;

use crate::run::{Project, told};

#[test]
fn signals_jobs_and_the_window_are_the_programs() {
    let project = Project::new();
    let mut command = Command::new("python3");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../support/terminal.py"));
    command.arg(env!("CARGO_BIN_EXE_bulkhead-under-test")).arg("--data").arg(project.folder.path().join("data"));
    command.args(["run", "-q", "--"]).env_clear().env("PATH", "/usr/bin:/bin").env("TERM", "dumb");
    let output = command.env("HOME", project.folder.path().join("home")).current_dir(project.work()).output();
    let output = output.expect("python starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "all of it was seen\n", "{}", told(&output));
}
