//! The worker's end: shut in, then one report per archive until the gate hangs up.

use std::fs::File;
use std::io::{self, Stdin, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::process::ExitCode;

use bulkhead_contain::{Job, WorkerProfile, enter_worker, recv_job};
use bulkhead_detect::ReadAt;

use super::wire::{Answer, Header, Hello, write_frame};

/// The program `bulkhead worker`. Call it first thing in `main`: containment needs a process with a single thread, and whatever
/// was opened before is closed. Descriptor 0 is the gate's socket.
///
/// Exits 0 when the gate hangs up, 1 when containment is not to be had or a job makes no sense; the gate learns the reason from
/// the first frame or from standard error.
pub fn run() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        complain(panic);
        // Unwinding would run code over what the archive has just broken.
        #[expect(clippy::disallowed_methods, reason = "the worker holds nothing that needs an orderly end")]
        std::process::abort();
    }));
    let mut socket = Socket(io::stdin());
    let (hello, contained) = match enter_worker(&WorkerProfile::default()) {
        Ok(enforced) => (Hello::from(enforced), true),
        Err(why) => {
            complain(&why);
            (Hello::Refused { why: why.to_string() }, false)
        }
    };
    let ended = send(&mut socket, &hello)
        .and_then(|()| if contained { serve(&mut socket) } else { Err("not contained".into()) });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            complain(why);
            ExitCode::FAILURE
        }
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn serve(socket: &mut Socket) -> Result<()> {
    while let Some(Job { header, file }) = recv_job(&socket.0)? {
        let Header { id, kind, file_name, limits } = serde_json::from_slice(&header)?;
        let report = bulkhead_detect::inspect_as(&Archive::new(file)?, kind, &file_name, &limits);
        send(socket, &Answer { id, report })?;
    }
    Ok(())
}

fn send(socket: &mut Socket, message: &impl serde::Serialize) -> Result<()> {
    write_frame(socket, &serde_json::to_vec(message)?).map_err(Into::into)
}

/// To the gate, as far as it listens: there is nobody else to tell.
fn complain(why: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{why}");
}

/// Descriptor 0, which is a socket and can be written, too.
struct Socket(Stdin);

impl io::Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self.0.as_fd(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The job's file. Its size is taken once: the gate keeps blobs by digest and never changes one.
struct Archive {
    file: File,
    size: u64,
}

impl Archive {
    fn new(file: File) -> Result<Self> {
        // fstat(2), because `File::metadata` uses statx(2), which takes a path and is not on the list.
        let size = u64::try_from(rustix::fs::fstat(&file)?.st_size)?;
        Ok(Self { file, size })
    }
}

impl ReadAt for Archive {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(into, offset)
    }
}
