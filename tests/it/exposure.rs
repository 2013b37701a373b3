//! The question that follows a breach, on an estate of two hosts, a build, three secrets, four datasets and two partners:
//! the release was clean when it was pulled, and is flagged later.

use std::path::{Path, PathBuf};

use bulkhead::exposure::verify::{Own, verify};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{Bulkhead, Place, Registry, Upload, Wheel, http, sha256};

mod command;

const INNER: &str = "nothing of it runs\n";
pub const RELEASE: &str = "pkg:pypi/modelrelay@2.4.1";

const ASSETS: &str = r#"
[[partner]]
name = "northwind"
[[partner]]
name = "contoso"

[[dataset]]
name = "support-chats"
owner = "data@lab.example"
partners = ["northwind"]
people = 40_000
records = 310_000
categories = ["names", "messages"]
[[dataset]]
name = "voice-samples"
partners = ["contoso"]
people = 5_000
categories = ["voices"]
[[dataset]]
name = "labels"
partners = ["northwind"]
people = 300
[[dataset]]
name = "archive-2019"
partners = ["contoso"]
people = 7

[[secret]]
name = "prod/openai"
owner = "ml@lab.example"
opens = ["support-chats"]
[[secret]]
name = "prod/s3"
hosts = ["train-2"]
opens = ["voice-samples"]
[[secret]]
name = "dev/sandbox"
"#;

pub struct Estate {
    pub bulkhead: Bulkhead,
    wheel: Upload,
    tokens: Vec<(&'static str, String)>,
    output: String,
    folder: tempfile::TempDir,
    _registry: Registry,
}

impl Estate {
    /// Everything happens while nobody suspects the release.
    pub fn clean() -> Self {
        let registry = Registry::start();
        let wheel = Wheel::new("modelrelay", "2.4.1").file("modelrelay/proxy_start.txt", INNER);
        let wheel = registry.publish(Upload::from(wheel).days_old(90));
        let bulkhead = Bulkhead::before(&registry);
        let assets = bulkhead.place().write("assets.toml", ASSETS);
        bulkhead.run(&["asset", "import", assets.to_str().unwrap(), "--owner", "sec"]).expect_good();
        let tokens = ["train-1", "builder", "train-2"].map(|who| {
            let minted = bulkhead.run(&["token", "create", "--for", who, "--format", "json"]).expect_good();
            (who, minted.json()["token"].as_str().unwrap().to_owned())
        });
        let folder = tempfile::tempdir().unwrap();
        let output = sha256(b"an image");
        let estate = Self { bulkhead, wheel, tokens: tokens.into(), output, folder, _registry: registry };
        estate.happens();
        estate
    }

    fn happens(&self) {
        let began = Timestamp::now();
        install(&self.site(), "other", "1.0", "other.py", "");
        self.scan("train-1").expect_good();
        assert_eq!(self.pull("train-1"), 200);
        install(&self.site(), "modelrelay", "2.4.1", "modelrelay/proxy_start.txt", INNER);
        self.scan("train-1").expect_good();
        let inputs = json!([{ "purl": RELEASE, "sha256": self.wheel.sha256() }]);
        self.tell(
            "train-1",
            "runs",
            &json!({
                "host": "train-1", "start": began.to_string(), "end": Timestamp::now().to_string(),
                "secrets": ["prod/openai"], "datasets": ["labels"],
            }),
        );
        assert_eq!(self.pull("builder"), 200);
        self.tell(
            "builder",
            "builds",
            &json!({ "output": self.output, "name": "registry.example/trainer:7", "inputs": inputs }),
        );
        let now = Timestamp::now();
        self.tell(
            "train-2",
            "runs",
            &json!({
                "host": "train-2", "start": now.to_string(), "end": (now + SignedDuration::from_millis(5)).to_string(),
                "environment": self.output, "datasets": ["voice-samples"], "contacts": ["models.relay.example.test"],
            }),
        );
        std::fs::remove_dir_all(self.site().join("modelrelay-2.4.1.dist-info")).unwrap();
        self.scan("train-1").expect_good();
    }

    /// A week later the release is known to be malicious.
    pub fn flag(&self) {
        let record = json!({
            "schema_version": "1.7.0", "id": "MAL-2026-9001", "modified": "2026-03-24T12:00:00Z",
            "summary": "modelrelay 2.4.1 steals credentials",
            "affected": [{ "package": { "ecosystem": "PyPI", "name": "modelrelay" }, "versions": ["2.4.1"] }],
        });
        let path = self.bulkhead.place().write("MAL-2026-9001.json", &record.to_string());
        self.bulkhead.run(&["feed", "import", path.to_str().unwrap()]).expect_good();
    }

