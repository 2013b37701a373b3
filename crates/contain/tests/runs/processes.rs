//! Other processes, and what a process may ask of the kernel.

use crate::harness::Scene;

#[test]
fn no_other_process_is_in_sight() {
    let scene = Scene::new();
    let script = "ls /proc | grep -c '^[0-9]'; cat /proc/1/environ; cat /proc/1/mem; cat /proc/1/maps; ls /proc/1/fd; kill -9 1; kill -9 -1";
    let came = scene.run(
        &["--only", "processes,syscalls"],
        &format!("export SECRET=$SECRET_OF_CALLER; {}", script.replace("; kill -9 -1", "")),
    );
    let number: u32 = came.out.lines().next().and_then(|line| line.parse().ok()).expect("a number");
    assert!(number <= 4, "the supervisor's first process, the shell, ls and grep: {}", came.out);
    assert_eq!(came.out.lines().count(), 1, "nothing of process 1 is readable: {}", came.out);
    let bare = scene.run(&["--only", "syscalls"], "ls /proc | grep -c '^[0-9]'");
    let all: u32 = bare.out.trim().parse().expect("a number");
    assert!(all > number, "{all}");
}

#[test]
fn what_nobody_needs_is_refused() {
    let scene = Scene::new();
    let calls = [
        "io-uring",
        "",
        "ptrace",
        "",
        "keyctl",
        "",
        "user-namespace",
        "",
        "clone-user-namespace",
        "",
        "userfaultfd",
        "",
        "bpf",
        "",
        "perf",
        "",
        "mount",
        "",
        "process-vm",
        "",
        "other-numbers",
        "",
    ];
    let came = scene.attempt(&["--only", "syscalls"], &calls);
    assert_eq!(came.out.lines().count(), calls.len() / 2, "{} {}", came.out, came.told);
    for line in came.out.lines() {
        assert!(line.contains("Operation not permitted") || line.contains("not implemented"), "{line}");
    }
    // Without the filter the kernel gets to see them, and says something else of their senseless arguments, or does them.
    let bare = scene
        .attempt(&["--only", "processes"], &["io-uring", "", "keyctl", "", "ptrace", "", "clone-user-namespace", ""]);
    assert!(!bare.out.contains("Operation not permitted"), "{}", bare.out);
}

#[test]
fn nothing_outlives_the_run() {
    let scene = Scene::new();
    let came = scene.run(&[], "(trap '' HUP TERM INT; setsid sh -c 'echo $$ > started; sleep 300; echo late > late') >/dev/null 2>&1 & while ! test -s started; do :; done");
    assert_eq!(came.code, Some(0), "{}", came.told);
    // The supervisor has seen the end of the namespace, and with it of every process in it.
    assert!(!processes_with(&scene.work.display().to_string()), "somebody is left");
}

#[test]
fn every_namespace_is_its_own() {
    let scene = Scene::new();
    let script = "for n in ipc mnt net pid user uts; do readlink /proc/self/ns/$n; done";
    let came = scene.run(&[], script);
    let inside: Vec<&str> = came.out.lines().collect();
    assert_eq!(inside.len(), 6, "{}", came.told);
    for (link, name) in inside.into_iter().zip(["ipc", "mnt", "net", "pid", "user", "uts"]) {
        let outside = std::fs::read_link(format!("/proc/self/ns/{name}")).expect("there");
        assert_ne!(link, outside.to_str().expect("text"), "{name}");
        assert!(link.starts_with(name), "{link}");
    }
}

#[test]
fn shared_memory_and_temporary_files_are_its_own() {
    let scene = Scene::new();
    let name = format!("contain-own-{}", std::process::id());
    let outside = [format!("/tmp/{name}"), format!("/var/tmp/{name}"), format!("/dev/shm/{name}")];
    for path in &outside {
        std::fs::write(path, "outside").expect("written");
    }
    // A segment and a message queue of System V, made outside.
    #[expect(unsafe_code, reason = "no safe interface has them")]
    // SAFETY: no pointers but null ones; what is made is removed below.
    let (segment, queue) =
        unsafe { (libc::shmget(libc::IPC_PRIVATE, 4096, 0o666), libc::msgget(libc::IPC_PRIVATE, 0o666)) };
    let script = format!(
        "cat {0} {1} {2}; tail -n +2 /proc/sysvipc/shm; tail -n +2 /proc/sysvipc/msg; echo x > /tmp/{name}-in; \
         echo x > /var/tmp/{name}-in; echo x > /dev/shm/{name}-in; cat /tmp/{name}-in",
        outside[0], outside[1], outside[2]
    );
    let came = scene.run(&[], &script);
    let bare = scene.run(&["--only", "landlock"], "tail -n +2 /proc/sysvipc/shm; tail -n +2 /proc/sysvipc/msg");
    #[expect(unsafe_code, reason = "as above")]
    // SAFETY: the numbers are those that were made above.
    unsafe {
        assert!(segment >= 0 && queue >= 0);
        libc::shmctl(segment, libc::IPC_RMID, std::ptr::null_mut());
        libc::msgctl(queue, libc::IPC_RMID, std::ptr::null_mut());
    }
    for path in &outside {
        std::fs::remove_file(path).expect("still there");
        assert!(!std::path::Path::new(&format!("{path}-in")).exists(), "{path}");
    }
    assert_eq!(came.out, "x\n", "{}", came.told);
    assert!(bare.out.lines().count() >= 2, "without namespaces they are in sight: {} {}", bare.out, bare.told);
}

fn processes_with(folder: &str) -> bool {
    let entries = std::fs::read_dir("/proc").expect("there").flatten();
    entries
        .map(|entry| entry.path().join("cwd"))
        .any(|cwd| std::fs::read_link(cwd).is_ok_and(|cwd| cwd.starts_with(folder)))
}

#[test]
fn code_signals_and_the_missing_program_are_told_as_they_are() {
    let scene = Scene::new();
    assert_eq!(scene.run(&[], "exit 42").code, Some(42));
    assert_eq!(scene.run(&[], "kill -SEGV $$").signal, Some(11));
    assert_eq!(scene.run(&[], "kill -KILL $$").signal, Some(9));
    let mut command = crate::harness::supervisor();
    command.args(scene.options(&[])).args(["--", "no-such-program"]);
    let output = command.output().expect("starts");
    assert_eq!(output.status.code(), Some(127), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn output_is_untouched_and_no_descriptor_comes_along() {
    let scene = Scene::new();
    let came = scene.run(&[], "printf 'a\\0b'; ls /proc/self/fd | wc -l");
    // 0, 1, 2, and the one with which ls reads the folder.
    assert_eq!(came.out, "a\0b4\n");
}

#[test]
fn the_keyring_and_the_terminal_are_the_callers() {
    let scene = Scene::new();
    let came = scene.attempt(&["--only", "syscalls"], &["tiocsti", "", "tiocsti-high", ""]);
    assert!(came.out.lines().all(|line| line.contains("Operation not permitted")), "{}", came.out);
    let bare = scene.attempt(&["--only", "processes"], &["tiocsti", ""]);
    assert!(!bare.out.contains("Operation not permitted"), "not a terminal, then: {}", bare.out);
}
