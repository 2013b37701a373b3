//! The worker's end: shut in, then one report per archive until the gate hangs up.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Stdin, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::process::ExitCode;

use bulkhead_contain::{Job, WorkerProfile, enter_worker, recv_job};
use bulkhead_detect::ReadAt;

use super::wire::{Answer, Header, Hello, PROGRESS, write_frame};

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
        let Header { id, kind, file_name, limits, arriving } = serde_json::from_slice(&header)?;
        let archive = Archive::new(file, arriving)?;
        let report = bulkhead_detect::inspect_as(&archive, kind, &file_name, &limits);
        // The next job begins behind the last word about this one.
        archive.wait_for(archive.size)?;
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

/// The job's file. Its size is taken once: the gate keeps blobs by digest and never changes one. One that is still arriving
/// grows up to the size that the gate expects, and what is there stays as it is.
struct Archive {
    file: File,
    size: u64,
    arriving: bool,
    /// How much of it is there.
    there: Cell<u64>,
}

impl Archive {
    fn new(file: File, arriving: Option<u64>) -> Result<Self> {
        if let Some(size) = arriving {
            return Ok(Self { file, size, arriving: true, there: Cell::new(0) });
        }
        // fstat(2), because `File::metadata` uses statx(2), which takes a path and is not on the list.
        let size = u64::try_from(rustix::fs::fstat(&file)?.st_size)?;
        Ok(Self { file, size, arriving: false, there: Cell::new(size) })
    }

    /// Listens to the gate until so much is there.
    fn wait_for(&self, wanted: u64) -> io::Result<()> {
        while self.there.get() < wanted.min(self.size) {
            let mut word = [0; PROGRESS];
            let mut have = 0;
            while have < PROGRESS {
                match rustix::io::read(io::stdin().as_fd(), &mut word[have..]) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(count) => have += count,
                    Err(rustix::io::Errno::INTR) => {}
                    Err(why) => return Err(why.into()),
                }
            }
            self.there.set(u64::from_le_bytes(word));
        }
        Ok(())
    }
}

impl ReadAt for Archive {
    fn len(&self) -> u64 {
        self.size
    }

    fn is_arriving(&self) -> bool {
        self.arriving
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.wait_for(offset.saturating_add(1))?;
        let there = self.there.get().saturating_sub(offset);
        let count = into.len().min(usize::try_from(there).unwrap_or(usize::MAX));
        self.file.read_at(&mut into[..count], offset)
    }
}
