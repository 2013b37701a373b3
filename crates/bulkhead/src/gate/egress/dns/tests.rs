//! Questions as resolvers send them, and bent ones.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::{Answer, answer, question};
use crate::gate::egress::host::Host;

fn ask(labels: &[&[u8]], kind: u16) -> Vec<u8> {
    let mut message = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in labels {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend(*label);
    }
    message.extend([0]);
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    message
}

#[test]
fn a_name_is_answered_with_its_address() {
    let asked = question(&ask(&[b"API", b"example", b"test"], 1)).unwrap();
    assert_eq!(asked.host, Some(Host::Name("api.example.test".into())));
    let message = answer(&asked, Answer::Address(Ipv4Addr::new(127, 1, 0, 7)));
    assert_eq!(message[..2], [0xab, 0xcd]);
    assert_eq!(message[2..8], [0x85, 0x80, 0, 1, 0, 1]);
    // The question comes back as it was asked: resolvers mix the case to tell answers apart.
    assert!(message.windows(3).any(|window| window == b"API"));
    assert_eq!(message[message.len() - 4..], [127, 1, 0, 7]);
}

#[test]
fn other_types_have_nothing_and_unknown_names_are_none() {
    let asked = question(&ask(&[b"a", b"test"], 28)).unwrap();
    assert_eq!(answer(&asked, Answer::Address(Ipv4Addr::LOCALHOST))[6..8], [0, 0]);
    assert_eq!(answer(&asked, Answer::NoName)[3] & 0xf, 3);
    assert_eq!(answer(&asked, Answer::Refused)[3] & 0xf, 5);
}

#[test]
fn a_label_that_hides_a_dot_or_a_nul_is_no_host() {
    for labels in [&[&b"good.test"[..]][..], &[b"good", b"test\0", b"evil"], &[b"a b", b"test"], &[]] {
        assert_eq!(question(&ask(labels, 1)).unwrap().host, None, "{labels:?}");
    }
}

#[test]
fn what_is_not_one_plain_question_gets_no_answer() {
    let good = ask(&[b"a", b"test"], 1);
    for end in 0..good.len() {
        assert_eq!(question(&good[..end]), None, "{end}");
    }
    let bent = |at: usize, byte: u8| {
        let mut message = good.clone();
        message[at] = byte;
        question(&message)
    };
    assert_eq!(bent(2, 0x81), None, "a response");
    assert_eq!(bent(2, 0x28), None, "an update");
    assert_eq!(bent(5, 2), None, "two questions");
    assert_eq!(bent(7, 1), None, "an answer in a question");
    assert_eq!(bent(12, 0xc0), None, "a pointer");
}

proptest! {
    #[test]
    fn no_message_panics(bytes: Vec<u8>) {
        if let Some(asked) = question(&bytes) {
            prop_assert!(answer(&asked, Answer::NoName).len() >= 12);
        }
    }
}
