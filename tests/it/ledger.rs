//! The ledger as an operator and an auditor use it: proofs, mirrors, exports, witnesses.

use std::path::{Path, PathBuf};

use bulkhead_ledger::verify::verify_folder;
use bulkhead_ledger::{TlogProof, VerifierKey};

use crate::support::{Answers, Authority, Bulkhead, Place, Registry, Upload, Wheel, eventually};

/// A server that has recorded a few fetches, and the key of its ledger.
fn with_entries(count: usize) -> (Registry, Bulkhead, String) {
    let registry = Registry::start();
    let uploads: Vec<Upload> = (0..count)
        .map(|number| registry.publish(Upload::from(Wheel::new(&format!("demo{number}"), "1.0")).days_old(90)))
        .collect();
    let bulkhead = Bulkhead::before(&registry);
    for upload in &uploads {
        assert_eq!(bulkhead.fetch(upload).status, 200);
    }
    let key = bulkhead.run(&["ledger", "key"]).expect_good().all().trim().to_owned();
    (registry, bulkhead, key)
}

fn covered(bulkhead: &Bulkhead) -> u64 {
    let text = bulkhead.get("/ledger/checkpoint").text();
    text.lines().nth(1).and_then(|size| size.parse().ok()).expect("a checkpoint")
}

fn out_of(bulkhead: &Bulkhead) -> PathBuf {
    bulkhead.data().parent().unwrap().to_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_proof_is_checked_offline_by_the_command_and_by_the_library() {
    let (_registry, bulkhead, key) = with_entries(3);
    eventually(|| (covered(&bulkhead) >= 4).then_some(()));
    let file = out_of(&bulkhead).join("entry-2.tlog-proof");
    bulkhead.run(&["ledger", "prove", "v2", "--output", path(&file)]).expect_good();
    let (place, _) = bulkhead.stop();
    // Elsewhere: no ledger, no server, only the file and the key.
    std::fs::remove_dir_all(place.data()).unwrap();
    let checked = place.run(&["ledger", "verify", "--proof", path(&file), "--key", &key]).expect_good();
    assert!(checked.all().contains("entry 2 is in the log"), "{checked}");
    let key: VerifierKey = key.parse().unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let (entry, _) = TlogProof::parse(&bytes).unwrap().verify_carried(&key).unwrap();
    assert_eq!(entry.action.as_str(), "fetch");
    for at in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(!TlogProof::parse(&changed).is_ok_and(|proof| proof.verify_carried(&key).is_ok()), "byte {at}");
    }
    std::fs::write(&file, [&bytes[..bytes.len() - 9], b"AAAAAAAA\n"].concat()).unwrap();
    let refused = place.run(&["ledger", "verify", "--proof", path(&file), "--key", &key.to_string()]).expect_code(1);
    assert!(refused.all().contains("NOT VERIFIED"), "{refused}");
}

#[test]
fn a_mirror_over_http_verifies_and_a_changed_byte_does_not() {
    let (_registry, bulkhead, key) = with_entries(3);
    eventually(|| (covered(&bulkhead) >= 4).then_some(()));
    let (url, folder) = (format!("http://{}/ledger/", bulkhead.address()), out_of(&bulkhead).join("mirror"));
    bulkhead.run(&["ledger", "verify", "--from", &url, "--key", &key]).expect_good();
    // A key must come by another way than the log.
    let keyless = bulkhead.run(&["ledger", "verify", "--from", &url]).expect_code(2);
    assert!(keyless.all().contains("which log is it"), "{keyless}");
    bulkhead.run(&["ledger", "mirror", path(&folder), "--from", &url, "--key", &key]).expect_good();
    bulkhead.run(&["ledger", "verify", "--from", path(&folder), "--key", &key]).expect_good();
    assert_eq!(verify_folder(&folder, &key.parse::<VerifierKey>().unwrap()).unwrap().size, covered(&bulkhead));
    let tile = std::fs::read_dir(folder.join("tile/entries/000.p")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&tile).unwrap();
    let at = bytes.windows(5).position(|window| window == b"demo1").expect("the file's name");
    bytes[at] = b'x';
    std::fs::write(&tile, bytes).unwrap();
    bulkhead.run(&["ledger", "verify", "--from", path(&folder), "--key", &key]).expect_code(1);
    let dead =
        bulkhead.run(&["ledger", "verify", "--from", "http://127.0.0.1:1/ledger/", "--key", &key]).expect_code(1);
    assert!(dead.all().contains("cannot be asked"), "{dead}");
}

