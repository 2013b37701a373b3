//! From the text of a policy file to a [`Policy`]: everything is checked, and every error reported at once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use toml::de::{DeTable, DeValue};

use crate::{Action, Ask, Duration, Effect, Facts, Gate};

use super::condition::{Condition, Fault};
use super::diagnostic::{PolicyErrors, Report, one_of};
use super::exception::{Exception, Subject};
use super::fields::{Fields, Located};
use super::rule::{Mode, Rule};
use super::scope::Scope;
use super::template::Template;
use super::{Policy, Settings, sample, schema};

const EFFECTS: &[(&str, Effect)] =
    &[("allow", Effect::Allow), ("transform", Effect::Transform), ("hold", Effect::Hold), ("deny", Effect::Deny)];
const MODES: &[(&str, Mode)] = &[("enforce", Mode::Enforce), ("audit", Mode::Audit)];
const ACTIONS: &[(&str, Action)] = &[("list", Action::List), ("fetch", Action::Fetch), ("metadata", Action::Metadata)];
const SECTIONS: [&str; 4] = ["settings", "defaults", "rule", "exception"];

/// Reads a policy file.
pub(super) fn parse(text: &str, origin: &str) -> Result<Policy, PolicyErrors> {
    let mut report = Report::new(origin, text);
    let (document, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        for error in &syntax {
            let at = error.span().map_or(0, |span| span.start);
            report.error(at, format!("not TOML: {}", error.message()), None);
        }
        // What was recovered is guesswork, and complaints about it would hide the cause.
        return Err(report.failed());
    }
    let document = document.get_ref();
    for (key, _) in document {
        if !SECTIONS.contains(&key.get_ref().as_ref()) {
            let hint = one_of(key.get_ref(), SECTIONS);
            report.error(key.span().start, format!("unknown key `{}`", key.get_ref()), hint);
        }
    }
    let settings = settings(document, &mut report);
    let defaults = defaults(document, &mut report);
    let mut rules = rules(document, &settings, &mut report);
    let own_rules = document.iter().any(|(key, _)| key.get_ref() == "rule");
    let mut source = text.to_owned();
    if !own_rules {
        // A file of settings alone must not mean that everything passes.
        rules = super::shipped_rules(&settings)?;
        source.push_str(super::DEFAULT);
    }
    let exceptions = exceptions(document, &rules, &mut report);
    let warnings = report.finish()?;
    Ok(Policy { settings, defaults, rules, exceptions, warnings, source, own_rules })
}

/// The rules of a document, checked against its settings.
pub(super) fn rules(document: &DeTable<'_>, settings: &Settings, report: &mut Report<'_>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for (index, (table, at)) in tables(document, "rule", report).into_iter().enumerate() {
        let rule = rule(Fields::new(table, at, format!("rule {}", index + 1), report), settings);
        let Some(rule) = rule else { continue };
        match rules.iter().find(|earlier| earlier.id == rule.id) {
            Some(earlier) => {
                let hint = format!("the first is on line {}", earlier.line);
                report.error(at, format!("rule `{}`: there are two rules with this id", rule.id), Some(hint));
            }
            None => rules.push(rule),
        }
    }
    rules
}

