//! The file system of the tripwires: as much of the FUSE protocol as it takes to say no, and to know to whom.
//!
//! One connection serves every tripwire; each is an entry of the root, bound to where it belongs. A request carries the
//! asking thread's id and the exact name, both from the kernel, and the asker waits for the answer: nothing here can be
//! raced or forged. Only what touches these paths comes here, so that every other file costs nothing.
//!
//! Numbers and layouts are those of `linux/fuse.h`, version 7.31; the kernel speaks older versions on request.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use crate::run::{Answer, Bait, Tripwire};

/// The kernel wants room for a request with its largest write, and at least this.
const BUFFER: usize = 128 << 10;
const HEADER_IN: usize = 40;
const ROOT: u64 = 1;

const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const READLINK: u32 = 5;
const OPEN: u32 = 14;
const READ: u32 = 15;
const STATFS: u32 = 17;
const RELEASE: u32 = 18;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const OPENDIR: u32 = 27;
const READDIR: u32 = 28;
const RELEASEDIR: u32 = 29;
const ACCESS: u32 = 34;
const INTERRUPT: u32 = 36;
const DESTROY: u32 = 38;
const BATCH_FORGET: u32 = 42;

/// Something that a tripwire saw: thread, path, verb, answer.
pub(super) type Told<'a> = &'a dyn Fn(u32, PathBuf, &'static str, Answer);

/// What one node number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    Root,
    /// The tripwire itself.
    Wire(usize),
    /// A file of a canary folder.
    Canary(usize, usize),
}

/// The answers, apart from the descriptor: bytes in, bytes out.
pub(super) struct Tripwires {
    wires: Vec<Tripwire>,
    owner: (u32, u32),
    nodes: HashMap<u64, Node>,
}

/// What is sent back.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Error(i32),
    Body(Vec<u8>),
    /// The kernel expects none.
    Nothing,
}

/// Answers until the file system is gone.
pub(super) fn serve(connection: &OwnedFd, mut tripwires: Tripwires, told: Told<'_>) {
    let mut buffer = vec![0; BUFFER];
    loop {
        let got = match rustix::io::read(connection, &mut buffer) {
            Ok(got) => got,
            // An asker that was killed takes its request back.
            Err(rustix::io::Errno::INTR | rustix::io::Errno::NOENT | rustix::io::Errno::AGAIN) => continue,
            // Unmounted: the run is over.
            Err(_) => return,
        };
        let Some(answer) = tripwires.answer(&buffer[..got], told) else { continue };
        // Fails when the asker has gone meanwhile, which is its own affair.
        let _ = rustix::io::write(connection, &answer);
    }
}

impl Tripwires {
    pub(super) fn new(wires: Vec<Tripwire>, owner: (u32, u32)) -> Self {
        Self { wires, owner, nodes: HashMap::from([(ROOT, Node::Root)]) }
    }

    fn answer(&mut self, request: &[u8], told: Told<'_>) -> Option<Vec<u8>> {
        let (opcode, unique, node, pid) =
            (word(request, 4)?, long(request, 8)?, long(request, 16)?, word(request, 32)?);
        let body = request.get(HEADER_IN..)?;
        let reply = self.reply(opcode, node, pid, body, told);
        let (error, body) = match reply {
            Reply::Nothing => return None,
            Reply::Error(number) => (-number, Vec::new()),
            Reply::Body(body) => (0, body),
        };
        let length = u32::try_from(16 + body.len()).ok()?;
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(error.to_ne_bytes());
        bytes.extend(unique.to_ne_bytes());
        bytes.extend(body);
        Some(bytes)
    }

