//! The auditor's program, as an auditor runs it: on the folder of a real log, on a mirror and on one proof, with nothing but
//! the key. Cargo builds examples together with the tests of a crate.

use std::path::{Path, PathBuf};
use std::process::Command;

use bulkhead_core::{Action, Ask, Context, Effect, EntryIndex, Gate, Principal, Resource, Sha256, Verdict};
use bulkhead_ledger::mirror::mirror;
use bulkhead_ledger::{Entry, EntryTime, Log, Options, Sequencer, SigningKey, VerifierKey};

fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("this test is a file");
    let built = tests.parent().and_then(Path::parent).expect("target/<profile>/deps").join("examples/verify");
    assert!(built.exists(), "cargo build -p bulkhead-ledger --example verify");
    built
}

/// Exit code and everything that was said.
#[expect(clippy::disallowed_methods, reason = "a program of this crate is run, which must not depend on the others")]
fn verify(words: &[&str]) -> (i32, String) {
    // Nothing of the environment: no home, no configuration, no library path.
    let output = Command::new(program()).args(words).env_clear().output().expect("it starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("it ends by itself"), String::from_utf8(said).expect("text"))
}

fn entry(number: u64) -> Entry {
    let ask = Ask {
        gate: Gate::Intake,
        principal: Principal::new("ci"),
        action: Action::Fetch,
        resource: Resource { file: Some(format!("demo-{number}.whl")), ..Resource::default() },
        context: Context::default(),
    };
    let time = EntryTime::from_unix_millis(1_774_000_000_000 + number).expect("a time");
    Entry::new(&ask, &Verdict::plain(Effect::Allow), time, Sha256::from_bytes([7; 32]))
}

fn log(folder: &Path, entries: u64) -> (Log, VerifierKey) {
    let (ledger, head) = (folder.join("ledger"), folder.join("head"));
    let (origin, key) = ("auditor.example/log".parse().expect("a name"), SigningKey::generate().expect("a key"));
    let (sequencer, _) = Sequencer::open(&ledger, &head, origin, key, Options::default()).expect("opens");
    for number in 0..entries {
        sequencer.submit(entry(number), Box::new(|index| assert!(index.is_ok())));
    }
    sequencer.close().expect("closes");
    (sequencer.log(), sequencer.verifier_key().clone())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of a test is UTF-8")
}

#[test]
fn a_folder_a_mirror_and_a_proof_verify_and_one_changed_byte_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, key) = log(folder.path(), 700);
    let (ledger, copy, proof) =
        (folder.path().join("ledger"), folder.path().join("mirror"), folder.path().join("entry.tlog-proof"));
    mirror(&log, &copy, &key).expect("mirrors");
    let bytes = log.proof_with_entry(EntryIndex(300)).expect("reads").expect("is covered").to_bytes();
    std::fs::write(&proof, &bytes).expect("writes");
    let key = key.to_string();
    for words in [vec![text(&ledger), &key], vec![text(&copy), &key], vec!["--proof", text(&proof), &key]] {
        let (code, said) = verify(&words);
        assert_eq!(code, 0, "{words:?}: {said}");
        assert!(said.contains("auditor.example/log"), "{said}");
    }
    // In the entries, in a tile of hashes, in the checkpoint's root, in the proof: each is found.
    for file in ["tile/entries/001", "tile/0/000", "checkpoint"] {
        let path = copy.join(file);
        let good = std::fs::read(&path).expect("is there");
        let mut changed = good.clone();
        changed[good.len() / 3] ^= 1;
        std::fs::write(&path, changed).expect("writes");
        let (code, said) = verify(&[text(&copy), &key]);
        assert_eq!(code, 1, "{file}: {said}");
        std::fs::write(&path, good).expect("writes");
    }
    let mut changed = bytes;
    let at = changed.len() / 2;
    changed[at] ^= 1;
    std::fs::write(&proof, changed).expect("writes");
    assert_eq!(verify(&["--proof", text(&proof), &key]).0, 1);
    // Another key, and no key.
    let other = SigningKey::generate().expect("a key").verifier(&"auditor.example/log".parse().expect("a name"));
    assert_eq!(verify(&[text(&copy), &other.to_string()]).0, 1);
    assert_eq!(verify(&[text(&copy)]).0, 2);
    assert_eq!(verify(&[text(&copy), &key]).0, 0, "back as it was");
}
