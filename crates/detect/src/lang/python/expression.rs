//! Expressions, by precedence.

use super::ast::{Def, E, Id, List, Op, Sym, arg};
use super::lex::{Kw, Tok};
use super::parse::{Parser, narrow};

/// Brackets inside brackets, as CPython's tokenizer has it.
const DEEP: u32 = 200;

/// Binding powers, loosest first. 3 is `not`, 11 the signs.
fn power(kind: Tok) -> Option<(u32, Op)> {
    Some(match kind {
        Tok::Kw(Kw::Or) => (1, Op::Or),
        Tok::Kw(Kw::And) => (2, Op::And),
        Tok::Kw(Kw::In | Kw::Is | Kw::Not) | Tok::Op(b'<' | b'>') | Tok::Le | Tok::Ge | Tok::Ne => (4, Op::Cmp),
        Tok::Eq => (4, Op::Eq),
        Tok::Op(b'|') => (5, Op::BitOr),
        Tok::Op(b'^') => (6, Op::BitXor),
        Tok::Op(b'&') => (7, Op::BitAnd),
        Tok::Shl => (8, Op::Shl),
        Tok::Shr => (8, Op::Shr),
        Tok::Op(b'+') => (9, Op::Add),
        Tok::Op(b'-') => (9, Op::Sub),
        Tok::Op(b'*') => (10, Op::Mul),
        Tok::Op(b'/') => (10, Op::Div),
        Tok::Op(b'@') => (10, Op::Cmp),
        Tok::FloorDiv => (10, Op::FloorDiv),
        Tok::Op(b'%') => (10, Op::Mod),
        Tok::Pow => (12, Op::Pow),
        _ => return None,
    })
}

impl Parser<'_, '_> {
    pub(super) fn node(&mut self, e: E, start: usize) -> Id {
        self.ast.add(e, narrow(start), narrow(self.last_end.max(start)))
    }

    pub(super) fn opaque(&mut self) -> Id {
        let at = narrow(self.tok.start);
        self.ast.add(E::Opaque, at, at)
    }

    /// Expressions separated by commas; one alone is itself.
    pub(super) fn tuple(&mut self) -> Id {
        let start = self.tok.start;
        let first = self.element();
        if !self.is(b',') {
            return first;
        }
        let base = self.scratch.len();
        self.scratch.push(first.0);
        while self.eat(b',') {
            if !self.starts_expression() {
                break;
            }
            let next = self.element();
            self.scratch.push(next.0);
        }
        let items = self.take_scratch(base);
        self.node(E::Tuple(items), start)
    }

    /// What `for` binds: no comparisons, so that `in` ends it.
    pub(super) fn targets(&mut self) -> Id {
        let start = self.tok.start;
        let base = self.scratch.len();
        loop {
            self.eat(b'*');
            let next = self.binary(5);
            self.scratch.push(next.0);
            if !self.eat(b',') || self.is_kw(Kw::In) {
                break;
            }
        }
        if self.scratch.len() == base + 1 {
            return Id(self.scratch.pop().unwrap_or_default());
        }
        let items = self.take_scratch(base);
        self.node(E::Tuple(items), start)
    }

    pub(super) fn take_scratch(&mut self, base: usize) -> List {
        let start = narrow(self.ast.lists.len());
        let len = narrow(self.scratch.len() - base);
        self.ast.lists.extend_from_slice(&self.scratch[base..]);
        self.scratch.truncate(base);
        List { start, len }
    }

    fn starts_expression(&self) -> bool {
        match self.tok.kind {
            Tok::Name | Tok::Num | Tok::Str | Tok::FStr | Tok::Ellipsis | Tok::Pow => true,
            Tok::Op(byte) => matches!(byte, b'(' | b'[' | b'{' | b'-' | b'+' | b'~' | b'*' | b'`'),
            Tok::Kw(kw) => {
                matches!(kw, Kw::None | Kw::True | Kw::False | Kw::Not | Kw::Lambda | Kw::Await | Kw::Yield)
            }
            _ => false,
        }
    }

    /// An expression, `*expression` or a `yield`.
    pub(super) fn element(&mut self) -> Id {
        let start = self.tok.start;
        if self.eat(b'*') {
            let value = self.binary(5);
            return self.node(E::Star(value), start);
        }
        if self.eat_kw(Kw::Yield) {
            self.eat_kw(Kw::From);
            if !self.starts_expression() {
                return self.node(E::None, start);
            }
            let value = self.tuple();
            return self.node(E::Through(value), start);
        }
        self.expression_or_walrus()
    }

