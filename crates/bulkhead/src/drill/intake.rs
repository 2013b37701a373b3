//! The poisoned release at the gate: a registry of the drill's own has it, a real server stands before that.
//!
//! The release is inert: its `.pth` has the shape of the one of March 2026, and prints a word when somebody runs it.

use std::io::{BufRead, BufReader, Read, Seek};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use anyhow::Context as _;
use bulkhead_detect::ArchiveKind;

use super::host::{self, Host};
use super::scene::Scene;
use crate::blob::sha256;
use crate::scan::pack::Pack;

/// The release's name and version.
pub const PROJECT: &str = "drillpoison";
const FILE: &str = "drillpoison-1.0.0-py3-none-any.whl";

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Came {
    /// The registry alone gives the release to whoever asks.
    pub control: bool,
    /// The gate does too.
    pub let_in: bool,
    /// The ledger says that it was refused, and by which rule.
    pub recorded: bool,
}

/// Asks the registry, and then the gate before it.
///
/// # Errors
/// When registry or gate cannot be started.
pub fn ask(program: &Path, scene: &Scene) -> anyhow::Result<Came> {
    let wheel = wheel()?;
    let digest = sha256(&wheel).to_hex();
    let (bytes, promised) = (wheel.clone(), digest.clone());
    let registry = Host::start(None, move |request| match request.starts_with("GET /files/") {
        true => bytes.clone(),
        false => page(&promised).into_bytes(),
    })?;
    let path = format!("/files/{PROJECT}/{FILE}");
    let control = host::send(registry.address, "registry", &format!("GET {path}"), "", "")
        .is_some_and(|(status, body)| status == 200 && body == wheel);

    let config = scene.data.with_file_name("intake.toml");
    let upstream = format!("[intake.pypi]\nupstream = \"http://{}/simple/\"\n", registry.address);
    crate::files::replace(&config, upstream.as_bytes(), 0o600)?;
    let gate = Gate::start(program, &scene.data, &config)?;
    let page = host::send(
        gate.address,
        &gate.address.to_string(),
        &format!("GET /pypi/simple/{PROJECT}/"),
        "accept: */*\r\n",
        "",
    );
    let file = format!("GET /pypi/files/{PROJECT}/{digest}/{FILE}");
    let answer = host::send(gate.address, &gate.address.to_string(), &file, "", "");
    let let_in = page.is_none() || answer.is_none_or(|(status, body)| status != 403 || body == wheel);
    drop(gate);

    let mut show = super::command(program);
    show.arg("--data").arg(&scene.data).args(["--format", "json", "ledger", "show", "--last", "50"]);
    let shown = show.stderr(Stdio::inherit()).output()?;
    let said = String::from_utf8_lossy(&shown.stdout).into_owned();
    Ok(Came { control, let_in, recorded: said.contains("executable-pth") && said.contains(FILE) })
}

/// The product's own server. Ended in order when dropped.
struct Gate {
    child: Child,
    address: SocketAddr,
    /// Kept open: it prints more.
    _printed: BufReader<ChildStdout>,
}

impl Gate {
    fn start(program: &Path, data: &Path, config: &Path) -> anyhow::Result<Self> {
        let mut serve = super::command(program);
        serve.arg("--data").arg(data).arg("--config").arg(config).args(["serve", "--listen", "127.0.0.1:0"]);
        let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context("no gate can be started")?;
        let printed = child.stdout.take().context("the gate prints nothing")?;
        let mut printed = BufReader::new(printed);
        // `intake   http://ADDRESS/pypi/simple/ ...`
        let address = printed.by_ref().lines().map_while(Result::ok).find_map(|line| {
            line.trim().strip_prefix("intake ")?.trim().strip_prefix("http://")?.split('/').next()?.parse().ok()
        });
        match address {
            Some(address) => Ok(Self { child, address, _printed: printed }),
            None => {
                drop(child.kill());
                drop(child.wait());
                anyhow::bail!("the gate does not say where it listens")
            }
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        drop(self.child.wait());
    }
}

fn page(digest: &str) -> String {
    serde_json::json!({
        "meta": { "api-version": "1.1" }, "name": PROJECT, "versions": ["1.0.0"],
        "files": [{ "filename": FILE, "url": format!("/files/{PROJECT}/{FILE}"), "hashes": { "sha256": digest },
                    "size": 1000, "upload-time": "2026-01-01T00:00:00Z" }],
    })
    .to_string()
}

fn wheel() -> anyhow::Result<Vec<u8>> {
    let folder = "drillpoison-1.0.0.dist-info";
    let members = [
        ("drillpoison.py".to_owned(), "WORD = 'DRILL'\n".to_owned()),
        (
            "drillpoison_init.pth".to_owned(),
            "import base64; exec(base64.b64decode('cHJpbnQoIkRSSUxMIik='))\n".to_owned(),
        ),
        (format!("{folder}/METADATA"), format!("Metadata-Version: 2.1\nName: {PROJECT}\nVersion: 1.0.0\n")),
        (format!("{folder}/WHEEL"), "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned()),
    ];
    let mut pack = Pack::new(ArchiveKind::Wheel)?;
    let mut record = String::new();
    for (path, content) in &members {
        pack.add(path, content.as_bytes())?;
        record.push_str(&format!("{path},,{}\n", content.len()));
    }
    record.push_str(&format!("{folder}/RECORD,,\n"));
    pack.add(&format!("{folder}/RECORD"), record.as_bytes())?;
    let (mut file, mut bytes) = (pack.finish()?, Vec::new());
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
