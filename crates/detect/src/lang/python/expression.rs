//! Expressions, by precedence.

use super::ast::{Comp, Def, E, Id, List, NO_KEY, Op, Sym, arg};
use super::lex::{Kw, Tok};
use super::parse::{Parser, narrow};

/// Brackets inside brackets, as CPython's tokenizer has it.
const DEEP: u32 = 200;
/// Elements of one display that are kept when they are not plain constants.
const ELEMENTS: usize = 20_000;

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
    fn node(&mut self, e: E, start: usize) -> Id {
        self.ast.add(e, narrow(start), narrow(self.last_end.max(start)))
    }

    fn opaque(&mut self) -> Id {
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

    fn take_scratch(&mut self, base: usize) -> List {
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
    fn element(&mut self) -> Id {
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
    fn guarded(&mut self, read: impl FnOnce(&mut Self) -> Id) -> Id {
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

    fn lambda(&mut self) -> Id {
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

    fn atom(&mut self) -> Id {
        let start = self.tok.start;
        match self.tok.kind {
            Tok::Name => {
                let name = self.symbol();
                self.advance();
                self.node(E::Name(name), start)
            }
            Tok::Num => {
                self.advance();
                self.node(E::Num, start)
            }
            Tok::Str | Tok::FStr => self.strings(),
            Tok::Op(b'(') => self.bracket(b')'),
            Tok::Op(b'[') => self.bracket(b']'),
            Tok::Op(b'{') => self.brace(),
            Tok::Op(b'`') => {
                self.notes.python2 = true;
                self.advance();
                let value = self.guarded(Self::tuple);
                self.eat(b'`');
                value
            }
            Tok::Ellipsis | Tok::Kw(Kw::None) => {
                self.advance();
                self.node(E::None, start)
            }
            Tok::Kw(Kw::True) => {
                self.advance();
                self.node(E::True, start)
            }
            Tok::Kw(Kw::False) => {
                self.advance();
                self.node(E::False, start)
            }
            Tok::Kw(Kw::Lambda) => self.guarded(Self::lambda),
            Tok::Kw(Kw::Yield) => self.guarded(Self::element),
            _ => {
                self.error("an expression is missing");
                self.opaque()
            }
        }
    }

    /// A tuple, a list, a group or a comprehension.
    fn bracket(&mut self, close: u8) -> Id {
        let start = self.tok.start;
        let base = self.scratch.len();
        let mut comma = close == b']';
        let mut made = None;
        self.guarded(|parser| {
            parser.advance();
            while !parser.is(close) && parser.tok.kind != Tok::End && !parser.full() {
                let before = parser.tok;
                let mark = parser.ast.nodes.len();
                let value = parser.element();
                let value = if parser.scratch.len() == base {
                    let whole = parser.comprehension_or(value, None, start);
                    if whole != value {
                        made = Some(whole);
                    }
                    whole
                } else {
                    value
                };
                parser.keep(base, value, mark);
                if parser.eat(b',') {
                    comma = true;
                } else if !parser.is(close) {
                    parser.error("a bracket that is not closed where it should be");
                    if parser.tok == before || matches!(parser.tok.kind, Tok::Op(b')' | b']' | b'}')) {
                        break;
                    }
                }
            }
            Id(0)
        });
        self.eat(close);
        if let Some(made) = made {
            self.scratch.truncate(base);
            return made;
        }
        if !comma && self.scratch.len() == base + 1 {
            return Id(self.scratch.pop().unwrap_or_default());
        }
        let items = self.take_scratch(base);
        self.node(E::Tuple(items), start)
    }

    /// Keeps an element of a display. Of a huge display, only constants are kept: it is data, and data is large.
    fn keep(&mut self, base: usize, value: Id, mark: usize) {
        let plain = matches!(self.ast.node(value).e, E::Num | E::Str | E::Un(..));
        if self.scratch.len() - base < ELEMENTS || plain {
            self.scratch.push(value.0);
        } else if mark <= value.0 as usize {
            self.ast.nodes.truncate(mark);
        }
    }

    fn brace(&mut self) -> Id {
        let start = self.tok.start;
        let base = self.scratch.len();
        let mut dict = false;
        let mut made = None;
        self.guarded(|parser| {
            parser.advance();
            dict = parser.is(b'}');
            while !parser.is(b'}') && parser.tok.kind != Tok::End && !parser.full() {
                let before = parser.tok;
                let mark = parser.ast.nodes.len();
                if parser.tok.kind == Tok::Pow {
                    dict = true;
                    parser.advance();
                    let value = parser.binary(5);
                    parser.scratch.extend([NO_KEY, value.0]);
                } else {
                    let key = parser.element();
                    if parser.eat(b':') {
                        dict = true;
                        let value = parser.expression();
                        let whole = parser.comprehension_or(key, Some(value), start);
                        if whole != key {
                            made = Some(whole);
                        } else if parser.scratch.len() - base < 2 * ELEMENTS {
                            parser.scratch.extend([key.0, value.0]);
                        } else {
                            parser.ast.nodes.truncate(mark);
                        }
                    } else {
                        let whole = parser.comprehension_or(key, None, start);
                        if whole != key {
                            made = Some(whole);
                        }
                        parser.keep(base, whole, mark);
                    }
                }
                if !parser.eat(b',') && !parser.is(b'}') {
                    parser.error("a brace that is not closed where it should be");
                    if parser.tok == before || matches!(parser.tok.kind, Tok::Op(b')' | b']')) {
                        break;
                    }
                }
            }
            Id(0)
        });
        self.eat(b'}');
        if let Some(made) = made {
            self.scratch.truncate(base);
            return made;
        }
        if dict && !(self.scratch.len() - base).is_multiple_of(2) {
            self.scratch.pop();
        }
        let items = self.take_scratch(base);
        self.node(if dict { E::Dict(items) } else { E::Set(items) }, start)
    }

    /// The comprehension that begins with this element, or the element itself where no `for` follows.
    fn comprehension_or(&mut self, element: Id, value: Option<Id>, start: usize) -> Id {
        if !self.is_kw(Kw::For) && !self.is_kw(Kw::Async) {
            return element;
        }
        let mut comp = Comp { element, value, clauses: Vec::new(), conditions: Vec::new() };
        loop {
            match self.tok.kind {
                Tok::Kw(Kw::Async) => self.advance(),
                Tok::Kw(Kw::For) => {
                    self.advance();
                    let target = self.targets();
                    if !self.eat_kw(Kw::In) {
                        self.error("`in` is missing");
                        break;
                    }
                    let iterable = self.binary(0);
                    comp.clauses.push((target, iterable));
                }
                Tok::Kw(Kw::If) => {
                    self.advance();
                    let condition = self.binary(0);
                    if self.is_kw(Kw::Else) {
                        self.advance();
                        self.expression();
                    }
                    comp.conditions.push(condition);
                }
                _ => break,
            }
        }
        self.ast.comps.push(comp);
        let at = narrow(self.ast.comps.len() - 1);
        self.node(E::Comp(at), start)
    }

    /// Adjacent literals.
    fn strings(&mut self) -> Id {
        let start = self.tok.start;
        let base = self.scratch.len();
        while matches!(self.tok.kind, Tok::Str | Tok::FStr) {
            if self.tok.kind == Tok::FStr {
                let (from, to) = (self.tok.start, self.tok.end);
                self.advance();
                self.f_string(from, to);
            } else {
                let from = self.tok.start;
                self.advance();
                let id = self.node(E::Str, from);
                self.scratch.push(id.0);
            }
        }
        if self.scratch.len() == base + 1 {
            let only = Id(self.scratch.pop().unwrap_or_default());
            if matches!(self.ast.node(only).e, E::Str) {
                return only;
            }
            self.scratch.push(only.0);
        }
        let parts = self.take_scratch(base);
        self.node(E::Joined(parts), start)
    }

    /// Pushes the parts of the f-string in that range: text and expressions.
    fn f_string(&mut self, from: usize, to: usize) {
        let text = self.text.as_bytes();
        let quote_at = (from..to).find(|&at| matches!(text[at], b'"' | b'\'')).unwrap_or(to);
        let quote = text.get(quote_at).copied().unwrap_or_default();
        let triple = to >= quote_at + 6 && text[quote_at + 1] == quote && text[quote_at + 2] == quote;
        let width = if triple { 3 } else { 1 };
        let end = to.saturating_sub(width).max(quote_at);
        let mut at = (quote_at + width).min(end);
        let mut plain = at;
        while at < end {
            match text[at] {
                b'{' if text.get(at + 1) == Some(&b'{') => at += 2,
                b'{' => {
                    self.f_text(plain, at);
                    at = self.f_field(at + 1, end);
                    plain = at;
                }
                _ => at += 1,
            }
        }
        self.f_text(plain, end);
    }

    fn f_text(&mut self, from: usize, to: usize) {
        if from < to && self.text.is_char_boundary(from) && self.text.is_char_boundary(to) {
            let id = self.ast.add(E::Text, narrow(from), narrow(to));
            self.scratch.push(id.0);
        }
    }

    /// Reads the expression after a `{` and says where its field ends.
    fn f_field(&mut self, from: usize, end: usize) -> usize {
        let inner = self.lex.within(from, end);
        let outer = (std::mem::replace(&mut self.lex, inner), self.tok, self.last_end);
        self.tok = self.lex.next();
        let id = self.guarded(Self::tuple);
        self.scratch.push(id.0);
        // Conversion and format: up to the brace that closes the field.
        let text = self.text.as_bytes();
        let mut at = self.tok.start.max(from);
        let mut open = 0u32;
        while at < end {
            match text[at] {
                b'{' => open += 1,
                b'}' if open == 0 => break,
                b'}' => open -= 1,
                _ => {}
            }
            at += 1;
        }
        (self.lex, self.tok, self.last_end) = outer;
        (at + 1).min(end)
    }
}
