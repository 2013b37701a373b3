//! A little internet on loopback: hosts under `.test` names that repeat what they are sent, over TLS and without.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use bulkhead::gate::egress::{ca::Ca, host::Host};
use rustls::{ServerConnection, StreamOwned, server::Acceptor};

/// The hosts; they end with the test's process.
#[derive(Debug, Clone)]
pub struct Internet {
    tls: SocketAddr,
    plain: SocketAddr,
    talker: SocketAddr,
    root: String,
    received: Arc<Mutex<Vec<String>>>,
    files: Files,
}

/// What stands at a path of every host, instead of the request's echo.
type Files = Arc<Mutex<HashMap<String, Vec<u8>>>>;

impl Internet {
    /// Starts it.
    pub fn start() -> Self {
        let ca = Arc::new(Ca::new("internet").unwrap());
        let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
        let (tls, plain, talker) = (listen(), listen(), listen());
        let internet = Self {
            tls: tls.local_addr().unwrap(),
            plain: plain.local_addr().unwrap(),
            talker: talker.local_addr().unwrap(),
            root: ca.pem().to_owned(),
            received: Arc::default(),
            files: Arc::default(),
        };
        let (received, files) = (Arc::clone(&internet.received), Arc::clone(&internet.files));
        each(tls, move |stream| {
            if let Some(stream) = hello(stream, &ca) {
                talk(stream, &received, &files);
            }
        });
        let (received, files) = (Arc::clone(&internet.received), Arc::clone(&internet.files));
        each(plain, move |stream| talk(stream, &received, &files));
        // Speaks first, as mail and databases do.
        each(talker, |mut stream| {
            drop(stream.write_all(b"220 ready\r\n"));
            let mut line = String::new();
            drop(BufReader::new(&stream).read_line(&mut line));
            drop(stream.write_all(format!("250 {line}").as_bytes()));
        });
        internet
    }

    /// Whom to trust so that its certificates hold.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// `[egress] addresses` for these hosts: TLS on 443 and 8443, plain HTTP on 80, a server that speaks first on 2525.
    pub fn addresses(&self, hosts: &[&str]) -> String {
        let ports = [(443, self.tls), (8443, self.tls), (80, self.plain), (2525, self.talker)];
        let all = hosts.iter().flat_map(|host| ports.map(|(port, at)| format!("\"{host}:{port}={at}\"")));
        format!("[egress]\naddresses = [{}]\n", all.collect::<Vec<_>>().join(", "))
    }

    /// Puts a file at this path of every host.
    pub fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.files.lock().unwrap().insert(path.to_owned(), content.into());
    }

    /// Each request that reached any host.
    pub fn requests(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// Everything that reached any host: heads and bodies.
    pub fn received(&self) -> String {
        self.received.lock().unwrap().join("\n")
    }
}

fn each(listener: TcpListener, serve: impl Fn(TcpStream) + Send + Sync + 'static) {
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
}

/// TLS with a certificate for whatever host the client names.
fn hello(mut stream: TcpStream, ca: &Ca) -> Option<StreamOwned<ServerConnection, TcpStream>> {
    let mut acceptor = Acceptor::default();
    loop {
        acceptor.read_tls(&mut stream).ok().filter(|read| *read > 0)?;
        if let Some(accepted) = acceptor.accept().ok()? {
            let host = Host::parse(accepted.client_hello().server_name()?).ok()?;
            let connection = accepted.into_connection(ca.serve_as(&host).ok()?).ok()?;
            return Some(StreamOwned::new(connection, stream));
        }
    }
}

/// Repeats each request's head and body, where there is no file; a repository of git at `/repo.git`.
fn talk(stream: impl Read + Write, received: &Mutex<Vec<String>>, files: &Files) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match stream.read_line(&mut head) {
                Ok(read) if read > 0 => {}
                _ => return,
            }
        }
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        let said = format!("{head}{}", String::from_utf8_lossy(&body));
        received.lock().unwrap().push(said.clone());
        let path = head.split(' ').nth(1).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        let file = files.lock().unwrap().get(path).cloned();
        let answer = file.unwrap_or_else(|| match path {
            "/repo.git/info/refs" => b"0123456789012345678901234567890123456789\trefs/heads/main\n".to_vec(),
            "/repo.git/HEAD" => b"ref: refs/heads/main\n".to_vec(),
            _ => format!("ECHO {said}").into_bytes(),
        });
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n", answer.len());
        // Fails when the client has what it wanted.
        if stream
            .get_mut()
            .write_all(&[head.as_bytes(), &answer].concat())
            .and_then(|()| stream.get_mut().flush())
            .is_err()
        {
            return;
        }
    }
}
