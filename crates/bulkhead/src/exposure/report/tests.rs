//! The clocks of the report, by value.

use super::*;

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// What the paragraph of the clocks says for that moment of awareness: the 72 hours, and the fourth business day.
fn clocks_of(aware: &str) -> (String, String) {
    let html = clocks(time(aware));
    let bold: Vec<&str> = html.split("<b>").skip(1).filter_map(|rest| rest.split("</b>").next()).collect();
    let [deadline, day] = bold[..] else { panic!("{html}") };
    (deadline.to_owned(), day.to_owned())
}

#[test]
fn seventy_two_hours_are_hours_whatever_the_calendar_does() {
    for (aware, deadline) in [
        ("2026-03-24T12:00:00Z", "2026-03-27T12:00:00Z"),
        // Over the weekend in which Europe's clocks go forward, and the one in which they go back.
        ("2026-03-27T22:30:00Z", "2026-03-30T22:30:00Z"),
        ("2026-10-23T22:30:00Z", "2026-10-26T22:30:00Z"),
        // The same moment, as a clock in Berlin before and after shows it.
        ("2026-03-27T23:30:00+01:00", "2026-03-30T22:30:00Z"),
        ("2026-10-24T00:30:00+02:00", "2026-10-26T22:30:00Z"),
        // The end of the year, and of a February with 29 days.
        ("2026-12-30T08:15:30Z", "2027-01-02T08:15:30Z"),
        ("2028-02-27T00:00:00Z", "2028-03-01T00:00:00Z"),
    ] {
        assert_eq!(clocks_of(aware).0, deadline, "{aware}");
    }
}

#[test]
fn four_business_days_skip_weekends_and_begin_the_day_after() {
    for (aware, day) in [
        // Tuesday: Wednesday, Thursday, Friday, Monday.
        ("2026-03-24T12:00:00Z", "2026-03-30"),
        // Monday stays within the week; Friday, Saturday and Sunday all end on Thursday.
        ("2026-03-23T00:00:00Z", "2026-03-27"),
        ("2026-03-27T23:59:59Z", "2026-04-02"),
        ("2026-03-28T00:00:00Z", "2026-04-02"),
        ("2026-03-29T23:59:59Z", "2026-04-02"),
        // Wednesday before the end of the year: 31 December, 1 January (holidays are not known), 4 and 5 January.
        ("2026-12-30T08:15:30Z", "2027-01-05"),
        // A day is one of UTC: it is Friday there, and Saturday in Tokyo.
        ("2026-03-28T03:00:00+09:00", "2026-04-02"),
        ("2028-02-25T10:00:00Z", "2028-03-02"),
    ] {
        assert_eq!(clocks_of(aware).1, day, "{aware}");
    }
}

#[test]
fn the_calendar_that_is_counted_by_is_stated() {
    let html = clocks(time("2026-03-24T12:00:00Z"));
    for said in ["Monday to Friday in UTC", "holidays are not known", "weekends and holidays included"] {
        assert!(html.contains(said), "{said}: {html}");
    }
    // The end of time is no panic.
    assert!(clocks(Timestamp::MAX).contains("72 hours"));
}
