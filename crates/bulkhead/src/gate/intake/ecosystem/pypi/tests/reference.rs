use http::Uri;

use super::super::reference::{Base, ReferenceError};

fn resolve(base: &'static str, link: &str) -> Result<String, ReferenceError> {
    let base = Base::of_page(&Uri::from_static(base))?;
    base.resolve(link).map(|(url, _)| url.to_string())
}

/// RFC 3986, section 5.4, with `http://a/b/c/d;p?q` as base; those with fragments or other schemes stand below.
#[test]
fn the_examples_of_the_rfc() {
    for (link, wanted) in [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("g#s", "http://a/b/c/g"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
    ] {
        assert_eq!(resolve("http://a/b/c/d;p?q", link).as_deref(), Ok(wanted), "{link}");
    }
}

#[test]
fn links_of_index_pages() {
    const PAGE: &str = "https://user:word@index.example:8443/simple/demo/";
    for (link, wanted) in [
        ("demo-1.0.zip#sha256=00", "https://index.example:8443/simple/demo/demo-1.0.zip"),
        ("../../packages/ab/demo-1.0.zip", "https://index.example:8443/packages/ab/demo-1.0.zip"),
        ("HTTPS://Files.Example/x/demo-1.0.zip", "https://files.example/x/demo-1.0.zip"),
        ("//files.example/demo-1.0.zip?sig=a%2Fb", "https://files.example/demo-1.0.zip?sig=a%2Fb"),
        (" \n demo-1.0.zip\t", "https://index.example:8443/simple/demo/demo-1.0.zip"),
        ("https://[2001:DB8::1]:80/x.zip", "https://[2001:db8::1]:80/x.zip"),
        ("https://files.example", "https://files.example/"),
        ("https://files.example?x", "https://files.example/?x"),
        ("/group%2Fproject/demo-1.0%2Blocal.zip", "https://index.example:8443/group%2Fproject/demo-1.0%2Blocal.zip"),
    ] {
        assert_eq!(resolve(PAGE, link).as_deref(), Ok(wanted), "{link}");
    }
}

#[test]
fn links_that_lead_nowhere() {
    use ReferenceError::{Authority, Character, Empty, Encoding, Scheme, TooLong};
    let long = "a".repeat(9000);
    for (link, wanted) in [
        ("", Empty),
        ("#sha256=00", Empty),
        ("file:///etc/passwd", Scheme),
        ("ftp://files.example/x.zip", Scheme),
        ("javascript:alert(1)", Scheme),
        ("data:text/html,x", Scheme),
        ("git+https://files.example/x", Scheme),
        ("://files.example/x", Scheme),
        ("http:x.zip", Authority),
        ("https:/files.example/x.zip", Authority),
        ("https:///x.zip", Authority),
        ("//", Authority),
        ("https://user@files.example/x.zip", Authority),
        ("https://user:word@files.example/x.zip", Authority),
        ("https://files.example:/x.zip", Authority),
        ("https://files.example:99999/x.zip", Authority),
        ("https://files.example:80:90/x.zip", Authority),
        ("https://[::1/x.zip", Authority),
        ("https://[::1]x/x.zip", Authority),
        ("https://[zz]/x.zip", Authority),
        ("https://files%2eexample/x.zip", Authority),
        ("https:\\\\files.example\\x.zip", Character),
        ("/\\files.example/x.zip", Character),
        ("x y.zip", Character),
        ("x\u{e9}.zip", Character),
        ("x\0.zip", Character),
        ("java\tscript:x", Character),
        ("x<y.zip", Character),
        ("x%2.zip", Encoding),
        ("x%zz.zip", Encoding),
        ("x%00.zip", Encoding),
        ("x%0d%0aHost:y", Encoding),
        ("x%7F", Encoding),
        ("%2e%2e/x.zip", Encoding),
        (".%2E/x.zip", Encoding),
        ("a/%2e/x.zip", Encoding),
        (&long, TooLong),
    ] {
        assert_eq!(resolve("https://index.example/simple/demo/", link), Err(wanted), "{link:?}");
    }
}

#[test]
fn a_base_must_be_absolute() {
    assert_eq!(resolve("/simple/demo/", "x.zip"), Err(ReferenceError::Base));
    assert_eq!(resolve("ftp://index.example/simple/demo/", "x.zip"), Err(ReferenceError::Base));
}

#[test]
fn the_fragment_is_handed_out() {
    let base = Base::of_page(&Uri::from_static("https://index.example/simple/demo/")).unwrap();
    let (url, fragment) = base.resolve("x.zip#sha256=ab#c").unwrap();
    assert_eq!((url.as_str(), fragment), ("https://index.example/simple/demo/x.zip", Some("sha256=ab#c")));
    assert_eq!(url.to_uri().path(), "/simple/demo/x.zip");
}
