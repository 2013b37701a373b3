use proptest::prelude::*;

use super::*;
use crate::fixture::{key, origin, verifier};

/// The example of the Go package that the format comes from (golang.org/x/mod/sumdb/note).
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn a_note_of_the_go_package_verifies() {
    let note = Note::parse(GO_NOTE.as_bytes()).unwrap();
    let text = note.verify(&GO_KEY.parse().unwrap()).unwrap();
    assert!(text.starts_with("If you think") && text.ends_with("your problem is.\n"));
    assert_eq!(note.to_bytes(), GO_NOTE.as_bytes());
}

#[test]
fn what_is_signed_verifies_and_survives_its_bytes() {
    let note = Note::sign("one\n\ntwo\n", &origin(), &key()).unwrap();
    let again = Note::parse(&note.to_bytes()).unwrap();
    assert_eq!(again, note);
    assert_eq!(again.verify(&verifier()), Ok("one\n\ntwo\n"));
}

#[test]
fn another_key_or_name_is_refused() {
    let note = Note::sign("text\n", &origin(), &key()).unwrap();
    let other = crate::SigningKey::generate().unwrap().verifier(&origin());
    assert_eq!(note.verify(&other), Err(NoteError::Unsigned(origin().to_string())));
    let renamed = key().verifier(&"elsewhere.test".parse().unwrap());
    assert!(matches!(note.verify(&renamed), Err(NoteError::Unsigned(_))));
}

#[test]
fn one_wrong_signature_of_a_known_key_refuses_the_note() {
    let good = Note::sign("text\n", &origin(), &key()).unwrap();
    let wrong = Note::sign("other\n", &origin(), &key()).unwrap();
    let mixed = Note { text: good.text.clone(), signatures: [good.signatures, wrong.signatures].concat() };
    assert_eq!(mixed.verify(&verifier()), Err(NoteError::Signature(origin().to_string())));
}

#[test]
fn signatures_of_strangers_are_ignored() {
    let stranger = Signature { name: "witness.test".into(), key_id: [1, 2, 3, 4], bytes: vec![0; 72] };
    let mut note = Note::sign("text\n", &origin(), &key()).unwrap();
    note.signatures.insert(0, stranger);
    assert_eq!(Note::parse(&note.to_bytes()).unwrap().verify(&verifier()), Ok("text\n"));
}

#[test]
fn what_is_not_a_note_is_refused() {
    let signature = GO_NOTE.lines().last().unwrap();
    let cases = [
        ("nothing", String::new()),
        ("no signature", "text\n\n".to_owned()),
        ("no blank line", format!("text\n{signature}\n")),
        ("no text", format!("\n{signature}\n")),
        ("no last newline", format!("text\n\n{signature}")),
        ("bytes after it", format!("text\n\n{signature}\nmore")),
        ("a line after it", format!("text\n\n{signature}\n\n")),
        ("a hyphen for the dash", format!("text\n\n{}\n", signature.replace('—', "-"))),
        ("no name", "text\n\n—  AAAAAAA=\n".to_owned()),
        ("a plus in the name", format!("text\n\n{}\n", signature.replace("PeterN", "P+N"))),
        ("a third word", format!("text\n\n{signature} x\n")),
        ("only a key id", "text\n\n— name AAAAAA==\n".to_owned()),
        ("a tab in the text", format!("te\txt\n\n{signature}\n")),
        ("a carriage return", format!("text\r\n\n{signature}\n")),
        ("too many signatures", format!("text\n\n{}", format!("{signature}\n").repeat(MAX_SIGNATURES + 1))),
        ("too long", format!("{}\n\n{signature}\n", "x".repeat(MAX_NOTE_BYTES))),
    ];
    for (what, note) in cases {
        assert!(Note::parse(note.as_bytes()).is_err(), "{what} was accepted");
    }
    assert!(Note::parse(b"\xff\n\n").is_err());
    assert!(Note::sign("no newline", &origin(), &key()).is_err());
}

proptest! {
    #[test]
    fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\PC\n]{0,60}\n\n(— [a-z]{1,4} [A-Za-z0-9+/=]{0,12}\n){0,3}") {
        let _any = Note::parse(&bytes);
        if let Ok(note) = Note::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn a_flipped_bit_never_verifies(at in any::<usize>(), bit in 0_u32..8) {
        let mut bytes = Note::sign("text\n", &origin(), &key()).unwrap().to_bytes();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        prop_assert!(Note::parse(&bytes).map_or(true, |note| note.verify(&verifier()).is_err()));
    }
}