fn rule(mut fields: Fields<'_, '_, '_>, settings: &Settings) -> Option<Rule> {
    let id = fields.wanted("id", "give the rule a name in kebab-case: id = \"my-rule\"");
    if let Some(id) = &id {
        fields.noun = format!("rule `{}`", id.text);
        kebab(&mut fields, id);
    }
    let gates = Gate::ALL.map(|gate| (gate.as_str(), gate));
    let gate = fields.wanted("gate", "say which gate it judges: gate = \"intake\"");
    let gate = gate.and_then(|found| fields.pick("gate", &found, &gates));
    let when = fields.wanted("when", "say when it applies: when = \"file.age < settings.cooldown\"");
    let effect = fields.wanted("effect", "say what follows: effect = \"hold\"");
    let effect = effect.and_then(|found| fields.pick("effect", &found, EFFECTS));
    let mode = fields.word("mode", MODES).unwrap_or(Mode::Enforce);
    let actions = fields
        .texts("actions")
        .map(|words| words.iter().filter_map(|word| fields.pick("action", word, ACTIONS)).collect::<Vec<_>>());
    let reason = fields.wanted(
        "reason",
        "one sentence for the person who asked, such as reason = \"{file.name} is {file.age|words} old\"",
    );
    let help = fields.wanted("help", "tell the person what to do next");
    // Without a gate the names cannot be checked; that it is missing was reported.
    let checked = gate.map(|gate| {
        let condition = when.as_ref().and_then(|when| checked(&mut fields, when, Condition::compile(&when.text, gate)));
        if let (Some(condition), Some(when)) = (&condition, &when) {
            evaluate_samples(&mut fields, when, condition, gate, settings);
        }
        let mut template = |found: &Option<Located>| {
            found.as_ref().and_then(|found| checked(&mut fields, found, Template::parse(&found.text, gate)))
        };
        (gate, condition, template(&reason), template(&help))
    });
    let line = fields.report.line(fields.at);
    fields.finish();
    let (gate, condition, reason, help) = checked?;
    Some(Rule {
        id: id?.text,
        gate,
        condition: condition?,
        effect: effect?,
        mode,
        actions,
        reason: reason?,
        help: help?,
        line,
    })
}

fn checked<T>(fields: &mut Fields<'_, '_, '_>, found: &Located, result: Result<T, Vec<Fault>>) -> Option<T> {
    result
        .map_err(|faults| {
            for fault in faults {
                fields.error(found.at(fault.at), fault.what, fault.hint);
            }
        })
        .ok()
}

/// Evaluates a condition once with every attribute set and once with each one null. The first must work; the others
/// should, since at decide time a rule that cannot be evaluated counts as hold.
fn evaluate_samples(
    fields: &mut Fields<'_, '_, '_>,
    when: &Located,
    condition: &Condition,
    gate: Gate,
    settings: &Settings,
) {
    let (full_ask, bare_ask) = (sample::ask(gate), sample::bare_ask(gate));
    let full = sample::facts(gate);
    let holds = |ask: &Ask, facts: &Facts| condition.holds(&Scope::new(ask, facts, settings));
    if let Err(why) = holds(&full_ask, &full) {
        fields.error(when.start(), format!("the condition cannot be evaluated: {why}"), None);
        return;
    }
    for name in condition.names().iter().filter(|name| !name.starts_with("settings.") && name.contains('.')) {
        let of_ask = schema::ASK.iter().any(|attribute| attribute.name == name);
        let mut without = full.clone();
        without.attributes.remove(name);
        if holds(if of_ask { &bare_ask } else { &full_ask }, &without).is_err() {
            let what = format!("{}: when `{name}` is null the condition fails, which counts as hold", fields.noun);
            let hint = format!("say what null means: `{name} != null && ...` or `{name} == null || ...`");
            fields.report.warning(when.start(), what, Some(hint));
        }
    }
}

