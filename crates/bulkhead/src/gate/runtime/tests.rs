//! Planning, stripping, recording and suggesting, without a kernel.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bulkhead_contain::net::Caught;
use bulkhead_contain::{Answer, Layers, Seen, Target, What, Who};
use bulkhead_core::{Action, Effect};
use jiff::Timestamp;

use super::environment::{is_secret_name, is_secret_value, strip};
use super::plan::{Caller, Command, PlanError, plan};
use super::profile::Profile;
use super::record::{MOST_LINES, Recorder, RunLine, Scene, Totals};
use super::suggest::{Did, suggest};
use super::{new_run_id, sight};

mod aside;

#[test]
fn a_run_id_is_a_uuid_of_version_7_that_sorts_by_time() {
    let at = |text: &str| text.parse::<Timestamp>().expect("a time");
    let earlier = new_run_id(at("2026-03-24T10:39:00Z")).expect("an id").to_string();
    let later = new_run_id(at("2026-03-24T10:39:01Z")).expect("an id").to_string();
    assert!(earlier < later, "{earlier} {later}");
    assert_eq!(&earlier[14..15], "7");
    assert!("89ab".contains(&earlier[19..20]), "{earlier}");
}

#[test]
fn secrets_do_not_pass_and_ordinary_variables_do() {
    for name in [
        "OPENAI_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "GITHUB_TOKEN",
        "DB_PASSWORD",
        "SSH_AUTH_SOCK",
        "DATABASE_URL",
        "HF_TOKEN",
        "KUBERNETES_SERVICE_HOST",
        "npm_config__authToken",
        "STRIPE_KEY",
        "SLACK_BOT_TOKEN",
        "DOCKER_HOST",
        "DBUS_SESSION_BUS_ADDRESS",
        "PGPASSWORD",
        "SENTRY_DSN",
        "GH_PAT",
        "azure_client_secret",
    ] {
        assert!(is_secret_name(name), "{name}");
    }
    for name in [
        "PATH",
        "HOME",
        "LANG",
        "CUDA_VISIBLE_DEVICES",
        "TOKENIZERS_PARALLELISM",
        "PYTHONPATH",
        "OMP_NUM_THREADS",
        "PWD",
        "SHELL",
        "TERM",
        "VIRTUAL_ENV",
        "PIP_INDEX_URL",
        "XDG_SESSION_TYPE",
        "KEYBOARD",
        "COMPASS",
        "WANDB_PROJECT",
    ] {
        assert!(!is_secret_name(name), "{name}");
    }
    for value in [
        "sk-abcdefghijklmnop1234",
        "ghp_abcdefghijklmnop1234",
        "postgres://app:hunter2@db.example/app",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.e30.x",
        "https://user:token@pypi.example/simple",
    ] {
        assert!(is_secret_value(value.as_ref()), "{value}");
    }
    for value in
        ["sk-short", "https://pypi.example/simple", "https://user@host.example/", "/usr/bin:/bin", "en_GB.UTF-8"]
    {
        assert!(!is_secret_value(value.as_ref()), "{value}");
    }
    let pair = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
    let all =
        vec![pair("PATH", "/bin"), pair("API_KEY", "x"), pair("HF_TOKEN", "y"), pair("X", "ghp_abcdefghijklmnop12")];
    let stripped = strip(all, &BTreeSet::from(["HF_TOKEN".to_owned()]));
    assert_eq!(stripped.kept, [pair("PATH", "/bin"), pair("HF_TOKEN", "y")]);
    assert_eq!(stripped.names, ["API_KEY", "X"]);
}

fn caller(work_dir: &Path, home: &Path) -> Caller {
    Caller {
        environment: vec![
            ("HOME".into(), home.into()),
            ("PATH".into(), "/usr/bin".into()),
            ("TOKEN".into(), "x".into()),
        ],
        work_dir: work_dir.to_owned(),
        root: false,
        behind: None,
        data: home.join("data"),
        decoys: false,
    }
}

