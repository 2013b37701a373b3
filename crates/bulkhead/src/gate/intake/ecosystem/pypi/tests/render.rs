use super::super::*;
use super::{digest, html_index, json_index, rendered};

/// A page with everything that the standards know, and one key that they do not.
fn full() -> ProjectIndex {
    let page = format!(
        r#"{{"meta":{{"_last-serial":7,"api-version":"1.1","tracks":["https://a.example/simple/demo/"]}},"name":"Demo",
        "project-status":{{"status":"archived","reason":"moved <b>"}},
        "alternate-locations":["https://b.example/simple/demo/"],"versions":["v0.9","1.0","1.0.post1"],"files":[
        {{"filename":"demo-0.9.0.tar.gz","url":"a","hashes":{{"sha256":"{a}","md5":"00ff"}},"yanked":true}},
        {{"filename":"demo-1.0-py3-none-any.whl","url":"b","hashes":{{"sha256":"{b}"}},"requires-python":">=3.8,<4",
          "size":12,"upload-time":"2026-03-24T10:52:00.123450Z","yanked":"a & b","core-metadata":{{"sha256":"{c}"}},
          "provenance":"../p?x=1&y=2","gpg-sig":true,"novel":{{"a":[1.50]}}}},
        {{"filename":"demo-1.0.post1+x.zip","url":"c","hashes":{{"sha256":"{c}"}},"upload-time":"soon",
          "dist-info-metadata":true}}]}}"#,
        a = digest("aa"),
        b = digest("bb"),
        c = digest("cc"),
    );
    json_index(&page).unwrap()
}

/// Digests cut to the digits that tell them apart.
fn short(page: &str) -> String {
    page.replace(&"0".repeat(62), "..")
}

