//! From a profile and a machine to a launch.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bulkhead_contain::{Bait, FileRules, Launch, Layer, Layers, Place, RunAs, RunLimits, Tripwire, Watcher};
use bulkhead_core::{RunId, Sha256};

use super::profile::{Mode, Profile, resolve};
use super::{credentials, environment, sight};

/// What a caller brings.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it stands.
    pub work_dir: PathBuf,
    /// Whether it is root.
    pub root: bool,
    /// The user behind sudo.
    pub behind: Option<(u32, u32)>,
    /// Bulkhead's own data, out of every run's sight.
    pub data: PathBuf,
    /// Whether decoys stand in for tripwires, for want of FUSE.
    pub decoys: bool,
}

/// A run that can be started.
pub struct Plan {
    /// For `contain`.
    pub launch: Launch,
    /// The home, when there is one.
    pub home: Option<PathBuf>,
    /// Variables that were left out.
    pub stripped: Vec<String>,
    /// What is protected and what has a tripwire in the work directory.
    pub found: sight::Found,
    /// Folders of the work directory that the profile had nobody look at.
    pub skipped: Vec<PathBuf>,
    /// What is installed in the work directory's environments.
    pub installed: Vec<String>,
    /// Sentences for the one who starts it.
    pub notes: Vec<String>,
}

