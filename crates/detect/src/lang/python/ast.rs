//! The tree of one Python source: nodes in flat vectors, named by index. Nothing in it is recursive, so that neither
//! building nor dropping a hostile tree can exhaust the stack.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use super::styled;

/// A name, by its number in the [`Names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Sym(pub(super) u32);

/// An expression, by its number in [`Ast::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Id(pub(super) u32);

/// A range of [`Ast::lists`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct List {
    pub(super) start: u32,
    pub(super) len: u32,
}

/// An expression and its place in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) e: E,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// An expression.
#[derive(Debug, Clone, Copy)]
pub(super) enum E {
    /// What could not be read, or is too deep.
    Opaque,
    Name(Sym),
    /// A string or bytes literal; its text is the node's range.
    Str,
    /// The text between the fields of an f-string, without quotes.
    Text,
    /// Adjacent literals and the parts of f-strings.
    Joined(List),
    Num,
    True,
    False,
    None,
    Attr(Id, Sym),
    Sub(Id, Id),
    /// Lower, upper, step; an [`E::Opaque`] with an empty range is an absent one.
    Slice(List),
    /// The function, and its arguments as pairs: kind (see [`arg`]), expression.
    Call(Id, List),
    Bin(Op, Id, Id),
    Un(Op, Id),
    /// Condition, value, other value.
    Cond(List),
    /// Index into [`Ast::defs`].
    Lambda(u32),
    Tuple(List),
    Set(List),
    /// Pairs; a key of [`NO_KEY`] is `**value`.
    Dict(List),
    /// What is made, then clauses as pairs (target, iterable) and conditions (see [`Ast::comps`]).
    Comp(u32),
    Star(Id),
    /// `await`, `yield`, `yield from`.
    Through(Id),
    Walrus(Sym, Id),
}

/// Operators, as far as folding tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
    BitOr,
    BitXor,
    BitAnd,
    Shl,
    Shr,
    Or,
    And,
    Not,
    Eq,
    /// Any other comparison.
    Cmp,
}

/// The key of a `**mapping` in a dict display.
pub(super) const NO_KEY: u32 = u32::MAX;

/// The kind of an argument, as the first of its pair: positional, `*x`, `**x`, or 3 plus the keyword's symbol.
pub(super) mod arg {
    pub(in super::super) const POSITIONAL: u32 = 0;
    pub(in super::super) const STAR: u32 = 1;
    pub(in super::super) const DOUBLE: u32 = 2;
    pub(in super::super) const KEYWORD: u32 = 3;
}

/// A comprehension.
#[derive(Debug, Clone)]
pub(super) struct Comp {
    pub(super) element: Id,
    /// The value of a dict comprehension.
    pub(super) value: Option<Id>,
    pub(super) clauses: Vec<(Id, Id)>,
    pub(super) conditions: Vec<Id>,
}

/// A function or a lambda.
#[derive(Debug, Clone)]
pub(super) struct Def {
    pub(super) name: Sym,
    /// Names of parameters, their kind (0 plain, 1 `*`, 2 `**`), and defaults.
    pub(super) params: Vec<(Sym, u8, Option<Id>)>,
    pub(super) body: List,
    /// The expression of a lambda.
    pub(super) value: Option<Id>,
    pub(super) decorators: List,
    pub(super) start: u32,
    pub(super) digest: u64,
}

/// A class.
#[derive(Debug, Clone)]
pub(super) struct Class {
    pub(super) name: Sym,
    /// As in [`E::Call`].
    pub(super) bases: List,
    pub(super) body: List,
    pub(super) decorators: List,
}

/// A statement and where it starts and ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stmt {
    pub(super) s: S,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// A statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum S {
    Expr(Id),
    /// Targets, value.
    Assign(List, Id),
    Aug(Id, Op, Id),
    Return(Id),
    Del(Id),
    /// Index into [`Ast::imports`].
    Import(u32),
    If(Id, List, List),
    While(Id, List),
    /// Target, iterable, body.
    For(Id, Id, List),
    /// Body, handlers, `else` and `finally`, one after the other.
    Try(List),
    /// Pairs of expression and target ([`NO_KEY`] for none), body.
    With(List, List),
    Def(u32),
    Class(u32),
    /// `match`: subject, all bodies.
    Match(Id, List),
    /// `global` and `nonlocal`: symbols.
    Global(List),
    /// Python 2: `exec code`.
    Exec(Id),
}

/// An import statement.
#[derive(Debug, Clone)]
pub(super) struct ImportStmt {
    /// Leading dots.
    pub(super) level: u32,
    /// `None` for `import a, b`, whose modules are in `names`.
    pub(super) from: Option<String>,
    /// Name (or dotted module, or `*`) and alias.
    pub(super) names: Vec<(String, Option<Sym>)>,
}

/// One source's tree.
#[derive(Debug, Default)]
pub(super) struct Ast {
    pub(super) nodes: Vec<Node>,
    pub(super) stmts: Vec<Stmt>,
    pub(super) lists: Vec<u32>,
    pub(super) defs: Vec<Def>,
    pub(super) classes: Vec<Class>,
    pub(super) comps: Vec<Comp>,
    pub(super) imports: Vec<ImportStmt>,
    pub(super) body: List,
}

impl Ast {
    pub(super) fn node(&self, id: Id) -> Node {
        self.nodes[id.0 as usize]
    }

    pub(super) fn list(&self, list: List) -> &[u32] {
        &self.lists[list.start as usize..(list.start + list.len) as usize]
    }

    pub(super) fn add(&mut self, e: E, start: u32, end: u32) -> Id {
        self.nodes.push(Node { e, start, end });
        Id(u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX))
    }

    pub(super) fn add_list(&mut self, items: &[u32]) -> List {
        let start = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
        self.lists.extend_from_slice(items);
        List { start, len: u32::try_from(items.len()).unwrap_or(0) }
    }
}

/// Names and their numbers, shared by a file and the code decoded from it.
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: Vec<Rc<str>>,
    numbers: HashMap<Rc<str>, Sym, BuildHasherDefault<Fast>>,
}

impl Names {
    /// Python folds names by NFKC: styled letters are the plain ones.
    pub(super) fn number(&mut self, text: &str) -> Sym {
        if let Some(text) = styled::folded(text) {
            return self.number(&text);
        }
        if let Some(&sym) = self.numbers.get(text) {
            return sym;
        }
        let sym = Sym(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        let text: Rc<str> = text.into();
        self.texts.push(Rc::clone(&text));
        self.numbers.insert(text, sym);
        sym
    }

    pub(super) fn text(&self, sym: Sym) -> &Rc<str> {
        &self.texts[sym.0 as usize]
    }
}

/// A fast hash for short keys (the multiply and rotate of rustc's). Collisions only cost time, and the number of names
/// is bounded by the file.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Fast(u64);

impl Fast {
    pub(super) fn value(self) -> u64 {
        self.0
    }
}

impl Hasher for Fast {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.write_u64(u64::from_le_bytes(last) ^ (rest.len() as u64) << 56);
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}
