//! `bulkhead run` as a person sees it.

use std::process::{Command, Output};

pub(crate) struct Project {
    pub(crate) folder: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // A run that root starts belongs to nobody: what it is given must be reachable for them.
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
        for path in ["home/.ssh", "home/project/.venv"] {
            std::fs::create_dir_all(folder.path().join(path)).expect("made");
        }
        std::fs::write(folder.path().join("home/.ssh/id_rsa"), "DECOY").expect("written");
        std::fs::write(folder.path().join("home/project/.venv/pyvenv.cfg"), "").expect("written");
        Self { folder }
    }

    pub(crate) fn bulkhead(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("starts")
    }

    pub(crate) fn work(&self) -> std::path::PathBuf {
        self.folder.path().join("home/project")
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bulkhead-under-test"));
        if !words.contains(&"--data") {
            command.arg("--data").arg(self.folder.path().join("data"));
        }
        command.args(words).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("HOME", self.folder.path().join("home")).env("OPENAI_API_KEY", "sk-decoydecoydecoydecoy");
        command.current_dir(self.work());
        command
    }

    /// The entries of a run.
    pub(crate) fn shown(&self, id: &str) -> Vec<serde_json::Value> {
        let shown = self.bulkhead(&["--format", "json", "run", "show", id]);
        let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
        shown["rows"].as_array().expect("rows").clone()
    }
}

pub(crate) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The id in the first line.
pub(crate) fn id(output: &Output) -> String {
    let told = told(output);
    told.split_whitespace()
        .skip_while(|word| *word != "run")
        .nth(1)
        .unwrap_or_else(|| panic!("no id: {told}"))
        .to_owned()
}

