//! What is made of guarddog's words: those of 3.2.0 on the decoy, recorded, and those it has for archives that it cannot read.

use super::*;

const DECOY_JSON: &str = include_str!("decoy.json");

fn told(out: &str, err: &str, ended: Option<&str>) -> Value {
    json!({ "out": out, "err": err, "ended": ended, "cpu_us": 480_000, "rss_kb": 95_000 })
}

fn read_answer(told: &Value) -> Answer {
    answer(told).expect("an answer of the driver")
}

#[test]
fn the_recorded_answer_on_the_decoy_is_read() {
    let answer = read_answer(&told(DECOY_JSON, "", None));
    assert_eq!(answer.verdict, Ok(9.4));
    assert!(answer.suspicious() && answer.high());
    assert_eq!((answer.failed_rules, answer.cpu_us, answer.rss_kb), (0, 480_000, 95_000));
    let recorded: Value = serde_json::from_str(DECOY_JSON).expect("JSON");
    assert_eq!(recorded["package"], "decoy-1.0.tar.gz", "no path of a machine");
}

#[test]
fn a_score_of_nothing_is_a_verdict_and_counts_its_failed_rules() {
    let plain = r#"{"package": "plain-1.0.tar.gz", "results": {}, "errors": {"threat-process-hooks": "failed to run rule: timeout"},
        "issues": 0, "risk_score": {"score": 0.0, "label": "no_risks_detected"}}"#;
    let answer = read_answer(&told(plain, "", None));
    assert_eq!((answer.verdict.clone(), answer.failed_rules), (Ok(0.0), 1));
    assert!(!answer.suspicious());
}

#[test]
fn no_verdict_has_its_reason() {
    let lists = "Network error: no network\nFailed to download new cache data\n";
    let bare = format!("{lists}ERROR: Error occurred while scanning target bare-1.0.tar.gz: 'unsupported archive'\n\n");
    let unread = read_answer(&told("", &bare, Some("exit status 1")));
    assert_eq!(
        unread.verdict,
        Err("exit status 1: ERROR: Error occurred while scanning target bare-1.0.tar.gz: 'unsupported archive'"
            .to_owned())
    );
    assert!(!unread.suspicious() && !unread.high());
    let late = read_answer(&told("", "", Some("ended after 600 s")));
    assert_eq!(late.verdict, Err("ended after 600 s".to_owned()));
    let cut = read_answer(&told(DECOY_JSON, "", Some("ended by the kernel")));
    assert!(cut.verdict.is_err(), "what one says that was ended does not count");
    let half = read_answer(&told(&DECOY_JSON[..DECOY_JSON.len() / 2], "", None));
    assert_eq!(half.verdict, Err("no score in what it prints".to_owned()));
    let errors = r#"{"issues": 0, "errors": {"download-package": "not found"}}"#;
    assert_eq!(read_answer(&told(errors, "", None)).verdict, Err(r#"{"download-package":"not found"}"#.to_owned()));
}

#[test]
fn the_version_is_what_it_says_or_an_error_with_its_complaint() {
    assert_eq!(version(&told("3.2.0\n", "Network error", None)).expect("a version"), "guarddog 3.2.0");
    assert_eq!(version(&told("guarddog, version 3.3.0\n", "", None)).expect("a version"), "guarddog 3.3.0");
    let broken = version(&told("", "ImportError: no module", Some("exit status 1"))).expect_err("no version");
    assert!(broken.to_string().contains("ImportError: no module"), "{broken}");
}

#[test]
fn verdicts_are_kept_by_version_and_silence_is_not() {
    let cache = std::env::temp_dir().join(format!("bulkhead-guarddog-{}.jsonl", std::process::id()));
    let line = |version: &str, digest: &str, score: Value| {
        json!({ "version": version, "sha256": digest, "score": score, "cpu_us": 1, "rss_kb": 2 }).to_string()
    };
    let text = [
        line("guarddog 1", "a", json!(8.0)),
        line("guarddog 1", "b", Value::Null),
        line("guarddog 2", "c", json!(1.0)),
    ];
    fs::write(&cache, text.join("\n")).expect("a file");
    let (one, none) = (read(&cache, "guarddog 1"), read(&cache, "guarddog 3"));
    fs::write(&cache, "{\"version\"").expect("a file");
    let torn = read(&cache, "guarddog 1");
    fs::remove_file(&cache).expect("it is ours");
    let one = one.expect("a cache");
    assert_eq!(one.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(one["a"].verdict, Ok(8.0));
    assert!(none.expect("a cache").is_empty());
    let torn = torn.err().expect("half a line").to_string();
    assert!(torn.contains("line 1"), "{torn}");
    assert!(read(&cache, "guarddog 1").expect("there is none yet").is_empty());
}

#[test]
fn an_archive_is_asked_about_as_what_it_is() {
    let asked = ["a-1.0.tgz", "a-1.0.crate", "a-1.0.tar.gz", "a-1.0-py3-none-any.whl"].map(ecosystem);
    assert_eq!(asked, ["npm", "crates", "pypi", "pypi"]);
}