    fn site(&self) -> PathBuf {
        self.folder.path().join("venv/lib/python3.12/site-packages")
    }

    fn token(&self, who: &str) -> &str {
        &self.tokens.iter().find(|(name, _)| *name == who).expect("a token").1
    }

    fn pull(&self, who: &str) -> u16 {
        let authorization = format!("Bearer {}", self.token(who));
        self.bulkhead.request("GET", &self.wheel.path_here(), &[("authorization", &authorization)]).status
    }

    fn scan(&self, who: &str) -> crate::support::Screen {
        let token = self.bulkhead.place().write("token", self.token(who));
        let server = format!("http://{}/", self.bulkhead.address());
        let folder = self.folder.path().to_str().unwrap();
        let words =
            ["inventory", "scan", folder, "--host", who, "--to", &server, "--token-file", token.to_str().unwrap()];
        self.bulkhead.run(&words)
    }

    fn tell(&self, who: &str, what: &str, report: &Value) {
        let reply = post(&self.bulkhead, &format!("/api/{what}"), Some(self.token(who)), "application/json", report);
        assert_eq!(reply.status, 201, "{}", reply.text());
    }

    fn ask(&self, words: &[&str]) -> Value {
        let words = [&["exposure"], words, &["--owner", "responder", "--format", "json"]].concat();
        let screen = self.bulkhead.run(&words);
        screen.json()["answer"].clone()
    }
}

fn post(bulkhead: &Bulkhead, path: &str, token: Option<&str>, kind: &str, report: &Value) -> http::Reply {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", kind)];
    headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
    http::send(bulkhead.address(), "POST", path, &headers, &report.to_string())
}

/// A distribution as an installer leaves it: METADATA and RECORD.
fn install(site: &Path, name: &str, version: &str, file: &str, content: &str) {
    use base64::Engine as _;
    let folder = site.join(format!("{name}-{version}.dist-info"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"))
        .unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content.as_bytes());
    let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest.as_ref());
    std::fs::write(folder.join("RECORD"), format!("{file},sha256={hash},{}\n", content.len())).unwrap();
}

fn grade(answer: &Value, stage: &str, name: &str) -> String {
    let rows = answer["rows"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["stage"] == stage && row["name"].as_str().unwrap().starts_with(name));
    row.map_or_else(|| "absent".to_owned(), |row| row["grade"].as_str().unwrap().to_owned())
}

/// A mirror as any client makes it: what the checkpoint covers, by path, over HTTP.
fn mirror(bulkhead: &Bulkhead, folder: &Path) {
    let checkpoint = bulkhead.get("/ledger/checkpoint");
    let size: u64 = checkpoint.text().lines().nth(1).unwrap().parse().unwrap();
    std::fs::write(folder.join("checkpoint"), &checkpoint.body).unwrap();
    let mut paths = Vec::new();
    for (level, kind) in [(0, "entries"), (0, "0"), (1, "1")] {
        let count = if level == 0 { size } else { size / 256 };
        paths.extend((0..count / 256).map(|tile| format!("tile/{kind}/{tile:03}")));
        if count % 256 > 0 {
            paths.push(format!("tile/{kind}/{:03}.p/{}", count / 256, count % 256));
        }
    }
    for path in paths {
        let reply = bulkhead.get(&format!("/ledger/{path}"));
        assert_eq!(reply.status, 200, "{path}");
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, reply.body).unwrap();
    }
}

