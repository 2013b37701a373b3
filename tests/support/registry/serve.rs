//! The registry's HTTP/1.1: one thread for each connection, keep-alive, single ranges.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use super::{Fault, Request, State, normalise, page};

/// The thread that accepts. Dropping it stops it and closes every connection.
#[derive(Debug)]
pub(super) struct Listener {
    stopping: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(super) fn start(socket: TcpListener, state: Arc<Mutex<State>>) -> Self {
        let address = socket.local_addr().unwrap();
        let stopping = Arc::new(AtomicBool::new(false));
        let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let thread = std::thread::spawn({
            let (stopping, open) = (Arc::clone(&stopping), Arc::clone(&open));
            move || {
                for stream in socket.incoming().map_while(Result::ok) {
                    if stopping.load(Ordering::SeqCst) {
                        break;
                    }
                    open.lock().unwrap().push(stream.try_clone().unwrap());
                    let state = Arc::clone(&state);
                    // A client that goes away is not an error here; what was served stands in the log.
                    std::thread::spawn(move || drop(converse(&stream, address, &state)));
                }
            }
        });
        Self { stopping, open, address, thread: Some(thread) }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes `accept`, which looks at the flag.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        for stream in self.open.lock().unwrap().drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

/// Answers requests until the client closes.
fn converse(stream: &TcpStream, address: SocketAddr, state: &Mutex<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader)? {
        let (reply, fault) = {
            let state = state.lock().unwrap();
            (answer(&request, address, &state), fault(&request.path, &state))
        };
        if let Some(Fault::Behind(barrier)) = &fault {
            barrier.pass();
        }
        let mut record = Request { status: reply.status, sent: 0, ..request.clone() };
        let outcome = send(stream, &request, reply, fault, &mut record);
        let close = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        state.lock().unwrap().log.push(record);
        if !outcome? || close {
            break;
        }
    }
    stream.shutdown(Shutdown::Both)
}

fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
    }
    let mut first = lines.first().map(String::as_str).unwrap_or_default().split(' ');
    let (method, path) = (first.next().unwrap_or_default().to_owned(), first.next().unwrap_or_default().to_owned());
    let headers = lines[1..].iter().filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    Ok(Some(Request { method, path, headers, status: 0, sent: 0 }))
}

#[derive(Debug)]
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn plain(status: u16, text: &str) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: text.as_bytes().to_vec(),
    }
}

fn fault(path: &str, state: &State) -> Option<Fault> {
    let fits = state.faults.iter().filter(|(beginning, _)| path.starts_with(beginning.as_str()));
    fits.max_by_key(|(beginning, _)| beginning.len()).map(|(_, fault)| fault.clone())
}

/// The right answer.
fn answer(request: &Request, address: SocketAddr, state: &State) -> Reply {
    if let Some(name) = request.path.strip_prefix("/simple/").map(|rest| rest.trim_end_matches('/')) {
        let Some(project) = state.projects.get(&normalise(name)) else { return plain(404, "no such project") };
        let origin = format!("http://{address}");
        let wants_json = request.header("accept").is_some_and(|accept| accept.contains("simple.v1+json"));
        let (kind, body) = if wants_json && !state.html_only {
            ("application/vnd.pypi.simple.v1+json", page::json(name, project, &origin))
        } else {
            ("text/html", page::html(name, project, &origin))
        };
        let tag = format!("\"{}\"", &crate::support::sha256(&body)[..16]);
        let headers = vec![("content-type".to_owned(), kind.to_owned()), ("etag".to_owned(), tag.clone())];
        if request.header("if-none-match") == Some(tag.as_str()) {
            return Reply { status: 304, headers, body: Vec::new() };
        }
        return Reply { status: 200, headers, body };
    }
    let mut files = state.projects.values().flat_map(|project| &project.files);
    if let Some(path) = request.path.strip_suffix(".metadata") {
        let metadata = files.find(|file| file.path() == path).and_then(|file| file.metadata.clone());
        return metadata
            .map_or_else(|| plain(404, "no metadata"), |body| Reply { status: 200, headers: Vec::new(), body });
    }
    let Some(file) = files.find(|file| file.path() == request.path) else { return plain(404, "no such file") };
    let total = file.bytes.len();
    let accept = ("accept-ranges".to_owned(), "bytes".to_owned());
    match request.header("range").and_then(|range| span(range, total)) {
        Some((from, to)) => {
            let range = ("content-range".to_owned(), format!("bytes {from}-{to}/{total}"));
            Reply { status: 206, headers: vec![accept, range], body: file.bytes[from..=to].to_vec() }
        }
        None => Reply { status: 200, headers: vec![accept], body: file.bytes.to_vec() },
    }
}

/// First and last byte of `bytes=a-b`, `bytes=a-` or `bytes=-n`.
fn span(range: &str, total: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let last = total.checked_sub(1)?;
    match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) => Some((from, to.min(last))),
        (Ok(from), Err(_)) => Some((from, last)),
        (Err(_), Ok(count)) => Some((total.saturating_sub(count), last)),
        (Err(_), Err(_)) => None,
    }
    .filter(|(from, to)| from <= to)
}

/// Sends the answer, or what the fault makes of it. Returns whether the connection can go on.
fn send(
    mut stream: &TcpStream,
    request: &Request,
    mut reply: Reply,
    fault: Option<Fault>,
    record: &mut Request,
) -> io::Result<bool> {
    let mut cut = None;
    let mut stall = false;
    match fault {
        None | Some(Fault::Behind(_)) => {}
        Some(Fault::Status(status)) => reply = plain(status, "as a test asked"),
        Some(Fault::Truncated(length)) => cut = Some(length),
        Some(Fault::Stalled) => (cut, stall) = (Some(0), true),
        Some(Fault::Bytes(bytes)) => reply.body = bytes,
        Some(Fault::Html) => {
            reply = plain(200, "<!DOCTYPE html><html><body>Please log in to the network.</body></html>");
            reply.headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        }
        Some(Fault::Redirect(to)) => {
            reply = plain(302, "elsewhere");
            reply.headers.push(("location".to_owned(), to));
        }
        Some(Fault::Huge(length)) => return huge(stream, &reply, length, record),
        Some(Fault::Garbage) => {
            stream.write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n")?;
            return Ok(false);
        }
        Some(Fault::Reset) => return Ok(false),
    }
    record.status = reply.status;
    let head = head(&reply, Some(reply.body.len()));
    stream.write_all(head.as_bytes())?;
    if request.method == "HEAD" {
        return Ok(true);
    }
    let body = &reply.body[..cut.unwrap_or(reply.body.len()).min(reply.body.len())];
    stream.write_all(body)?;
    record.sent = body.len();
    if stall {
        // Until the other side gives up.
        stream.read_to_end(&mut Vec::new())?;
    }
    Ok(cut.is_none())
}

fn huge(mut stream: &TcpStream, reply: &Reply, length: u64, record: &mut Request) -> io::Result<bool> {
    stream.write_all(head(reply, None).as_bytes())?;
    let chunk = vec![b' '; 1 << 16];
    let mut left = length;
    while left > 0 {
        let size = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
        stream.write_all(&chunk[..size])?;
        record.sent += size;
        left -= size as u64;
    }
    Ok(false)
}

fn head(reply: &Reply, length: Option<usize>) -> String {
    let mut head = format!("HTTP/1.1 {} x\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match length {
        Some(length) => head.push_str(&format!("content-length: {length}\r\n\r\n")),
        None => head.push_str("connection: close\r\n\r\n"),
    }
    head
}
