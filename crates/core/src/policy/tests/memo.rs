//! A remembered outcome is the outcome; only the sentences are left out.

use proptest::prelude::*;

use super::super::*;
use crate::{Action, Ask, Context, Ecosystem, Facts, Principal, Purl, Resource, Value};

fn ask(version: u8, action: Action) -> Ask {
    let purl = Purl::project(Ecosystem::Pypi, "demo").expect("a name").at(format!("1.{version}"));
    let resource = Resource { purl: Some(purl), file: Some(format!("demo-1.{version}.tar.gz")), ..Resource::default() };
    Ask { gate: Gate::Intake, principal: Principal::local(), action, resource, context: Context::default() }
}

fn facts() -> impl Strategy<Value = Facts> {
    let values = (0..6_i64, any::<bool>(), any::<bool>(), 0..3_usize, 0..3_usize, any::<bool>());
    values.prop_map(|(days, hash, reserved, time, status, malicious)| {
        let mut facts = Facts::new();
        facts.set("file.age", days * 86_400);
        facts.set("file.has_hash", hash);
        facts.set("file.kind", "sdist");
        facts.set("file.yanked", false);
        facts.set("file.time", ["upload", "future", "malformed"][time]);
        facts.set("project.reserved", reserved);
        facts.set("project.status", ["active", "quarantined", "archived"][status]);
        let ids = if malicious { vec!["MAL-1".to_owned()] } else { Vec::new() };
        facts.set("advisory.malicious", Value::List(ids));
        facts.set("advisory.vulnerable", Value::List(Vec::new()));
        facts.set("content.judged", false);
        if time == 2 {
            facts.unknown("upload-time", "not a time");
        }
        facts
    })
}

proptest! {
    #[test]
    fn many_in_a_row_are_judged_as_each_alone(all in proptest::collection::vec((facts(), any::<u8>(), any::<bool>()), 1..40)) {
        let policy = Policy::parse(DEFAULT, "policy.toml").expect("the shipped policy loads");
        let now = "2026-11-22T10:00:00Z".parse().expect("a time");
        let mut memo = Memo::default();
        for (facts, version, fetch) in &all {
            let ask = ask(*version, if *fetch { Action::Fetch } else { Action::List });
            let mut alone = policy.decide(&ask, facts, now, &[]);
            for reason in &mut alone.reasons {
                (reason.text, reason.help) = (String::new(), String::new());
            }
            prop_assert_eq!(policy.decide_with(&mut memo, &ask, facts, now, &[]), alone);
        }
    }
}
