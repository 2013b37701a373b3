//! The real server, as a process of its own, on a data folder that goes away with the test.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use tempfile::TempDir;

use super::{
    Registry, Screen, Upload,
    http::{self, Reply},
};

/// The product's own main, built by cargo with this test binary.
const PROGRAM: &str = env!("CARGO_BIN_EXE_bulkhead-under-test");

/// The policy that ships.
pub const DEFAULT_POLICY: &str = include_str!("../../policy/default.toml");

/// Longer than any start takes, shorter than a test run that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. Killed when dropped.
#[derive(Debug)]
pub struct Bulkhead {
    place: Place,
    server: Server,
}

/// A server to be: its data folder, its configuration.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
    upstream: String,
    pypi: String,
    server: String,
    ledger: String,
    words: Vec<String>,
    survives_full_disk: bool,
    has_clock_to_set: bool,
}

#[derive(Debug)]
struct Server {
    child: Child,
    printed: Printed,
    address: SocketAddr,
}

impl Place {
    /// A new data folder, in front of that registry.
    pub fn before(registry: &Registry) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            upstream: registry.simple(),
            pypi: String::new(),
            server: String::new(),
            ledger: String::new(),
            words: Vec::new(),
            survives_full_disk: false,
            has_clock_to_set: false,
        }
    }

    /// Starts the server so that [`Bulkhead::fill_disk`] works: the kernel's signal for a file size limit is ignored, so
    /// that writes fail with an error, as they do when a disk is full.
    pub fn with_a_disk_to_fill(mut self) -> Self {
        self.survives_full_disk = true;
        self
    }

    /// Starts the server so that [`Bulkhead::set_clock`] works: a library between it and the system's clock adds what is
    /// written in a file. Only the time of day moves; durations are the kernel's.
    pub fn with_a_clock_to_set(mut self) -> Self {
        self.has_clock_to_set = true;
        self.set_clock("+0");
        self
    }

    /// The time of day of the server's process, from now on: `-365d`, `+30d`.
    pub fn set_clock(&self, offset: &str) {
        let new = self.folder.path().join("clock.new");
        std::fs::write(&new, offset).unwrap();
        std::fs::rename(&new, self.folder.path().join("clock")).unwrap();
    }

    /// Adds lines to `[intake.pypi]`.
    pub fn pypi(mut self, lines: &str) -> Self {
        self.pypi.push_str(lines);
        self.pypi.push('\n');
        self
    }

    /// Another address of the upstream than the registry's own.
    pub fn upstream(mut self, url: &str) -> Self {
        self.upstream = url.to_owned();
        self
    }

    /// Writes a file beside the configuration.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Adds lines to `[server]`.
    pub fn server(mut self, lines: &str) -> Self {
        self.server.push_str(lines);
        self.server.push('\n');
        self
    }

    /// Adds lines to `[ledger]`.
    pub fn ledger(mut self, lines: &str) -> Self {
        self.ledger.push_str(lines);
        self.ledger.push('\n');
        self
    }

    /// Adds words to `bulkhead serve`.
    pub fn words(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Puts a policy in place of the shipped one.
    pub fn policy(self, text: &str) -> Self {
        std::fs::create_dir_all(self.data()).unwrap();
        std::fs::write(self.data().join("policy.toml"), text).unwrap();
        self
    }

    /// Puts the shipped policy there with one setting changed.
    pub fn setting(self, name: &str, value: &str) -> Self {
        let text = with_setting(DEFAULT_POLICY, name, value);
        self.policy(&text)
    }

    /// The folder that `--data` names.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs any `bulkhead` command on this place.
    pub fn run(&self, words: &[&str]) -> Screen {
        let output = self.command(words).output().expect("bulkhead starts");
        Screen::new(&output, &self.replacements())
    }

    /// The same with variables in its environment.
    pub fn run_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Screen {
        let output = self.command(words).envs(variables.iter().copied()).output().expect("bulkhead starts");
        Screen::new(&output, &self.replacements())
    }

    /// The same where a person looks: on a terminal.
    pub fn run_on_a_terminal(&self, words: &[&str], variables: &[(&str, &str)]) -> Screen {
        let command = self.command(words);
        let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().expect("UTF-8").replace('\'', "'\\''"));
        let line: Vec<String> = [PROGRAM.as_ref()].into_iter().chain(command.get_args()).map(quoted).collect();
        let mut script = Command::new("script");
        script.args(["-qec", &line.join(" "), "/dev/null"]).env_clear();
        script.envs(command.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        script.env_remove("NO_COLOR").env("SHELL", "/bin/sh").envs(variables.iter().copied());
        let output = script.current_dir(self.folder.path()).output().expect("script (util-linux) starts");
        Screen::new(&output, &self.replacements())
    }

    /// The help of a command, at a width that is the same everywhere.
    pub fn help(&self, words: &[&str]) -> String {
        let output =
            self.command(&[words, &["--help"]].concat()).env("COLUMNS", "100").output().expect("bulkhead starts");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("help is UTF-8");
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        lines.join("\n")
    }

    fn replacements(&self) -> Vec<(String, &'static str)> {
        let upstream = self.upstream.trim_start_matches("http://").trim_end_matches("/simple/").to_owned();
        vec![(self.folder.path().display().to_string(), "[PLACE]"), (upstream, "[UPSTREAM]")]
    }

    fn command(&self, words: &[&str]) -> Command {
        let config = self.folder.path().join("bulkhead.toml");
        let text = format!(
            "[server]\n{}\n[ledger]\n{}\n[intake.pypi]\nupstream = \"{}\"\n{}",
            self.server, self.ledger, self.upstream, self.pypi
        );
        std::fs::write(&config, text).unwrap();
        let home = self.folder.path().join("home");
        std::fs::create_dir_all(&home).unwrap();
        let mut command = if self.survives_full_disk {
            let mut shell = Command::new("sh");
            shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", PROGRAM]);
            shell
        } else {
            let mut command = Command::new(PROGRAM);
            command.arg0("bulkhead");
            command
        };
        command
            .args(words)
            .arg("--data")
            .arg(self.data())
            .arg("--config")
            .arg(&config)
            .current_dir(&home)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            .env("LC_ALL", "C.UTF-8")
            .env("NO_COLOR", "1");
        if self.has_clock_to_set {
            let library = super::developer::installed().join("faketime/libfaketimeMT.so.1");
            assert!(library.exists(), "{} is not there: run `cargo xtask clients` once", library.display());
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", self.folder.path().join("clock"))
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("NO_FAKE_STAT", "1");
        }
        command
    }

    /// Starts the server and waits until it says where it listens.
    pub fn start(self) -> Bulkhead {
        let server = self.serve().unwrap_or_else(|screen| panic!("the server did not start\n{screen}"));
        Bulkhead { place: self, server }
    }

    /// Starts a server that must refuse to.
    pub fn refuses_to_start(&self) -> Screen {
        match self.serve() {
            Ok(server) => panic!("the server started\n{}", server.printed.text()),
            Err(screen) => screen,
        }
    }

    fn serve(&self) -> Result<Server, Screen> {
        let mut words = vec!["serve"];
        // A test that names an address says so itself.
        if !self.words.iter().any(|word| word == "--listen") {
            words.extend(["--listen", "127.0.0.1:0"]);
        }
        words.extend(self.words.iter().map(String::as_str));
        let mut child = self
            .command(&words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bulkhead starts");
        let printed = Printed::default();
        let streams: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        printed.follow(streams);
        match printed.wait_for(|text| address(text).is_some()) {
            Some(text) => Ok(Server { child, address: address(&text).unwrap(), printed }),
            None => {
                drop(child.kill());
                let status = child.wait().expect("the child ends");
                let output = std::process::Output { status, stdout: Vec::new(), stderr: printed.text().into_bytes() };
                Err(Screen::new(&output, &self.replacements()))
            }
        }
    }
}

/// Where the banner says that the console is: `console  http://127.0.0.1:7070/console/`.
fn address(text: &str) -> Option<SocketAddr> {
    let line = text.lines().map(str::trim).find_map(|line| line.strip_prefix("console "))?;
    let url = line.split_whitespace().next()?;
    let authority = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    authority.split('/').next()?.parse().ok()
}

impl Bulkhead {
    /// A server in front of that registry, as shipped.
    pub fn before(registry: &Registry) -> Self {
        Place::before(registry).start()
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// The index that clients are pointed at.
    pub fn simple(&self) -> String {
        format!("http://{}/pypi/simple/", self.address())
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    pub fn data(&self) -> PathBuf {
        self.place.data()
    }

    /// Runs any `bulkhead` command beside the server.
    pub fn run(&self, words: &[&str]) -> Screen {
        self.place.run(words)
    }

    pub fn get(&self, target: &str) -> Reply {
        self.request("GET", target, &[])
    }

    pub fn request(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
        http::request(self.address(), method, target, headers)
    }

    /// A project's page in JSON.
    pub fn page(&self, project: &str) -> Reply {
        let accept = ("accept", "application/vnd.pypi.simple.v1+json");
        self.request("GET", &format!("/pypi/simple/{project}/"), &[accept])
    }

    /// The answer for a file, by the path that a lockfile would hold.
    pub fn fetch(&self, upload: &Upload) -> Reply {
        self.get(&upload.path_here())
    }

    /// What it printed so far, on both streams.
    pub fn printed(&self) -> String {
        self.server.printed.text()
    }

    /// Waits until it has printed this.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        let found = self.server.printed.wait_for(|printed| printed.contains(text));
        assert!(found.is_some(), "never printed `{text}`:\n{}", self.printed());
    }

    /// Forgets what it printed so far, so that `wait_for` means what comes now.
    pub fn forget_printed(&self) {
        self.server.printed.clear();
    }

    /// Sends a signal by name (`HUP`, `TERM`).
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status();
        assert!(status.expect("kill starts").success());
    }

    /// From now on every write that would make a file longer fails.
    pub fn fill_disk(&self) {
        self.limit_file_size("0:");
    }

    /// There is space again.
    pub fn empty_disk(&self) {
        self.limit_file_size("unlimited:");
    }

    /// See [`Place::set_clock`].
    pub fn set_clock(&self, offset: &str) {
        self.place.set_clock(offset);
    }

    /// Sets the soft limit only, so that it can be raised again.
    fn limit_file_size(&self, limit: &str) {
        let pid = self.pid().to_string();
        let status = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={limit}")]).status();
        assert!(status.expect("prlimit (util-linux) starts").success());
    }

    pub fn pid(&self) -> u32 {
        self.server.child.id()
    }

    /// `kill -9`, and waits for the end.
    pub fn kill(mut self) -> Place {
        self.server.end();
        let Self { place, server } = self;
        drop(server);
        place
    }

    /// Asks it to stop, waits for the end, and returns the exit code.
    pub fn stop(mut self) -> (Place, Option<i32>) {
        self.signal("TERM");
        let status = self.server.child.wait().expect("the server ends");
        let Self { place, server } = self;
        drop(server);
        (place, status.code())
    }

    /// Every entry of the ledger, in order.
    pub fn entries(&self) -> Vec<serde_json::Value> {
        self.place.entries()
    }
}

impl Place {
    /// Every entry of the ledger, in order.
    pub fn entries(&self) -> Vec<serde_json::Value> {
        let shown = self.run(&["ledger", "show", "--last", "100000", "--format", "json"]).expect_good();
        let mut rows = shown.json()["entries"].as_array().expect("a list of entries").clone();
        rows.sort_by_key(|row| row["index"].as_u64());
        rows.into_iter().map(|mut row| row["entry"].take()).collect()
    }
}

impl Server {
    fn end(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// The policy with one line of `[settings]` changed.
pub fn with_setting(policy: &str, name: &str, value: &str) -> String {
    let mut changed = 0;
    let lines: Vec<String> = policy
        .lines()
        .map(|line| {
            let is_setting = line.split_once('=').is_some_and(|(key, _)| key.trim() == name);
            if is_setting && changed == 0 {
                changed += 1;
                format!("{name} = {value}")
            } else {
                line.to_owned()
            }
        })
        .collect();
    assert_eq!(changed, 1, "the shipped policy has a setting `{name}`");
    lines.join("\n") + "\n"
}

/// What a process printed on its streams, line by line as it comes.
#[derive(Debug, Clone, Default)]
struct Printed(Arc<(Mutex<Text>, Condvar)>);

#[derive(Debug, Default)]
struct Text {
    text: String,
    /// Streams that have not ended.
    open: usize,
}

impl Printed {
    fn follow(&self, streams: [Box<dyn Read + Send>; 2]) {
        self.0.0.lock().unwrap().open = streams.len();
        for stream in streams {
            let printed = self.clone();
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream);
                let mut line = Vec::new();
                while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                    printed.change(|text| text.text.push_str(&String::from_utf8_lossy(&line)));
                    line.clear();
                }
                printed.change(|text| text.open -= 1);
            });
        }
    }

    fn change(&self, change: impl FnOnce(&mut Text)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    /// The text once it is as wanted; nothing when the process ends, or time does, before that.
    fn wait_for(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let (text, changed) = &*self.0;
        let waiting = |text: &mut Text| !wanted(&text.text) && text.open > 0;
        let (text, _) = changed.wait_timeout_while(text.lock().unwrap(), PATIENCE, waiting).unwrap();
        wanted(&text.text).then(|| text.text.clone())
    }

    fn text(&self) -> String {
        self.0.0.lock().unwrap().text.clone()
    }

    fn clear(&self) {
        self.change(|text| text.text.clear());
    }
}
