//! A run's network where no host is allowed: every connection is taken, named and closed, every name is refused.
//!
//! The egress gate takes the place of this for runs that may reach something.

use std::net::{TcpListener, UdpSocket};

use bulkhead_contain::net::NetFds;
use bulkhead_contain::{original_destination, recv_dns, send_dns};

use super::record::Recorder;

/// Serves the listeners on threads of their own, which end with the process.
///
/// # Errors
/// When no thread can be started.
pub fn refuse_all(net: NetFds, recorder: &Recorder) -> std::io::Result<()> {
    let NetFds { dns_udp, dns_tcp, proxy, tcp, caught: _ } = net;
    for (listener, what) in tcp.into_iter().map(|listener| (listener, "")).chain([(dns_tcp, "dns "), (proxy, "proxy ")])
    {
        let recorder = recorder.clone();
        start("refuse", move || connections(&listener, what, &recorder))?;
    }
    let recorder = recorder.clone();
    start("names", move || names(&dns_udp, &recorder))
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

fn connections(listener: &TcpListener, what: &str, recorder: &Recorder) {
    for stream in listener.incoming().flatten() {
        if let Ok(meant) = original_destination(&stream) {
            recorder.refused_connection(&format!("{what}{meant}"), "no-host-allowed", "no host is allowed in this run");
        }
    }
}

fn names(socket: &UdpSocket, recorder: &Recorder) {
    let mut bytes = [0; 1500];
    while let Ok((got, peer, asked)) = recv_dns(socket, &mut bytes) {
        let question = &bytes[..got];
        if let Some(name) = name(question) {
            recorder.refused_connection(&name, "no-host-allowed", "no host is allowed in this run");
        }
        if let Some(answer) = refused(question) {
            // Fails when the asker has gone.
            drop(send_dns(socket, &answer, peer, asked));
        }
    }
}

/// The name that is asked for, in letters that a terminal and an entry can take.
fn name(question: &[u8]) -> Option<String> {
    let (mut at, mut labels) = (12, Vec::new());
    loop {
        let length = usize::from(*question.get(at)?);
        if length == 0 {
            break;
        }
        let label = question.get(at + 1..at + 1 + length)?;
        labels.push(label.escape_ascii().to_string());
        at += 1 + length;
    }
    (!labels.is_empty()).then(|| labels.join("."))
}

/// The question again, answered with REFUSED (RFC 1035, 4.1.1).
fn refused(question: &[u8]) -> Option<Vec<u8>> {
    let mut answer = question.get(..12)?.to_vec();
    answer[2] = 0x81;
    answer[3] = 0x85;
    answer[4..12].fill(0);
    Some(answer)
}
