use super::*;
use crate::cosign::tests::{TestWitness, checkpoint};
use crate::fixture::verifier;

fn witnesses() -> Vec<TestWitness> {
    (0..4).map(|number| TestWitness::ed25519(&format!("w.test/{number}"))).collect()
}

/// Four witnesses, and lines that make a quorum of them.
fn policy(witnesses: &[TestWitness], rest: &str) -> Result<WitnessPolicy, PolicyError> {
    let mut text = format!("# the log\nlog {}\n\n", verifier());
    for (number, witness) in witnesses.iter().enumerate() {
        text.push_str(&format!("\twitness w{number}  {}  https://w{number}.test/\n", witness.key()));
    }
    format!("{text}{rest}\n").parse()
}

#[test]
fn a_quorum_is_what_the_groups_say() {
    let witnesses = witnesses();
    let note = checkpoint(9);
    let signed = |by: &[usize]| {
        let lines: String = by.iter().map(|number| witnesses[*number].line(&note, 5)).collect();
        [&note, lines.as_bytes()].concat()
    };
    let nested = "group x 2 w0 w1 w2\ngroup both all x w3\nquorum both";
    let cases: [(&str, &[usize], bool); 10] = [
        ("quorum none", &[], true),
        ("quorum w1", &[1], true),
        ("quorum w1", &[0, 2, 3], false),
        ("group g any w0 w1\nquorum g", &[1], true),
        ("group g any w0 w1\nquorum g", &[2], false),
        ("group g all w0 w1\nquorum g", &[1], false),
        (nested, &[0, 2, 3], true),
        (nested, &[0, 1, 2], false),
        (nested, &[0, 3], false),
        ("group g 4 w0 w1 w2 w3\nquorum g", &[0, 1, 2, 3], true),
    ];
    for (rest, by, good) in cases {
        let checked = policy(&witnesses, rest).unwrap().check(&signed(by));
        assert_eq!(checked.is_ok(), good, "{rest}: {by:?}");
        match checked {
            Ok(trusted) => assert_eq!(trusted.cosigned.len(), by.len()),
            Err(error) => assert!(error.to_string().contains("has no quorum"), "{error}"),
        }
    }
}

#[test]
fn the_log_must_be_one_of_the_policy_and_have_signed() {
    let witnesses = witnesses();
    let good = policy(&witnesses, "quorum none").unwrap();
    assert_eq!(good.check(&checkpoint(3)).unwrap().checkpoint.size, 3);
    let other = crate::SigningKey::generate().unwrap().verifier(&crate::fixture::origin());
    assert!(matches!(good.for_log(&other).check(&checkpoint(3)), Err(CheckpointError::Note(_))));
    let elsewhere = crate::fixture::key().verifier(&"elsewhere.test".parse().unwrap());
    assert!(matches!(good.for_log(&elsewhere).check(&checkpoint(3)), Err(CheckpointError::UnknownLog(_))));
    // A wrong line in the name of a known witness is no missing cosignature: somebody made it.
    let note = checkpoint(4);
    let forged = [&note, witnesses[0].line(&checkpoint(5), 5).as_bytes()].concat();
    assert!(matches!(good.check(&forged), Err(CheckpointError::Cosignature(_))));
    // One of a witness that nobody knows is ignored.
    let stranger = [&note, TestWitness::ed25519("stranger.test").line(&note, 5).as_bytes()].concat();
    assert!(good.check(&stranger).unwrap().cosigned.is_empty());
}

#[test]
fn what_it_prints_is_the_same_policy() {
    let witnesses = witnesses();
    let one = policy(&witnesses, "group x 2 w0 w1 w2\ngroup both all x w3\nquorum both").unwrap();
    assert_eq!(one.to_string().parse::<WitnessPolicy>().unwrap(), one);
    assert_eq!("quorum none".parse::<WitnessPolicy>().unwrap(), WitnessPolicy::none());
}

#[test]
fn mistakes_are_named_with_their_line() {
    let witnesses = witnesses();
    let key = witnesses[0].key();
    let cases = [
        ("".to_owned(), "no quorum line"),
        ("quorum w9".to_owned(), "no witness or group of a line above"),
        ("quorum none\nquorum none".to_owned(), "second quorum"),
        ("group g 5 w0 w1\nquorum g".to_owned(), "1 to 2"),
        ("group g 0 w0 w1\nquorum g".to_owned(), "1 to 2"),
        ("group g any later\ngroup later any w0\nquorum g".to_owned(), "no witness or group of a line above"),
        ("group g any g\nquorum g".to_owned(), "no witness or group of a line above"),
        ("group g any none\nquorum g".to_owned(), "no witness or group"),
        ("group w0 any w1\nquorum w0".to_owned(), "stands here twice"),
        ("group g any w0 w0\nquorum g".to_owned(), "twice"),
        ("group g any\nquorum g".to_owned(), "does not have the words"),
        ("group none any w0\nquorum none".to_owned(), "cannot be a name"),
        (format!("witness again {key}\nquorum again"), "would count as two"),
        (format!("log {}\nquorum none", verifier()), "the same log key"),
        (format!("witness x {}\nquorum x", verifier()), "a log's key"),
        ("jury all w0".to_owned(), "is not log, witness, group or quorum"),
    ];
    for (rest, expected) in cases {
        let error = policy(&witnesses, &rest).unwrap_err();
        assert!(error.to_string().contains(expected) && error.line > 3, "{rest}: {error}");
    }
}
