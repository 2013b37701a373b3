use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::fixture::{key, origin, verifier};

#[test]
fn a_saved_key_loads_and_signs_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.key");
    let key = SigningKey::generate().unwrap();
    key.save(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&path).unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let loaded = SigningKey::load(&path).unwrap();
    assert_eq!(loaded.verifier(&origin()), key.verifier(&origin()));
    assert!(key.verifier(&origin()).verify(b"message", &loaded.sign(b"message")));
}

#[test]
fn a_key_file_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.key");
    fs::write(&path, "precious").unwrap();
    assert!(matches!(key().save(&path), Err(KeyError::Io { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.key");
    key().save(&path).unwrap();
    for mode in [0o640, 0o604, 0o610, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(SigningKey::load(&path), Err(KeyError::Mode { mode: found, .. }) if found == mode));
    }
}

#[test]
fn what_is_not_a_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.key");
    for text in ["", "key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(SigningKey::load(&path), Err(KeyError::NotAKey(_))), "{text:?}");
    }
    assert!(matches!(SigningKey::load(&folder.path().join("none")), Err(KeyError::Io { .. })));
}

#[test]
fn a_verifier_key_survives_its_text() {
    let text = verifier().to_string();
    assert_eq!(text.parse::<VerifierKey>().unwrap(), verifier());
    assert!(text.starts_with("ledger.test/main+"));
}

#[test]
fn a_verifier_key_with_another_id_or_type_is_refused() {
    let good = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert_eq!(good.parse::<VerifierKey>().unwrap().to_string(), good);
    let cases = [
        String::new(),
        "name".to_owned(),
        good.replace("c74f20a3", "c74f20a4"),
        good.replace("c74f20a3", "C74F20A3"),
        good.replace("PeterNeumann", "PeterNeuman"),
        good.replace("+ARpc", "+Ahpc"),
        good.replace("10TW", "1"),
        format!("{good} "),
        good.replace("PeterNeumann", "Peter Neumann"),
    ];
    for text in cases {
        assert!(text.parse::<VerifierKey>().is_err(), "{text}");
    }
}

#[test]
fn an_origin_has_no_spaces_and_no_plus() {
    assert!("ledger.test/main".parse::<Origin>().is_ok());
    for text in ["", "a b", "a+b", "a\nb", "a\u{a0}b", "a\0b", &"x".repeat(256)] {
        assert!(text.parse::<Origin>().is_err(), "{text:?}");
    }
}

#[test]
fn a_signing_key_does_not_print() {
    assert_eq!(format!("{:?}", key()), "SigningKey(..)");
}
