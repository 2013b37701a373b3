//! The supervisor that the tests of contained runs drive: `contain-run OPTIONS -- PROGRAM ARGUMENTS`. What the layers see
//! goes to standard error, one line each; the program's own output is untouched; the exit code is the program's.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return linux::main();
    #[cfg(not(target_os = "linux"))]
    return ExitCode::FAILURE;
}

#[cfg(target_os = "linux")]
mod older;

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::{CString, OsString};
    use std::io::Write as _;
    use std::path::PathBuf;
    use std::process::ExitCode;
    use std::sync::Arc;

    use bulkhead_contain::{
        Bait, FileRules, Launch, Layer, Layers, Place, RunAs, RunEnd, RunLimits, Seen, Tripwire, die_by_signal, start,
    };

    fn say(line: &str) {
        // One write, so that lines of several threads stay whole.
        let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
    }

    fn numbers(text: &str) -> Vec<u32> {
        text.split(':').map(|number| number.parse().expect("a number")).collect()
    }

    /// An ordinary user on a machine where everybody may open the FUSE device, as most ship it: for root, who runs the tests.
    #[expect(unsafe_code, reason = "the test's own set-up")]
    fn become_ordinary(uid: u32, gid: u32) {
        let fuse = CString::new("/dev/fuse").expect("text");
        let made = CString::new("/dev/shm/.contain-fuse").expect("text");
        let done = |result: libc::c_int| assert!(result == 0, "{}", std::io::Error::last_os_error());
        // SAFETY: plain system calls with valid strings, in a process of one thread.
        unsafe {
            done(libc::unshare(libc::CLONE_NEWNS));
            let none = std::ptr::null();
            done(libc::mount(none, c"/".as_ptr(), none, libc::MS_PRIVATE | libc::MS_REC, none.cast()));
            done(libc::mount(c"tmpfs".as_ptr(), c"/dev/shm".as_ptr(), c"tmpfs".as_ptr(), 0, none.cast()));
            done(libc::mknod(made.as_ptr(), libc::S_IFCHR | 0o666, libc::makedev(10, 229)));
            done(libc::chmod(made.as_ptr(), 0o666));
            done(libc::mount(made.as_ptr(), fuse.as_ptr(), none, libc::MS_BIND, none.cast()));
            done(libc::setgroups(0, std::ptr::null()));
            done(libc::setresgid(gid, gid, gid));
            done(libc::setresuid(uid, uid, uid));
            // The change has made this process's files root's; a program that a user starts has its own.
            done(libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0));
        }
    }

    /// What evidence is asked on is closed, as when its thread had died.
    #[expect(unsafe_code, reason = "a fault that only a test makes")]
    fn stop_listening() {
        let descriptors = std::fs::read_dir("/proc/self/fd").expect("there").flatten();
        let listens =
            |path: &PathBuf| std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().contains("seccomp notify"));
        let path = descriptors.map(|entry| entry.path()).find(listens).expect("a listener");
        let number = path.file_name().and_then(|name| name.to_str()?.parse().ok()).expect("a number");
        let nothing = std::fs::File::open("/dev/null").expect("there");
        // SAFETY: its owner has a descriptor still, and finds nobody asking on it, which is what is to be seen.
        assert_eq!(unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&nothing), number) }, number);
    }

    #[expect(clippy::disallowed_methods, reason = "the probe hands its environment on, and says what it was told")]
    pub(crate) fn main() -> ExitCode {
        let mut words = std::env::args_os().skip(1);
        let mut launch = Launch {
            program: OsString::new(),
            args: Vec::new(),
            env: std::env::vars_os().collect(),
            work_dir: PathBuf::from("/"),
            layers: Layers::FULL,
            decoys: false,
            accepted: Vec::new(),
            files: FileRules::default(),
            tripwires: Vec::new(),
            places: Vec::new(),
            limits: RunLimits::default(),
            run_as: None,
            watcher: Arc::new(|Seen { who, what }: Seen| say(&format!("SEEN {} {} {what:?}", who.pid, who.command))),
        };
        let (mut then_wait, mut deaf) = (false, false);
        while let Some(word) = words.next() {
            let word = word.into_string().expect("text");
            if word == "--" {
                break;
            }
            let value = words.next().expect("a value");
            let path = PathBuf::from(&value);
            let text = value.to_str().expect("text");
            match word.as_str() {
                "--ordinary" => become_ordinary(numbers(text)[0], numbers(text)[1]),
                "--as" => {
                    let ids = numbers(text);
                    let instead_of = ids.get(2).map(|uid| (*uid, ids[3]));
                    launch.run_as = Some(RunAs { uid: ids[0], gid: ids[1], instead_of });
                }
                "--only" => launch.layers = text.split(',').filter_map(Layer::parse).collect(),
                "--without" => launch.layers = launch.layers.without(Layer::parse(text).expect("a layer")),
                "--landlock-abi" => crate::older::landlock(text.parse().expect("a number")),
                "--lacking" => {
                    say(&format!("LACKING {}", bulkhead_contain::lacking().join(",")));
                    return ExitCode::SUCCESS;
                }
                "--accept" => launch.accepted.push(text.to_owned()),
                "--work" => launch.work_dir = path,
                "--hide" => launch.files.hidden.push(path),
                "--read" => launch.files.readable.push(path),
                "--write" => launch.files.writable.push(path),
                "--protect" => launch.files.protected.push(path),
                "--cover" => launch.files.covered.push(path),
                "--mask" => launch.files.masked.push(path),
                "--memory" => launch.limits.memory = Some(text.parse::<u64>().expect("MiB") << 20),
                "--processes" => launch.limits.processes = text.parse().expect("a number"),
                "--place" => {
                    let (path, content) = text.split_once('=').expect("PATH=CONTENT");
                    launch.places.push(Place { path: path.into(), content: content.into() });
                }
                "--deny" => launch.tripwires.push(Tripwire { path, bait: Bait::Folder }),
                "--deny-file" => launch.tripwires.push(Tripwire { path, bait: Bait::File }),
                "--absent" => launch.tripwires.push(Tripwire { path, bait: Bait::EmptyFolder }),
                "--canary" => launch.tripwires.push(Tripwire { path, bait: Bait::CanaryFile(b"CANARY".to_vec()) }),
                "--canary-in" => {
                    let files = vec![("credentials".to_owned(), b"CANARY".to_vec())];
                    launch.tripwires.push(Tripwire { path, bait: Bait::CanaryFolder(files) });
                }
                "--decoys" => launch.decoys = text == "yes",
                "--answer" => then_wait = true,
                "--deaf" => deaf = true,
                other => panic!("no option {other}"),
            }
        }
        launch.program = words.next().expect("a program");
        launch.args = words.collect();
        let mut prepared = match start(launch) {
            Ok(prepared) => prepared,
            Err(why) => {
                say(&format!("REFUSED {why}"));
                return ExitCode::from(125);
            }
        };
        for passed in &prepared.enforced().missing {
            say(&format!("PASSED OVER {passed}"));
        }
        say(&format!("ENFORCED {}", prepared.enforced()));
        for witness in prepared.witnessed() {
            say(&format!("WITNESS {} {} {}", witness.layer, if witness.held { "held" } else { "open" }, witness.what));
        }
        if let Some(net) = prepared.take_net() {
            say(&format!("NET {:?}", net.caught));
            if then_wait {
                crate::net::answer(net);
            } else {
                // Kept open for as long as this process lives, unanswered.
                std::mem::forget(net);
            }
        }
        if deaf {
            stop_listening();
        }
        match prepared.go().and_then(bulkhead_contain::Running::wait) {
            Ok(RunEnd::Code(code)) => ExitCode::from(u8::try_from(code).unwrap_or(255)),
            Ok(RunEnd::Signal(signal)) => {
                die_by_signal(signal);
                ExitCode::from(255)
            }
            Ok(RunEnd::NotStarted(number)) => {
                say(&format!("NOT STARTED {}", std::io::Error::from_raw_os_error(number)));
                ExitCode::from(127)
            }
            Err(why) => {
                say(&format!("LOST {why}"));
                ExitCode::from(126)
            }
        }
    }
}

