//! Atoms: names, literals, what stands in brackets, and the fields of f-strings.

use super::ast::{Comp, E, Id, NO_KEY};
use super::lex::{Kw, Tok};
use super::parse::{Parser, narrow};

/// Elements of one display that are kept when they are not plain constants.
const ELEMENTS: usize = 20_000;

impl Parser<'_, '_> {
    pub(super) fn atom(&mut self) -> Id {
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
    pub(super) fn comprehension_or(&mut self, element: Id, value: Option<Id>, start: usize) -> Id {
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
        let styled = self.lex.styled;
        (self.lex, self.tok, self.last_end) = outer;
        self.lex.styled = self.lex.styled.or(styled);
        (at + 1).min(end)
    }
}