    fn reply(&mut self, opcode: u32, node: u64, pid: u32, body: &[u8], told: Told<'_>) -> Reply {
        match opcode {
            INIT => return Self::init(body),
            FORGET | BATCH_FORGET | INTERRUPT | DESTROY => return Reply::Nothing,
            RELEASE | RELEASEDIR | FLUSH => return Reply::Body(Vec::new()),
            STATFS => return Reply::Body(vec![0; 80]),
            _ => {}
        }
        let Some(&node) = self.nodes.get(&node) else { return Reply::Error(libc::ESTALE) };
        match (opcode, node) {
            (LOOKUP, Node::Root) => self.wire_of(body),
            (LOOKUP, Node::Wire(wire)) => self.look_up(wire, name(body), pid, told),
            (GETATTR, node) => {
                let mut attributes = vec![0; 16];
                attributes.extend(self.attributes(node));
                Reply::Body(attributes)
            }
            (OPEN, Node::Wire(wire)) => self.open(wire, body, pid, told),
            (OPEN, Node::Canary(wire, file)) => {
                let name = self.canary(wire, file).map(|(name, _)| name.to_owned());
                let path = self.wires[wire].path.join(name.unwrap_or_default());
                if writes(body) {
                    told(pid, path, "write", Answer::Refused);
                    return Reply::Error(libc::EACCES);
                }
                told(pid, path, "read", Answer::Canary);
                Reply::Body(vec![0; 16])
            }
            (READ, Node::Wire(wire)) => match &self.wires[wire].bait {
                Bait::CanaryFile(content) => piece(content, body),
                _ => Reply::Error(libc::EACCES),
            },
            (READ, Node::Canary(wire, file)) => match self.canary(wire, file) {
                Some((_, content)) => piece(content, body),
                None => Reply::Error(libc::EACCES),
            },
            (OPENDIR, Node::Wire(wire)) => self.list(wire, pid, told),
            (READDIR, Node::Wire(wire)) => self.entries(wire, body),
            (OPENDIR | READDIR, Node::Root) => Reply::Error(libc::EACCES),
            (ACCESS, Node::Wire(wire)) => self.access(wire, body, pid, told),
            (ACCESS, _) => Reply::Body(Vec::new()),
            (READLINK, _) => Reply::Error(libc::EINVAL),
            // Making, renaming, removing, changing: whatever it is, it is somebody who writes where credentials live.
            (_, Node::Wire(wire)) if changes(opcode) => {
                told(pid, self.wires[wire].path.clone(), "write", Answer::Refused);
                Reply::Error(libc::EACCES)
            }
            _ => Reply::Error(libc::ENOSYS),
        }
    }

    /// Version and a small buffer; no caching of what was refused, so that each attempt is seen.
    fn init(body: &[u8]) -> Reply {
        let (Some(major), Some(minor), Some(ahead)) = (word(body, 0), word(body, 4), word(body, 8)) else {
            return Reply::Error(libc::EPROTO);
        };
        if major != 7 {
            return Reply::Error(libc::EPROTO);
        }
        let mut out = Vec::with_capacity(64);
        out.extend(7_u32.to_ne_bytes());
        out.extend(minor.min(31).to_ne_bytes());
        out.extend(ahead.to_ne_bytes());
        // No flags; background and congestion as the kernel would choose; the smallest write; time in nanoseconds.
        out.extend(0_u32.to_ne_bytes());
        out.extend(12_u16.to_ne_bytes());
        out.extend(9_u16.to_ne_bytes());
        out.extend(4096_u32.to_ne_bytes());
        out.extend(1_u32.to_ne_bytes());
        out.resize(64, 0);
        Reply::Body(out)
    }

    /// An entry of the root: the number of a tripwire. Asked for by ourselves only, to bind it where it belongs.
    fn wire_of(&mut self, body: &[u8]) -> Reply {
        let wire = std::str::from_utf8(name(body)).ok().and_then(|name| name.parse::<usize>().ok());
        match wire.filter(|wire| *wire < self.wires.len()) {
            Some(wire) => self.entry(Node::Wire(wire)),
            None => Reply::Error(libc::ENOENT),
        }
    }

    fn look_up(&mut self, wire: usize, name: &[u8], pid: u32, told: Told<'_>) -> Reply {
        use std::os::unix::ffi::OsStrExt as _;
        let path = self.wires[wire].path.join(std::ffi::OsStr::from_bytes(name));
        match &self.wires[wire].bait {
            Bait::Folder => {
                told(pid, path, "read", Answer::Refused);
                Reply::Error(libc::EACCES)
            }
            Bait::CanaryFolder(files) => match files.iter().position(|(known, _)| known.as_bytes() == name) {
                Some(file) => self.entry(Node::Canary(wire, file)),
                None => {
                    told(pid, path, "read", Answer::Absent);
                    Reply::Error(libc::ENOENT)
                }
            },
            _ => {
                told(pid, path, "read", Answer::Absent);
                Reply::Error(libc::ENOENT)
            }
        }
    }

    fn open(&self, wire: usize, body: &[u8], pid: u32, told: Told<'_>) -> Reply {
        let Tripwire { path, bait } = &self.wires[wire];
        let writes = writes(body);
        if matches!(bait, Bait::CanaryFile(_)) && !writes {
            told(pid, path.clone(), "read", Answer::Canary);
            return Reply::Body(vec![0; 16]);
        }
        told(pid, path.clone(), if writes { "write" } else { "read" }, Answer::Refused);
        Reply::Error(libc::EACCES)
    }

    fn list(&self, wire: usize, pid: u32, told: Told<'_>) -> Reply {
        let Tripwire { path, bait } = &self.wires[wire];
        let (answer, reply) = match bait {
            Bait::EmptyFolder => (Answer::Absent, Reply::Body(vec![0; 16])),
            Bait::CanaryFolder(_) => (Answer::Canary, Reply::Body(vec![0; 16])),
            _ => (Answer::Refused, Reply::Error(libc::EACCES)),
        };
        told(pid, path.clone(), "list", answer);
        reply
    }

