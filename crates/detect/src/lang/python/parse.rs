//! Statements. Never fails: after an error it goes on at the next token, so that a broken file still shows its calls.
//!
//! Both Pythons are read: `print` and `exec` statements, backquotes, `<>` and `except E, e` of Python 2 are understood and
//! only noted. Nesting is bounded as CPython bounds it (200 brackets, 100 blocks), so no input exhausts the stack.

use std::hash::Hasher as _;

use super::ast::{Ast, E, Fast, Id, List, Names, Op, S, Stmt, Sym};
use super::lex::{Kw, Lexer, Tok, Token};

/// Blocks inside blocks.
const BLOCKS: u32 = 100;
/// Nodes of one source: memory stays below 150 MB.
const NODES: usize = 3_000_000;

/// What came out besides the tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Notes {
    /// The first error, and where.
    pub(super) error: Option<(&'static str, usize)>,
    /// It reads as Python 2.
    pub(super) python2: bool,
    /// A budget ended.
    pub(super) partial: Option<&'static str>,
    /// Code behind many blanks.
    pub(super) pushed: Option<usize>,
    /// A name that Python takes for another spelling.
    pub(super) styled: Option<usize>,
    /// The digest of the top level.
    pub(super) digest: u64,
}

/// Reads a text.
pub(super) fn parse(text: &str, names: &mut Names) -> (Ast, Notes) {
    let mut lex = Lexer::new(text);
    let tok = lex.next();
    let mut parser = Parser {
        text,
        lex,
        tok,
        last_end: 0,
        ast: Ast::default(),
        names,
        notes: Notes::default(),
        depth: 0,
        blocks: 0,
        hash: Fast::default(),
        scratch: Vec::new(),
    };
    let mut body = Vec::new();
    while parser.tok.kind != Tok::End {
        let before = parser.tok;
        parser.statement(&mut body);
        if parser.tok == before && parser.tok.kind != Tok::End {
            parser.advance();
        }
        if parser.full() {
            break;
        }
    }
    parser.ast.body = parser.ast.add_list(&body);
    parser.notes.digest = parser.hash.value();
    if parser.notes.error.is_none() {
        parser.notes.error = parser.lex.wrong;
    }
    parser.notes.pushed = parser.lex.pushed;
    parser.notes.styled = parser.lex.styled;
    (parser.ast, parser.notes)
}

pub(super) struct Parser<'a, 'n> {
    pub(super) text: &'a str,
    pub(super) lex: Lexer<'a>,
    pub(super) tok: Token,
    pub(super) last_end: usize,
    pub(super) ast: Ast,
    pub(super) names: &'n mut Names,
    pub(super) notes: Notes,
    pub(super) depth: u32,
    blocks: u32,
    pub(super) hash: Fast,
    /// Lists under construction, so that each list is one allocation less.
    pub(super) scratch: Vec<u32>,
}

impl Parser<'_, '_> {
    pub(super) fn advance(&mut self) {
        let token = self.tok;
        self.last_end = token.end;
        match token.kind {
            Tok::Newline | Tok::Indent | Tok::Dedent | Tok::End => self.hash.write_u8(1),
            Tok::Str | Tok::FStr => {
                // The quotes of a string do not count.
                let text = &self.text[token.start..token.end];
                self.hash.write(text.trim_matches(['"', '\'']).as_bytes());
            }
            _ => self.hash.write(&self.text.as_bytes()[token.start..token.end]),
        }
        self.tok = self.lex.next();
    }

    pub(super) fn full(&mut self) -> bool {
        let full = self.ast.nodes.len() > NODES;
        if full {
            self.notes.partial = Some("the file holds more code than is read");
        }
        full
    }

    pub(super) fn error(&mut self, what: &'static str) {
        if self.notes.error.is_none() {
            self.notes.error = Some((what, self.tok.start));
        }
    }

    pub(super) fn is(&self, op: u8) -> bool {
        self.tok.kind == Tok::Op(op)
    }

    pub(super) fn eat(&mut self, op: u8) -> bool {
        let there = self.is(op);
        if there {
            self.advance();
        }
        there
    }

    pub(super) fn is_kw(&self, kw: Kw) -> bool {
        self.tok.kind == Tok::Kw(kw)
    }

    pub(super) fn eat_kw(&mut self, kw: Kw) -> bool {
        let there = self.is_kw(kw);
        if there {
            self.advance();
        }
        there
    }

    pub(super) fn word(&self) -> &str {
        &self.text[self.tok.start..self.tok.end]
    }

