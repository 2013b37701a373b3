//! Functions and classes: each is a unit of its own.

use std::rc::Rc;

use super::lex::Kind;
use super::scope::Reader;
use super::statement::{Pattern, element};
use super::value::Value;
use crate::behaviour::Sources;
use crate::lang::Unit;

/// Units of one file; functions beyond them count to the one around them.
const UNITS: usize = 50_000;

impl Reader<'_> {
    /// Whether an arrow function begins here.
    pub(super) fn arrow_ahead(&self) -> bool {
        let at = self.at + usize::from(self.is("async") && !self.is_at(self.at + 1, "=>"));
        let Some(token) = self.tokens.get(at) else { return false };
        if token.kind == Kind::Name {
            return self.is_at(at + 1, "=>");
        }
        if !self.is_at(at, "(") {
            return false;
        }
        let end = self.pairs[at] as usize;
        if end <= at {
            return false;
        }
        // `(a): T => b`: the type is short or it is a conditional's colon.
        self.is_at(end + 1, "=>")
            || self.is_at(end + 1, ":")
                && (end + 2..end + 12)
                    .take_while(|&at| !matches!(self.text_at(at), "," | ";" | ")" | "?" | "="))
                    .any(|at| self.is_at(at, "=>"))
    }

    pub(super) fn arrow(&mut self) -> Value {
        self.take("async");
        let name = std::mem::take(&mut self.owner);
        let value = self.function(&name, true);
        self.owner = name;
        value
    }

    pub(super) fn function_declaration(&mut self) -> Value {
        self.bump();
        self.take("*");
        let name = self.text().to_owned();
        if self.kind() == Kind::Name {
            self.bump();
        }
        let mut value = self.function(&name, false);
        if let Some(table) = self.table_of(&name) {
            value.path = Some(table.into());
        }
        self.declare(&name, value.clone(), true);
        value
    }

    pub(super) fn function_expression(&mut self) -> Value {
        self.bump();
        self.take("*");
        let hint = std::mem::take(&mut self.owner);
        let own: Option<Rc<str>> = (self.kind() == Kind::Name).then(|| self.text().into());
        if own.is_some() {
            self.bump();
        }
        let name = if hint.is_empty() { own.as_deref().unwrap_or_default() } else { &hint };
        self.enter(false);
        let value = self.function(name, false);
        if let Some(own) = own {
            self.declare(&own, value.clone(), false);
        }
        self.leave();
        self.owner = hint;
        value
    }

    /// Parameters and body.
    pub(super) fn function(&mut self, name: &str, arrow: bool) -> Value {
        let flows = std::mem::take(&mut self.flows);
        let outer = self.unit;
        let unit = self.open_unit(name);
        self.enter(true);
        if self.is("<") {
            while self.kind() != Kind::End && !self.is("(") && !self.is("{") {
                self.bump();
            }
        }
        if arrow && self.kind() == Kind::Name {
            let parameter = Pattern::Name(self.text().into());
            self.bump();
            self.parameter(&parameter, &flows, 0);
        } else if self.is("(") {
            self.parameters(&flows);
        }
        self.skip_type();
        let takes = if arrow { self.take("=>") } else { true };
        let owner = std::mem::take(&mut self.owner);
        if takes && self.is("{") {
            self.bump();
            self.statements();
            self.take("}");
        } else if arrow && takes {
            let value = self.assignment();
            self.returned[self.unit] = self.returned[self.unit].with(value.all_from());
        } else {
            // A signature without a body.
            self.take(";");
        }
        self.owner = owner;
        self.leave();
        self.unit = outer;
        Value { unit: Some(unit), ..Value::default() }
    }

    fn open_unit(&mut self, name: &str) -> usize {
        let unit = self.units.len();
        if unit >= UNITS {
            self.partial = Some("the functions after the first 50,000 were read as part of others");
            return self.unit;
        }
        let outer = &self.units[self.unit].name;
        let own = if name.is_empty() { "anonymous" } else { name };
        let own: String = own.chars().take(100).collect();
        let name = if outer.is_empty() || outer.len() > 200 { own } else { format!("{outer}.{own}") };
        self.units.push(Unit { name, line: self.line(), digest: 0xcbf2_9ce4_8422_2325, ..Unit::default() });
        self.given.push(Sources::NONE);
        self.returned.push(Sources::NONE);
        self.unit = unit;
        unit
    }

    fn parameters(&mut self, flows: &Value) {
        let end = self.pairs[self.at] as usize;
        self.bump();
        let mut count = 0;
        while !self.closes() {
            let before = self.at;
            let pattern = self.pattern();
            self.skip_type();
            self.parameter(&pattern, flows, count);
            count += 1;
            if self.take("=") {
                self.assignment();
            }
            self.take(",");
            if self.at == before {
                self.bump();
            }
        }
        if end > self.at {
            self.at = end;
        }
        self.take(")");
    }

    fn parameter(&mut self, pattern: &Pattern, flows: &Value, count: usize) {
        // Bundlers hand these to each module under their own names.
        if matches!(pattern, Pattern::Name(name) if matches!(&**name, "require" | "module" | "exports" | "process")) {
            return;
        }
        let value = if count == 0 { element(flows).taint(flows.from) } else { Value::from(flows.from) };
        self.bind(pattern, &value.taint(Sources::UNKNOWN), true);
    }

    pub(super) fn class(&mut self) -> Value {
        self.bump();
        let hint = std::mem::take(&mut self.owner);
        let mut name = hint.clone();
        if self.kind() == Kind::Name && !self.is("extends") && !self.is("implements") {
            name = self.text().to_owned();
            self.bump();
        }
        while self.kind() != Kind::End && !self.is("{") && !self.closes() && !self.is(";") {
            // What it extends, and types.
            if self.is("extends") {
                self.bump();
                if self.is("(") { self.skip_brackets() } else { self.bump() }
            } else {
                self.bump();
            }
        }
        let mut made = None;
        if self.take("{") {
            while !self.closes() {
                let before = self.at;
                if let Some(unit) = self.class_member(&name) {
                    made = Some(unit);
                }
                if self.at == before {
                    self.bump();
                }
            }
            self.take("}");
        }
        self.owner = hint;
        let value = Value { unit: made, path: Some(format!("#{name}").into()), ..Value::default() };
        if !name.is_empty() {
            self.declare(&name, value.clone(), false);
        }
        value
    }

    /// A method, field or static block; the unit of a constructor.
    fn class_member(&mut self, class: &str) -> Option<usize> {
        const BEFORE: &[&str] = &[
            "static",
            "async",
            "get",
            "set",
            "public",
            "private",
            "protected",
            "readonly",
            "override",
            "abstract",
            "declare",
            "accessor",
        ];
        while BEFORE.iter().any(|word| self.is(word))
            && !matches!(self.text_at(self.at + 1), "(" | "=" | ";" | ":" | "}")
            || self.is("*")
        {
            self.bump();
            if self.is("{") {
                // `static { ... }` runs with the class.
                self.bump();
                self.statements();
                self.take("}");
                return None;
            }
        }
        if self.take(";") {
            return None;
        }
        let name = self.text().trim_matches(['"', '\'']).to_owned();
        if self.is("[") {
            self.skip_brackets()
        } else {
            self.bump()
        }
        if self.is("?") || self.is("!") {
            self.bump();
        }
        if self.is("(") || self.is("<") {
            let value = self.function(&format!("{class}.{name}"), false);
            return value.unit.filter(|_| name == "constructor");
        }
        self.skip_type();
        if self.take("=") {
            let value = self.hinted(&format!("{class}.{name}"));
            let _ = value;
        }
        self.take(";");
        None
    }
}
