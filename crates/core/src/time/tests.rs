use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn shown_and_read_again_it_is_the_same(seconds in 0..=i64::MAX) {
        let span = Duration::seconds(seconds);
        prop_assert_eq!(span.to_string().parse(), Ok(span));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,8}|[0-9]{1,25}[smhdwy]") {
        if let Ok(span) = text.parse::<Duration>() {
            prop_assert!(span.as_seconds() >= 0);
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }
    }

    #[test]
    fn in_words_there_are_at_most_two_units(seconds in any::<i64>()) {
        prop_assert!((2..=4).contains(&Duration::seconds(seconds).in_words().split(' ').count()));
    }
}

#[test]
fn what_operators_write() {
    for (text, seconds) in [("0s", 0), ("90s", 90), ("5m", 300), ("36h", 129_600), ("3d", 259_200), ("2w", 1_209_600)] {
        assert_eq!(text.parse(), Ok(Duration::seconds(seconds)));
    }
    for text in ["", "3", "d", "-3d", "+3d", "3 d", "3D", "1.5h", "3days", "99999999999999999w", "3é"] {
        assert!(text.parse::<Duration>().is_err(), "{text}");
    }
}

#[test]
fn shown_in_the_largest_unit_that_fits() {
    let shown = [0, 1, 60, 90, 7200, 86_400, 259_200, 604_800].map(|seconds| Duration::seconds(seconds).to_string());
    insta::assert_snapshot!(shown.join(" "), @"0s 1s 1m 90s 2h 1d 3d 1w");
}

#[test]
fn in_words() {
    let words = [-5, 0, 1, 59, 60, 61, 3600, 10_800, 3660, 90_000, 86_460, 187_200, 259_199]
        .map(|seconds| Duration::seconds(seconds).in_words());
    insta::assert_snapshot!(words.join(", "), @"0 seconds, 0 seconds, 1 second, 59 seconds, 1 minute, 1 minute 1 second, 1 hour, 3 hours, 1 hour 1 minute, 1 day 1 hour, 1 day, 2 days 4 hours, 2 days 23 hours");
}