fn planned(caller: &Caller, profile: &str) -> Result<super::plan::Plan, PlanError> {
    let run = new_run_id(Timestamp::UNIX_EPOCH).expect("an id");
    let command = Command { program: "true".into(), args: Vec::new() };
    let profile = Profile::parse(profile).expect("a profile");
    plan(run, caller, command, &profile, Layers::FULL, Arc::new(|_| ()))
}

#[test]
fn everything_is_no_work_directory() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path().canonicalize().expect("a path");
    for wide in [Path::new("/"), &home, home.parent().expect("a parent")] {
        assert!(matches!(planned(&caller(wide, &home), ""), Err(PlanError::TooWide(_))), "{}", wide.display());
    }
    assert!(matches!(planned(&caller(&home.join("none"), &home), ""), Err(PlanError::NotThere { .. })));
}

#[test]
fn a_plan_covers_credentials_and_what_starts_programs() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path().canonicalize().expect("a path");
    let work = home.join("project");
    for folder in
        [".ssh", ".docker", "data", "project/.git/hooks", "project/sub/env/lib/python3.11/site-packages/x-1.dist-info"]
    {
        std::fs::create_dir_all(home.join(folder)).expect("made");
    }
    for file in [
        ".netrc",
        "project/sub/env/pyvenv.cfg",
        "project/.env",
        "project/.env.example",
        "project/sub/.env.local",
        "project/.git/config",
    ] {
        std::fs::write(home.join(file), "x").expect("written");
    }
    std::fs::write(home.join(".ssh/id"), "key").expect("written");
    std::fs::hard_link(home.join(".ssh/id"), work.join("harmless.txt")).expect("linked");
    let plan = planned(&caller(&work, &home), "").expect("a plan");
    let has = |path: &str| plan.launch.tripwires.iter().any(|tripwire| tripwire.path == home.join(path));
    for path in
        [".ssh", ".docker", ".netrc", ".aws", "project/.env", "project/sub/.env.local", "data", "project/harmless.txt"]
    {
        assert!(has(path), "{path}");
    }
    assert!(!has("project/.env.example") && !has(".gnupg"));
    let protected: Vec<_> =
        plan.launch.files.protected.iter().map(|path| path.strip_prefix(&work).expect("inside")).collect();
    assert_eq!(protected, [".git/config", ".git/hooks", "sub/env"].map(Path::new));
    assert_eq!(plan.installed, ["x-1"]);
    assert_eq!(plan.stripped, ["TOKEN"]);
    assert!(plan.launch.files.hidden.contains(&home));

    let open = planned(&caller(&work, &home), "[files]\nunprotect = ['sub/env']\ndotenv = true").expect("a plan");
    assert!(!open.launch.files.protected.contains(&work.join("sub/env")));
    assert!(!open.launch.tripwires.iter().any(|tripwire| tripwire.path == work.join(".env")));
    assert!(Profile::parse("[files]\nwrit = []").is_err(), "what is not known is refused");
}

#[test]
fn a_folder_above_bin_is_a_tool_unless_it_is_everything() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path().canonicalize().expect("a path");
    for folder in [".local/bin", "envs/x/bin", "bin", ".pyenv"] {
        std::fs::create_dir_all(home.join(folder)).expect("made");
    }
    let path = [".local/bin", "envs/x/bin", "bin"].map(|name| home.join(name));
    let tools = sight::tools(Some(&home), std::slice::from_ref(&home), &path, &[]);
    assert_eq!(tools, [".local/bin", ".pyenv", "bin", "envs/x"].map(|name| home.join(name)));
}