fn settings(document: &DeTable<'_>, report: &mut Report<'_>) -> Settings {
    let mut settings = Settings::default();
    let Some((table, at)) = section(document, "settings", report) else { return settings };
    let mut fields = Fields::new(table, at, "settings", report);
    span(&mut fields, "cooldown", &mut settings.cooldown);
    span(&mut fields, "feed_max_age", &mut settings.feed_max_age);
    span(&mut fields, "downgrade_window", &mut settings.downgrade_window);
    span(&mut fields, "young_dependency", &mut settings.young_dependency);
    threshold(&mut fields, "score_hold", &mut settings.score_hold);
    threshold(&mut fields, "score_deny", &mut settings.score_deny);
    if let Some(patterns) = fields.texts("reserved") {
        for pattern in &patterns {
            if pattern.text.trim_matches('*').is_empty() {
                let hint = Some("write a pattern such as \"acme-*\"".to_owned());
                fields.error(pattern.start(), format!("`{}` would reserve every name", pattern.text), hint);
            }
        }
        settings.reserved = patterns.into_iter().map(|pattern| pattern.text).collect();
    }
    for (key, target) in
        [("hosts", &mut settings.hosts), ("open", &mut settings.open), ("private", &mut settings.private)]
    {
        if let Some(patterns) = fields.texts(key) {
            for pattern in patterns.iter().filter(|pattern| !is_host_pattern(&pattern.text)) {
                let hint = Some(
                    "write a host (\"api.example.com\"), what is below one (\"*.example.com\"), or an address"
                        .to_owned(),
                );
                fields.error(pattern.start(), format!("`{key}`: `{}` is no host", pattern.text), hint);
            }
            *target = patterns.into_iter().map(|pattern| pattern.text).collect();
        }
    }
    fields.finish();
    settings
}

/// A name, `*.name`, or an address: no scheme, no port, no path, and never everything.
fn is_host_pattern(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    text.parse::<std::net::IpAddr>().is_ok() || name.split('.').all(label)
}

fn span(fields: &mut Fields<'_, '_, '_>, key: &'static str, target: &mut Duration) {
    let Some(found) = fields.text(key) else { return };
    match found.text.parse() {
        Ok(duration) => *target = duration,
        Err(error) => fields.error(found.start(), format!("`{key}`: {error}"), None),
    }
}

/// A score from 1 to 100, or 101 for one that no score reaches. 0 would refuse everything, which nobody means.
fn threshold(fields: &mut Fields<'_, '_, '_>, key: &'static str, target: &mut i64) {
    let Some(value) = fields.value(key) else { return };
    let number = match value.get_ref() {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    };
    match number.filter(|number| (1..=101).contains(number)) {
        Some(number) => *target = number,
        None => fields.error(
            value.span().start,
            format!("`{key}` must be a whole number from 1 to 101"),
            Some("scores go from 0 to 100; 101 switches the threshold off".to_owned()),
        ),
    }
}

fn defaults(document: &DeTable<'_>, report: &mut Report<'_>) -> BTreeMap<Gate, Effect> {
    // Intake holds rules that refuse; at the other gates what no rule allows does not pass.
    let mut defaults = BTreeMap::from(Gate::ALL.map(|gate| (gate, Effect::Deny)));
    defaults.extend([(Gate::Intake, Effect::Allow), (Gate::Control, Effect::Allow)]);
    let Some((table, at)) = section(document, "defaults", report) else { return defaults };
    let mut fields = Fields::new(table, at, "defaults", report);
    for gate in Gate::ALL {
        let found = fields.text(gate.as_str());
        defaults.extend(found.and_then(|found| fields.pick("effect", &found, EFFECTS)).map(|effect| (gate, effect)));
    }
    fields.finish();
    defaults
}

fn exceptions(document: &DeTable<'_>, rules: &[Rule], report: &mut Report<'_>) -> Vec<Exception> {
    let mut exceptions: Vec<Exception> = Vec::new();
    for (index, (table, at)) in tables(document, "exception", report).into_iter().enumerate() {
        let fields = Fields::new(table, at, format!("exception {}", index + 1), report);
        let Some(exception) = exception(fields, rules) else { continue };
        if exceptions.iter().any(|earlier| earlier.id == exception.id) {
            let hint = Some("remove one, or give each an `id` of its own".to_owned());
            report.error(at, format!("exception `{}`: there are two with this id", exception.id), hint);
        }
        exceptions.push(exception);
    }
    exceptions
}