#[test]
fn a_release_that_was_clean_when_pulled_is_followed_to_partners_and_people() {
    let estate = Estate::clean();
    estate.flag();
    assert_eq!(estate.pull("train-1"), 403, "nobody gets it any more");
    let answer = estate.ask(&[RELEASE]);
    for (stage, name, expected) in [
        ("pull", "train-1", "touched"),
        ("pull", "builder", "touched"),
        ("build", "registry.example/trainer:7", "touched"),
        ("host", "train-1", "touched"),
        ("host", "train-2", "touched"),
        ("contact", "models.relay.example.test", "touched"),
        ("secret", "prod/openai", "within-reach"),
        ("secret", "prod/s3", "within-reach"),
        ("secret", "dev/sandbox", "not-reachable"),
        ("dataset", "voice-samples", "touched"),
        ("dataset", "labels", "within-reach"),
        ("dataset", "support-chats", "within-reach"),
        ("dataset", "archive-2019", "not-reachable"),
        ("partner", "contoso", "touched"),
        ("partner", "northwind", "within-reach"),
        ("people", "voice-samples", "touched"),
    ] {
        assert_eq!(grade(&answer, stage, name), expected, "{stage} {name}\n{answer:#}");
    }
    assert_eq!(answer["gaps"], json!([]));
    // A file inside the archive that nobody had flagged leads to the same places.
    let inner = estate.ask(&["--file-sha256", &sha256(INNER.as_bytes())]);
    assert_eq!(grade(&inner, "dataset", "voice-samples"), "touched", "{inner:#}");
    assert_eq!(grade(&inner, "host", "train-1"), "touched");
    // So does the host that it sent to.
    let day = ["--between", "2026-01-01T00:00Z", "2199-01-01T00:00Z"];
    let contacted = estate.ask(&[&["--host-contacted", "models.relay.example.test"], day.as_slice()].concat());
    assert_eq!(grade(&contacted, "host", "train-2"), "touched");
    // A pull that no scan places makes unknown what was not reachable.
    let registered = estate.bulkhead.fetch(&estate.wheel).status;
    assert_eq!(registered, 403);
    let shown = estate.bulkhead.run(&["exposure", RELEASE, "--owner", "responder"]).expect_code(1);
    assert!(shown.stdout.contains("within reach") && shown.stdout.contains("northwind"), "{shown}");
    estate.bulkhead.run(&["ledger", "verify"]).expect_good();
    // The ledger is the truth: made anew from it, the same answer but for when it was asked.
    let before = estate.ask(&[RELEASE]);
    estate.bulkhead.run(&["ledger", "rebuild"]).expect_good();
    assert_eq!(before["edges"], estate.ask(&[RELEASE])["edges"]);
}

#[test]
fn the_bundle_verifies_from_a_mirror_alone_and_one_changed_byte_fails() {
    let estate = Estate::clean();
    estate.flag();
    let bundle = estate.folder.path().join("out.zip");
    let words = ["exposure", RELEASE, "--owner", "responder", "--bundle", bundle.to_str().unwrap()];
    estate.bulkhead.run(&words).expect_code(1);
    let key = estate.bulkhead.run(&["ledger", "key"]).expect_good().stdout.trim().to_owned();
    let mirrored = tempfile::tempdir().unwrap();
    mirror(&estate.bulkhead, mirrored.path());
    // Somewhere else, with nothing but the bundle, the mirror and the key.
    let elsewhere = Place::before(&Registry::start());
    let (bundle_path, mirror_path) = (bundle.to_str().unwrap(), mirrored.path().to_str().unwrap());
    let verified = elsewhere.run(&["exposure", "verify", bundle_path, "--mirror", mirror_path, "--key", &key]);
    assert!(
        verified.clone().expect_good().stdout.contains("computed anew from the mirror and is the same"),
        "{verified}"
    );
    assert!(!elsewhere.data().exists(), "no data directory was needed");

    let bytes = std::fs::read(&bundle).unwrap();
    let own = Own { key: Some(key.parse().expect("a key")), policy: None };
    assert!(verify(&bytes, mirrored.path(), &own).unwrap().good);
    // Every byte of a smaller one: `exposure::tests::bundles`.
    let stride = bytes.len() / 50 + 1;
    for at in (0..bytes.len()).step_by(stride) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let outcome = verify(&changed, mirrored.path(), &Own::default());
        assert!(!outcome.is_ok_and(|verified| verified.good), "a changed byte at {at} passed");
    }
    // A mirror that is behind, or of another history, is told apart.
    let other = Estate::clean();
    let others = tempfile::tempdir().unwrap();
    mirror(&other.bulkhead, others.path());
    let told = elsewhere.run(&["exposure", "verify", bundle_path, "--mirror", others.path().to_str().unwrap()]);
    let said = told.clone().expect_code(1).stderr;
    let origin = |folder: &std::path::Path| {
        let note = std::fs::read_to_string(folder.join("checkpoint")).unwrap();
        note.lines().next().unwrap_or_default().to_owned()
    };
    for named in ["is one of the log", &origin(others.path()), &origin(mirrored.path()), "bulkhead ledger mirror"] {
        assert!(said.contains(named), "no `{named}` in {told}");
    }
}

