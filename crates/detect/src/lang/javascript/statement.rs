//! Statements: blocks, declarations, imports and exports.

use std::rc::Rc;

use super::lex::Kind;
use super::scope::Reader;
use super::value::Value;
use crate::behaviour::Sources;
use crate::lang::places;

/// What a declaration binds.
#[derive(Debug)]
pub(super) enum Pattern {
    Name(Rc<str>),
    Object(Vec<(Rc<str>, Self)>),
    Array(Vec<Self>),
    Nothing,
}

impl Reader<'_> {
    /// Statements until the bracket that closes them, which stays.
    pub(super) fn statements(&mut self) {
        while !self.closes() {
            let before = self.at;
            if self.deeper() {
                self.statement();
                self.depth -= 1;
            }
            if self.at == before {
                self.bump();
            }
        }
    }

    fn block(&mut self) {
        self.enter(false);
        self.bump();
        self.statements();
        self.take("}");
        self.leave();
    }

    fn statement(&mut self) {
        let next = self.at + 1;
        let word = if matches!(self.kind(), Kind::Name | Kind::Mark) { self.text() } else { "" };
        match word {
            "{" => self.block(),
            ";" => self.bump(),
            "function" => {
                self.function_declaration();
            }
            "async" if self.is_at(next, "function") => {
                self.bump();
                self.function_declaration();
            }
            "class" => {
                self.class();
            }
            "abstract" | "declare" if self.tokens.get(next).is_some_and(|token| token.kind == Kind::Name) => {
                self.bump()
            }
            "interface" | "namespace" | "module"
                if self.tokens.get(next).is_some_and(|token| token.kind == Kind::Name) && self.is_at(next + 1, "{") =>
            {
                if word == "interface" {
                    self.at = next + 1;
                    self.skip_brackets();
                } else {
                    self.at = next + 1;
                    self.block();
                }
            }
            "type"
                if self.tokens.get(next).is_some_and(|token| token.kind == Kind::Name) && self.is_at(next + 1, "=") =>
            {
                while self.kind() != Kind::End && !self.is(";") && !self.closes() {
                    if self.pairs[self.at] as usize > self.at { self.skip_brackets() } else { self.bump() }
                }
            }
            "var" | "let" | "const" | "using" if !self.is_at(next, "=") && !self.is_at(next, ".") => {
                self.bump();
                self.declaration(word == "var");
            }
            "for" => self.for_loop(),
            "if" | "while" | "switch" | "with" | "catch" if self.is_at(next, "(") => {
                self.bump();
                self.bump();
                if word == "catch" {
                    let pattern = self.pattern();
                    self.bind(&pattern, &Value::default(), false);
                    self.skip_type();
                } else {
                    self.expression();
                }
                self.take(")");
            }
            "import" if !self.is_at(next, "(") && !self.is_at(next, ".") => self.import_statement(),
            "export" => self.export_statement(),
            "return" => {
                self.bump();
                if !self.closes() && !self.is(";") {
                    let value = self.expression();
                    let from = value.all_from();
                    self.returned[self.unit] = self.returned[self.unit].with(from);
                }
            }
            "case" => {
                self.bump();
                self.expression();
                self.take(":");
            }
            "throw" | "else" | "do" | "try" | "finally" | "debugger" => self.bump(),
            "default" | "break" | "continue" => {
                self.bump();
                self.take(":");
            }
            _ => {
                self.expression();
                self.take(";");
            }
        }
    }

    fn for_loop(&mut self) {
        self.bump();
        self.take("await");
        if !self.take("(") {
            return;
        }
        self.enter(false);
        if self.is("var") || self.is("let") || self.is("const") {
            self.bump();
            let pattern = self.pattern();
            if self.take("of") || self.take("in") {
                let value = self.expression();
                self.bind(&pattern, &element(&value), false);
            } else if self.take("=") {
                let value = self.assignment();
                self.bind(&pattern, &value, false);
            }
        }
        while !self.closes() {
            let before = self.at;
            self.expression();
            self.take(";");
            if self.at == before {
                self.bump();
            }
        }
        self.take(")");
        if self.is("{") {
            self.block();
        } else if self.deeper() {
            self.statement();
            self.depth -= 1;
        }
        self.leave();
    }

    pub(super) fn declaration(&mut self, function: bool) {
        loop {
            let pattern = self.pattern();
            self.take("!");
            self.skip_type();
            if self.take("=") {
                let hint = if let Pattern::Name(name) = &pattern { name.to_string() } else { String::new() };
                let value = self.hinted(&hint);
                self.bind(&pattern, &value, function);
            } else {
                self.bind(&pattern, &Value::default(), function);
            }
            if !self.take(",") {
                break;
            }
        }
        self.take(";");
    }

    /// Reads a value that will have this name.
    pub(super) fn hinted(&mut self, hint: &str) -> Value {
        let owner = std::mem::replace(&mut self.owner, hint.to_owned());
        let value = self.assignment();
        self.owner = owner;
        value
    }

    pub(super) fn bind(&mut self, pattern: &Pattern, value: &Value, function: bool) {
        match pattern {
            Pattern::Name(name) => self.declare(name, value.clone(), function),
            Pattern::Object(parts) => {
                for (key, part) in parts {
                    let member = if &**key == "..." { value.clone() } else { self.member(value, key) };
                    self.bind(part, &member, function);
                }
            }
            Pattern::Array(parts) => {
                for (at, part) in parts.iter().enumerate() {
                    let item = value.items.as_ref().and_then(|items| items.get(at)).map(|(_, item)| item.clone());
                    self.bind(part, &item.unwrap_or_else(|| Value::from(value.from)), function);
                }
            }
            Pattern::Nothing => {}
        }
    }

    /// A name, or what takes an object or array apart.
    pub(super) fn pattern(&mut self) -> Pattern {
        if !self.deeper() {
            return Pattern::Nothing;
        }
        let pattern = self.pattern_here();
        self.depth -= 1;
        pattern
    }

    fn pattern_here(&mut self) -> Pattern {
        self.take("...");
        if self.kind() == Kind::Name {
            let name = self.text().into();
            self.bump();
            return Pattern::Name(name);
        }
        let object = self.is("{");
        if !object && !self.is("[") {
            return Pattern::Nothing;
        }
        let start = self.at;
        self.bump();
        let (mut named, mut listed) = (Vec::new(), Vec::new());
        while !self.closes() {
            let before = self.at;
            if object {
                let rest = self.take("...");
                let key: Rc<str> = if rest { "...".into() } else { self.text().trim_matches(['"', '\'']).into() };
                if self.is("[") {
                    self.skip_brackets()
                } else if !rest {
                    self.bump()
                }
                let part = if rest || self.take(":") { self.pattern() } else { Pattern::Name(key.clone()) };
                named.push((key, part));
            } else if self.is(",") {
                listed.push(Pattern::Nothing);
            } else {
                listed.push(self.pattern());
            }
            if self.take("=") {
                self.assignment();
            }
            self.take(",");
            if self.at == before {
                self.bump();
            }
        }
        self.bump();
        let end = self.pairs[start] as usize;
        if end > start && self.at <= end {
            self.at = end;
            self.bump();
        }
        if object { Pattern::Object(named) } else { Pattern::Array(listed) }
    }

    /// Steps over `: Type` of TypeScript.
    pub(super) fn skip_type(&mut self) {
        if self.is("?")
            && (self.is_at(self.at + 1, ":") || self.is_at(self.at + 1, ",") || self.is_at(self.at + 1, ")"))
        {
            self.bump();
        }
        if !self.take(":") {
            return;
        }
        let mut angles = 0_i32;
        while self.kind() != Kind::End && !self.closes() {
            match self.text() {
                "=" | ";" => break,
                "," if angles <= 0 => break,
                "{" if angles <= 0 && !matches!(self.text_at(self.at - 1), ":" | "|" | "&" | "=>") => break,
                "<" => angles += 1,
                ">" => angles -= 1,
                ">>" => angles -= 2,
                _ => {}
            }
            if self.pairs[self.at] as usize > self.at { self.skip_brackets() } else { self.bump() }
        }
    }

    fn import_statement(&mut self) {
        self.bump();
        let mut names: Vec<(Rc<str>, Rc<str>)> = Vec::new();
        while !self.is(";") && !self.closes() && self.kind() != Kind::Text {
            if self.take("{") {
                while !self.closes() {
                    let name: Rc<str> = self.text().into();
                    self.bump();
                    let local = if self.take("as") { self.text().into() } else { name.clone() };
                    if *local != *name {
                        self.bump();
                    }
                    names.push((name, local));
                    if !self.take(",") {
                        break;
                    }
                }
                self.take("}");
            } else if self.take("*") {
                self.take("as");
                names.push(("".into(), self.text().into()));
                self.bump();
            } else {
                let name = self.text();
                if self.kind() == Kind::Name && !matches!(name, "from" | "type" | "defer") {
                    names.push(("default".into(), name.into()));
                }
                let before = self.at;
                self.bump();
                if before == self.at {
                    break;
                }
            }
        }
        if self.kind() != Kind::Text {
            return;
        }
        let module = self.text().trim_matches(['"', '\'']).to_owned();
        self.bump();
        let value = self.required(&module);
        for (name, local) in names {
            let bound = if name.is_empty() { value.clone() } else { self.member(&value, &name) };
            self.declare(&local, bound, false);
        }
        if self.take("with") && self.is("{") {
            self.skip_brackets();
        }
    }

    fn export_statement(&mut self) {
        self.bump();
        if self.is("{") || self.is("*") {
            let braces = self.is("{");
            if braces {
                self.skip_brackets();
            } else {
                self.bump();
                if self.take("as") {
                    self.bump();
                }
            }
            if self.take("from") && self.kind() == Kind::Text {
                let module = self.text().trim_matches(['"', '\'']).to_owned();
                self.bump();
                self.required(&module);
            }
        } else if self.take("default") && !(self.is("function") || self.is("class") || self.is("async")) {
            self.hinted("default");
        }
    }
}

/// An element of what a loop or a callback goes over: the one that says most.
pub(super) fn element(value: &Value) -> Value {
    let Some(items) = &value.items else { return Value::from(value.from) };
    let telling = |item: &&(Rc<str>, Value)| {
        let text = item.1.shown();
        places::credential(text)
            || places::agent_config(text)
            || places::persistent(text)
            || places::browser(text)
            || places::wallet(text)
    };
    let item = items.iter().take(200).find(telling).or_else(|| items.first());
    item.map_or_else(Value::default, |(_, item)| Value { exact: false, ..item.clone() })
        .taint(value.from.without(Sources::LITERAL))
}
