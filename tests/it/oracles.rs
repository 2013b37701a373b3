//! Programs that we did not write judge the log: each accepts it, each refuses it after one changed byte, and a live
//! witness refuses a fork and a rollback. `cargo xtask clients` installs them.

use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use bulkhead_core::{Action, Ask, Context, Effect, EntryIndex, Gate, Principal, Resource, Sha256, Verdict};
use bulkhead_ledger::witness::{Answer, WitnessError, read, request};
use bulkhead_ledger::{Entry, EntryTime, Log, Options, Origin, Sequencer, SigningKey, TlogProof, WitnessKey};
use bulkhead_ledger::{mirror::mirror, verify::verify_folder};

use crate::support::{Bulkhead, Registry, developer::installed, eventually, http};

const ENTRIES: u64 = 1_500;

fn oracle(program: &str) -> Command {
    let path = installed().join("oracles/bin").join(program);
    assert!(
        path.exists(),
        "{program} is not installed for the tests: run `cargo xtask test` (or `cargo xtask clients`) once"
    );
    let mut command = Command::new(path);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C.UTF-8");
    command
}

fn entry(number: u64, file: &str) -> Entry {
    let ask = Ask {
        gate: Gate::Intake,
        principal: Principal::new("ci"),
        action: Action::Fetch,
        resource: Resource { file: Some(format!("{file}-{number}.whl")), ..Resource::default() },
        context: Context::default(),
    };
    let time = EntryTime::from_unix_millis(1_774_000_000_000 + number).unwrap();
    Entry::new(&ask, &Verdict::plain(Effect::Allow), time, Sha256::from_bytes([7; 32]))
}

/// A log in a folder of its own; two with the same key are a fork.
struct Made {
    folder: tempfile::TempDir,
    key: SigningKey,
    origin: Origin,
}

impl Made {
    fn new() -> Self {
        let key = SigningKey::generate().unwrap();
        Self { folder: tempfile::tempdir().unwrap(), key, origin: "oracle.example/log".parse().unwrap() }
    }

    fn fork(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = self.folder.path().join("key");
        if !file.exists() {
            self.key.save(&file).unwrap();
        }
        Self { folder, key: SigningKey::load(&file).unwrap(), origin: self.origin.clone() }
    }

    fn verifier(&self) -> bulkhead_ledger::VerifierKey {
        self.key.verifier(&self.origin)
    }

    /// Grows the log to that size and gives it for reading.
    fn grow(&self, size: u64, file: &str) -> Log {
        let (ledger, head) = (self.folder.path().join("ledger"), self.folder.path().join("head"));
        let key = self.fork().key;
        let (sequencer, found) = Sequencer::open(&ledger, &head, self.origin.clone(), key, Options::default()).unwrap();
        for number in found.entries..size {
            sequencer.submit(entry(number, file), Box::new(|index| assert!(index.is_ok())));
        }
        sequencer.close().unwrap();
        sequencer.log()
    }

    /// A mirror of it.
    fn mirror(&self, log: &Log) -> PathBuf {
        let folder = self.folder.path().join("mirror");
        mirror(log, &folder, &self.verifier()).unwrap();
        folder
    }
}

/// The same mirror with one byte of that entry changed in its bundle, and nothing else.
fn flipped(mirror: &Path, index: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(mirror.join(".")).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    let bundle = folder.path().join(format!("tile/entries/{:03}", index / 256));
    let mut bytes = std::fs::read(&bundle).unwrap();
    let name = format!("pull-{index}.whl");
    let at = bytes.windows(name.len()).position(|window| window == name.as_bytes()).expect("the entry");
    bytes[at] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    folder
}

/// The same mirror with one byte of the checkpoint's root changed.
fn unsigned(mirror: &Path) -> tempfile::TempDir {
    let folder = flipped(mirror, 0);
    let path = folder.path().join("checkpoint");
    let mut bytes = std::fs::read(&path).unwrap();
    let root = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0 + 3;
    bytes[root] = if bytes[root] == b'A' { b'B' } else { b'A' };
    std::fs::write(&path, bytes).unwrap();
    folder
}

