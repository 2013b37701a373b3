//! The inert probe inside a run: `contain-try ATTEMPT ARGUMENT ...`, one line for each. None does harm when it succeeds.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    linux::main();
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{Error, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixStream};
    use std::time::Duration;

    type Outcome = Result<String, Error>;

    pub(crate) fn main() {
        let words: Vec<String> = std::env::args().skip(1).collect();
        for pair in words.chunks(2) {
            let [what, argument] = pair else { panic!("attempts come with an argument") };
            let said = match attempt(what, argument) {
                Ok(said) => said,
                Err(why) => format!("failed: {why}"),
            };
            let _ = writeln!(std::io::stdout(), "{what} {argument}: {}", said.trim_end());
        }
    }

    #[expect(clippy::disallowed_methods, reason = "these are the things that are tried")]
    fn attempt(what: &str, argument: &str) -> Outcome {
        match what {
            "tcp" => {
                let address = argument.parse().expect("an address");
                let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
                stream.set_read_timeout(Some(Duration::from_secs(5)))?;
                stream.write_all(b"DRILL")?;
                let mut said = [0; 100];
                let got = stream.read(&mut said).unwrap_or(0);
                Ok(String::from_utf8_lossy(&said[..got]).into_owned())
            }
            "udp" => {
                let socket = UdpSocket::bind("0.0.0.0:0")?;
                socket.send_to(b"DRILL", argument).map(|_| "sent".to_owned())
            }
            "udp-sendmsg" => sendmsg(argument.parse().expect("an address")),
            "listen" => {
                let listener = TcpListener::bind("127.0.0.1:0")?;
                listener.local_addr().map(|_| "succeeded".to_owned())
            }
            "dns" => dns(argument),
            "socket" => {
                let numbers: Vec<i64> = argument.split(':').map(|number| number.parse().expect("a number")).collect();
                call(libc::SYS_socket, [numbers[0], numbers[1], numbers[2], 0, 0, 0])
            }
            "unix" => UnixStream::connect(argument).map(|_| "succeeded".to_owned()),
            "abstract" => {
                UnixStream::connect_addr(&SocketAddr::from_abstract_name(argument)?).map(|_| "succeeded".to_owned())
            }
            "own-loopback" => {
                let listener = TcpListener::bind("127.0.0.1:0")?;
                TcpStream::connect(listener.local_addr()?).map(|_| "succeeded".to_owned())
            }
            "own-socketpair" => UnixStream::pair().map(|_| "succeeded".to_owned()),
            "shared-memory" => std::fs::write("/dev/shm/contain-try", "x").map(|()| "succeeded".to_owned()),
            "name-thread" => std::fs::write("/proc/self/comm", argument).map(|()| "succeeded".to_owned()),
            "io-uring" => call(libc::SYS_io_uring_setup, [0; 6]),
            "ptrace" => call(libc::SYS_ptrace, [-1, 0, 0, 0, 0, 0]),
            "keyctl" => call(libc::SYS_keyctl, [-1, 0, 0, 0, 0, 0]),
            "user-namespace" => call(libc::SYS_unshare, [libc::CLONE_NEWUSER.into(), 0, 0, 0, 0, 0]),
            // Refused for its flags, which no kernel takes together, unless the filter is first.
            "clone-user-namespace" => {
                call(libc::SYS_clone, [(libc::CLONE_NEWUSER | libc::CLONE_FS).into(), 0, 0, 0, 0, 0])
            }
            "userfaultfd" => call(libc::SYS_userfaultfd, [0; 6]),
            "bpf" => call(libc::SYS_bpf, [0; 6]),
            "perf" => call(libc::SYS_perf_event_open, [0; 6]),
            "mount" => call(libc::SYS_mount, [0; 6]),
            "process-vm" => call(libc::SYS_process_vm_readv, [1, 0, 0, 0, 0, 0]),
            // The second set of numbers of x86_64, behind which the same calls are; elsewhere a number that is none.
            "other-numbers" => call(0x4000_0000 + libc::SYS_getpid, [0; 6]),
            "tiocsti" => call(libc::SYS_ioctl, [0, number(libc::TIOCSTI), 0, 0, 0, 0]),
            "tiocsti-high" => call(libc::SYS_ioctl, [0, number(libc::TIOCSTI) | (1 << 32), 0, 0, 0, 0]),
            "allocate" => {
                let mut taken: Vec<u8> = Vec::new();
                let size = argument.parse::<usize>().expect("MiB") << 20;
                taken.try_reserve_exact(size).map_err(Error::other)?;
                taken.resize(size, 1);
                Ok(format!("succeeded with {}", taken.len()))
            }
            "fork" => fork(argument.parse().expect("a number")),
            "flood" => {
                let tried = (0..2000).filter(|index| std::fs::read(format!("{argument}/flood-{index}")).is_err());
                Ok(format!("succeeded with {}", tried.count()))
            }
            other => panic!("no attempt {other}"),
        }
    }

    fn number(request: libc::Ioctl) -> i64 {
        i64::try_from(request).expect("small")
    }

    /// A datagram by sendmsg(2), which no filter looks into.
    fn sendmsg(to: std::net::SocketAddr) -> Outcome {
        use std::os::fd::AsFd as _;
        let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
        let pieces = [std::io::IoSlice::new(b"DRILL")];
        let mut control = rustix::net::SendAncillaryBuffer::default();
        rustix::net::sendmsg_addr(socket.as_fd(), &to, &pieces, &mut control, rustix::net::SendFlags::empty())?;
        Ok("sent".to_owned())
    }

    fn dns(server: &str) -> Outcome {
        let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in ["models", "example"] {
            question.push(u8::try_from(label.len()).expect("short"));
            question.extend(label.as_bytes());
        }
        question.extend([0, 0, 1, 0, 1]);
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        // A connected socket takes an answer only from the address that it asked.
        socket.connect(server)?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        socket.send(&question)?;
        let mut answer = [0; 512];
        let got = socket.recv(&mut answer)?;
        let address: [u8; 4] = answer[got - 4..got].try_into().expect("four bytes");
        Ok(std::net::Ipv4Addr::from(address).to_string())
    }

    fn call(number: i64, [a, b, c, d, e, f]: [i64; 6]) -> Outcome {
        #[expect(unsafe_code, reason = "the test is about raw system calls")]
        // SAFETY: refused by the filter; without it, zeros and senseless numbers are what the kernel refuses itself, and no memory
        // of this program is named.
        let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
        if result == -1 { Err(Error::last_os_error()) } else { Ok(format!("succeeded with {result}")) }
    }

    /// That many children at a time, each of which only waits to be killed.
    fn fork(count: usize) -> Outcome {
        let mut children = Vec::new();
        let mut outcome = Ok(format!("succeeded with {count}"));
        for made in 0..count {
            #[expect(unsafe_code, reason = "a fork without a program")]
            // SAFETY: this program has one thread; the child calls nothing but pause and _exit.
            let pid = unsafe {
                let pid = libc::fork();
                if pid == 0 {
                    libc::pause();
                    libc::_exit(0);
                }
                pid
            };
            if pid < 0 {
                outcome = Err(Error::other(format!("{} after {made}", Error::last_os_error())));
                break;
            }
            children.push(pid);
        }
        for pid in children {
            let pid = rustix::process::Pid::from_raw(pid).expect("a process");
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        outcome
    }
}
