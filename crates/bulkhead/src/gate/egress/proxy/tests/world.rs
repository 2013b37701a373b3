//! A run's network without namespaces: the gate, an upstream, and a client whose connections are handed to the gate.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bulkhead_core::{Context, Principal, Problem, RunId, Secret};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio_rustls::TlsConnector;

use super::upstream::{Upstream, pem_to_der, spawn};
use crate::app::App;
use crate::config::{Config, Overrides};
use crate::gate::egress::broker::{Binding, Placeholder};
use crate::gate::egress::ca::Ca;
use crate::gate::egress::dial::Dialer;
use crate::gate::egress::host::Host;
use crate::gate::egress::judge::{Boxed, Judge, Outline, SpineJudge, Wanted};
use crate::gate::egress::proxy::Egress;
use crate::net::{Resolver, Script, tls};
use crate::spine::Permit;

/// The placeholder, and the secret that it stands for.
pub(super) const TEXT: &str = "sk-proj-placeholder00000000000000";
pub(super) const REAL: &str = "sk-proj-REALREALREALREAL111111111";
/// One that is for POST below /v1/ only, and for bodies too.
pub(super) const FORM_TEXT: &str = "cs-placeholder/00000000000+00000";
pub(super) const FORM_REAL: &str = "cs-REALREALFOR/MS000000000+00000";
/// What lies behind a canary.
pub(super) const DECOY: &str = "sk-laidout0000000000000000000000";

const HOSTS: [&str; 7] = [
    "api.example.test",
    "pass.example.test",
    "other.example.test",
    "models.example.test",
    "expired.example.test",
    "stranger.example.test",
    "elsewhere.example.test",
];

/// The spine, and what it is told besides.
struct Listening(SpineJudge, Arc<Mutex<Vec<String>>>);

impl Judge for Listening {
    fn judge<'a>(
        &'a self,
        host: &'a Host,
        port: u16,
        wanted: Wanted,
    ) -> Boxed<'a, Result<Option<Permit<()>>, Problem>> {
        self.0.judge(host, port, wanted)
    }

    fn outline(&self) -> Outline {
        self.0.outline()
    }

    fn minted(&self, host: &Host, port: u16, what: &str) {
        self.1.lock().unwrap().push(format!("{host}:{port} {what}"));
    }
}

pub(super) struct World {
    pub(super) upstream: Upstream,
    minted: Arc<Mutex<Vec<String>>>,
    names: Arc<Script>,
    egress: Arc<Egress>,
    app: Arc<App>,
    _folder: tempfile::TempDir,
}

impl World {
    /// With these lines in the policy's settings.
    pub(super) async fn start(settings: &str) -> Self {
        Self::with_rules(settings, "").await
    }

    /// With these rules beside the shipped ones.
    pub(super) async fn with_rules(settings: &str, rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shipped = bulkhead_core::policy::DEFAULT;
        let names: Vec<&str> = settings.lines().filter_map(|line| line.split(' ').next()).collect();
        let kept = |line: &&str| !names.iter().any(|name| line.starts_with(&format!("{name} = []")));
        let policy: Vec<&str> = shipped.lines().filter(kept).collect();
        let policy = policy.join("\n").replacen("[settings]\n", &format!("[settings]\n{settings}\n"), 1);
        std::fs::create_dir_all(folder.path().join("data")).unwrap();
        std::fs::write(folder.path().join("data/policy.toml"), format!("{policy}\n{rules}")).unwrap();
        let text = "[intake.pypi]\nupstream = \"http://127.0.0.1:9/simple/\"\n";
        let overrides = Overrides { data: Some(folder.path().join("data")), ..Overrides::default() };
        let app = App::open(Config::parse(None, text, overrides).unwrap()).await.unwrap();
        let upstream = Upstream::start(&HOSTS).await;
        // Every name leads to loopback; the two addresses of the upstream are trusted, nothing else there is.
        let names = Arc::new(Script::default());
        let answer = |host: &str, address: &str| {
            let answer: IpAddr = address.parse().unwrap();
            names.answers.lock().unwrap().insert(host.to_owned(), vec![vec![answer]].into());
        };
        HOSTS.iter().for_each(|host| answer(host, "127.0.0.1"));
        answer("inside.example.test", "127.0.0.1");
        answer("mapped.example.test", "::ffff:127.0.0.1");
        answer("metadata.example.test", "169.254.169.254");
        let trust = tls::client(tls::Trust::Roots(vec![upstream.root.clone()])).unwrap();
        let dialer = Dialer::new(Resolver::Script(Arc::clone(&names)), trust).redirect(
            HOSTS
                .iter()
                .flat_map(|host| [((*host).to_owned(), 443, upstream.tls), ((*host).to_owned(), 80, upstream.plain)]),
        );
        let hosts = ["api", "expired", "stranger", "elsewhere"].map(|name| format!("{name}.example.test"));
        let binding = Binding { hosts: hosts.to_vec(), path: "/v1/".into(), ..Binding::default() };
        let placeholder =
            Placeholder { name: "openai".parse().unwrap(), text: TEXT.into(), value: Secret::new(REAL), binding };
        let binding = Binding {
            hosts: vec!["api.example.test".into()],
            path: "/v1/".into(),
            methods: vec!["POST".into()],
            body: true,
            ..Binding::default()
        };
        let name = "form".parse().unwrap();
        let form = Placeholder { name, text: FORM_TEXT.into(), value: Secret::new(FORM_REAL), binding };
        let context = Context {
            run: Some("00000000-0000-7000-8000-000000000000".parse::<RunId>().unwrap()),
            ..Context::default()
        };
        let judge = SpineJudge::new(Arc::clone(app.spine()), app.clock(), Principal::local(), context);
        let mut known = vec![placeholder, form];
        known.push(Placeholder::decoy("bulkhead-canary".parse().unwrap(), DECOY));
        let minted = Arc::default();
        let judge = Listening(judge, Arc::clone(&minted));
        let egress = Egress::new(Arc::new(judge), dialer, Ca::new("test").unwrap(), known);
        Self { upstream, names, minted, egress, app, _folder: folder }
    }

