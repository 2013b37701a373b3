//! Hellos as rustls writes them, cut, split and bent.

use std::sync::Arc;

use proptest::prelude::*;

use super::{MOST, Read, read};
use crate::gate::egress::host::Host;

/// What rustls sends first for that host.
fn sent(host: &str, alpn: &[&[u8]]) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let name = host.to_owned().try_into().unwrap();
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}

#[test]
fn the_name_is_read_from_a_real_hello() {
    let bytes = sent("Models.Example.test", &[b"h2", b"http/1.1"]);
    let Read::Hello(hello) = read(&bytes) else { panic!("{:?}", read(&bytes)) };
    assert_eq!(hello.server_name, Some(Host::Name("models.example.test".into())));
    assert_eq!(hello.alpn, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    assert!(!hello.encrypted);
}

#[test]
fn a_connection_to_an_address_names_no_host() {
    let bytes = sent("192.0.2.1", &[]);
    let Read::Hello(hello) = read(&bytes) else { panic!() };
    assert_eq!(hello.server_name, None);
}

#[test]
fn every_beginning_waits_for_more() {
    let bytes = sent("a.test", &[]);
    for end in 0..bytes.len() {
        assert_eq!(read(&bytes[..end]), Read::More, "{end}");
    }
}

#[test]
fn a_hello_split_over_records_is_the_same() {
    let bytes = sent("a.test", &[]);
    let mut split = Vec::new();
    for chunk in bytes[5..].chunks(7) {
        split.extend([22, 3, 1, 0, u8::try_from(chunk.len()).unwrap()]);
        split.extend(chunk);
    }
    assert_eq!(read(&split), read(&bytes));
}

#[test]
fn what_is_no_hello_is_said_so() {
    for bytes in
        [&b"GET / HTTP/1.1\r\n"[..], b"SSH-2.0-x\r\n", &[22, 2, 0, 0, 5], &[22, 3, 1, 0, 0], &[22, 3, 1, 0, 1, 2]]
    {
        assert!(matches!(read(bytes), Read::Not(_)), "{bytes:?}: {:?}", read(bytes));
    }
    let mut endless = vec![22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff];
    endless.resize(MOST + 5, 0);
    assert!(matches!(read(&endless), Read::Not(_)));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = read(&bytes);
    }

    #[test]
    fn no_bent_hello_panics_or_names_another_shape(at in 0usize..200, byte: u8) {
        let mut bytes = sent("a.test", &[b"h2"]);
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Read::Hello(hello) = read(&bytes)
            && let Some(host) = hello.server_name {
                prop_assert_eq!(Host::parse(&host.to_string()), Ok(host));
            }
    }
}
