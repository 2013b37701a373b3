//! Bundles of a small estate: what the receiver's check accepts, and that it refuses every changed byte.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_ledger::mirror::mirror;
use bulkhead_ledger::note::Note;
use bulkhead_ledger::{Log, Options, Sequencer, SigningKey, VerifierKey, WitnessPolicy};
use tempfile::TempDir;

use super::super::verify::{Own, Receiver, Verified, verify};
use super::super::{bundle, zip};
use super::*;

/// A witness that cosigns whatever it is shown (C2SP tlog-cosignature, Ed25519).
struct Witness {
    name: &'static str,
    pair: Ed25519KeyPair,
}

impl Witness {
    fn new(name: &'static str) -> Self {
        Self { name, pair: Ed25519KeyPair::generate().expect("a key") }
    }

    fn typed(&self) -> Vec<u8> {
        [&[4], self.pair.public_key().as_ref()].concat()
    }

    fn id(&self) -> [u8; 4] {
        let hash = crate::blob::sha256(&[self.name.as_bytes(), b"\n", &self.typed()].concat());
        hash.as_bytes()[..4].try_into().expect("four bytes")
    }

    /// The line of a policy.
    fn known(&self) -> String {
        let id = u32::from_be_bytes(self.id());
        format!("witness {0} {0}+{id:08x}+{1}\n", self.name, STANDARD.encode(self.typed()))
    }

    fn cosigns(&self, note: &[u8]) -> String {
        let text = Note::parse(note).expect("a note").unverified_text().to_owned();
        let signature = self.pair.sign(format!("cosignature/v1\ntime 1774000777\n{text}").as_bytes());
        let bytes = [&self.id()[..], &1_774_000_777_u64.to_be_bytes(), signature.as_ref()].concat();
        format!("\u{2014} {} {}\n", self.name, STANDARD.encode(bytes))
    }
}

/// An answer in a ledger on disk, with a mirror of it.
struct Asked {
    folder: TempDir,
    log: Log,
    key: VerifierKey,
    answer: Answer,
    entry: u64,
}

impl Asked {
    /// Asks the estate, records the answer, and has those witnesses cosign what covers it.
    fn of(estate: &Estate, subject: Subject, witnesses: &[&Witness]) -> Self {
        let answer = estate.ask(subject);
        let folder = tempfile::tempdir().expect("a folder");
        let (ledger, head) = (folder.path().join("ledger"), folder.path().join("head"));
        let (origin, key) = ("bulkhead/test".parse().expect("a name"), SigningKey::generate().expect("a key"));
        key.save(&folder.path().join("key")).expect("is kept");
        let (sequencer, _) = Sequencer::open(&ledger, &head, origin, key, Options::default()).expect("opens");
        for (_, entry) in &estate.entries {
            sequencer.append(entry.clone()).expect("appends");
        }
        let detail = [("answer", answer.digest().to_hex()), ("size", answer.size.to_string())];
        let detail = detail.map(|(name, value)| (name.to_owned(), value)).into();
        let context = Context::default();
        let resource = Resource::default();
        let mut estate = Estate::default();
        estate.add(200, Gate::Control, "responder", Draft { action: Action::Exposure, resource, context, detail });
        let entry = sequencer.append(estate.entries.remove(0).1).expect("appends").0;
        sequencer.integrate_now().expect("integrates");
        let log = sequencer.log();
        if !witnesses.is_empty() {
            let note = log.checkpoint();
            let lines: String = witnesses.iter().map(|witness| witness.cosigns(&note)).collect();
            sequencer.publish_cosigned(Some(&[note, lines.into_bytes()].concat())).expect("publishes");
        }
        let key = sequencer.verifier_key().clone();
        mirror(&log, &folder.path().join("mirror"), &key).expect("mirrors");
        Self { folder, log, key, answer, entry }
    }

    fn bundle(&self) -> Vec<u8> {
        bundle::make(&self.log, &self.key, &self.answer, self.entry).expect("a bundle")
    }

    fn mirror(&self) -> std::path::PathBuf {
        self.folder.path().join("mirror")
    }

    /// The log's own key, and a quorum of these witnesses.
    fn own(&self, witnesses: &[&Witness]) -> Own {
        let policy = policy(witnesses.iter().map(|witness| witness.known()), witnesses);
        Own { key: Some(self.key.clone()), policy: Some(policy.for_log(&self.key)) }
    }
}

