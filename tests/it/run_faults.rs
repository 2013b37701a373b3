//! `bulkhead run` where something is missing, fails or dies.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use crate::run::{Project, id, told};
use crate::support;

/// The same command on a kernel that lacks something.
impl Project {
    fn lacking(&self, missing: &str, words: &[&str]) -> Output {
        let mut command = Command::new("python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../support/degrade.py")).arg(missing);
        command.arg(env!("CARGO_BIN_EXE_bulkhead-under-test")).arg("--data").arg(self.folder.path().join("data"));
        command.args(words).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.folder.path().join("home"));
        command.current_dir(self.folder.path().join("home/project")).output().expect("starts")
    }
}

#[test]
fn a_kernel_that_lacks_something_is_named_and_has_to_be_accepted() {
    let project = Project::new();
    let script = "echo in; cat ~/.ssh/id_rsa; (echo > /dev/udp/127.0.0.1/9) 2>/dev/null; true";
    for (missing, names, rest) in [
        ("userns", "userns,mountns,namespaces,pidns,fuse,netns", "no internet sockets"),
        ("netns", "netns", "no internet sockets"),
        ("pidns", "pidns", "mount namespace"),
        ("landlock", "landlock", "system call filter"),
        ("seccomp", "seccomp", "landlock ABI"),
        ("userns,landlock", "userns,mountns,namespaces,pidns,fuse,landlock,netns", "no Unix sockets but pairs"),
    ] {
        let check = project.lacking(missing, &["run", "--check"]);
        assert_eq!(check.status.code(), Some(1), "{missing}: {}", told(&check));
        let said = String::from_utf8_lossy(&check.stdout).into_owned();
        assert!(said.starts_with(&format!("missing: {names}\n")), "{missing}: {said}");
        for name in names.split(',') {
            assert!(said.contains(&format!("\n  {name}: ")), "what is lost with {name}: {said}");
        }

        let refused = project.lacking(missing, &["run", "--", "/bin/sh", "-c", script]);
        assert_eq!(refused.status.code(), Some(125), "{missing}: {}", told(&refused));
        assert!(refused.stdout.is_empty(), "it did not start: {}", String::from_utf8_lossy(&refused.stdout));
        assert!(told(&refused).contains(&format!("--accept-degraded={names}")), "{missing}: {}", told(&refused));

        let accept = format!("--accept-degraded={names}");
        let run = project.lacking(missing, &["run", &accept, "--", "/bin/sh", "-c", script]);
        assert_eq!(run.status.code(), Some(0), "{missing}: {}", told(&run));
        let (said, nothing) = (String::from_utf8_lossy(&run.stdout), "nothing keeps the program from any file");
        match missing {
            // Whoever accepts that as well is told what it comes to.
            "userns,landlock" => assert!(said == "in\nDECOY" && told(&run).contains(nothing), "{said} {}", told(&run)),
            _ => assert!(said == "in\n" && !told(&run).contains(nothing), "{missing}: {said} {}", told(&run)),
        }
        assert!(told(&run).contains(&format!("accepted without {}", names.split(',').next().expect("one"))));
        let start = &project.shown(&id(&run))[0]["detail"];
        assert_eq!(start["accepted"], names.replace(',', " "), "{start}");
        assert!(start["enforced"].as_str().is_some_and(|text| text.contains(rest)), "{missing}: {start}");
        assert!(start["lost"].as_str().is_some_and(|text| text.lines().count() >= names.split(',').count()), "{start}");
    }
}

#[test]
fn where_no_mount_keeps_the_environment_its_change_is_told() {
    let project = Project::new();
    use std::os::unix::fs::PermissionsExt as _;
    // A run that root starts belongs to nobody, and here no mount lends them the folder.
    for folder in [project.work(), project.work().join(".venv")] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).expect("set");
    }
    let accept = "--accept-degraded=userns,mountns,namespaces,pidns,fuse,netns";
    let script = "echo 'import x' > .venv/x.pth; mkdir -p .git/hooks; echo x > .git/hooks/pre-push";
    let run = project.lacking("userns", &["run", accept, "--", "/bin/sh", "-c", script]);
    assert!(told(&run).contains("changed, and starts programs later: .venv"), "{}", told(&run));
    let rows = project.shown(&id(&run));
    let has = |rule: &str, about: &str| rows.iter().any(|row| row["rule"] == rule && row["about"] == about);
    assert!(has("changed", ".venv") && has("planted", ".git/hooks"), "{rows:?}");
    assert!(!project.work().join(".git/hooks").exists());
}

