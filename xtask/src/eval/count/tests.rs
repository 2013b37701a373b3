use super::*;

/// The figures of notes that were made with another program.
#[test]
fn wilson_as_others_have_it() {
    for (hits, of, low, high) in
        [(233, 300, 72.6, 82.0), (239, 300, 74.8, 83.8), (0, 260, 0.0, 1.5), (5, 17, 13.3, 53.1)]
    {
        let (l, h) = Share { hits, of }.interval();
        assert!((l - low).abs() < 0.06 && (h - high).abs() < 0.06, "{hits} of {of}: {l} to {h}");
    }
    assert_eq!(Share::default().interval(), (0.0, 100.0));
    assert!((Share::of([1, 2, 3, 4], |n| n > 1).percent() - 75.0).abs() < 1e-9);
    assert!(Share::default().percent().abs() < 1e-9);
}

#[test]
fn places_in_an_order() {
    assert_eq!(Spread::of([]), Spread::default());
    assert_eq!(Spread::of([7]), Spread { median: 7, p95: 7, max: 7 });
    assert_eq!(Spread::of((1..=100).rev()), Spread { median: 50, p95: 95, max: 100 });
    assert_eq!(Spread::of([1, 2, 3]), Spread { median: 2, p95: 3, max: 3 });
}
