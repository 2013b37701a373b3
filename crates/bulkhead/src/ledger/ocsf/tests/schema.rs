//! Events against the published schema: attributes, types, requirements, enum values and their captions, in every object.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Schema {
    class: Class,
    objects: BTreeMap<String, Object>,
}

#[derive(Deserialize)]
struct Class {
    uid: u64,
    attributes: BTreeMap<String, Attribute>,
}

#[derive(Deserialize)]
struct Object {
    at_least_one: Vec<String>,
    attributes: BTreeMap<String, Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    requirement: String,
    /// Absent for an object.
    #[serde(rename = "type")]
    scalar: Option<String>,
    object: Option<String>,
    #[serde(default)]
    array: bool,
    #[serde(default, rename = "enum")]
    values: BTreeMap<String, String>,
    /// The attribute that has the value's caption.
    sibling: Option<String>,
}

impl Schema {
    fn published() -> Self {
        serde_json::from_str(include_str!("api-activity.json")).expect("the schema")
    }

    /// What is wrong with an event; one line each.
    fn check(&self, event: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        self.attributes("event", event, &self.class.attributes, &mut wrong);
        let number = |name: &str| event[name].as_u64().unwrap_or_default();
        if number("class_uid") != self.class.uid || number("category_uid") != self.class.uid / 1000 {
            wrong.push("event: not of the class".to_owned());
        }
        if number("type_uid") != number("class_uid") * 100 + number("activity_id") {
            wrong.push("event.type_uid: not the class and the activity".to_owned());
        }
        wrong
    }

    fn attributes(&self, at: &str, found: &Value, known: &BTreeMap<String, Attribute>, wrong: &mut Vec<String>) {
        let Some(members) = found.as_object() else { return wrong.push(format!("{at}: is no object")) };
        for (name, attribute) in known {
            if attribute.requirement == "required" && !members.contains_key(name) {
                wrong.push(format!("{at}.{name}: is required"));
            }
        }
        for (name, value) in members {
            let place = format!("{at}.{name}");
            let Some(attribute) = known.get(name) else {
                wrong.push(format!("{place}: is not of the schema"));
                continue;
            };
            match (attribute.array, value.as_array()) {
                (true, Some(values)) if !values.is_empty() => {
                    values.iter().for_each(|value| self.one(&place, value, attribute, wrong));
                }
                (false, None) => self.one(&place, value, attribute, wrong),
                _ => wrong.push(format!("{place}: is a list, or is not one")),
            }
            // The class's own numbers are base attributes with the base event's values.
            if attribute.values.is_empty() || matches!(name.as_str(), "class_uid" | "category_uid") {
                continue;
            }
            let key = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match (attribute.values.get(&key), attribute.sibling.as_ref().and_then(|sibling| members.get(sibling))) {
                (None, _) => wrong.push(format!("{place}: {key} is no value of it")),
                // 99 is for values of one's own.
                (Some(caption), Some(said)) if key != "99" && said != caption.as_str() => {
                    wrong.push(format!("{place}: {key} is {caption}, and the event says {said}"));
                }
                _ => {}
            }
        }
    }

    fn one(&self, at: &str, value: &Value, attribute: &Attribute, wrong: &mut Vec<String>) {
        if let Some(name) = &attribute.object {
            // An object that has no members of its own is free.
            let Some(object) = self.objects.get(name) else {
                assert_eq!(name, "object", "{at}: the subset lacks the object {name}");
                return;
            };
            if !object.at_least_one.is_empty() && !object.at_least_one.iter().any(|one| value.get(one).is_some()) {
                wrong.push(format!("{at}: has none of {}", object.at_least_one.join(", ")));
            }
            return self.attributes(at, value, &object.attributes, wrong);
        }
        let good = match attribute.scalar.as_deref().unwrap_or_default() {
            "integer_t" | "long_t" | "timestamp_t" | "port_t" => value.is_i64() || value.is_u64(),
            "boolean_t" => value.is_boolean(),
            "float_t" => value.is_number(),
            "ip_t" => value.as_str().is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok()),
            "json_t" => true,
            _ => value.is_string(),
        };
        if !good {
            wrong.push(format!("{at}: {value} is not of type {:?}", attribute.scalar));
        }
    }
}

const ACTIONS: &str = "list fetch metadata policy-load review-release review-reject token-create token-revoke feed-import \
    secret-add secret-rotate secret-remove connect request run read write witness-add subject-erase checkpoint rejudge \
    contents inventory build assets exposure alarm";

/// Entries of every action and effect, with and without what may be absent.
fn all() -> Vec<Value> {
    let mut export = Export::new("ledger.test/main".parse().unwrap());
    let mut events = Vec::new();
    for action in ACTIONS.split_whitespace() {
        let action: Action = serde_json::from_value(action.into()).expect("an action");
        for effect in [Effect::Allow, Effect::Transform, Effect::Hold, Effect::Deny] {
            for full in [true, false] {
                let mut entry = entry(effect, full.then_some("192.0.2.7"));
                entry.action = action;
                if !full {
                    (entry.resource, entry.context, entry.reasons) = Default::default();
                }
                entry.context.run = full.then(|| "0197f4a2-0000-7000-8000-000000000001".parse().unwrap());
                let index = EntryIndex(events.len() as u64);
                events.push(export.event(index, &entry, &entry.encode(index).unwrap()).unwrap());
            }
        }
    }
    events
}

#[test]
fn every_event_is_one_of_the_published_schema() {
    let schema = Schema::published();
    let events = [all(), events()].concat();
    assert!(events.len() > 100, "{}", events.len());
    for event in events {
        assert_eq!(schema.check(&event), Vec::<String>::new(), "{event:#}");
        assert_eq!(event["metadata"]["version"], "1.9.0");
        assert_eq!(event["metadata"]["profiles"], json!(["security_control", "record_integrity"]));
    }
}

/// Of each rule, an event that breaks it.
#[test]
fn what_is_not_of_the_schema_is_found() {
    let schema = Schema::published();
    let good = events().remove(1);
    for (pointer, value, expected) in [
        ("/severity_id", Value::Null, "event.severity_id: is required"),
        ("/severity_id", json!(9), "event.severity_id: 9 is no value of it"),
        ("/severity_id", json!("1"), "is not of type"),
        ("/severity", json!("High"), "event.severity_id: 1 is Informational, and the event says \"High\""),
        ("/time", json!("2026-03-24"), "event.time: "),
        ("/metadata/product", Value::Null, "event.metadata.product: is required"),
        ("/metadata/shade", json!("blue"), "event.metadata.shade: is not of the schema"),
        ("/attestation_list", json!({}), "event.attestation_list: is a list, or is not one"),
        ("/attestation_list/0/fingerprint/algorithm_id", json!(77), "algorithm_id: 77 is no value of it"),
        ("/src_endpoint", json!({}), "event.src_endpoint: has none of "),
        ("/src_endpoint", json!({ "ip": "~a1b2" }), "event.src_endpoint.ip: "),
        ("/type_uid", json!(600_301), "event.type_uid: not the class"),
        ("/class_uid", json!(6001), "event: not of the class"),
    ] {
        let mut event = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let members = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name)
        } else {
            members.insert(name.to_owned(), value)
        };
        let wrong = schema.check(&event);
        assert!(wrong.iter().any(|what| what.contains(expected)), "{pointer}: {wrong:?}");
    }
}
