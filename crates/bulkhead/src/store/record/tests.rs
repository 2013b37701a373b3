//! Records to entries and back.

use bulkhead_core::{Ask, Effect, EntryIndex, Gate, Principal, Verdict};
use bulkhead_ledger::EntryTime;
use proptest::prelude::*;

use super::*;

fn digest(byte: u8) -> Sha256 {
    Sha256::from_bytes([byte; 32])
}

fn entry(draft: &Draft) -> Entry {
    let ask = Ask {
        gate: Gate::Control,
        principal: Principal::new("ci"),
        action: draft.action,
        resource: draft.resource.clone(),
        context: draft.context.clone(),
    };
    let time = EntryTime::from_unix_millis(1_770_000_000_000).expect("a time");
    let mut entry = Entry::new(&ask, &Verdict::plain(Effect::Allow), time, digest(1));
    entry.detail = draft.detail.clone();
    entry
}

/// Through the ledger's own bytes.
fn back(draft: &Draft) -> Result<(Record, Part), String> {
    let bytes = entry(draft).encode(EntryIndex(7)).expect("fits");
    Record::read(&Entry::decode(&bytes).expect("decodes").1).expect("is a record")
}

fn one_of_each() -> Vec<Record> {
    let purl: Purl = "pkg:pypi/demo@1.0".parse().expect("a purl");
    let item = ItemLine { purl: Some(purl.clone()), digest: Some(digest(2)) };
    let at = "2026-03-24T10:00:00Z".parse().expect("a time");
    vec![
        Record::Contents {
            purl: Some(purl.clone()),
            of: digest(3),
            members: vec![MemberLine { digest: digest(4), path: "a \"b\"/c.py".to_owned() }],
        },
        Record::Inventory {
            host: "h".to_owned(),
            environment: "/srv/venv".to_owned(),
            digest: digest(5),
            items: vec![item.clone(), ItemLine { purl: Some(purl), digest: None }],
            unchanged: false,
        },
        Record::Build { output: digest(6), name: "image".to_owned(), at, host: None, inputs: vec![item] },
        Record::Run {
            run: "0197f4a2-0000-7000-8000-000000000001".parse().expect("a run"),
            host: "h".to_owned(),
            start: at,
            end: None,
            environment: Some(digest(6)),
            uses: vec![(Use::Secret, "prod/openai".to_owned()), (Use::Contact, "models.example".to_owned())],
        },
        Record::Assets {
            assets: vec![Asset::Dataset {
                name: "chats".to_owned(),
                owner: None,
                partners: vec!["northwind".to_owned()],
                people: Some(4),
                records: None,
                categories: vec!["names".to_owned()],
            }],
        },
    ]
}

#[test]
fn what_is_written_is_read() {
    for record in one_of_each() {
        let drafts = record.drafts();
        assert_eq!(drafts.len(), 1);
        assert_eq!(back(&drafts[0]), Ok((record, Part { number: 1, of: 1 })));
    }
}

#[test]
fn a_long_list_is_split_and_every_part_fits() {
    let members: Vec<MemberLine> = (0..5_000)
        .map(|number| MemberLine { digest: digest(7), path: format!("{}\"{number}", "x".repeat(90)) })
        .collect();
    let record = Record::Contents { purl: None, of: digest(8), members: members.clone() };
    let (mut found, drafts) = (Vec::new(), record.drafts());
    assert!(drafts.len() > 10);
    for (number, draft) in (1..).zip(&drafts) {
        let (Record::Contents { members, .. }, part) = back(draft).expect("reads") else { panic!("other kind") };
        assert_eq!(part, Part { number, of: drafts.len() as u64 });
        found.extend(members);
    }
    assert_eq!(found, members);
}

#[test]
fn what_is_not_a_record_says_why() {
    let mut draft = one_of_each()[1].drafts().remove(0);
    for (name, value, why) in [
        ("list", "not an item", "is not an ecosystem"),
        ("list", "- -", "neither"),
        ("part", "0", "part 0 of 1"),
        ("parts", "x", "no number"),
    ] {
        let kept = draft.detail.insert(name.to_owned(), value.to_owned());
        let told = back(&draft).expect_err("is refused");
        assert!(told.contains(why) || told.contains("package URL"), "{name} {value}: {told}");
        match kept {
            Some(kept) => draft.detail.insert(name.to_owned(), kept),
            None => draft.detail.remove(name),
        };
    }
    draft.detail.remove("host");
    assert!(back(&draft).expect_err("is refused").contains("host"));
}

proptest! {
    #[test]
    fn any_path_keeps_to_its_line(path in "\\PC{0,40}|[\\x00-\\x1f]{0,9}") {
        let record = Record::Contents { purl: None, of: digest(1), members: vec![MemberLine { digest: digest(2), path }] };
        let (Record::Contents { members, .. }, _) = back(&record.drafts()[0]).expect("reads") else { panic!("other kind") };
        prop_assert_eq!(members.len(), 1);
    }
}
