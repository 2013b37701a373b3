//! The operating system's keyring, through its own command: `secret-tool` of libsecret. A key goes in by standard input
//! and comes out by standard output; no command line and no file holds it.

use std::ffi::OsString;
use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bulkhead_core::Secret;
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::config::env::{self, Env};

const PROGRAM: &str = "secret-tool";
/// Longer than any keyring that is open takes. One that asks somebody for a password is asked again afterwards.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than this is no key and no sentence.
const MOST: usize = 16 << 10;

/// The keyring cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// No command.
    #[error(
        "the sealing key is kept in the operating system's keyring, and its command secret-tool is not on PATH; install it \
         (Debian: libsecret-tools), or, while there are no secrets, name another place: [secrets] key = \"file\""
    )]
    Missing,
    /// It cannot be started.
    #[error("{} cannot be started: {why}", program.display())]
    Started {
        /// What was found on PATH.
        program: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// Time is up.
    #[error(
        "the keyring did not answer within {} seconds: it may wait for its password; unlock it, and try again",
        PATIENCE.as_secs()
    )]
    Slow,
    /// It said no.
    #[error(
        "the keyring cannot be used: {0}; unlock it, and run this in a session that has one (DBUS_SESSION_BUS_ADDRESS)"
    )]
    Refused(String),
    /// It holds the key, and keeps it to itself.
    #[error("the keyring is locked: it has the sealing key {0} and does not give it; unlock it, and try again")]
    Locked(String),
    /// It says that it holds the key, and does not.
    #[error("the keyring took the new sealing key and does not give it back; nothing was sealed with it")]
    NotKept,
}

/// What of the environment is needed to ask it.
#[derive(Clone)]
pub struct Keyring {
    path: OsString,
    variables: Vec<(&'static str, OsString)>,
    /// Folders whose programs are the project's, not the system's.
    not_from: Vec<PathBuf>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring")
    }
}

impl Keyring {
    /// The keyring of whoever has that environment and works in that folder.
    pub fn new(env: &Env, folder: Option<PathBuf>) -> Self {
        let needed = [env::DBUS_SESSION_BUS_ADDRESS, env::HOME, env::PATH, env::XDG_RUNTIME_DIR];
        let value = |variable: env::Variable| Some((variable.name, env.os(variable)?.to_owned()));
        Self {
            path: env.os(env::PATH).unwrap_or_default().to_owned(),
            variables: needed.into_iter().filter_map(value).collect(),
            not_from: folder.into_iter().chain(env.path(env::VIRTUAL_ENV)).collect(),
        }
    }

    /// The key with that id; `None` when there is none.
    pub(super) fn get(&self, id: &str) -> Result<Option<Secret>, KeyringError> {
        let (status, said, complaint) = self.ask(&["lookup", "service", "bulkhead", "sealing-key", id], "")?;
        let said = said.trim();
        if status.success() && !said.is_empty() {
            return Ok(Some(Secret::new(said)));
        }
        if !complaint.is_empty() {
            return Err(KeyringError::Refused(complaint));
        }
        // A locked keyring that nobody unlocks answers just like one without the key. What it has, it lists all the same.
        let (_, listed, complaint) = self.ask(&["search", "service", "bulkhead", "sealing-key", id], "")?;
        match listed.contains(id) || complaint.contains(id) {
            true => Err(KeyringError::Locked(id.to_owned())),
            false => Ok(None),
        }
    }

    /// Keeps the key, and proves it.
    pub(super) fn put(&self, id: &str, key: &Secret) -> Result<(), KeyringError> {
        let label = format!("--label=Bulkhead sealing key {id}");
        let words = ["store", &label, "service", "bulkhead", "sealing-key", id];
        let (status, _, complaint) = self.ask(&words, key.reveal())?;
        if !status.success() {
            let complaint = if complaint.is_empty() { format!("{PROGRAM} ended with {status}") } else { complaint };
            return Err(KeyringError::Refused(complaint));
        }
        match self.get(id)? {
            Some(kept) if kept == *key => Ok(()),
            _ => Err(KeyringError::NotKept),
        }
    }

    /// Forgets the key; whether it did.
    pub(super) fn forget(&self, id: &str) -> bool {
        let asked = self.ask(&["clear", "service", "bulkhead", "sealing-key", id], "");
        asked.is_ok_and(|(status, ..)| status.success())
    }

    /// How it ended, what it said, and the first line of what it complained of.
    fn ask(&self, words: &[&str], input: &str) -> Result<(ExitStatus, String, String), KeyringError> {
        let program = self.program().ok_or(KeyringError::Missing)?;
        let fault = |why| KeyringError::Started { program: program.clone(), why };
        #[expect(
            clippy::disallowed_methods,
            reason = "the user's own keyring is asked, in the user's own session; it reads nothing hostile"
        )]
        let mut command = Command::new(&program);
        command.args(words).current_dir("/").env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(fault)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A pipe holds more than a key. Who does not read it says why by itself.
            drop(stdin.write_all(input.as_bytes()));
        }
        let ended = follow(&mut child, Instant::now() + PATIENCE);
        if !matches!(ended, Ok(Some(_))) {
            end(&mut child);
        }
        let (status, said, complaint) = ended.map_err(fault)?.ok_or(KeyringError::Slow)?;
        let first = complaint.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        // A program that repeats its input must not bring the key into a message.
        let first = if input.is_empty() { first.to_owned() } else { first.replace(input, "...") };
        let first = first.trim().strip_prefix("secret-tool: ").unwrap_or(first.trim());
        Ok((status, said, first.chars().filter(|char| !char.is_control()).take(300).collect()))
    }

    /// The first one on PATH that a project did not bring: what was planted in an environment must not be handed the key.
    fn program(&self) -> Option<PathBuf> {
        let projects = |folder: &Path| {
            let environment = folder.parent().is_some_and(|parent| parent.join("pyvenv.cfg").exists());
            environment
                || folder.iter().any(|part| part == "node_modules")
                || self.not_from.iter().any(|not_from| folder.starts_with(not_from))
        };
        let folders = std::env::split_paths(&self.path).filter(|folder| folder.is_absolute());
        let folders = folders.filter_map(|folder| folder.canonicalize().ok()).filter(|folder| !projects(folder));
        folders.map(|folder| folder.join(PROGRAM)).find(|program| {
            use std::os::unix::fs::PermissionsExt as _;
            program.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
        })
    }
}