/// Why there is no plan. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Everything would be writable.
    #[error("{} cannot be a work directory: a run may write there, and everything is below it\n  help: start the run in the project's own folder", .0.display())]
    TooWide(PathBuf),
    /// It cannot be looked through, and what was not looked at cannot be kept.
    #[error(
        "the work directory holds more than can be looked through before a run: {count} folders were not looked at, {} among them\n  help: name the folders that need no looking at, such as data sets, in a profile: [files] skip = [\"data\"]",
        .first.display()
    )]
    TooLarge {
        /// How many folders at least.
        count: usize,
        /// One of them.
        first: PathBuf,
    },
    /// The record would be the run's to change.
    #[error(
        "Bulkhead's own data in {} lies in the work directory, and nothing here keeps the run from it\n  help: keep it elsewhere: --data",
        .0.display()
    )]
    DataInReach(PathBuf),
    /// It is not there.
    #[error("the work directory {} cannot be used: {source}", .path.display())]
    NotThere {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder that the profile opens cannot be made.
    #[error(
        "{}, which the profile lets the program write, is not there and cannot be made: {source}\n  help: make it, or take it out of [files] write",
        .path.display()
    )]
    NotMade {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The command to run.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// Makes the plan. Reads the machine, changes nothing.
///
/// # Errors
/// When the work directory is none.
pub fn plan(
    run: RunId,
    caller: &Caller,
    command: Command,
    profile: &Profile,
    layers: Layers,
    watcher: Watcher,
) -> Result<Plan, PlanError> {
    plan_within(run, caller, command, profile, layers, watcher, sight::MOST)
}

pub(super) fn plan_within(
    run: RunId,
    caller: &Caller,
    command: Command,
    profile: &Profile,
    layers: Layers,
    watcher: Watcher,
    most: sight::Most,
) -> Result<Plan, PlanError> {
    let there =
        |path: &Path| fs::canonicalize(path).map_err(|source| PlanError::NotThere { path: path.to_owned(), source });
    let work_dir = there(&caller.work_dir)?;
    let variable = |name: &str| caller.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let home = variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute() && home.is_dir());
    let home = home.and_then(|home| fs::canonicalize(home).ok()).filter(|home| home.parent().is_some());
    if work_dir.parent().is_none() || home.as_ref().is_some_and(|home| home.starts_with(&work_dir)) {
        return Err(PlanError::TooWide(work_dir));
    }

    let all = |paths: &[String]| -> Vec<PathBuf> {
        let path = |text: &String| resolve(text, &work_dir, home.as_deref());
        paths.iter().filter_map(path).filter_map(|path| fs::canonicalize(path).ok()).collect()
    };
    // What the profile lets it write is there when it ends: made now, by whom the folder will belong to.
    let made = make_missing(profile, &work_dir, home.as_deref())?;
    let mut environment = environment::strip(caller.environment.clone(), &profile.environment.keep);
    environment.kept.retain(|(name, _)| !profile.environment.remove.contains(name.to_string_lossy().as_ref()));
    environment.kept.retain(|(name, _)| name != "TMPDIR" && name != "TMP" && name != "TEMP");
    environment.kept.push(("BULKHEAD_RUN".into(), run.to_string().into()));

    let mut hidden = if layers.has(Layer::Files) || layers.has(Layer::Landlock) {
        sight::hidden(home.as_deref())
    } else {
        Vec::new()
    };
    if !layers.has(Layer::Files) {
        // Where no mount puts it out of sight, landlock does.
        hidden.extend(fs::canonicalize(&caller.data));
    }
    let path: Vec<PathBuf> = variable("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
    let named = |names: &[&str]| names.iter().filter_map(|name| variable(name)).map(PathBuf::from).collect::<Vec<_>>();
    let mut readable = sight::tools(home.as_deref(), &hidden, &path, &named(credentials::TOOL_VARIABLES));
    let kept_beside = named(credentials::SCRATCH_VARIABLES);
    let kept_beside: Vec<PathBuf> = kept_beside.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    let scratch = |path: &PathBuf| {
        credentials::SCRATCH_TOOLS.iter().any(|name| path.ends_with(name)) || kept_beside.contains(path)
    };
    let mut scratch: Vec<PathBuf> = readable.iter().filter(|path| scratch(path)).cloned().collect();
    readable.extend(all(&profile.files.read));
    for tools in [&mut readable, &mut scratch] {
        tools.retain(|path| !path.starts_with(&work_dir) && !work_dir.starts_with(path));
    }
    let sees_home = !layers.has(Layer::Files);
    let mut tripwires = tripwires_of_home(home.as_deref(), profile, &work_dir, &readable, sees_home);
    let files: Vec<PathBuf> = tripwires.iter().map(|tripwire| tripwire.path.clone()).collect();
    let keys = key_files(&files);
    let skip = all(&profile.files.skip);
    let found = sight::look(&work_dir, &keys, &skip, most);
    let mut notes = Vec::new();
    if !profile.network.hosts.is_empty() {
        notes.push(
            "the profile's [network] hosts are a note: what may be reached stands in policy.toml, [settings] hosts"
                .to_owned(),
        );
    }
    match found.unseen.as_slice() {
        [] => {}
        [first, ..] if layers.has(Layer::Files) => {
            return Err(PlanError::TooLarge { count: found.unseen.len(), first: first.clone() });
        }
        [first, ..] => {
            notes.push(format!("{} folders were not looked at, {} among them", found.unseen.len(), first.display()));
        }
    }
    if let (true, true, Some(home)) = (sees_home, layers.has(Layer::Tripwires), &home) {
        let (names, missing) = sight::other_names(&keys, home, most);
        // What a folder covers is covered already; those of the work directory are found with its own.
        let covered = |path: &PathBuf| path.starts_with(&work_dir) || files.iter().any(|file| path.starts_with(file));
        let names = names.into_iter().filter(|path| !covered(path));
        tripwires.extend(names.map(|path| Tripwire { path, bait: Bait::File }));
        notes.extend(
            missing
                .iter()
                .map(|path| format!("{} has another name, which was not found and is not covered", path.display())),
        );
    }

    let mut plan = Plan {
        launch: Launch {
            program: command.program,
            args: command.args,
            env: environment.kept,
            work_dir: work_dir.clone(),
            layers,
            decoys: caller.decoys && (layers.has(Layer::Files) || layers.has(Layer::Processes)),
            accepted: Vec::new(),
            files: FileRules {
                masked: sight::sockets(&hidden),
                hidden,
                readable,
                scratch,
                writable: all(&profile.files.write),
                ..FileRules::default()
            },
            tripwires,
            places: if layers.has(Layer::Network) { resolver() } else { Vec::new() },
            limits: limits(profile),
            run_as: None,
            watcher,
        },
        home: home.clone(),
        stripped: environment.names,
        installed: sight::installed(&found.protected),
        found,
        skipped: skip,
        notes,
    };
    let unprotected: BTreeSet<PathBuf> = all(&profile.files.unprotect).into_iter().collect();
    let open = |path: &&PathBuf| unprotected.iter().any(|open| path.starts_with(open));
    plan.launch.files.protected = plan.found.protected.iter().filter(|path| !open(path)).cloned().collect();
    // What earlier runs planted is no run's to change.
    let aside = work_dir.join(super::aside::FOLDER);
    plan.launch.files.protected.extend(Some(aside).filter(|path| real(path).is_some_and(|meta| meta.is_dir())));
    plan.hide_secrets_of_work_dir(profile);
    plan.hide_own_data(&caller.data)?;
    if plan.launch.decoys {
        super::decoy::fill(&mut plan.launch.tripwires);
    }
    if caller.root {
        plan.leave_root(caller.behind);
        if let Some(RunAs { uid, gid, instead_of: None }) = plan.launch.run_as {
            for path in &made {
                std::os::unix::fs::chown(path, Some(uid), Some(gid))
                    .map_err(|source| PlanError::NotMade { path: path.clone(), source })?;
            }
        }
    }
    Ok(plan)
}

impl Plan {
    /// Whether something stands where credentials are that tells of who comes.
    fn trips(&self) -> bool {
        self.launch.layers.has(Layer::Tripwires) || self.launch.decoys
    }

    fn hide_secrets_of_work_dir(&mut self, profile: &Profile) {
        if profile.files.dotenv {
            return;
        }
        for path in &self.found.secrets {
            if self.trips() {
                self.launch.tripwires.push(Tripwire { path: path.clone(), bait: Bait::File });
            } else {
                self.launch.files.masked.push(path.clone());
            }
        }
    }

    /// The record of a run, and the secrets it does not get, are nothing that it may see.
    fn hide_own_data(&mut self, data: &Path) -> Result<(), PlanError> {
        let Ok(data) = fs::canonicalize(data) else { return Ok(()) };
        self.launch.files.masked.retain(|path| !path.starts_with(&data));
        let layers = self.launch.layers;
        if self.trips() {
            self.launch.tripwires.push(Tripwire { path: data, bait: Bait::Folder });
        } else if layers.has(Layer::Files) {
            self.launch.files.covered.push(data);
        } else if data.starts_with(&self.launch.work_dir) {
            return Err(PlanError::DataInReach(data));
        }
        Ok(())
    }

    /// A folder of its own for temporary files, for a run that has no view of files of its own and with it no `/tmp`.
    pub fn give_temporary(&mut self, folder: PathBuf) {
        self.launch.env.push(("TMPDIR".into(), folder.clone().into()));
        self.launch.files.writable.push(folder);
    }

    /// A run is never root's: the user behind sudo, the owner of the work directory, or nobody, who then is its owner.
    fn leave_root(&mut self, behind: Option<(u32, u32)>) {
        const NOBODY: u32 = 65_534;
        let owner = fs::metadata(&self.launch.work_dir).map_or((0, 0), |meta| (meta.uid(), meta.gid()));
        let (uid, gid) = behind.filter(|(uid, _)| *uid != 0).unwrap_or(owner);
        let uid = if uid == 0 { NOBODY } else { uid };
        let gid = if gid == 0 { NOBODY } else { gid };
        let instead_of = (owner.0 == 0).then_some(owner);
        self.launch.run_as = Some(RunAs { uid, gid, instead_of });
        self.notes.push(format!("root starts it; the program is user {uid}"));
    }

    /// The digest of what is installed, by which a run is found from a release.
    pub fn environment_digest(&self) -> Sha256 {
        digest(self.installed.join("\n").as_bytes())
    }

    /// Where tools keep what they download, for this run only.
    pub fn downloads(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let folders = credentials::SCRATCH_DOWNLOADS;
        self.launch.files.scratch.iter().flat_map(move |tools| folders.iter().map(|name| tools.join(name)))
    }

    /// Something that is put in front of everything else: the variables and files of another part of the product.
    pub fn add(
        &mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        places: impl IntoIterator<Item = (PathBuf, Vec<u8>)>,
    ) {
        for (name, value) in variables {
            self.launch.env.retain(|(known, _)| *known != name);
            self.launch.env.push((name, value));
        }
        self.launch.places.extend(places.into_iter().map(|(path, content)| Place { path, content }));
    }
}

/// SHA-256.
pub fn digest(bytes: &[u8]) -> Sha256 {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    Sha256::from_bytes(out)
}

/// `sees_home` where the home is not put out of sight: a link there leads to what it leads to, and that is what is covered.
/// Elsewhere there is nothing at the link's place, and the tripwire takes it.
fn tripwires_of_home(
    home: Option<&Path>,
    profile: &Profile,
    work_dir: &Path,
    tools: &[PathBuf],
    sees_home: bool,
) -> Vec<Tripwire> {
    let mut tripwires: Vec<Tripwire> = Vec::new();
    let place = |path: PathBuf| if sees_home { fs::canonicalize(&path).unwrap_or(path) } else { path };
    let mut add = |path: PathBuf, folder: bool, there: bool| {
        let path = place(path);
        let wide = work_dir.starts_with(&path) || home.is_some_and(|home| home.starts_with(&path));
        if wide || tripwires.iter().any(|known| known.path == path) {
            return;
        }
        let deny = there && profile.tripwires.mode == Mode::Deny;
        let bait = match (folder, deny) {
            (true, true) => Bait::Folder,
            (true, false) => Bait::EmptyFolder,
            (false, _) => Bait::File,
        };
        tripwires.push(Tripwire { path, bait });
    };
    for (names, always) in [(credentials::ALWAYS, true), (credentials::FOLDERS, false)] {
        for path in home.into_iter().flat_map(|home| names.iter().map(|name| home.join(name))) {
            let there = path.is_dir();
            if there || always && path.symlink_metadata().is_err() {
                add(path, true, there);
            }
        }
    }
    for path in credentials::OF_THE_MACHINE.iter().filter_map(|path| fs::canonicalize(path).ok()) {
        add(path, true, true);
    }
    let of_tools = tools.iter().flat_map(|tools| credentials::TOOL_FILES.iter().map(|name| tools.join(name)));
    let of_home = home.into_iter().flat_map(|home| credentials::FILES.iter().map(|name| home.join(name)));
    for path in of_home.chain(of_tools).collect::<BTreeSet<_>>() {
        if path.is_file() {
            add(path, false, true);
        }
    }
    for path in profile.tripwires.also.iter().filter_map(|text| resolve(text, work_dir, home)) {
        if let Ok(meta) = fs::metadata(&path) {
            add(path, meta.is_dir(), true);
        }
    }
    for path in profile.tripwires.canary.iter().filter_map(|text| resolve(text, work_dir, home)) {
        tripwires.retain(|tripwire| tripwire.path != path);
        tripwires.push(Tripwire { bait: super::decoy::canary_for(&path), path });
    }
    tripwires
}

/// Makes the folders that a profile opens and that are not there yet. Gives those it made.
fn make_missing(profile: &Profile, work_dir: &Path, home: Option<&Path>) -> Result<Vec<PathBuf>, PlanError> {
    let mut made = Vec::new();
    for path in profile.files.write.iter().filter_map(|text| resolve(text, work_dir, home)) {
        let missing: Vec<PathBuf> =
            path.ancestors().take_while(|above| above.symlink_metadata().is_err()).map(Path::to_path_buf).collect();
        if !missing.is_empty() {
            fs::create_dir_all(&path).map_err(|source| PlanError::NotMade { path: path.clone(), source })?;
            made.extend(missing);
        }
    }
    Ok(made)
}

fn real(path: &Path) -> Option<fs::Metadata> {
    fs::symlink_metadata(path).ok().filter(|meta| !meta.is_symlink())
}

/// How deep folders of secrets are gone into, and files of one that are taken: a browser's profile has thousands.
const DEEPEST: usize = 3;
const MOST_KEYS: usize = 500;

/// Files whose content is a secret, with those inside folders of secrets: what a hard link may be to.
fn key_files(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        let mut open = vec![(path.clone(), 0)];
        let first = files.len();
        while let Some((path, depth)) = open.pop() {
            match fs::read_dir(&path) {
                Ok(entries) if depth < DEEPEST => open.extend(entries.flatten().map(|entry| (entry.path(), depth + 1))),
                Err(_) if files.len() - first < MOST_KEYS => files.push(path),
                _ => {}
            }
        }
    }
    files
}

