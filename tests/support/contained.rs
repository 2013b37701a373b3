//! A project with contained runs in it, before a little internet.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::{Bulkhead, Internet, Place};

/// The host that policies of the tests allow.
pub const GOOD: &str = "api.allowed.test";
/// One that they do not.
pub const BAD: &str = "evil.other.test";
const HOSTS: [&str; 3] = [GOOD, "git.allowed.test", BAD];
/// The value of the tests' secret.
pub const REAL: &str = "sk-proj-REALREALREALREALREALREAL0123456789";

/// A project with a policy of its own, before a little internet.
pub struct World {
    pub folder: tempfile::TempDir,
    pub internet: Internet,
    pub data: PathBuf,
}

impl World {
    /// With these lines of policy.
    pub fn new(policy: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("made");
        std::fs::write(data.join("policy.toml"), policy).expect("written");
        Self::at(folder, data)
    }

    /// Beside a server that has a policy already.
    pub fn beside(bulkhead: &Bulkhead) -> Self {
        Self::in_place(bulkhead.place())
    }

    /// Where a server may start later.
    pub fn in_place(place: &Place) -> Self {
        Self::at(tempfile::tempdir().expect("a folder"), place.data())
    }

    fn at(folder: tempfile::TempDir, data: PathBuf) -> Self {
        // A run that root starts belongs to nobody: what it is given must be reachable for them.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
        let internet = Internet::start();
        std::fs::create_dir_all(folder.path().join("home/project/.venv/lib")).expect("made");
        std::fs::write(folder.path().join("home/project/.venv/pyvenv.cfg"), "").expect("written");
        std::fs::write(folder.path().join("bulkhead.toml"), internet.addresses(&HOSTS)).expect("written");
        std::fs::write(folder.path().join("root.pem"), internet.root()).expect("written");
        Self { folder, internet, data }
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("home/project")
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bulkhead-under-test"));
        command.arg("--data").arg(&self.data).arg("--config").arg(self.folder.path().join("bulkhead.toml"));
        command.args(words).env_clear().env("PATH", "/usr/bin:/bin").env("USER", "dev");
        command.env("HOME", self.folder.path().join("home"));
        command.env("SSL_CERT_FILE", self.folder.path().join("root.pem"));
        command.current_dir(self.project());
        command
    }

    pub fn bulkhead(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("starts")
    }

    /// A script in a run. Standard error holds Bulkhead's own lines.
    #[track_caller]
    pub fn run(&self, script: &str) -> Ran {
        let output = self.bulkhead(&["run", "--", "/bin/sh", "-c", script]);
        let ran = Ran {
            said: String::from_utf8_lossy(&output.stdout).into_owned(),
            told: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(ran.told.contains("tier 1"), "not contained: {}", ran.told);
        ran
    }

    pub fn secret(&self, name: &str, words: &[&str]) {
        let added = self.secret_command(&[&["add", name], words].concat(), REAL);
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    }

    /// `bulkhead secret` with those words, and that value in a file.
    pub fn secret_command(&self, words: &[&str], value: &str) -> Output {
        let file = self.folder.path().join("value");
        std::fs::write(&file, value).expect("written");
        let path = file.display().to_string();
        let output = self.bulkhead(&[&["secret"], words, &["--value-file", &path]].concat());
        std::fs::remove_file(file).expect("removed");
        output
    }

    /// Packages of a client's environment, copied into the project's own.
    pub fn install(&self, client: &str, packages: &[&str]) -> bool {
        let from = super::developer::installed().join(client).join("lib/python3.11/site-packages");
        let into = self.project().join(".venv/lib/python3.11/site-packages");
        std::fs::create_dir_all(&into).expect("made");
        packages.iter().all(|package| {
            let copied = Command::new("cp").arg("-r").arg(from.join(package)).arg(&into).status().expect("cp starts");
            copied.success()
        })
    }

    /// What the question after a breach answers.
    pub fn exposed(&self, question: &[&str]) -> String {
        let answer = self.bulkhead(&[&["--format", "json", "exposure"], question].concat());
        assert!(answer.status.code() != Some(2), "{}", String::from_utf8_lossy(&answer.stderr));
        String::from_utf8_lossy(&answer.stdout).into_owned()
    }

    /// What the ledger says of the run.
    pub fn shown(&self, ran: &Ran) -> Vec<serde_json::Value> {
        let shown = self.bulkhead(&["--format", "json", "run", "show", &ran.id()]);
        let shown: serde_json::Value = serde_json::from_slice(&shown.stdout)
            .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&shown.stderr)));
        shown["rows"].as_array().expect("rows").clone()
    }
}

/// What a run printed.
pub struct Ran {
    /// The program, on standard output.
    pub said: String,
    /// Bulkhead, on standard error.
    pub told: String,
}

impl Ran {
    /// The id in the first line.
    pub fn id(&self) -> String {
        let id = self.told.split_whitespace().skip_while(|word| *word != "run").nth(1);
        id.unwrap_or_else(|| panic!("no id: {}", self.told)).to_owned()
    }

    #[track_caller]
    pub fn says(&self, what: &str) {
        assert!(self.said.contains(what), "no `{what}` in\n{}\n{}", self.said, self.told);
    }

    #[track_caller]
    pub fn told(&self, what: &str) {
        assert!(self.told.contains(what), "no `{what}` in\n{}\n{}", self.told, self.said);
    }
}
