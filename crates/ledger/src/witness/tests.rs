use proptest::prelude::*;

use super::*;
use crate::cosign::tests::{TestWitness, checkpoint};
use crate::merkle::empty_root;

#[test]
fn the_request_has_the_form_of_the_specification() {
    let note = checkpoint(3);
    let body = String::from_utf8(request(2, &[empty_root()], &note)).unwrap();
    let proof = STANDARD.encode(empty_root().as_bytes());
    assert_eq!(body, format!("old 2\n{proof}\n\n{}", String::from_utf8(note.clone()).unwrap()));
    assert!(String::from_utf8(request(0, &[], &note)).unwrap().starts_with("old 0\n\nledger.test/main\n3\n"));
}

#[test]
fn every_answer_has_its_meaning() {
    let (witness, other) = (TestWitness::ed25519("w.test/1"), TestWitness::ml_dsa_44("w.test/other"));
    let (note, key) = (checkpoint(3), witness.key());
    let lines = [other.line(&note, 8), witness.line(&note, 9)].concat();
    let Answer::Cosigned(found) = read(200, lines.as_bytes(), &note, &key).unwrap() else { panic!("not cosigned") };
    assert_eq!((found.cosigned.timestamp, found.line), (9, witness.line(&note, 9).into_bytes()));
    assert_eq!(read(409, b"17\n", &note, &key).unwrap(), Answer::Conflict(17));
    for (status, body) in [(409, &b"017\n"[..]), (409, b"17"), (409, b""), (409, b"\xff\n"), (200, b""), (200, b"ok")] {
        assert!(read(status, body, &note, &key).is_err(), "{status} {body:?}");
    }
    for (status, word) in
        [(404, "does not know"), (403, "signature"), (422, "another history"), (400, "refuses"), (500, "500")]
    {
        let error = read(status, b"", &note, &key).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_line_that_does_not_verify_is_not_taken() {
    let witness = TestWitness::ed25519("w.test/1");
    let (note, key) = (checkpoint(3), witness.key());
    assert!(read(200, witness.line(&checkpoint(4), 9).as_bytes(), &note, &key).is_err());
    assert!(read(200, TestWitness::ed25519("w.test/1").line(&note, 9).as_bytes(), &note, &key).is_err());
    // Lines that would make another text of the note.
    let sneaked = format!("\nmore\n\n{}", witness.line(&note, 9));
    assert!(read(200, sneaked.as_bytes(), &note, &key).is_err());
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(status in 200_u16..600, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let witness = TestWitness::ed25519("w.test/1");
        let _answer = read(status, &body, &checkpoint(3), &witness.key());
    }
}
