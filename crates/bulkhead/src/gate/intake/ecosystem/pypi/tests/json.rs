use proptest::prelude::*;

use super::super::*;
use super::{digest, json_index, json_page, page_url, sha256};

#[test]
fn every_key_of_the_standards_is_read() {
    let page = format!(
        r#"{{"meta":{{"_last-serial":7,"api-version":"1.4","tracks":["https://a.example/x/"]}},"name":"Demo",
        "project-status":{{"status":"archived","reason":"moved"}},"alternate-locations":[],
        "versions":["1.0","1.0.post1"],"files":[{{
            "filename":"demo-1.0-py3-none-any.whl","url":"../../packages/demo-1.0-py3-none-any.whl",
            "hashes":{{"sha256":"{sha}","blake2b_256":"00ff"}},"requires-python":">=3.8","size":12,
            "upload-time":"2026-03-24T10:52:00.123450Z","yanked":"broken","core-metadata":{{"sha256":"{meta}"}},
            "dist-info-metadata":false,"provenance":"https://index.example/p","gpg-sig":false,"novel":{{"a":[1.50]}}}}]}}"#,
        sha = digest("ab"),
        meta = digest("cd"),
    );
    let index = json_index(&page).unwrap();
    assert_eq!(index.name.as_str(), "demo");
    assert_eq!(index.api_version, ApiVersion { minor: 4 });
    assert_eq!(index.status, Some(ProjectStatus { status: "archived".into(), reason: Some("moved".into()) }));
    assert_eq!(index.meta_extra.keys().map(AsRef::as_ref).collect::<Vec<_>>(), ["_last-serial", "tracks"]);
    assert_eq!(index.extra["alternate-locations"].as_str(), "[]");
    assert_eq!(index.versions.as_ref().unwrap().len(), 2);
    let file = &index.files[0];
    assert_eq!(file.url.as_str(), "https://index.example/packages/demo-1.0-py3-none-any.whl");
    assert_eq!(file.sha256(), Some(sha256("ab")));
    assert_eq!(file.hashes.others, [("blake2b_256".into(), "00ff".into())]);
    assert_eq!(file.requires_python.as_deref(), Some(">=3.8"));
    assert_eq!(file.size, Some(12));
    assert_eq!(file.upload_time.at().unwrap().to_string(), "2026-03-24T10:52:00.12345Z");
    assert!(matches!(&file.upload_time, UploadTime::At { text, .. } if &**text == "2026-03-24T10:52:00.123450Z"));
    assert_eq!(file.yanked, Yanked::Because("broken".into()));
    assert_eq!(file.core_metadata, CoreMetadata::WithDigest(sha256("cd")));
    assert_eq!(file.provenance.as_ref().map(FileUrl::as_str), Some("https://index.example/p"));
    assert_eq!(file.gpg_sig, Some(false));
    assert_eq!(file.extra["novel"].as_str(), r#"{"a":[1.50]}"#);
    assert!(!file.conflicting);
    assert_eq!(index.refused, []);
}

#[test]
fn what_is_absent_or_null_is_not_guessed() {
    let nulls = r#"{"filename":"demo-1.0.zip","url":"x","hashes":{},"requires-python":null,"size":null,
        "upload-time":null,"yanked":null,"core-metadata":null,"provenance":null,"gpg-sig":null}"#;
    for file in [r#"{"filename":"demo-1.0.zip","url":"x"}"#, nulls] {
        let index = json_index(&json_page(file)).unwrap();
        let file = &index.files[0];
        assert_eq!(file.sha256(), None);
        assert_eq!((&file.requires_python, file.size, &file.upload_time), (&None, None, &UploadTime::Absent));
        assert_eq!((&file.yanked, file.core_metadata, file.gpg_sig), (&Yanked::No, CoreMetadata::Unavailable, None));
        assert_eq!(file.provenance, None);
        assert_eq!(index.status, None);
    }
}

