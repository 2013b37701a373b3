use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, ML_DSA_44_SIGNING, PqdsaKeyPair};

use super::*;
use crate::fixture::{key, origin};
use crate::merkle::empty_root;

/// A witness that cosigns whatever it is shown; the real ones are driven by the integration tests.
pub(crate) struct TestWitness {
    name: Origin,
    pair: Pair,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    MlDsa44(PqdsaKeyPair),
}

impl TestWitness {
    pub(crate) fn ed25519(name: &str) -> Self {
        Self { name: name.parse().unwrap(), pair: Pair::Ed25519(Ed25519KeyPair::generate().unwrap()) }
    }

    pub(crate) fn ml_dsa_44(name: &str) -> Self {
        Self { name: name.parse().unwrap(), pair: Pair::MlDsa44(PqdsaKeyPair::generate(&ML_DSA_44_SIGNING).unwrap()) }
    }

    pub(crate) fn key(&self) -> WitnessKey {
        let public = match &self.pair {
            Pair::Ed25519(pair) => Public::Ed25519(pair.public_key().as_ref().try_into().unwrap()),
            Pair::MlDsa44(pair) => Public::MlDsa44(Box::new(pair.public_key().as_ref().try_into().unwrap())),
        };
        WitnessKey { name: self.name.clone(), public }
    }

    /// The signature line on that checkpoint.
    pub(crate) fn line(&self, note: &[u8], timestamp: u64) -> String {
        let text = Note::parse(note).unwrap().unverified_text().to_owned();
        let signature = match &self.pair {
            Pair::Ed25519(pair) => {
                pair.sign(format!("cosignature/v1\ntime {timestamp}\n{text}").as_bytes()).as_ref().to_vec()
            }
            Pair::MlDsa44(pair) => {
                let message = subtree_message(&self.name, timestamp, &Checkpoint::from_text(&text).unwrap());
                let mut signature = vec![0; 2420];
                assert_eq!(pair.sign(&message, &mut signature).unwrap(), 2420);
                signature
            }
        };
        let bytes = [&timestamp.to_be_bytes()[..], &signature].concat();
        Signature { name: self.name.to_string(), key_id: self.key().key_id(), bytes }.to_line()
    }
}

pub(crate) fn checkpoint(size: u64) -> Vec<u8> {
    Checkpoint { origin: origin(), size, root: empty_root() }.sign(&key()).unwrap()
}

fn cosigned(key: &WitnessKey, note: &[u8]) -> Result<Option<Cosigned>, CosignatureError> {
    let note = Note::parse(note).unwrap();
    key.cosigned(&note, &Checkpoint::from_text(note.unverified_text()).unwrap())
}

#[test]
fn both_kinds_verify_and_say_when() {
    let note = checkpoint(7);
    for witness in [TestWitness::ed25519("w.test/1"), TestWitness::ml_dsa_44("w.test/pq")] {
        let key = witness.key();
        assert_eq!(cosigned(&key, &note).unwrap(), None);
        let more = [&note, witness.line(&note, 1_679_315_147).as_bytes()].concat();
        let found = cosigned(&key, &more).unwrap().unwrap();
        assert_eq!((found.witness.as_str(), found.timestamp), (key.name().as_str(), 1_679_315_147));
        // Two of one witness: the newer one counts.
        let twice = [&more, witness.line(&note, 1_679_315_200).as_bytes()].concat();
        assert_eq!(cosigned(&key, &twice).unwrap().unwrap().timestamp, 1_679_315_200);
    }
}

#[test]
fn a_cosignature_is_for_one_checkpoint_and_one_time() {
    let (note, other) = (checkpoint(7), checkpoint(8));
    for witness in [TestWitness::ed25519("w.test/1"), TestWitness::ml_dsa_44("w.test/pq")] {
        let stolen = [&other, witness.line(&note, 5).as_bytes()].concat();
        assert!(cosigned(&witness.key(), &stolen).is_err());
        for timestamp in [0, u64::MAX] {
            let odd = [&note, witness.line(&note, timestamp).as_bytes()].concat();
            assert!(cosigned(&witness.key(), &odd).is_err(), "{timestamp}");
        }
        let line = witness.line(&note, 5);
        let mut signature = Note::parse(&[&note, line.as_bytes()].concat()).unwrap().signatures()[1].clone();
        // Another time than the one that was signed, and a line that is cut.
        signature.bytes[7] ^= 1;
        assert!(cosigned(&witness.key(), &[&note, signature.to_line().as_bytes()].concat()).is_err());
        signature.bytes.truncate(7);
        assert!(cosigned(&witness.key(), &[&note, signature.to_line().as_bytes()].concat()).is_err());
    }
}

#[test]
fn keys_print_and_parse_and_know_their_type() {
    for witness in [TestWitness::ed25519("w.test/1"), TestWitness::ml_dsa_44("w.test/pq")] {
        let text = witness.key().to_string();
        assert_eq!(text.parse::<WitnessKey>().unwrap(), witness.key());
        let id = text.split('+').nth(1).unwrap().to_owned();
        assert!(text.replace(&id, "00000000").parse::<WitnessKey>().is_err());
        assert!(text.replacen("w.test", "v.test", 1).parse::<WitnessKey>().is_err());
        assert!(text[..text.len() - 4].parse::<WitnessKey>().is_err());
    }
    let log = key().verifier(&origin()).to_string();
    let error = log.parse::<WitnessKey>().unwrap_err().to_string();
    assert!(error.contains("it is a log's key"), "{error}");
}
