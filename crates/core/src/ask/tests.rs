use super::*;

#[test]
fn gates_are_read_as_they_are_written() {
    for gate in Gate::ALL {
        assert_eq!(Gate::parse(gate.as_str()), Some(gate));
        assert_eq!(serde_json::to_value(gate).expect("JSON"), gate.as_str());
    }
    assert_eq!(Gate::parse("Intake"), None);
}

/// Entries hold these words for ever: lines may be added to this list, never changed.
#[test]
fn the_words_of_actions_are_append_only() {
    let actions = [
        Action::List,
        Action::Fetch,
        Action::Metadata,
        Action::PolicyLoad,
        Action::ReviewRelease,
        Action::ReviewReject,
        Action::TokenCreate,
        Action::TokenRevoke,
        Action::FeedImport,
        Action::SecretAdd,
        Action::SecretRotate,
        Action::SecretRemove,
        Action::Connect,
        Action::Request,
        Action::WitnessAdd,
        Action::SubjectErase,
        Action::Checkpoint,
        Action::Rejudge,
        Action::Contents,
        Action::Inventory,
        Action::Build,
        Action::Run,
        Action::Assets,
        Action::Exposure,
        Action::Alarm,
        Action::Read,
        Action::Write,
    ];
    for action in actions {
        assert_eq!(serde_json::to_value(action).expect("JSON"), action.as_str(), "one word in entries and in policy");
    }
    let words = actions.map(Action::as_str).join(" ");
    insta::assert_snapshot!(words, @"list fetch metadata policy-load review-release review-reject token-create token-revoke feed-import secret-add secret-rotate secret-remove connect request witness-add subject-erase checkpoint rejudge contents inventory build run assets exposure alarm read write");
}

#[test]
fn what_is_not_known_is_absent_from_an_entry() {
    let ask = Ask {
        gate: Gate::Intake,
        principal: Principal::local(),
        action: Action::List,
        resource: Resource { purl: Some("pkg:pypi/foo".parse().expect("a purl")), ..Resource::default() },
        context: Context::default(),
    };
    let json = serde_json::to_string(&ask).expect("JSON");
    insta::assert_snapshot!(json, @r#"{"gate":"intake","principal":"local","action":"list","resource":{"purl":"pkg:pypi/foo"},"context":{}}"#);
    assert_eq!(serde_json::from_str::<Ask>(&json).expect("an ask"), ask);
}
