//! The throw-away scene: decoys, a victim project, collectors, and what is found of a run afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use super::Exposed;
use super::host::Host;
use super::intake::PROJECT;
use super::probe::{FRONTED, KEY, Named, Script};
use crate::gate::egress::ca::Ca;
use crate::gate::egress::host::Host as Name;
use crate::gate::runtime::plan::digest;

/// Decoys below the home, by row.
const DECOYS: &[(&str, &str)] = &[
    ("ssh", ".ssh/id_ed25519"),
    ("aws", ".aws/credentials"),
    ("kube", ".kube/config"),
    ("gcloud", ".config/gcloud/credentials.db"),
    ("azure", ".azure/accessTokens.json"),
    ("docker", ".docker/config.json"),
    ("netrc", ".netrc"),
    ("history", ".bash_history"),
    ("wallet", ".ethereum/keystore"),
    ("dotenv", "project/.env"),
    ("token", "var/run/secrets/kubernetes.io/serviceaccount/token"),
];
/// What the payload plants, by row, below the home.
const PLANTED: &[(&str, &str)] = &[
    ("sysmon", ".config/sysmon/sysmon.py"),
    ("unit", ".config/systemd/user/sysmon.service"),
    ("bashrc", ".bashrc"),
    ("pth", "project/.venv/lib/python3/site-packages/drill.pth"),
    ("hook", "project/.git/hooks/post-checkout"),
    // Nothing of it was there before, so that nothing could be mounted over it.
    ("plant", "project/src/new/.vscode/tasks.json"),
];

/// Hosts with names, by row: policy allows the first, the secret is for it, and nothing is known of the others.
const NAMED: &[(&str, &str)] =
    &[("allowed", ALLOWED), ("host", "collector.drill.test"), ("key", "elsewhere.drill.test")];
/// A host whose name looks like the allowed one's, with a certificate for it.
pub const LOOKALIKE: &str = "api-drill.test";
/// Processes that the payload starts at a time, and how many the profile gives to a run.
const FORKS: usize = 300;
const MOST_PROCESSES: usize = 150;
/// The one host that runs of the drill may reach.
pub const ALLOWED: &str = "api.drill.test";

/// Everything that is thrown away at the end.
pub struct Scene {
    folder: PathBuf,
    home: PathBuf,
    /// The victim project.
    pub work: PathBuf,
    /// Bulkhead's data.
    pub data: PathBuf,
    /// What the probe is told where it has the machine's own network.
    pub script: PathBuf,
    /// What it is told in a run with a network of its own: there it tries names and the metadata service's address too.
    pub script_inside: PathBuf,
    /// Where the drill's hosts stand.
    pub config: PathBuf,
    /// Whom Bulkhead trusts: nobody that is anybody.
    pub trust: PathBuf,
    /// A copy of this program as the payload: the victim may have no way to where Bulkhead itself lies.
    pub payload: PathBuf,
    /// The run's profile: where the payload is, and what is a credential here.
    pub profile: PathBuf,
    findings: PathBuf,
    decoys: BTreeMap<String, String>,
    tcp: BTreeMap<String, TcpListener>,
    udp: UdpSocket,
    sink: UdpSocket,
    named: BTreeMap<String, Host>,
    echo: Host,
    lookalike: Host,
    _metadata: Host,
    bus: UnixListener,
    outside: Child,
}

/// What was found after one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    rows: BTreeSet<String>,
    /// The probe could write its findings into the project.
    pub work_done: bool,
}

impl Found {
    /// Whether the payload had its way with that row.
    pub fn has(&self, row: &str) -> bool {
        self.rows.contains(row)
    }
}

