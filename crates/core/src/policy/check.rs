//! The static check of a condition: names exist, kinds agree, the whole is a truth value.
//!
//! Evaluation alone cannot find these: `project.status == "x" && file.agee > 3` never reaches its second half until the
//! night when it does. So the whole tree is walked, with the kind that the schema gives to each name.

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr, SourceInfo, operators};
use cel::parser::Expression;

use crate::{Duration, Gate};

use super::condition::{Fault, PACKAGE};
use super::diagnostic::{did_you_mean, one_of};
use super::pattern::Pattern;
use super::schema::{self, Attribute, Kind};

/// What the check learned.
pub(super) struct Checked {
    pub(super) patterns: Vec<Pattern>,
    pub(super) names: BTreeSet<String>,
}

/// Checks an expression and replaces the literal patterns of `matches` by compiled ones.
pub(super) fn check(expression: &mut Expression, positions: &SourceInfo, gate: Gate) -> Result<Checked, Vec<Fault>> {
    let mut walk =
        Walk { positions, gate, locals: Vec::new(), patterns: Vec::new(), names: BTreeSet::new(), faults: vec![] };
    let whole = walk.shape(expression);
    if !whole.may_be(Shape::Bool) {
        let hint = "compare it with something, such as `file.age < settings.cooldown`".to_owned();
        walk.fault(expression.id, format!("the condition is {} instead of true or false", whole.noun()), Some(hint));
    }
    if walk.faults.is_empty() { Ok(Checked { patterns: walk.patterns, names: walk.names }) } else { Err(walk.faults) }
}

/// Functions that an expression may call, beside the operators.
const FUNCTIONS: &[&str] = &[
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "string",
    "int",
    "uint",
    "double",
    "bool",
    "dyn",
    "type",
];

/// What kind of value a part of an expression has, as far as the schema can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Bool,
    Int,
    Text,
    Texts,
    Finding,
    Findings,
    Null,
    Any,
}

impl Shape {
    fn noun(self) -> &'static str {
        match self {
            Self::Bool => "a truth value",
            Self::Int => "a number",
            Self::Text => "a text",
            Self::Texts => "a list of texts",
            Self::Finding => "a finding",
            Self::Findings => "a list of findings",
            Self::Null => "null",
            Self::Any => "anything",
        }
    }

    fn may_be(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any
    }

    fn element(self) -> Self {
        match self {
            Self::Texts => Self::Text,
            Self::Findings => Self::Finding,
            _ => Self::Any,
        }
    }

    fn is_list(self) -> bool {
        matches!(self, Self::Texts | Self::Findings | Self::Any)
    }

    fn of(attribute: &Attribute) -> Self {
        match attribute.kind {
            Kind::Bool => Self::Bool,
            Kind::Int => Self::Int,
            Kind::Text => Self::Text,
            Kind::List => Self::Texts,
        }
    }
}