#[test]
fn upload_times_are_rfc_3339_or_malformed() {
    for (text, at) in [
        ("2026-03-24T10:52:00Z", Some("2026-03-24T10:52:00Z")),
        ("2026-03-24T10:52:00.5Z", Some("2026-03-24T10:52:00.5Z")),
        ("2026-03-24T10:52:00.123456789Z", Some("2026-03-24T10:52:00.123456789Z")),
        ("2026-03-24T10:52:00+02:00", Some("2026-03-24T08:52:00Z")),
        ("9999-01-01T00:00:00Z", Some("9999-01-01T00:00:00Z")),
        ("2026-03-24T10:52:00", None),
        ("2026-03-24 10:52:00Z", None),
        ("2026-03-24", None),
        ("20260324T105200Z", None),
        ("2026-02-30T10:52:00Z", None),
        ("2026-03-24T25:52:00Z", None),
        ("2026-03-24T10:52:00.Z", None),
        ("2026-03-24T10:52:00.1234567890Z", None),
        ("2026-03-24T10:52:00Z[UTC]", None),
        ("2026-03-24T10:52:00+0200", None),
        ("1774349520", None),
        ("yesterday", None),
        ("", None),
    ] {
        let file = format!(r#"{{"filename":"demo-1.0.zip","url":"x","upload-time":"{text}"}}"#);
        let time = json_index(&json_page(&file)).unwrap().files.remove(0).upload_time;
        assert_eq!(time.at().map(|at| at.to_string()).as_deref(), at, "{text}");
        if at.is_none() {
            assert_eq!(time, UploadTime::Malformed(text.into()));
        }
    }
}

#[test]
fn hashes_that_cannot_match_promise_nothing() {
    let sha = digest("ab");
    for (hashes, url, wanted, conflicting) in [
        (format!(r#"{{"sha256":"{sha}"}}"#), "x", true, false),
        (format!(r#"{{"sha256":"{}"}}"#, sha.to_uppercase()), "x", true, false),
        (r#"{"md5":"00ff"}"#.to_owned(), "x", false, false),
        (r#"{"sha256":"zz"}"#.to_owned(), "x", false, false),
        (r#"{"sha256":""}"#.to_owned(), "x", false, false),
        ("{}".to_owned(), &format!("x#sha256={sha}"), true, false),
        (format!(r#"{{"sha256":"{sha}"}}"#), &format!("x#sha256={sha}"), true, false),
        (format!(r#"{{"sha256":"{sha}"}}"#), &format!("x#egg=demo&sha256={}", digest("cd")), true, true),
    ] {
        let file = format!(r#"{{"filename":"demo-1.0.zip","url":"{url}","hashes":{hashes}}}"#);
        let file = json_index(&json_page(&file)).unwrap().files.remove(0);
        assert_eq!(file.sha256(), wanted.then(|| sha256("ab")), "{hashes} {url}");
        assert_eq!(file.conflicting, conflicting, "{hashes} {url}");
    }
}

#[test]
fn a_name_that_means_two_files_means_none() {
    let file = |start: &str, more: &str| {
        let sha = digest(start);
        format!(r#"{{"filename":"demo-1.0.zip","url":"x","hashes":{{"sha256":"{sha}"}}{more}}}"#)
    };
    let other = r#"{"filename":"demo-1.1.zip","url":"x"}"#;
    let conflicts = |files: &[&str]| -> Vec<bool> {
        let index = json_index(&json_page(&files.join(","))).unwrap();
        index.files.iter().map(|file| file.conflicting).collect()
    };
    assert_eq!(conflicts(&[&file("ab", ""), other, &file("ab", "")]), [false, false], "a repetition is one file");
    assert_eq!(conflicts(&[&file("ab", ""), other, &file("cd", "")]), [true, false, true]);
    assert_eq!(conflicts(&[&file("ab", ""), &file("cd", ""), &file("ab", "")]), [true, true]);
    let old = r#","upload-time":"2020-01-01T00:00:00Z""#;
    assert_eq!(conflicts(&[&file("ab", ""), &file("ab", old)]), [true, true], "an older date must not win");
    assert_eq!(conflicts(&[&file("ab", r#","yanked":true"#), &file("ab", "")]), [true, true]);
    assert_eq!(conflicts(&[other, other]), [true, true], "without a digest nobody can say that they are one");
}

#[test]
fn entries_that_cannot_be_served_are_reported() {
    let entries = [
        r#"{"filename":"demo-1.0.zip","url":"x"}"#,
        r#"{"filename":"../../demo-1.0.zip","url":"x"}"#,
        r#"{"filename":"demo-1.0\u0000.zip","url":"x"}"#,
        r#"{"filename":"","url":"x"}"#,
        r#"{"filename":"demo-1.1.zip","url":"file:///etc/passwd"}"#,
        r#"{"filename":"demo-1.2.zip","url":"https://user:word@files.example/x"}"#,
        r#"{"filename":"demo-1.3.zip","url":"x","provenance":"javascript:alert(1)"}"#,
        r#"{"filename":"demo-1.4.zip","url":"x"}"#,
    ];
    let index = json_index(&json_page(&entries.join(","))).unwrap();
    assert_eq!(index.files.iter().map(|file| &*file.filename).collect::<Vec<_>>(), ["demo-1.0.zip", "demo-1.4.zip"]);
    let said: Vec<String> = index.refused.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    entry 1 (`../../demo-1.0.zip`): the file name begins with a dot
    entry 2 (`demo-1.0\0.zip`): the file name contains characters outside printable ASCII
    entry 3 (``): the file name is empty
    entry 4 (`demo-1.1.zip`): the link has a scheme other than http and https
    entry 5 (`demo-1.2.zip`): the link names no host, or carries user information
    entry 6 (`demo-1.3.zip`): provenance: the link has a scheme other than http and https
    ");
}

#[test]
fn errors_name_the_key() {
    let good = r#"{"filename":"demo-1.0.zip","url":"x"}"#;
    let file = |keys: &str| json_page(&format!(r#"{good},{{"filename":"demo-1.1.zip","url":"x",{keys}}}"#));
    let pages = [
        file(r#""hashes":[]"#),
        file(r#""hashes":{"sha256":1}"#),
        file(r#""hashes":{"sha256":"a","sha256":"b"}"#),
        file(r#""size":"12""#),
        file(r#""size":-1"#),
        file(r#""size":1.5"#),
        file(r#""size":18446744073709551616"#),
        file(r#""upload-time":5"#),
        file(r#""yanked":1"#),
        file(r#""core-metadata":"true""#),
        file(r#""requires-python":[]"#),
        file(r#""provenance":{}"#),
        file(r#""url":"y""#),
        file(r#""novel":1,"novel":2"#),
        file(&format!(r#""novel":{}{}"#, "[".repeat(40), "]".repeat(40))),
        file(&format!(r#""novel":"{}""#, "x".repeat(70_000))),
        json_page(r#"{"url":"x"}"#),
        json_page(r#"{"filename":"demo-1.0.zip"}"#),
        json_page("[]"),
        json_page(&"[".repeat(10_000)),
        json_page(&format!(r#"{good},"#)),
        r#"{"meta":{},"name":"demo","files":[]}"#.to_owned(),
        r#"{"meta":{"api-version":1.0},"name":"demo","files":[]}"#.to_owned(),
        r#"{"meta":{"api-version":"1.0"},"name":"demo"}"#.to_owned(),
        r#"{"meta":{"api-version":"1.0"},"files":[]}"#.to_owned(),
        r#"{"name":"demo","files":[]}"#.to_owned(),
        r#"{"meta":{"api-version":"1.0"},"name":"demo","files":[],"files":[]}"#.to_owned(),
        r#"{"meta":{"api-version":"1.0"},"name":"demo","files":{}}"#.to_owned(),
        r#"{"meta":{"api-version":"1.0"},"name":"demo","files":[],"versions":"1.0"}"#.to_owned(),
        r#"{"meta":{"api-version":"1.0"},"name":"demo","files":[],"project-status":"quarantined"}"#.to_owned(),
        r#"{"meta":{"api-version":"2.0"},"name":"demo","files":[]}"#.to_owned(),
        r#"{"meta":{"api-version":"1"},"name":"demo","files":[]}"#.to_owned(),
        r#"{"meta":{"api-version":"1.0"},"name":"../demo","files":[]}"#.to_owned(),
        json_page(good) + "x",
        r#"{"message":"not found"}"#.to_owned(),
        "[]".to_owned(),
        String::new(),
    ];
    let said: Vec<String> = pages.iter().map(|page| json_index(page).unwrap_err().to_string()).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    the page's JSON cannot be read: files[1].hashes: invalid type: sequence, expected an object from algorithm to digest at line 1 column 137
    the page's JSON cannot be read: files[1].hashes: invalid type: integer `1`, expected a text at line 1 column 148
    the page's JSON cannot be read: files[1].hashes: an algorithm is given twice at line 1 column 159
    the page's JSON cannot be read: files[1].size: invalid type: string "12", expected u64 at line 1 column 139
    the page's JSON cannot be read: files[1].size: invalid value: integer `-1`, expected u64 at line 1 column 137
    the page's JSON cannot be read: files[1].size: invalid type: floating point `1.5`, expected u64 at line 1 column 138
    the page's JSON cannot be read: files[1].size: invalid type: floating point `1.8446744073709552e+19`, expected u64 at line 1 column 155
    the page's JSON cannot be read: files[1].upload-time: invalid type: integer `5`, expected a text at line 1 column 143
    the page's JSON cannot be read: files[1].yanked: invalid type: integer `1`, expected true, false or a text at line 1 column 138
    the page's JSON cannot be read: files[1].core-metadata: invalid type: string "true", expected true, false or an object of digests at line 1 column 150
    the page's JSON cannot be read: files[1].requires-python: invalid type: sequence, expected a text at line 1 column 146
    the page's JSON cannot be read: files[1].provenance: invalid type: map, expected a text at line 1 column 141
    the page's JSON cannot be read: files[1].url: the key is given twice at line 1 column 133
    the page's JSON cannot be read: files[1].novel: the key is given twice at line 1 column 145
    the page's JSON cannot be read: files[1].novel: an unknown key nested more than 32 deep at line 1 column 217
    the page's JSON cannot be read: files[1].novel: an unknown key with more than 64 KiB at line 1 column 70139
    the page's JSON cannot be read: files[0]: missing field `filename` at line 1 column 64
    the page's JSON cannot be read: files[0]: missing field `url` at line 1 column 80
    the page's JSON cannot be read: files[0]: invalid type: sequence, expected a file: an object at line 1 column 53
    the page's JSON cannot be read: files[0]: invalid type: sequence, expected a file: an object at line 1 column 53
    the page's JSON cannot be read: files[1]: trailing comma at line 1 column 92
    the page's JSON cannot be read: meta: missing field `api-version` at line 1 column 10
    the page's JSON cannot be read: meta.api-version: invalid type: floating point `1.0`, expected a text at line 1 column 26
    the page's JSON cannot be read: missing field `files` at line 1 column 44
    the page's JSON cannot be read: missing field `name` at line 1 column 41
    the page's JSON cannot be read: missing field `meta` at line 1 column 26
    the page's JSON cannot be read: files: the key is given twice at line 1 column 62
    the page's JSON cannot be read: files: invalid type: map, expected a list of files at line 1 column 52
    the page's JSON cannot be read: versions: invalid type: string "1.0", expected a sequence at line 1 column 71
    the page's JSON cannot be read: project-status: invalid type: string "quarantined", expected an object with `status` at line 1 column 85
    the upstream speaks API version `2.0`, Bulkhead speaks 1.x
    the upstream speaks API version `1`, Bulkhead speaks 1.x
    the page's project: `../demo` cannot be the name of a Python project: letters, digits, `-`, `_` and `.` are allowed, with a letter or digit at each end
    the page's JSON cannot be read: trailing characters at line 1 column 112
    the page's JSON cannot be read: missing field `meta` at line 1 column 23
    the page's JSON cannot be read: invalid type: sequence, expected a project page: an object at line 1 column 0
    the page's JSON cannot be read: EOF while parsing a value at line 1 column 0
    "#);
}

#[test]
fn bytes_that_are_no_text_are_an_error() {
    let mut page = json_page(r#"{"filename":"demo-1.0.zip","url":"x"}"#).into_bytes();
    let at = page.windows(4).position(|window| window == b"demo").unwrap();
    page[at] = 0xff;
    let error = parse_json(&page, &page_url()).unwrap_err().to_string();
    assert_eq!(error, "the page's JSON cannot be read: invalid utf-8 sequence of 1 bytes from index 38");
}

#[test]
fn what_was_announced_must_be_what_came() {
    const JSON: &str = "application/vnd.pypi.simple.v1+json";
    let parse =
        |kind: Option<&str>, body: &str| parse(kind, body.as_bytes(), &page_url()).map(|index| index.files.len());
    let json = json_page(r#"{"filename":"demo-1.0.zip","url":"x"}"#);
    let html = "<a href=demo-1.0.zip>demo-1.0.zip</a>";
    assert_eq!(parse(Some(JSON), &json), Ok(1));
    assert_eq!(parse(Some("Application/JSON; charset=utf-8"), &json), Ok(1));
    assert_eq!(parse(Some("text/html; charset=UTF-8"), html), Ok(1));
    assert_eq!(parse(Some(JSON), html), Err(IndexError::Disguised { announced: "JSON", sent: "HTML" }));
    assert_eq!(parse(Some("text/html"), &json), Err(IndexError::Disguised { announced: "HTML", sent: "JSON" }));
    for other in [None, Some(""), Some("text/plain"), Some("application/octet-stream"), Some("\u{1b}[2J")] {
        assert!(matches!(parse(other, &json), Err(IndexError::ContentType(_))), "{other:?}");
    }
}

#[test]
fn quarantine_is_seen() {
    for (status, quarantined) in [("quarantined", true), ("Quarantined ", true), ("archived", false), ("novel", false)]
    {
        let page = format!(
            r#"{{"meta":{{"api-version":"1.4"}},"name":"demo","files":[],"project-status":{{"status":"{status}","x":1}}}}"#
        );
        assert_eq!(json_index(&page).unwrap().status.unwrap().is_quarantined(), quarantined);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzz_json(&bytes);
        fuzz_json(json_page(&String::from_utf8_lossy(&bytes)).as_bytes());
    }

    #[test]
    fn any_file_is_read_or_refused(name in "\\PC{0,20}", url in "\\PC{0,30}", hash in "[0-9a-f]{64}", more in "\\PC{0,20}") {
        let text = |text: &str| serde_json::to_string(text).unwrap();
        let (name, url, more) = (text(&name), text(&url), text(&more));
        fuzz_json(json_page(&format!(
            r#"{{"filename":{name},"url":{url},"hashes":{{"sha256":"{hash}"}},"requires-python":{more},"yanked":{more},{more}:1}}"#
        )).as_bytes());
    }
}