fn run(mut command: Command) -> (bool, String) {
    let Output { status, stdout, stderr } = command.output().expect("the oracle starts");
    (status.success(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

fn accepts(command: Command) -> String {
    let (good, text) = run(command);
    assert!(good, "{text}");
    text
}

fn refuses(command: Command) {
    let (good, text) = run(command);
    assert!(!good, "accepted: {text}");
    assert!(!text.contains("Traceback"), "it fell over instead: {text}");
}

fn arg(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn with(program: &str, words: &[&str]) -> Command {
    let mut command = oracle(program);
    command.args(words);
    command
}

#[test]
fn gos_checksum_database_code_agrees() {
    agrees("sumdb");
}

#[test]
fn cloudflares_crates_agree() {
    agrees("tiles");
}

/// A program that takes a mirror, the key and an older checkpoint.
fn agrees(program: &str) {
    let made = Made::new();
    let old = made.folder.path().join("old");
    std::fs::write(&old, made.grow(700, "pull").checkpoint()).unwrap();
    let (mirror, key) = (made.mirror(&made.grow(ENTRIES, "pull")), made.verifier().to_string());
    let checks = |mirror: &Path, old: &Path| with(program, &[arg(mirror), &key, arg(old)]);
    let said = accepts(checks(&mirror, &old));
    assert_eq!(said, "verified: 1500 entries, 15 inclusions, consistent with 700\n");
    refuses(checks(flipped(&mirror, 300).path(), &old));
    refuses(checks(unsigned(&mirror).path(), &old));
    // An older checkpoint by the same key that this log does not continue.
    let forked = made.folder.path().join("forked");
    std::fs::write(&forked, made.fork().grow(700, "other").checkpoint()).unwrap();
    refuses(checks(&mirror, &forked));
}

#[test]
fn tlog_scales_agrees() {
    let made = Made::new();
    let mirror = made.mirror(&made.grow(ENTRIES, "pull"));
    let leaf = accepts(with("tlog-tiles", &["get-leaf", "-c", arg(&mirror), "300"]));
    assert!(leaf.contains("pull-300.whl"), "{leaf}");
    // Its proof file is one to us, and the other way round.
    let proof = accepts(with("tlog-tiles", &["gen-proof", arg(&mirror), "300"]));
    let proof = TlogProof::parse(proof.as_bytes()).unwrap();
    proof.verify(&entry(300, "pull").encode(EntryIndex(300)).unwrap(), &made.verifier()).unwrap();
    // It says so with an exception of that name.
    let (good, said) = run(with("tlog-tiles", &["get-leaf", "-c", arg(flipped(&mirror, 300).path()), "300"]));
    assert!(!good && said.contains("InclusionProofInvalid"), "{said}");
    // History written anew with the same key: its signed checkpoint does not fit these tiles, nor its proofs our entries.
    let fork = made.fork();
    let forked = fork.mirror(&fork.grow(ENTRIES, "other"));
    let split = flipped(&mirror, 0);
    let bundle = "tile/entries/000";
    std::fs::copy(mirror.join(bundle), split.path().join(bundle)).unwrap();
    accepts(with("tlog-tiles", &["get-leaf", "-c", arg(split.path()), "300"]));
    std::fs::copy(forked.join("checkpoint"), split.path().join("checkpoint")).unwrap();
    let (good, said) = run(with("tlog-tiles", &["get-leaf", "-c", arg(split.path()), "300"]));
    assert!(!good && said.contains("InclusionProofInvalid"), "{said}");
    let proof = accepts(with("tlog-tiles", &["gen-proof", arg(&forked), "300"]));
    let proof = TlogProof::parse(proof.as_bytes()).unwrap();
    proof.verify(&entry(300, "other").encode(EntryIndex(300)).unwrap(), &made.verifier()).unwrap();
    assert!(proof.verify(&entry(300, "pull").encode(EntryIndex(300)).unwrap(), &made.verifier()).is_err());
}

#[test]
fn aics_tlog_agrees() {
    let made = Made::new();
    let old = made.folder.path().join("old");
    std::fs::write(&old, made.grow(700, "pull").checkpoint()).unwrap();
    let mirror = made.mirror(&made.grow(ENTRIES, "pull"));
    let key = made.verifier().to_string();
    let tlog = |command: &str, mirror: &Path, words: &[&str]| {
        with("aics-tlog", &[&[command, "--log-key", &key, "--tiles", arg(mirror)], words].concat())
    };
    accepts(tlog("verify-checkpoint", &mirror, &[]));
    accepts(tlog("verify-inclusion", &mirror, &["--index", "300"]));
    accepts(tlog("verify-consistency", &mirror, &["--old-checkpoint", arg(&old)]));
    refuses(tlog("verify-checkpoint", unsigned(&mirror).path(), &[]));
    refuses(tlog("verify-inclusion", flipped(&mirror, 300).path(), &["--index", "300"]));
    let forked = made.folder.path().join("forked");
    std::fs::write(&forked, made.fork().grow(700, "other").checkpoint()).unwrap();
    refuses(tlog("verify-consistency", &mirror, &["--old-checkpoint", arg(&forked)]));
}

/// A witness by somebody else, running. Ended when dropped.
struct Witness {
    folder: tempfile::TempDir,
    address: SocketAddr,
    key: WitnessKey,
    child: Child,
}

impl Witness {
    fn knowing(key: &bulkhead_ledger::VerifierKey) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("witness.json");
        // The port is free again when the listener is gone; the witness has no way to say which it chose.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listen = address.to_string();
        let init = ["init", "--config", arg(&config), "--name", "witness.example/w1", "--listen", &listen];
        let (good, said) = run(with("aics-witness", &init));
        assert!(good, "{said}");
        let witness =
            said.lines().find(|line| line.starts_with("witness.example/w1+")).expect("its key").parse().unwrap();
        let (origin, vkey) = (key.name().to_string(), key.to_string());
        accepts(with("aics-witness", &["add-log", "--config", arg(&config), "--origin", &origin, "--vkey", &vkey]));
        let mut serve = with("aics-witness", &["serve", "--config", arg(&config)]);
        let mut child = serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // It logs a line when it listens; what it says later is read so that it never waits for us.
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(lines.next().is_some(), "the witness did not start");
        std::thread::spawn(move || lines.for_each(drop));
        eventually(|| std::net::TcpStream::connect(address).ok());
        Self { folder, address, key: witness, child }
    }

    fn add(&self, old: u64, proof: &[Sha256], note: &[u8]) -> Result<Answer, WitnessError> {
        let reply = http::post(self.address, "/add-checkpoint", &request(old, proof, note));
        read(reply.status, &reply.body, note, &self.key)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_witness_cosigns_what_grows_and_refuses_a_fork_and_a_rollback() {
    let made = Made::new();
    let witness = Witness::knowing(&made.verifier());
    let first = made.grow(700, "pull").checkpoint();
    assert!(matches!(witness.add(0, &[], &first).unwrap(), Answer::Cosigned(_)));
    let log = made.grow(ENTRIES, "pull");
    assert_eq!(witness.add(0, &[], &log.checkpoint()).unwrap(), Answer::Conflict(700));
    let proof = log.consistency_proof(700, ENTRIES).unwrap();
    let Answer::Cosigned(cosignature) = witness.add(700, &proof, &log.checkpoint()).unwrap() else { panic!("no") };
    assert!(cosignature.cosigned.timestamp > 1_774_000_000);
    // History written anew, with the same key: a proof of its own tree does not help it.
    let forked = made.fork();
    let fork = forked.grow(ENTRIES + 100, "other");
    let own = fork.consistency_proof(ENTRIES, ENTRIES + 100).unwrap();
    assert!(matches!(witness.add(ENTRIES, &own, &fork.checkpoint()), Err(WitnessError::Inconsistent)));
    // Back to what was, whatever old size is claimed.
    assert!(matches!(witness.add(ENTRIES, &[], &first), Err(WitnessError::Refused)));
    assert_eq!(witness.add(700, &[], &first).unwrap(), Answer::Conflict(ENTRIES));
    // It still cosigns the true log, and not one byte of another root.
    let mut changed = log.checkpoint();
    let at = changed.iter().rposition(|byte| *byte == b'=').unwrap() - 8;
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    assert!(matches!(witness.add(ENTRIES, &[], &changed), Err(WitnessError::Signature)));
    assert!(matches!(witness.add(ENTRIES, &[], &log.checkpoint()).unwrap(), Answer::Cosigned(_)));
    assert!(witness.folder.path().join("witness.db").exists());
}

#[test]
fn a_server_with_a_witness_publishes_cosigned_checkpoints() {
    let registry = Registry::start();
    let bulkhead = crate::support::Place::before(&registry).ledger("witness_every = \"1s\"").start();
    let key = bulkhead.run(&["ledger", "key"]).expect_good().all().trim().to_owned();
    let witness = Witness::knowing(&key.parse().unwrap());
    let url = format!("http://{}/", witness.address);
    let add = ["ledger", "witness", "add", "w1", &witness.key.to_string(), &url];
    bulkhead.run(&add).expect_code(1);
    eventually(|| bulkhead.run(&["ledger", "witness", "status"]).good().then_some(()));
    let policy = bulkhead.data().join("witness.policy");
    let verified = bulkhead.run(&["ledger", "verify", "--witness-policy", arg(&policy)]).expect_good();
    assert!(verified.all().contains("witness witness.example/w1 at "), "{verified}");
    let served = bulkhead.get("/ledger/checkpoint").text();
    assert!(served.contains("\u{2014} witness.example/w1 "), "{served}");
    // The auditor's own check: the mirror, the policy, and no word of ours but the log's signature.
    let mirror = bulkhead.data().parent().unwrap().join("mirror");
    let from = format!("http://{}/ledger/", bulkhead.address());
    let copy = ["ledger", "mirror", arg(&mirror), "--from", &from, "--key", &key, "--witness-policy", arg(&policy)];
    bulkhead.run(&copy).expect_good();
    let verifier: bulkhead_ledger::VerifierKey = key.parse().unwrap();
    let text = std::fs::read_to_string(&policy).unwrap();
    let parsed = text.parse::<bulkhead_ledger::WitnessPolicy>().unwrap().for_log(&verifier);
    assert_eq!(verify_folder(&mirror, &parsed).unwrap().cosigned.len(), 1);
    // And a program of others, with its own quorum.
    let names = ["--log-key", &key, "--witness-key", &witness.key.to_string(), "--quorum", "1"];
    accepts(with("aics-tlog", &[&["verify-checkpoint", "--tiles", arg(&mirror)], &names[..]].concat()));
    // What was asked after the last checkpoint: its bundle carries a cosignature that covers it.
    let bundle = mirror.with_extension("zip");
    let ask = ["exposure", "pkg:pypi/demo@1.0", "--owner", "responder", "--bundle", arg(&bundle)];
    bulkhead.run(&ask).expect_good();
    bulkhead.run(&copy).expect_good();
    let check = ["exposure", "verify", arg(&bundle), "--mirror", arg(&mirror), "--witness-policy", arg(&policy)];
    let verified = bulkhead.run(&[&check[..], &["--key", &key]].concat()).expect_good();
    assert!(verified.all().contains("cosigned by witness.example/w1 at "), "{verified}");
    // The console says who cosigned, and how the witnesses are doing.
    let page = crate::console::page(&bulkhead, "/console/ledger");
    assert!(page.contains("<ul class=\"witnesses\"><li><code>witness.example/w1</code></li></ul>"), "{page}");
    assert!(page.contains("<th scope=\"row\">w1</th>") && page.contains("Witnesses; a quorum of them"), "{page}");
    // Without the witness nothing new is cosigned; appends go on, and the newest checkpoint is served beside.
    drop(witness);
    let before = bulkhead.get("/ledger/checkpoint").text();
    bulkhead.run(&["token", "create", "--for", "ci"]).expect_good();
    let newest = eventually(|| {
        let text = bulkhead.get("/ledger/checkpoint.unwitnessed").text();
        (text.lines().nth(1) > before.lines().nth(1)).then_some(text)
    });
    assert!(!newest.contains("witness.example"), "{newest}");
    assert_eq!(bulkhead.get("/ledger/checkpoint").text(), before);
    eventually(|| bulkhead.run(&["ledger", "witness", "status"]).all().contains("cannot be asked").then_some(()));
    let _server: Bulkhead = bulkhead;
}
