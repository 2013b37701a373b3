//! Entries in, answers out; twice the same, and the same again after a reset.

use bulkhead_core::{Action, Effect, EntryIndex, Gate, Principal, Reason, Verdict};

use super::Check;
use super::fixture::{at, digest, entry, fetch, project, refusal, review, with_bytes};
use crate::store::{Indexed, Ruling, Store, StoreError, detail};

pub(super) const ALL: &[Check] = &[
    ("entries are found by every key, newest first", found_by_every_key),
    ("a repeat is harmless and a gap is refused", repeat_and_gap),
    ("a rebuild gives the same, whole or not at all", rebuild),
    ("held items count, close when the file passes and open anew", held),
    ("decisions settle held items for as long as they are in force", decisions),
    ("a review without owner, reason or expiry decides nothing", undecided),
    ("served versions keep the newest upload time", served),
    ("audited and excepted reasons hold nothing", weightless),
];

fn found_by_every_key(store: &dyn Store) {
    let (old, new) = (project("demo").at("1.0"), project("demo").at("2.0"));
    let run = "0190163d-8694-739b-aea5-966c26f8ad90".parse().expect("a run id");
    let mut last = fetch(2, &new, "demo-2.0.tar.gz");
    last.1.resource.digest = Some(digest(2));
    last.1.context.run = Some(run);
    let entries = [fetch(0, &old, "demo-1.0.tar.gz"), fetch(1, &project("other").at("1.0"), "other.whl"), last];
    store.project(&entries).expect("projects");
    let [first, other, last] = entries;
    assert_eq!(store.projected_to().expect("answers"), Some(EntryIndex(2)));
    assert_eq!(store.entry(EntryIndex(1)).expect("answers"), Some(other.clone()));
    assert_eq!(store.entry(EntryIndex(3)).expect("answers"), None);
    assert_eq!(store.entries_about(&old, 9).expect("answers"), std::slice::from_ref(&first));
    assert_eq!(store.entries_about(&project("demo"), 9).expect("answers"), [last.clone(), first.clone()]);
    assert_eq!(store.entries_about(&project("demo"), 1).expect("answers"), std::slice::from_ref(&last));
    assert_eq!(store.entries_with_digest(&digest(2), 9).expect("answers"), std::slice::from_ref(&last));
    assert_eq!(store.entries_of_run(&run, 9).expect("answers"), std::slice::from_ref(&last));
    assert_eq!(store.latest_runs(9).expect("answers"), [(last.clone(), last.clone())]);
    assert_eq!(store.latest_entries(2).expect("answers"), [last, other]);
}

fn repeat_and_gap(store: &dyn Store) {
    let demo = project("demo").at("1.0");
    let entries: Vec<Indexed> = (0..3).map(|index| fetch(index, &demo, "demo.whl")).collect();
    let count = |store: &dyn Store| store.served(&demo).expect("answers")[0].count;
    store.project(&entries[..2]).expect("projects");
    store.project(&entries[..2]).expect("a repeat is no error");
    assert_eq!(count(store), 2);
    store.project(&entries).expect("a repeat with something new");
    assert_eq!(count(store), 3);
    for gap in [vec![fetch(4, &demo, "demo.whl")], vec![fetch(3, &demo, "demo.whl"), fetch(5, &demo, "demo.whl")]] {
        let error = store.project(&gap).expect_err("a gap");
        assert!(matches!(error, StoreError::Gap { .. }), "{error}");
        assert_eq!(store.projected_to().expect("answers"), Some(EntryIndex(2)), "nothing of it was taken");
    }
    store.project(&[]).expect("nothing is nothing");
}

