//! Feeds: replaced whole or not at all, found by name and by file.

use bulkhead_core::{Ecosystem, Purl};

use super::Check;
use super::fixture::{Stream, at, digest, project, summary_of};
use crate::store::{Advisory, Affected, Bound, Feed, ImportError, Range, Store};

pub(super) const ALL: &[Check] = &[
    ("an advisory is found by each project and file that it names", found),
    ("a feed replaces the one of its name and no other", replaced),
    ("a refused feed changes nothing", refused),
    ("a feed can be removed", removed),
    ("a feed larger than any batch comes in whole", large),
];

fn advisory(id: &str, name: &str, versions: &[&str]) -> Advisory {
    let versions = versions.iter().map(|version| (*version).to_owned()).collect();
    Advisory {
        id: id.to_owned(),
        aliases: vec![format!("{id}-ALIAS")],
        summary: format!("about {name}"),
        malicious: id.starts_with("MAL-"),
        modified: at(-100),
        affected: vec![Affected::new(Ecosystem::Pypi, name.to_owned(), versions, Vec::new())],
        files: Vec::new(),
    }
}

fn ids(store: &dyn Store, name: &str) -> Vec<String> {
    store.advisories_on(&project(name)).expect("answers").into_iter().map(|advisory| advisory.id).collect()
}

fn found(store: &dyn Store) {
    let mut wide = advisory("MAL-2", "demo", &["1.0"]);
    let range = Range { bounds: vec![Bound::Introduced("2".to_owned()), Bound::Fixed("2.5".to_owned())] };
    wide.affected.push(Affected::new(Ecosystem::Pypi, "demo".to_owned(), Vec::new(), vec![range]));
    wide.affected.push(Affected::new(Ecosystem::Npm, "@demo/x".to_owned(), vec!["1.0.0".to_owned()], Vec::new()));
    wide.files = vec![digest(1), digest(2)];
    let feed = vec![wide.clone(), advisory("GHSA-1", "demo", &["3"]), advisory("MAL-3", "other", &["1"])];
    store.import_feed("test", &mut Stream::good(feed.clone()), at(0)).expect("imports");
    let on_demo = store.advisories_on(&project("demo").at("any")).expect("answers");
    assert_eq!(on_demo[0], feed[1]);
    // The part on another project is not asked for, and the files are asked for on their own.
    assert_eq!(on_demo[1], Advisory { affected: wide.affected[..2].to_vec(), files: Vec::new(), ..wide.clone() });
    let scoped: Purl = "pkg:npm/%40demo/x".parse().expect("a purl");
    assert_eq!(store.advisories_on(&scoped).expect("answers")[0].affected, wide.affected[2..]);
    assert_eq!(ids(store, "unknown"), [""; 0]);
    let by_file = store.advisories_with_files(&[digest(9), digest(2)]).expect("answers");
    assert_eq!(by_file.keys().collect::<Vec<_>>(), [&digest(2)]);
    assert_eq!(by_file[&digest(2)][0].id, "MAL-2");
}

fn replaced(store: &dyn Store) {
    let epoch = store.feed_epoch();
    let mut first = advisory("MAL-1", "demo", &["1"]);
    first.files.push(digest(1));
    store.import_feed("a", &mut Stream::good(vec![first]), at(0)).expect("imports");
    store.import_feed("b", &mut Stream::good(vec![advisory("MAL-9", "demo", &["9"])]), at(1)).expect("imports");
    assert_eq!(ids(store, "demo"), ["MAL-1", "MAL-9"]);
    let between = store.feed_epoch();
    assert_ne!(between, epoch);
    let feed =
        store.import_feed("a", &mut Stream::good(vec![advisory("MAL-2", "demo", &["2"])]), at(2)).expect("imports");
    assert_ne!(store.feed_epoch(), between);
    assert_eq!(feed, Feed { name: "a".to_owned(), summary: summary_of(1), imported_at: at(2) });
    assert_eq!(ids(store, "demo"), ["MAL-2", "MAL-9"]);
    assert!(store.advisories_with_files(&[digest(1)]).expect("answers").is_empty());
    let feeds = store.feeds().expect("answers");
    assert_eq!(
        feeds.iter().map(|feed| (&*feed.name, feed.imported_at)).collect::<Vec<_>>(),
        [("a", at(2)), ("b", at(1))]
    );
    assert_eq!(feeds[0], feed);
}

fn refused(store: &dyn Store) {
    store.import_feed("a", &mut Stream::good(vec![advisory("MAL-1", "demo", &["1"])]), at(0)).expect("imports");
    let epoch = store.feed_epoch();
    let bad = vec![advisory("MAL-2", "demo", &["2"]); 2_500];
    let error = store.import_feed("a", &mut Stream::refused(bad, "cut off"), at(1)).expect_err("is refused");
    assert!(matches!(&error, ImportError::Refused(why) if why.0 == "cut off"), "{error}");
    assert_eq!(ids(store, "demo"), ["MAL-1"]);
    assert_eq!((store.feed_epoch(), store.feeds().expect("answers")[0].imported_at), (epoch, at(0)));
}

fn removed(store: &dyn Store) {
    store.import_feed("a", &mut Stream::good(vec![advisory("MAL-1", "demo", &["1"])]), at(0)).expect("imports");
    let epoch = store.feed_epoch();
    assert!(!store.remove_feed("b").expect("answers"));
    assert_eq!(store.feed_epoch(), epoch);
    assert!(store.remove_feed("a").expect("removes"));
    assert_ne!(store.feed_epoch(), epoch);
    assert_eq!((ids(store, "demo").len(), store.feeds().expect("answers").len()), (0, 0));
}

fn large(store: &dyn Store) {
    let many =
        |count: usize| (0..count).map(|nth| advisory(&format!("MAL-{nth}"), &format!("p{nth}"), &["1"])).collect();
    store.import_feed("a", &mut Stream::good(many(4_321)), at(0)).expect("imports");
    for name in ["p0", "p999", "p1000", "p4320"] {
        assert_eq!(ids(store, name).len(), 1, "{name}");
    }
    store.import_feed("a", &mut Stream::good(many(1_500)), at(1)).expect("replaces");
    assert_eq!((ids(store, "p1499").len(), ids(store, "p1500").len()), (1, 0));
}