    pub(super) fn expression_or_walrus(&mut self) -> Id {
        let start = self.tok.start;
        let value = self.expression();
        if self.tok.kind == Tok::Walrus {
            let E::Name(name) = self.ast.node(value).e else { return value };
            self.advance();
            let value = self.expression();
            return self.node(E::Walrus(name, value), start);
        }
        value
    }

    /// A conditional, a lambda, or less.
    pub(super) fn expression(&mut self) -> Id {
        let start = self.tok.start;
        if self.is_kw(Kw::Lambda) {
            return self.guarded(Self::lambda);
        }
        let value = self.binary(0);
        if !self.is_kw(Kw::If) {
            return value;
        }
        self.guarded(|parser| {
            parser.advance();
            let test = parser.binary(0);
            if !parser.eat_kw(Kw::Else) {
                parser.error("a conditional without `else`");
                return value;
            }
            let other = parser.expression();
            let parts = parser.ast.add_list(&[test.0, value.0, other.0]);
            parser.node(E::Cond(parts), start)
        })
    }

    /// Runs one level deeper, or gives up on this expression and skips to where its bracket ends.
    pub(super) fn guarded(&mut self, read: impl FnOnce(&mut Self) -> Id) -> Id {
        if self.depth >= DEEP {
            self.notes.partial = Some("brackets are nested deeper than Python allows");
            let id = self.opaque();
            if matches!(self.tok.kind, Tok::Op(b'(' | b'[' | b'{')) {
                self.advance();
            }
            let mut open = 0u32;
            loop {
                match self.tok.kind {
                    Tok::Op(b'(' | b'[' | b'{') => open += 1,
                    Tok::Op(b')' | b']' | b'}') if open == 0 => break,
                    Tok::Op(b')' | b']' | b'}') => open -= 1,
                    Tok::Newline | Tok::End | Tok::Dedent => break,
                    _ => {}
                }
                self.advance();
            }
            return id;
        }
        self.depth += 1;
        let id = read(self);
        self.depth -= 1;
        id
    }

    pub(super) fn lambda(&mut self) -> Id {
        let start = self.tok.start;
        self.advance();
        let params = self.params(b':');
        self.eat(b':');
        let value = self.expression();
        let name = self.names.number("<lambda>");
        self.ast.defs.push(Def {
            name,
            params,
            body: List::default(),
            value: Some(value),
            decorators: List::default(),
            start: narrow(start),
            digest: 0,
        });
        let at = narrow(self.ast.defs.len() - 1);
        self.node(E::Lambda(at), start)
    }

    /// Parameters up to the closing character, which stays.
    pub(super) fn params(&mut self, close: u8) -> Vec<(Sym, u8, Option<Id>)> {
        let mut params = Vec::new();
        loop {
            let kind = match self.tok.kind {
                Tok::Op(b'*') => 1,
                Tok::Pow => 2,
                _ => 0,
            };
            if kind > 0 {
                self.advance();
            }
            match self.tok.kind {
                Tok::Name => {
                    let name = self.name();
                    if close == b')' && self.eat(b':') {
                        self.eat(b'*');
                        self.expression();
                    }
                    let default = self.eat(b'=').then(|| self.expression());
                    params.push((name, kind, default));
                }
                // A bare `*` or `/`, or a tuple of Python 2.
                Tok::Op(b'/') => self.advance(),
                Tok::Op(b'(') => {
                    self.notes.python2 = true;
                    self.binary(0);
                }
                _ => {}
            }
            if !self.eat(b',') {
                return params;
            }
        }
    }

