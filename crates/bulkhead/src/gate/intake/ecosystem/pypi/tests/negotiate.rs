use super::super::Form::{Html, HtmlV1, JsonV1};
use super::super::*;

#[test]
fn the_form_that_clients_prefer() {
    const JSON: &str = "application/vnd.pypi.simple.v1+json";
    for (accept, wanted) in [
        // pip and uv, as they send it.
        (
            "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
            Some(JsonV1),
        ),
        (
            "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01",
            Some(JsonV1),
        ),
        // A browser.
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", Some(Html)),
        ("*/*", Some(Html)),
        ("", Some(Html)),
        (" ", Some(Html)),
        ("text/html", Some(Html)),
        ("text/*", Some(Html)),
        ("TEXT/HTML;Q=1.000", Some(Html)),
        ("application/*", Some(JsonV1)),
        ("application/vnd.pypi.simple.v1+html", Some(HtmlV1)),
        ("application/vnd.pypi.simple.latest+json", Some(JsonV1)),
        ("application/vnd.pypi.simple.latest+html", Some(HtmlV1)),
        ("application/vnd.pypi.simple.latest+json;q=0.1, text/html;q=0.2", Some(Html)),
        (JSON, Some(JsonV1)),
        // Wanted equally: the one named exactly, then JSON.
        ("*/*, application/vnd.pypi.simple.v1+json", Some(JsonV1)),
        ("text/html, application/vnd.pypi.simple.v1+json", Some(JsonV1)),
        ("text/*, application/vnd.pypi.simple.v1+html", Some(HtmlV1)),
        // The most exact range decides about a form, not the most generous.
        ("application/vnd.pypi.simple.v1+json;q=0, */*", Some(Html)),
        ("application/*;q=0, */*;q=0.1", Some(Html)),
        ("text/html;q=0.5, application/vnd.pypi.simple.v1+json;q=0.499", Some(Html)),
        ("text/html;level=1;q=0.3, application/vnd.pypi.simple.v1+html;q=0.4", Some(HtmlV1)),
        // Malformed elements say nothing.
        ("text/html;q=2, application/vnd.pypi.simple.v1+html;q=0.1", Some(HtmlV1)),
        ("text/html;q=0.1234, application/vnd.pypi.simple.v1+html;q=0.1", Some(HtmlV1)),
        ("text/html;q, application/vnd.pypi.simple.v1+html;q=0.1", Some(HtmlV1)),
        (",,;, text/html", Some(Html)),
        // Nothing that is served.
        ("application/json", None),
        ("application/vnd.pypi.simple.v9+json", None),
        ("image/png", None),
        ("text/html;q=0", None),
        ("*/*;q=0", None),
        ("garbage", None),
    ] {
        assert_eq!(negotiate(Some(accept)).ok(), wanted, "{accept}");
    }
    assert_eq!(negotiate(None), Ok(Html));
}

#[test]
fn what_is_announced_is_what_is_read() {
    for form in [JsonV1, HtmlV1, Html] {
        let body = if form == JsonV1 {
            super::json_page("")
        } else {
            r#"<meta name="pypi:repository-version" content="1.0">"#.to_owned()
        };
        assert!(parse(Some(form.content_type()), body.as_bytes(), &super::page_url()).is_ok(), "{form:?}");
    }
}
