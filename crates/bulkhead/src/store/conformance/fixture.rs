//! Entries and feeds for the suite.

use std::collections::VecDeque;

use bulkhead_core::{
    Action, Ask, Context, Ecosystem, Effect, EntryIndex, Gate, Principal, Purl, Reason, Resource, Sha256, Verdict,
};
use bulkhead_ledger::{Entry, EntryTime};
use jiff::Timestamp;

use crate::store::{Advisory, AdvisoryStream, FeedRefused, FeedSummary, Indexed, WithBytes};

/// A moment, in seconds after the suite's own beginning.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + second).expect("a moment of 2026")
}

pub(crate) fn project(name: &str) -> Purl {
    Purl::project(Ecosystem::Pypi, name).expect("a good name")
}

pub(super) fn digest(byte: u8) -> Sha256 {
    Sha256::from_bytes([byte; 32])
}

pub(super) fn entry(index: u64, action: Action, purl: &Purl, file: Option<&str>, verdict: Verdict) -> Indexed {
    let ask = Ask {
        gate: Gate::Intake,
        principal: Principal::new("ci"),
        action,
        resource: Resource { purl: Some(purl.clone()), file: file.map(str::to_owned), ..Resource::default() },
        context: Context::default(),
    };
    let millis = u64::try_from(at(i64::try_from(index).expect("small")).as_millisecond()).expect("after 1970");
    let time = EntryTime::from_unix_millis(millis).expect("before 10000");
    (EntryIndex(index), Entry::new(&ask, &verdict, time, digest(0xAA)))
}

/// As the log gives it to a rebuild.
pub(crate) fn with_bytes((at, entry): Indexed) -> WithBytes {
    let bytes = entry.encode(at).expect("encodes");
    (at, entry, bytes)
}

/// A file that was served.
pub(crate) fn fetch(index: u64, purl: &Purl, file: &str) -> Indexed {
    entry(index, Action::Fetch, purl, Some(file), Verdict::plain(Effect::Allow))
}

/// A file that these rules held.
pub(crate) fn refusal(index: u64, purl: &Purl, file: &str, rules: &[&str]) -> Indexed {
    let reason = |rule: &&str| Reason {
        rule: (*rule).to_owned(),
        effect: Effect::Hold,
        text: format!("{rule} holds it"),
        help: String::new(),
        audit: false,
        excepted_by: None,
    };
    let verdict = Verdict { effect: Effect::Hold, reasons: rules.iter().map(reason).collect() };
    entry(index, Action::Fetch, purl, Some(file), verdict)
}

/// A review entry with these details.
pub(super) fn review(index: u64, action: Action, purl: &Purl, details: &[(&str, &str)]) -> Indexed {
    let (index, mut entry) = entry(index, action, purl, None, Verdict::plain(Effect::Allow));
    entry.gate = Gate::Control;
    (index, details.iter().fold(entry, |entry, (name, value)| entry.with_detail(name, *value)))
}

/// A feed from memory, which may end in a refusal.
pub(crate) struct Stream {
    waiting: VecDeque<Advisory>,
    end: Result<FeedSummary, FeedRefused>,
}

impl Stream {
    pub(crate) fn good(advisories: Vec<Advisory>) -> Self {
        let end = Ok(summary_of(advisories.len()));
        Self { waiting: advisories.into(), end }
    }

    pub(super) fn refused(advisories: Vec<Advisory>, why: &str) -> Self {
        Self { waiting: advisories.into(), end: Err(FeedRefused(why.to_owned())) }
    }
}

impl AdvisoryStream for Stream {
    fn next(&mut self) -> Option<Advisory> {
        self.waiting.pop_front()
    }

    fn finish(&mut self) -> Result<FeedSummary, FeedRefused> {
        self.end.clone()
    }
}

pub(crate) fn summary_of(records: usize) -> FeedSummary {
    let records = records as u64;
    FeedSummary { digest: digest(7), records, withdrawn: 1, elsewhere: 2, invalid: 0, newest: Some(at(-60)) }
}