impl Scene {
    /// Makes it, in a new folder below the system's folder for temporary files.
    ///
    /// # Errors
    /// When a file, a listener or the process outside cannot be made.
    pub fn make() -> anyhow::Result<Self> {
        let name = hex(8)?;
        let folder = std::env::temp_dir().join(format!("bulkhead-drill-{name}"));
        crate::files::make_folder(&folder)?;
        let folder = fs::canonicalize(&folder)?;
        let home = folder.join("home");
        let work = home.join("project");
        for path in ["project/.venv/lib/python3/site-packages", "project/.git/hooks", "project/src"] {
            fs::create_dir_all(home.join(path))?;
        }
        fs::write(work.join(".venv/pyvenv.cfg"), "home = /usr/bin\n")?;
        let (mut decoys, mut read) = (BTreeMap::new(), BTreeMap::new());
        for (row, path) in DECOYS {
            let (path, content) = (home.join(path), format!("DECOY-{}", hex(16)?));
            fs::create_dir_all(path.parent().context("a decoy has a folder")?)?;
            fs::write(&path, &content)?;
            decoys.insert((*row).to_owned(), content);
            read.insert((*row).to_owned(), path);
        }
        for row in ["environment", "environ", "key"] {
            decoys.insert(row.to_owned(), format!("sk-DECOY{}", hex(16)?));
        }
        let first = TcpListener::bind("127.0.0.1:0")?;
        let port = first.local_addr()?.port();
        // The same port on another address: what a rule about ports alone lets through.
        let other = TcpListener::bind(("127.0.0.2", port))?;
        decoys.insert("echo".to_owned(), decoys["key"].clone());
        let udp = UdpSocket::bind("127.0.0.1:0")?;
        let sink = UdpSocket::bind("127.0.0.3:0")?;
        let mut named = BTreeMap::new();
        for (row, _) in NAMED {
            named.insert((*row).to_owned(), Host::start(None, |_| b"taken".to_vec())?);
        }
        let role = format!("DECOY-{}", hex(16)?);
        decoys.insert("metadata".to_owned(), role.clone());
        let metadata = Host::start(None, move |_| role.clone().into_bytes())?;
        let ca = Ca::new("drill")?;
        let config = ca.serve_as(&Name::parse(ALLOWED)?)?;
        let echo = Host::start(Some(config), |request| request.as_bytes().to_vec())?;
        let lookalike = Host::start(Some(ca.serve_as(&Name::parse(LOOKALIKE)?)?), |_| b"taken".to_vec())?;

        let bus = UnixListener::bind(home.join("bus.sock"))?;
        for listener in [&first, &other] {
            listener.set_nonblocking(true)?;
        }
        udp.set_nonblocking(true)?;
        sink.set_nonblocking(true)?;
        bus.set_nonblocking(true)?;
        let outside = outside(&decoys["environ"])?;
        let findings = work.join("findings.txt");
        let script = Script {
            read,
            write: PLANTED.iter().map(|(row, path)| ((*row).to_owned(), home.join(path))).collect(),
            tcp: [("tcp", first.local_addr()?), ("tcp-other", other.local_addr()?)]
                .map(|(row, to)| (row.to_owned(), to))
                .into(),
            udp: udp.local_addr()?,
            sink: sink.local_addr()?,
            named: NAMED
                .iter()
                .map(|(row, host)| ((*row).to_owned(), Named { host: (*host).to_owned(), stands: named[*row].address }))
                .collect(),
            echo: Named { host: ALLOWED.to_owned(), stands: echo.address },
            lookalike: Named { host: LOOKALIKE.to_owned(), stands: lookalike.address },
            forks: FORKS,
            names: false,
            metadata: vec![metadata.address],
            bus: home.join("bus.sock"),
            outside: i32::try_from(outside.id())?,
            findings: findings.clone(),
        };
        let script_path = work.join("drill.json");
        fs::write(&script_path, serde_json::to_vec(&script)?)?;
        let script_inside = work.join("drill-inside.json");
        let asked = vec![SocketAddr::from(([169, 254, 169, 254], 80)), metadata.address];
        let inside = Script { names: true, metadata: asked, ..script };
        fs::write(&script_inside, serde_json::to_vec(&inside)?)?;
        let payload = folder.join("payload");
        fs::copy(std::env::current_exe()?, &payload)?;
        fs::set_permissions(&payload, fs::Permissions::from_mode(0o755))?;
        let profile = folder.join("drill.toml");
        let text = format!(
            "name = \"drill\"\n[limits]\nprocesses = {MOST_PROCESSES}\n[files]\nread = [{:?}]\n[tripwires]\nalso = [{:?}]\n",
            payload.display().to_string(),
            home.join("var/run/secrets").display().to_string()
        );
        fs::write(&profile, text)?;
        let data = folder.join("data");
        crate::files::make_folder(&data)?;
        fs::write(data.join("policy.toml"), format!("[settings]\nhosts = [{ALLOWED:?}]\n"))?;
        // Every name leads to its host: what holds is the policy, and not that nobody knows the way.
        let ways = inside.named.values().map(|named| format!("\"{}:80={}\"", named.host, named.stands));
        let over_tls = [(ALLOWED, &echo), (LOOKALIKE, &lookalike)];
        let ways = ways.chain(over_tls.map(|(name, host)| format!("\"{name}:443={}\"", host.address)));
        let config = folder.join("bulkhead.toml");
        fs::write(&config, format!("[egress]\naddresses = [{}]\n", ways.collect::<Vec<_>>().join(", ")))?;
        // Where the run sees it too: what stops a row must not be that its own trust is out of sight.
        let trust = work.join("trust.pem");
        fs::write(&trust, ca.pem())?;
        fs::write(folder.join("key"), &decoys["key"])?;
        if rustix::process::geteuid().is_root() {
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
            give_away(&home)?;
        }
        let tcp = [("tcp".to_owned(), first), ("tcp-other".to_owned(), other)].into();
        Ok(Self {
            folder,
            home,
            work,
            data,
            script: script_path,
            script_inside,
            config,
            trust,
            payload,
            profile,
            findings,
            decoys,
            tcp,
            udp,
            sink,
            named,
            echo,
            lookalike,
            _metadata: metadata,
            bus,
            outside,
        })
    }

