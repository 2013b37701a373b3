//! A throw-away project and home, and the supervisor that contains something in them.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const NOBODY: u32 = 65_534;

/// A project in a home, both below the system's temporary folder, owned by whom the run belongs to.
pub(crate) struct Scene {
    root: tempfile::TempDir,
    pub(crate) home: PathBuf,
    pub(crate) work: PathBuf,
}

/// What came of one run.
pub(crate) struct Came {
    pub(crate) out: String,
    pub(crate) told: String,
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
}

impl Came {
    /// Lines about what the layers saw.
    pub(crate) fn seen(&self) -> Vec<&str> {
        self.told.lines().filter(|line| line.starts_with("SEEN ")).collect()
    }

    #[track_caller]
    pub(crate) fn saw(&self, what: &str) {
        assert!(
            self.seen().iter().any(|line| line.contains(what)),
            "nobody saw `{what}`:\n{}\n{}",
            self.told,
            self.out
        );
    }
}

pub(crate) fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The supervisor as a command, under an ordinary user.
#[expect(clippy::disallowed_methods, reason = "the probe in a role that the crate itself never starts")]
pub(crate) fn supervisor() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_contain-run"));
    if root() {
        command.args(["--ordinary", &format!("{NOBODY}:{NOBODY}")]);
    }
    command
}

impl Scene {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let path = root.path().canonicalize().expect("a path");
        let (home, work) = (path.join("home"), path.join("home/project"));
        std::fs::create_dir_all(&work).expect("made");
        std::fs::create_dir_all(home.join(".ssh")).expect("made");
        std::fs::write(home.join(".ssh/id_rsa"), "DECOY").expect("written");
        std::fs::write(home.join(".netrc"), "DECOY").expect("written");
        let scene = Self { root, home, work };
        scene.own();
        scene
    }

    /// A file of the project.
    pub(crate) fn with(self, name: &str, content: &str) -> Self {
        let path = self.work.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, content).expect("written");
        self.own();
        self
    }

    /// Everything belongs to whom the run belongs to.
    pub(crate) fn own(&self) {
        fn walk(path: &Path) {
            std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
            if path.is_dir() && !path.is_symlink() {
                for entry in std::fs::read_dir(path).expect("read").flatten() {
                    walk(&entry.path());
                }
            }
        }
        if root() {
            walk(self.root.path());
        }
    }

    pub(crate) fn place(&self) -> &Path {
        self.root.path()
    }

    /// The options of a run in this project: everything hidden that a real one hides.
    pub(crate) fn options(&self, more: &[&str]) -> Vec<String> {
        let mut options: Vec<String> = vec!["--work".into(), self.work.display().to_string()];
        for hidden in [
            Path::new("/tmp"),
            Path::new("/var/tmp"),
            Path::new("/run"),
            Path::new("/root"),
            Path::new("/home"),
            &self.home,
        ] {
            options.extend(["--hide".into(), hidden.display().to_string()]);
        }
        for (option, path) in [("--deny", ".ssh"), ("--deny-file", ".netrc")] {
            options.extend([option.into(), self.home.join(path).display().to_string()]);
        }
        options.extend(more.iter().map(|&option| {
            option.replace("WORK", &self.work.display().to_string()).replace("HOME", &self.home.display().to_string())
        }));
        options
    }

    pub(crate) fn command(&self, options: &[&str], script: &str) -> Command {
        let mut command = supervisor();
        command.args(self.options(options)).args(["--", "/bin/sh", "-c", script]).current_dir("/");
        command.env("PATH", "/usr/bin:/bin").env("HOME", &self.home).stdin(Stdio::null());
        command
    }

    /// Runs a shell script, contained.
    pub(crate) fn run(&self, options: &[&str], script: &str) -> Came {
        came(self.command(options, script).output().expect("the supervisor starts"))
    }

    /// Runs the probe's own attempts, contained.
    pub(crate) fn attempt(&self, options: &[&str], attempts: &[&str]) -> Came {
        self.attempt_with(supervisor(), options, attempts)
    }

    /// The same on a kernel that lacks something.
    pub(crate) fn attempt_lacking(&self, missing: &str, options: &[&str], attempts: &[&str]) -> Came {
        #[expect(clippy::disallowed_methods, reason = "the probe behind what takes from the kernel")]
        let mut command = Command::new("python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/support/degrade.py")).arg(missing);
        let supervisor = supervisor();
        command.arg(supervisor.get_program()).args(supervisor.get_args());
        self.attempt_with(command, options, attempts)
    }

    fn attempt_with(&self, mut command: Command, options: &[&str], attempts: &[&str]) -> Came {
        // The build may lie below a hidden folder, or where nobody but its owner has a way to.
        let folder = self.root.path().join("tools");
        let probe = folder.join("contain-try");
        if !probe.exists() {
            std::fs::create_dir(&folder).expect("made");
            std::fs::copy(env!("CARGO_BIN_EXE_contain-try"), &probe).expect("copied");
            self.own();
        }
        let folder = folder.display().to_string();
        command.args(self.options(&["--read", &folder])).args(self.options(options).split_off(self.options(&[]).len()));
        command.arg("--").arg(probe).args(attempts).current_dir("/").env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        came(command.output().expect("the supervisor starts"))
    }
}

fn came(output: Output) -> Came {
    Came {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        told: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
        signal: output.status.signal(),
    }
}
