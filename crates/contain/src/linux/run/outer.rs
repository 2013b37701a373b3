//! Inside the fork, on the way in. Three processes, each the parent of the next:
//!
//! - the **outer** one makes user, network, mount, IPC and UTS namespaces, builds the view of the files, and then only
//!   waits; it still has the host's process ids, so that the tripwires it mounts name processes as the host does;
//! - the **first** one is process 1 of the process namespace: it reaps, and takes all others with it when it ends;
//! - the **program**, which locks itself in, tries the locks, waits for the word, and is then replaced by what was asked for.
//!
//! Each dies with its parent, and the outer one with the supervisor: there is no moment in which something runs unguarded.

use std::os::fd::{AsFd, OwnedFd};

use rustix::process::{DumpableBehavior, Pid};

use super::super::enter::step;
use super::super::sys::{self, Ending, Side, Signals};
use super::wire::{self, About};
use super::{FORWARDED, inside, mounts, net, packets, user};
use crate::ContainError;
use crate::run::{Launch, Layer};

/// Runs to the end of the program and never returns.
pub(super) fn run(launch: &Launch, socket: &OwnedFd, before: Signals, supervisor: Pid) -> ! {
    // The terminal's signals reach every process of the job; they are the program's to answer, not ours.
    for signal in FORWARDED {
        sys::disposition(signal, true);
    }
    match enter(launch, socket, supervisor) {
        Ok(connection) => match next(launch) {
            Ok(Side::Child) => {
                drop(connection);
                first(launch, socket, before)
            }
            Ok(Side::Parent(pid)) => {
                drop(connection);
                retire();
                sys::wait(pid);
                sys::exit(0)
            }
            Err(why) => fail(socket, &why),
        },
        Err(why) => fail(socket, &why),
    }
}

fn fail(socket: &OwnedFd, why: &ContainError) -> ! {
    let text = match why {
        ContainError::Missing { layer, why } => format!("{layer}\n\n{why}"),
        ContainError::Step { step, why } => format!("\n{step}\n{why}"),
        other => format!("\nstart the run\n{other}"),
    };
    drop(wire::send(socket.as_fd(), About::Failed, &text, &[]));
    sys::exit(1)
}

fn enter(launch: &Launch, socket: &OwnedFd, supervisor: Pid) -> Result<Option<OwnedFd>, ContainError> {
    let layers = launch.layers;
    user::die_with(Some(supervisor))?;
    let root = rustix::process::geteuid().is_root();
    let mut as_root = None;
    let mut trees = None;
    if root && layers.namespaced() {
        as_root = Some(user::AsRoot::prepare(launch)?);
        if layers.has(Layer::Files) {
            trees = Some(mounts::Trees::take(launch)?);
        }
    }
    if root && !layers.namespaced() {
        // Only while it may: a user namespace gives the whole set anew, and it is emptied there.
        sys::empty_bounding_set();
    }
    user::leave_root(launch.run_as)?;
    user::die_with(Some(supervisor))?;
    if !layers.namespaced() {
        return Ok(None);
    }
    user::enter_namespaces(layers)?;
    user::die_with(Some(supervisor))?;
    tell_about_network(launch, socket)?;
    if !(layers.has(Layer::Files) || layers.has(Layer::Tripwires) || layers.has(Layer::Processes)) {
        return Ok(None);
    }
    mounts::make_private()?;
    let fuse_folder = as_root.as_ref().and_then(|root| root.fuse.as_ref());
    let connection = match layers.has(Layer::Tripwires) {
        true => Some(user::open_fuse(fuse_folder).map_err(|why| user::missing("fuse", &why))?),
        false => None,
    };
    let trees = match trees {
        None if layers.has(Layer::Files) => Some(mounts::Trees::take(launch)?),
        other => other,
    };
    let tripwires = connection.as_ref().map(|device| {
        let mounted = move || tell(socket, About::Fuse, "", &[device.as_fd()]);
        (device, mounted)
    });
    let tripwires =
        tripwires.as_ref().map(|(device, mounted)| mounts::Connection { device, mounted: mounted as &dyn Fn() -> _ });
    let watched = |watch: &OwnedFd, numbers: &str| tell(socket, About::Decoys, numbers, &[watch.as_fd()]);
    let passed_over = mounts::build(launch, trees.as_ref(), tripwires, &watched)?;
    if !passed_over.is_empty() {
        tell(socket, About::Missing, &passed_over.join("\n"), &[])?;
    }
    Ok(connection)
}

fn tell_about_network(launch: &Launch, socket: &OwnedFd) -> Result<(), ContainError> {
    if !launch.layers.has(Layer::Network) {
        return Ok(());
    }
    let (fds, caught) = net::set_up().map_err(|why| step("make a network of its own", why))?;
    let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    tell(socket, About::Net, &caught, &fds)?;
    if launch.layers.has(Layer::Evidence) {
        let packets = packets::open().map_err(|why| step("see the datagrams of its network", why))?;
        tell(socket, About::Packets, "", &[packets.as_fd()])?;
    }
    Ok(())
}

pub(super) fn tell(
    socket: &OwnedFd,
    about: About,
    text: &str,
    fds: &[std::os::fd::BorrowedFd<'_>],
) -> Result<(), ContainError> {
    wire::send(socket.as_fd(), about, text, fds).map_err(|why| step("tell the supervisor", why))
}

/// Forks the first process of the new process namespace, or just a process when there is none.
fn next(launch: &Launch) -> Result<Side, ContainError> {
    if launch.layers.has(Layer::Processes) {
        sys::unshare(libc::CLONE_NEWPID).map_err(|why| user::missing("pidns", &why))?;
    }
    sys::fork().map_err(|why| step("start the first process", why))
}

/// From here on this process only waits: what it could still do, it gives up.
fn retire() {
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = rustix::thread::set_no_new_privs(true);
    sys::empty_bounding_set();
    drop(sys::drop_capabilities());
}

fn first(launch: &Launch, socket: &OwnedFd, before: Signals) -> ! {
    let ready = (|| {
        user::die_with(None)?;
        if launch.layers.has(Layer::Processes) {
            mounts::processes().map_err(|why| ContainError::Missing { layer: "pidns", why: why.to_string() })?;
        } else {
            // Without a process namespace, orphans come here instead of to the host's first process.
            rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
                .map_err(|why| step("take in orphans", why))?;
        }
        sys::fork().map_err(|why| step("start the program's process", why))
    })();
    match ready {
        Ok(Side::Child) => match inside::run(launch, socket, before) {
            Ok(why_not) => {
                drop(wire::send(socket.as_fd(), About::NotStarted, &why_not.to_string(), &[]));
                sys::exit(127)
            }
            Err(why) => fail(socket, &why),
        },
        Ok(Side::Parent(program)) => {
            // Its memory is a copy of the supervisor's: nobody may read it.
            retire();
            reap(socket, program)
        }
        Err(why) => fail(socket, &why),
    }
}

/// Waits for every child until the program itself has ended, tells how, and ends: the kernel ends whatever is left.
fn reap(socket: &OwnedFd, program: i32) -> ! {
    while let Some((pid, ending)) = sys::wait_or_stop(-1) {
        if pid == program {
            if ending == Ending::Stopped {
                drop(wire::send(socket.as_fd(), About::Stopped, "", &[]));
                continue;
            }
            let text = match ending {
                Ending::Code(code) => format!("c{code}"),
                Ending::Signal(signal) => format!("s{signal}"),
                Ending::Stopped => String::new(),
            };
            drop(wire::send(socket.as_fd(), About::Ended, &text, &[]));
            break;
        }
    }
    sys::exit(0)
}
