//! The supervisor's side of a contained run: start, look on, wait for the end.

mod decoys;
mod domain;
mod filter;
mod fuse;
mod inside;
mod lacking;
mod mounts;
mod net;
mod nft;
mod notify;
mod outer;
mod packets;
mod terminal;
mod user;
mod wire;
mod witness;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};

use rustix::event::{PollFd, PollFlags};

pub use lacking::lacking;
pub use net::{original_destination, recv_dns, send_dns};

use super::enter::{one_thread, step};
use super::sys::{self, Side, Signals};
use crate::net::NetFds;
use crate::run::{Answer, Launch, Layer, RunEnd, Seen, What, Who, Witness};
use crate::{ContainError, Enforced};
use wire::About;

/// Signals that are the program's to answer, wherever they are sent.
const FORWARDED: [i32; 6] = [libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2];

/// A run that is complete but for the program: it stands contained, has tried its own locks, and waits for the word.
/// Dropped, it ends unstarted.
pub struct Prepared {
    run: Run,
    net: Option<NetFds>,
    enforced: Enforced,
    witnessed: Vec<Witness>,
}

/// A program that runs, contained. Dropped, it is ended.
pub struct Running(Run);

struct Run {
    socket: OwnedFd,
    /// The outer process, our child.
    outer: i32,
    /// Whether the program has the terminal to itself.
    has_terminal: bool,
    /// The program's own process.
    program: Option<OwnedFd>,
    leader: Option<rustix::process::Pid>,
    /// When the first is dropped, the thread that sees datagrams tells the rest, and lets the second know.
    datagrams: Option<(OwnedFd, Receiver<()>)>,
    /// Its parent, the first process.
    first: Option<i32>,
    signals: OwnedFd,
    decoys: Option<decoys::Listening>,
    before: Signals,
    /// Whether what is seen is the program's doing, and not our own trying.
    live: Arc<AtomicBool>,
    over: bool,
}

/// Contains a run up to the point where only the program is missing.
///
/// Call it while the process has one thread: it forks, and no lock of another thread may be held in the child. Threads for
/// tripwires and notifications are started here, so that afterwards there are several; signals that are the program's are
/// blocked from now on.
///
/// # Errors
/// What the kernel does not give: nothing was started then.
pub fn start(launch: Launch) -> Result<Prepared, ContainError> {
    one_thread()?;
    let (ours, theirs) = wire::pair().map_err(|why| step("make a socket pair", why))?;
    let forwarded = Signals::of(&FORWARDED);
    let before = forwarded.block();
    let signals = forwarded.descriptor().map_err(|why| step("watch for signals", why))?;
    let supervisor = rustix::process::getpid();
    let outer = match sys::fork().map_err(|why| step("start a process", why))? {
        Side::Child => {
            drop((ours, signals));
            outer::run(&launch, &theirs, before, supervisor)
        }
        Side::Parent(pid) => pid,
    };
    drop(theirs);
    let live = Arc::new(AtomicBool::new(false));
    let mut prepared = Prepared {
        run: Run {
            socket: ours,
            outer,
            has_terminal: false,
            program: None,
            leader: None,
            datagrams: None,
            first: None,
            signals,
            decoys: None,
            before,
            live,
            over: false,
        },
        net: None,
        enforced: Enforced { in_force: namespaces(&launch), missing: Vec::new() },
        witnessed: Vec::new(),
    };
    prepared.listen(&launch)?;
    Ok(prepared)
}

fn namespaces(launch: &Launch) -> Vec<String> {
    let mut held = Vec::new();
    let mut note = |layer, what: &str| {
        if launch.layers.has(layer) {
            held.push(what.to_owned());
        }
    };
    note(Layer::Files, "mount namespace, read-only but the work directory");
    note(Layer::Network, "network namespace with nothing but listeners of the supervisor");
    note(Layer::Processes, "process namespace");
    note(Layer::Tripwires, "FUSE tripwires");
    if launch.decoys && !launch.layers.has(Layer::Tripwires) {
        held.push("decoys of credentials, watched".to_owned());
    }
    let mut note = |layer, what: &str| {
        if launch.layers.has(layer) {
            held.push(what.to_owned());
        }
    };
    note(Layer::Evidence, "seccomp notification of writes and connects");
    held
}

