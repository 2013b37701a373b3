//! What is looked for in a work directory, what of it is new after a run, and what a killed supervisor leaves.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bulkhead_contain::{Layer, Layers};
use jiff::Timestamp;

use super::super::plan::{Caller, Command, Plan, PlanError, plan_within};
use super::super::profile::Profile;
use super::super::sight::{self, MOST, Most};
use super::super::{aside, journal, new_run_id};
use super::{caller, planned};

struct Project {
    _folder: tempfile::TempDir,
    home: PathBuf,
    work: PathBuf,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().canonicalize().expect("a path");
        let work = home.join("project");
        fs::create_dir(&work).expect("made");
        Self { _folder: folder, home, work }
    }

    fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.home.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(&path, content).expect("written");
        path
    }

    fn protected(&self) -> Vec<String> {
        let found = sight::look(&self.work, &[], &[], MOST);
        assert_eq!(found.unseen, Vec::<PathBuf>::new());
        found
            .protected
            .iter()
            .map(|path| path.strip_prefix(&self.work).expect("inside").display().to_string())
            .collect()
    }

    fn aside(&self, change: impl FnOnce()) -> aside::After {
        let before = looked(&self.work, true);
        change();
        aside::put_aside(&before, "r").expect("moved")
    }

    fn plan(&self, profile: &str, layers: Layers, most: Most) -> Result<Plan, PlanError> {
        let run = new_run_id(Timestamp::UNIX_EPOCH).expect("an id");
        let command = Command { program: "true".into(), args: Vec::new() };
        let profile = Profile::parse(profile).expect("a profile");
        let caller = Caller { data: self.home.join("data"), ..caller(&self.work, &self.home) };
        plan_within(run, &caller, command, &profile, layers, Arc::new(|_| ()), most)
    }
}

fn looked(work: &Path, kept: bool) -> aside::Before {
    aside::before(work, &sight::look(work, &[], &[], MOST), &[], &[], kept)
}

const OBSERVE: [Layer; 3] = [Layer::Tripwires, Layer::Processes, Layer::Evidence];