#[test]
fn what_the_machine_has_is_not_given_up() {
    let project = Project::new();
    let run = project.bulkhead(&["run", "--accept-degraded=userns,landlock", "--", "/bin/true"]);
    assert!(run.status.success() && told(&run).contains("tier 1"), "{}", told(&run));
}

#[test]
fn a_layer_that_a_kernel_silently_left_out_is_found_before_the_start() {
    let project = Project::new();
    for (fault, layers, what) in [
        ("silent-seccomp", "syscalls,files,processes", "syscalls: "),
        ("silent-landlock", "landlock,files,processes", "landlock: signal the parent process: succeeded"),
        ("silent-mounts", "files,processes", "files: write to /etc"),
    ] {
        let run = project.lacking(fault, &["run", "--only", layers, "--", "/bin/echo", "in"]);
        assert_eq!(run.status.code(), Some(125), "{fault}: {}", told(&run));
        assert!(run.stdout.is_empty(), "{fault}: it started");
        assert!(
            told(&run).contains("what must be refused inside was not") && told(&run).contains(what),
            "{fault}: {}",
            told(&run)
        );
    }
}

#[test]
fn no_record_no_run() {
    let project = Project::new();
    let refused = |output: &Output, why: &str| {
        assert_eq!(output.status.code(), Some(125), "{why}: {}", told(output));
        assert!(!project.work().join("ran").exists(), "{why}: it ran");
    };
    let run: &[&str] = &["run", "--", "/bin/touch", "ran"];
    // A full disk: every write that would make a file longer fails.
    let inside = project.command(run);
    let mut full = Command::new("/bin/sh");
    full.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
        .arg(inside.get_program())
        .args(inside.get_args());
    full.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", project.folder.path().join("home"));
    refused(&full.current_dir(project.work()).output().expect("starts"), "a full disk");
    // A ledger that cannot be opened.
    let data = project.folder.path().join("data");
    std::fs::remove_dir_all(&data).expect("removed");
    std::fs::create_dir(&data).expect("made");
    std::fs::write(data.join("ledger"), "no folder").expect("written");
    refused(&project.bulkhead(run), "no ledger");
    std::fs::remove_file(data.join("ledger")).expect("removed");
    let run = project.bulkhead(run);
    assert!(run.status.success() && project.work().join("ran").exists(), "with one it runs: {}", told(&run));
    assert!(!told(&run).contains("was killed"), "what never started left nothing to be finished: {}", told(&run));
}

#[test]
fn a_server_that_cannot_record_starts_no_run() {
    let registry = support::Registry::start();
    let server = support::Place::before(&registry).with_a_disk_to_fill().start();
    let world = support::contained::World::beside(&server);
    server.fill_disk();
    let run = world.bulkhead(&["run", "--", "/bin/touch", "ran"]);
    assert_eq!(run.status.code(), Some(125), "{}", told(&run));
    assert!(!world.project().join("ran").exists());
    server.empty_disk();
    let run = world.bulkhead(&["run", "--", "/bin/touch", "ran"]);
    assert!(run.status.success() && world.project().join("ran").exists(), "{}", told(&run));
}

impl Project {
    /// A run that has planted a hook and an environment, and whose supervisor is then killed. The run's id.
    fn planted_and_killed(&self) -> String {
        let script = "mkdir -p sub/.git/hooks new; echo x > sub/.git/hooks/post-checkout; echo x > new/pyvenv.cfg; echo ready; sleep 1000";
        let mut child = self
            .command(&["run", "--", "/bin/sh", "-c", script])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("reads");
        assert_eq!(line, "ready\n");
        child.kill().expect("may");
        let output = child.wait_with_output().expect("ends");
        assert!(self.is_planted(), "it is there, and nobody was left to move it");
        id(&output)
    }

    fn is_planted(&self) -> bool {
        let there = ["sub/.git/hooks", "new"].map(|name| self.work().join(name).exists());
        assert_eq!(there[0], there[1]);
        there[0]
    }

