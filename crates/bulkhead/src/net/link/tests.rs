use super::*;

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

#[test]
fn references_resolve_as_rfc_3986_says() {
    let base = uri("http://a.test/b/c/d;p?q");
    let table = [
        ("g", "http://a.test/b/c/g"),
        ("./g", "http://a.test/b/c/g"),
        ("g/", "http://a.test/b/c/g/"),
        ("/g", "http://a.test/g"),
        ("//g.test", "http://g.test/"),
        ("?y", "http://a.test/b/c/d;p?y"),
        ("g?y", "http://a.test/b/c/g?y"),
        ("#s", "http://a.test/b/c/d;p?q"),
        ("g#s", "http://a.test/b/c/g"),
        (";x", "http://a.test/b/c/;x"),
        ("", "http://a.test/b/c/d;p?q"),
        (".", "http://a.test/b/c/"),
        ("..", "http://a.test/b/"),
        ("../g", "http://a.test/b/g"),
        ("../..", "http://a.test/"),
        ("../../../g", "http://a.test/g"),
        ("/./g/../h", "http://a.test/h"),
        ("g;x=1/../y", "http://a.test/b/c/y"),
        ("g?y/../x", "http://a.test/b/c/g?y/../x"),
        ("  g\n", "http://a.test/b/c/g"),
        ("https://o.test/x/../y.whl#sha256=ab", "https://o.test/x/../y.whl"),
        ("HTTPS://o.test/x", "https://o.test/x"),
        ("x-1.0+local.whl", "http://a.test/b/c/x-1.0+local.whl"),
        ("./a:b", "http://a.test/b/c/a:b"),
    ];
    for (reference, expected) in table {
        assert_eq!(resolve(&base, reference), Ok(uri(expected)), "{reference}");
    }
}

#[test]
fn what_cannot_be_fetched_is_an_error() {
    let base = uri("http://a.test/b/");
    assert_eq!(resolve(&base, "javascript:alert(1)"), Err(LinkError::Scheme("javascript".to_owned())));
    assert_eq!(resolve(&base, "file:///etc/passwd"), Err(LinkError::Scheme("file".to_owned())));
    assert_eq!(resolve(&base, "http://u:p@a.test/"), Err(LinkError::Credentials));
    assert_eq!(resolve(&base, "//u@a.test/"), Err(LinkError::Credentials));
    for reference in ["http://", "http:///x", "http:x", "http://a.test:99999/", "http://a.test:/", "a b", "//[::1"] {
        assert!(resolve(&base, reference).is_err(), "{reference}");
    }
}

#[test]
fn origins_compare_by_meaning() {
    let same = [("http://a.test/x", "http://A.test:80/y"), ("https://a.test", "https://a.test.:443/")];
    let other = [
        ("http://a.test", "https://a.test"),
        ("http://a.test", "http://a.test:81"),
        ("http://a.test", "http://b.test"),
    ];
    assert!(same.iter().all(|(left, right)| same_origin(&uri(left), &uri(right))));
    assert!(!other.iter().any(|(left, right)| same_origin(&uri(left), &uri(right))));
}

#[test]
fn shown_urls_keep_secrets() {
    assert_eq!(shown(&uri("https://u:p@a.test:1/x?sig=s")), "https://a.test:1/x?...");
}
