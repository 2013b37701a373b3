//! Pairs of releases as wheels, read by the real adapters: a large honest module, and the same with a few lines more.

use std::fmt::Write as _;

use bulkhead_core::{Confidence, Severity};

use super::make_zip::File;
use super::make_zip::wheel_named;
use crate::delta::{Delta, compare};
use crate::{Limits, inspect};

/// A client of 200 functions, with a place for lines at import and one for lines in a function. What is put there decodes
/// to `pass`.
fn module(at_import: &str, in_function: &str) -> String {
    let mut text = String::from("import base64\nimport json\nimport logging\n\nlog = logging.getLogger(__name__)\n\n");
    for at in 0..200 {
        if at == 100 {
            text.push_str(at_import);
        }
        write!(text, "def call_{at}(client, value):\n    \"\"\"Says {at}.\"\"\"\n    log.debug(\"call %s\", value)\n")
            .expect("a text");
        if at == 101 {
            text.push_str(in_function);
        }
        write!(text, "    return client.post(\"/v1/{at}\", data=json.dumps(value))\n\n\n").expect("a text");
    }
    text
}

fn delta(after: &str, version: &str) -> Delta {
    let read = |version: &str, module: &str| {
        let files = vec![
            File::new("demo/__init__.py", b"from demo import client\n"),
            File::new("demo/client.py", module.as_bytes()),
        ];
        let name = format!("demo-{version}-py3-none-any.whl");
        inspect(&wheel_named("demo", version, files).bytes(), &name, &Limits::default())
    };
    let (before, after) = (read("1.0.0", &module("", "")), read(version, after));
    assert!(before.readable && after.readable, "{:#?}", after.findings);
    compare(&before.profile, &after.profile, "1.0.0", version)
}

fn denied(delta: &Delta) -> bool {
    delta.findings.iter().any(|finding| {
        finding.detector == "delta-unasked-chain"
            && finding.severity >= Severity::High
            && finding.confidence == Confidence::High
    })
}

#[test]
fn a_few_lines_at_import_in_the_middle_of_a_large_module_are_refused() {
    let delta = delta(&module("exec(base64.b64decode(\"cGFzcw==\"))\n\n\n", ""), "1.0.1");
    assert!(denied(&delta), "{delta:#?}");
    let chain = delta.findings.iter().find(|found| found.detector == "delta-unasked-chain").expect("just found");
    let place = chain.location.as_ref().expect("a place");
    let line = module("", "").lines().take_while(|line| !line.starts_with("def call_100")).count() + 1;
    assert_eq!((place.path.as_str(), place.line), ("demo/client.py", u32::try_from(line).ok()));
    assert!(chain.excerpt.as_deref().is_some_and(|excerpt| excerpt.contains("b64decode")), "{chain:#?}");
    assert!(
        delta.findings.iter().any(|found| found.detector == "delta-import-hunk"),
        "the rest of the file is as it was"
    );
}

#[test]
fn the_same_in_a_function_raises_the_score_and_refuses_nothing() {
    let delta = delta(&module("", "    exec(base64.b64decode(\"cGFzcw==\"))\n"), "1.0.1");
    assert!(!denied(&delta), "{delta:#?}");
    assert!(delta.score > 0 && delta.findings.iter().all(|found| found.severity < Severity::High), "{delta:#?}");
    assert_eq!(delta.files.changed, 1);
}

#[test]
fn a_comment_and_a_new_function_are_no_news() {
    let after = module("# A comment.\ndef helper(value):\n    return value\n\n\n", "");
    let delta = delta(&after, "1.0.1");
    assert_eq!((delta.findings.as_slice(), delta.score), (&[][..], 0), "{delta:#?}");
}
