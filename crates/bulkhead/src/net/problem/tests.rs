use bulkhead_core::{Code, Gate};

use super::*;

fn rule(title: &str, detail: &str) -> Problem {
    let code = Code::Rule { gate: Gate::Intake, rule: "cooldown".to_owned() };
    let mut problem = Problem::new(code, detail).with_help("use 9.9.8");
    problem.title = title.to_owned();
    problem
}

#[test]
fn pip_gets_its_reason_on_one_short_line() {
    let cases = [
        rule("requests 9.9.9 is 3 hours old", ""),
        rule("requests 9.9.9 is 3 hours old", "rule `cooldown` holds releases younger than 3 days"),
        rule(
            "requests-9.9.9.tar.gz is held",
            "requests-9.9.9.tar.gz is 3 hours old; files younger than 3 days are held",
        ),
        rule("requests 9.9.9 is 3 hours old", &"a very long explanation ".repeat(20)),
        rule(&"x".repeat(500), "y"),
        rule("a\r\nSet-Cookie: x", "tab\there, ü"),
        Problem::new(Code::UpstreamTimeout, "http://upstream.test/simple/x/: the answer took longer than 60s"),
        Problem::new(Code::ProjectNotFound, ""),
    ];
    let phrases: Vec<String> = cases.iter().map(reason_phrase).collect();
    assert!(phrases.iter().all(|phrase| phrase.len() < 120 && phrase.bytes().all(|byte| (0x20..0x7f).contains(&byte))));
    insta::assert_snapshot!(phrases.join("\n"), @r"
    Blocked by Bulkhead: requests 9.9.9 is 3 hours old (intake-cooldown)
    Blocked by Bulkhead: requests 9.9.9 is 3 hours old: rule `cooldown` holds releases younger than... (intake-cooldown)
    Blocked by Bulkhead: requests-9.9.9.tar.gz is 3 hours old; files younger than 3 days are held (intake-cooldown)
    Blocked by Bulkhead: requests 9.9.9 is 3 hours old: a very long explanation a very long... (intake-cooldown)
    Blocked by Bulkhead: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... (intake-cooldown)
    Blocked by Bulkhead: a??Set-Cookie: x: tab?here, ? (intake-cooldown)
    Bulkhead: Upstream too slow: http://upstream.test/simple/x/: the answer took longer than 60s (upstream-timeout)
    Bulkhead: No such project upstream (project-not-found)
    ");
}

#[test]
fn a_code_longer_than_the_line_does_not_break_it() {
    let code = Code::Rule { gate: Gate::Intake, rule: "r".repeat(300) };
    assert!(reason_phrase(&Problem::new(code, "why")).len() < 120);
}

#[test]
fn the_answer_is_problem_json_and_never_cached() {
    let response: Response<Bytes> = render(&rule("requests 9.9.9 is 3 hours old", "too young"));
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    let phrase = response.extensions().get::<ReasonPhrase>().unwrap();
    assert_eq!(phrase.as_bytes(), b"Blocked by Bulkhead: requests 9.9.9 is 3 hours old: too young (intake-cooldown)");
    insta::assert_snapshot!(String::from_utf8(response.into_body().to_vec()).unwrap(), @r#"{"code":"intake-cooldown","detail":"too young","error":"requests 9.9.9 is 3 hours old: too young","help":"use 9.9.8","status":403,"title":"requests 9.9.9 is 3 hours old","type":"urn:bulkhead:problem:intake-cooldown"}"#);
}

#[test]
fn clients_are_asked_for_a_token() {
    let response: Response<Bytes> = render(&Problem::new(Code::TokenRequired, "none given"));
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()[WWW_AUTHENTICATE], "Basic realm=\"bulkhead\", charset=\"UTF-8\"");
    let other: Response<Bytes> = render(&Problem::new(Code::LedgerUnavailable, "disk full"));
    assert_eq!((other.status().as_u16(), &other.headers()[RETRY_AFTER]), (503, &HeaderValue::from_static("5")));
    assert!(!other.headers().contains_key(WWW_AUTHENTICATE));
}
