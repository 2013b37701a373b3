//! Questions, checks and imports at the command line.

use std::io::Write as _;

use super::*;

/// The other ends from which a breach is followed, as the command takes them.
#[test]
fn secrets_datasets_and_hosts_are_asked_for_by_name() {
    let estate = Estate::clean();
    let secret = estate.ask(&["--secret", "prod/openai"]);
    for (stage, name, expected) in [
        ("secret", "prod/openai", "touched"),
        ("run", "", "touched"),
        ("dataset", "support-chats", "within-reach"),
        ("partner", "northwind", "touched"),
    ] {
        assert_eq!(grade(&secret, stage, name), expected, "{stage} {name}: {secret:#}");
    }
    let dataset = estate.ask(&["--dataset", "voice-samples"]);
    for (stage, name, expected) in [
        ("dataset", "voice-samples", "touched"),
        ("partner", "contoso", "touched"),
        ("people", "voice-samples", "touched"),
    ] {
        assert_eq!(grade(&dataset, stage, name), expected, "{stage} {name}: {dataset:#}");
    }
    assert_eq!(dataset["people_touched"], 5_000);
    // A window that ends before anything happened, and one that begins when all was over.
    let host = ["--host-contacted", "models.relay.example.test"];
    for (window, expected) in [
        (["2026-01-01T00:00Z", "2199-01-01T00:00Z"], "touched"),
        (["2020-01-01T00:00Z", "2020-01-02T00:00Z"], "absent"),
    ] {
        let words = [&host[..], &["--between"], &window].concat();
        let answer = estate.ask(&words);
        assert_eq!(grade(&answer, "host", "train-2"), expected, "{window:?}: {answer:#}");
        let code = if expected == "absent" { 0 } else { 1 };
        estate.bulkhead.run(&[&["exposure", "--owner", "responder"], &words[..]].concat()).expect_code(code);
    }
    // Text as people read it, for each.
    for (words, expected) in [
        (["--secret", "prod/openai"], "secret prod/openai: "),
        (["--dataset", "voice-samples"], "dataset voice-samples: "),
        (host, "network host models.relay.example.test: "),
    ] {
        let text = estate.bulkhead.run(&[&["exposure", "--owner", "responder"], &words[..]].concat()).expect_code(1);
        assert!(text.stdout.starts_with(expected), "{text}");
    }
    // What nobody has ever named is not found, and that is not "clean": every declared thing is listed with its grade.
    let unknown = estate.ask(&["--secret", "prod/nowhere"]);
    assert_eq!(grade(&unknown, "dataset", "support-chats"), "not-reachable", "{unknown:#}");
}

/// What `exposure verify` prints when the mirror is of another history than the bundle, and when the bundle was changed.
#[test]
fn verify_says_where_bundle_and_mirror_differ() {
    let estate = Estate::clean();
    let folder = estate.folder.path();
    let (bundle, old) = (folder.join("out.zip"), folder.join("old"));
    let (bundle, old) = (bundle.to_str().unwrap(), old.to_str().unwrap());
    estate.bulkhead.run(&["ledger", "mirror", old]).expect_good();
    estate.bulkhead.run(&["exposure", RELEASE, "--owner", "responder", "--bundle", bundle]).expect_code(1);
    let key = estate.bulkhead.run(&["ledger", "key"]).expect_good().stdout.trim().to_owned();
    let verify = |mirror: &str| estate.bulkhead.run(&["exposure", "verify", bundle, "--mirror", mirror, "--key", &key]);
    let behind = verify(old).expect_code(1);
    assert!(behind.stdout.starts_with(&format!("NOT VERIFIED: {RELEASE}\n")), "{behind}");
    assert!(behind.stdout.contains(": bring the mirror up to date\n"), "{behind}");
    assert!(behind.stdout.contains("that could record the answer\n"), "{behind}");
    estate.bulkhead.run(&["ledger", "mirror", old]).expect_good();
    let good = verify(old).expect_good();
    assert!(good.stdout.contains("no quorum of witnesses was asked for: give --witness-policy FILE"), "{good}");
    let mut bytes = std::fs::read(bundle).unwrap();
    let at = bytes.windows(7).position(|window| window == b"touched").expect("a grade");
    bytes[at..at + 7].copy_from_slice(b"unknown");
    std::fs::write(bundle, bytes).unwrap();
    let changed = verify(old).expect_code(1);
    assert!(changed.stderr.contains("the zip is not as Bulkhead writes it, from byte "), "{changed}");
    assert!(changed.stderr.contains("do not rely on it"), "{changed}");
}