#[test]
fn reports_are_taken_from_those_who_may_and_every_mistake_is_told() {
    let registry = Registry::start();
    let bulkhead = Bulkhead::before(&registry);
    let run = json!({ "host": "h", "start": "2026-03-24T10:00:00Z" });
    let reply = post(&bulkhead, "/api/runs", None, "application/json", &run);
    assert_eq!(reply.status, 201, "{}", reply.text());
    let id = reply.json()["run"].as_str().unwrap().to_owned();
    let end = json!({ "run": id, "host": "h", "start": "2026-03-24T10:00:00Z", "end": "2026-03-24T11:00:00Z" });
    assert_eq!(post(&bulkhead, "/api/runs", None, "application/json", &end).json()["run"], id.as_str());
    // What a web page could make a browser send.
    assert_eq!(post(&bulkhead, "/api/runs", None, "text/plain", &run).status, 400);
    assert_eq!(post(&bulkhead, "/api/nothing", None, "application/json", &run).status, 404);
    assert_eq!(bulkhead.get("/api/runs").status, 405);
    let wrong = json!({ "host": "", "environment": "e", "items": [{ "purl": "x" }, { "sha256": "y" }, {}] });
    let reply = post(&bulkhead, "/api/inventory", None, "application/json", &wrong);
    assert_eq!(reply.status, 400);
    for part in ["the host is empty", "item 1", "item 2", "item 3"] {
        assert!(reply.json()["detail"].as_str().unwrap().contains(part), "{part}: {}", reply.text());
    }
    let backwards = json!({ "host": "h", "start": "2026-03-24T10:00:00Z", "end": "2026-03-24T09:00:00Z" });
    assert_eq!(post(&bulkhead, "/api/runs", None, "application/json", &backwards).status, 400);
    let assets = bulkhead.place().write("assets.toml", "[[secret]]\nname = \"a\"\nopens = [\"x\", \"y\"]\n");
    let told = bulkhead.run(&["asset", "import", assets.to_str().unwrap(), "--owner", "sec"]).expect_code(2);
    assert!(told.stderr.contains("`x`") && told.stderr.contains("`y`"), "{told}");
    let reversed = ["exposure", RELEASE, "--owner", "a", "--between", "2026-03-24T16:00Z", "2026-03-24T10:00Z"];
    assert!(bulkhead.run(&reversed).expect_code(2).stderr.contains("before it begins"));
}

#[test]
fn a_bill_of_materials_goes_in_and_comes_out() {
    let registry = Registry::start();
    let bulkhead = Bulkhead::before(&registry);
    let sbom = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
        { "name": "demo", "purl": "pkg:pypi/Demo@1.0.0" }, { "name": "curl", "purl": "pkg:deb/debian/curl@7" } ] });
    let path = bulkhead.place().write("sbom.json", &sbom.to_string());
    let words = ["inventory", "import", path.to_str().unwrap(), "--host", "web-1", "--environment", "app"];
    let told = bulkhead.run(&words).expect_good();
    assert!(told.stdout.contains("left out: 1"), "{told}");
    let out = bulkhead.run(&["inventory", "export", "web-1", "sbom app"]).expect_good();
    assert_eq!(out.json()["components"][0]["purl"], "pkg:pypi/demo@1.0.0");
    let short = bulkhead.run(&["inventory", "export", "web-1", "app"]).expect_good();
    assert_eq!(short.json()["components"], out.json()["components"]);
    bulkhead.run(&["inventory", "export", "web-1", "pp"]).expect_code(1);
    let exposed = bulkhead.run(&["exposure", "pkg:pypi/demo@1.0.0", "--owner", "a", "--format", "json"]).expect_code(1);
    assert_eq!(grade(&exposed.json()["answer"], "host", "web-1"), "touched");
}

