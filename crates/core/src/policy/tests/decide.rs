//! How rules add up: strictness, audit, actions, defaults, rules that fail, and what they say.

use crate::{Action, Effect, FindingContext, Gate, Severity};

use super::{ask, finding, good, now, policy, rule};

#[test]
fn a_rule_that_cannot_be_evaluated_counts_as_hold_and_says_so() {
    let policy = policy(&rule("file.age < settings.cooldown"));
    let mut facts = good();
    facts.attributes.remove("file.age");
    let verdict = policy.decide(&ask(), &facts, now(), &[]);
    assert_eq!(verdict.effect, Effect::Hold);
    insta::assert_snapshot!(verdict.deciding().expect("the rule").text, @"rule `mine` could not be evaluated, which counts as hold: found no matching overload for '_<_' applied to '(null_type, int)' (null here: file.age)");
}

#[test]
fn a_fact_of_the_wrong_kind_holds_too() {
    let policy = policy(&rule("file.age != null && file.age < settings.cooldown"));
    let mut facts = good();
    facts.set("file.age", "forty days");
    assert_eq!(policy.decide(&ask(), &facts, now(), &[]).effect, Effect::Hold);
}

#[test]
fn a_broken_rule_in_audit_mode_has_no_weight() {
    let policy = policy(&format!("{}mode = \"audit\"\n", rule("file.age < settings.cooldown")));
    let mut facts = good();
    facts.attributes.remove("file.age");
    let verdict = policy.decide(&ask(), &facts, now(), &[]);
    assert_eq!((verdict.effect, verdict.reasons.len()), (Effect::Allow, 1));
}

#[test]
fn actions_restrict_a_rule_to_some_asks() {
    let policy = policy(&format!("{}actions = [\"fetch\", \"metadata\"]\n", rule("true")));
    let mut ask = ask();
    let mut effect = |action| {
        ask.action = action;
        policy.decide(&ask, &good(), now(), &[]).effect
    };
    assert_eq!(
        [effect(Action::List), effect(Action::Fetch), effect(Action::Metadata)],
        [Effect::Allow, Effect::Deny, Effect::Deny]
    );
}

#[test]
fn no_actions_means_no_ask() {
    let policy = policy(&format!("{}actions = []\n", rule("true")));
    assert_eq!(policy.decide(&ask(), &good(), now(), &[]).effect, Effect::Allow);
}

