//! What goes wrong on purpose.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::Scene;

/// Waits until nobody holds the pipe any more: until every process of the run has gone.
fn drained(mut pipe: impl std::io::Read) -> String {
    let mut rest = String::new();
    drop(pipe.read_to_string(&mut rest));
    rest
}

#[test]
fn a_killed_supervisor_takes_the_run_with_it() {
    let scene = Scene::new();
    let mut child = scene
        .command(&[], "trap '' TERM HUP INT; (sleep 1000 & echo ready; wait)")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("reads");
    assert_eq!(line, "ready\n");
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::KILL).expect("may");
    // Standard output is the program's and its children's: its end is theirs.
    assert_eq!(drained(out), "");
    assert_eq!(child.wait().expect("ends").signal(), Some(9));
}

#[test]
fn a_signal_to_the_supervisor_is_the_programs() {
    let scene = Scene::new();
    let mut child = scene
        .command(&[], "trap 'echo got; exit 3' TERM; echo ready; while :; do sleep 0.05; done")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("reads");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("may");
    assert_eq!(drained(out), "got\n");
    assert_eq!(child.wait().expect("ends").code(), Some(3));
}

#[test]
fn a_fork_bomb_meets_the_limit() {
    let scene = Scene::new();
    let came = scene.attempt(&["--processes", "40"], &["fork", "200"]);
    assert!(came.out.contains("failed") && came.out.contains("after"), "{} {}", came.out, came.told);
    let bare = scene.attempt(&["--processes", "4000"], &["fork", "60"]);
    assert!(bare.out.contains("succeeded"), "{}", bare.out);
}

#[test]
fn a_process_that_takes_memory_meets_the_limit() {
    let scene = Scene::new();
    let came = scene.attempt(&["--memory", "64"], &["allocate", "200"]);
    assert!(
        came.out.contains("failed") && came.told.contains("WITNESS processes held limit memory: 67108864"),
        "{} {}",
        came.out,
        came.told
    );
    assert!(scene.attempt(&["--memory", "400"], &["allocate", "200"]).out.contains("succeeded"));
    assert!(scene.attempt(&[], &["allocate", "200"]).out.contains("succeeded"));
}

#[test]
fn a_program_that_closes_everything_is_still_contained() {
    let scene = Scene::new();
    let came =
        scene.run(&[], "exec 3>result; exec 0<&- 1>&- 2>&-; cat $HOME/.ssh/id_rsa >&3; echo x > /etc/x; echo end >&3");
    assert_eq!(std::fs::read_to_string(scene.work.join("result")).expect("written"), "end\n");
    came.saw(".ssh/id_rsa");
}

#[test]
fn a_flood_of_attempts_is_answered_to_the_end() {
    let scene = Scene::new();
    let came = scene.attempt(&[], &["flood", &format!("{}", scene.home.join(".ssh").display())]);
    assert!(came.out.contains("succeeded with 2000"), "{}", came.out);
    assert_eq!(came.seen().iter().filter(|line| line.contains("flood-")).count(), 2000);
}

#[test]
fn root_is_never_what_a_run_is() {
    if !crate::harness::root() {
        return assert!(!rustix::process::geteuid().is_root(), "an ordinary user has nothing to give up");
    }
    let scene = Scene::new();
    let run = |options: &[&str]| {
        #[expect(clippy::disallowed_methods, reason = "the probe as root")]
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_contain-run"));
        command.args(scene.options(options)).args([
            "--",
            "/bin/sh",
            "-c",
            "id -u; grep Cap /proc/self/status; echo mine > made",
        ]);
        command.output().expect("starts")
    };
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(125));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("a run is never root's"));
    // A work directory of root's: the run's user owns it inside, and root owns what was made, outside.
    use std::os::unix::fs::MetadataExt as _;
    std::os::unix::fs::chown(&scene.work, Some(0), Some(0)).expect("root may");
    let output = run(&["--as", "65534:65534:0:0"]);
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.starts_with("65534\n"), "{out} {}", String::from_utf8_lossy(&output.stderr));
    assert!(out.lines().skip(1).all(|line| line.ends_with("0000000000000000")), "{out}");
    assert_eq!(std::fs::metadata(scene.work.join("made")).expect("made").uid(), 0);
}

#[test]
fn where_nobody_takes_down_evidence_nothing_that_needs_it_happens() {
    let scene = Scene::new().with("old", "kept");
    let came = scene.run(&["--deaf", "yes"], "cat old; echo x > new; echo y >> old; true");
    assert_eq!((came.code, came.out.as_str()), (Some(0), "kept"), "{}", came.told);
    assert!(came.told.contains("Function not implemented"), "{}", came.told);
    assert!(!scene.work.join("new").exists());
    assert_eq!(std::fs::read_to_string(scene.work.join("old")).expect("there"), "kept");
    let deaf = scene.attempt(&["--deaf", "yes"], &["own-loopback", "", "socket", "2:3:1"]);
    assert!(deaf.out.lines().all(|line| line.contains("failed")), "{}", deaf.out);
}