/// What egress will do, in small: say where each connection was meant to go, and answer every name with one address.
#[cfg(target_os = "linux")]
mod net {
    use std::io::Write as _;
    use std::net::TcpListener;

    use bulkhead_contain::net::NetFds;
    use bulkhead_contain::{original_destination, recv_dns, send_dns};

    pub(crate) fn answer(net: NetFds) {
        let NetFds { dns_udp, dns_tcp: _, proxy, tcp, caught: _ } = net;
        for listener in tcp {
            std::thread::spawn(move || serve(&listener, "tcp"));
        }
        std::thread::spawn(move || serve(&proxy, "proxy"));
        std::thread::spawn(move || {
            let mut bytes = [0; 512];
            while let Ok((got, peer, asked)) = recv_dns(&dns_udp, &mut bytes) {
                let _ = writeln!(std::io::stderr(), "DNS asked {asked}");
                let _ = send_dns(&dns_udp, &resolve(&bytes[..got]), peer, asked);
            }
        });
    }

    fn serve(listener: &TcpListener, name: &str) {
        for mut stream in listener.incoming().flatten() {
            let meant = original_destination(&stream).expect("connected");
            let _ = stream.write_all(format!("{name} meant {meant}\n").as_bytes());
        }
    }

    /// The question, answered with 198.18.0.1.
    fn resolve(question: &[u8]) -> Vec<u8> {
        let mut answer = question.to_vec();
        let end = question[12..].iter().position(|byte| *byte == 0).map_or(question.len(), |end| 12 + end + 5);
        answer.truncate(end);
        answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 198, 18, 0, 1]);
        answer
    }
}
