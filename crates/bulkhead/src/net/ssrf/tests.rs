use super::*;

#[test]
fn only_public_addresses_are_public() {
    let refused = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2002:a00:1::",
        "3fff::1",
        "3fff:fff::1",
        "5f00::1",
        "fc00::1",
        "fd00::1",
        "fd00:ec2::254",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "4000::1",
    ];
    for text in refused {
        assert!(not_public(text.parse().unwrap()).is_some(), "{text}");
    }
    let public = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.1.1.1",
        "128.0.0.1",
        "168.63.129.17",
        "169.253.1.1",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "192.167.1.1",
        "192.169.0.1",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2600::1",
        "2a00:1450::1",
        "2001:4860:4860::8888",
        "2001:200::1",
        "3ffe::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ];
    for text in public {
        assert_eq!(not_public(text.parse().unwrap()), None, "{text}");
    }
}

#[test]
fn the_metadata_service_is_named() {
    for text in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"] {
        assert_eq!(not_public(text.parse().unwrap()), Some("a cloud's metadata service"), "{text}");
    }
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

#[test]
fn hosts_are_trusted_by_name() {
    let rule =
        LinkRule::new(&uri("http://Index.test:8080/simple/"), &["files.test".to_owned(), "cdn.test:8443".to_owned()]);
    let table = [
        ("http://index.test/x", Standing::Trusted),
        ("http://INDEX.test.:8080/x", Standing::Trusted),
        ("https://index.test/x", Standing::Trusted),
        ("http://files.test:99/x", Standing::Trusted),
        ("https://cdn.test:8443/x", Standing::Trusted),
        ("https://cdn.test/x", Standing::ByAddress),
        ("http://evil.test/x", Standing::ByAddress),
        ("http://index.test.evil.test/x", Standing::ByAddress),
        ("http://xindex.test/x", Standing::ByAddress),
        ("http://127.0.0.1/x", Standing::ByAddress),
    ];
    for (text, expected) in table {
        assert_eq!(rule.standing(&uri(text)), Ok(expected), "{text}");
    }
}

#[test]
fn schemes_never_go_down() {
    let rule = LinkRule::new(&uri("https://index.test/simple/"), &[]);
    assert_eq!(rule.standing(&uri("http://index.test/x")), Err(LinkRefused::Downgrade));
    assert_eq!(rule.standing(&uri("https://index.test/x")), Ok(Standing::Trusted));
    let unusable =
        ["ftp://index.test/x", "https://user@index.test/x", "/x", "https://index.test:/x", "https://index.test:99999/"];
    for text in unusable {
        assert!(matches!(rule.standing(&uri(text)), Err(LinkRefused::Link(_))), "{text}");
    }
}
