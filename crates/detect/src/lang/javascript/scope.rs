//! The reader: where it stands, which names it knows, and what it has seen.

use std::collections::HashMap;
use std::rc::Rc;

use super::lex::{self, Kind, Token};
use super::table::Table;
use super::value::Value;
use super::{DEPTH, EFFECTS};
use crate::behaviour::{Ability, Effect, Sources};
use crate::lang::{Callee, Import, Unit, places};
use crate::text;

/// Names of one function or block.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) names: HashMap<Rc<str>, Value>,
    /// Calls of names that were not functions yet: declarations may follow.
    pub(super) pending: Vec<(usize, Rc<str>, Sources)>,
    pub(super) function: bool,
}

/// Reads one file.
pub(super) struct Reader<'a> {
    pub(super) source: &'a str,
    pub(super) tokens: Vec<Token>,
    /// For each opening bracket the index of its closing one, and the other way round; itself where there is none.
    pub(super) pairs: Vec<u32>,
    pub(super) at: usize,
    pub(super) units: Vec<Unit>,
    pub(super) unit: usize,
    pub(super) scopes: Vec<Scope>,
    pub(super) imports: Vec<Import>,
    pub(super) depth: u32,
    pub(super) nested: u32,
    pub(super) partial: Option<&'static str>,
    pub(super) scrambled: u32,
    /// The class or object whose functions are being read.
    pub(super) owner: String,
    /// What flows into the parameters of the functions that are read next.
    pub(super) flows: Value,
    pub(super) written: HashMap<String, Sources>,
    /// Modules of a bundle by their number, as far as they stand for one of Node's.
    pub(super) bundled: HashMap<String, Rc<str>>,
    /// Tables of texts that were opened.
    pub(super) tables: Vec<Table>,
    pub(super) given: Vec<Sources>,
    pub(super) returned: Vec<Sources>,
    /// Calls of methods by the name of their unit, or of all of an object's when it ends in a dot.
    methods: Vec<(usize, String)>,
    seen: u32,
    count: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a str, nested: u32) -> Self {
        let tokens = lex::tokens(source);
        let pairs = pairs(source, &tokens);
        let mut reader = Self {
            source,
            tokens,
            pairs,
            at: 0,
            units: vec![Unit { line: 1, ..Unit::default() }],
            unit: 0,
            scopes: vec![Scope { function: true, ..Scope::default() }],
            imports: Vec::new(),
            depth: 0,
            nested,
            partial: None,
            scrambled: 0,
            owner: String::new(),
            flows: Value::default(),
            written: HashMap::new(),
            bundled: HashMap::new(),
            tables: Vec::new(),
            given: vec![Sources::NONE],
            returned: vec![Sources::NONE],
            methods: Vec::new(),
            seen: 0,
            count: 0,
        };
        reader.bundle();
        reader.tables();
        reader
    }

    /// Reads the file to its end.
    pub(super) fn file(&mut self) {
        while self.kind() != Kind::End {
            self.statements();
            // A closing bracket that nothing opened.
            self.bump();
        }
        self.leave();
        self.resolve_methods();
        self.flow_into_parameters();
    }

    pub(super) fn kind(&self) -> Kind {
        self.tokens.get(self.at).map_or(Kind::End, |token| token.kind)
    }

    pub(super) fn text_at(&self, at: usize) -> &'a str {
        let Some(token) = self.tokens.get(at) else { return "" };
        self.source.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    pub(super) fn text(&self) -> &'a str {
        self.text_at(self.at)
    }

    /// Whether the next token is this mark or name; never a text in quotes.
    pub(super) fn is(&self, text: &str) -> bool {
        self.is_at(self.at, text)
    }

    pub(super) fn is_at(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| matches!(token.kind, Kind::Name | Kind::Mark))
            && self.text_at(at) == text
    }

    pub(super) fn line(&self) -> u32 {
        self.tokens.get(self.at).map_or(1, |token| token.line)
    }

    /// Goes on, and lets the token count in the digest of the unit: names of variables do not, those of members do.
    pub(super) fn bump(&mut self) {
        let Some(token) = self.tokens.get(self.at) else { return };
        let bytes = self.source.as_bytes();
        let text = &bytes[token.start as usize..token.end as usize];
        let member = self.at > 0 && self.is_at(self.at - 1, ".");
        let digest = &mut self.units[self.unit].digest;
        let hashed: &[u8] = match token.kind {
            Kind::Name if !member && !text.ends_with(b"return") => b"n",
            Kind::Text => text.get(1..text.len().saturating_sub(1)).unwrap_or_default(),
            _ => text,
        };
        for byte in &hashed[..hashed.len().min(64)] {
            *digest = (*digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        *digest = (*digest ^ hashed.len() as u64).wrapping_mul(0x0100_0000_01b3);
        if token.kind == Kind::Name && text.starts_with(b"_0x") {
            self.scrambled = self.scrambled.saturating_add(1);
        }
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let there = self.is(text);
        if there {
            self.bump();
        }
        there
    }

    /// To the bracket that closes the one here, and past it.
    pub(super) fn skip_brackets(&mut self) {
        let end = self.pairs[self.at] as usize;
        self.at = end.max(self.at);
        self.bump();
    }

    /// One level deeper; `false` when that is too deep, and then what is here was stepped over.
    pub(super) fn deeper(&mut self) -> bool {
        if self.depth < DEPTH {
            self.depth += 1;
            return true;
        }
        self.partial = Some("what is nested deeper than 90 levels was not followed");
        while self.kind() != Kind::End && !self.closes() && !self.is(",") && !self.is(";") {
            if self.pairs[self.at] as usize > self.at { self.skip_brackets() } else { self.bump() }
        }
        false
    }

    pub(super) fn closes(&self) -> bool {
        self.is(")") || self.is("]") || self.is("}") || matches!(self.kind(), Kind::Middle | Kind::Tail | Kind::End)
    }

    pub(super) fn lookup(&self, name: &str) -> Option<&Value> {
        self.scopes.iter().rev().find_map(|scope| scope.names.get(name))
    }

    pub(super) fn declare(&mut self, name: &str, value: Value, function: bool) {
        let scope = self.scopes.iter_mut().rev().find(|scope| scope.function || !function);
        if let Some(scope) = scope {
            scope.names.insert(name.into(), value);
        }
    }

    pub(super) fn assign(&mut self, name: &str, value: Value) {
        let slot = self.scopes.iter_mut().rev().find_map(|scope| scope.names.get_mut(name));
        match slot {
            // What flowed into it before may still be there: the assignment may stand in a branch or a callback.
            Some(slot) => {
                // The function of a table puts another one in its own place; nobody else does, or it would be none.
                let value = if Self::is_table(slot) { Value { path: slot.path.clone(), ..value } } else { value };
                let value = if value.from.is_empty() && value.path.is_none() { value.taint(slot.from) } else { value };
                *slot = value;
            }
            None => self.scopes[0].names.insert(name.into(), value).map_or((), drop),
        }
    }

    pub(super) fn enter(&mut self, function: bool) {
        self.scopes.push(Scope { function, ..Scope::default() });
    }

    /// Calls whose names this scope declared are settled, the others wait for the scope around it.
    pub(super) fn leave(&mut self) {
        let Some(scope) = self.scopes.pop() else { return };
        for (unit, name, from) in scope.pending {
            match scope.names.get(&name) {
                Some(Value { unit: Some(callee), .. }) => self.calls(unit, *callee, from),
                Some(_) => {}
                None => {
                    if let Some(outer) = self.scopes.last_mut() {
                        outer.pending.push((unit, name, from));
                    }
                }
            }
        }
    }

    pub(super) fn later(&mut self, name: &str, from: Sources) {
        let unit = self.unit;
        if let Some(scope) = self.scopes.last_mut() {
            scope.pending.push((unit, name.into(), from));
        }
    }

    pub(super) fn method(&mut self, name: String) {
        if self.methods.len() < 10_000 {
            self.methods.push((self.unit, name));
        }
    }

    pub(super) fn calls(&mut self, from: usize, callee: usize, given: Sources) {
        self.given[callee] = self.given[callee].with(given);
        let callee = Callee::Local(callee);
        let calls = &mut self.units[from].calls;
        if calls.len() < 64 && calls.contains(&callee) || calls.len() >= 4096 {
            return;
        }
        calls.push(callee);
    }

    fn resolve_methods(&mut self) {
        let methods = std::mem::take(&mut self.methods);
        if methods.is_empty() {
            return;
        }
        let mut named: std::collections::BTreeMap<String, Vec<usize>> = std::collections::BTreeMap::new();
        for (at, unit) in self.units.iter().enumerate() {
            named.entry(unit.name.clone()).or_default().push(at);
        }
        let mut done = std::collections::BTreeSet::new();
        for (unit, name) in methods {
            if !done.insert((unit, name.clone())) {
                continue;
            }
            if name.ends_with('.') {
                let all: Vec<usize> = named
                    .range(name.clone()..)
                    .take_while(|(key, _)| key.starts_with(&name))
                    .take(2000)
                    .flat_map(|(_, at)| at.clone())
                    .collect();
                all.into_iter().for_each(|at| self.calls(unit, at, Sources::NONE));
            } else {
                named.get(&name).cloned().into_iter().flatten().for_each(|at| self.calls(unit, at, Sources::NONE));
            }
        }
    }

    /// What callers gave flows into what a unit does with its parameters; twice, for functions that hand on.
    fn flow_into_parameters(&mut self) {
        for _ in 0..2 {
            for at in 0..self.units.len() {
                let given = self.given[at].without(Sources::UNKNOWN.with(Sources::LITERAL).with(Sources::OWN_FILE));
                if given.is_empty() {
                    continue;
                }
                for effect in self.units[at].effects.iter_mut().filter(|effect| effect.from.any(Sources::UNKNOWN)) {
                    effect.from = effect.from.with(given);
                }
                for callee in self.units[at].calls.clone() {
                    if let Callee::Local(callee) = callee
                        && self.given[callee].any(Sources::UNKNOWN)
                    {
                        self.given[callee] = self.given[callee].with(given);
                    }
                }
            }
        }
    }

    pub(super) fn effect(&mut self, ability: Ability, from: Sources, start: usize, detail: &str) {
        if self.count >= EFFECTS {
            return;
        }
        self.count += 1;
        let Some(token) = self.tokens.get(start) else { return };
        let rest = &self.source.as_bytes()[token.start as usize..];
        let end = rest.iter().take(400).position(|&b| b == b'\n').unwrap_or(rest.len().min(400));
        let effect = Effect {
            ability,
            from,
            line: token.line,
            detail: (!detail.is_empty()).then(|| text::excerpt(detail.as_bytes(), 200)),
            excerpt: text::excerpt(&rest[..end], 200),
        };
        self.units[self.unit].effects.push(effect);
    }

    /// Effects of a text inside the code: a command line, or code in a string.
    pub(super) fn inner(&mut self, effects: Vec<Effect>, from: Sources) {
        for mut effect in effects {
            if self.count < EFFECTS {
                self.count += 1;
                effect.from = effect.from.with(from);
                self.units[self.unit].effects.push(effect);
            }
        }
    }

    pub(super) fn import(&mut self, module: &str) {
        if self.imports.len() < 10_000 && !module.is_empty() && module.len() < 400 {
            let line = self.line();
            self.imports.push(Import { module: module.to_owned(), line, unit: self.unit });
        }
    }

    /// A literal says something by itself only where it is the flag of an agent.
    pub(super) fn literal(&mut self, text: &str) {
        if text.len() < 60 && places::questions_off(text) && self.seen < 50 {
            self.seen += 1;
            self.effect(Ability::AgentPrompt, Sources::LITERAL, self.at, text);
        }
    }

    /// Modules of a bundle that only hand one of Node's on: `123: e => { e.exports = require("fs") }`.
    fn bundle(&mut self) {
        for at in 4..self.tokens.len().saturating_sub(3) {
            if !(self.is_at(at, "require")
                && self.is_at(at + 1, "(")
                && self.is_at(at - 1, "=")
                && self.is_at(at - 2, "exports"))
            {
                continue;
            }
            let Some(Token { kind: Kind::Text, .. }) = self.tokens.get(at + 2) else { continue };
            let key = (at.saturating_sub(18)..at - 2)
                .rev()
                .find(|&key| self.is_at(key + 1, ":") && matches!(self.tokens[key].kind, Kind::Number | Kind::Text));
            if let Some(key) = key {
                let module = self.text_at(at + 2).trim_matches(['"', '\'']).trim_start_matches("node:");
                self.bundled.insert(self.text_at(key).trim_matches(['"', '\'']).to_owned(), module.into());
            }
        }
    }
}

fn pairs(source: &str, tokens: &[Token]) -> Vec<u32> {
    let mut pairs: Vec<u32> = (0..tokens.len()).map(|at| u32::try_from(at).unwrap_or(u32::MAX)).collect();
    let mut open: Vec<(u8, usize)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let byte = source.as_bytes().get(token.start as usize).copied().unwrap_or(0);
        let close = match (token.kind, byte) {
            (Kind::Mark, b'(') => {
                open.push((b')', at));
                continue;
            }
            (Kind::Mark, b'[') => {
                open.push((b']', at));
                continue;
            }
            (Kind::Mark, b'{') | (Kind::Head, _) => {
                open.push((b'}', at));
                continue;
            }
            (Kind::Mark, b')' | b']' | b'}') | (Kind::Tail, _) => {
                if token.kind == Kind::Tail {
                    b'}'
                } else {
                    byte
                }
            }
            _ => continue,
        };
        if let Some(&(wanted, start)) = open.last()
            && wanted == close
        {
            open.pop();
            pairs[start] = u32::try_from(at).unwrap_or(u32::MAX);
            pairs[at] = u32::try_from(start).unwrap_or(u32::MAX);
        }
    }
    pairs
}