fn rebuild(store: &dyn Store) {
    let demo = project("demo").at("1.0");
    let mut entries = vec![
        fetch(0, &demo, "a.whl"),
        refusal(1, &demo, "b.whl", &["cooldown", "no-hash"]),
        refusal(2, &demo, "b.whl", &["cooldown"]),
        release(3, "cooldown", "2027-01-01T00:00:00Z"),
        refusal(4, &demo, "c.whl", &[]),
    ];
    entries.push(fetch(5, &demo, "c.whl"));
    let answers = |store: &dyn Store| {
        let held = store.held(at(100)).expect("answers");
        let decisions = store.decisions_for(&demo).expect("answers");
        (held, decisions, store.served(&demo).expect("answers"), store.latest_entries(99).expect("answers"))
    };
    store.project(&entries).expect("projects");
    store.set_meta("kept", "yes").expect("keeps");
    let before = answers(store);
    assert_eq!(before.1.len(), 1);
    assert_eq!(store.rebuild_projections(&mut std::iter::empty()).expect("rebuilds"), 0);
    assert_eq!(store.projected_to().expect("answers"), None);
    assert_eq!(answers(store), (vec![], vec![], vec![], vec![]));
    assert_eq!(store.meta("kept").expect("answers").as_deref(), Some("yes"), "what no entry gives back is kept");
    let gap =
        store.rebuild_projections(&mut entries.iter().skip(1).cloned().map(with_bytes).map(Ok)).expect_err("a gap");
    assert!(matches!(gap, StoreError::Gap { .. }), "{gap}");
    assert_eq!(store.rebuild_projections(&mut entries.iter().cloned().map(with_bytes).map(Ok)).expect("rebuilds"), 6);
    assert_eq!(answers(store), before);
    store.rebuild_projections(&mut std::iter::empty()).expect("rebuilds");
    // One by one this time: the grouping must not matter.
    for entry in &entries {
        store.project(std::slice::from_ref(entry)).expect("projects");
    }
    assert_eq!(answers(store), before);
}

fn held(store: &dyn Store) {
    let demo = project("demo").at("1.0");
    let mut by_dev = refusal(1, &demo, "a.whl", &["cooldown", "no-hash"]);
    by_dev.1.principal = Principal::new("dev");
    by_dev.1 = by_dev.1.with_detail(detail::UPLOADED, "2026-02-01T00:00:00Z");
    store.project(&[refusal(0, &demo, "a.whl", &["cooldown"]), by_dev]).expect("projects");
    let items = store.held(at(100)).expect("answers");
    assert_eq!(items.iter().map(|item| &*item.rule).collect::<Vec<_>>(), ["cooldown", "no-hash"]);
    let item = &items[0];
    assert_eq!((item.count, item.first_asked, item.last_asked, item.last_entry), (2, at(0), at(1), EntryIndex(1)));
    assert_eq!(item.principals, [Principal::new("ci"), Principal::new("dev")]);
    assert_eq!((&item.purl, item.file.as_deref(), item.effect), (&demo, Some("a.whl"), Effect::Hold));
    assert_eq!(item.uploaded, Some("2026-02-01T00:00:00Z".parse().expect("a time")));
    assert_eq!(item.text, "cooldown holds it");
    // One rule no longer refuses.
    store.project(&[refusal(2, &demo, "a.whl", &["no-hash"])]).expect("projects");
    assert_eq!(rules(store), ["no-hash"]);
    // It passes; another file of the release is another matter.
    store.project(&[refusal(3, &demo, "b.whl", &["cooldown"]), fetch(4, &demo, "a.whl")]).expect("projects");
    assert_eq!(store.held(at(100)).expect("answers")[0].file.as_deref(), Some("b.whl"));
    assert_eq!(rules(store), ["cooldown"]);
    // Refused again: a new count, and only who asked since.
    store.project(&[refusal(5, &demo, "a.whl", &["cooldown"])]).expect("projects");
    let again = store.held(at(100)).expect("answers").pop().expect("an item");
    assert_eq!((again.count, again.first_asked), (1, at(5)));
    assert_eq!(again.principals, [Principal::new("ci")]);
    // A refusal that no rule made.
    store.project(&[refusal(6, &demo, "c.whl", &[])]).expect("projects");
    assert!(rules(store).contains(&"default".to_owned()));
}

fn decisions(store: &dyn Store) {
    let (demo, other) = (project("demo").at("1.0"), project("demo").at("2.0"));
    let mut entries = vec![
        refusal(0, &demo, "a.whl", &["cooldown", "no-hash"]),
        refusal(1, &other, "b.whl", &["cooldown"]),
        release(2, "cooldown", &at(50).to_string()),
    ];
    store.project(&entries).expect("projects");
    let open = |second: i64| -> Vec<(String, String)> {
        let items = store.held(at(second)).expect("answers");
        items.into_iter().map(|item| (item.purl.version().unwrap_or("-").to_owned(), item.rule)).collect()
    };
    let pair = |version: &str, rule: &str| (version.to_owned(), rule.to_owned());
    assert_eq!(open(10), [pair("1.0", "no-hash"), pair("2.0", "cooldown")]);
    assert_eq!(open(50), [pair("1.0", "cooldown"), pair("1.0", "no-hash"), pair("2.0", "cooldown")], "it has expired");
    entries.push(review(3, Action::ReviewReject, &project("demo"), &[(detail::OWNER, "ann"), (detail::REASON, "no")]));
    store.project(&entries).expect("projects");
    assert_eq!(open(50), [], "every release was rejected");
    let decisions = store.decisions_for(&other).expect("answers");
    assert_eq!(
        decisions.iter().map(|decision| decision.ruling).collect::<Vec<_>>(),
        [Ruling::Released, Ruling::Rejected]
    );
    let release = &decisions[0];
    assert_eq!((&*release.owner, &*release.reason, release.rule.as_deref()), ("ann", "looked at it", Some("cooldown")));
    assert_eq!(
        (release.entry, release.at, release.expires, &release.purl),
        (EntryIndex(2), at(2), Some(at(50)), &demo)
    );
    assert!(release.in_force(at(49)) && !release.in_force(at(50)));
    assert_eq!(store.decisions_for(&project("another")).expect("answers"), []);
}

