//! Bills of materials as tools write them, and as nobody should.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::*;
use crate::estate::submission::{InventoryReport, Submission};
use crate::store::record::LIST_BYTES;

fn purls(sbom: &Sbom) -> Vec<&str> {
    let mut purls: Vec<&str> = sbom.items.iter().filter_map(|item| item.purl.as_deref()).collect();
    purls.sort_unstable();
    purls
}

#[test]
fn cyclonedx_is_read_with_nested_components() {
    let text = br#"{"bomFormat":"CycloneDX","specVersion":"1.6",
        "metadata":{"component":{"name":"trainer","hashes":[{"alg":"SHA-256","content":"AAbb000000000000000000000000000000000000000000000000000000000000"}]}},
        "components":[{"name":"a","purl":"pkg:pypi/Demo_A@1.0?x=y","components":[{"name":"b","purl":"pkg:npm/%40s/b@2"}]},
                      {"name":"c","purl":"pkg:deb/debian/curl@7"},{"name":"a","purl":"pkg:pypi/demo-a@1.0"}],
        "dependencies":[{"ref":"a","dependsOn":["b"]},{"ref":"b","dependsOn":["a"]}]}"#;
    let sbom = parse(text).expect("is one");
    assert_eq!(sbom.format, "CycloneDX 1.6");
    assert_eq!(sbom.subject.as_deref(), Some("trainer"));
    assert!(sbom.digest.as_deref().is_some_and(|digest| digest.starts_with("aabb")));
    assert_eq!(purls(&sbom), ["pkg:npm/%40s/b@2", "pkg:pypi/demo-a@1.0"]);
    assert_eq!((sbom.left_out, sbom.bad_purls), (1, 0), "another ecosystem's purl is left out, and is not bad");
}

#[test]
fn spdx_is_read_with_checksums_and_circles() {
    let text = br#"{"spdxVersion":"SPDX-2.3","name":"image","packages":[
        {"SPDXID":"SPDXRef-a","name":"a","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:pypi/a@1"}],
         "checksums":[{"algorithm":"SHA256","checksumValue":"71E3000000000000000000000000000000000000000000000000000000000000"}]},
        {"SPDXID":"SPDXRef-b","name":"b"}],
        "relationships":[{"spdxElementId":"SPDXRef-a","relatedSpdxElement":"SPDXRef-b","relationshipType":"DEPENDS_ON"},
                         {"spdxElementId":"SPDXRef-b","relatedSpdxElement":"SPDXRef-a","relationshipType":"DEPENDS_ON"}]}"#;
    let sbom = parse(text).expect("is one");
    assert_eq!(purls(&sbom), ["pkg:pypi/a@1"]);
    assert!(sbom.items[0].sha256.as_deref().is_some_and(|digest| digest.starts_with("71e3")));
    assert_eq!(sbom.left_out, 1);
}

#[test]
fn bad_purls_are_counted_and_shown() {
    let text = br#"{"bomFormat":"CycloneDX","components":[{"purl":"pypi/x@1"},{"purl":"pkg:pypi/-@1"},{"purl":"pkg:pypi/x@"},{"purl":"pkg:pypi/x"}]}"#;
    let sbom = parse(text).expect("is one");
    assert_eq!((sbom.items.len(), sbom.bad_purls, sbom.left_out), (0, 3, 4));
    assert_eq!(sbom.examples.len(), 3, "{:?}", sbom.examples);
}

#[test]
fn a_million_components_are_read_and_become_entries_that_each_fit() {
    let mut text = r#"{"bomFormat":"CycloneDX","components":[{}"#.to_owned();
    for number in 0..1_000_000 {
        write!(text, r#",{{"name":"p{number}","purl":"pkg:npm/p{number}@1.0.0"}}"#).expect("is written");
    }
    text.push_str("]}");
    let items = parse(text.as_bytes()).expect("is one").items;
    assert_eq!(items.len(), 1_000_000);
    let report = InventoryReport { host: "h".to_owned(), environment: "sbom all".to_owned(), items };
    let run = || unreachable!("an inventory is no run");
    let (_, record) = Submission::Inventory(report).records(Timestamp::UNIX_EPOCH, run).expect("is recorded");
    let drafts = record.drafts();
    assert!(drafts.len() > 300, "{}", drafts.len());
    let mut lines = 0;
    for (number, draft) in (1..).zip(&drafts) {
        let list = &draft.detail["list"];
        assert!(list.len() <= LIST_BYTES, "part {number} has {} bytes", list.len());
        assert_eq!((&draft.detail["part"], &draft.detail["parts"]), (&number.to_string(), &drafts.len().to_string()));
        lines += list.lines().count();
    }
    assert_eq!(lines, 1_000_000);
}

#[test]
fn what_is_no_bill_of_materials_says_so() {
    assert!(parse(b"{}").expect_err("is none").contains("neither"));
    assert!(parse(b"[").expect_err("is none").contains("JSON"));
    let deep = format!("{{\"bomFormat\":\"CycloneDX\",\"components\":{}", "[{\"components\":".repeat(10_000));
    assert!(parse(deep.as_bytes()).is_err(), "and a deep one ends the parser, not the program");
}
