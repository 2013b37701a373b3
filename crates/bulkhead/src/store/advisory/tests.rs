//! Ranges of versions: the cases that records have, and properties over random ones.

use bulkhead_core::Ecosystem;
use proptest::prelude::*;

use super::{Affected, Affects, Bound, Range, Release};

fn introduced(version: &str) -> Bound {
    Bound::Introduced(version.to_owned())
}

fn fixed(version: &str) -> Bound {
    Bound::Fixed(version.to_owned())
}

fn last(version: &str) -> Bound {
    Bound::LastAffected(version.to_owned())
}

fn in_range(ecosystem: Ecosystem, bounds: &[Bound], version: &str) -> Affects {
    let affected = Affected::new(ecosystem, "demo".to_owned(), Vec::new(), vec![Range { bounds: bounds.to_vec() }]);
    affected.affects(&Release::parse(ecosystem, version).expect("a version"))
}

#[track_caller]
fn check(bounds: &[Bound], inside: &[&str], outside: &[&str]) {
    for version in inside {
        assert_eq!(in_range(Ecosystem::Pypi, bounds, version), Affects::Yes, "{version} in {bounds:?}");
    }
    for version in outside {
        assert_eq!(in_range(Ecosystem::Pypi, bounds, version), Affects::No, "{version} in {bounds:?}");
    }
}

#[test]
fn ranges_as_records_write_them() {
    check(&[introduced("0")], &["0", "0.0.0.dev1", "99!1"], &[]);
    check(&[introduced("0"), fixed("2.0")], &["0.1", "1.9", "2.0rc1", "2.0.dev1"], &["2.0", "2", "2.0.0", "2.0.post1"]);
    check(&[introduced("1.0"), last("2.0")], &["1.0", "1.5", "2.0", "2.0.0"], &["0.9", "1.0rc1", "2.0.post1", "2.0.1"]);
    check(&[introduced("1.0"), last("1.0")], &["1.0"], &["0.9", "1.0.1"]);
    check(&[last("1.0"), introduced("1.0")], &["1.0"], &["0.9", "1.0.1"]);
    check(&[fixed("2.0"), introduced("1.0")], &["1.0"], &["2.0"]);
    check(&[introduced("0"), fixed("1"), introduced("2"), fixed("3")], &["0.5", "2", "2.9"], &["1", "1.9", "3"]);
    check(&[introduced("0"), fixed("1"), introduced("1"), fixed("2")], &["0.5", "1", "1.5"], &["2"]);
    check(&[introduced("1"), fixed("1")], &[], &["0", "1", "2"]);
    check(&[introduced("1")], &["1", "2"], &["0.9"]);
    check(&[fixed("1")], &[], &["0", "2"]);
    check(&[], &[], &["0", "1"]);
    check(&[introduced("1!0")], &["1!0.1"], &["999"]);
}

#[test]
fn versions_are_equal_as_their_ecosystem_says() {
    let versions = ["1.82.8", "v2.0-RC_1", "not a version"].map(str::to_owned).to_vec();
    let affected = Affected::new(Ecosystem::Pypi, "demo".to_owned(), versions, Vec::new());
    let affects = |version: &str| affected.affects(&Release::parse(Ecosystem::Pypi, version).expect("a version"));
    for same in ["1.82.8", "1.82.8.0", "v1.82.8", "2rc1", "2.0.0rc1"] {
        assert_eq!(affects(same), Affects::Yes, "{same}");
    }
    for other in ["1.82", "1.82.80", "1.82.8.post1", "1.82.8+local", "1!1.82.8", "2.0"] {
        assert_eq!(affects(other), Affects::No, "{other}");
    }
}

#[test]
fn a_bound_that_is_no_version_leaves_it_open() {
    let unsure = Affects::Unsure { bound: "r42".to_owned() };
    assert_eq!(in_range(Ecosystem::Pypi, &[introduced("0"), fixed("r42")], "1.0"), unsure);
    // A range that surely holds it settles the matter, whatever else the record says.
    let ranges = [vec![introduced("r42")], vec![introduced("0")]].map(|bounds| Range { bounds }).to_vec();
    let affected = Affected::new(Ecosystem::Pypi, "demo".to_owned(), Vec::new(), ranges);
    assert_eq!(affected.affects(&Release::parse(Ecosystem::Pypi, "1").expect("a version")), Affects::Yes);
}