#[test]
fn tools_that_variables_name_are_lent_without_their_credentials() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path().canonicalize().expect("a path");
    let all = ["project", ".cargo", "kept/cargo", "kept/rustup"].map(|name| home.join(name));
    let [work, usual, cargo, rustup] = &all;
    for folder in &all {
        std::fs::create_dir_all(folder).expect("made");
        std::fs::write(folder.join("credentials.toml"), "").expect("written");
    }
    let mut caller = caller(work, &home);
    let above = home.parent().expect("a parent").to_owned();
    for (name, folder) in [("CARGO_HOME", cargo), ("RUSTUP_HOME", rustup), ("NVM_DIR", &home), ("PYENV_ROOT", &above)] {
        caller.environment.push((name.into(), folder.into()));
    }
    let launch = planned(&caller, "").expect("a plan").launch;
    assert_eq!(launch.files.readable, [usual, cargo, rustup].map(Clone::clone));
    assert_eq!(launch.files.scratch, [usual, cargo].map(Clone::clone));
    for tools in [usual, cargo, rustup] {
        let path = tools.join("credentials.toml");
        assert_eq!(launch.tripwires.iter().filter(|tripwire| tripwire.path == path).count(), 1, "{}", path.display());
    }
}

fn recorded(scene: Scene, seen: Vec<What>) -> (Vec<RunLine>, Totals) {
    let lines: Arc<Mutex<Vec<RunLine>>> = Arc::default();
    let kept = Arc::clone(&lines);
    let sink = Box::new(move |new: &[RunLine]| {
        kept.lock().expect("no panic").extend_from_slice(new);
        Ok(())
    });
    let (recorder, thread) = Recorder::start(scene, sink).expect("a thread");
    for what in seen {
        recorder.seen(Seen { who: Who { pid: 7, command: "python".into(), exe: "/usr/bin/python".into() }, what });
    }
    recorder.close();
    thread.join().expect("ends");
    let written = lines.lock().expect("no panic").clone();
    (written, recorder.totals())
}

fn scene() -> Scene {
    Scene { work_dir: "/h/p".into(), home: Some("/h".into()), caught: Some(Caught::All), ..Scene::default() }
}

fn internet(to: &str, datagram: bool) -> What {
    What::Connect { to: Target::Internet(to.parse().expect("an address")), datagram, answered: true }
}

