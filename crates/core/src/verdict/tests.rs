use proptest::prelude::*;

use super::*;

fn reason() -> impl Strategy<Value = Reason> {
    let effect = prop::sample::select(Effect::ALL.to_vec());
    ("[a-z]{1,6}", effect, "\\PC{0,10}", "\\PC{0,10}", any::<bool>(), prop::option::of("[a-z]{1,6}")).prop_map(
        |(rule, effect, text, help, audit, excepted_by)| Reason { rule, effect, text, help, audit, excepted_by },
    )
}

proptest! {
    #[test]
    fn a_verdict_comes_back_from_the_ledger_as_it_was(
        effect in prop::sample::select(Effect::ALL.to_vec()), reasons in prop::collection::vec(reason(), 0..4),
    ) {
        let verdict = Verdict { effect, reasons };
        let json = serde_json::to_string(&verdict).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Verdict>(&json).expect("a verdict"), verdict);
    }

    #[test]
    fn the_deciding_reason_counts_and_carries_the_effect(
        effect in prop::sample::select(Effect::ALL.to_vec()), reasons in prop::collection::vec(reason(), 0..4),
    ) {
        let verdict = Verdict { effect, reasons };
        let expected = verdict.reasons.iter().any(|reason| reason.counts() && reason.effect == effect);
        prop_assert_eq!(verdict.deciding().is_some(), expected);
        prop_assert!(verdict.deciding().is_none_or(|reason| reason.counts() && reason.effect == effect));
    }
}

#[test]
fn effects_are_in_order_and_only_the_mild_ones_pass() {
    assert!(Effect::ALL.is_sorted());
    assert_eq!(Effect::ALL.map(Effect::passes), [true, true, false, false]);
    for effect in Effect::ALL {
        assert_eq!(serde_json::to_value(effect).expect("JSON"), effect.as_str());
    }
}

#[test]
fn an_entry_leaves_out_what_a_reason_does_not_have() {
    let reason = Reason {
        rule: "cooldown".to_owned(),
        effect: Effect::Hold,
        text: "three hours old".to_owned(),
        help: String::new(),
        audit: false,
        excepted_by: None,
    };
    let json = serde_json::to_string(&Verdict { effect: Effect::Hold, reasons: vec![reason] }).expect("JSON");
    insta::assert_snapshot!(json, @r#"{"effect":"hold","reasons":[{"rule":"cooldown","effect":"hold","text":"three hours old"}]}"#);
}
