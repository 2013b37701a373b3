//! Entries about the estate that put a row into every table.

use bulkhead_core::{
    Action, Ask, Context, Effect, EntryIndex, Gate, Principal, Purl, Reason, Resource, Sha256, Verdict,
};
use bulkhead_ledger::{Entry, EntryTime};

use crate::store::Indexed;
use crate::store::Store as _;
use crate::store::graph::Kind;
use crate::store::record::{Asset, Draft, ItemLine, MemberLine, Record, Use};
use crate::store::sqlite::SqliteStore;

fn digest(byte: u8) -> Sha256 {
    Sha256::from_bytes([byte; 32])
}

fn entry(index: u64, gate: Gate, draft: Draft) -> Indexed {
    let Draft { action, resource, context, detail } = draft;
    let ask = Ask { gate, principal: Principal::new("ci"), action, resource, context };
    let time = EntryTime::from_unix_millis(1_770_000_000_000 + index * 1_000).expect("a time");
    let refused = Reason {
        rule: "later".to_owned(),
        effect: Effect::Deny,
        text: "was found out".to_owned(),
        help: String::new(),
        audit: false,
        excepted_by: None,
    };
    let verdict = match ask.action {
        Action::Rejudge => Verdict { effect: Effect::Deny, reasons: vec![refused] },
        _ => Verdict::plain(Effect::Allow),
    };
    let mut entry = Entry::new(&ask, &verdict, time, digest(0xAA));
    entry.detail = detail;
    (EntryIndex(index), entry)
}

fn item(purl: &Purl, byte: u8) -> ItemLine {
    ItemLine { purl: Some(purl.clone()), digest: Some(digest(byte)) }
}

fn scan(items: Vec<ItemLine>, list: u8, unchanged: bool) -> Record {
    let (host, environment) = ("h".to_owned(), "venv".to_owned());
    Record::Inventory { host, environment, digest: digest(list), items, unchanged }
}

pub(super) fn one_of_each(first: u64) -> Vec<Indexed> {
    let purl: Purl = "pkg:pypi/demo@1.0".parse().expect("a purl");
    let at = "2026-02-02T10:00:00Z".parse().expect("a time");
    let run = |end| Record::Run {
        run: "0197f4a2-0000-7000-8000-000000000001".parse().expect("a run"),
        host: "h".to_owned(),
        start: at,
        end,
        environment: Some(digest(6)),
        uses: vec![(Use::Secret, "s".to_owned())],
    };
    let members = vec![MemberLine { digest: digest(4), path: "a.py".to_owned() }];
    let dataset = |name: &str| Asset::Dataset {
        name: name.to_owned(),
        owner: None,
        partners: vec!["p".to_owned()],
        people: Some(3),
        records: None,
        categories: Vec::new(),
    };
    let records = [
        Record::Contents { purl: Some(purl.clone()), of: digest(3), members },
        scan(vec![item(&purl, 3), item(&purl, 9)], 1, false),
        scan(Vec::new(), 1, true),
        scan(vec![item(&purl, 3)], 2, false),
        scan(Vec::new(), 1, true),
        Record::Build { output: digest(6), name: "image".to_owned(), at, host: None, inputs: vec![item(&purl, 3)] },
        run(None),
        run(Some(at)),
        Record::Assets { assets: vec![dataset("gone")] },
        Record::Assets { assets: vec![dataset("d"), Asset::Partner { name: "p".to_owned(), owner: None }] },
    ];
    let mut drafts: Vec<(Gate, Draft)> =
        records.iter().flat_map(Record::drafts).map(|draft| (Gate::Control, draft)).collect();
    let about = |action, detail: &[(&str, &str)], file: u8| Draft {
        action,
        resource: Resource { purl: Some(purl.clone()), digest: Some(digest(file)), ..Resource::default() },
        context: Context::default(),
        detail: detail.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    drafts.push((Gate::Intake, about(Action::Fetch, &[], 3)));
    drafts.push((Gate::Intake, about(Action::Fetch, &[], 7)));
    drafts.push((Gate::Control, about(Action::Alarm, &[("advisory", "MAL-1")], 3)));
    drafts.push((Gate::Control, about(Action::Rejudge, &[], 3)));
    let wrong = about(Action::Inventory, &[("host", "h"), ("environment", "e"), ("list", "nonsense")], 1);
    drafts.push((Gate::Control, wrong));
    (first..).zip(drafts).map(|(index, (gate, draft))| entry(index, gate, draft)).collect()
}

#[test]
fn a_scan_that_changed_closes_what_is_gone_and_a_wrong_claim_is_a_gap() {
    let store = SqliteStore::in_memory().expect("opens");
    store.project(&one_of_each(0)).expect("projects");
    store
        .look(&mut |graph| {
            let find = |byte: u8| graph.find(Kind::File, &digest(byte).to_hex()).expect("finds").expect("is there");
            let stays = graph.presences(find(3))?;
            assert_eq!((stays.len(), stays[0].gone), (1, None));
            let gone = graph.presences(find(9))?;
            assert_eq!(gone[0].entries, [1, 3, 3], "seen by the first scan, gone by the third entry");
            assert!(gone[0].gone > Some(gone[0].first));
            // A claim to be unchanged against another list, and a list that is none.
            assert_eq!(graph.unread()?.iter().map(|(entry, _)| *entry).collect::<Vec<_>>(), [4, 14]);
            let assets = graph.assets(Kind::Dataset)?;
            assert_eq!(assets.iter().map(|asset| asset.name.as_str()).collect::<Vec<_>>(), ["d"]);
            assert_eq!(graph.unindexed()?.0, 1, "the file whose contents are recorded does not count");
            assert_eq!(graph.inside()?.len(), 1);
            Ok(())
        })
        .expect("looks");
}