#[test]
fn each_attempt_is_one_line_and_what_is_customary_is_none() {
    let credential = |path: &str, answer| What::Credential { path: path.into(), verb: "read", answer };
    let (lines, totals) = recorded(
        scene(),
        vec![
            credential("/h/.ssh/id_rsa", Answer::Refused),
            credential("/h/.ssh/id_rsa", Answer::Refused),
            credential("/h/.aws/credentials", Answer::Absent),
            What::Write { path: "/h/p/.venv/x.pth".into(), refused: true },
            What::Write { path: "/usr/lib/python3/__pycache__/a.pyc".into(), refused: true },
            What::Write { path: "/h/p/out.txt".into(), refused: false },
            What::Write { path: "/h/.bashrc".into(), refused: false },
            internet("10.0.0.1:443", false),
            internet("8.8.8.8:4444", true),
            internet("127.0.0.1:99", false),
            internet("[2001:db8::1]:443", false),
            What::Connect { to: Target::Path("/var/run/nscd/socket".into()), datagram: false, answered: true },
            What::Connect { to: Target::Path("/run/docker.sock".into()), datagram: false, answered: true },
        ],
    );
    let brief: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {} {}", line.effect, line.action, line.about.as_deref().unwrap_or("")))
        .collect();
    insta::assert_snapshot!(brief.join("\n"), @r"
    deny read ~/.ssh/id_rsa
    deny read ~/.aws/credentials
    deny write .venv/x.pth
    transform write ~/.bashrc
    deny connect udp 8.8.8.8:4444
    deny connect [2001:db8::1]:443
    deny connect /run/docker.sock
    ");
    assert_eq!(totals.refused[0], "read ~/.ssh/id_rsa (python 7)");
    assert_eq!((totals.refused.len(), totals.repeated, totals.routine), (5, 1, 1));
}

#[test]
fn a_flood_is_counted_and_not_written() {
    let flood = (0..MOST_LINES + 50).map(|number| What::Write { path: format!("/etc/{number}").into(), refused: true });
    let (lines, totals) = recorded(scene(), flood.collect());
    assert_eq!(lines.len(), MOST_LINES);
    assert_eq!(totals.suppressed, 50);
}

#[test]
fn a_record_that_cannot_be_written_is_told() {
    let sink = Box::new(|_: &[RunLine]| anyhow::bail!("the disk is full"));
    let (recorder, thread) = Recorder::start(scene(), sink).expect("a thread");
    recorder.refused_connection("x.example:443", "r", "w");
    recorder.close();
    thread.join().expect("ends");
    assert_eq!(recorder.totals().failed.as_deref(), Some("the disk is full"));
    assert_eq!(recorder.totals().suppressed, 1);
}

#[test]
fn to_observe_is_to_refuse_credentials_only() {
    let scene = Scene { observe: true, caught: None, ..scene() };
    let (lines, totals) = recorded(
        scene,
        vec![
            What::Credential { path: "/h/.ssh/id".into(), verb: "read", answer: Answer::Refused },
            What::Write { path: "/data/out".into(), refused: false },
            internet("10.0.0.1:443", false),
        ],
    );
    assert_eq!(lines.iter().map(|line| line.effect).collect::<Vec<_>>(), [Effect::Deny, Effect::Allow, Effect::Allow]);
    assert_eq!(totals.refused.len(), 1);
}

/// A run that was accepted without a network of its own: what it contacts may have left, and no entry says otherwise.
#[test]
fn what_nothing_refused_is_not_recorded_as_refused() {
    let scene = Scene { observe: false, caught: None, ..scene() };
    let (lines, totals) = recorded(scene, vec![internet("10.0.0.1:443", false), internet("192.0.2.1:9", true)]);
    assert_eq!(lines.iter().map(|line| line.effect).collect::<Vec<_>>(), [Effect::Allow, Effect::Allow]);
    assert!(lines.iter().all(|line| line.text.contains("not known")), "{lines:?}");
    assert!(totals.refused.is_empty());
}

#[test]
fn a_suggestion_never_opens_credentials_or_what_starts_programs() {
    let did = |action, about: &str, rule: &str| Did { action, about: about.into(), rule: rule.into() };
    let suggestion = suggest(&[
        did(Action::Read, "~/.ssh/id_rsa", "tripwire"),
        did(Action::Write, "~/.ssh/authorized_keys", "tripwire"),
        did(Action::Write, "~/.bashrc", "vanishes"),
        did(Action::Write, "~/.cargo/bin/cargo", "vanishes"),
        did(Action::Write, ".venv/lib/python3.11/site-packages/x.pth", "read-only"),
        did(Action::Write, "/etc/cron.d/x", "read-only"),
        did(Action::Write, "/data/out/a/1", "observed"),
        did(Action::Write, "/data/out/2", "observed"),
        did(Action::Write, "~/results/x/1", "vanishes"),
        did(Action::Connect, "pypi.example:443", "no-host-allowed"),
        did(Action::Connect, "169.254.169.254:80", "no-host-allowed"),
        did(Action::Connect, "udp 8.8.8.8:53", "no-datagrams"),
        did(Action::Connect, "collector.example:443", "default"),
        did(Action::Request, "collector.example:443", "secret-misuse"),
        did(Action::Connect, "inside.example:80", "upstream-address"),
    ]);
    let misuse = suggestion.withheld.iter().filter(|line| line.contains("collector.example")).count();
    assert_eq!(misuse, 1, "{:?}", suggestion.withheld);
    let text = toml::to_string(&suggestion.profile).expect("TOML");
    insta::assert_snapshot!(text, @r#"
    [files]
    read = []
    write = ["/data/out", "~/results/x"]
    unprotect = []
    dotenv = false
    "#);
    assert_eq!(suggestion.hosts, ["pypi.example".to_owned()].into());
    assert_eq!(suggestion.withheld.len(), 10, "{:#?}", suggestion.withheld);
}
