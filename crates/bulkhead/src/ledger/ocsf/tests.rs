use bulkhead_core::{Ask, Context, Gate, Principal, Reason, Resource, Sha256, Verdict};
use bulkhead_ledger::EntryTime;

use super::*;

mod schema;

fn entry(effect: Effect, address: Option<&str>) -> Entry {
    let ask = Ask {
        gate: Gate::Intake,
        principal: Principal::new("ci"),
        action: Action::Fetch,
        resource: Resource {
            purl: Some("pkg:pypi/demo@1.0".parse().unwrap()),
            file: Some("demo-1.0.whl".to_owned()),
            digest: Some(Sha256::from_bytes([7; 32])),
            ..Resource::default()
        },
        context: Context {
            address: address.map(str::to_owned),
            client: Some("pip/26".to_owned()),
            ..Context::default()
        },
    };
    let reason = Reason {
        rule: "cooldown".to_owned(),
        effect,
        text: "is 3 hours old".to_owned(),
        help: String::new(),
        audit: false,
        excepted_by: None,
    };
    let verdict = Verdict { effect, reasons: vec![reason] };
    Entry::new(&ask, &verdict, EntryTime::from_unix_millis(1_774_000_000_000).unwrap(), Sha256::from_bytes([1; 32]))
}

fn events() -> Vec<Value> {
    let mut export = Export::new("ledger.test/main".parse().unwrap());
    let entries = [(4, Effect::Hold, Some("192.0.2.7")), (5, Effect::Allow, Some("~a1b2")), (9, Effect::Deny, None)];
    let event = |(index, effect, address): (u64, Effect, Option<&str>)| {
        let (index, entry) = (EntryIndex(index), entry(effect, address));
        export.event(index, &entry, &entry.encode(index).unwrap()).unwrap()
    };
    entries.into_iter().map(event).collect()
}

#[test]
fn an_event_has_what_the_class_and_the_profiles_require() {
    for (event, (action, disposition, status)) in events().iter().zip([(2, 3, 2), (1, 1, 1), (2, 2, 2)]) {
        for required in [
            "activity_id",
            "category_uid",
            "class_uid",
            "metadata",
            "severity_id",
            "time",
            "type_uid",
            "actor",
            "api",
            "src_endpoint",
        ] {
            assert!(!event[required].is_null(), "no `{required}`");
        }
        assert_eq!((event["class_uid"].as_u64(), event["type_uid"].as_u64()), (Some(6003), Some(600_302)));
        assert_eq!(event["metadata"]["version"], VERSION);
        assert_eq!(event["api"]["operation"], "fetch");
        assert_eq!(
            (&event["action_id"], &event["disposition_id"], &event["status_id"]),
            (&json!(action), &json!(disposition), &json!(status))
        );
    }
    let events = events();
    assert_eq!(events[0]["src_endpoint"], json!({ "ip": "192.0.2.7" }));
    assert_eq!(events[1]["src_endpoint"], json!({ "uid": "~a1b2" }));
    assert_eq!(events[0]["message"], "is 3 hours old");
}

/// As a receiver checks it: the event without `fingerprint` (and `signatures`), in JCS, hashed.
#[test]
fn each_attestation_covers_its_event_and_names_the_one_before() {
    let events = events();
    let mut before: Option<Value> = None;
    for event in &events {
        let mut bare = event.clone();
        let attestation = bare["attestation_list"][0].as_object_mut().unwrap();
        let fingerprint = attestation.remove("fingerprint").unwrap();
        let recomputed = sha256(&[&serde_json::to_vec(&bare).unwrap()]).to_hex();
        assert_eq!(fingerprint["value"], recomputed);
        let attestation = &event["attestation_list"][0];
        assert_eq!(attestation["chain_uid"], "ledger.test/main@4");
        match before {
            None => assert!(attestation.get("prev_event").is_none()),
            Some(before) => {
                assert_eq!(attestation["prev_event"]["uid"], before["metadata"]["uid"]);
                assert_eq!(attestation["prev_event"]["fingerprint"], before["attestation_list"][0]["fingerprint"]);
            }
        }
        before = Some(event.clone());
        let raw = event["raw_data"].as_str().unwrap();
        assert_eq!(event["raw_data_hash"]["value"], sha256(&[raw.as_bytes()]).to_hex());
        Entry::decode(raw.as_bytes()).unwrap();
    }
    // One changed member, and the fingerprint no longer fits.
    let mut changed = events[1].clone();
    changed["severity_id"] = json!(5);
    let fingerprint = changed["attestation_list"][0].as_object_mut().unwrap().remove("fingerprint").unwrap();
    assert_ne!(fingerprint["value"], sha256(&[&serde_json::to_vec(&changed).unwrap()]).to_hex());
}

#[test]
fn an_entry_of_high_severity_is_an_event_of_high_severity() {
    let mut export = Export::new("ledger.test/main".parse().unwrap());
    let mut severity = |entry: Entry| {
        let event = export.event(EntryIndex(1), &entry, &entry.encode(EntryIndex(1)).unwrap()).unwrap();
        (event["severity_id"].clone(), event["severity"].clone())
    };
    assert_eq!(severity(entry(Effect::Deny, None)), (json!(3), json!("Medium")));
    assert_eq!(severity(entry(Effect::Allow, None)), (json!(1), json!("Informational")));
    assert_eq!(severity(entry(Effect::Deny, None).with_detail("severity", "high")), (json!(4), json!("High")));
}