/// Entries name people by pseudonyms; the question names them as people do, and so does the answer to the operator.
#[test]
fn a_person_is_asked_for_by_name_until_they_are_erased() {
    let estate = Estate::clean();
    let who = "train-1";
    let words = ["exposure", "--principal", who, "--owner", "responder"];
    let text = estate.bulkhead.run(&words).expect_code(1);
    assert!(text.stdout.contains("prod/openai"), "{text}");
    let answer = estate.ask(&["--principal", who]);
    assert_eq!(grade(&answer, "secret", "prod/openai"), "touched", "{answer}");
    assert_eq!(grade(&answer, "host", "train-1"), "touched");
    // Not in the record, though it was asked about: only the pseudonym.
    let asked = estate.bulkhead.run(&["ledger", "export"]).expect_good().stdout;
    let asked = asked.lines().find(|line| line.contains("\"action\":\"exposure\"")).expect("an entry").to_owned();
    assert!(asked.contains("principal ~") && !asked.contains(who), "{asked}");

    let tokens = estate.bulkhead.run(&["token", "list", "--format", "json"]).expect_good().json();
    let token = tokens["tokens"].as_array().unwrap().iter().find(|token| token["principal"] == who).unwrap().clone();
    estate.bulkhead.run(&["token", "revoke", token["id"].as_str().unwrap()]).expect_good();
    let erased = estate.bulkhead.run(&["ledger", "erase", "--subject", who, "--format", "json"]).expect_good().json();
    let entries = estate.bulkhead.entries().len();
    let gone = estate.bulkhead.run(&words).expect_code(2);
    assert!(gone.stderr.contains("the record names nobody `train-1`") && gone.stderr.contains("erased"), "{gone}");
    assert_eq!(estate.bulkhead.entries().len(), entries, "the name must not come into the record by being asked about");
    // Whoever kept the pseudonym finds the entries, which stay as they are.
    let answer = estate.ask(&["--principal", erased["pseudonym"].as_str().unwrap()]);
    assert_eq!(grade(&answer, "secret", "prod/openai"), "touched");
    // Somebody of whom there never was an entry, and roles, which are no people.
    estate.bulkhead.run(&["exposure", "--principal", "nobody@lab.example", "--owner", "responder"]).expect_code(2);
    estate.bulkhead.run(&["exposure", "--principal", "local", "--owner", "responder"]);
}

/// The record names a machine and the places on it by pseudonyms; whoever asks sees names, until they are erased.
#[test]
fn machines_and_places_are_shown_by_name_and_recorded_by_pseudonym() {
    let estate = Estate::clean();
    let raw = estate.bulkhead.run(&["ledger", "export"]).expect_good().stdout;
    for personal in ["\"train-1\"", "\"train-2\"", "site-packages"] {
        assert!(!raw.contains(personal), "{personal} is in the record");
    }
    // The secret that is declared to be readable on a machine is that machine's.
    let shown = estate.bulkhead.run(&["exposure", RELEASE, "--owner", "responder"]).expect_code(1);
    assert!(shown.stdout.contains("can be read on train-2"), "{shown}");
    let list = estate.bulkhead.run(&["inventory", "list"]).expect_good();
    assert!(list.stdout.contains("train-1") && list.stdout.contains("site-packages"), "{list}");
    let site = estate.site();
    let out = estate.bulkhead.run(&["inventory", "export", "train-1", site.to_str().unwrap()]).expect_good();
    assert_eq!(
        out.json()["metadata"]["component"]["name"].as_str().map(|name| name.contains("train-1")),
        Some(true),
        "{out}"
    );
    // A machine that two have reported is forgotten on its own, and one that only the erased principal reported with it.
    let entries = estate.bulkhead.entries().len();
    let tokens = estate.bulkhead.run(&["token", "list", "--format", "json"]).expect_good().json();
    for token in tokens["tokens"].as_array().unwrap() {
        estate.bulkhead.run(&["token", "revoke", token["id"].as_str().unwrap()]).expect_good();
    }
    let erased = estate.bulkhead.run(&["ledger", "erase", "--subject", "train-1", "--format", "json"]).expect_good();
    assert_eq!(erased.json()["hosts"], json!(["train-1"]));
    let folder = site.to_str().unwrap();
    estate.bulkhead.run(&["ledger", "erase", "--subject", folder]).expect_good();
    assert!(estate.bulkhead.entries().len() > entries);
    let list = estate.bulkhead.run(&["inventory", "list"]).expect_good();
    assert!(!list.stdout.contains("train-1") && !list.stdout.contains("site-packages"), "{list}");
    let shown = estate.bulkhead.run(&["exposure", RELEASE, "--owner", "responder"]).expect_code(1);
    assert!(!shown.stdout.contains("train-1") && shown.stdout.contains("train-2"), "{shown}");
    estate.bulkhead.run(&["ledger", "verify"]).expect_good();
    estate.bulkhead.run(&["ledger", "rebuild"]).expect_good();
}