fn limits(profile: &Profile) -> RunLimits {
    let default = RunLimits::default();
    RunLimits {
        processes: profile.limits.processes.unwrap_or(default.processes),
        memory: profile.limits.memory.map(|mebibytes| mebibytes << 20),
        temporary: profile.limits.temporary.map_or(default.temporary, |mebibytes| mebibytes << 20),
    }
}

/// Names are asked of the supervisor, by every resolver: libc reads both files, others the first.
fn resolver() -> Vec<Place> {
    let place = |path: &str, content: String| {
        // Where the file is a link, what it leads to is covered: the link itself cannot be.
        let path = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
        Place { path, content: content.into_bytes() }
    };
    let switch = fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default();
    let mut lines: Vec<&str> = switch.lines().filter(|line| !line.trim_start().starts_with("hosts:")).collect();
    lines.push("hosts: files dns\n");
    vec![
        place("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n".to_owned()),
        place("/etc/nsswitch.conf", lines.join("\n")),
    ]
}

/// A watcher that is chosen later: what a launch is made with before there is anybody to tell.
pub fn late_watcher() -> (Watcher, Arc<std::sync::OnceLock<Watcher>>) {
    let late: Arc<std::sync::OnceLock<Watcher>> = Arc::default();
    let told = Arc::clone(&late);
    let watcher: Watcher = Arc::new(move |seen| {
        if let Some(watcher) = told.get() {
            watcher(seen);
        }
    });
    (watcher, late)
}

/// The name of a program, without its folder.
pub fn base_name(program: &OsStr) -> String {
    Path::new(program).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