#[test]
fn what_is_refused_is_named_recorded_and_shown() {
    let project = Project::new();
    let script =
        "printf out; cat ~/.ssh/id_rsa; echo x > .venv/x.pth; test -z \"$OPENAI_API_KEY\" || echo leaked; exit 7";
    let run = project.bulkhead(&["run", "--", "/bin/sh", "-c", script]);
    assert_eq!(run.status.code(), Some(7), "{}", told(&run));
    assert_eq!(String::from_utf8_lossy(&run.stdout), "out");
    let told = told(&run);
    for words in [
        "profile default",
        "tier 1",
        "not passed on: OPENAI_API_KEY",
        "2 refused: read ~/.ssh/id_rsa (cat ",
        "write .venv/x.pth",
    ] {
        assert!(told.contains(words), "no `{words}` in {told}");
    }
    let shown = project.bulkhead(&["--format", "json", "run", "show", &id(&run)]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    let rows = shown["rows"].as_array().expect("rows");
    assert_eq!((rows[0]["action"].as_str(), rows[rows.len() - 1]["action"].as_str()), (Some("run"), Some("run")));
    assert!(rows[0]["detail"]["witnessed"].as_str().is_some_and(|text| text.contains("ptrace")), "{}", rows[0]);
    assert_eq!(rows[rows.len() - 1]["detail"]["ended"], "code 7");
    assert!(rows.iter().any(|row| row["rule"] == "tripwire" && row["about"] == "~/.ssh/id_rsa"), "{shown}");
    // The data folder is a credential of its own kind, wherever it lies.
    assert!(project.bulkhead(&["ledger", "verify"]).status.success());
}

#[test]
fn the_runs_that_there_were_are_listed_newest_first() {
    let project = Project::new();
    let none = project.bulkhead(&["run", "list"]);
    assert!(String::from_utf8_lossy(&none.stdout).contains("no run is recorded"), "{}", told(&none));
    assert_eq!(project.bulkhead(&["run", "show"]).status.code(), Some(2), "there is no newest run");
    let first = project.bulkhead(&["run", "--", "/bin/sh", "-c", "cat ~/.ssh/id_rsa; exit 3"]);
    let second = project.bulkhead(&["run", "--observe", "--", "/bin/true"]);
    let listed = project.bulkhead(&["--format", "json", "run", "list"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let told = |at: usize| {
        let run = &listed["runs"][at];
        ["run", "command", "profile", "ended"].map(|name| run[name].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(told(0), [id(&second).as_str(), "true", "observe", "code 0"]);
    assert_eq!(told(1), [id(&first).as_str(), "sh", "default", "code 3"]);
    assert_eq!((&listed["runs"][1]["refused"], &listed["runs"][2]), (&1.into(), &serde_json::Value::Null));
    let newest = project.bulkhead(&["run", "show"]);
    assert!(String::from_utf8_lossy(&newest.stdout).contains(&id(&second)), "{newest:?}");
    let one = project.bulkhead(&["run", "list", "--last", "1"]);
    assert_eq!(String::from_utf8_lossy(&one.stdout).lines().count(), 2, "{one:?}");
}

#[test]
fn the_record_is_out_of_reach_even_when_it_is_made_in_the_work_directory() {
    let project = Project::new();
    let script =
        "ls bulkhead-data; cat bulkhead-data/ledger.key; echo x > bulkhead-data/planted; mv bulkhead-data moved; true";
    let run = project.bulkhead(&["--data", "bulkhead-data", "run", "--", "/bin/sh", "-c", script]);
    assert_eq!((run.status.code(), run.stdout.as_slice()), (Some(0), b"".as_slice()), "{}", told(&run));
    let data = project.folder.path().join("home/project/bulkhead-data");
    assert!(data.join("ledger.key").exists() && !data.join("planted").exists());
}

#[test]
fn to_observe_records_and_a_profile_is_suggested_from_it() {
    let project = Project::new();
    let script = "cat ~/.ssh/id_rsa; mkdir -p ~/results; echo x > ~/results/a";
    let run = project.bulkhead(&["run", "--", "/bin/sh", "-c", script]);
    let suggested = project.bulkhead(&["policy", "suggest", "--run", &id(&run)]);
    let text = String::from_utf8_lossy(&suggested.stdout);
    assert!(text.contains("write = [\"~/results\"]") && text.contains("not given: read ~/.ssh/id_rsa"), "{text}");
    assert!(told(&run).contains("ended with the run: ~/results/a, written in the home"), "{}", told(&run));
    // Under what was suggested it works: the folder is there, and so is what was written.
    let (profile, home) = (project.folder.path().join("suggested.toml"), project.folder.path().join("home"));
    std::fs::write(&profile, text.as_bytes()).expect("written");
    assert!(!home.join("results").exists());
    let again = project.bulkhead(&["run", "--profile", profile.to_str().expect("text"), "--", "/bin/sh", "-c", script]);
    assert_eq!(std::fs::read_to_string(home.join("results/a")).expect("there"), "x\n", "{}", told(&again));
    assert!(!told(&again).contains("ended with the run"), "{}", told(&again));
    let observed = project.bulkhead(&["run", "--observe", "--", "/bin/sh", "-c", "cat ~/.ssh/id_rsa; echo done"]);
    assert_eq!(String::from_utf8_lossy(&observed.stdout), "done\n", "{}", told(&observed));
    assert!(told(&observed).contains("1 refused: read ~/.ssh/id_rsa"), "{}", told(&observed));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_sentence() {
    let project = Project::new();
    let refused = |words: &[&str], code: i32, what: &str| {
        let output = project.bulkhead(words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", told(&output));
        assert!(told(&output).contains(what), "{words:?}: {}", told(&output));
    };
    refused(&["run", "--", "no-such-program"], 127, "No such file");
    refused(&["run", "--accept-degraded=nonsense", "--", "true"], 2, "it knows userns");
    refused(&["run", "--profile", "none.toml", "--", "true"], 2, "none.toml");
    refused(&["run", "show", "01a20f2c-e94d-7a05-8af4-68b51b53f0cb"], 125, "no entry is about a run");
}
