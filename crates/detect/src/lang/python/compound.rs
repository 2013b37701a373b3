//! Statements that hold others, definitions and imports.

use super::ast::{Class, Def, ImportStmt, List, NO_KEY, S};
use super::lex::{Kw, Tok};
use super::parse::{Parser, narrow};
use super::styled;

impl Parser<'_, '_> {
    /// `elif` chains are built from their end, so that a long one costs no stack.
    pub(super) fn if_statement(&mut self, out: &mut Vec<u32>) {
        let mut arms = Vec::new();
        let mut last = List::default();
        loop {
            let start = self.tok.start;
            self.advance();
            let test = self.expression_or_walrus();
            let body = self.block();
            arms.push((start, test, self.ast.add_list(&body)));
            if self.is_kw(Kw::Elif) {
                continue;
            }
            if self.eat_kw(Kw::Else) {
                let body = self.block();
                last = self.ast.add_list(&body);
            }
            break;
        }
        let mut statement = Vec::new();
        for (start, test, body) in arms.into_iter().rev() {
            statement.clear();
            self.push(&mut statement, S::If(test, body, last), start);
            last = self.ast.add_list(&statement);
        }
        out.extend(statement);
    }

    pub(super) fn for_statement(&mut self, out: &mut Vec<u32>) {
        let start = self.tok.start;
        self.advance();
        let target = self.targets();
        if !self.eat_kw(Kw::In) {
            self.error("`in` is missing");
        }
        let iterable = self.tuple();
        let mut body = self.block();
        if self.eat_kw(Kw::Else) {
            body.extend(self.block());
        }
        let body = self.ast.add_list(&body);
        self.push(out, S::For(target, iterable, body), start);
    }

    pub(super) fn try_statement(&mut self, out: &mut Vec<u32>) {
        let start = self.tok.start;
        self.advance();
        let mut body = self.block();
        loop {
            match self.tok.kind {
                Tok::Kw(Kw::Except) => {
                    self.advance();
                    self.eat(b'*');
                    if !self.is(b':') {
                        self.tuple();
                        if self.eat_kw(Kw::As) {
                            self.name();
                        }
                    }
                    body.extend(self.block());
                }
                Tok::Kw(Kw::Else | Kw::Finally) => {
                    self.advance();
                    body.extend(self.block());
                }
                _ => break,
            }
        }
        let body = self.ast.add_list(&body);
        self.push(out, S::Try(body), start);
    }

    pub(super) fn with_statement(&mut self, out: &mut Vec<u32>) {
        let start = self.tok.start;
        self.advance();
        let mut items = Vec::new();
        let grouped = self.is(b'(') && self.grouped_with();
        if grouped {
            self.advance();
        }
        loop {
            if grouped && self.is(b')') {
                break;
            }
            let value = self.expression();
            let target = if self.eat_kw(Kw::As) { self.binary(5).0 } else { NO_KEY };
            items.extend([value.0, target]);
            if !self.eat(b',') {
                break;
            }
        }
        if grouped {
            self.eat(b')');
        }
        let items = self.ast.add_list(&items);
        let body = self.block();
        let body = self.ast.add_list(&body);
        self.push(out, S::With(items, body), start);
    }

    /// Whether the bracket after `with` groups items: there is an `as` inside, or a colon right after it.
    fn grouped_with(&self) -> bool {
        let mut ahead = self.lex.clone();
        let mut open = 1u32;
        for _ in 0..2_000 {
            match ahead.next().kind {
                Tok::Op(b'(' | b'[' | b'{') => open += 1,
                Tok::Op(b')' | b']' | b'}') => {
                    open -= 1;
                    if open == 0 {
                        return false;
                    }
                }
                Tok::Kw(Kw::As) if open == 1 => return true,
                Tok::End | Tok::Newline => return false,
                _ => {}
            }
        }
        false
    }

    pub(super) fn match_statement(&mut self, out: &mut Vec<u32>) {
        let start = self.tok.start;
        self.advance();
        let subject = self.tuple();
        let mut body = Vec::new();
        self.eat(b':');
        if self.tok.kind == Tok::Newline {
            self.advance();
        }
        if self.tok.kind == Tok::Indent {
            self.advance();
            while self.tok.kind == Tok::Name && self.word() == "case" {
                // Patterns bind and compare, but do nothing.
                while !matches!(self.tok.kind, Tok::Newline | Tok::End) && !self.at_block_colon() {
                    self.advance();
                }
                body.extend(self.block());
            }
            if self.tok.kind == Tok::Dedent {
                self.advance();
            }
        }
        let body = self.ast.add_list(&body);
        self.push(out, S::Match(subject, body), start);
    }

    /// A colon outside brackets; the lexer knows the brackets only as a count, and patterns have no lambdas.
    fn at_block_colon(&self) -> bool {
        self.is(b':') && self.lex.outside()
    }

