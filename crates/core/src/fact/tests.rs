use proptest::prelude::*;

use super::*;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        "\\PC{0,20}".prop_map(Value::Text),
        prop::collection::vec("\\PC{0,8}", 0..4).prop_map(Value::List),
    ]
}

proptest! {
    #[test]
    fn facts_come_back_from_the_store_as_they_were(attributes in prop::collection::btree_map("[a-z]{1,8}\\.[a-z]{1,8}", value(), 0..6)) {
        let mut facts = Facts { attributes, ..Facts::new() };
        facts.unknown("advisories", "the feed is 9 days old");
        let json = serde_json::to_string(&facts).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Facts>(&json).expect("facts"), facts);
    }
}

#[test]
fn what_was_not_learned_is_null() {
    let mut facts = Facts::new();
    facts.set("file.size", None::<i64>);
    facts.set("advisory.malicious", vec!["MAL-1"]);
    assert_eq!(facts.get("file.size"), Some(&Value::Null));
    assert_eq!(facts.get("advisory.malicious"), Some(&Value::List(vec!["MAL-1".to_owned()])));
    assert_eq!(facts.get("file.kind"), None);
}

#[test]
fn severities_and_confidences_are_in_order() {
    use Severity::{Critical, High, Info, Low, Medium};
    assert!([Info, Low, Medium, High, Critical].is_sorted());
    assert!([Confidence::Low, Confidence::Medium, Confidence::High].is_sorted());
}

/// Policy compares these words with those that findings are stored with.
#[test]
fn the_words_of_policy_are_those_of_the_store() {
    for severity in [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical] {
        assert_eq!(serde_json::to_value(severity).expect("JSON"), severity.as_str());
    }
    for confidence in [Confidence::Low, Confidence::Medium, Confidence::High] {
        assert_eq!(serde_json::to_value(confidence).expect("JSON"), confidence.as_str());
    }
    use FindingContext::{Archive, Call, Import, Install, Load, Startup};
    for context in [Archive, Install, Startup, Import, Call, Load] {
        assert_eq!(serde_json::to_value(context).expect("JSON"), context.as_str());
    }
}