/// How the child ends and what it says; `None` past the deadline. Without a thread: the launcher forks after this.
fn follow(child: &mut Child, deadline: Instant) -> io::Result<Option<(ExitStatus, String, String)>> {
    let (mut out, mut complaint) = (child.stdout.take(), child.stderr.take());
    let (mut said, mut complained) = (Vec::new(), Vec::new());
    for pipe in [out.as_ref().map(AsFd::as_fd), complaint.as_ref().map(AsFd::as_fd)].into_iter().flatten() {
        rustix::io::ioctl_fionbio(pipe, true)?;
    }
    loop {
        // Asked before the pipes are read: what a child that has ended said is in them.
        let status = child.try_wait()?;
        take(&mut out, &mut said)?;
        take(&mut complaint, &mut complained)?;
        if let Some(status) = status {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            return Ok(Some((status, text(&said), text(&complained))));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        let pipes: Vec<BorrowedFd<'_>> =
            [out.as_ref().map(AsFd::as_fd), complaint.as_ref().map(AsFd::as_fd)].into_iter().flatten().collect();
        let mut waits: Vec<PollFd<'_>> = pipes.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
        // A child's end wakes nobody who waits for its pipes when another process has them too.
        let short = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
        match rustix::event::poll(&mut waits, Some(&short)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(why) => return Err(why.into()),
        }
    }
}

/// What a pipe holds now; the pipe is gone when it has ended.
fn take(pipe: &mut Option<impl Read>, into: &mut Vec<u8>) -> io::Result<()> {
    let mut bytes = [0; 4096];
    while let Some(open) = pipe {
        if into.len() >= MOST {
            *pipe = None;
            return Ok(());
        }
        match open.read(&mut bytes) {
            Ok(0) => *pipe = None,
            Ok(read) => into.extend_from_slice(&bytes[..read]),
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

/// Ends the child and what it started.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    let ended = group.map(|group| rustix::process::kill_process_group(group, rustix::process::Signal::KILL));
    if !matches!(ended, Some(Ok(()))) {
        drop(child.kill());
    }
    drop(child.wait());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a child to wait for")]
    fn shell(script: &str) -> Child {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).spawn().unwrap()
    }

    #[test]
    fn a_keyring_that_never_answers_is_given_up_and_ended() {
        let mut child = shell("while :; do :; done");
        assert!(follow(&mut child, Instant::now()).unwrap().is_none());
        end(&mut child);
        assert!(!child.wait().unwrap().success());
        let mut child = shell("while :; do echo and so on; done");
        // Output without end: the pipe is closed, and the writer ends by that.
        let (status, said, _) = follow(&mut child, Instant::now() + Duration::from_secs(60)).unwrap().unwrap();
        assert!(!status.success() && said.len() < 2 * MOST, "{status} {}", said.len());
    }

    #[test]
    fn a_keyring_that_closes_its_output_or_leaves_it_to_another_is_waited_for() {
        let patient = || Instant::now() + Duration::from_secs(60);
        let mut child = shell("exec >&- 2>&-; exit 3");
        assert_eq!(follow(&mut child, patient()).unwrap().unwrap().0.code(), Some(3));
        let mut child = shell("(while :; do :; done) & echo $!; exit 4");
        let (status, said, _) = follow(&mut child, patient()).unwrap().unwrap();
        assert_eq!(status.code(), Some(4));
        let left = rustix::process::Pid::from_raw(said.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
    }

    #[test]
    fn what_a_project_brought_is_not_the_keyrings_command() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let bins =
            ["project/bin", "env/bin", "active/bin", "x/node_modules/.bin", "system/bin"].map(|bin| root.join(bin));
        for bin in &bins {
            std::fs::create_dir_all(bin).unwrap();
            std::fs::write(bin.join(PROGRAM), "").unwrap();
            std::fs::set_permissions(bin.join(PROGRAM), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::fs::write(root.join("env/pyvenv.cfg"), "").unwrap();
        let on = |bins: &[PathBuf]| {
            let path = std::env::join_paths(bins).unwrap();
            let active = root.join("active").into_os_string();
            let env = Env::of([(env::PATH, path), (env::VIRTUAL_ENV, active)]);
            Keyring::new(&env, Some(root.join("project"))).program()
        };
        assert_eq!(on(&bins), Some(bins[4].join(PROGRAM)));
        assert_eq!(on(&bins[..4]), None);
        assert_eq!(on(&["system/bin".into()]), None, "a relative folder is wherever somebody stands");
    }
}
