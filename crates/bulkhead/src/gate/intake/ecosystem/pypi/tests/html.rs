use proptest::prelude::*;

use super::super::*;
use super::{digest, html_index, sha256};

#[test]
fn every_attribute_of_the_standards_is_read() {
    let page = format!(
        r#"<!DOCTYPE html><html><head>
        <meta name="pypi:repository-version" content="1.4">
        <meta name="pypi:project-status" content="deprecated">
        <meta name="pypi:project-status-reason" content="use &quot;other&quot;">
        <meta name="pypi:tracks" content="https://a.example/simple/demo/">
        <meta name="pypi:alternate-locations" content="https://b.example/simple/demo/">
        <title>Links for demo</title></head><body><h1>Links for demo</h1>
        <a href="../../packages/demo-1.0-py3-none-any.whl#sha256={sha}" data-requires-python="&gt;=3.8,&lt;4"
           data-yanked="a &amp; b" data-core-metadata="sha256={meta}" data-dist-info-metadata="true"
           data-provenance="/integrity/demo" data-gpg-sig="false" data-upload-time="2026-03-24T10:52:00Z"
           data-size="12" data-novel="1" HREF="ignored.zip">demo-1.0-py3-none-any.whl</a><br/>
        <A HREF='demo-1.0%2Blocal.tar.gz#md5=00ff' data-yanked data-dist-info-metadata=true>x</A>
        </body></html>"#,
        sha = digest("ab"),
        meta = digest("cd"),
    );
    let index = html_index(&page).unwrap();
    assert_eq!(index.name.as_str(), "demo");
    assert_eq!(index.api_version, ApiVersion { minor: 4 });
    assert_eq!(index.status, Some(ProjectStatus { status: "deprecated".into(), reason: Some("use \"other\"".into()) }));
    assert_eq!(index.meta_extra["tracks"].as_str(), r#"["https://a.example/simple/demo/"]"#);
    assert_eq!(index.extra["alternate-locations"].as_str(), r#"["https://b.example/simple/demo/"]"#);
    assert_eq!(index.versions, None);
    let [wheel, sdist] = index.files.as_slice() else { panic!("two files") };
    assert_eq!(&*wheel.filename, "demo-1.0-py3-none-any.whl");
    assert_eq!(wheel.url.as_str(), "https://index.example/packages/demo-1.0-py3-none-any.whl");
    assert_eq!(wheel.sha256(), Some(sha256("ab")));
    assert_eq!(wheel.requires_python.as_deref(), Some(">=3.8,<4"));
    assert_eq!(wheel.yanked, Yanked::Because("a & b".into()));
    assert_eq!(wheel.core_metadata, CoreMetadata::WithDigest(sha256("cd")));
    assert_eq!(wheel.provenance.as_ref().map(FileUrl::as_str), Some("https://index.example/integrity/demo"));
    assert_eq!(wheel.gpg_sig, Some(false));
    assert!(wheel.upload_time.at().is_some());
    assert_eq!(wheel.size, Some(12));
    assert_eq!(&*sdist.filename, "demo-1.0+local.tar.gz");
    assert_eq!(sdist.sha256(), None);
    assert_eq!(sdist.hashes.others, [("md5".into(), "00ff".into())]);
    assert_eq!((&sdist.yanked, sdist.core_metadata), (&Yanked::Yes, CoreMetadata::Available));
    assert_eq!(sdist.upload_time, UploadTime::Absent);
}

#[test]
fn the_page_may_name_its_base() {
    for (base, wanted) in [
        (r#"<base href="https://files.example/p/">"#, "https://files.example/p/demo-1.0.zip"),
        (r#"<base href="/p/">"#, "https://index.example/p/demo-1.0.zip"),
        (
            r#"<base target="_blank"><base href="../p/"><base href="/q/">"#,
            "https://index.example/simple/p/demo-1.0.zip",
        ),
    ] {
        for page in [format!("{base}<a href=demo-1.0.zip>x</a>"), format!("<a href=demo-1.0.zip>x</a>{base}")] {
            assert_eq!(html_index(&page).unwrap().files[0].url.as_str(), wanted, "{page}");
        }
    }
    let wrong = html_index(r#"<base href="file:///etc/"><a href=demo-1.0.zip>x</a>"#);
    assert_eq!(wrong, Err(IndexError::Address(super::super::reference::ReferenceError::Scheme)));
}

#[test]
fn only_links_are_links() {
    let page = r#"<!-- <a href="demo-1.0.zip">x</a> --><script>'<a href="demo-1.1.zip">x</a>'</script>
        <style><a href="demo-1.2.zip"></style><textarea><a href="demo-1.3.zip"></textarea><title><a href="demo-1.4.zip"></title>
        <link href="demo-1.5.zip"><a name="demo-1.6.zip">x</a><a data-x="<a href='demo-1.7.zip'>" href="demo-2.0.zip">x</a>
        </a href="demo-1.8.zip"><area href="demo-1.9.zip">"#;
    let index = html_index(page).unwrap();
    assert_eq!(index.files.iter().map(|file| &*file.filename).collect::<Vec<_>>(), ["demo-2.0.zip"]);
}

#[test]
fn a_page_that_is_no_simple_page_is_refused() {
    for page in [
        "",
        "<html><body>Not found</body></html>",
        r#"<form><a href="/forgot">forgot?</a></form>"#,
        r#"<a href="/simple/">back</a>"#,
        r#"<a href="demo">demo</a><a href="demo-1.0.exe">x</a>"#,
        "503 Service Unavailable",
        "<a href='demo-1.0.zip",
    ] {
        assert_eq!(html_index(page), Err(IndexError::NotAPage), "{page}");
    }
    let empty = html_index(r#"<meta name="pypi:repository-version" content="1.0">"#).unwrap();
    assert_eq!(empty.files, []);
    let major = html_index(r#"<meta name="pypi:repository-version" content="2.0"><a href=demo-1.0.zip>x</a>"#);
    assert_eq!(major, Err(IndexError::ApiVersion("2.0".to_owned())));
}

#[test]
fn entries_that_cannot_be_served_are_reported() {
    let page = r#"<a href="demo-1.0.zip">x</a><a href="">x</a><a href="../">up</a><a href="..%2f..%2fdemo-1.0.zip">x</a>
        <a href="%2e%2e/demo-1.0.zip">x</a><a href="demo-1.0%00.zip">x</a><a href="demo-1.0%22onload=.zip">x</a>
        <a href="javascript:alert(1)">x</a><a href="d&eacute;mo-1.0.zip">x</a><a href="demo-1.0%ff.zip">x</a>
        <a href="demo-1.0%2526.zip">x</a><a href="demo-1.1.zip" data-provenance="ftp://x">x</a>"#;
    let index = html_index(page).unwrap();
    let names: Vec<&str> = index.files.iter().map(|file| &*file.filename).collect();
    // The quote is a character of a file name, and is encoded wherever it is written.
    assert_eq!(names, ["demo-1.0.zip", "demo-1.0\"onload=.zip"]);
    let said: Vec<String> = index.refused.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    entry 1 (``): the link is empty
    entry 2 (`../`): the file name is empty
    entry 3 (`..%2f..%2fdemo-1.0.zip`): the file name begins with a dot
    entry 4 (`%2e%2e/demo-1.0.zip`): the link is percent-encoded wrongly
    entry 5 (`demo-1.0%00.zip`): the link is percent-encoded wrongly
    entry 7 (`javascript:alert(1)`): the link has a scheme other than http and https
    entry 8 (`démo-1.0.zip`): the link contains a character that links must not contain
    entry 9 (`demo-1.0%ff.zip`): it is not UTF-8
    entry 10 (`demo-1.0%2526.zip`): the file name contains a percent sign
    entry 11 (`demo-1.1.zip`): provenance: the link has a scheme other than http and https
    ");
    let garbled =
        parse_html(b"<a href=demo-1.0.zip>x</a><a href=demo-1.1.zip data-yanked='\xff'>x</a>", &super::page_url());
    assert_eq!(garbled.unwrap().refused[0].why, RefusedWhy::Encoding);
}

#[test]
fn the_unsafe_status_counts() {
    let meta = |status: &str| format!(r#"<meta name="pypi:project-status" content="{status}">"#);
    let page = |first: &str, second: &str| meta(first) + &meta(second) + "<a href=demo-1.0.zip>x</a>";
    for (first, second) in [("active", "quarantined"), ("quarantined", "active")] {
        assert!(html_index(&page(first, second)).unwrap().status.unwrap().is_quarantined());
    }
}

#[test]
fn a_name_that_means_two_files_means_none() {
    let anchor = |start: &str| format!("<a href='demo-1.0.zip#sha256={}'>x</a>", digest(start));
    let conflicts =
        |page: String| -> Vec<bool> { html_index(&page).unwrap().files.iter().map(|file| file.conflicting).collect() };
    assert_eq!(conflicts(anchor("ab") + &anchor("ab")), [false]);
    assert_eq!(conflicts(anchor("ab") + &anchor("cd")), [true, true]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzz_html(&bytes);
    }

    #[test]
    fn any_attributes_are_read_or_refused(href in "\\PC{0,30}", value in "[\\PC\n\t]{0,30}") {
        let quoted = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;");
        let (href, value) = (quoted(&href), quoted(&value));
        let page = format!(
            "<a href=\"demo-1.0.zip#sha256={}\" data-requires-python=\"{value}\" data-yanked=\"{value}\">x</a>\
             <a href=\"{href}\" data-provenance=\"{value}\" data-core-metadata=\"{value}\">x</a>", digest("ab"));
        fuzz_html(page.as_bytes());
    }
}
