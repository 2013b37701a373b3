//! The form in which reports travel.

use super::make_zip::wheel;
use super::{WHEEL, look};
use crate::{ArchiveKind, Content, RULESET, Report};

#[test]
fn a_report_survives_the_pipe() {
    let report = look(&wheel(&[("demo_init.pth", b"import os\n")]).bytes(), WHEEL);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    let strange = json.replacen('{', "{\"surprise\":1,", 1);
    assert!(serde_json::from_str::<Report>(&strange).is_err());
}

#[test]
fn metadata_travels_byte_for_byte() {
    for bytes in [&b"Name: x\r\n\n"[..], b"Name: \xff\xfe\n", b""] {
        let json = serde_json::to_string(&Content(bytes.to_vec())).unwrap();
        assert_eq!(serde_json::from_str::<Content>(&json).unwrap().0, bytes, "{json}");
    }
}

#[test]
fn a_lost_worker_leaves_a_report_that_says_so() {
    let why = "the worker ran out of time\n\u{1b}[31m";
    for (report, detector) in [
        (Report::unreadable(ArchiveKind::Wheel, why), "unreadable-archive"),
        (Report::unfinished(ArchiveKind::Wheel, why), "reading-unfinished"),
    ] {
        assert!(!report.readable);
        assert_eq!(report.ruleset, RULESET);
        assert_eq!(report.findings[0].detector, detector);
        assert_eq!(report.findings[0].severity, bulkhead_core::Severity::High);
        assert!(report.findings[0].title.contains("ran out of time") && !report.findings[0].title.contains('\u{1b}'));
    }
}