    pub(super) fn upstream_root(&self) -> CertificateDer<'static> {
        self.upstream.root.clone()
    }

    pub(super) fn run_root(&self) -> CertificateDer<'static> {
        pem_to_der(self.egress.ca().pem())
    }

    /// The names that a name server outside was asked for.
    pub(super) fn asked(&self) -> Vec<String> {
        self.names.asked.lock().unwrap().clone()
    }

    /// By domain, those that were only asked for inside.
    pub(super) fn idle_names(&self) -> Vec<(String, u64)> {
        self.egress.idle_names()
    }

    /// The newest such entry, once it is there: what is recorded after the answer.
    pub(super) async fn entry_now(
        &self,
        action: &str,
        host: &str,
        is: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        loop {
            match self.entry(action, host).await.filter(&is) {
                Some(entry) => return entry,
                None => tokio::task::yield_now().await,
            }
        }
    }

    /// What was told of new credentials.
    pub(super) fn minted(&self) -> Vec<String> {
        self.minted.lock().unwrap().clone()
    }

    /// What the run's name server says.
    pub(super) fn resolve(&self, host: &str) -> Ipv4Addr {
        let mut message = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in host.split('.') {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend(label.as_bytes());
        }
        message.extend([0, 0, 1, 0, 1]);
        let answer = self.egress.answer(&message).unwrap();
        let address: [u8; 4] = answer[answer.len() - 4..].try_into().unwrap();
        address.into()
    }

    fn connect(&self, host: &str, port: u16) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let to = SocketAddr::new(self.resolve(host).into(), port);
        spawn(Arc::clone(&self.egress).transparent(theirs, to));
        ours
    }

    /// A program that connects to the host with TLS and trusts that root.
    pub(super) async fn tls(&self, host: &str, root: &CertificateDer<'static>) -> std::io::Result<Client> {
        self.tls_to(host, host, root).await
    }

    /// The same, saying another name in the hello.
    pub(super) async fn tls_to(
        &self,
        host: &str,
        said: &str,
        root: &CertificateDer<'static>,
    ) -> std::io::Result<Client> {
        let stream = Box::new(self.connect(host, 443));
        let mut client = Client { stream, host: said.to_owned() };
        client.upgrade(said, root).await?;
        Ok(client)
    }

    /// A program that connects to the host's port 80.
    pub(super) async fn plain(&self, host: &str) -> Client {
        Client { stream: Box::new(self.connect(host, 80)), host: host.to_owned() }
    }

    /// A program that was told of the proxy.
    pub(super) async fn proxy(&self) -> Client {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        spawn(Arc::clone(&self.egress).explicit(theirs));
        Client { stream: Box::new(ours), host: "proxy".to_owned() }
    }

    /// The same, with a tunnel opened.
    pub(super) async fn tunnel(&self, authority: &str) -> Client {
        let mut client = self.proxy().await;
        client.send(&format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n")).await;
        assert!(client.head().await.starts_with("HTTP/1.1 200"));
        authority.split(':').next().unwrap().clone_into(&mut client.host);
        client
    }

    /// The newest entry of that action on that host.
    pub(super) async fn entry(&self, action: &str, host: &str) -> Option<serde_json::Value> {
        let log = self.app.log();
        let all = (0..log.size()).filter_map(|at| log.entries(at..at + 1).next()?.ok());
        let found =
            all.filter_map(|(at, entry)| serde_json::from_slice::<serde_json::Value>(&entry.encode(at).ok()?).ok());
        let mut newest = None;
        for entry in found {
            if entry["action"] == action && entry["resource"]["host"] == host {
                newest = Some(entry);
            }
        }
        newest
    }
}

