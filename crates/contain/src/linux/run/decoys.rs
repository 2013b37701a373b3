//! Where there is no FUSE: a decoy over each credential path, and a watch on it.
//!
//! The kernel tells of every decoy that is opened, by name and across mount namespaces (inotify(7)), but not who opened it, and
//! only of what could be opened: so a decoy can be read, and what stands in it is worth nothing. What is not there is looked
//! for without a trace. That is what this has less than the tripwires, at no cost elsewhere either.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::{fs, io};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use crate::run::{Answer, Bait, Tripwire};

/// The name of a decoy on the stage.
pub(super) fn name(index: usize) -> String {
    format!("decoy{index}")
}

/// Whether a folder stands there.
pub(super) fn is_folder(bait: &Bait) -> bool {
    !matches!(bait, Bait::File | Bait::CanaryFile(_))
}

/// Makes the decoys on the stage, in order, and watches them. Gives the watch, and one line for each: its number in the watch
/// and its index.
pub(super) fn make(stage: &Path, wires: &[Tripwire]) -> io::Result<(OwnedFd, String)> {
    let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let mut lines = String::new();
    for (index, wire) in wires.iter().enumerate() {
        let path = stage.join(name(index));
        if is_folder(&wire.bait) {
            fs::DirBuilder::new().mode(0o700).create(&path)?;
            if let Bait::CanaryFolder(files) = &wire.bait {
                files.iter().try_for_each(|(name, content)| write(&path.join(name), content))?;
            }
        } else {
            write(&path, if let Bait::CanaryFile(content) = &wire.bait { content } else { b"" })?;
        }
        let number = inotify::add_watch(&watch, &path, WatchFlags::OPEN)?;
        lines.push_str(&format!("{number} {index}\n"));
    }
    Ok((watch, lines))
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    use io::Write as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(content)
}

/// Who is told: path, verb and answer.
type Told = Box<dyn Fn(PathBuf, &'static str, Answer) + Send + Sync>;

/// Who listens to the watch, until it is told that the run is over.
pub(super) struct Listening {
    heard: Arc<Heard>,
    over: OwnedFd,
    thread: JoinHandle<()>,
}

struct Heard {
    watch: OwnedFd,
    numbers: HashMap<i32, usize>,
    wires: Vec<Tripwire>,
    told: Told,
    /// Held while what was heard is told.
    telling: Mutex<()>,
}

impl Listening {
    /// Begins to listen. `lines` are those of [`make`].
    pub(super) fn start(watch: OwnedFd, lines: &str, wires: Vec<Tripwire>, told: Told) -> io::Result<Self> {
        let pair =
            |line: &str| line.split_once(' ').and_then(|(one, two)| Some((one.parse().ok()?, two.parse().ok()?)));
        let numbers = lines.lines().filter_map(pair).collect();
        let heard = Arc::new(Heard { watch, numbers, wires, told, telling: Mutex::default() });
        let over = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let (listening, stop) = (Arc::clone(&heard), over.try_clone()?);
        let listen = move || {
            loop {
                let mut waits = [PollFd::new(&listening.watch, PollFlags::IN), PollFd::new(&stop, PollFlags::IN)];
                match poll(&mut waits, None) {
                    Ok(_) => {}
                    Err(rustix::io::Errno::INTR) => continue,
                    Err(_) => return,
                }
                let over = !waits[1].revents().is_empty();
                // What was opened before the end is waiting by now: the kernel puts it there before open(2) returns.
                listening.tell();
                if over {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("decoys".to_owned()).spawn(listen)?;
        Ok(Self { heard, over, thread })
    }

    /// From here on it is the program that opens something. What the making of the decoys opened has been told by then.
    pub(super) fn live(&self, live: &AtomicBool) {
        let telling = self.heard.telling.lock().unwrap_or_else(PoisonError::into_inner);
        self.heard.drain();
        live.store(true, Ordering::Release);
        drop(telling);
    }

    /// Waits until everything that was seen is told.
    pub(super) fn finish(self) {
        let _ = rustix::io::write(&self.over, &1_u64.to_ne_bytes());
        // It ends of itself; one that panicked has told what it could.
        drop(self.thread.join());
    }
}

impl Heard {
    fn tell(&self) {
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        self.drain();
    }

    fn drain(&self) {
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut reader = inotify::Reader::new(self.watch.as_fd(), &mut buffer);
        while let Ok(event) = reader.next() {
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                (self.told)(PathBuf::from("more decoys than the kernel could count"), "read", Answer::Decoy);
                continue;
            }
            // The end of the mounts is told too.
            if !event.events().contains(ReadFlags::OPEN) {
                continue;
            }
            let wire = self.numbers.get(&event.wd()).and_then(|index| self.wires.get(*index));
            let Some(wire) = wire else { continue };
            let (path, verb) = match event.file_name() {
                Some(name) => (wire.path.join(OsStr::from_bytes(name.to_bytes())), "read"),
                None => (wire.path.clone(), if is_folder(&wire.bait) { "list" } else { "read" }),
            };
            let absent = wire.bait == Bait::EmptyFolder;
            (self.told)(path, verb, if absent { Answer::Absent } else { Answer::Decoy });
        }
    }
}