    fn is_finished(&self, run: &str) {
        assert!(!self.is_planted());
        let kept = self.work().join(".bulkhead-aside").join(run);
        assert!(kept.join("sub/.git/hooks/post-checkout").exists() && kept.join("new/pyvenv.cfg").exists());
        let rows = self.shown(run);
        let planted: Vec<_> =
            rows.iter().filter(|row| row["rule"] == "planted").map(|row| row["about"].clone()).collect();
        assert_eq!(planted, ["new", "sub/.git/hooks"]);
        let last = &rows[rows.len() - 1]["detail"];
        assert!(last["ended"].as_str().is_some_and(|text| text.contains("supervisor killed")), "{last}");
    }
}

#[test]
fn what_a_killed_supervisors_run_planted_is_gone_with_the_next_start() {
    let project = Project::new();
    let first = project.planted_and_killed();
    let next = project.bulkhead(&["run", "--", "/bin/true"]);
    assert!(told(&next).contains(&format!("run {first} was killed with its supervisor")), "{}", told(&next));
    project.is_finished(&first);
    let after = project.bulkhead(&["run", "--", "/bin/true"]);
    assert!(!told(&after).contains("was killed"), "once is enough: {}", told(&after));

    let second = project.planted_and_killed();
    let checkup = project.bulkhead(&["doctor", "--client", "pdm"]);
    assert!(told(&checkup).contains(&format!("run {second} was killed")), "{}", told(&checkup));
    project.is_finished(&second);

    let third = project.planted_and_killed();
    let mut server = project
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut line).expect("reads");
    assert!(line.contains("bulkhead"), "{line}");
    project.is_finished(&third);
    server.kill().expect("may");
    server.wait().expect("ends");
}

#[test]
fn credentials_by_other_names_are_refused_to_who_only_looks_on() {
    let project = Project::new();
    let home = project.folder.path().join("home");
    std::fs::create_dir_all(home.join("dotfiles/aws")).expect("made");
    std::fs::write(home.join("dotfiles/aws/credentials"), "DECOY").expect("written");
    std::os::unix::fs::symlink("dotfiles/aws", home.join(".aws")).expect("linked");
    std::os::unix::fs::symlink(".ssh/id_rsa", home.join("x")).expect("linked");
    std::fs::hard_link(home.join(".ssh/id_rsa"), home.join("y")).expect("linked");
    std::fs::write(project.work().join("settings"), "DECOY").expect("written");
    std::os::unix::fs::symlink("settings", project.work().join(".env")).expect("linked");
    let script = "cat ~/x ~/y ~/.aws/credentials ~/dotfiles/aws/credentials .env settings; cp ~/y copy; echo done";
    for words in [&["run", "--observe", "--", "/bin/sh", "-c", script][..], &["run", "--", "/bin/sh", "-c", script]] {
        let run = project.bulkhead(words);
        assert_eq!(String::from_utf8_lossy(&run.stdout), "done\n", "{words:?}: {}", told(&run));
        let rows = project.shown(&id(&run));
        let refused = |what: &str| rows.iter().any(|row| row["rule"] == "tripwire" && row["about"] == what);
        assert!(refused("settings"), "{rows:?}");
        if words[1] == "--observe" {
            assert!(refused("~/.ssh/id_rsa") && refused("~/y") && refused("~/dotfiles/aws/credentials"), "{rows:?}");
        } else {
            assert!(refused("~/.aws/credentials"), "{rows:?}");
        }
    }
}

