use super::*;
use crate::fixture::{key, origin, verifier};

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: origin(), size: 20_852_163, root: Sha256::from_bytes([3; 32]) }
}

#[test]
fn a_signed_checkpoint_verifies() {
    let note = checkpoint().sign(&key()).unwrap();
    assert_eq!(Checkpoint::verify(&note, &verifier()).unwrap(), checkpoint());
    assert_eq!(Checkpoint::read_unverified(&note).unwrap(), checkpoint());
}

#[test]
fn the_text_is_that_of_the_specification() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let checkpoint = Checkpoint::from_text(text).unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_text(), text);
}

#[test]
fn a_checkpoint_of_another_log_is_refused() {
    let other = Checkpoint { origin: "other.test".parse().unwrap(), ..checkpoint() };
    let text = other.to_text();
    // Signed by our key under our name, but about another log.
    let note = Note::sign(&text, &origin(), &key()).unwrap().to_bytes();
    assert!(matches!(Checkpoint::verify(&note, &verifier()), Err(CheckpointError::OtherLog { .. })));
}

#[test]
fn what_is_not_a_checkpoint_is_refused() {
    let root = STANDARD.encode([3; 32]);
    let cases = [
        String::new(),
        "log.test\n1\n".to_owned(),
        format!("log.test\n01\n{root}\n"),
        format!("log.test\n+1\n{root}\n"),
        format!("log.test\n-1\n{root}\n"),
        format!("log.test\n\n{root}\n"),
        format!("log.test\n18446744073709551616\n{root}\n"),
        format!("log.test\n1\n{}\n", STANDARD.encode([3; 31])),
        format!("log.test\n1\n{root} \n"),
        format!("log.test\n1\n{root}\n\nextension\n"),
        format!("\n1\n{root}\n"),
        format!("log.test\n1\n{root}"),
    ];
    for text in cases {
        assert!(Checkpoint::from_text(&text).is_err(), "{text:?}");
    }
    assert!(Checkpoint::from_text(&format!("log.test\n1\n{root}\nextension\n")).is_ok());
}