#[test]
fn an_spdx_document_goes_in_with_its_circles_and_bad_purls_told() {
    let registry = Registry::start();
    let bulkhead = Bulkhead::before(&registry);
    let package = |id: &str, purl: &str| {
        json!({ "SPDXID": id, "name": id, "versionInfo": "1", "downloadLocation": "NOASSERTION",
                "externalRefs": [{ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl }] })
    };
    let spdx = json!({
        "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "service", "dataLicense": "CC0-1.0",
        "documentNamespace": "https://sbom.example/service",
        "packages": [package("SPDXRef-a", "pkg:pypi/Demo@1.0.0"), package("SPDXRef-b", "pkg:pypi/other@2"), package("SPDXRef-c", "pkg:pypi/%zz")],
        "relationships": [
            { "spdxElementId": "SPDXRef-a", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-b" },
            { "spdxElementId": "SPDXRef-b", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-a" },
        ],
    });
    let path = bulkhead.place().write("service.spdx.json", &spdx.to_string());
    let told = bulkhead.run(&["inventory", "import", path.to_str().unwrap(), "--host", "web-1"]).expect_good();
    assert!(told.stdout.contains("recorded 2 components") && told.stdout.contains("1 purls are none"), "{told}");
    let exposed = bulkhead.run(&["exposure", "pkg:pypi/other@2", "--owner", "a", "--format", "json"]).expect_code(1);
    assert_eq!(grade(&exposed.json()["answer"], "host", "web-1"), "touched");
    for (text, why) in
        [("{}", "no bill of materials"), ("{\"spdxVersion\":", "no bill of materials"), ("", "no bill of materials")]
    {
        let path = bulkhead.place().write("wrong.json", text);
        let refused = bulkhead.run(&["inventory", "import", path.to_str().unwrap(), "--host", "web-1"]).expect_code(2);
        assert!(refused.stderr.contains(why), "{refused}");
    }
}

/// A bill that is written as it is made, with a component that cannot be read now and then: what can be is recorded, over many
/// entries, and found. A million of them: `estate::sbom::tests`.
#[test]
fn a_large_bill_of_materials_is_recorded_and_asked_about() {
    let registry = Registry::start();
    let bulkhead = Bulkhead::before(&registry);
    let path = bulkhead.place().write("large.json", "");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    file.write_all(b"{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[").unwrap();
    for number in 0..20_000 {
        let comma = if number == 0 { "" } else { "," };
        let version = if number % 1_000 == 999 { "%zz" } else { "1.0" };
        write!(file, "{comma}{{\"name\":\"p{number}\",\"purl\":\"pkg:npm/p{number}@{version}\"}}").unwrap();
    }
    file.write_all(b"]}").unwrap();
    drop(file);
    let words = ["inventory", "import", path.to_str().unwrap(), "--host", "web-1", "--environment", "all"];
    let told = bulkhead.run(&words).expect_good();
    assert!(told.stdout.contains("recorded 19980 components") && told.stdout.contains("20 purls are none"), "{told}");
    let parts = bulkhead.entries().into_iter().filter(|entry| entry["action"] == "inventory").count();
    assert!(parts > 5, "{parts}");
    let exposed = bulkhead.run(&["exposure", "pkg:npm/p19998@1.0", "--owner", "a", "--format", "json"]).expect_code(1);
    assert_eq!(grade(&exposed.json()["answer"], "host", "web-1"), "touched");
    // One that is cut off is refused as a whole, and nothing is recorded of it.
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let before = bulkhead.entries().len();
    let refused = bulkhead.run(&words).expect_code(2);
    assert!(refused.stderr.contains("is no bill of materials"), "{refused}");
    assert_eq!(bulkhead.entries().len(), before);
}
