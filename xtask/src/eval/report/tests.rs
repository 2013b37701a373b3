//! The counting, on archives made here.

use super::*;
use crate::eval::guarddog::Answer;
use crate::eval::judge::Finding;

fn archive(name: &str, effect: &str, rules: &[&str], detectors: &[&str]) -> Archive {
    let finding = |detector: &&str| Finding {
        detector: (*detector).to_owned(),
        severity: "high".to_owned(),
        context: "import".to_owned(),
    };
    Archive {
        path: format!("/archives/{name}-1.0.tar.gz"),
        sha256: name.to_owned(),
        like: None,
        sketch: Vec::new(),
        unpacked: 10,
        effect: effect.to_owned(),
        without: effect.to_owned(),
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        findings: detectors.iter().map(finding).collect(),
        score: 0,
        verdict_given: true,
        cpu_us: Some(1_000),
        rss_kb: 20_000,
    }
}

fn sets() -> Vec<Set> {
    let clone = Archive { like: Some("a".to_owned()), ..archive("clone", "deny", &["unasked-behaviour"], &["one"]) };
    let only_clone =
        Archive { without: "allow".to_owned(), ..archive("c", "hold", &["campaign-clone"], &["campaign-clone"]) };
    let died = Archive { verdict_given: false, cpu_us: None, ..archive("d", "hold", &["unreadable"], &[]) };
    let malicious = vec![
        archive("a", "deny", &["unasked-behaviour"], &["one", "two"]),
        clone,
        archive("b", "allow", &[], &["two"]),
        only_clone,
        died,
    ];
    let wheels = vec![archive("e", "allow", &[], &[]), archive("f", "hold", &["suspicious-behaviour"], &["two"])];
    vec![
        Set { name: "bad".to_owned(), malicious: true, archives: malicious },
        Set { name: "wheels".to_owned(), malicious: false, archives: wheels },
        Set { name: "ai".to_owned(), malicious: false, archives: vec![archive("g", "transform", &[], &[])] },
    ]
}

#[test]
fn recall_counts_what_is_distinct_and_false_positives_everything() {
    let figures = figures(&sets(), &Answers::default(), &[]);
    let bad = &figures["sets"][0];
    assert_eq!((&bad["files"], &bad["refused"]["of"]), (&json!(5), &json!(4)), "the clone is not counted");
    assert_eq!(
        (&bad["refused"]["hits"], &bad["denied"]["hits"], &bad["refused_without"]["hits"]),
        (&json!(3), &json!(1), &json!(2))
    );
    assert_eq!(
        (&bad["by_form_alone"]["hits"], &bad["no_verdict"]["hits"], &bad["cpu_unknown"]),
        (&json!(1), &json!(1), &json!(1))
    );
    let hits =
        |set: usize| (figures["sets"][set]["refused"]["hits"].clone(), figures["sets"][set]["refused"]["of"].clone());
    assert_eq!((hits(1), hits(2), hits(3)), ((json!(1), json!(2)), (json!(0), json!(1)), (json!(1), json!(3))));
    assert_eq!(figures["sets"][3]["name"], "all benign");
}

#[test]
fn each_detector_is_told_with_where_it_was_alone() {
    let figures = figures(&sets(), &Answers::default(), &[]);
    let row = |name: &str| {
        let rows = figures["detectors"].as_array().expect("a table");
        let row = rows.iter().find(|row| row["name"] == name).expect("a row");
        ["malicious", "malicious_alone", "benign", "benign_alone"].map(|column| row[column].as_u64().expect("a number"))
    };
    assert_eq!(row("one"), [1, 0, 0, 0]);
    assert_eq!(row("two"), [2, 1, 1, 1]);
    assert_eq!(row("campaign-clone"), [1, 1, 0, 0]);
}

#[test]
fn the_lists_name_what_is_wrong() {
    assert_eq!(misses(&sets()), "/archives/b-1.0.tar.gz\tallow\t\t0\ttwo/high/import\n");
    assert_eq!(false_positives(&sets()), "/archives/f-1.0.tar.gz\thold\tsuspicious-behaviour\t0\ttwo/high/import\n");
}

#[test]
fn the_text_has_every_set_and_figure() {
    let text = text(&figures(&sets(), &Answers::default(), &["campaign-clone".to_owned()]));
    for words in [
        "bad: 4 archives, 5 files",
        "all benign: 3 archives",
        "recall, deny or hold",
        "(30.1 to 95.4; 3 of 4)",
        "without campaign-clone",
        "\ndetector                         malicious  alone   benign  alone\n",
        "\none                                      1      0        0      0\n",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

/// The peer's: a find, a find where the product says nothing, nothing where the product holds, and no verdict.
fn peer() -> Answers {
    let answer = |verdict, failed_rules| Answer { verdict, failed_rules, cpu_us: 500_000, rss_kb: 95_000 };
    let answers = [
        ("a", answer(Ok(8.8), 1)),
        ("b", answer(Ok(5.0), 0)),
        ("c", answer(Ok(4.9), 0)),
        ("d", answer(Err("not a tar".to_owned()), 0)),
    ];
    let answers = answers.map(|(digest, answer)| (digest.to_owned(), answer));
    Answers { version: Some("guarddog 0.0".to_owned()), answers: answers.into() }
}

#[test]
fn both_are_counted_on_what_both_have_seen() {
    let figures = figures(&sets(), &peer(), &[]);
    let pairs = &figures["sets"][0]["pairs"];
    let hits = ["refused", "suspicious", "high"].map(|name| pairs[name]["hits"].clone());
    assert_eq!(hits, [json!(3), json!(2), json!(1)]);
    let counts = ["only_bulkhead", "only_peer", "neither", "no_verdict", "failed_rules"];
    assert_eq!(counts.map(|name| pairs[name].clone()), [json!(2), json!(1), json!(0), json!(1), json!(1)]);
    assert!(figures["sets"][1]["pairs"].is_null(), "it saw nothing of the wheels");
    let text = text(&figures);
    for words in ["beside guarddog 0.0 on the same 4 archives", "it gives no verdict      1 (and on 1", "median 500.0"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn who_said_nothing_is_named_with_the_reason() {
    assert_eq!(
        no_verdicts(&sets(), &peer()),
        "/archives/d-1.0.tar.gz\tBulkhead\tunreadable\n/archives/d-1.0.tar.gz\tguarddog 0.0\tnot a tar\n"
    );
}