impl Prepared {
    /// Hears what the run says while it is being set up, until it stands ready.
    fn listen(&mut self, launch: &Launch) -> Result<(), ContainError> {
        loop {
            let packet = wire::receive(self.run.socket.as_fd()).map_err(|why| step("hear from the run", why))?;
            let Some(mut packet) = packet else {
                return Err(step("set the run up", "its process ended without a word"));
            };
            match packet.about {
                About::Net => self.net = net::unpack(packet.fds, &packet.text),
                About::Packets => self.watch_datagrams(launch, packet.fds.pop())?,
                About::Fuse => self.watch_tripwires(launch, packet.fds.pop())?,
                About::Decoys => self.watch_decoys(launch, packet.fds.pop(), &packet.text)?,
                About::Listener => self.watch_calls(launch, packet.fds.pop())?,
                About::InForce => self.enforced.in_force.extend(packet.text.lines().map(str::to_owned)),
                About::Missing => self.enforced.missing.extend(packet.text.lines().map(str::to_owned)),
                About::Witness => self.witnessed = witness::read(&packet.text),
                About::Failed => return Err(failure(&packet.text)),
                About::Ready => {
                    let program = sys::pidfd(packet.pid).map_err(|why| step("keep hold of the program", why))?;
                    self.run.program = Some(program);
                    self.run.leader = rustix::process::Pid::from_raw(packet.pid);
                    self.run.first = sys::parent_of(packet.pid);
                    return Ok(());
                }
                About::Go | About::NotStarted | About::Stopped | About::Ended => {
                    return Err(step("set the run up", "its process ended before it was ready"));
                }
            }
        }
    }

    fn watch_tripwires(&self, launch: &Launch, connection: Option<OwnedFd>) -> Result<(), ContainError> {
        let connection = connection.ok_or_else(|| step("take the tripwires", "the descriptor is missing"))?;
        let owner = match launch.run_as {
            Some(user) if rustix::process::geteuid().is_root() => (user.uid, user.gid),
            _ => (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw()),
        };
        let tripwires = fuse::Tripwires::new(launch.tripwires.clone(), owner);
        let (watcher, live) = (Arc::clone(&launch.watcher), Arc::clone(&self.run.live));
        let serve = move || {
            fuse::serve(&connection, tripwires, &|pid, path, verb, answer: Answer| {
                // The thread beside this one looks at paths that were named to it, and may come here with them.
                if live.load(Ordering::Acquire) && !notify::is_own(pid) {
                    watcher(Seen { who: notify::who(pid), what: What::Credential { path, verb, answer } });
                }
            });
        };
        thread("tripwires", serve)
    }

    fn watch_decoys(&mut self, launch: &Launch, watch: Option<OwnedFd>, numbers: &str) -> Result<(), ContainError> {
        let watch = watch.ok_or_else(|| step("take the watch on the decoys", "the descriptor is missing"))?;
        let (watcher, live) = (Arc::clone(&launch.watcher), Arc::clone(&self.run.live));
        let told = move |path, verb, answer| {
            if live.load(Ordering::Acquire) {
                watcher(Seen { who: Who::default(), what: What::Credential { path, verb, answer } });
            }
        };
        let listening = decoys::Listening::start(watch, numbers, launch.tripwires.clone(), Box::new(told));
        self.run.decoys = Some(listening.map_err(|why| step("listen to the decoys", why))?);
        Ok(())
    }

    fn watch_calls(&self, launch: &Launch, listener: Option<OwnedFd>) -> Result<(), ContainError> {
        let listener = listener.ok_or_else(|| step("take the notifications", "the descriptor is missing"))?;
        let (watcher, live) = (Arc::clone(&launch.watcher), Arc::clone(&self.run.live));
        let serve = move || {
            notify::serve(&listener, &|pid, what| {
                if live.load(Ordering::Acquire) {
                    watcher(Seen { who: notify::who(pid), what });
                }
            });
        };
        thread("evidence", serve)
    }

    fn watch_datagrams(&mut self, launch: &Launch, socket: Option<OwnedFd>) -> Result<(), ContainError> {
        let socket = socket.ok_or_else(|| step("see the datagrams", "the descriptor is missing"))?;
        let (watcher, live) = (Arc::clone(&launch.watcher), Arc::clone(&self.run.live));
        let (stop, ours) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|why| step("make a pipe for a thread", why))?;
        let (done, told) = std::sync::mpsc::channel();
        let serve = move || {
            packets::serve(socket.as_fd(), stop.as_fd(), &|to| {
                if live.load(Ordering::Acquire) {
                    watcher(Seen { who: Who::default(), what: What::Sent { to } });
                }
            });
            // The kernel takes its time to close such a socket, and nobody has to wait for that.
            drop::<Sender<()>>(done);
            drop(socket);
        };
        self.run.datagrams = Some((ours, told));
        thread("datagrams", serve)
    }

    /// The listeners inside the run's network, once.
    pub fn take_net(&mut self) -> Option<NetFds> {
        self.net.take()
    }

    /// What is in force, and what was passed over.
    pub fn enforced(&self) -> &Enforced {
        &self.enforced
    }

    /// What was tried from inside, with everything in force.
    pub fn witnessed(&self) -> &[Witness] {
        &self.witnessed
    }

    /// The first process of the run, as the host numbers it: where processes have a namespace it ends after all others.
    pub fn first(&self) -> Option<i32> {
        self.run.first
    }

    /// Starts the program.
    ///
    /// # Errors
    /// When the run has died meanwhile.
    pub fn go(mut self) -> Result<Running, ContainError> {
        match &self.run.decoys {
            Some(decoys) => decoys.live(&self.run.live),
            None => self.run.live.store(true, Ordering::Release),
        }
        self.run.has_terminal = terminal::is_ours();
        let terminal = if self.run.has_terminal { terminal::YOURS } else { "" };
        wire::send(self.run.socket.as_fd(), About::Go, terminal, &[]).map_err(|why| step("start the program", why))?;
        Ok(Running(self.run))
    }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), ContainError> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    started.map(drop).map_err(|why| step("start a thread", why))
}

