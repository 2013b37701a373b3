//! The program's own process, before it is the program: it locks itself in, tries the locks, and waits for the word.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::super::enter::step;
use super::super::sys::{self, Signals};
use super::filter::Sockets;
use super::outer::tell;
use super::wire::{self, About};
use super::{FORWARDED, domain, filter, terminal, user, witness};
use crate::ContainError;
use crate::run::{Launch, Layer};

/// Returns only when the program could not be started: the number of the system's error.
pub(super) fn run(launch: &Launch, socket: &OwnedFd, before: Signals) -> Result<i32, ContainError> {
    user::die_with(None)?;
    rustix::process::chdir(&launch.work_dir).map_err(|why| step("enter the work directory", why))?;
    limits(launch)?;
    sys::empty_bounding_set();
    sys::drop_capabilities().map_err(|why| step("drop capabilities", why))?;
    rustix::thread::set_no_new_privs(true).map_err(|why| step("forgo new privileges", why))?;
    let mut in_force = vec!["no new privileges, no capabilities".to_owned()];
    let mut judges_sockets = false;
    if launch.layers.has(Layer::Landlock) {
        let domain = domain::restrict(launch)?;
        judges_sockets = domain.judges_sockets;
        in_force.push(domain.in_force);
        if !domain.open.is_empty() {
            tell(socket, About::Missing, &domain.open.join("\n"), &[])?;
        }
    }
    let (evidence, syscalls) = (launch.layers.has(Layer::Evidence), launch.layers.has(Layer::Syscalls));
    let sockets = Sockets {
        internet: launch.layers.has(Layer::Network),
        with_path: launch.layers.has(Layer::Files) || judges_sockets,
    };
    if syscalls || evidence {
        let program = if syscalls { filter::program(evidence, sockets) } else { filter::evidence_only() };
        let listener = sys::seccomp(&program, evidence).map_err(|why| user::missing("seccomp", &why))?;
        if let Some(listener) = listener {
            tell(socket, About::Listener, "", &[listener.as_fd()])?;
        }
        if syscalls {
            in_force.push(format!("system call filter of {} instructions", program.len()));
            in_force.extend(sockets.refused().map(str::to_owned));
        }
    }
    tell(socket, About::InForce, &in_force.join("\n"), &[])?;
    tell(socket, About::Witness, &witness::attempts(launch, sockets), &[])?;
    // What the program will be started with is made now: afterwards there is only the wait and the start.
    let candidates = candidates(launch);
    let args = texts([launch.program.as_os_str()].into_iter().chain(launch.args.iter().map(AsRef::as_ref)))?;
    let env: Vec<_> =
        launch.env.iter().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat()).collect();
    let env = texts(env.iter().map(|pair| OsStr::from_bytes(pair)))?;
    for signal in FORWARDED {
        sys::disposition(signal, false);
    }
    // A Rust program ignores it from its start on; others expect the default.
    sys::disposition(libc::SIGPIPE, false);
    sys::close_on_exec_from(3).map_err(|why| step("let no descriptor through", why))?;
    tell(socket, About::Ready, "", &[])?;
    let has_terminal = match wire::receive(socket.as_fd()) {
        Ok(Some(packet)) if packet.about == About::Go => packet.text == terminal::YOURS,
        // The supervisor has gone or thought better of it.
        _ => sys::exit(1),
    };
    if has_terminal {
        terminal::take().map_err(|why| step("take the terminal", why))?;
    }
    before.only_these();
    let why = sys::exec(&candidates, &args, &env);
    Ok(why.raw_os_error().unwrap_or(libc::EIO))
}

fn texts<'a>(texts: impl Iterator<Item = &'a OsStr>) -> Result<Vec<CString>, ContainError> {
    texts
        .map(|text| CString::new(text.as_bytes()))
        .collect::<Result<_, _>>()
        .map_err(|why| step("pass an argument or a variable on", why))
}

/// Where the program may be: as the shell would look for it, in the run's own PATH.
fn candidates(launch: &Launch) -> Vec<CString> {
    let name = launch.program.as_bytes();
    if name.contains(&b'/') {
        return CString::new(name).into_iter().collect();
    }
    let path =
        launch.env.iter().find(|(name, _)| name == "PATH").map_or(OsStr::new("/usr/bin:/bin"), |(_, value)| value);
    std::env::split_paths(path)
        .map(|folder| if folder.as_os_str().is_empty() { Path::new(".").to_path_buf() } else { folder })
        .filter_map(|folder| CString::new(folder.join(&launch.program).as_os_str().as_bytes()).ok())
        .collect()
}

fn limits(launch: &Launch) -> Result<(), ContainError> {
    let mut set = vec![(Resource::Core, 0, "forbid core files")];
    if rustix::process::getrlimit(Resource::Nproc).maximum.is_none_or(|most| most > launch.limits.processes) {
        set.push((Resource::Nproc, launch.limits.processes, "limit processes"));
    }
    if let Some(memory) = launch.limits.memory {
        set.push((Resource::Data, memory, "limit memory"));
    }
    for (resource, limit, verb) in set {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) }).map_err(|why| step(verb, why))?;
    }
    Ok(())
}

/// The error's own words.
pub(super) fn words(number: i32) -> String {
    io::Error::from_raw_os_error(number).to_string()
}
