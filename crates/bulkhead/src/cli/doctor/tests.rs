use super::*;

#[test]
fn a_client_tells_its_version_and_a_missing_module_tells_none() {
    let table = [
        ("pip 26.3 from /usr/lib/python3/dist-packages/pip (python 3.11)", Some("26.3")),
        ("uv 0.13.9 (x86_64-unknown-linux-gnu)", Some("0.13.9")),
        ("Poetry (version 2.5.1)", Some("2.5.1")),
        ("PDM, version 2.29.0", Some("2.29.0")),
        ("/usr/bin/python3: No module named pip", None),
        ("", None),
    ];
    for (said, version) in table {
        assert_eq!(number(said).as_deref(), version, "{said}");
    }
}
