//! Cosigned checkpoints: what is served, what proofs rest on, and what is refused when it comes back from outside.

use super::*;
use crate::backend::faulty::Disk;
use crate::cosign::tests::TestWitness;
use crate::fixture::{answered, entry, open_on, verifier};
use crate::policy::WitnessPolicy;
use crate::sequencer::{Options, Sequencer};
use crate::verify::{verify, verify_note};

fn open(disk: &Disk) -> Sequencer {
    let options = Options { checkpoint_every: std::time::Duration::from_secs(3600), ..Options::default() };
    open_on(disk, options).unwrap().0
}

fn filled(disk: &Disk, entries: std::ops::Range<u64>) -> Sequencer {
    let sequencer = open(disk);
    entries.for_each(|number| sequencer.submit(entry(number), answered()));
    // The queue is in order: the last one waits for all.
    sequencer.append(entry(7777)).unwrap();
    sequencer.integrate_now().unwrap();
    sequencer
}

fn policy(witness: &TestWitness) -> WitnessPolicy {
    format!("log {}\nwitness w {}\nquorum w\n", verifier(), witness.key()).parse().unwrap()
}

fn cosign(witness: &TestWitness, note: &[u8]) -> Vec<u8> {
    [note, witness.line(note, 77).as_bytes()].concat()
}

#[test]
fn the_served_checkpoint_is_the_newest_cosigned_one() {
    let disk = Disk::default();
    let (sequencer, witness) = (filled(&disk, 0..299), TestWitness::ml_dsa_44("w.test/pq"));
    let (log, policy) = (sequencer.log(), policy(&witness));
    assert!(verify(&log, &policy).unwrap_err().to_string().contains("no quorum"));
    sequencer.publish_cosigned(Some(&cosign(&witness, &log.checkpoint()))).unwrap();
    sequencer.append(entry(300)).unwrap();
    sequencer.integrate_now().unwrap();

    let report = verify(&log, &policy).unwrap();
    assert_eq!((report.size, report.cosigned.len()), (300, 1));
    let newest = log.resource(UNWITNESSED).unwrap().unwrap().bytes;
    assert_eq!(verify_note(&log, &newest, &verifier()).unwrap().size, 301);
    // Proofs rest on the cosigned checkpoint as far as it goes, and else on the log's word alone.
    for index in [0, 256, 299] {
        let proof = log.proof_with_entry(EntryIndex(index)).unwrap().unwrap();
        let proof = TlogProof::parse(&proof.to_bytes()).unwrap();
        let (carried, trusted) = proof.verify_carried(&policy).unwrap();
        assert_eq!((carried.principal.as_str().starts_with('p'), trusted.checkpoint.size), (true, 300));
    }
    let alone = log.proof_with_entry(EntryIndex(300)).unwrap().unwrap();
    assert!(alone.verify_carried(&policy).is_err());
    assert_eq!(alone.verify_carried(&verifier()).unwrap().1.checkpoint.size, 301);
    drop(sequencer);
    // It is still there after a restart, until it is withdrawn.
    let again = open(&disk);
    assert_eq!(verify(&again.log(), &policy).unwrap().size, 300);
    again.publish_cosigned(None).unwrap();
    assert_eq!(verify(&again.log(), &verifier()).unwrap().size, 301);
    drop(again);
    assert_eq!(open(&disk).log().cosigned(), None);
}

#[test]
fn what_is_not_this_log_is_not_published() {
    let witness = TestWitness::ed25519("w.test/1");
    let (disk, longer, other) = (Disk::default(), Disk::default(), Disk::default());
    let sequencer = filled(&disk, 0..5);
    for (foreign, expected) in [
        (filled(&longer, 0..9).log().checkpoint(), "it covers 10 entries, this log has signed 6"),
        (filled(&other, 10..15).log().checkpoint(), "another root"),
        (b"no note".to_vec(), "malformed"),
    ] {
        let error = sequencer.publish_cosigned(Some(&foreign)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    sequencer.publish_cosigned(Some(&cosign(&witness, &sequencer.log().checkpoint()))).unwrap();
    drop(sequencer);
    // A whole data folder that came out of a backup: the witness has seen more than it shows.
    disk.set_file(COSIGNED, Some(cosign(&witness, &filled(&longer, 20..29).log().checkpoint())));
    let refused = open_on(&disk, Options::default()).err().unwrap();
    assert!(refused.is_fatal() && refused.to_string().contains("this log has signed 6"), "{refused}");
}

#[test]
fn a_proof_file_carries_its_entry_and_its_index() {
    let disk = Disk::default();
    let log = filled(&disk, 0..5).log();
    let proof = log.proof_with_entry(EntryIndex(2)).unwrap().unwrap();
    assert_eq!(proof.verify_carried(&verifier()).unwrap().0, entry(2));
    assert!(TlogProof { extra: None, ..proof.clone() }.verify_carried(&verifier()).is_err());
    let other = log.entry_bytes(EntryIndex(3)).unwrap();
    assert!(TlogProof { extra: other, ..proof }.verify_carried(&verifier()).is_err());
    assert_eq!(log.proof_with_entry(EntryIndex(6)).unwrap(), None);
}