fn policy(lines: impl Iterator<Item = String>, quorum: &[&Witness]) -> WitnessPolicy {
    let names: Vec<&str> = quorum.iter().map(|witness| witness.name).collect();
    let group = match names.as_slice() {
        [] => "quorum none\n".to_owned(),
        names => format!("group all all {}\nquorum all\n", names.join(" ")),
    };
    (lines.collect::<String>() + &group).parse().expect("a policy")
}

fn member(bundle: &[u8], name: &str) -> String {
    String::from_utf8(zip::read(bundle).expect("a zip")[name].clone()).expect("text")
}

#[test]
fn a_bundle_carries_the_cosignatures_and_a_policy_asks_for_a_quorum_of_them() {
    let (one, two, absent) = (Witness::new("w1.test/one"), Witness::new("w2.test/two"), Witness::new("w3.test/no"));
    let asked = Asked::of(&estate(), Subject::Release(purl()), &[&one, &two]);
    let bundle = asked.bundle();
    let check = |own: &Own| verify(&bundle, &asked.mirror(), own);
    let good = check(&asked.own(&[&one, &two])).expect("verifies");
    assert!(good.good && good.quorum && good.own_key, "{good:?}");
    let names = |verified: &Verified| verified.witnesses.iter().map(|one| one.witness.clone()).collect::<Vec<_>>();
    assert_eq!(names(&good), ["w1.test/one", "w2.test/two"]);
    assert_eq!((good.witnesses[0].timestamp, good.unchecked.len()), (1_774_000_777, 0));
    // The report names them, for whoever only reads it.
    let report = member(&bundle, "report.html");
    assert!(report.contains("w1.test/one") && report.contains("w2.test/two"), "{report}");
    // A witness that did not sign, one of two that the receiver knows, and nobody asked.
    let refused = check(&asked.own(&[&one, &absent])).expect_err("no quorum");
    assert!(refused.contains("has no quorum: 1 of the 2 witnesses"), "{refused}");
    let some = check(&asked.own(&[&one])).expect("verifies");
    assert_eq!((names(&some), some.unchecked), (vec!["w1.test/one".to_owned()], vec!["w2.test/two".to_owned()]));
    let none = check(&Own { key: Some(asked.key.clone()), policy: None }).expect("verifies");
    assert!(none.good && !none.quorum && none.witnesses.is_empty() && none.unchecked.len() == 2, "{none:?}");
    // The policy may name the log; then the key in the bundle must be that one.
    let with_log = format!("log {}\n", asked.key);
    let lines = || [with_log.clone(), one.known()].into_iter();
    let named = check(&Own { key: None, policy: Some(policy(lines(), &[&one])) }).expect("verifies");
    assert!(named.good && named.own_key, "{named:?}");
    let stranger = Asked::of(&estate(), Subject::Release(purl()), &[&one]);
    let other =
        Own { key: None, policy: Some(policy([format!("log {}\n", stranger.key), one.known()].into_iter(), &[&one])) };
    assert!(check(&other).is_err());
}

/// The mirror may be cosigned and the bundle not: its own checkpoint counts, not what the receiver has.
#[test]
fn a_bundle_without_the_cosignatures_that_are_asked_for_does_not_pass() {
    let witness = Witness::new("w1.test/one");
    let asked = Asked::of(&estate(), Subject::Release(purl()), &[&witness]);
    let mut members = zip::read(&asked.bundle()).expect("a zip");
    let own = asked.own(&[&witness]);
    for (name, bytes) in &mut members {
        if name == "checkpoint" || name.ends_with(".tlog-proof") {
            let text = String::from_utf8(bytes.clone()).expect("text");
            let lines = text.lines().filter(|line| !line.contains("w1.test/one"));
            *bytes = lines.map(|line| format!("{line}\n")).collect::<String>().into_bytes();
        }
    }
    let verified = verify(&packed(members, &asked), &asked.mirror(), &own).expect("can be read");
    assert!(!verified.good && verified.witnesses.is_empty(), "{verified:?}");
    assert!(verified.differences.iter().any(|what| what.starts_with("checkpoint: ") && what.contains("no quorum")));
    assert!(
        verified.differences.iter().any(|what| what.starts_with("the proof of entry ") && what.contains("no quorum"))
    );
}

/// The members with everything that follows from them made anew, as whoever changed one would.
fn packed(mut members: std::collections::BTreeMap<String, Vec<u8>>, asked: &Asked) -> Vec<u8> {
    members.extend(bundle::derived(&asked.answer, asked.entry, &members["checkpoint"]));
    let about = bundle::about(&members, asked.entry);
    members.insert("bundle.json".to_owned(), about);
    zip::write(&members)
}

