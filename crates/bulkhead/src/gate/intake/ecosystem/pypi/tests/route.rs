use proptest::prelude::*;

use super::super::*;
use super::{digest, project, sha256};

#[test]
fn paths_that_exist() {
    let file = |file_name: &str| Route::File {
        project: project("demo"),
        digest: sha256("ab"),
        file_name: file_name.to_owned(),
    };
    let hex = digest("ab");
    for (path, wanted) in [
        ("simple/".to_owned(), Route::Root),
        ("simple/demo/".to_owned(), Route::Index(project("demo"))),
        ("simple/zope-interface/".to_owned(), Route::Index(project("zope.interface"))),
        (format!("files/demo/{hex}/demo-1.0.tar.gz"), file("demo-1.0.tar.gz")),
        (format!("files/demo/{hex}/demo-1.0%2Blocal.tar.gz"), file("demo-1.0+local.tar.gz")),
        (format!("files/demo/{hex}/demo-1.0+local.tar.gz"), file("demo-1.0+local.tar.gz")),
        (format!("files/demo/{hex}/demo-1%212.0.tar.gz"), file("demo-1!2.0.tar.gz")),
        (format!("files/demo/{hex}/demo%2d1.0.tar.gz"), file("demo-1.0.tar.gz")),
        (
            format!("files/demo/{hex}/demo-1.0-py3-none-any.whl.metadata"),
            Route::Metadata {
                project: project("demo"),
                digest: sha256("ab"),
                file_name: "demo-1.0-py3-none-any.whl".to_owned(),
            },
        ),
    ] {
        assert_eq!(route(&path), Ok(wanted), "{path}");
    }
}

#[test]
fn other_spellings_are_redirected_to_the_one_page() {
    for (path, to) in [
        ("simple", "/pypi/simple/"),
        ("simple/demo", "/pypi/simple/demo/"),
        ("simple/Demo/", "/pypi/simple/demo/"),
        ("simple/Zope.Interface", "/pypi/simple/zope-interface/"),
        ("simple/a_-_.b/", "/pypi/simple/a-b/"),
        ("simple/%64emo/", "/pypi/simple/demo/"),
        ("simple/de%2dmo/", "/pypi/simple/de-mo/"),
    ] {
        assert_eq!(route(path), Ok(Route::Redirect { to: to.to_owned() }), "{path}");
    }
}

#[test]
fn traversal_and_ambiguity_are_refused() {
    let hex = digest("ab");
    let upper = hex.to_uppercase();
    let long = "a".repeat(1100);
    for (path, status) in [
        ("", 400),
        ("/", 400),
        ("//", 400),
        ("simple//", 400),
        ("simple//demo/", 400),
        ("/simple/demo/", 400),
        ("simple/demo//", 400),
        ("simple/../simple/demo/", 400),
        ("simple/./demo/", 400),
        ("simple/%2e%2e/", 400),
        ("simple/%2E%2e/demo/", 400),
        ("simple/.%2e/demo/", 400),
        ("simple/%2e/", 400),
        ("simple/%252e%252e/", 400),
        ("simple/demo%2fother/", 400),
        ("simple/demo%5Cother/", 400),
        ("simple/demo\\other/", 400),
        ("simple/demo%00/", 400),
        ("simple/demo\0/", 400),
        ("simple/demo%0d%0aSet-Cookie:x/", 400),
        ("simple/demo\r\n/", 400),
        ("simple/demo%7f/", 400),
        ("simple/demo%2/", 400),
        ("simple/demo%/", 400),
        ("simple/demo%zz/", 400),
        ("simple/demo%+2/", 400),
        ("simple/d\u{e9}mo/", 400),
        ("simple/d%c3%a9mo/", 400),
        ("simple/demo%ff/", 400),
        ("simple/demo?x=1", 400),
        ("simple/de mo/", 400),
        ("simple/de%20mo/", 404),
        ("simple/-demo/", 404),
        ("simple/demo-/", 404),
        ("simple/%40scope/", 404),
        ("simple/demo/extra", 404),
        ("Simple/demo/", 404),
        ("files/", 404),
        ("files/demo/", 404),
        ("other/demo/", 404),
        (&format!("files/demo/{hex}/"), 404),
        (&format!("files/demo/{hex}/demo-1.0.tar.gz/"), 404),
        (&format!("files/demo/{hex}/../demo-1.0.tar.gz"), 400),
        (&format!("files/demo/{hex}/%2e%2e"), 400),
        (&format!("files/demo/{hex}/..%2f..%2fetc%2fpasswd"), 400),
        (&format!("files/demo/{hex}/.metadata"), 400),
        (&format!("files/demo/{hex}/...metadata"), 400),
        (&format!("files/demo/{hex}/.hidden"), 400),
        (&format!("files/demo/{hex}/x.whl.metadata.metadata"), 404),
        (&format!("files/demo/{upper}/demo-1.0.tar.gz"), 404),
        (&format!("files/Demo/{hex}/demo-1.0.tar.gz"), 404),
        (&format!("files/demo/{}/demo-1.0.tar.gz", &hex[1..]), 404),
        (&format!("files/demo/{}/demo-1.0.tar.gz", "g".repeat(64)), 404),
        (&format!("files/demo/{hex}/{}", "a".repeat(300)), 400),
        (&long, 414),
    ] {
        match route(path) {
            Ok(understood) => panic!("{path:?} was taken for {understood:?}"),
            Err(error) => assert_eq!(error.status(), status, "{path:?}: {error}"),
        }
    }
}

#[test]
fn links_lead_back_to_their_file() {
    for name in ["demo-1.0.tar.gz", "demo-1!2.0+local.1.tar.gz", "de mo~x.zip", "a\"><script>-1.0.zip", "a&b'c.zip"] {
        let link = file_link(&project("demo"), &sha256("0f"), name);
        assert!(link.starts_with("../../files/demo/0f"), "{link}");
        assert!(link.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%/".contains(&byte)), "{link}");
        let path = file_path(&project("demo"), &sha256("0f"), name);
        let file_name = name.to_owned();
        assert_eq!(route(&path), Ok(Route::File { project: project("demo"), digest: sha256("0f"), file_name }));
        let metadata = metadata_path(&project("demo"), &sha256("0f"), name);
        assert!(matches!(route(&metadata), Ok(Route::Metadata { file_name, .. }) if file_name == name));
    }
}

proptest! {
    #[test]
    fn any_text_is_routed_or_refused(path in "(simple|files)?(/|%2[ef]|%5c|\\.|[a-zA-Z0-9_+-]|%[0-9a-f]{2}|\\PC){0,40}/?") {
        fuzz_route(path.as_bytes());
    }

    #[test]
    fn nothing_beyond_its_segment_passes(evil in "(\\.\\.|%2e|%2E|%2f|%5C|%00|/|\\\\|a){1,8}") {
        let path = format!("files/demo/{}/{evil}", digest("ab"));
        if let Ok(Route::File { file_name, .. } | Route::Metadata { file_name, .. }) = route(&path) {
            prop_assert!(!file_name.contains(['/', '\\', '\0']));
            prop_assert!(!file_name.starts_with('.'));
        }
    }
}