#[test]
fn an_export_is_the_entries_or_ocsf_events_from_then_on() {
    let (_registry, bulkhead, _) = with_entries(3);
    let lines = |words: &[&str]| -> Vec<serde_json::Value> {
        let screen = bulkhead.run(&[&["ledger", "export"], words].concat()).expect_good();
        screen
            .all()
            .lines()
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let all = lines(&["--format", "jsonl"]);
    // What the screen shows has its digests and times replaced; the order and the words are enough here.
    let told = |rows: &[serde_json::Value]| -> Vec<(Option<u64>, String)> {
        rows.iter().map(|row| (row["seq"].as_u64(), row["action"].to_string())).collect()
    };
    assert_eq!(told(&all), told(&bulkhead.entries()));
    assert_eq!(lines(&["--format", "jsonl", "--since", "v2"]), all[2..]);
    assert_eq!(lines(&["--format", "jsonl", "--since", "2999-01-01T00:00:00Z"]).len(), 0);
    assert_eq!(lines(&["--format", "jsonl", "--since", "2020-01-01T00:00:00Z"]).len(), all.len());
    let events = lines(&["--format", "ocsf"]);
    assert_eq!(events.len(), all.len());
    assert!(
        events
            .iter()
            .all(|event| event["class_uid"] == 6003 && event["attestation_list"][0]["fingerprint"].is_object())
    );
    bulkhead.run(&["ledger", "export", "--since", "yesterday"]).expect_code(2);
    bulkhead.run(&["ledger", "show", "--format", "ocsf"]).expect_code(2);
}

#[test]
fn a_data_folder_from_a_backup_does_not_fork_the_log() {
    let (_registry, bulkhead, _) = with_entries(2);
    eventually(|| (covered(&bulkhead) >= 3).then_some(()));
    let (place, _) = bulkhead.stop();
    let head = place.data().join("ledger.head");
    let old = std::fs::read(&head).unwrap();
    let bulkhead = Place::start(place);
    bulkhead.run(&["token", "create", "--for", "ci"]).expect_good();
    let (place, _) = bulkhead.stop();
    let new = std::fs::read(&head).unwrap();
    assert_ne!(old, new);
    // The trusted head went back and the folder did not.
    std::fs::write(&head, &old).unwrap();
    let refused = place.refuses_to_start();
    assert!(refused.all().contains("the trusted head at"), "{refused}");
    std::fs::remove_file(&head).unwrap();
    let refused = place.refuses_to_start();
    assert!(refused.all().contains("trusted head is missing"), "{refused}");
    // The same is a folder from before there was a trusted head: what to do stands there, to be copied.
    let told = refused.stderr.lines().map(str::trim).find(|line| line.starts_with("cp ")).expect("a command");
    let told = told.replace("[PLACE]", path(place.data().parent().unwrap()));
    let [_, from, to] = told.split(' ').collect::<Vec<_>>()[..] else { panic!("{told}") };
    std::fs::copy(from, to).unwrap();
    assert_eq!(std::fs::read(&head).unwrap(), new);
    let bulkhead = place.start();
    let (place, _) = bulkhead.stop();
    // Neither a head nor the copy: nothing that this program could know.
    let (copy, kept) = (place.data().join("ledger/checkpoint"), std::fs::read(&head).unwrap());
    std::fs::remove_file(&head).unwrap();
    std::fs::remove_file(&copy).unwrap();
    let refused = place.refuses_to_start();
    assert!(refused.all().contains("back from the backup") && !refused.all().contains("cp "), "{refused}");
    std::fs::write(&copy, &kept).unwrap();
    let new = kept;
    std::fs::write(&head, &new).unwrap();
    place.run(&["ledger", "verify"]).expect_good();
    drop(place.start());
}

#[test]
fn a_person_is_erased_and_the_proofs_stay_valid() {
    let (_registry, bulkhead, key) = with_entries(1);
    bulkhead.run(&["token", "create", "--for", "alice@example.test"]).expect_good();
    eventually(|| (covered(&bulkhead) >= 3).then_some(()));
    let raw = || bulkhead.run(&["ledger", "export"]).expect_good().all();
    let shown = || bulkhead.run(&["ledger", "show", "--format", "json"]).expect_good().all();
    // The record never had the name; the operator sees it as long as the salt is there.
    assert!(!raw().contains("alice") && shown().contains("alice@example.test"));
    let file = out_of(&bulkhead).join("token.tlog-proof");
    bulkhead.run(&["ledger", "prove", "2", "--output", path(&file)]).expect_good();
    let erase = ["ledger", "erase", "--subject", "alice@example.test"];
    let refused = bulkhead.run(&erase).expect_code(1);
    assert!(refused.all().contains("has a live token"), "{refused}");
    let tokens = bulkhead.run(&["token", "list", "--format", "json"]).expect_good().json();
    let id = tokens["tokens"][0]["id"].as_str().expect("a token").to_owned();
    bulkhead.run(&["token", "revoke", &id]).expect_good();
    bulkhead.run(&erase).expect_good();
    assert!(!shown().contains("alice"), "{}", shown());
    bulkhead.run(&["ledger", "verify", "--proof", path(&file), "--key", &key]).expect_good();
    bulkhead.run(&["ledger", "verify"]).expect_good();
    bulkhead.run(&erase).expect_code(1);
    let (place, _) = bulkhead.stop();
    assert_eq!(std::fs::read_dir(place.data().join("subjects")).unwrap().count(), 0);
}

#[test]
fn a_compartment_has_a_log_of_its_own_under_the_root() {
    let registry = Registry::start();
    let bulkhead = Place::before(&registry).ledger("compartments = [\"acme\"]\nwitness_every = \"1s\"").start();
    let own = bulkhead.get("/ledger/compartments/acme/checkpoint");
    assert_eq!((own.status, bulkhead.get("/ledger/compartments/other/checkpoint").status), (200, 404));
    let anchor = eventually(|| bulkhead.entries().into_iter().find(|entry| entry["action"] == "checkpoint"));
    assert_eq!(anchor["detail"]["origin"].as_str(), own.text().lines().next());
    bulkhead.run(&["ledger", "verify"]).expect_good();
}

/// The file with that end in the folder of time stamps, once it is there.
fn stamped(bulkhead: &Bulkhead, end: &str) -> Option<PathBuf> {
    let files = std::fs::read_dir(bulkhead.data().join("timestamps")).ok()?;
    files.map(|file| file.unwrap().path()).find(|path| path.extension().is_some_and(|found| found == end))
}

#[test]
fn the_days_checkpoint_is_stamped_and_openssl_verifies_it() {
    let (registry, authority) = (Registry::start(), Authority::start());
    let upload = registry.publish(Upload::from(Wheel::new("demo", "1.0")).days_old(90));
    let bulkhead = Place::before(&registry).ledger(&format!("timestamp_url = \"{}\"", authority.url())).start();
    // By itself, once a day, beginning with the start.
    let token = eventually(|| stamped(&bulkhead, "tsr"));
    let note = std::fs::read(stamped(&bulkhead, "checkpoint").expect("beside it")).unwrap();
    assert!(authority.vouches(&token, &note));
    let mut changed = note.clone();
    changed[0] ^= 1;
    assert!(!authority.vouches(&token, &changed), "a changed checkpoint");
    let key: VerifierKey = bulkhead.run(&["ledger", "key"]).expect_good().all().trim().parse().unwrap();
    let first = bulkhead_ledger::Checkpoint::verify(&note, &key).unwrap();
    // And when it is asked for: over what is signed by now, in the place of the day's.
    assert_eq!(bulkhead.fetch(&upload).status, 200);
    eventually(|| (covered(&bulkhead) > first.size).then_some(()));
    let told = bulkhead.run(&["ledger", "timestamp"]).expect_good();
    assert!(told.all().contains("openssl ts -verify"), "{told}");
    let note = std::fs::read(stamped(&bulkhead, "checkpoint").unwrap()).unwrap();
    assert!(authority.vouches(&token, &note));
    assert!(bulkhead_ledger::Checkpoint::verify(&note, &key).unwrap().size > first.size);
    // Another authority is not this one.
    assert!(!Authority::start().vouches(&token, &note));
}

#[test]
fn an_answer_that_is_no_token_for_this_checkpoint_is_not_kept() {
    let (registry, authority) = (Registry::start(), Authority::start());
    authority.answers(Answers::Status(503));
    let bulkhead = Place::before(&registry).ledger(&format!("timestamp_url = \"{}\"", authority.url())).start();
    bulkhead.wait_for("no time stamp; it is asked for again");
    let refused = || bulkhead.run(&["ledger", "timestamp"]).expect_code(1).all();
    assert!(refused().contains("answered 503"), "{}", refused());
    authority.answers(Answers::Nonsense);
    assert!(refused().contains("malformed"), "{}", refused());
    assert_eq!(stamped(&bulkhead, "tsr"), None);
    authority.answers(Answers::Well);
    bulkhead.run(&["ledger", "timestamp"]).expect_good();
    let token = stamped(&bulkhead, "tsr").expect("kept");
    let kept = std::fs::read(&token).unwrap();
    // The token of before, played again: for the same log, and perhaps the same bytes, but not for this request.
    authority.answers(Answers::Again);
    assert!(refused().contains("not for this checkpoint"), "{}", refused());
    assert_eq!(std::fs::read(&token).unwrap(), kept, "what was there stays");
    let (place, _) = bulkhead.stop();
    let without = Place::before(&registry).start();
    let none = without.run(&["ledger", "timestamp"]).expect_code(1);
    assert!(none.all().contains("no time stamping authority is configured"), "{none}");
    drop(place);
}
