//! A wire between client and server that counts what crosses it.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Listens on a port of its own and passes everything on, for as long as the test runs.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    received: Arc<AtomicUsize>,
}

impl Relay {
    pub fn to(server: SocketAddr) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = socket.local_addr().unwrap();
        let received = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&received);
        std::thread::spawn(move || {
            for client in socket.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(server) else { break };
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(&from, &to, &AtomicUsize::new(0)));
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || pass(&server, &client, &counter));
            }
        });
        Self { address, received }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes that the server has sent so far, heads included.
    pub fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, counter: &AtomicUsize) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        counter.fetch_add(length, Ordering::SeqCst);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // Whoever closed its side has nothing more to say; the other direction may go on.
    drop(to.shutdown(Shutdown::Write));
}