#[test]
fn semver_orders_as_its_section_11_says() {
    let ascending = [
        "0.9.0",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.1",
        "2",
        "10.0.0",
    ];
    let read = |text: &str| Release::parse(Ecosystem::Npm, text).expect("a version");
    for pair in ascending.windows(2) {
        assert!(read(pair[0]) < read(pair[1]), "{pair:?}");
    }
    assert_eq!(read("1.0.0+build.5"), read("1.0.0"));
    for wrong in ["", "1.0.0.0", "v1.0.0", "1.0.0-", "1.0.0-a..b", "1.x", "-1", "1.0.0-ü"] {
        assert_eq!(Release::parse(Ecosystem::Npm, wrong), None, "{wrong}");
    }
    assert_eq!(in_range(Ecosystem::Npm, &[introduced("1.0.0"), fixed("1.2.0")], "1.2.0-rc.1"), Affects::Yes);
}

#[test]
fn a_version_without_end_is_none() {
    assert_eq!(Release::parse(Ecosystem::Pypi, &format!("1.{}", "0".repeat(100_000))), None);
}

/// A version of two small numbers, so that bounds and versions meet often.
fn version() -> impl Strategy<Value = (u8, u8)> {
    (0..5_u8, 0..5_u8)
}

proptest! {
    /// Against the plainest reading of the schema: walk the bounds in order and remember the last that applies.
    #[test]
    fn random_ranges_agree_with_the_plain_reading(
        cuts in proptest::collection::btree_set(version(), 0..6),
        inclusive in proptest::collection::vec(any::<bool>(), 6),
        from_zero in any::<bool>(),
        shuffle in any::<prop::sample::Index>(),
        asked in version(),
    ) {
        let text = |(major, minor): (u8, u8)| format!("{major}.{minor}");
        let mut bounds = Vec::new();
        let mut expected = false;
        let mut on = from_zero;
        if from_zero {
            bounds.push(introduced("0"));
            expected = true;
        }
        for (nth, cut) in cuts.iter().enumerate() {
            if !on {
                bounds.push(introduced(&text(*cut)));
                if asked >= *cut { expected = true; }
            } else if inclusive[nth] {
                bounds.push(last(&text(*cut)));
                if asked > *cut { expected = false; }
            } else {
                bounds.push(fixed(&text(*cut)));
                if asked >= *cut { expected = false; }
            }
            on = !on;
        }
        // Distinct cuts have one order, however the record lists them.
        if !bounds.is_empty() {
            let by = shuffle.index(bounds.len());
            bounds.rotate_left(by);
        }
        for ecosystem in [Ecosystem::Pypi, Ecosystem::Npm] {
            let answer = in_range(ecosystem, &bounds, &text(asked));
            prop_assert_eq!(answer, if expected { Affects::Yes } else { Affects::No });
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,60}") {
        for ecosystem in Ecosystem::ALL {
            let _either = Release::parse(ecosystem, &text);
        }
        let bounds = [introduced("0"), fixed(&text)];
        let answer = in_range(Ecosystem::Pypi, &bounds, "1.0");
        let readable = Release::parse(Ecosystem::Pypi, &text).is_some();
        prop_assert_eq!(matches!(answer, Affects::Unsure { .. }), !readable);
    }

    #[test]
    fn fixed_and_introduced_split_everything(cut in version(), asked in version()) {
        let (cut, asked) = (format!("{}.{}", cut.0, cut.1), format!("{}.{}", asked.0, asked.1));
        let below = in_range(Ecosystem::Pypi, &[introduced("0"), fixed(&cut)], &asked) == Affects::Yes;
        let above = in_range(Ecosystem::Pypi, &[introduced(&cut)], &asked) == Affects::Yes;
        prop_assert!(below != above);
    }
}