/// As small as an estate gets in which something is touched, within reach and missing.
fn small() -> Estate {
    let mut estate = Estate::default();
    estate.tell(0, "sec", &Record::Assets { assets: vec![secret("k", &["h"], &[])] });
    estate.pull(1, "a", 2);
    estate.scan(2, "a", "h", &[2]);
    estate
}

/// The change that is made to that byte: another character, another letter case, not ASCII.
fn change(at: usize) -> u8 {
    [0x01, 0x20, 0x80][at % 3]
}

/// Each byte of the file as it is sent: members, names, times, offsets, counts.
#[test]
fn one_changed_byte_anywhere_in_the_bundle_makes_it_fail() {
    let witness = Witness::new("w1.test/one");
    let asked = Asked::of(&small(), Subject::Release(purl()), &[&witness]);
    let bundle = asked.bundle();
    let receiver = Receiver::open(&asked.mirror(), &asked.own(&[&witness]), &asked.key).expect("opens");
    assert!(receiver.check(&bundle).expect("verifies").good);
    let passes = |bytes: &[u8]| receiver.check(bytes).is_ok_and(|verified| verified.good);
    let mut changed = bundle.clone();
    for at in 0..bundle.len() {
        changed[at] ^= change(at);
        assert!(!passes(&changed), "a changed byte at {at} passed");
        changed[at] = bundle[at];
    }
    // Bytes that are too many or missing: before, between and behind.
    for at in [0, 1, bundle.len() / 2, bundle.len() - 22, bundle.len()] {
        let (before, after) = bundle.split_at(at);
        assert!(!passes(&[before, b"\0", after].concat()), "one byte more at {at}");
        assert!(
            !passes(&[before, after.get(1..).unwrap_or_default()].concat()) || at == bundle.len(),
            "one less at {at}"
        );
    }
}

/// Whoever changes a byte also makes anew what only holds the parts together: the list of digests and the zip.
#[test]
fn one_changed_byte_in_a_member_fails_also_when_everything_around_it_is_made_anew() {
    let witness = Witness::new("w1.test/one");
    let asked = Asked::of(&small(), Subject::Release(purl()), &[&witness]);
    let receiver = Receiver::open(&asked.mirror(), &asked.own(&[&witness]), &asked.key).expect("opens");
    let members = zip::read(&asked.bundle()).expect("a zip");
    let again = |members: &std::collections::BTreeMap<String, Vec<u8>>| {
        let mut members = members.clone();
        let about = bundle::about(&members, asked.entry);
        members.insert("bundle.json".to_owned(), about);
        zip::write(&members)
    };
    assert!(receiver.check(&again(&members)).expect("verifies").good);
    for (name, bytes) in members.iter().filter(|(name, _)| *name != "bundle.json") {
        // The report is made again and compared as a whole.
        for at in (0..bytes.len()).step_by(if name == bundle::REPORT { 6 } else { 1 }) {
            let mut changed = members.clone();
            changed.get_mut(name).expect("is there")[at] ^= change(at);
            let verified = receiver.check(&again(&changed));
            assert!(!verified.is_ok_and(|verified| verified.good), "{name}: a changed byte at {at} passed");
        }
    }
    for name in members.keys().filter(|name| *name != "bundle.json") {
        let mut fewer = members.clone();
        fewer.remove(name);
        assert!(!receiver.check(&again(&fewer)).is_ok_and(|verified| verified.good), "without {name}");
    }
    let mut more = members.clone();
    more.insert("entries/more".to_owned(), Vec::new());
    assert!(!receiver.check(&again(&more)).is_ok_and(|verified| verified.good));
}

/// Every file of the mirror that the answer rests on. Each of its bytes is under the checkpoint, or is the checkpoint.
#[test]
fn one_changed_byte_anywhere_in_the_mirror_makes_it_fail() {
    let witness = Witness::new("w1.test/one");
    let asked = Asked::of(&small(), Subject::Release(purl()), &[&witness]);
    let (bundle, mirror, own) = (asked.bundle(), asked.mirror(), asked.own(&[&witness]));
    assert!(verify(&bundle, &mirror, &own).expect("verifies").good);
    let files = ["checkpoint".to_owned()].into_iter();
    let files: Vec<_> = files
        .chain(bulkhead_ledger::mirror::resources(asked.log.integrated()).map(|path| path.to_string()))
        .map(|path| mirror.join(path))
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let bytes = std::fs::read(&file).expect("is there");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= change(at);
            std::fs::write(&file, changed).expect("writes");
            let verified = verify(&bundle, &mirror, &own);
            assert!(!verified.is_ok_and(|verified| verified.good), "{}: a changed byte at {at} passed", file.display());
        }
        std::fs::remove_file(&file).expect("removes");
        assert!(verify(&bundle, &mirror, &own).is_err(), "without {}", file.display());
        std::fs::write(&file, bytes).expect("writes");
    }
    assert!(verify(&bundle, &mirror, &own).expect("verifies").good, "back as it was");
}