    pub(super) fn decorated(&mut self, out: &mut Vec<u32>) {
        let mut decorators = Vec::new();
        while self.eat(b'@') {
            decorators.push(self.expression_or_walrus().0);
            while self.tok.kind == Tok::Newline {
                self.advance();
            }
        }
        let decorators = self.ast.add_list(&decorators);
        self.eat_kw(Kw::Async);
        match self.tok.kind {
            Tok::Kw(Kw::Def) => self.def(decorators, out),
            Tok::Kw(Kw::Class) => self.class(decorators, out),
            _ => self.error("a decorator without a function"),
        }
    }

    pub(super) fn def(&mut self, decorators: List, out: &mut Vec<u32>) {
        let outer = std::mem::take(&mut self.hash);
        let start = self.tok.start;
        self.advance();
        let name = self.name();
        if self.is(b'[') {
            self.binary(0);
        }
        let mut params = Vec::new();
        if self.eat(b'(') {
            params = self.params(b')');
            if !self.eat(b')') {
                self.error("a list of parameters that does not end where it should");
            }
        }
        if self.tok.kind == Tok::Arrow {
            self.advance();
            self.expression();
        }
        let body = self.block();
        let body = self.ast.add_list(&body);
        let digest = std::mem::replace(&mut self.hash, outer).value();
        let start_at = narrow(start);
        self.ast.defs.push(Def { name, params, body, value: None, decorators, start: start_at, digest });
        let at = narrow(self.ast.defs.len() - 1);
        self.push(out, S::Def(at), start);
    }

    pub(super) fn class(&mut self, decorators: List, out: &mut Vec<u32>) {
        let start = self.tok.start;
        self.advance();
        let name = self.name();
        if self.is(b'[') {
            self.binary(0);
        }
        let bases = if self.is(b'(') { self.arguments() } else { List::default() };
        let body = self.block();
        let body = self.ast.add_list(&body);
        self.ast.classes.push(Class { name, bases, body, decorators });
        let at = narrow(self.ast.classes.len() - 1);
        self.push(out, S::Class(at), start);
    }

    pub(super) fn import(&mut self, out: &mut Vec<u32>) {
        let start = self.tok.start;
        let from = self.is_kw(Kw::From);
        self.advance();
        let mut statement = ImportStmt { level: 0, from: None, names: Vec::new() };
        if from {
            loop {
                match self.tok.kind {
                    Tok::Op(b'.') => statement.level += 1,
                    Tok::Ellipsis => statement.level += 3,
                    _ => break,
                }
                self.advance();
            }
            statement.from = Some(if self.is_kw(Kw::Import) { String::new() } else { self.dotted() });
            if !self.eat_kw(Kw::Import) {
                self.error("`import` is missing");
                return;
            }
        }
        let grouped = self.eat(b'(');
        loop {
            let name = if self.eat(b'*') { "*".to_owned() } else { self.dotted() };
            if name.is_empty() {
                break;
            }
            let alias = self.eat_kw(Kw::As).then(|| self.name());
            statement.names.push((name, alias));
            if !self.eat(b',') {
                break;
            }
        }
        if grouped {
            self.eat(b')');
        }
        self.ast.imports.push(statement);
        let at = narrow(self.ast.imports.len() - 1);
        self.push(out, S::Import(at), start);
    }

    fn dotted(&mut self) -> String {
        let mut name = String::new();
        while self.tok.kind == Tok::Name || (matches!(self.tok.kind, Tok::Kw(_)) && name.ends_with('.')) {
            let word = self.word();
            name.push_str(styled::folded(word).as_deref().unwrap_or(word));
            self.advance();
            if self.is(b'.') {
                name.push('.');
                self.advance();
            } else {
                break;
            }
        }
        name
    }

    pub(super) fn at_match(&self) -> bool {
        let mut ahead = self.lex.clone();
        let first = ahead.next().kind;
        if !matches!(
            first,
            Tok::Name | Tok::Str | Tok::FStr | Tok::Num | Tok::Kw(_) | Tok::Op(b'(' | b'[' | b'{' | b'-' | b'*')
        ) || matches!(first, Tok::Kw(Kw::In | Kw::Is | Kw::And | Kw::Or | Kw::If | Kw::Else))
        {
            return false;
        }
        // A subject is followed by `:` and the end of the line.
        let mut brackets = u32::from(matches!(first, Tok::Op(b'(' | b'[' | b'{')));
        for _ in 0..200 {
            match ahead.next().kind {
                Tok::Op(b'(' | b'[' | b'{') => brackets += 1,
                Tok::Op(b')' | b']' | b'}') => brackets = brackets.saturating_sub(1),
                Tok::Op(b':') if brackets == 0 => return ahead.next().kind == Tok::Newline,
                Tok::Op(b'=') if brackets == 0 => return false,
                Tok::Newline | Tok::End => return false,
                _ => {}
            }
        }
        false
    }
}
