//! Statements, one by one.

use std::rc::Rc;

use super::ast::{E, Id, ImportStmt, List, NO_KEY, Op, S, Sym};
use super::eval::{Eval, Source, known_module};
use super::value::{Kind, Val};
use crate::lang::Callee;

impl Eval {
    pub(super) fn one(&mut self, source: &Rc<Source>, statement: S, start: u32) {
        match statement {
            S::Expr(value) => {
                if !matches!(source.ast.node(value).e, E::Str) {
                    self.eval(source, value);
                }
            }
            S::Assign(targets, value) => {
                let value = self.eval(source, value);
                for &target in source.ast.list(targets) {
                    self.bind(source, Id(target), &value);
                }
            }
            S::Aug(target, op, value) => {
                let old = self.eval(source, target);
                let value = self.eval(source, value);
                let new = if let (Op::Add, Kind::Unknown) = (op, &old.kind) {
                    Val::unknown(old.from.with(value.from))
                } else {
                    super::fold::binary(op, &old, &value, &mut self.budget)
                };
                self.bind(source, target, &new);
            }
            S::Return(value) => {
                let value = self.eval(source, value);
                let frame = self.frame();
                frame.result = Some(match frame.result.take() {
                    Some(old) if matches!(value.kind, Kind::Unknown | Kind::None) => old.with(value.from),
                    Some(old) => value.with(old.from),
                    None => value,
                });
            }
            S::Del(value) => {
                self.eval(source, value);
            }
            S::Import(at) => self.import(source, &source.ast.imports[at as usize], start),
            S::If(test, body, other) => self.condition(source, test, body, other),
            S::While(test, body) => {
                self.eval(source, test);
                self.block(source, body);
            }
            S::For(target, iterable, body) => self.repeat(source, target, iterable, body),
            S::Try(body) => self.block(source, body),
            S::With(items, body) => {
                for pair in source.ast.list(items).as_chunks::<2>().0 {
                    let value = self.eval(source, Id(pair[0]));
                    self.special(&value, super::special::ENTERED);
                    if pair[1] != NO_KEY {
                        self.bind(source, Id(pair[1]), &value);
                    }
                }
                self.block(source, body);
            }
            S::Def(at) => self.define(source, at),
            S::Class(at) => self.class(source, at),
            S::Match(subject, body) => {
                self.eval(source, subject);
                self.block(source, body);
            }
            S::Global(list) => {
                let names: Vec<Sym> = source.ast.list(list).iter().map(|&sym| Sym(sym)).collect();
                self.frame().globals.extend(names);
            }
            S::Exec(value) => {
                let value = self.eval(source, value);
                self.execute(source, start, &value, true);
            }
        }
    }

    fn condition(&mut self, source: &Rc<Source>, mut test: Id, mut body: List, mut other: List) {
        // An `elif` is an `if` alone in the other branch: walked in a loop, since such chains can be long.
        loop {
            self.eval(source, test);
            let kind = self.test_kind(source, test);
            match kind {
                Test::Types => {}
                Test::Main if !self.place.setup && self.frame().top => {
                    let unit = self.new_unit("__main__".to_owned(), source.line(source.ast.node(test).start));
                    let outer = std::mem::replace(&mut self.frame().unit, unit);
                    self.block(source, body);
                    self.frame().unit = outer;
                }
                _ => self.block(source, body),
            }
            let [only] = source.ast.list(other) else { break };
            let S::If(next, next_body, next_other) = source.ast.stmts[*only as usize].s else { break };
            if !self.budget.step(2) {
                return;
            }
            (test, body, other) = (next, next_body, next_other);
        }
        self.block(source, other);
    }

    fn test_kind(&self, source: &Source, test: Id) -> Test {
        match source.ast.node(test).e {
            E::Name(sym) | E::Attr(_, sym) if &**self.names.text(sym) == "TYPE_CHECKING" => Test::Types,
            E::Bin(Op::Eq, left, right) => {
                let name =
                    |id: Id| matches!(source.ast.node(id).e, E::Name(sym) if &**self.names.text(sym) == "__name__");
                if name(left) || name(right) { Test::Main } else { Test::Other }
            }
            _ => Test::Other,
        }
    }

    fn repeat(&mut self, source: &Rc<Source>, target: Id, iterable: Id, body: List) {
        let value = self.eval(source, iterable);
        self.special(&value, super::special::ITERATED);
        let items = self.iterate(&value);
        match items {
            Some(items) if items.len() <= 4_096 && !items.is_empty() => {
                for item in items {
                    // What a loop may take is a part of what is left, so that the rest of the file is still read.
                    if self.budget.steps < 20_000 {
                        self.partial = Some("a loop needs more steps than are taken");
                        return;
                    }
                    self.bind(source, target, &item);
                    self.block(source, body);
                }
            }
            _ => {
                self.bind(source, target, &Val::unknown(value.from));
                self.block(source, body);
            }
        }
    }

    fn import(&mut self, source: &Rc<Source>, statement: &ImportStmt, start: u32) {
        let line = source.line(start);
        let Some(from) = &statement.from else {
            for (module, alias) in &statement.names {
                self.imported(module, line);
                match alias {
                    Some(alias) => self.set(*alias, Val::path(module)),
                    None => {
                        let root = module.split('.').next().unwrap_or(module);
                        let sym = self.names.number(root);
                        self.set(sym, Val::path(root));
                    }
                }
            }
            return;
        };
        let Some(module) = self.absolute(statement.level, from) else { return };
        if module != "__future__" {
            self.imported(&module, line);
        }
        for (name, alias) in &statement.names {
            if name == "*" {
                self.star.push(module.as_str().into());
                self.edge(Callee::Other(module.clone(), "*".to_owned()));
                continue;
            }
            let path = if module.is_empty() { name.clone() } else { format!("{module}.{name}") };
            if statement.level > 0 || !known_module(&module) {
                // The name may be a module of the package.
                self.imported(&path, line);
            }
            let sym = alias.unwrap_or_else(|| self.names.number(name));
            self.set(sym, Val::path(&path));
        }
    }

    fn absolute(&self, level: u32, from: &str) -> Option<String> {
        if level == 0 {
            return Some(from.to_owned());
        }
        let keep = (self.place.package.len() + 1).checked_sub(level as usize)?;
        let mut parts = self.place.package[..keep].to_vec();
        if !from.is_empty() {
            parts.push(from.to_owned());
        }
        Some(parts.join("."))
    }
}

enum Test {
    /// `if __name__ == "__main__"`.
    Main,
    /// `if TYPE_CHECKING`.
    Types,
    Other,
}