struct Walk<'a> {
    positions: &'a SourceInfo,
    gate: Gate,
    /// Names bound by `exists`, `all`, `filter` and `map`, innermost last.
    locals: Vec<(String, Shape)>,
    patterns: Vec<Pattern>,
    names: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Walk<'_> {
    fn shape(&mut self, expression: &mut Expression) -> Shape {
        let id = expression.id;
        match &mut expression.expr {
            Expr::Unspecified => {
                self.fault(id, "the condition is not complete".to_owned(), None);
                Shape::Any
            }
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => Shape::Bool,
                LiteralValue::Int(_) | LiteralValue::UInt(_) => Shape::Int,
                LiteralValue::String(_) => Shape::Text,
                LiteralValue::Null => Shape::Null,
                LiteralValue::Double(_) | LiteralValue::Bytes(_) => Shape::Any,
            },
            Expr::Ident(name) => {
                let name = name.clone();
                self.name(id, &name)
            }
            Expr::Select(select) => {
                let (shape, name) = self.select(id, select);
                // A dotted name as one identifier spares the interpreter the search through its parts at every call.
                expression.expr = name.map_or_else(|| std::mem::take(&mut expression.expr), Expr::Ident);
                shape
            }
            Expr::Call(call) => self.call(id, call),
            Expr::List(list) => {
                let shapes: Vec<_> = list.elements.iter_mut().map(|element| self.shape(element)).collect();
                if !shapes.is_empty() && shapes.iter().all(|shape| *shape == Shape::Text) {
                    Shape::Texts
                } else {
                    Shape::Any
                }
            }
            Expr::Map(map) => {
                for entry in &mut map.entries {
                    if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                        self.shape(&mut entry.key);
                        self.shape(&mut entry.value);
                    }
                }
                Shape::Any
            }
            Expr::Struct(_) => {
                self.fault(id, "there are no message types here".to_owned(), None);
                Shape::Any
            }
            Expr::Comprehension(comprehension) => self.comprehension(id, comprehension),
        }
    }

    fn name(&mut self, id: u64, name: &str) -> Shape {
        if let Some((_, shape)) = self.locals.iter().rev().find(|(local, _)| local == name) {
            return *shape;
        }
        let name = if name == PACKAGE[1] { PACKAGE[0] } else { name };
        match name {
            "findings" | "unknown" => {
                self.names.insert(name.to_owned());
                if name == "findings" { Shape::Findings } else { Shape::Texts }
            }
            "int" | "uint" | "double" | "bool" | "string" | "list" | "map" | "null_type" => Shape::Any,
            _ if self.groups().contains(name) => {
                let fields: Vec<_> = self.attributes().filter_map(|known| in_group(known.name, name)).collect();
                let hint = format!("name one of its attributes: {}", fields.join(", "));
                self.fault(id, format!("`{name}` is a group of attributes"), Some(hint));
                Shape::Any
            }
            _ => {
                let known = self.groups().into_iter().chain(schema::LISTS.iter().copied());
                let hint = did_you_mean(name, known).or_else(|| self.group_of(name));
                self.fault(id, format!("unknown name `{name}`"), hint);
                Shape::Any
            }
        }
    }

    /// The shape of a selection and, when it is an attribute, its whole name.
    fn select(&mut self, id: u64, select: &mut SelectExpr) -> (Shape, Option<String>) {
        if select.test {
            let hint = "every attribute exists and may be null: compare it with null".to_owned();
            self.fault(id, "`has` is not offered".to_owned(), Some(hint));
        }
        if let Expr::Ident(group) = &select.operand.expr
            && !self.locals.iter().any(|(local, _)| local == group)
            && !schema::LISTS.contains(&group.as_str())
        {
            let group = if group == PACKAGE[1] { PACKAGE[0] } else { group };
            let name = format!("{group}.{}", select.field);
            let shape = self.attribute(id, &name);
            return (shape, Some(name));
        }
        let shape = match self.shape(&mut select.operand) {
            Shape::Any => Shape::Any,
            Shape::Finding => {
                let fields = schema::FINDING.iter().map(|field| field.name);
                let found = schema::FINDING.iter().find(|field| field.name == select.field);
                if found.is_none() {
                    let hint = one_of(&select.field, fields);
                    self.fault(id, format!("a finding has no `{}`", select.field), hint);
                }
                found.map_or(Shape::Any, Shape::of)
            }
            other => {
                let hint = other.is_list().then(|| "look into it with `.exists(x, ...)`".to_owned());
                self.fault(id, format!("{} has no `{}`", other.noun(), select.field), hint);
                Shape::Any
            }
        };
        (shape, None)
    }

    fn attribute(&mut self, id: u64, name: &str) -> Shape {
        let found = self.attributes().find(|attribute| attribute.name == name);
        if let Some(attribute) = found {
            self.names.insert(name.to_owned());
            return Shape::of(attribute);
        }
        let hint = did_you_mean(name, self.attributes().map(|attribute| attribute.name)).or_else(|| {
            let group = name.split('.').next().unwrap_or_default();
            let fields: Vec<_> = self.attributes().filter_map(|known| in_group(known.name, group)).collect();
            match fields.as_slice() {
                [] => Some(format!("the groups at gate {} are {}", self.gate, self.groups_in_words())),
                fields => Some(format!("`{group}` has {}", fields.join(", "))),
            }
        });
        self.fault(id, format!("unknown name `{name}`"), hint);
        Shape::Any
    }

    fn call(&mut self, id: u64, call: &mut CallExpr) -> Shape {
        if call.func_name == "matches" {
            return self.matches(id, call);
        }
        let target = call.target.as_mut().map(|target| self.shape(target));
        let args: Vec<Shape> = call.args.iter_mut().map(|arg| self.shape(arg)).collect();
        let name = call.func_name.as_str();
        match (name, args.as_slice()) {
            (
                operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE,
                parts,
            ) => {
                for part in parts.iter().filter(|part| !part.may_be(Shape::Bool)) {
                    self.fault(id, format!("{} stands where true or false is wanted", part.noun()), None);
                }
                Shape::Bool
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                let null = *left == Shape::Null || *right == Shape::Null;
                if !null && !left.may_be(*right) {
                    self.unlike(id, *left, *right, "can never be equal", &call.args);
                }
                Shape::Bool
            }
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                [left, right],
            ) => {
                if !left.may_be(*right)
                    || ![*left, *right].iter().all(|side| matches!(side, Shape::Int | Shape::Text | Shape::Any))
                {
                    self.unlike(id, *left, *right, "cannot be put in order", &call.args);
                }
                Shape::Bool
            }
            (operators::IN, [item, list]) => {
                if !list.is_list() {
                    self.fault(id, format!("`in` wants a list, not {}", list.noun()), None);
                } else if !list.element().may_be(*item) && *item != Shape::Null {
                    self.unlike(id, *item, list.element(), "can never be equal", &call.args);
                }
                Shape::Bool
            }
            (operators::CONDITIONAL, [condition, yes, no]) => {
                if !condition.may_be(Shape::Bool) {
                    self.fault(id, format!("{} stands where true or false is wanted", condition.noun()), None);
                }
                if yes == no { *yes } else { Shape::Any }
            }
            (
                operators::ADD | operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO,
                [left, right],
            ) => {
                if !left.may_be(*right) {
                    self.unlike(id, *left, *right, "do not combine", &call.args);
                }
                if *left == Shape::Any { *right } else { *left }
            }
            (operators::NEGATE, [only]) => *only,
            (operators::INDEX, [list, _]) => list.element(),
            ("size", _) => {
                let of = target.or(args.first().copied()).unwrap_or(Shape::Any);
                if !of.is_list() && of != Shape::Text {
                    self.fault(id, format!("`size` wants a list or a text, not {}", of.noun()), None);
                }
                Shape::Int
            }
            ("contains" | "startsWith" | "endsWith", [part]) => {
                if target.is_some_and(|target| target != Shape::Text && target.is_list() && target != Shape::Any) {
                    self.fault(id, format!("`{name}` wants a text, not a list"), Some("write `x in list`".to_owned()));
                } else if !target.unwrap_or(Shape::Any).may_be(Shape::Text) || !part.may_be(Shape::Text) {
                    self.fault(id, format!("`{name}` wants two texts"), None);
                }
                Shape::Bool
            }
            ("string", _) => Shape::Text,
            ("int" | "uint", _) => Shape::Int,
            ("bool", _) => Shape::Bool,
            (known, _) if FUNCTIONS.contains(&known) || !known.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                Shape::Any
            }
            (unknown, _) => {
                let hint = did_you_mean(unknown, FUNCTIONS.iter().copied());
                self.fault(id, format!("unknown function `{unknown}`"), hint);
                Shape::Any
            }
        }
    }

    /// `text.matches("pattern")`: the pattern is compiled now, and its place in the tree taken by its name.
    fn matches(&mut self, id: u64, call: &mut CallExpr) -> Shape {
        let (Some(target), [pattern]) = (call.target.as_mut(), call.args.as_mut_slice()) else {
            self.fault(
                id,
                "`matches` wants a text and a pattern".to_owned(),
                Some("write `file.name.matches(\"...\")`".to_owned()),
            );
            return Shape::Bool;
        };
        let text = self.shape(target);
        if !text.may_be(Shape::Text) {
            self.fault(id, format!("`matches` wants a text, not {}", text.noun()), None);
        }
        let Expr::Literal(LiteralValue::String(literal)) = &pattern.expr else {
            self.fault(pattern.id, "the pattern of `matches` must be written out".to_owned(), None);
            return Shape::Bool;
        };
        match Pattern::new(literal.inner()) {
            Ok(compiled) => {
                pattern.expr = Expr::Ident(format!("{}{}", Pattern::PREFIX, self.patterns.len()));
                self.patterns.push(compiled);
            }
            Err(error) => {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.fault(pattern.id, format!("the pattern of `matches` is not a regular expression: {why}"), None);
            }
        }
        Shape::Bool
    }

    fn comprehension(&mut self, id: u64, parts: &mut ComprehensionExpr) -> Shape {
        let over = self.shape(&mut parts.iter_range);
        if !over.is_list() {
            self.fault(id, format!("only a list can be looked into, not {}", over.noun()), None);
        }
        let start = self.shape(&mut parts.accu_init);
        let depth = self.locals.len();
        self.locals.push((parts.accu_var.clone(), start));
        self.locals.push((parts.iter_var.clone(), over.element()));
        self.locals.extend(parts.iter_var2.clone().map(|second| (second, Shape::Any)));
        self.shape(&mut parts.loop_cond);
        self.shape(&mut parts.loop_step);
        let result = self.shape(&mut parts.result);
        self.locals.truncate(depth);
        result
    }

    fn unlike(&mut self, id: u64, left: Shape, right: Shape, why: &str, args: &[Expression]) {
        let span = |arg: &Expression| match &arg.expr {
            Expr::Literal(LiteralValue::String(text)) => text.inner().parse::<Duration>().ok(),
            _ => None,
        };
        let hint = args
            .iter()
            .find_map(span)
            .map(|span| format!("spans of time are in seconds: {span} is {}", span.as_seconds()));
        self.fault(id, format!("{} and {} {why}", left.noun(), right.noun()), hint);
    }

    fn fault(&mut self, id: u64, what: String, hint: Option<String>) {
        let at = self.positions.offset_for(id).map_or(0, |(start, _)| start);
        let source = &self.positions.source;
        // Offsets of the parser count characters.
        let at = source.char_indices().nth(usize::try_from(at).unwrap_or(0)).map_or(0, |(byte, _)| byte);
        self.faults.push(Fault { at, what, hint });
    }

    fn attributes(&self) -> impl Iterator<Item = &'static Attribute> {
        schema::of(self.gate).chain(schema::SETTINGS)
    }

    fn groups(&self) -> BTreeSet<&'static str> {
        self.attributes().filter_map(|attribute| attribute.name.split('.').next()).collect()
    }

    fn groups_in_words(&self) -> String {
        self.groups().into_iter().collect::<Vec<_>>().join(", ")
    }

    /// A hint for a bare field name: `age` is `file.age`.
    fn group_of(&self, field: &str) -> Option<String> {
        let whole = self.attributes().find(|attribute| attribute.name.split('.').nth(1) == Some(field))?;
        Some(format!("did you mean `{}`?", whole.name))
    }
}

fn in_group<'n>(name: &'n str, group: &str) -> Option<&'n str> {
    name.strip_prefix(group)?.strip_prefix('.')
}