    /// The victim's environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        vec![
            ("HOME".to_owned(), self.home.display().to_string()),
            ("OPENAI_API_KEY".to_owned(), self.decoys["environment"].clone()),
            (KEY.to_owned(), self.decoys["key"].clone()),
            ("SSL_CERT_FILE".to_owned(), self.trust.display().to_string()),
        ]
    }

    /// As it was before the first run: nothing planted, nothing received.
    ///
    /// # Errors
    /// When something planted cannot be removed.
    pub fn reset(&self) -> anyhow::Result<()> {
        self.found()?;
        for path in PLANTED.iter().map(|(_, path)| self.home.join(path)).chain([self.findings.clone()]) {
            match fs::remove_file(&path) {
                Err(why) if why.kind() != ErrorKind::NotFound => return Err(why.into()),
                _ => {}
            }
        }
        for folder in
            [".config/sysmon", ".config/systemd/user", ".config/systemd", "project/src/new/.vscode", "project/src/new"]
        {
            // Only what the probe made.
            drop(fs::remove_dir(self.home.join(folder)));
        }
        Ok(())
    }

    /// What one run came to: decoys whose digest is in the findings, files on the disk, what the collectors received.
    ///
    /// # Errors
    /// When a collector fails.
    pub fn found(&self) -> anyhow::Result<Found> {
        let text = fs::read_to_string(&self.findings).unwrap_or_default();
        let mut found = Found { rows: BTreeSet::new(), work_done: self.findings.exists() };
        for (row, what) in text.lines().filter_map(|line| line.split_once(' ')) {
            let proved =
                self.decoys.get(row).map_or(what == "yes", |decoy| digest(decoy.as_bytes()).to_string() == what);
            if proved {
                found.rows.insert(row.to_owned());
            }
        }
        for (row, path) in PLANTED {
            if self.home.join(path).exists() {
                found.rows.insert((*row).to_owned());
            }
        }
        for (row, listener) in &self.tcp {
            while let Some(mut stream) = waiting(listener.accept())?.map(|(stream, _)| stream) {
                if received(&mut stream) {
                    found.rows.insert(row.clone());
                }
            }
        }
        while let Some(mut stream) = waiting(self.bus.accept())?.map(|(stream, _)| stream) {
            if received(&mut stream) {
                found.rows.insert("bus".to_owned());
            }
        }
        for (row, host) in &self.named {
            // Of a key that went elsewhere it does not matter whether it was the real one.
            if host.take().iter().any(|request| request.ends_with("DRILL")) {
                found.rows.insert(row.clone());
            }
        }
        let echoed = self.echo.take();
        let fronted = |request: &String| request.ends_with("DRILL") && request.contains(FRONTED);
        let lookalike = self.lookalike.take().iter().any(|request| request.ends_with("DRILL"));
        for (row, came) in [
            ("served", echoed.iter().any(|request| request.contains(&self.decoys["key"]))),
            ("front", echoed.iter().any(fronted)),
            ("lookalike", lookalike),
        ] {
            if came {
                found.rows.insert(row.to_owned());
            }
        }
        let mut question = [0; 512];
        while let Some(got) = waiting(self.sink.recv(&mut question))? {
            if question[..got].windows(5).any(|window| window == b"DRILL") {
                found.rows.insert("dns".to_owned());
            }
        }
        let mut bytes = [0; 16];
        while let Some(got) = waiting(self.udp.recv(&mut bytes))? {
            if &bytes[..got] == b"DRILL" {
                found.rows.insert("udp".to_owned());
            }
        }
        Ok(found)
    }

    /// Tells Bulkhead what it must know before the runs: a secret, and what is installed in the project.
    ///
    /// # Errors
    /// When it does not take it.
    pub fn prepare(&self, program: &Path) -> anyhow::Result<()> {
        let installed = self.work.join(".venv/lib/python3/site-packages").join(format!("{PROJECT}-1.0.0.dist-info"));
        fs::create_dir_all(&installed)?;
        fs::write(installed.join("METADATA"), format!("Metadata-Version: 2.1\nName: {PROJECT}\nVersion: 1.0.0\n"))?;
        fs::write(installed.join("RECORD"), format!("{PROJECT}-1.0.0.dist-info/METADATA,,\n"))?;
        let mut add = super::command(program);
        add.arg("--data").arg(&self.data).args(["secret", "add", "drill", "--host", ALLOWED, "--variable", KEY]);
        add.arg("--value-file").arg(self.folder.join("key")).env("USER", "drill");
        super::finish(add, "adding a secret")?;
        let mut scan = super::command(program);
        scan.arg("--data").arg(&self.data).args(["inventory", "scan"]).arg(&self.work).env("USER", "drill");
        super::finish(scan, "taking stock of the project").map(drop)
    }

    /// The answer to what the poisoned release exposed.
    ///
    /// # Errors
    /// When the question cannot be asked.
    pub fn exposed(&self, program: &Path) -> anyhow::Result<Vec<Exposed>> {
        let mut ask = super::command(program);
        ask.arg("--data").arg(&self.data).args(["--format", "json", "exposure", "--owner", "drill"]);
        let answer = ask.arg(format!("pkg:pypi/{PROJECT}@1.0.0")).stderr(Stdio::inherit()).output()?;
        let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).context("no answer is understood")?;
        let rows = answer["answer"]["rows"].as_array().or(answer["rows"].as_array()).cloned().unwrap_or_default();
        let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let exposed = |row: &serde_json::Value| Exposed {
            stage: text(row, "stage"),
            // The scene's own folder is nobody's.
            name: text(row, "name").replace(&format!("{}/", self.folder.display()), ""),
            grade: text(row, "grade"),
            why: text(row, "why").replace(&format!("{}/", self.folder.display()), ""),
        };
        Ok(rows.iter().map(exposed).collect())
    }

    /// Changes one byte of the ledger, and sees whether verification notices.
    ///
    /// # Errors
    /// When there is no ledger to change.
    pub fn tamper(&self, program: &Path) -> anyhow::Result<bool> {
        let verify = || {
            let mut command = super::command(program);
            command
                .arg("--data")
                .arg(&self.data)
                .args(["ledger", "verify"])
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.status()
        };
        if !verify()?.success() {
            return Ok(false);
        }
        let target = largest(&self.data.join("ledger"))?.context("the ledger holds nothing")?;
        let mut bytes = fs::read(&target)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&target, bytes)?;
        Ok(!verify()?.success())
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // It only sleeps; and what cannot be removed is in the folder for temporary files.
        drop(self.outside.kill());
        drop(self.outside.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Whom everything belongs to when root runs the drill: bare or contained, the payload has an ordinary user's rights.
pub const NOBODY: u32 = 65_534;

fn give_away(path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give_away(&entry?.path())?;
        }
    }
    Ok(())
}