    /// The whole list at once, from its start; whoever asks for more has had all.
    fn entries(&self, wire: usize, body: &[u8]) -> Reply {
        let Bait::CanaryFolder(files) = &self.wires[wire].bait else { return Reply::Body(Vec::new()) };
        let mut list = Vec::new();
        if long(body, 8) == Some(0) {
            for (index, (name, _)) in files.iter().enumerate() {
                const REGULAR: u32 = 8;
                let (number, length) = (index as u64 + 1, u32::try_from(name.len()).unwrap_or(0));
                list.extend(number.to_ne_bytes());
                list.extend(number.to_ne_bytes());
                list.extend(length.to_ne_bytes());
                list.extend(REGULAR.to_ne_bytes());
                list.extend(name.as_bytes());
                list.resize(list.len().next_multiple_of(8), 0);
            }
        }
        Reply::Body(list)
    }

    /// access(2) and chdir(2). Whether something is there is no secret; whether it can be used is.
    fn access(&self, wire: usize, body: &[u8], pid: u32, told: Told<'_>) -> Reply {
        let Tripwire { path, bait } = &self.wires[wire];
        if word(body, 0).unwrap_or(0) == 0 || !matches!(bait, Bait::Folder | Bait::File) {
            return Reply::Body(Vec::new());
        }
        told(pid, path.clone(), "read", Answer::Refused);
        Reply::Error(libc::EACCES)
    }

    fn canary(&self, wire: usize, file: usize) -> Option<(&str, &[u8])> {
        match &self.wires[wire].bait {
            Bait::CanaryFolder(files) => files.get(file).map(|(name, content)| (name.as_str(), content.as_slice())),
            _ => None,
        }
    }

    /// A number for the node, and what it looks like. Nothing of it is kept by the kernel.
    fn entry(&mut self, node: Node) -> Reply {
        let number = Self::number(node);
        self.nodes.insert(number, node);
        let mut out = number.to_ne_bytes().to_vec();
        out.resize(40, 0);
        out.extend(self.attributes(node));
        Reply::Body(out)
    }

    fn number(node: Node) -> u64 {
        match node {
            Node::Root => ROOT,
            Node::Wire(wire) => 2 + ((wire as u64) << 16),
            Node::Canary(wire, file) => 3 + ((wire as u64) << 16) + file as u64,
        }
    }

    /// `struct fuse_attr`, 88 bytes.
    fn attributes(&self, node: Node) -> Vec<u8> {
        let (mode, size) = match node {
            Node::Root => (libc::S_IFDIR | 0o700, 0),
            Node::Wire(wire) => match &self.wires[wire].bait {
                Bait::File => (libc::S_IFREG | 0o600, 0),
                Bait::CanaryFile(content) => (libc::S_IFREG | 0o600, content.len()),
                _ => (libc::S_IFDIR | 0o700, 0),
            },
            Node::Canary(wire, file) => {
                (libc::S_IFREG | 0o600, self.canary(wire, file).map_or(0, |(_, content)| content.len()))
            }
        };
        let mut out = Vec::with_capacity(88);
        out.extend(Self::number(node).to_ne_bytes());
        out.extend((size as u64).to_ne_bytes());
        // Blocks, three times in seconds, and their nanoseconds.
        out.resize(8 + 8 + 8 + 24 + 12, 0);
        for value in [mode, 1, self.owner.0, self.owner.1, 0, 4096, 0] {
            out.extend(value.to_ne_bytes());
        }
        out
    }
}

/// Whether the flags of an open are to write.
fn writes(body: &[u8]) -> bool {
    let flags = word(body, 0).unwrap_or(0);
    flags & (libc::O_ACCMODE | libc::O_TRUNC).cast_unsigned() != 0
}

/// setattr, symlink, mknod, mkdir, unlink, rmdir, rename, link, write, setxattr, removexattr, create, fallocate, rename2.
fn changes(opcode: u32) -> bool {
    matches!(opcode, 4 | 6 | 8..=13 | 16 | 21 | 24 | 35 | 43 | 45)
}

fn piece(content: &[u8], body: &[u8]) -> Reply {
    let offset = long(body, 8).and_then(|offset| usize::try_from(offset).ok()).unwrap_or(usize::MAX).min(content.len());
    let size = word(body, 16).and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    let end = offset.saturating_add(size).min(content.len());
    Reply::Body(content[offset..end].to_vec())
}

fn name(body: &[u8]) -> &[u8] {
    body.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_ne_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map(u64::from_ne_bytes)
}