    pub(super) fn symbol(&mut self) -> Sym {
        let text = &self.text[self.tok.start..self.tok.end];
        self.names.number(text)
    }

    /// The name at hand, or the empty one.
    pub(super) fn name(&mut self) -> Sym {
        if self.tok.kind == Tok::Name {
            let sym = self.symbol();
            self.advance();
            sym
        } else {
            self.error("a name is missing");
            self.names.number("")
        }
    }

    pub(super) fn push(&mut self, out: &mut Vec<u32>, s: S, start: usize) {
        self.ast.stmts.push(Stmt { s, start: narrow(start), end: narrow(self.last_end) });
        out.push(narrow(self.ast.stmts.len() - 1));
    }

    fn statement(&mut self, out: &mut Vec<u32>) {
        let start = self.tok.start;
        match self.tok.kind {
            Tok::Newline => self.advance(),
            Tok::Indent => {
                // Indented where no block begins: read on as if it were not.
                self.error("unexpected indentation");
                self.advance();
            }
            Tok::Dedent => self.advance(),
            Tok::Op(b'@') => self.decorated(out),
            Tok::Kw(Kw::If) => self.if_statement(out),
            Tok::Kw(Kw::While) => {
                self.advance();
                let test = self.expression_or_walrus();
                let mut body = self.block();
                if self.eat_kw(Kw::Else) {
                    body.extend(self.block());
                }
                let body = self.ast.add_list(&body);
                self.push(out, S::While(test, body), start);
            }
            Tok::Kw(Kw::For) => self.for_statement(out),
            Tok::Kw(Kw::Try) => self.try_statement(out),
            Tok::Kw(Kw::With) => self.with_statement(out),
            Tok::Kw(Kw::Async) => {
                self.advance();
                if matches!(self.tok.kind, Tok::Kw(Kw::Def | Kw::For | Kw::With)) {
                    self.statement(out);
                }
            }
            Tok::Kw(Kw::Def) => self.def(List::default(), out),
            Tok::Kw(Kw::Class) => self.class(List::default(), out),
            Tok::Name if self.word() == "match" && self.at_match() => self.match_statement(out),
            _ => self.simple_line(out),
        }
    }

    /// `;`-separated statements to the end of the line.
    fn simple_line(&mut self, out: &mut Vec<u32>) {
        loop {
            let before = self.tok;
            self.simple(out);
            match self.tok.kind {
                Tok::Newline => return self.advance(),
                Tok::End | Tok::Dedent | Tok::Indent => return,
                Tok::Op(b';') => {
                    self.advance();
                    if self.tok.kind == Tok::Newline {
                        return self.advance();
                    }
                }
                _ => {
                    self.error("a statement that does not end where it should");
                    if self.tok == before {
                        self.advance();
                        self.lex.leave_brackets();
                    }
                    return;
                }
            }
        }
    }

    fn simple(&mut self, out: &mut Vec<u32>) {
        let start = self.tok.start;
        match self.tok.kind {
            Tok::Kw(Kw::Import | Kw::From) => self.import(out),
            Tok::Kw(Kw::Pass | Kw::Break | Kw::Continue) => self.advance(),
            Tok::Kw(Kw::Return) => {
                self.advance();
                let value = self.optional_tuple();
                self.push(out, S::Return(value), start);
            }
            Tok::Kw(Kw::Raise) => {
                self.advance();
                let value = self.optional_tuple();
                self.push(out, S::Expr(value), start);
                if self.eat_kw(Kw::From) {
                    let cause = self.expression();
                    self.push(out, S::Expr(cause), start);
                }
            }
            Tok::Kw(Kw::Del) => {
                self.advance();
                let what = self.optional_tuple();
                self.push(out, S::Del(what), start);
            }
            Tok::Kw(Kw::Assert) => {
                self.advance();
                let value = self.tuple();
                self.push(out, S::Expr(value), start);
            }
            Tok::Kw(Kw::Global | Kw::Nonlocal) => {
                self.advance();
                let mut all = Vec::new();
                while self.tok.kind == Tok::Name || self.is(b',') {
                    if self.tok.kind == Tok::Name {
                        all.push(self.symbol().0);
                    }
                    self.advance();
                }
                let all = self.ast.add_list(&all);
                self.push(out, S::Global(all), start);
            }
            Tok::Name if self.word() == "print" && self.at_python2_operand() => {
                self.notes.python2 = true;
                self.advance();
                if self.tok.kind == Tok::Shr {
                    self.advance();
                }
                let value = self.optional_tuple();
                self.push(out, S::Expr(value), start);
            }
            Tok::Name if self.word() == "exec" && self.at_python2_operand() => {
                self.notes.python2 = true;
                self.advance();
                let value = self.binary(5);
                if self.eat_kw(Kw::In) {
                    self.tuple();
                }
                self.push(out, S::Exec(value), start);
            }
            Tok::Name if self.word() == "type" && self.at_type_alias() => {
                self.advance();
                self.advance();
                if self.is(b'[') {
                    self.binary(0);
                }
                if self.eat(b'=') {
                    let value = self.expression();
                    self.push(out, S::Expr(value), start);
                }
            }
            _ => self.expression_statement(out),
        }
    }