fn largest(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let (mut open, mut best) = (vec![folder.to_owned()], None);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let size = entry.metadata()?.len();
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else if best.as_ref().is_none_or(|(most, _)| size > *most) {
                best = Some((size, entry.path()));
            }
        }
    }
    Ok(best.map(|(_, path)| path))
}

fn waiting<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(why) if why.kind() == ErrorKind::WouldBlock => Ok(None),
        // Somebody who connected and went away again: what was sent is what counts.
        Err(why) if why.kind() == ErrorKind::ConnectionAborted => Ok(None),
        Err(why) => Err(why),
    }
}

/// The probe has ended: whatever it sent is here.
fn received(stream: &mut impl std::io::Read) -> bool {
    let mut text = Vec::new();
    stream.take(64).read_to_end(&mut text).is_ok() && text == b"DRILL"
}

#[expect(clippy::disallowed_methods, reason = "a bystander with a decoy in its environment")]
fn outside(decoy: &str) -> anyhow::Result<Child> {
    let mut command = Command::new("/bin/sleep");
    command.arg("600").env_clear().env("DRILL_DECOY", decoy).stdin(Stdio::null()).stdout(Stdio::null());
    super::as_victim(&mut command);
    command.stderr(Stdio::null()).spawn().context("a bystander process cannot be started")
}

fn hex(bytes: usize) -> anyhow::Result<String> {
    let mut random = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
