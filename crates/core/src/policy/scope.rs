//! What a rule sees: the ask, the facts, the findings and the settings, resolved by name without copying.
//!
//! The interpreter asks its resolver for the longest name first (`file.age` before `file`), so attributes are answered
//! straight from [`Facts`] and no map is ever built for an evaluation.

use std::borrow::Cow;
use std::sync::OnceLock;

use cel::common::types::{CelBool, CelInt, CelList, CelNull, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;

use crate::{Ask, Facts, Finding, Unknown, Value};

use super::Settings;
use super::finding::CelFinding;
use super::pattern::Pattern;

/// The value behind a name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Text(Cow<'a, str>),
    List(&'a [String]),
}

impl Seen<'_> {
    /// The same value, owned, as [`Facts`] hold it.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Text(text) => Value::Text(text.clone().into_owned()),
            Self::List(list) => Value::List(list.to_vec()),
        }
    }

    pub(super) fn into_cel<'b>(self) -> CowVal<'b, 'b>
    where
        Self: 'b,
    {
        match self {
            Self::Null => CowVal::Borrowed(&CelNull),
            Self::Bool(value) => CowVal::owned(CelBool::from(value)),
            Self::Int(value) => CowVal::owned(CelInt::from(value)),
            Self::Text(Cow::Borrowed(text)) => CowVal::owned(CelString::from(text)),
            Self::Text(Cow::Owned(text)) => CowVal::owned(CelString::from(text)),
            Self::List(list) => CowVal::owned(texts(list.iter().map(String::as_str))),
        }
    }
}

/// One situation in which rules are evaluated.
pub(super) struct Scope<'a> {
    ask: &'a Ask,
    facts: &'a Facts,
    settings: &'a Settings,
    findings: &'a [Finding],
    unknowns: &'a [Unknown],
    /// Seconds by which everything is older than the facts say: what the rules would see later.
    later: i64,
    cel_findings: OnceLock<CelList<'a>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(ask: &'a Ask, facts: &'a Facts, settings: &'a Settings) -> Self {
        let (findings, unknowns) = (facts.findings.as_slice(), facts.unknowns.as_slice());
        Self { ask, facts, settings, findings, unknowns, later: 0, cel_findings: OnceLock::new() }
    }

    /// The same situation after that many seconds, when nothing but time has passed.
    pub(super) fn later(&self, seconds: i64) -> Self {
        Self { later: seconds, ..self.with_findings(self.findings) }
    }

    /// The same situation with these findings only.
    pub(super) fn with_findings(&self, findings: &'a [Finding]) -> Self {
        let Self { ask, facts, settings, unknowns, later, .. } = *self;
        Self { ask, facts, settings, findings, unknowns, later, cel_findings: OnceLock::new() }
    }

    /// The same situation with these unknowns only.
    pub(super) fn with_unknowns(&self, unknowns: &'a [Unknown]) -> Self {
        Self { unknowns, ..self.with_findings(self.findings) }
    }

    pub(super) fn findings(&self) -> &'a [Finding] {
        self.findings
    }

    pub(super) fn unknowns(&self) -> &'a [Unknown] {
        self.unknowns
    }

    /// The value of `group.name`. An attribute that facts do not have is null; that it exists was checked at load.
    pub(super) fn attribute(&self, name: &str) -> Option<Seen<'a>> {
        let (group, field) = name.split_once('.')?;
        match group {
            "settings" => self.settings.seen(field),
            "ask" | "package" => self.of_ask(name),
            "file" => Some(self.of_ask(name).unwrap_or_else(|| self.of_file(name))),
            "project" | "advisory" | "floor" | "content" | "delta" | "net" => Some(self.of_facts(name)),
            _ => None,
        }
    }

    fn of_ask(&self, name: &str) -> Option<Seen<'a>> {
        let Ask { gate, principal, action, resource, context } = self.ask;
        let purl = resource.purl.as_ref();
        let text = |text: Option<&'a str>| text.map_or(Seen::Null, |text| Seen::Text(Cow::Borrowed(text)));
        let owned = |text: Option<String>| text.map_or(Seen::Null, |text| Seen::Text(Cow::Owned(text)));
        Some(match name {
            "ask.gate" => text(Some(gate.as_str())),
            "ask.principal" => text(Some(principal.as_str())),
            "ask.action" => text(Some(action.as_str())),
            "ask.run" => owned(context.run.map(|run| run.to_string())),
            "ask.purpose" => text(context.purpose.as_deref()),
            "ask.client" => text(context.client.as_deref()),
            "ask.address" => text(context.address.as_deref()),
            "package.purl" => owned(purl.map(ToString::to_string)),
            "package.ecosystem" => text(purl.map(|purl| purl.ecosystem().as_str())),
            "package.name" => text(purl.map(crate::Purl::name)),
            "package.version" => text(purl.and_then(crate::Purl::version)),
            "file.name" => text(resource.file.as_deref()),
            "file.sha256" => owned(resource.digest.map(|digest| digest.to_hex())),
            _ => return None,
        })
    }

    fn of_file(&self, name: &str) -> Seen<'a> {
        match self.of_facts(name) {
            Seen::Int(age) if name == "file.age" => Seen::Int(age.saturating_add(self.later)),
            seen => seen,
        }
    }

    fn of_facts(&self, name: &str) -> Seen<'a> {
        match self.facts.attributes.get(name) {
            None | Some(Value::Null) => Seen::Null,
            Some(Value::Bool(value)) => Seen::Bool(*value),
            Some(Value::Int(value)) => Seen::Int(*value),
            Some(Value::Text(text)) => Seen::Text(Cow::Borrowed(text)),
            Some(Value::List(list)) => Seen::List(list),
        }
    }

    fn findings_in_cel(&self) -> &CelList<'a> {
        self.cel_findings.get_or_init(|| {
            let maps: Vec<Box<dyn Val + 'a>> =
                self.findings.iter().map(|found| Box::new(CelFinding(found)) as _).collect();
            CelList::from(maps)
        })
    }
}

/// A scope with the compiled patterns of one rule: what the interpreter resolves names against.
pub(super) struct RuleScope<'s, 'a> {
    pub(super) scope: &'s Scope<'a>,
    pub(super) patterns: &'s [Pattern],
}

impl VariableResolver for RuleScope<'_, '_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        match variable {
            "findings" => Some(CowVal::Borrowed(self.scope.findings_in_cel())),
            "unknown" => {
                let sources = self.scope.unknowns.iter().map(|unknown| unknown.source.as_str());
                Some(CowVal::owned(texts(sources)))
            }
            _ => match variable.strip_prefix(Pattern::PREFIX) {
                Some(index) => Some(CowVal::Borrowed(self.patterns.get(index.parse::<usize>().ok()?)?)),
                None => self.scope.attribute(variable).map(Seen::into_cel),
            },
        }
    }
}

fn texts<'b>(items: impl Iterator<Item = &'b str>) -> CelList<'b> {
    let items: Vec<Box<dyn Val + 'b>> = items.map(|item| Box::new(CelString::from(item)) as _).collect();
    CelList::from(items)
}
