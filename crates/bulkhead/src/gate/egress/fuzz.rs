//! Entry points for the fuzz targets: whatever a run sends, these must neither panic nor read one name in two ways.

use std::net::Ipv4Addr;

use super::broker::Minter;
use super::dns::{self, Answer};
use super::hello::{self, Read};
use super::host::Host;

/// Reads a host; what was read has one spelling, in which it is read again.
#[doc(hidden)]
pub fn fuzz_host(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(host) = Host::parse(text) {
        check(&host);
        let said = format!("{host}:443");
        assert_eq!(Host::parse_authority(&said, None), Ok((host, 443)), "a host with its port is the host");
    }
    if let Ok((host, port)) = Host::parse_authority(text, Some(80)) {
        check(&host);
        assert_ne!(port, 0, "a port is one that can be dialled");
    }
}

/// Reads a DNS question and answers it; the answer repeats the question and stays as short as one.
#[doc(hidden)]
pub fn fuzz_dns(bytes: &[u8]) {
    let Some(question) = dns::question(bytes) else { return };
    if let Some(host) = &question.host {
        check(host);
        assert!(host.name().is_some(), "an address is nothing to ask for");
    }
    assert!(question.text.is_ascii() && question.text.len() <= 255);
    for kind in [Answer::Address(Ipv4Addr::new(198, 18, 0, 1)), Answer::Nothing, Answer::NoName, Answer::Refused] {
        let answer = dns::answer(&question, kind);
        assert_eq!(answer[..2], bytes[..2], "an answer has its question's number");
        assert!(answer[2] & 0x80 != 0 && answer.len() <= bytes.len() + 16);
        assert!(dns::question(&answer).is_none(), "an answer is no question: two servers never talk to each other");
    }
}

/// Reads a TLS hello; what follows a whole one, and where it was cut on its way, changes nothing.
#[doc(hidden)]
pub fn fuzz_hello(bytes: &[u8]) {
    let read = hello::read(bytes);
    if let Read::Hello(found) = &read {
        found.server_name.iter().for_each(check);
        let longer = hello::read(&[bytes, b"more"].concat());
        assert_eq!(longer, read, "what follows a hello is not part of it");
        for end in [bytes.len() - 1, bytes.len() / 2, 5] {
            let shorter = hello::read(&bytes[..end.min(bytes.len())]);
            assert!(shorter == read || shorter == Read::More, "a part of a hello waits for the rest: {shorter:?}");
        }
    }
}

/// Looks for new credentials in an answer; where it was cut on its way changes nothing, and its length stays.
#[doc(hidden)]
pub fn fuzz_answer(bytes: &[u8]) {
    for kind in ["application/json", "application/x-www-form-urlencoded"] {
        let (begin, end) = bytes.split_at(bytes.len() / 2);
        let (Some(whole), Some(parts)) = (mint(kind, &[bytes]), mint(kind, &[begin, end])) else { continue };
        assert_eq!(whole, parts, "where an answer is cut changes nothing");
        assert_eq!(whole.len(), bytes.len(), "a placeholder is as long as what it stands for");
    }
}

/// What the run gets of an answer in these pieces, with zeros for credentials; `None` when it was broken off.
fn mint(kind: &str, pieces: &[&[u8]]) -> Option<Vec<u8>> {
    let mut minter = Minter::new(Some(kind), Box::new(|_, value| Some("0".repeat(value.chars().count()))))?;
    let mut out = Vec::new();
    for piece in pieces {
        out.extend(minter.push(piece).ok()?);
    }
    out.extend(minter.finish());
    Some(out)
}

fn check(host: &Host) {
    let text = host.to_string();
    assert_eq!(Host::parse(&text).as_ref(), Ok(host), "{text}");
    assert_eq!(text, text.to_ascii_lowercase());
    assert!(!text.contains(['\0', '%', '@', '/', '\\', ' ']) && !text.ends_with('.'), "{text}");
    assert!(host.matches(&text) && !host.matches(&format!("*.{text}")), "{text}");
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn seeds(folder: &str) -> Vec<Vec<u8>> {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(folder);
        fs::read_dir(corpus).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
    }

    type Target = fn(&[u8]);
    const TARGETS: [(&str, Target); 4] = [
        ("egress_answer", fuzz_answer),
        ("egress_host", fuzz_host),
        ("egress_dns", fuzz_dns),
        ("egress_hello", fuzz_hello),
    ];

    proptest! {
        #[test]
        fn bent_seeds_pass_too(which: prop::sample::Index, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            for (folder, target) in TARGETS {
                let mut bytes = which.get(&seeds(folder)).clone();
                for (at, byte) in &changes {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
                target(&bytes);
                target(&bytes[..bytes.len() / 2]);
            }
        }
    }

    #[test]
    fn the_seeds_of_the_fuzz_targets_pass() {
        for (folder, target) in TARGETS {
            let seeds = seeds(folder);
            assert!(seeds.len() >= 5, "{folder} holds {} seeds", seeds.len());
            seeds.iter().for_each(|seed| target(seed));
        }
    }
}
