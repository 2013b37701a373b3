use super::*;

fn archive(path: &str, sha256: &str, like: Option<&str>, unpacked: u64) -> judge::Archive {
    judge::Archive {
        path: path.to_owned(),
        sha256: sha256.to_owned(),
        like: like.map(str::to_owned),
        sketch: vec![1, 2],
        unpacked,
        effect: String::new(),
        without: String::new(),
        rules: Vec::new(),
        findings: Vec::new(),
        score: 0,
        verdict_given: true,
        cpu_us: None,
        rss_kb: 0,
    }
}

#[test]
fn a_campaign_is_small_or_has_two_names_and_is_not_kept_for_evaluation() {
    let archives = [
        archive("/d/one-1.0.tar.gz", "a", None, 9),
        archive("/d/other-1.0.tar.gz", "b", Some("a"), 9),
        archive("/d/single-1.0.tar.gz", "c", None, 9),
        archive("/d/single-1.1.tar.gz", "d", Some("c"), 9),
        archive("/d/kept-1.0.tar.gz", "e", None, 9),
        archive("/d/too-1.0.tar.gz", "f", Some("e"), 9),
        archive("/d/copy-1.0.tar.gz", "g", None, LARGEST + 1),
        archive("/d/copied-1.0.tar.gz", "h", Some("g"), LARGEST + 1),
    ];
    let except = BTreeSet::from([PathBuf::from("/d/too-1.0.tar.gz")]);
    // One and other; single, which is small.
    assert_eq!(campaigns(&archives, &except), [(vec![1, 2], 2), (vec![1, 2], 2)]);
    assert_eq!(campaigns(&archives, &BTreeSet::new()).len(), 3);
    let alone = [archive("/d/alone-1.0.tar.gz", "i", None, LARGEST_ALONE + 1)];
    assert_eq!(campaigns(&alone, &BTreeSet::new()), []);
}

#[test]
fn the_marker_is_the_fixture() {
    let text = marker_text().expect("the fixture is there");
    assert!(text.starts_with("# Harmless") && !text.contains("---"), "{text}");
}