    fn expression_statement(&mut self, out: &mut Vec<u32>) {
        let start = self.tok.start;
        let first = self.tuple();
        match self.tok.kind {
            Tok::Op(b'=') => {
                let mut all = vec![first.0];
                while self.eat(b'=') {
                    all.push(self.tuple().0);
                }
                let value = Id(all.pop().unwrap_or(first.0));
                let targets = self.ast.add_list(&all);
                self.push(out, S::Assign(targets, value), start);
            }
            Tok::Aug => {
                let op = match self.word().as_bytes() {
                    b"+=" => Op::Add,
                    b"^=" => Op::BitXor,
                    b"*=" => Op::Mul,
                    b"%=" => Op::Mod,
                    b"-=" => Op::Sub,
                    b"|=" => Op::BitOr,
                    b"&=" => Op::BitAnd,
                    b"<<=" => Op::Shl,
                    b">>=" => Op::Shr,
                    b"//=" => Op::FloorDiv,
                    _ => Op::Div,
                };
                self.advance();
                let value = self.tuple();
                self.push(out, S::Aug(first, op, value), start);
            }
            Tok::Op(b':') => {
                self.advance();
                self.expression();
                if self.eat(b'=') {
                    let value = self.tuple();
                    let targets = self.ast.add_list(&[first.0]);
                    self.push(out, S::Assign(targets, value), start);
                }
            }
            _ => self.push(out, S::Expr(first), start),
        }
    }

    /// What follows `print` or `exec` makes it a statement of Python 2.
    fn at_python2_operand(&self) -> bool {
        let mut ahead = self.lex.clone();
        match ahead.next().kind {
            Tok::Name | Tok::Str | Tok::Num | Tok::FStr | Tok::Op(b'`') => true,
            Tok::Shr => self.word() == "print",
            Tok::Kw(Kw::Not | Kw::Lambda | Kw::None | Kw::True | Kw::False) => true,
            _ => false,
        }
    }

    fn at_type_alias(&self) -> bool {
        let mut ahead = self.lex.clone();
        ahead.next().kind == Tok::Name && matches!(ahead.next().kind, Tok::Op(b'=' | b'['))
    }

    pub(super) fn block(&mut self) -> Vec<u32> {
        let mut out = Vec::new();
        if !self.eat(b':') {
            self.error("a colon is missing");
        }
        if self.tok.kind != Tok::Newline {
            self.simple_line(&mut out);
            return out;
        }
        self.advance();
        if self.tok.kind != Tok::Indent {
            self.error("a block without content");
            return out;
        }
        self.blocks += 1;
        if self.blocks > BLOCKS {
            self.notes.partial = Some("blocks are nested deeper than Python allows");
            self.skip_block();
        } else {
            self.advance();
            while !matches!(self.tok.kind, Tok::Dedent | Tok::End) && !self.full() {
                let before = self.tok;
                self.statement(&mut out);
                if self.tok == before {
                    self.advance();
                }
            }
            if self.tok.kind == Tok::Dedent {
                self.advance();
            }
        }
        self.blocks -= 1;
        out
    }

    fn skip_block(&mut self) {
        let mut deep = 0u32;
        loop {
            match self.tok.kind {
                Tok::Indent => deep += 1,
                Tok::Dedent => deep = deep.saturating_sub(1),
                Tok::End => return,
                _ => {}
            }
            self.advance();
            if deep == 0 {
                return;
            }
        }
    }

    fn optional_tuple(&mut self) -> Id {
        if matches!(self.tok.kind, Tok::Newline | Tok::End | Tok::Op(b';') | Tok::Dedent) {
            return self.ast.add(E::None, narrow(self.tok.start), narrow(self.tok.start));
        }
        self.tuple()
    }
}

pub(super) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
