//! Serves the listeners of a run's network: its name server, its proxy, and every address that it connects to.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_contain::net::NetFds;
pub use bulkhead_contain::net::PROXY;
use bulkhead_contain::{original_destination, recv_dns, send_dns};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::dns;
use super::lanes::Lanes;
use super::proxy::Egress;
use crate::tasks::Tasks;

/// Connections of one run at a time; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 2_048;
/// Descriptors that are left for everything else: the ledger, its database, the questions about connections.
const SPARE: u64 = 128;
/// How long nothing is accepted after an accept that failed: what is lacking then does not come back at once.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves the run's network until the descriptors' namespace has nobody left to connect. Returns at once; the work goes on
/// in tasks and, for datagrams, on a thread that ends with its socket's namespace or with the process.
///
/// # Errors
/// When a listener cannot be taken over.
pub fn serve(egress: &Arc<Egress>, net: NetFds, tasks: &Tasks) -> io::Result<()> {
    let NetFds { dns_udp, dns_tcp, proxy, tcp, caught: _ } = net;
    let answering = Arc::clone(egress);
    std::thread::Builder::new().name("run-names".to_owned()).spawn(move || {
        let mut message = [0; dns::MOST];
        // An error ends it: the socket is gone, and with it the run.
        while let Ok((length, peer, asked)) = recv_dns(&dns_udp, &mut message) {
            if let Some(answer) = answering.answer(&message[..length])
                && let Err(error) = send_dns(&dns_udp, &answer, peer, asked)
            {
                tracing::debug!(%error, "a name was not answered");
            }
        }
    })?;
    let slots = Arc::new(Semaphore::new(connections(descriptors())));
    let lanes = Arc::new(Lanes::start()?);
    let doors = [(dns_tcp, Door::Names), (proxy, Door::Proxy)].into_iter();
    for (listener, door) in doors.chain(tcp.into_iter().map(|listener| (listener, Door::Any))) {
        listen(listener, egress, tasks, (&slots, &lanes), door)?;
    }
    Ok(())
}

/// As many descriptors as this process may have; it takes what it is allowed.
fn descriptors() -> u64 {
    let limits = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limits.maximum, maximum: limits.maximum };
    let limits = setrlimit(Resource::Nofile, most).map_or(limits, |()| most);
    limits.current.unwrap_or(u64::MAX)
}

/// Each connection has two ends.
fn connections(descriptors: u64) -> usize {
    let pairs = usize::try_from(descriptors.saturating_sub(SPARE) / 2).unwrap_or(CONNECTIONS);
    pairs.clamp(8, CONNECTIONS)
}

#[derive(Debug, Clone, Copy)]
enum Door {
    Names,
    Proxy,
    Any,
}

#[expect(
    clippy::disallowed_methods,
    reason = "these end with the run, which the supervisor waits for; Tasks are what it drains"
)]
fn listen(
    listener: StdListener,
    egress: &Arc<Egress>,
    tasks: &Tasks,
    (slots, lanes): (&Arc<Semaphore>, &Arc<Lanes>),
    door: Door,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let (egress, tasks, slots, lanes) = (Arc::clone(egress), tasks.clone(), Arc::clone(slots), Arc::clone(lanes));
    tokio::spawn(async move {
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            let stream = match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::debug!(%error, "a connection of the run was not accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let egress = Arc::clone(&egress);
            lanes.serve(tasks.counted(async move {
                if let Err(error) = serve_one(egress, stream, door).await {
                    tracing::debug!(%error, "a connection of the run ended");
                }
                drop(slot);
            }));
        }
    });
    Ok(())
}

async fn serve_one(egress: Arc<Egress>, stream: StdStream, door: Door) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let to = matches!(door, Door::Any).then(|| original_destination(&stream)).transpose()?;
    // Here, because here is the lane whose reactor it belongs to.
    let stream = TcpStream::from_std(stream)?;
    match (door, to) {
        (Door::Proxy, _) => egress.explicit(stream).await,
        (Door::Names, _) => names(egress, stream).await?,
        (Door::Any, Some(to)) => egress.transparent(stream, SocketAddr::V4(to)).await,
        (Door::Any, None) => {}
    }
    Ok(())
}

/// DNS over TCP: two bytes of length before each message (RFC 1035, 4.2.2).
async fn names(egress: Arc<Egress>, mut stream: TcpStream) -> io::Result<()> {
    loop {
        let length = usize::from(stream.read_u16().await?);
        let mut message = vec![0; length];
        stream.read_exact(&mut message).await?;
        let Some(answer) = egress.answer(&message) else { return Ok(()) };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes()[..], &answer].concat()).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        assert_eq!(connections(1024), 448);
        assert_eq!(connections(u64::MAX), CONNECTIONS);
        // Fewer than are spare: it goes slowly, and it goes.
        assert_eq!(connections(64), 8);
    }
}