/// What the receiver is told where the bundle and the mirror say different things. Whoever changed the answer made everything
/// that follows from it anew.
#[test]
fn where_the_mirror_differs_is_said_in_words() {
    let asked = Asked::of(&estate(), Subject::Release(purl()), &[]);
    let own = asked.own(&[]);
    let told = |change: &dyn Fn(&mut Answer)| {
        let mut answer = asked.answer.clone();
        change(&mut answer);
        let mut members = zip::read(&asked.bundle()).expect("a zip");
        members.extend(bundle::derived(&answer, asked.entry, &members["checkpoint"]));
        members.insert("bundle.json".to_owned(), bundle::about(&members, asked.entry));
        let verified = verify(&zip::write(&members), &asked.mirror(), &own).expect("can be read");
        assert!(!verified.good);
        verified.differences
    };
    let says = |differences: &[String], expected: &str| {
        assert!(differences.iter().any(|said| said == expected), "{expected}: {differences:#?}");
    };
    let place = |answer: &Answer, stage: Stage, name: &str| {
        answer.rows.iter().position(|row| row.stage == stage && row.name == name).expect("a row")
    };
    let milder = told(&|answer| {
        let at = place(answer, Stage::Dataset, "voices");
        answer.rows[at].grade = Grade::NotReachable;
    });
    says(&milder, "dataset voices: the answer says not reachable, the mirror touched");
    says(&milder, &format!("entry {} does not record this answer", asked.entry));
    let hidden = told(&|answer| {
        let at = place(answer, Stage::Partner, "contoso");
        answer.rows[at].name = "nobody".to_owned();
    });
    says(&hidden, "partner nobody: in the answer, not in the mirror");
    says(&hidden, "partner contoso: in the mirror, not in the answer");
    says(&told(&|answer| answer.people_touched = 1), "the mirror makes another answer: window, edges or totals differ");
    let gap = Gap { what: "all is well".to_owned(), entries: [0].into() };
    says(&told(&|answer| answer.gaps.push(gap.clone())), "the gaps of the record are others in the mirror");
    let longer = told(&|answer| answer.size = 1_000);
    says(&longer, &format!("the answer rests on 1000 entries, the mirror has {}", asked.entry + 1));
    says(&longer, "the answer claims to rest on the entry that records it");
}

/// A mirror that is true and behind: nothing is wrong with either, and what to do is said.
#[test]
fn a_mirror_that_is_behind_is_told_to_catch_up() {
    let asked = Asked::of(&estate(), Subject::Release(purl()), &[]);
    let bundle = asked.bundle();
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, head) = (folder.path().join("ledger"), folder.path().join("head"));
    // The same log with the same key, as it was three entries before.
    std::fs::copy(asked.folder.path().join("key"), folder.path().join("key")).expect("copies");
    let key = SigningKey::load(&folder.path().join("key")).expect("a key");
    let origin = asked.key.name().clone();
    let (sequencer, _) = Sequencer::open(&ledger, &head, origin, key, Options::default()).expect("opens");
    for (_, entry) in &estate().entries[..3] {
        sequencer.append(entry.clone()).expect("appends");
    }
    sequencer.integrate_now().expect("integrates");
    let copy = folder.path().join("mirror");
    mirror(&sequencer.log(), &copy, &asked.key).expect("mirrors");
    let verified = verify(&bundle, &copy, &asked.own(&[])).expect("can be read");
    let size = asked.entry + 1;
    let expected = format!(
        "checkpoint: the mirror has 3 entries and the bundle's checkpoint covers {size}: bring the mirror up to date"
    );
    assert!(verified.differences.contains(&expected), "{:#?}", verified.differences);
    let none = format!("the mirror has no entry {} that could record the answer", asked.entry);
    assert!(verified.differences.contains(&none), "{:#?}", verified.differences);
}
