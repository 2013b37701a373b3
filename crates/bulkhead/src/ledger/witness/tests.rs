use super::*;

const BAD: &str = "w.test/1+00000000+BAAA";

/// A key that parses: made, because an id depends on its key.
fn key(name: &str, byte: u8) -> String {
    use base64::Engine as _;
    let id = bulkhead_ledger::sha256(&[name.as_bytes(), b"\n\x04", &[byte; 32]]).to_hex();
    let typed = [&[4][..], &[byte; 32]].concat();
    format!("{name}+{}+{}", &id[..8], base64::engine::general_purpose::STANDARD.encode(typed))
}

#[test]
fn adding_keeps_what_a_person_wrote_and_counts_a_majority() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("witness.policy");
    assert!(!read_policy(&file).unwrap().needs_witnesses());
    assert!(add_to_policy(&file, "one", BAD, "http://w.test/", None).is_err());
    assert!(!file.exists(), "a key that does not parse changes nothing");
    add_to_policy(&file, "one", &key("w.test/1", 1), "http://w.test/", None).unwrap();
    let written = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, written.replace("witness one", "# the first\nwitness one")).unwrap();
    add_to_policy(&file, "two", &key("w.test/2", 2), "http://w.test/2/", None).unwrap();
    let policy = add_to_policy(&file, "three", &key("w.test/3", 3), "http://w.test/3/", None).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("# the first\nwitness one") && text.contains("group witnesses 2 one two three\n"), "{text}");
    assert_eq!(policy.witnesses().len(), 3);
    add_to_policy(&file, "four", &key("w.test/4", 4), "http://w.test/4/", Some("all")).unwrap();
    add_to_policy(&file, "five", &key("w.test/5", 5), "http://w.test/5/", None).unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().contains("group witnesses all one two three four five\n"));
    assert!(add_to_policy(&file, "again", &key("w.test/9", 1), "http://w.test/", None).is_err());

    let own = std::fs::read_to_string(&file).unwrap().replace("group witnesses", "group mine");
    std::fs::write(&file, own).unwrap();
    let refused = add_to_policy(&file, "six", &key("w.test/6", 6), "http://w.test/6/", None).unwrap_err();
    assert!(refused.to_string().contains("by hand"), "{refused}");
}