fn undecided(store: &dyn Store) {
    let demo = project("demo").at("1.0");
    let (owner, reason) = ((detail::OWNER, "ann"), (detail::REASON, "fine"));
    let expires = (detail::EXPIRES, "2027-01-01T00:00:00Z");
    let bad = [
        vec![owner, reason],
        vec![owner, expires],
        vec![reason, expires],
        vec![owner, reason, (detail::EXPIRES, "tomorrow")],
    ];
    let mut entries = vec![refusal(0, &demo, "a.whl", &["cooldown"])];
    for (index, details) in (1..).zip(&bad) {
        entries.push(review(index, Action::ReviewRelease, &demo, details));
    }
    // The right words at the wrong gate are nothing either.
    let mut forged = release(5, "cooldown", "2027-01-01T00:00:00Z");
    forged.1.gate = Gate::Intake;
    forged.1.effect = Effect::Hold;
    entries.push(forged);
    store.project(&entries).expect("projects");
    assert_eq!(store.decisions_for(&demo).expect("answers"), []);
    assert!(rules(store).contains(&"cooldown".to_owned()));
}

fn served(store: &dyn Store) {
    let told = |index, version: &str, uploaded: &str| {
        let (index, entry) = fetch(index, &project("demo").at(version), "demo.whl");
        (index, entry.with_detail(detail::UPLOADED, uploaded))
    };
    let entries = [
        told(0, "1.0", ""),
        told(1, "1.0", "2026-01-02T00:00:00Z"),
        told(2, "1.0", "2026-01-01T00:00:00Z"),
        told(3, "2.0", "the day before"),
        refusal(4, &project("demo").at("3.0"), "demo.whl", &["cooldown"]),
        entry(5, Action::Metadata, &project("demo").at("4.0"), Some("demo.whl"), Verdict::plain(Effect::Allow)),
        fetch(6, &project("other").at("9.0"), "other.whl"),
    ];
    store.project(&entries).expect("projects");
    let mut served = store.served(&project("demo").at("ignored")).expect("answers");
    served.sort_by(|one, other| one.version.cmp(&other.version));
    assert_eq!(served.iter().map(|served| &*served.version).collect::<Vec<_>>(), ["1.0", "2.0"]);
    assert_eq!(served[0].uploaded, Some("2026-01-02T00:00:00Z".parse().expect("a time")));
    assert_eq!((served[0].count, served[0].last_served), (3, at(2)));
    assert_eq!(served[1].uploaded, None);
}

fn weightless(store: &dyn Store) {
    let reason = |rule: &str, audit: bool, excepted_by: Option<&str>| Reason {
        rule: rule.to_owned(),
        effect: Effect::Deny,
        text: "text".to_owned(),
        help: String::new(),
        audit,
        excepted_by: excepted_by.map(str::to_owned),
    };
    let reasons = vec![reason("real", false, None), reason("tried", true, None), reason("waived", false, Some("x"))];
    let verdict = Verdict { effect: Effect::Deny, reasons };
    let demo = project("demo").at("1.0");
    store.project(&[entry(0, Action::Fetch, &demo, Some("a.whl"), verdict)]).expect("projects");
    assert_eq!(rules(store), ["real"]);
}

fn release(index: u64, rule: &str, expires: &str) -> Indexed {
    let details =
        [(detail::OWNER, "ann"), (detail::REASON, "looked at it"), (detail::RULE, rule), (detail::EXPIRES, expires)];
    review(index, Action::ReviewRelease, &project("demo").at("1.0"), &details)
}

fn rules(store: &dyn Store) -> Vec<String> {
    store.held(at(100)).expect("answers").into_iter().map(|item| item.rule).collect()
}