#[test]
fn a_page_in_json() {
    let json = rendered(&full(), render_json);
    insta::assert_snapshot!(short(&json).replace("},{", "},\n{"), @r#"
    {"meta":{"api-version":"1.4","_last-serial":7,"tracks":["https://a.example/simple/demo/"]},"name":"demo","project-status":{"status":"archived","reason":"moved <b>"},"alternate-locations":["https://b.example/simple/demo/"],"files":[{"filename":"demo-0.9.0.tar.gz","url":"../../files/demo/aa../demo-0.9.0.tar.gz","hashes":{"sha256":"aa..","md5":"00ff"},"yanked":true,"core-metadata":false},
    {"filename":"demo-1.0-py3-none-any.whl","url":"../../files/demo/bb../demo-1.0-py3-none-any.whl","hashes":{"sha256":"bb.."},"requires-python":">=3.8,<4","size":12,"upload-time":"2026-03-24T10:52:00.123450Z","yanked":"a & b","core-metadata":{"sha256":"cc.."},"provenance":"https://index.example/simple/p?x=1&y=2","novel":{"a":[1.50]}},
    {"filename":"demo-1.0.post1+x.zip","url":"../../files/demo/cc../demo-1.0.post1%2Bx.zip","hashes":{"sha256":"cc.."},"yanked":false,"core-metadata":true}],"versions":["v0.9","1.0","1.0.post1"]}
    "#);
}

#[test]
fn a_page_in_html() {
    insta::assert_snapshot!(short(&rendered(&full(), render_html)), @r#"
    <!DOCTYPE html>
    <html>
      <head>
        <meta name="pypi:repository-version" content="1.4">
        <meta name="pypi:project-status" content="archived">
        <meta name="pypi:project-status-reason" content="moved &lt;b&gt;">
        <meta name="pypi:tracks" content="https://a.example/simple/demo/">
        <meta name="pypi:alternate-locations" content="https://b.example/simple/demo/">
        <title>Links for demo</title>
      </head>
      <body>
        <h1>Links for demo</h1>
        <a href="../../files/demo/aa../demo-0.9.0.tar.gz#sha256=aa.." data-yanked="">demo-0.9.0.tar.gz</a><br>
        <a href="../../files/demo/bb../demo-1.0-py3-none-any.whl#sha256=bb.." data-requires-python="&gt;=3.8,&lt;4" data-yanked="a &amp; b" data-core-metadata="sha256=cc.." data-dist-info-metadata="sha256=cc.." data-provenance="https://index.example/simple/p?x=1&amp;y=2" data-upload-time="2026-03-24T10:52:00.123450Z">demo-1.0-py3-none-any.whl</a><br>
        <a href="../../files/demo/cc../demo-1.0.post1%2Bx.zip#sha256=cc.." data-core-metadata="true" data-dist-info-metadata="true">demo-1.0.post1+x.zip</a><br>
      </body>
    </html>
    "#);
}

#[test]
fn versions_without_a_file_are_left_out() {
    let index = full();
    let link = |_: &IndexFile| "x".to_owned();
    let versions = |kept: &[&IndexFile]| {
        let json = render_json(&index, kept, Links { file: &link, metadata: &|_| CoreMetadata::Unavailable });
        let versions = json_index(std::str::from_utf8(&json).unwrap()).unwrap().versions.unwrap();
        versions.into_iter().map(String::from).collect::<Vec<String>>()
    };
    let none: [&str; 0] = [];
    let [old, wheel, post] = index.files.as_slice() else { panic!("three files") };
    assert_eq!(versions(&[old, wheel]), ["v0.9", "1.0"], "0.9.0 is v0.9");
    assert_eq!(versions(&[wheel]), ["1.0"]);
    assert_eq!(versions(&[post]), none, "a local version is another version");
    assert_eq!(versions(&[]), none);
}

#[test]
fn the_api_version_is_what_the_page_needs() {
    let said = |index: &ProjectIndex| {
        let json: serde_json::Value = serde_json::from_str(&rendered(index, render_json)).unwrap();
        json["meta"]["api-version"].as_str().unwrap().to_owned()
    };
    let mut index = full();
    assert_eq!(said(&index), "1.4");
    index.status = None;
    assert_eq!(said(&index), "1.3");
    index.files[1].provenance = None;
    assert_eq!(said(&index), "1.1");
    index.api_version = ApiVersion { minor: 9 };
    assert_eq!(said(&index), "1.9");
    index.versions = None;
    assert_eq!(said(&index), "1.0", "from 1.1 on a page must name its versions");
}

#[test]
fn what_was_written_is_what_is_read() {
    let index = full();
    let json = json_index(&rendered(&index, render_json)).unwrap();
    let html = html_index(&rendered(&index, render_html)).unwrap();
    for again in [&json, &html] {
        assert_eq!((&again.name, &again.status), (&index.name, &index.status));
        assert_eq!((&again.meta_extra.get("tracks"), &again.extra), (&index.meta_extra.get("tracks"), &index.extra));
        assert_eq!(again.files.len(), 3);
        for (file, was) in again.files.iter().zip(&index.files) {
            assert_eq!((&file.filename, file.sha256()), (&was.filename, was.sha256()));
            assert_eq!((&file.requires_python, &file.yanked), (&was.requires_python, &was.yanked));
            assert_eq!((file.core_metadata, &file.provenance), (was.core_metadata, &was.provenance));
            assert_eq!(file.upload_time.at(), was.upload_time.at());
            let page = "https://index.example/simple/demo/".len();
            assert!(file.url.as_str()[..page].starts_with("https://index.example/files/demo/"), "{}", file.url);
        }
    }
    assert_eq!(json.meta_extra, index.meta_extra);
    assert_eq!(json.files[1].extra, index.files[1].extra);
    // HTML to JSON and back changes nothing any more.
    let via_json = json_index(&rendered(&html, render_json)).unwrap();
    assert_eq!(rendered(&via_json, render_html).replace("1.0\">", "1.4\">"), rendered(&html, render_html));
}

#[test]
fn hostile_texts_stay_texts() {
    const ATTACK: &str = "\"'><script>alert(1)</script>&amp;\u{0}\u{85}\u{202e}";
    let attack = serde_json::to_string(ATTACK).unwrap();
    let page = format!(
        r#"{{"meta":{{"api-version":"1.4"}},"name":"demo","project-status":{{"status":{attack},"reason":{attack}}},
        {attack}:{attack},"alternate-locations":[{attack}],"versions":[{attack}],"files":[
        {{"filename":"demo-1.0\"'><script>alert(1)<b>&amp;.zip","url":"a","hashes":{{"sha256":"{a}"}},"yanked":{attack},
          "requires-python":{attack},{attack}:{attack}}}]}}"#,
        a = digest("aa"),
    );
    let index = json_index(&page).unwrap();
    let html = rendered(&index, render_html);
    assert!(!html.contains("<script") && !html.contains('\0') && !html.contains('\u{85}'), "{html}");
    let again = html_index(&html).unwrap();
    assert_eq!(again.files.len(), 1);
    assert_eq!(again.files[0].filename, index.files[0].filename);
    let shown = ATTACK.replace(['\0', '\u{85}'], "\u{fffd}");
    assert_eq!(again.files[0].requires_python.as_deref(), Some(shown.as_str()));
    assert_eq!(again.files[0].yanked, Yanked::Because(shown.as_str().into()));
    assert_eq!(again.status.unwrap().reason.as_deref(), Some(shown.as_str()));
    let json = json_index(&rendered(&index, render_json)).unwrap();
    assert_eq!((&json.status, &json.extra), (&index.status, &index.extra));
    assert_eq!(json.files[0].requires_python.as_deref(), Some(ATTACK));
}
