use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::*;

/// Runs openssl; the tests may start programs, the product does not.
#[expect(clippy::disallowed_methods, reason = "openssl is the outside verifier of time stamps")]
fn openssl(folder: &Path, words: &[&str]) -> bool {
    let output = Command::new("openssl").args(words).current_dir(folder).output().expect("openssl is installed");
    output.status.success()
}

const CONFIG: &str = "\
[req]
distinguished_name = name
x509_extensions = tsa_ext
prompt = no
[name]
CN = Test time stamping authority
[tsa_ext]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = tsa_main
[tsa_main]
serial = serial
crypto_device = builtin
signer_cert = cert.pem
signer_key = key.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
";

/// An authority of this test's own, and its answer to a query.
fn answer(folder: &Path, query: &[u8]) -> Vec<u8> {
    if !folder.join("cert.pem").exists() {
        std::fs::write(folder.join("tsa.cnf"), CONFIG).unwrap();
        std::fs::write(folder.join("serial"), "01\n").unwrap();
        let make = "req -new -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -config tsa.cnf";
        assert!(openssl(folder, &make.split(' ').collect::<Vec<_>>()));
    }
    std::fs::write(folder.join("query.tsq"), query).unwrap();
    let reply = "ts -reply -config tsa.cnf -section tsa_main -queryfile query.tsq -out answer.tsr";
    assert!(openssl(folder, &reply.split(' ').collect::<Vec<_>>()));
    std::fs::read(folder.join("answer.tsr")).unwrap()
}

#[test]
fn openssl_answers_the_query_and_verifies_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let note = crate::cosign::tests::checkpoint(9);
    for nonce in [1, 0x7f, 0x80, u64::MAX] {
        let token = answer(folder.path(), &query(&note, nonce));
        let time = check(&token, &note, nonce).unwrap();
        assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
        assert_eq!(check(&token, &note, nonce - 1), Err(TimestampError::Other("it is for another request")));
        assert_eq!(check(&token, b"other", nonce), Err(TimestampError::Other("it is over other bytes")));
    }
    std::fs::write(folder.path().join("checkpoint"), &note).unwrap();
    let verify = "ts -verify -data checkpoint -in answer.tsr -CAfile cert.pem";
    assert!(openssl(folder.path(), &verify.split(' ').collect::<Vec<_>>()));
    // One flipped byte in what was stamped.
    std::fs::write(folder.path().join("checkpoint"), [&note[..], b"x"].concat()).unwrap();
    assert!(!openssl(folder.path(), &verify.split(' ').collect::<Vec<_>>()));
    // A refusal: the query asks for nothing that openssl knows.
    let refused = answer(folder.path(), &der(SEQUENCE, &[&der(INTEGER, &[&[9]])]));
    assert!(matches!(check(&refused, &note, 1), Err(TimestampError::Refused(2))));
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(check(&bytes, b"", 1).is_err());
        prop_assert!(check(&[&[SEQUENCE, bytes.len().min(127) as u8][..], &bytes].concat(), b"", 1).is_err());
    }
}