fn failure(text: &str) -> ContainError {
    let mut lines = text.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default().to_owned();
    let (layer, step, why) = (next(), next(), next());
    match Layer::KERNEL.into_iter().find(|known| *known == layer) {
        Some(layer) => ContainError::Missing { layer, why },
        None => ContainError::Setup { step, why },
    }
}

impl Running {
    /// The program's process, as the host numbers it, for as long as it runs.
    pub fn program(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.0.program.as_ref().map(AsFd::as_fd)
    }

    /// Waits for the end, passing on to the program what others send to this process. (What the terminal sends reaches the
    /// program by itself: it is of the same job.)
    ///
    /// # Errors
    /// When the run is lost sight of; it is ended then.
    pub fn wait(mut self) -> Result<RunEnd, ContainError> {
        loop {
            let mut waits = [PollFd::new(&self.0.socket, PollFlags::IN), PollFd::new(&self.0.signals, PollFlags::IN)];
            match rustix::event::poll(&mut waits, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(why) => return Err(step("wait for the run", why)),
            }
            let (spoke, signalled) = (!waits[0].revents().is_empty(), !waits[1].revents().is_empty());
            if signalled {
                self.0.pass_on();
            }
            if !spoke {
                continue;
            }
            let packet = wire::receive(self.0.socket.as_fd()).map_err(|why| step("hear from the run", why))?;
            let end = match packet {
                None => Some(RunEnd::Signal(libc::SIGKILL)),
                Some(packet) => {
                    let number = packet.text.get(1..).and_then(|number| number.parse().ok()).unwrap_or(0);
                    match packet.about {
                        About::NotStarted => Some(RunEnd::NotStarted(packet.text.parse().unwrap_or(0))),
                        About::Stopped => {
                            self.0.stop_along();
                            None
                        }
                        About::Ended if packet.text.starts_with('c') => Some(RunEnd::Code(number)),
                        About::Ended => Some(RunEnd::Signal(number)),
                        About::Failed => return Err(failure(&packet.text)),
                        _ => None,
                    }
                }
            };
            if let Some(end) = end {
                self.0.finish(false);
                return Ok(end);
            }
        }
    }
}

impl Run {
    fn pass_on(&self) {
        while let Some((signal, sent)) = sys::next_signal(self.signals.as_fd()) {
            if let (true, Some(program)) = (sent, &self.program) {
                // Fails when the program has just ended, and then there is nobody to tell.
                drop(sys::signal(program.as_fd(), signal));
            }
        }
    }

    /// Where it shares the group of the job, it has been stopped with it, by whoever stopped that.
    fn stop_along(&self) {
        if let (true, Some(leader)) = (self.has_terminal, self.leader) {
            terminal::stop_along(leader);
        }
    }

    /// Waits for the outer process, so that nothing of the run is left. Its end is the end of all of them.
    fn finish(&mut self, kill: bool) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        if let (true, Some(pid)) = (kill, rustix::process::Pid::from_raw(self.outer)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        sys::wait(self.outer);
        if self.has_terminal {
            // Where it fails, there is no terminal any more.
            drop(terminal::give(rustix::process::getpgrp()));
        }
        // Nobody sends any more: what was sent is told before the end is.
        if let Some((stop, told)) = self.datagrams.take() {
            drop(stop);
            // Nothing ever comes: the other end is dropped when all is told.
            let _ = told.recv();
        }
        if let Some(decoys) = self.decoys.take() {
            decoys.finish();
        }
        self.before.only_these();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.finish(true);
    }
}

/// Ends the calling process by that signal, so that whoever waits for it sees what it would have seen of the program.
pub fn die_by_signal(signal: i32) {
    sys::die_by(signal);
}