#[test]
fn each_gate_has_its_default_and_only_its_own_rules() {
    let policy = policy(&format!("[defaults]\negress = \"hold\"\n{}", rule("true")));
    let effects = Gate::ALL.map(|gate| {
        let mut ask = ask();
        ask.gate = gate;
        format!("{gate}: {}", policy.decide(&ask, &good(), now(), &[]).effect)
    });
    insta::assert_snapshot!(effects.join("\n"), @r"
    intake: deny
    runtime: deny
    egress: hold
    vault: deny
    control: allow
    ");
}

#[test]
fn a_regular_expression_judges_names() {
    let policy = policy(&rule(r"file.name.matches('^sample[a-z]+-\\d') || file.name.matches('never')"));
    assert_eq!(policy.decide(&ask(), &good(), now(), &[]).effect, Effect::Deny);
    let mut other = ask();
    other.resource.file = Some("other-2.0.tar.gz".to_owned());
    assert_eq!(policy.decide(&other, &good(), now(), &[]).effect, Effect::Allow);
}

#[test]
fn the_strictest_reason_comes_first_then_the_order_of_the_file() {
    let rules = ["hold", "deny", "allow", "deny"].into_iter().enumerate().map(|(index, effect)| {
        format!("[[rule]]\nid = \"r{index}\"\ngate = \"intake\"\nwhen = \"true\"\neffect = \"{effect}\"\nreason = \"r\"\nhelp = \"h\"\n")
    });
    let verdict = policy(&rules.collect::<String>()).decide(&ask(), &good(), now(), &[]);
    let order: Vec<_> = verdict.reasons.iter().map(|reason| reason.rule.as_str()).collect();
    assert_eq!((verdict.effect, order), (Effect::Deny, vec!["r1", "r3", "r0", "r2"]));
}

#[test]
fn a_reason_names_the_findings_that_made_the_rule_match_and_no_others() {
    let text =
        rule(r#"findings.exists(f, f.severity == "critical")"#).replace("\"r\"", "\"{finding.path}: {findings}\"");
    let mut facts = good();
    facts.findings.push(finding("harmless", Severity::Info, FindingContext::Import));
    facts.findings.extend((1..=5).map(|n| finding(&format!("bad-{n}"), Severity::Critical, FindingContext::Import)));
    let verdict = policy(&text).decide(&ask(), &facts, now(), &[]);
    insta::assert_snapshot!(verdict.reasons[0].text, @"sampleproject/member: bad-1 was seen; bad-2 was seen; bad-3 was seen; and 2 more");
}

#[test]
fn a_reason_names_every_finding_when_only_all_of_them_matter() {
    let text = rule("size(findings) > 1").replace("\"r\"", "\"{findings}\"");
    let mut facts = good();
    facts.findings.extend(["one", "two"].map(|id| finding(id, Severity::Low, FindingContext::Import)));
    let verdict = policy(&text).decide(&ask(), &facts, now(), &[]);
    insta::assert_snapshot!(verdict.reasons[0].text, @"one was seen; two was seen");
}

#[test]
fn placeholders_in_every_form() {
    let reason = "{{{file.name}}} {file.age|words} {file.age|days} {file.age} {file.yanked} {advisory.malicious} \
                  {project.status_reason} {settings.cooldown|words} {settings.reserved} {unknown}";
    let text = rule("true").replace("\"r\"", &format!("\"{reason}\""));
    let mut facts = good();
    facts.set("advisory.malicious", vec!["A-1", "B-2"]);
    facts.unknown("advisories", "no feed");
    let verdict = policy(&text).decide(&ask(), &facts, now(), &[]);
    insta::assert_snapshot!(verdict.reasons[0].text, @"{sampleproject-2.0-py3-none-any.whl} 40 days 40 3456000 false A-1, B-2 unknown 3 days  advisories (no feed)");
}

#[test]
fn what_strangers_wrote_cannot_break_a_line_or_run_on() {
    let text = rule("true").replace("\"r\"", "\"{project.status_reason}\"");
    let mut facts = good();
    facts.set("project.status_reason", format!("a\r\nHTTP/1.1 200 \u{1b}[2J\u{202e}{}", "x".repeat(900)));
    let verdict = policy(&text).decide(&ask(), &facts, now(), &[]);
    let said = &verdict.reasons[0].text;
    assert!(said.starts_with(r"a\r\nHTTP/1.1 200 \u{1b}[2J\u{202e}xxx"), "{said}");
    assert_eq!(said.chars().count(), 200);
}

#[test]
fn what_the_ask_says_cannot_be_overruled_by_a_fact() {
    let policy = policy(&rule("package.name == 'sampleproject'"));
    let mut facts = good();
    facts.set("package.name", "another");
    assert_eq!(policy.decide(&ask(), &facts, now(), &[]).effect, Effect::Deny);
}

/// CEL reserves `package`; a rule says it all the same, and texts that hold the word keep it.
#[test]
fn package_is_a_word_that_rules_can_use() {
    for when in [
        "package.name == 'sampleproject'",
        "package.name + ' package' == 'sampleproject package'",
        "\"it's a package\" != package.version && \"\"\"package\"\"\" == 'pack' + 'age'",
        "package.purl.matches('^pkg:pypi/') && ['package'].exists(package, package == 'package')",
        r"'\'package' != package.name",
    ] {
        let fence = "'".repeat(3);
        let text =
            rule("WHEN").replace(&format!("{fence}WHEN{fence}"), &toml::Value::String(when.to_owned()).to_string());
        assert_eq!(policy(&text).decide(&ask(), &good(), now(), &[]).effect, Effect::Deny, "{when}");
    }
}