#[test]
fn a_file_of_secrets_that_comes_during_a_run_is_in_its_record() {
    let project = Project::new();
    let mut child = project
        .command(&["run", "--", "/bin/sh", "-c", "echo ready; read line; cat .env"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("reads");
    std::fs::write(project.work().join(".env"), "SECRET=1\n").expect("written");
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("ends");
    assert!(told(&output).contains("appeared during the run, uncovered: .env"), "{}", told(&output));
    let rows = project.shown(&id(&output));
    assert!(rows.iter().any(|row| row["rule"] == "secrets-appeared" && row["about"] == ".env"), "{rows:?}");
}

#[test]
fn nested_configuration_is_read_only_and_nested_plants_are_put_aside() {
    let project = Project::new();
    for path in ["a/b/c/d/e/.venv/lib", "sub/.vscode", "sub/.git/hooks", "x/.cargo"] {
        std::fs::create_dir_all(project.work().join(path)).expect("made");
    }
    for file in ["a/b/c/d/e/.venv/pyvenv.cfg", "sub/.vscode/tasks.json", "x/.cargo/config.toml", "sub/.git/HEAD"] {
        std::fs::write(project.work().join(file), "").expect("written");
    }
    let script = "for f in a/b/c/d/e/.venv/lib/x.pth sub/.vscode/tasks.json sub/.git/hooks/pre-commit x/.cargo/config.toml; do \
                  echo x >> $f && echo wrote $f; done; mv a/b/c a/b/c2 && echo moved; \
                  mkdir -p deep/er/.claude && echo x > deep/er/.claude/settings.json; echo x > x/.envrc; echo x > result; true";
    let run = project.bulkhead(&["run", "--", "/bin/sh", "-c", script]);
    assert_eq!(String::from_utf8_lossy(&run.stdout), "", "{}", told(&run));
    assert!(project.work().join("result").exists());
    let rows = project.shown(&id(&run));
    let planted = |what: &str| rows.iter().any(|row| row["rule"] == "planted" && row["about"] == what);
    assert!(planted("deep/er/.claude") && planted("x/.envrc"), "{rows:?}");
    assert!(!project.work().join("deep/er/.claude").exists() && !project.work().join("x/.envrc").exists());
    // Whoever opens a folder opens what is in it.
    let open = Project::new();
    std::fs::create_dir_all(open.work().join("sub/.vscode")).expect("made");
    let profile = open.folder.path().join("open.toml");
    std::fs::write(&profile, "[files]\nunprotect = ['sub']\n").expect("written");
    let words = ["run", "--profile", profile.to_str().expect("text"), "--", "/bin/sh", "-c"];
    let script = "echo x > sub/.vscode/tasks.json; mkdir sub/.claude; mkdir .claude";
    let run = open.bulkhead(&[&words[..], &[script]].concat());
    assert!(
        open.work().join("sub/.vscode/tasks.json").exists() && open.work().join("sub/.claude").exists(),
        "{}",
        told(&run)
    );
    assert!(!open.work().join(".claude").exists(), "{}", told(&run));
}

/// Keys as they would stand in a file: in PEM, or the beginning of PKCS #8 around a key of an elliptic curve (RFC 5208, RFC 5480).
fn holds_a_key(bytes: &[u8]) -> bool {
    const PKCS8: &[u8] = b"\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
    let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    has(b"PRIVATE KEY") || has(PKCS8)
}

/// The key that signs the ledger is one, and is meant to be there.
const OWN: &str = "ledger.key";

fn files_with_a_key(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("read").flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                Ok(kind)
                    if kind.is_file()
                        && entry.file_name() != OWN
                        && holds_a_key(&std::fs::read(entry.path()).unwrap_or_default()) =>
                {
                    found.push(entry.path());
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn the_key_of_a_runs_own_authority_is_never_on_disk() {
    use crate::support::contained::{GOOD, World};
    let world = World::new(&format!("[settings]\nhosts = [{GOOD:?}]\n"));
    world.secret("api", &["--host", GOOD, "--variable", "API_KEY"]);
    // Whatever there is for temporary files is in sight of the search too.
    let temporary = world.folder.path().join("tmp");
    std::fs::create_dir(&temporary).expect("made");
    let script = format!(
        "curl -sS -v https://{GOOD}/hello 2>&1 | grep -i issuer; grep -c 'PRIVATE KEY' $SSL_CERT_FILE; cp $SSL_CERT_FILE copy; echo ready; read line; true"
    );
    let mut child = world
        .command(&["run", "--", "/bin/sh", "-c", &script])
        .env("TMPDIR", &temporary)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let (mut line, mut said) = (String::new(), String::new());
    while line != "ready\n" {
        said.push_str(&line);
        line.clear();
        assert!(out.read_line(&mut line).expect("reads") > 0, "{said}");
    }
    assert!(said.to_lowercase().contains("bulkhead"), "its TLS is opened, by an authority of the run's own: {said}");
    assert!(said.ends_with("\n0\n"), "the run sees the certificate alone: {said}");
    assert_eq!(files_with_a_key(world.folder.path()), Vec::<std::path::PathBuf>::new());
    drop(child.stdin.take());
    assert!(child.wait().expect("ends").success());
    assert_eq!(files_with_a_key(world.folder.path()), Vec::<std::path::PathBuf>::new());
    // The search finds one where there is one.
    std::fs::write(temporary.join("key"), b"....\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01....")
        .expect("written");
    assert_eq!(files_with_a_key(world.folder.path()).len(), 1);
}
