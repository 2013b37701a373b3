//! A training program's shape, contained: worker processes by every start method, shared memory, semaphores, a collective
//! over loopback, unix sockets, threads, a checkpoint that is synced and renamed. It runs unchanged, and nothing is refused.

use std::process::Command;

const PROGRAM: &str = include_str!("training.py");

#[test]
fn a_training_program_runs_as_it_does_outside() {
    let folder = tempfile::tempdir().expect("a folder");
    // A run that root starts belongs to nobody: what it is given must be reachable for them.
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
    let project = folder.path().join("home/project");
    std::fs::create_dir_all(&project).expect("made");
    std::fs::write(project.join("train.py"), PROGRAM).expect("written");
    let output = |command: &mut Command| {
        let command = command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder.path().join("home"));
        command.current_dir(&project).output().expect("starts")
    };
    let outside = output(Command::new("python3").arg("train.py"));
    assert!(outside.status.success(), "{}", String::from_utf8_lossy(&outside.stderr));
    std::fs::remove_dir_all(project.join("checkpoints")).expect("the program made it");

    let mut contained = Command::new(env!("CARGO_BIN_EXE_bulkhead-under-test"));
    contained.arg("--data").arg(folder.path().join("data")).args(["run", "--", "python3", "train.py"]);
    let inside = output(&mut contained);
    let told = String::from_utf8_lossy(&inside.stderr);
    assert!(inside.status.success(), "{told}");
    assert_eq!(String::from_utf8_lossy(&inside.stdout), String::from_utf8_lossy(&outside.stdout));
    assert!(told.contains("nothing refused"), "{told}");
    assert_eq!(project.join("checkpoints/last.bin").metadata().expect("what it wrote is there").len(), 1 << 20);
}
