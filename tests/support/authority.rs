//! A time stamping authority (RFC 3161) of the test's own: answers over HTTP, signs with `openssl ts`.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use tempfile::TempDir;

const CONFIG: &str = "\
[req]
distinguished_name = name
x509_extensions = tsa_ext
prompt = no
[name]
CN = Test time stamping authority
[tsa_ext]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = tsa_main
[tsa_main]
serial = serial
crypto_device = builtin
signer_cert = cert.pem
signer_key = key.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
";

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// As it should.
    Well,
    /// With that status and no token.
    Status(u16),
    /// With the token that it gave last, for what was asked then.
    Again,
    /// With what no token is.
    Nonsense,
}

/// Listens on a port of its own for as long as the test runs.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
    address: SocketAddr,
    answers: Arc<Mutex<Answers>>,
}

impl Authority {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("tsa.cnf"), CONFIG).unwrap();
        std::fs::write(folder.path().join("serial"), "01\n").unwrap();
        let make = "req -new -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -config tsa.cnf";
        assert!(openssl(folder.path(), make), "openssl makes an authority");
        let socket = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = socket.local_addr().unwrap();
        let answers = Arc::new(Mutex::new(Answers::Well));
        let (place, how) = (folder.path().to_owned(), Arc::clone(&answers));
        std::thread::spawn(move || {
            for client in socket.incoming().map_while(Result::ok) {
                let how = *how.lock().unwrap();
                // A client that goes away is its own business.
                drop(answer(&client, &place, how));
            }
        });
        Self { folder, address, answers }
    }

    pub fn url(&self) -> String {
        format!("http://{}/tsa", self.address)
    }

    pub fn answers(&self, how: Answers) {
        *self.answers.lock().unwrap() = how;
    }

    /// Whether `openssl ts -verify` takes the token for these bytes' own, by this authority.
    pub fn vouches(&self, token: &Path, bytes: &[u8]) -> bool {
        let data = self.folder.path().join("data");
        std::fs::write(&data, bytes).unwrap();
        let token = token.to_str().unwrap();
        openssl(self.folder.path(), &format!("ts -verify -data data -in {token} -CAfile cert.pem"))
    }
}

fn answer(mut client: &TcpStream, folder: &Path, how: Answers) -> std::io::Result<()> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    let query = loop {
        let length = client.read(&mut buffer)?;
        request.extend(&buffer[..length]);
        let head = request.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
            assert!(text.contains("content-type: application/timestamp-query"), "{text}");
            let wanted = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let wanted: usize = wanted.expect("a length");
            if request.len() >= head + wanted {
                break request[head..].to_vec();
            }
        }
        assert!(length > 0, "the query was cut short");
    };
    let (status, token) = match how {
        Answers::Status(status) => (status, Vec::new()),
        Answers::Nonsense => (200, b"not a token".to_vec()),
        Answers::Again => (200, std::fs::read(folder.join("answer.tsr"))?),
        Answers::Well => {
            std::fs::write(folder.join("query.tsq"), query)?;
            let reply = "ts -reply -config tsa.cnf -section tsa_main -queryfile query.tsq -out answer.tsr";
            assert!(openssl(folder, reply), "openssl answers");
            (200, std::fs::read(folder.join("answer.tsr"))?)
        }
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        token.len()
    );
    client.write_all(&[head.as_bytes(), &token].concat())
}

fn openssl(folder: &Path, words: &str) -> bool {
    let output = Command::new("openssl").args(words.split(' ')).current_dir(folder).output();
    output.expect("openssl is installed").status.success()
}
