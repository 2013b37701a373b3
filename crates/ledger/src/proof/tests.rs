use proptest::prelude::*;

use super::*;
use crate::fixture::{key, origin, verifier};
use crate::merkle::node_hash;

/// The proof of the second of two entries.
fn proof() -> TlogProof {
    let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
    let checkpoint = Checkpoint { origin: origin(), size: 2, root: node_hash(&left, &right) };
    TlogProof { extra: None, index: 1, path: vec![left], checkpoint: checkpoint.sign(&key()).unwrap() }
}

#[test]
fn a_proof_verifies_its_entry_and_no_other() {
    assert_eq!(proof().verify(b"right", &verifier()).unwrap().checkpoint.size, 2);
    assert!(matches!(proof().verify(b"left", &verifier()), Err(TlogProofError::Proof(_))));
    let other = crate::SigningKey::generate().unwrap().verifier(&origin());
    assert!(matches!(proof().verify(b"right", &other), Err(TlogProofError::Checkpoint(_))));
    assert!(TlogProof { index: 0, ..proof() }.verify(b"right", &verifier()).is_err());
    assert!(TlogProof { index: 2, ..proof() }.verify(b"right", &verifier()).is_err());
}

#[test]
fn the_file_has_the_form_of_the_specification() {
    let with_extra = TlogProof { extra: Some(b"pkg".to_vec()), ..proof() };
    let text = String::from_utf8(with_extra.to_bytes()).unwrap();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra cGtn\nindex 1\n"), "{text}");
    assert!(text.contains("=\n\nledger.test/main\n2\n"), "{text}");
    for proof in [with_extra, proof()] {
        assert_eq!(TlogProof::parse(&proof.to_bytes()).unwrap(), proof);
    }
}

#[test]
fn a_tree_of_one_has_an_empty_path() {
    let checkpoint = Checkpoint { origin: origin(), size: 1, root: leaf_hash(b"only") };
    let proof = TlogProof { extra: None, index: 0, path: vec![], checkpoint: checkpoint.sign(&key()).unwrap() };
    let again = TlogProof::parse(&proof.to_bytes()).unwrap();
    assert_eq!(again, proof);
    again.verify(b"only", &verifier()).unwrap();
}

#[test]
fn what_is_not_such_a_file_is_refused() {
    let good = String::from_utf8(proof().to_bytes()).unwrap();
    let cases = [
        String::new(),
        good.replace("@v1", "@v2"),
        good.replace("index 1\n", ""),
        good.replace("index 1", "index 01"),
        good.replace("index 1", "index -1"),
        good.replace("index 1\n", "index 1\nextra cGtn\n"),
        good.replace("index 1\n", "extra !\nindex 1\n"),
        good.replace("index 1\n", "index 1\nnot a hash\n"),
        good.replace("index 1\n", &format!("index 1\n{}", format!("{}\n", STANDARD.encode([0; 32])).repeat(65))),
        good.replace("\n\nledger", "\nledger"),
        format!("{good}more"),
        good.replace("\n2\n", "\ntwo\n"),
        good.replace('\n', "\r\n"),
    ];
    for text in cases {
        assert!(TlogProof::parse(text.as_bytes()).is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn a_changed_file_never_verifies_and_never_panics(at in any::<usize>(), bit in 0_u32..8, cut in any::<usize>()) {
        let good = proof().to_bytes();
        let mut changed = good.clone();
        let at = at % changed.len();
        changed[at] ^= 1 << bit;
        let verifies = |bytes: &[u8]| TlogProof::parse(bytes).is_ok_and(|proof| proof.verify(b"right", &verifier()).is_ok());
        prop_assert!(!verifies(&changed));
        prop_assert!(!verifies(&good[..cut % good.len()]));
    }
}
