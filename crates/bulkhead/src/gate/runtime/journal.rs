//! Runs under way, one file each in the data folder, locked by its supervisor for as long as that lives. A file that nobody
//! locks is of a supervisor that was killed: whoever starts next finishes what it could not.
//!
//! The kernel lets go of a lock when its holder is gone, however it went. What the run planted may be there a moment later
//! still, until its processes have followed: so its first process is waited for, which ends after all others.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bulkhead_core::RunId;
use jiff::Timestamp;
use rustix::event::Timespec;
use serde::{Deserialize, Serialize};

use super::aside::{self, After, Before};

/// How long the processes of a dead supervisor may take to follow it.
const FOLLOW: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Page {
    run: RunId,
    principal: String,
    started: Timestamp,
    /// The first process of the run: its number, and when it began, in the kernel's ticks.
    first: Option<(i32, u64)>,
    before: Before,
    /// What was put aside already, by somebody who could not record it.
    #[serde(default)]
    moved: Vec<PathBuf>,
    #[serde(default)]
    appeared: Vec<PathBuf>,
    #[serde(default)]
    changed: Vec<PathBuf>,
}

/// The page of a run under way.
pub struct Journal {
    path: PathBuf,
    lock: File,
}

/// A run whose supervisor was killed. What it planted is put aside; that this happened is to be recorded.
pub struct Dead {
    journal: Journal,
    /// Which.
    pub run: RunId,
    /// Whose.
    pub principal: String,
    /// When it began.
    pub started: Timestamp,
    /// What is different since.
    pub after: After,
}

fn folder(data: &Path) -> PathBuf {
    data.join("runs")
}

/// Opens the page, before the program starts. `first` is the run's first process.
///
/// # Errors
/// When it cannot be written durably.
pub fn open(
    data: &Path,
    run: RunId,
    principal: &str,
    started: Timestamp,
    first: Option<i32>,
    before: &Before,
) -> io::Result<Journal> {
    crate::files::make_folder(&folder(data))?;
    let page = Page {
        run,
        principal: principal.to_owned(),
        started,
        first: first.and_then(|pid| began(pid).map(|began| (pid, began))),
        before: before.clone(),
        moved: Vec::new(),
        appeared: Vec::new(),
        changed: Vec::new(),
    };
    // Between the making and the locking nobody may take it for a dead one's.
    let _turn = crate::files::turn(&folder(data).join("lock"))?;
    let path = folder(data).join(format!("{run}.json"));
    let lock = crate::files::lock(&path)?.ok_or_else(|| io::Error::other("somebody else has the page of this run"))?;
    write(&lock, &page)?;
    File::open(folder(data))?.sync_all()?;
    Ok(Journal { path, lock })
}

fn write(mut file: &File, page: &Page) -> io::Result<()> {
    use std::io::Seek as _;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(page)?)?;
    file.sync_all()
}

impl Journal {
    /// The run is over, and everything of it is done.
    ///
    /// # Errors
    /// When the page cannot be removed; it is finished again then.
    pub fn close(self) -> io::Result<()> {
        // Where the machine goes down in this moment, it is finished once more, and nothing is found.
        crate::files::remove(&self.path)
    }
}

impl Dead {
    /// What was found is recorded.
    ///
    /// # Errors
    /// When the page cannot be removed.
    pub fn recorded(self) -> io::Result<()> {
        self.journal.close()
    }
}

/// Finishes every run whose supervisor is gone: what it planted is moved away. What came of each, and sentences about those
/// that could not be finished. Starts no thread.
pub fn finish(data: &Path) -> (Vec<Dead>, Vec<String>) {
    finish_within(data, &FOLLOW)
}

pub(super) fn finish_within(data: &Path, patience: &Timespec) -> (Vec<Dead>, Vec<String>) {
    let (mut dead, mut failed) = (Vec::new(), Vec::new());
    if !folder(data).is_dir() {
        return (dead, failed);
    }
    match pages(data) {
        Ok(pages) => {
            for (path, lock) in pages {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                match finish_one(Journal { path, lock }, patience) {
                    Ok(Some(one)) => dead.push(one),
                    Ok(None) => {}
                    Err(why) => {
                        failed.push(format!("run {name} was not ended in order, and cannot be finished: {why}"))
                    }
                }
            }
        }
        Err(why) => failed.push(format!("whether runs were not ended in order cannot be told: {why}")),
    }
    (dead, failed)
}

/// The pages that nobody locks; now this process does.
fn pages(data: &Path) -> io::Result<Vec<(PathBuf, File)>> {
    let _turn = crate::files::turn(&folder(data).join("lock"))?;
    let mut pages = Vec::new();
    for path in crate::files::list(&folder(data))? {
        if path.extension().is_some_and(|end| end == "json")
            && let Some(lock) = lock_there(&path)?
        {
            pages.push((path, lock));
        }
    }
    Ok(pages)
}

/// As `files::lock`, of a file that is there.
fn lock_there(path: &Path) -> io::Result<Option<File>> {
    let file = match fs::OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(why)) => Err(why),
    }
}

fn finish_one(journal: Journal, patience: &Timespec) -> io::Result<Option<Dead>> {
    let bytes = fs::read(&journal.path)?;
    if bytes.is_empty() {
        // Killed before the page was written, and so before its program started.
        return journal.close().map(|()| None);
    }
    let mut page: Page = serde_json::from_slice(&bytes)?;
    if let Some((pid, then)) = page.first {
        gone(pid, then, patience)?;
    }
    let now = aside::put_aside(&page.before, &page.run.to_string())?;
    page.moved.extend(now.moved);
    page.appeared = now.appeared;
    page.changed = now.changed;
    write(&journal.lock, &page)?;
    let Page { run, principal, started, moved, appeared, changed, .. } = page;
    Ok(Some(Dead { journal, run, principal, started, after: After { moved, appeared, changed, unseen: now.unseen } }))
}

/// When a process began, in ticks since the machine did: field 22 of proc(5)'s `stat`, behind a name that may hold anything.
fn began(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Elsewhere there are no runs, and no process of one.
#[cfg(not(target_os = "linux"))]
fn gone(_: i32, _: u64, _: &Timespec) -> io::Result<()> {
    Ok(())
}

/// Waits for the end of that process.
#[cfg(target_os = "linux")]
fn gone(pid: i32, then: u64, patience: &Timespec) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags};
    let Some(known) = rustix::process::Pid::from_raw(pid) else { return Ok(()) };
    let Ok(process) = rustix::process::pidfd_open(known, rustix::process::PidfdFlags::empty()) else { return Ok(()) };
    // Asked after it is held: the number may be another process's by now.
    if began(pid) != Some(then) {
        return Ok(());
    }
    let mut wait = [PollFd::new(&process, PollFlags::IN)];
    match rustix::event::poll(&mut wait, Some(patience))? {
        0 => Err(io::Error::other(format!("its first process {pid} has not ended"))),
        _ => Ok(()),
    }
}
