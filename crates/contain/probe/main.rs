//! The inert probe: shuts itself in as a worker does, then tries one thing that a worker must not be able to do, and says
//! on its socket how that went. If it is killed, its silence and its exit status say so.
//!
//! `contain-probe LAYERS MEMORY_MIB CPU_SECONDS ATTEMPT [ARGUMENT]`, LAYERS one of `all`, `seccomp`, `landlock`, `none`.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return linux::main();
    #[cfg(not(target_os = "linux"))]
    return ExitCode::FAILURE;
}

#[cfg(target_os = "linux")]
mod attempts;
#[cfg(target_os = "linux")]
mod linux {
    use std::io::Write as _;
    use std::os::fd::AsFd;
    use std::process::ExitCode;

    use bulkhead_contain::{Need, WorkerProfile, enter_worker};

    pub(crate) fn main() -> ExitCode {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let argument = |index: usize| arguments.get(index).map(String::as_str).unwrap_or_default();
        if argument(0) == "parent" {
            crate::attempts::leave_a_worker_behind();
        }
        let need = |layer| if argument(0) == "all" || argument(0) == layer { Need::IfOffered } else { Need::Off };
        let profile = WorkerProfile {
            memory: argument(1).parse::<u64>().expect("MiB") << 20,
            cpu_seconds: argument(2).parse().expect("seconds"),
            seccomp: need("seccomp"),
            landlock: need("landlock"),
        };
        let before = if argument(3) == "descriptors" {
            format!("{}, then ", crate::attempts::descriptors())
        } else {
            String::new()
        };
        match enter_worker(&profile) {
            Ok(enforced) => say(&format!("in: {enforced}")),
            Err(why) => {
                let _ = writeln!(std::io::stderr(), "{why}");
                return ExitCode::from(3);
            }
        }
        say(&(before + &crate::attempts::run(argument(3), argument(4))));
        ExitCode::SUCCESS
    }

    /// One line to the parent, with the one call that a worker has for it.
    fn say(line: &str) {
        let line = format!("{line}\n");
        let sent = rustix::io::write(std::io::stdin().as_fd(), line.as_bytes()).expect("the parent listens");
        assert_eq!(sent, line.len());
    }
}