    /// Operators at least as binding as `min`.
    pub(super) fn binary(&mut self, min: u32) -> Id {
        let start = self.tok.start;
        let mut left = match self.tok.kind {
            Tok::Kw(Kw::Not) if min <= 3 => self.guarded(|parser| {
                parser.advance();
                let value = parser.binary(3);
                parser.node(E::Un(Op::Not, value), start)
            }),
            Tok::Op(sign @ (b'-' | b'+' | b'~')) => self.guarded(|parser| {
                parser.advance();
                let value = parser.binary(11);
                let op = match sign {
                    b'-' => Op::Sub,
                    b'+' => Op::Add,
                    _ => Op::BitXor,
                };
                parser.node(E::Un(op, value), start)
            }),
            Tok::Kw(Kw::Await) => self.guarded(|parser| {
                parser.advance();
                let value = parser.binary(13);
                parser.node(E::Through(value), start)
            }),
            _ => self.postfix(),
        };
        while let Some((strength, op)) = power(self.tok.kind) {
            if strength < min {
                break;
            }
            if self.is_kw(Kw::Not) {
                // Only `not in` may stand here.
                let mut ahead = self.lex.clone();
                if ahead.next().kind != Tok::Kw(Kw::In) {
                    break;
                }
                self.advance();
            }
            let is = self.is_kw(Kw::Is);
            self.advance();
            if is {
                self.eat_kw(Kw::Not);
            }
            let right =
                if op == Op::Pow { self.guarded(|parser| parser.binary(11)) } else { self.binary(strength + 1) };
            left = self.node(E::Bin(op, left, right), start);
        }
        left
    }

    fn postfix(&mut self) -> Id {
        let start = self.tok.start;
        let mut value = self.atom();
        loop {
            match self.tok.kind {
                Tok::Op(b'.') => {
                    self.advance();
                    if !matches!(self.tok.kind, Tok::Name | Tok::Kw(_)) {
                        self.error("a name is missing after a dot");
                        return value;
                    }
                    let name = self.symbol();
                    self.advance();
                    value = self.node(E::Attr(value, name), start);
                }
                Tok::Op(b'(') => {
                    let arguments = self.arguments();
                    value = self.node(E::Call(value, arguments), start);
                }
                Tok::Op(b'[') => {
                    let index = self.subscript();
                    value = self.node(E::Sub(value, index), start);
                }
                _ => return value,
            }
        }
    }

    /// From `(` to after `)`.
    pub(super) fn arguments(&mut self) -> List {
        let base = self.scratch.len();
        self.guarded(|parser| {
            parser.advance();
            while !matches!(parser.tok.kind, Tok::Op(b')') | Tok::End | Tok::Newline) {
                let before = parser.tok;
                let (kind, value) = parser.argument();
                parser.scratch.extend([kind, value.0]);
                if !parser.eat(b',') && !parser.is(b')') {
                    parser.error("an argument list that does not end where it should");
                    if parser.tok == before {
                        parser.advance();
                    }
                }
            }
            Id(0)
        });
        self.eat(b')');
        self.take_scratch(base)
    }

    fn argument(&mut self) -> (u32, Id) {
        match self.tok.kind {
            Tok::Op(b'*') => {
                self.advance();
                (arg::STAR, self.expression())
            }
            Tok::Pow => {
                self.advance();
                (arg::DOUBLE, self.expression())
            }
            Tok::Name => {
                let mut ahead = self.lex.clone();
                if ahead.next().kind == Tok::Op(b'=') {
                    let name = self.name();
                    self.advance();
                    return (arg::KEYWORD + name.0, self.expression());
                }
                let start = self.tok.start;
                let value = self.expression_or_walrus();
                (arg::POSITIONAL, self.comprehension_or(value, None, start))
            }
            _ => {
                let start = self.tok.start;
                let value = self.element();
                (arg::POSITIONAL, self.comprehension_or(value, None, start))
            }
        }
    }

    fn subscript(&mut self) -> Id {
        let id = self.guarded(|parser| {
            let start = parser.tok.start;
            parser.advance();
            let first = parser.slice();
            let index = if parser.is(b',') {
                let base = parser.scratch.len();
                parser.scratch.push(first.0);
                while parser.eat(b',') && !parser.is(b']') {
                    let next = parser.slice();
                    parser.scratch.push(next.0);
                }
                let items = parser.take_scratch(base);
                parser.node(E::Tuple(items), start)
            } else {
                first
            };
            if !parser.is(b']') {
                parser.error("a subscript that does not end where it should");
            }
            index
        });
        self.eat(b']');
        id
    }

    fn slice(&mut self) -> Id {
        let start = self.tok.start;
        let mut parts = [0; 3];
        let mut count = 0;
        let mut colons = 0;
        for part in &mut parts {
            *part = if self.is(b':') || self.is(b']') || self.is(b',') { self.opaque().0 } else { self.element().0 };
            count += 1;
            if !self.is(b':') || count == 3 {
                break;
            }
            self.advance();
            colons += 1;
        }
        if colons == 0 {
            return Id(parts[0]);
        }
        let list = self.ast.add_list(&parts[..count]);
        self.node(E::Slice(list), start)
    }
}