/// One connection of a program.
pub(super) struct Client {
    stream: Box<dyn Both>,
    host: String,
}

pub(super) trait Both: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Both for T {}

pub(super) struct Said {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Client {
    /// Speaks TLS from here on.
    pub(super) async fn upgrade(&mut self, host: &str, root: &CertificateDer<'static>) -> std::io::Result<()> {
        let config = tls::client(tls::Trust::Roots(vec![root.clone()])).unwrap();
        let (spare, _) = tokio::io::duplex(1);
        let stream = std::mem::replace(&mut self.stream, Box::new(spare));
        let name = ServerName::try_from(host.to_owned()).unwrap();
        self.stream = Box::new(TlsConnector::from(config).connect(name, stream).await?);
        Ok(())
    }

    pub(super) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Said {
        let host = format!("host: {}\r\n", self.host);
        let own = headers.iter().any(|(name, _)| *name == "host");
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.send(&format!("GET {path} HTTP/1.1\r\n{}{headers}\r\n", if own { "" } else { &host })).await;
        self.said().await
    }

    pub(super) async fn post(&mut self, path: &str, body: &str) -> Said {
        self.send_with(path, &format!("content-length: {}\r\n", body.len()), body).await
    }

    /// A body in chunks of nine bytes.
    pub(super) async fn post_chunked(&mut self, path: &str, body: &str) -> Said {
        let chunk = |piece: &[u8]| format!("{:x}\r\n{}\r\n", piece.len(), std::str::from_utf8(piece).unwrap());
        let chunks: String = body.as_bytes().chunks(9).map(chunk).collect();
        self.send_with(path, "transfer-encoding: chunked\r\n", &format!("{chunks}0\r\n\r\n")).await
    }

    /// A request with these headers and this body, as they are.
    pub(super) async fn send_with(&mut self, path: &str, headers: &str, body: &str) -> Said {
        self.send(&format!("POST {path} HTTP/1.1\r\nhost: {}\r\n{headers}\r\n{body}", self.host)).await;
        self.said().await
    }

    /// Sends those bytes and reads until the other side ends.
    pub(super) async fn raw(&mut self, bytes: &str) -> String {
        self.send(bytes).await;
        let mut all = Vec::new();
        self.stream.read_to_end(&mut all).await.unwrap();
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Sends that as often as it is taken, and no more often than so; how many bytes were taken, and what was answered.
    pub(super) async fn flood(&mut self, begin: &str, again: &str, most: usize) -> (usize, String) {
        self.send(begin).await;
        let mut taken = 0;
        while taken < most && self.stream.write_all(again.as_bytes()).await.is_ok() {
            taken += again.len();
        }
        drop(self.stream.flush().await);
        let mut all = Vec::new();
        drop(self.stream.read_to_end(&mut all).await);
        (taken, String::from_utf8_lossy(&all).into_owned())
    }

    async fn send(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8_lossy(&head).into_owned()
    }

    async fn said(&mut self) -> Said {
        let head = self.head().await;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let field = |name: &str| {
            head.lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix(&format!("{name}: ")).map(str::to_owned))
        };
        let mut body = Vec::new();
        if let Some(length) = field("content-length").and_then(|length| length.parse().ok()) {
            body.resize(length, 0);
            self.stream.read_exact(&mut body).await.unwrap();
        } else if field("transfer-encoding").is_some() {
            loop {
                let mut line = Vec::new();
                while !line.ends_with(b"\r\n") {
                    match self.stream.read_u8().await {
                        Ok(byte) => line.push(byte),
                        // Broken off.
                        Err(_) => return Said { status: 0, head, body: String::from_utf8_lossy(&body).into_owned() },
                    }
                }
                let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
                let mut piece = vec![0; size + 2];
                self.stream.read_exact(&mut piece).await.unwrap();
                if size == 0 {
                    break;
                }
                body.extend_from_slice(&piece[..size]);
            }
        }
        Said { status, head, body: String::from_utf8_lossy(&body).into_owned() }
    }
}