fn exception(mut fields: Fields<'_, '_, '_>, rules: &[Rule]) -> Option<Exception> {
    let id = fields.text("id");
    if let Some(id) = &id {
        fields.noun = format!("exception `{}`", id.text);
        kebab(&mut fields, id);
    }
    let rule = fields.wanted("rule", "name the rule whose weight it takes away");
    let rule = rule.filter(|wanted| match rules.iter().find(|rule| rule.id == wanted.text) {
        Some(rule) if rule.effect.passes() => {
            fields.error(
                wanted.start(),
                format!("rule `{}` refuses nothing, so nothing can be excepted from it", wanted.text),
                None,
            );
            false
        }
        Some(_) => true,
        None => {
            let hint = one_of(&wanted.text, rules.iter().map(|rule| rule.id.as_str()));
            fields.error(wanted.start(), format!("there is no rule `{}`", wanted.text), hint);
            false
        }
    });
    let subject =
        fields.wanted("subject", "say what it is for: subject = \"pkg:pypi/NAME@VERSION\" or \"sha256:DIGEST\"");
    let subject: Option<Subject> = subject.and_then(|found| {
        found
            .text
            .parse()
            .map_err(|error: super::SubjectError| fields.error(found.start(), error.to_string(), None))
            .ok()
    });
    let owner = fields.wanted("owner", "name who answers for it");
    let reason = fields.wanted("reason", "say why it is needed");
    let expires = expiry(&mut fields);
    fields.finish();
    let (rule, subject) = (rule?, subject?);
    let id = id.map_or_else(|| format!("{}:{subject}", rule.text), |id| id.text);
    Some(Exception { id, rule: rule.text, subject, owner: owner?.text, reason: reason?.text, expires: expires? })
}

fn expiry(fields: &mut Fields<'_, '_, '_>) -> Option<Timestamp> {
    const HINT: &str = "write a day or a moment in UTC: expires = 2027-01-31 or expires = 2027-01-31T12:00:00Z";
    let Some(value) = fields.value("expires") else {
        fields.error(fields.at, "`expires` is missing", Some(HINT.to_owned()));
        return None;
    };
    let text = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        _ => String::new(),
    };
    let moment = moment(&text);
    if moment.is_none() {
        fields.error(
            value.span().start,
            "`expires` is neither a day nor a moment with its offset",
            Some(HINT.to_owned()),
        );
    }
    moment
}

/// RFC 3339: a moment with an offset, or a day, which stands for its beginning in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    if text.len() == "2027-01-31".len() {
        let day: jiff::civil::Date = text.parse().ok()?;
        return day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|start| start.timestamp());
    }
    text.parse().ok()
}

fn kebab(fields: &mut Fields<'_, '_, '_>, id: &Located) {
    let good = id
        .text
        .split('-')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    if !good {
        fields.error(id.start(), "an id is kebab-case: lower-case letters, digits and single hyphens", None);
    }
}

/// The table of that name, when the file has it.
fn section<'t>(document: &'t DeTable<'t>, name: &str, report: &mut Report<'_>) -> Option<(&'t DeTable<'t>, usize)> {
    let (_, value) = document.iter().find(|(key, _)| key.get_ref() == name)?;
    let table = value.get_ref().as_table();
    if table.is_none() {
        report.error(value.span().start, format!("`{name}` must be a table"), Some(format!("write [{name}]")));
    }
    table.map(|table| (table, value.span().start))
}

/// The tables of an array of tables, in the order of the file.
fn tables<'t>(document: &'t DeTable<'t>, name: &str, report: &mut Report<'_>) -> Vec<(&'t DeTable<'t>, usize)> {
    let Some((_, value)) = document.iter().find(|(key, _)| key.get_ref() == name) else { return Vec::new() };
    let items = value.get_ref().as_array().map(|array| {
        array
            .iter()
            .map(|item| item.get_ref().as_table().map(|table| (table, item.span().start)))
            .collect::<Option<Vec<_>>>()
    });
    items.flatten().unwrap_or_else(|| {
        report.error(value.span().start, format!("`{name}` must be tables"), Some(format!("write [[{name}]]")));
        Vec::new()
    })
}