#[test]
fn what_starts_programs_is_found_however_deep_it_lies() {
    let project = Project::new();
    for path in [
        "project/a/b/c/d/e/.venv/pyvenv.cfg",
        "project/conda/envs/x/conda-meta/history",
        "project/sub/.git/HEAD",
        "project/sub/.git/refs/x",
        "project/sub/.git/config",
        "project/sub/.git/hooks/pre-commit",
        "project/sub/.git/modules/lib/deep/HEAD",
        "project/sub/.git/modules/lib/deep/refs/x",
        "project/sub/.git/modules/lib/deep/config",
        "project/bare/HEAD",
        "project/bare/refs/x",
        "project/bare/config",
        "project/x/y/.vscode/tasks.json",
        "project/x/y/z/w/v/.claude/settings.json",
        "project/x/.cargo/config.toml",
        "project/x/.cargo/registry/index",
        "project/.tox/py/pyvenv.cfg",
        "project/target/.envrc",
        "project/.github/workflows/x.yml",
        "project/sub/.github/workflows/x.yml",
        "project/node_modules/x/.vscode/tasks.json",
    ] {
        project.put(path, "x");
    }
    insta::assert_snapshot!(project.protected().join("\n"), @r"
    .github
    .tox/py
    a/b/c/d/e/.venv
    bare/config
    conda/envs/x
    sub/.git/config
    sub/.git/hooks
    sub/.git/modules/lib/deep/config
    target/.envrc
    x/.cargo/config.toml
    x/y/.vscode
    x/y/z/w/v/.claude
    ");
}

#[test]
fn a_link_is_kept_by_what_it_leads_to() {
    let project = Project::new();
    project.put("project/shared/tasks.json", "x");
    project.put("outside/tasks.json", "x");
    symlink("shared", project.work.join(".vscode")).expect("linked");
    symlink("../outside", project.work.join(".idea")).expect("linked");
    assert_eq!(project.protected(), ["shared"]);
}

#[test]
fn what_is_too_much_to_look_at_is_said_and_no_strict_run_starts() {
    let project = Project::new();
    for number in 0..20 {
        project.put(&format!("project/data/{number}/x"), "x");
    }
    let few = Most { folders: 10, entries: 1_000 };
    let refused = project.plan("", Layers::FULL, few).err().expect("no plan").to_string();
    assert!(refused.contains("folders were not looked at") && refused.contains("[files] skip"), "{refused}");
    assert!(matches!(
        project.plan("", Layers::FULL, Most { folders: 1_000, entries: 10 }),
        Err(PlanError::TooLarge { .. })
    ));
    let plan = project.plan("[files]\nskip = ['data']", Layers::FULL, few).expect("a plan");
    assert_eq!(plan.skipped, [project.work.join("data")]);
    let plan = project.plan("", OBSERVE.into_iter().collect(), few).expect("to look on is possible");
    assert!(plan.notes.iter().any(|note| note.contains("were not looked at")), "{:?}", plan.notes);
    assert!(project.plan("", Layers::FULL, MOST).is_ok());
}

#[test]
fn a_dotenv_that_is_a_link_is_covered_where_it_leads() {
    let project = Project::new();
    let (inside, outside) =
        (project.put("project/config/settings", "SECRET=1"), project.put("far/settings", "SECRET=2"));
    symlink("config/settings", project.work.join(".env")).expect("linked");
    fs::create_dir(project.work.join("sub")).expect("made");
    symlink(&outside, project.work.join("sub/.env.local")).expect("linked");
    symlink("nowhere", project.work.join(".env.gone")).expect("linked");
    let plan = planned(&caller(&project.work, &project.home), "").expect("a plan");
    let has = |path: &Path| plan.launch.tripwires.iter().any(|wire| wire.path == path);
    assert!(has(&inside) && has(&outside), "{:?}", plan.launch.tripwires);
}

#[test]
fn who_only_looks_on_still_covers_credentials_by_every_name() {
    let project = Project::new();
    let aws = project.put("dotfiles/aws/credentials", "key");
    let token = project.put("dotfiles/netrc", "key");
    let ssh = project.put(".ssh/id", "key");
    symlink("dotfiles/aws", project.home.join(".aws")).expect("linked");
    symlink("dotfiles/netrc", project.home.join(".netrc")).expect("linked");
    fs::create_dir_all(project.home.join("old/backup")).expect("made");
    let other = project.home.join("old/backup/key");
    fs::hard_link(&ssh, &other).expect("linked");
    fs::hard_link(&ssh, project.work.join("second")).expect("linked");

    let plan = project.plan("", OBSERVE.into_iter().collect(), MOST).expect("a plan");
    let has = |path: &Path| plan.launch.tripwires.iter().any(|wire| wire.path == path);
    for path in
        [aws.parent().expect("a folder"), &token, &other, &project.work.join("second"), &project.home.join(".ssh")]
    {
        assert!(has(path), "{}: {:?}", path.display(), plan.launch.tripwires);
    }
    assert_eq!(plan.notes, Vec::<String>::new());
    // A name that lies elsewhere cannot be found, and that is said.
    let elsewhere = tempfile::tempdir_in(project.home.parent().expect("a parent")).expect("a folder");
    fs::hard_link(&ssh, elsewhere.path().join("key")).expect("linked");
    let plan = project.plan("", OBSERVE.into_iter().collect(), MOST).expect("a plan");
    assert!(plan.notes.iter().any(|note| note.contains("another name")), "{:?}", plan.notes);
    // A strict run has no home, and so the tripwires take the links' own places.
    let plan = project.plan("", Layers::FULL, MOST).expect("a plan");
    let has = |name: &str| plan.launch.tripwires.iter().any(|wire| wire.path == project.home.join(name));
    assert!(has(".aws") && has(".netrc") && has(".ssh"), "{:?}", plan.launch.tripwires);
}

#[test]
fn own_data_is_never_in_reach() {
    let project = Project::new();
    fs::create_dir(project.work.join("data")).expect("made");
    let inside = Caller { data: project.work.join("data"), ..caller(&project.work, &project.home) };
    let run = new_run_id(Timestamp::UNIX_EPOCH).expect("an id");
    let plan = |layers: Layers| {
        let command = Command { program: "true".into(), args: Vec::new() };
        plan_within(run, &inside, command, &Profile::default(), layers, Arc::new(|_| ()), MOST)
    };
    let bare: Layers = [Layer::Landlock, Layer::Syscalls].into_iter().collect();
    assert!(
        matches!(plan(bare), Err(PlanError::DataInReach(_))),
        "landlock cannot except a folder from one that it gives"
    );
    assert!(plan(Layers::FULL).is_ok() && plan(Layers::FULL.without(Layer::Tripwires)).is_ok());
}

#[test]
fn what_was_planted_is_put_aside() {
    let project = Project::new();
    let work = &project.work;
    project.put("project/.vscode/x", "x");
    symlink("a", work.join(".envrc")).expect("linked");
    let after = project.aside(|| {
        project.put("project/.git/hooks/post-checkout", "x");
        project.put("project/new/pyvenv.cfg", "x");
        project.put("project/a/b/c/d/.vscode/tasks.json", "x");
        project.put("project/a/usercustomize.py", "x");
        project.put("project/a/.cargo/config.toml", "x");
        project.put("project/result.txt", "kept");
        fs::remove_file(work.join(".envrc")).expect("removed");
        symlink("b", work.join(".envrc")).expect("linked");
    });
    let moved = [".envrc", ".git/hooks", "a/.cargo/config.toml", "a/b/c/d/.vscode", "a/usercustomize.py", "new"];
    assert_eq!(after.moved, moved.map(PathBuf::from));
    assert!(work.join(".vscode").exists() && work.join("result.txt").exists());
    assert!(work.join(".bulkhead-aside/r/new/pyvenv.cfg").exists() && !work.join("new").exists());
    assert_eq!(project.aside(|| ()), aside::After::default());
}

#[test]
fn a_new_repository_stays_unless_it_starts_something() {
    let project = Project::new();
    let plain = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n[remote \"origin\"]\n\t\
                 url = https://git.example/x.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch \"main\"]\n\tmerge = refs/heads/main\n";
    let clone = |name: &str, config: &str| {
        for (file, content) in [("HEAD", "ref: x"), ("refs/x", ""), ("hooks/pre-push.sample", "x"), ("config", config)]
        {
            project.put(&format!("project/{name}/.git/{file}"), content);
        }
    };
    let after = project.aside(|| {
        clone("good", plain);
        clone("monitor", &format!("{plain}[core]\n\tfsmonitor = ./x\n"));
        clone("alias", "[alias]\n\tst = !x\n");
        clone("included", "[include]\n\tpath = ../x\n");
        clone("address", "[remote \"o\"]\n\turl = ext::sh -c x\n");
        clone("oneline", "[core] fsmonitor = x\n");
        clone("hooked", plain);
        project.put("project/hooked/.git/hooks/post-checkout", "x");
        // A work tree of a repository that lies where nobody looks, and one as git makes it.
        project.put("project/tree/.git", "gitdir: ../node_modules/x\n");
        project.put("project/node_modules/x/config", "[core]\n\tfsmonitor = x\n");
        project.put("project/good/.git/worktrees/w/HEAD", "x");
        project.put("project/good/.git/worktrees/w/commondir", "../..\n");
        project.put("project/w/.git", "gitdir: ../good/.git/worktrees/w\n");
        project.put("project/good/.git/commondir", "../../evil\n");
    });
    let moved = [
        "address/.git/config",
        "alias/.git/config",
        "good/.git/commondir",
        "hooked/.git/hooks",
        "included/.git/config",
        "monitor/.git/config",
        "oneline/.git/config",
        "tree/.git",
    ];
    assert_eq!(after.moved, moved.map(PathBuf::from));
}

#[test]
fn secrets_that_come_during_a_run_are_told() {
    let project = Project::new();
    let old = project.put("project/.env", "A=1");
    let before = looked(&project.work, true);
    assert_eq!(aside::put_aside(&before, "r").expect("looked").appeared, Vec::<PathBuf>::new());
    project.put("project/sub/.env", "B=1");
    // As editors save: another file of that name, on which no tripwire was put.
    let new = project.put("project/.env.new-one", "A=2");
    fs::rename(new, old).expect("renamed");
    let after = aside::put_aside(&before, "r").expect("looked");
    assert_eq!((after.moved.len(), after.appeared), (0, [".env", "sub/.env"].map(PathBuf::from).to_vec()));
}

#[test]
fn a_dead_supervisors_run_is_finished_once_and_a_living_ones_is_not() {
    let project = Project::new();
    let data = project.home.join("data");
    let run = new_run_id(Timestamp::UNIX_EPOCH).expect("an id");
    let before = looked(&project.work, true);
    let page = journal::open(&data, run, "dev", Timestamp::UNIX_EPOCH, Some(1), &before).expect("opened");
    project.put("project/.git/hooks/post-checkout", "x");
    let (dead, failed) = journal::finish(&data);
    assert!(dead.is_empty() && failed.is_empty() && project.work.join(".git/hooks").exists(), "{failed:?}");
    // As when it is killed: the lock goes, the page stays.
    drop(page);
    let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    let (dead, failed) = journal::finish_within(&data, &at_once);
    assert_eq!((dead.len(), failed.len()), (0, 1), "process 1 has not ended: {failed:?}");
    assert!(project.work.join(".git/hooks").exists());

    let path = data.join("runs").join(format!("{run}.json"));
    let text = fs::read_to_string(&path).expect("there");
    let mut page: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    page["first"] = serde_json::json!([i32::MAX, 1]);
    fs::write(&path, page.to_string()).expect("written");
    let (mut dead, failed) = journal::finish(&data);
    assert_eq!(failed, Vec::<String>::new());
    let dead = dead.pop().expect("one");
    assert_eq!((dead.run, dead.principal.as_str()), (run, "dev"));
    assert_eq!(dead.after.moved, [PathBuf::from(".git/hooks")]);
    // What could not be recorded is told again, although it is moved already.
    drop(dead);
    let (mut dead, _) = journal::finish(&data);
    let dead = dead.pop().expect("still there");
    assert_eq!(dead.after.moved, [PathBuf::from(".git/hooks")]);
    dead.recorded().expect("removed");
    assert!(journal::finish(&data).0.is_empty());
}

#[test]
fn what_is_hidden_and_which_sockets_are_is_what_the_machine_has() {
    let project = Project::new();
    let hidden = sight::hidden(Some(&project.home));
    let real = |path: &str| Path::new(path).symlink_metadata().is_ok_and(|meta| meta.is_dir());
    for path in ["/tmp", "/var/tmp", "/run", "/home", "/root", "/var/run"] {
        assert_eq!(hidden.contains(&PathBuf::from(path)), real(path), "{path}");
    }
    assert!(hidden.contains(&project.home) && hidden.is_sorted());
    assert!(hidden.iter().all(|path| path.is_dir() && !path.is_symlink()));

    // A service of this machine, in a folder that a run would see.
    let path = project.work.join("service.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).expect("binds");
    assert!(sight::sockets(&[]).contains(&path));
    assert!(!sight::sockets(std::slice::from_ref(&project.home)).contains(&path), "out of sight with its folder");
    fs::remove_file(&path).expect("removed");
    assert!(!sight::sockets(&[]).contains(&path), "what is not there cannot be masked");
}

#[test]
fn what_no_mount_keeps_is_compared() {
    let project = Project::new();
    let (code, hook) = (project.put("project/.venv/lib/x.py", "x"), project.put("project/.git/hooks/old", "x"));
    project.put("project/.venv/pyvenv.cfg", "x");
    let change = |kept: bool, change: &dyn Fn()| {
        let before = looked(&project.work, kept);
        change();
        aside::put_aside(&before, "r").expect("looked").changed
    };
    let byte_code = || drop(project.put("project/.venv/lib/__pycache__/x.pyc", "x"));
    assert_eq!(change(false, &byte_code), Vec::<PathBuf>::new());
    let venv = PathBuf::from(".venv");
    assert_eq!(change(false, &|| drop(project.put("project/.venv/lib/x.pth", "import x"))), [venv.as_path()]);
    // The same length and the same time: the kernel's own note of the change stays.
    let stealthy = || {
        let then = fs::metadata(&code).expect("there").modified().expect("a time");
        fs::write(&code, "y").expect("written");
        fs::File::open(&code).expect("there").set_modified(then).expect("set");
    };
    assert_eq!(change(false, &stealthy), [venv.as_path()]);
    let hooks = PathBuf::from(".git/hooks");
    assert_eq!(change(false, &|| fs::remove_file(&hook).expect("removed")), [hooks.as_path()]);
    assert_eq!(change(true, &|| drop(project.put("project/.venv/lib/z.pth", "x"))), Vec::<PathBuf>::new());
}

/// Whoever moves things aside may be root, and the run prepares the ground.
#[test]
fn no_link_leads_what_is_put_aside_elsewhere() {
    let project = Project::new();
    let elsewhere = project.home.join("elsewhere");
    fs::create_dir(&elsewhere).expect("made");
    let after = project.aside(|| {
        symlink(&elsewhere, project.work.join(aside::FOLDER)).expect("linked");
        project.put("project/cron/pyvenv.cfg", "x");
        project.put("project/deep/usercustomize.py", "x");
    });
    assert_eq!(after.moved, ["cron", "deep/usercustomize.py"].map(PathBuf::from));
    assert_eq!(fs::read_dir(&elsewhere).expect("there").count(), 0, "nothing went there");
    let kept = project.work.join(aside::FOLDER).join("r");
    assert!(kept.join("cron/pyvenv.cfg").exists() && kept.join("deep/usercustomize.py").exists());
    // The second time the folder is there, and the link is one step below.
    let after = project.aside(|| {
        fs::remove_dir_all(kept.join("deep")).expect("removed");
        symlink(&elsewhere, kept.join("deep")).expect("linked");
        project.put("project/deep/.envrc", "x");
    });
    assert_eq!((after.moved.len(), fs::read_dir(&elsewhere).expect("there").count()), (1, 0));
    // And the work directory itself may be another by the time that somebody looks again.
    let before = looked(&project.work, true);
    fs::rename(&project.work, project.home.join("old")).expect("renamed");
    symlink(&elsewhere, &project.work).expect("linked");
    fs::write(elsewhere.join(".envrc"), "x").expect("written");
    let unseen = aside::After { unseen: vec![".".into()], ..aside::After::default() };
    assert_eq!(aside::put_aside(&before, "r").expect("not touched"), unseen);
    assert!(elsewhere.join(".envrc").exists());
    fs::remove_file(&project.work).expect("removed");
    fs::create_dir(&project.work).expect("made");
    assert_eq!(aside::put_aside(&before, "r").expect("of the same name is not the same"), unseen);
    fs::remove_dir(&project.work).expect("removed");
    assert_eq!(aside::put_aside(&before, "r").expect("nothing is left to do"), aside::After::default());
}

#[test]
fn a_pipe_where_a_text_is_expected_holds_nobody_up() {
    let project = Project::new();
    let after = project.aside(|| {
        for name in ["x/.git/HEAD", "x/.git/refs/y"] {
            project.put(&format!("project/{name}"), "x");
        }
        for name in ["x/.git/config", "x/.git/commondir", ".git"] {
            let path = project.work.join(name);
            rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
                .expect("made");
        }
    });
    assert_eq!(after.moved, [".git", "x/.git/commondir", "x/.git/config"].map(PathBuf::from));
}

#[test]
fn a_link_to_a_file_of_the_system_is_no_secret() {
    let project = Project::new();
    symlink("/etc/passwd", project.work.join(".env")).expect("linked");
    assert_eq!(sight::look(&project.work, &[], &[], MOST).secrets, Vec::<PathBuf>::new());
}

#[test]
fn what_a_run_made_too_much_of_is_told() {
    let project = Project::new();
    let before = looked(&project.work, true);
    for number in 0..20 {
        project.put(&format!("project/{number}/deep/.envrc"), "x");
    }
    let after = aside::put_aside_within(&before, "r", Most { folders: 15, entries: 1_000 }).expect("looked");
    assert!(after.unseen.len() >= 6 && after.moved.is_empty(), "{after:?}");
}
