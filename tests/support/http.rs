//! A client that sends exactly what it is told to, and parses no more than a test needs.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Longer than any answer takes, shorter than a test run that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer, taken apart.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub reason: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body is as long as the headers said.
    pub whole: bool,
}

impl Reply {
    /// The value of a header, when there is one.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }

    /// The code of the problem that the body is.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        self.json()["code"].as_str().expect("a problem has a code").to_owned()
    }

    /// The file names that an index page in JSON lists.
    pub fn listed(&self) -> Vec<String> {
        let files = self.json()["files"].as_array().expect("a page has files").clone();
        files.iter().map(|file| file["filename"].as_str().unwrap().to_owned()).collect()
    }
}

/// One request on a connection of its own.
pub fn request(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
    try_request(address, method, target, headers).unwrap_or_else(|error| panic!("{method} {target}: {error}"))
}

/// The same, where the server may be killed meanwhile.
pub fn try_request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> std::io::Result<Reply> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let answer = try_raw(address, head.as_bytes())?;
    parse(&answer, method == "HEAD").ok_or_else(|| std::io::Error::other("the answer is not HTTP, or was cut short"))
}

/// A POST with a body.
pub fn post(address: SocketAddr, target: &str, body: &[u8]) -> Reply {
    let head = format!(
        "POST {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = raw(address, &[head.as_bytes(), body].concat());
    parse(&answer, false).expect("an answer")
}

/// A request with a body, on a connection of its own.
pub fn send(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut head = format!(
        "{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let answer = raw(address, format!("{head}\r\n{body}").as_bytes());
    parse(&answer, false).unwrap_or_else(|| panic!("{method} {target}: the answer is not HTTP, or was cut short"))
}

/// The same with a server that leaves the connection open: the answer ends where its length says.
pub fn exchange(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
    let (mut answer, mut buffer) = (Vec::new(), [0; 16 << 10]);
    loop {
        let length = stream.read(&mut buffer).expect("an answer");
        answer.extend(&buffer[..length]);
        match parse(&answer, false) {
            Some(reply) if reply.header("content-length").is_some() && reply.whole => return reply,
            _ => assert!(length > 0, "{method} {target}: the answer was cut short"),
        }
    }
}

/// Sends these bytes and returns everything that comes back until the server closes.
pub fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    try_raw(address, bytes).expect("an answer")
}

fn try_raw(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(bytes)?;
    let mut answer = Vec::new();
    let outcome = stream.read_to_end(&mut answer);
    // A server that refuses early may reset the connection after its answer.
    if answer.is_empty() { outcome.map(|_| answer) } else { Ok(answer) }
}

/// One answer out of the bytes of a connection that was closed after it.
pub fn parse(answer: &[u8], head_only: bool) -> Option<Reply> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.splitn(3, ' ');
    first.next().filter(|version| version.starts_with("HTTP/1."))?;
    let status = first.next()?.parse().ok()?;
    let reason = first.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let mut reply = Reply { status, reason, headers, body: answer[end + 4..].to_vec(), whole: true };
    if head_only {
        return Some(reply);
    }
    if reply.header("transfer-encoding") == Some("chunked") {
        let (body, whole) = unchunk(&reply.body);
        (reply.body, reply.whole) = (body, whole);
    } else if let Some(length) = reply.header("content-length").and_then(|length| length.parse::<usize>().ok()) {
        reply.whole = reply.body.len() == length;
    }
    Some(reply)
}

fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).ok().and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        let Some(size) = size else { break };
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = rest.get(end + 2..end + 2 + size) else { break };
        body.extend(chunk);
        rest = rest.get(end + 2 + size + 2..).unwrap_or_default();
    }
    (body, false)
}
