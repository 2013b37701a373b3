//! One name, one spelling.

use super::{Host, HostError};

fn canonical(text: &str) -> Result<String, HostError> {
    Host::parse(text).map(|host| host.to_string())
}

#[test]
fn spellings_of_one_host_are_one() {
    for text in ["api.example.test", "API.Example.TEST", "api.example.test."] {
        assert_eq!(canonical(text).as_deref(), Ok("api.example.test"), "{text}");
    }
    assert_eq!(canonical("[::FFFF:127.0.0.1]").as_deref(), Ok("127.0.0.1"));
    assert_eq!(canonical("::1").as_deref(), Ok("[::1]"));
    assert_eq!(canonical("xn--bcher-kva.example").as_deref(), Ok("xn--bcher-kva.example"));
    assert_eq!(canonical("_acme.example.test").as_deref(), Ok("_acme.example.test"));
}

#[test]
fn what_two_readers_would_read_differently_is_no_host() {
    for (text, error) in [
        ("", HostError::Empty),
        (".", HostError::Empty),
        ("a..test", HostError::Shape),
        ("a.test..", HostError::Shape),
        ("good.test\0.evil.test", HostError::Character),
        ("good.test%00.evil.test", HostError::Character),
        ("good.test@evil.test", HostError::Character),
        ("good.test evil.test", HostError::Character),
        ("g\u{f6}\u{f6}d.test", HostError::Character),
        ("good.test\u{3002}", HostError::Character),
        ("[good.test]", HostError::Shape),
        ("[::1", HostError::Shape),
        ("fe80::1%eth0", HostError::Character),
        ("127.1", HostError::Number),
        ("2130706433", HostError::Number),
        ("0x7f000001", HostError::Number),
        ("0x7f.0.0.1", HostError::Number),
        ("127.0.0.01", HostError::Number),
        ("good.test.0x1", HostError::Number),
        ("-a.test", HostError::Shape),
    ] {
        assert_eq!(canonical(text), Err(error), "{text:?}");
    }
    assert_eq!(Host::parse(&"a".repeat(64)), Err(HostError::Long));
    assert_eq!(Host::parse(&"a.".repeat(130)), Err(HostError::Long));
}

#[test]
fn an_authority_is_a_host_and_a_port() {
    let split = |text: &str| Host::parse_authority(text, None).map(|(host, port)| (host.to_string(), port));
    assert_eq!(split("a.test:443"), Ok(("a.test".to_owned(), 443)));
    assert_eq!(split("[::1]:8080"), Ok(("[::1]".to_owned(), 8080)));
    for text in ["a.test", "a.test:", "a.test:0", "a.test:+1", "a.test:65536", "a.test:443:443", "::1:443", "[::1]"] {
        assert!(split(text).is_err(), "{text}");
    }
    assert_eq!(Host::parse_authority("a.test", Some(80)).map(|(_, port)| port), Ok(80));
    assert_eq!(Host::parse_authority("[::1]", Some(80)).map(|(_, port)| port), Ok(80));
}

#[test]
fn a_pattern_means_the_host_or_what_is_below_it() {
    let host = Host::parse("api.eu.example.test").unwrap();
    assert!(host.matches("API.eu.example.test."));
    assert!(host.matches("*.example.test"));
    assert!(host.matches("*.eu.example.test"));
    for pattern in ["example.test", "*.ample.test", "*", "*.api.eu.example.test", "eu.example.test", "*."] {
        assert!(!host.matches(pattern), "{pattern}");
    }
    let address = Host::parse("192.0.2.7").unwrap();
    assert!(address.matches("192.0.2.7") && !address.matches("*.2.7"));
}
