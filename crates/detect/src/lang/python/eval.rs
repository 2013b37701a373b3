//! Follows values through a file, one pass over each statement: what is imported, built, decoded, and where it ends up.
//!
//! It is an approximation on purpose: both branches of an `if` happen, loops over constants run for real within a budget,
//! other loops once. Functions are entered from their calls as long as that teaches something, and once by themselves.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::rc::Rc;

use super::ast::{Ast, Fast, List, Names, S, Sym};
use super::fold::Budget;
use super::parse;
use super::value::Val;
use crate::behaviour::{Ability, Effect, Sources};
use crate::lang::{Callee, Import, Literals, Unit};
use crate::text;

type Map<K, V> = HashMap<K, V, BuildHasherDefault<Fast>>;

/// Between the places that one line reads.
const PLACES: &str = ", ";
/// Expressions, statements and calls inside each other.
pub(super) const DEEPEST: u32 = 160;
/// Effects kept of one unit, and calls.
const EFFECTS: usize = 400;
const CALLS: usize = 2_000;

/// A text with its tree.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) text: Rc<str>,
    pub(super) ast: Ast,
    /// Where lines start.
    lines: Vec<u32>,
    /// Code that was decoded stands where it is run.
    line: Option<u32>,
    /// Its number.
    pub(super) at: u32,
}

impl Source {
    pub(super) fn line(&self, offset: u32) -> u32 {
        self.line
            .unwrap_or_else(|| u32::try_from(self.lines.partition_point(|&start| start <= offset)).unwrap_or(0).max(1))
    }
}

/// A class of the file.
#[derive(Debug, Default)]
pub(super) struct ClassInfo {
    /// Dotted names of bases that are not of this file.
    pub(super) outer: Vec<Rc<str>>,
    pub(super) bases: Vec<u32>,
    pub(super) members: Map<Sym, Val>,
}

/// What runs at the moment.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) locals: Map<Sym, Val>,
    pub(super) unit: usize,
    /// Whether names are the file's own: the top level.
    pub(super) top: bool,
    pub(super) globals: Vec<Sym>,
    pub(super) result: Option<Val>,
    /// The function, so that it is not entered again.
    pub(super) function: Option<(u32, u32)>,
    /// Dotted prefix of what is defined here.
    pub(super) prefix: String,
}

/// What a file is to its package, as far as reading it depends on that.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// The dotted package that relative imports start from.
    pub(super) package: Vec<String>,
    /// It is `setup.py`: its main block runs.
    pub(super) setup: bool,
}

/// Everything while one file is read.
pub(super) struct Eval {
    pub(super) place: Place,
    pub(super) names: Names,
    pub(super) sources: Vec<Rc<Source>>,
    pub(super) units: Vec<Unit>,
    pub(super) unit_of: HashMap<(u32, u32), usize>,
    pub(super) classes: Vec<ClassInfo>,
    pub(super) class_of: HashMap<(u32, u32), u32>,
    pub(super) globals: Map<Sym, Val>,
    pub(super) attributes: Map<Sym, Val>,
    pub(super) frames: Vec<Frame>,
    pub(super) budget: Budget,
    pub(super) deep: u32,
    pub(super) imports: Vec<Import>,
    pub(super) star: Vec<Rc<str>>,
    /// Files that were written, and the text that was written into them as far as it is known.
    pub(super) written: BTreeMap<Rc<str>, String>,
    /// Functions that a chat service calls with what somebody wrote.
    pub(super) handlers: HashSet<(u32, u32)>,
    pub(super) literals: Literals,
    pub(super) summaries: HashMap<(u32, u32), (Val, u32)>,
    pub(super) partial: Option<&'static str>,
    /// Functions that were seen and not yet entered: source, definition, class.
    pub(super) pending: Vec<(u32, u32, Option<u32>)>,
    pub(super) decoded: u32,
    /// Addresses that were decoded.
    pub(super) addresses: Vec<Rc<str>>,
    /// The statement at hand: source and place.
    statement: (u32, u32, u32),
    effects: HashMap<(usize, Ability, u32), usize>,
    edges: HashSet<(usize, Callee)>,
}

impl Eval {
    pub(super) fn new(place: Place, names: Names, budget: Budget) -> Self {
        Self {
            place,
            names,
            sources: Vec::new(),
            units: vec![Unit { line: 1, ..Unit::default() }],
            unit_of: HashMap::new(),
            classes: Vec::new(),
            class_of: HashMap::new(),
            globals: Map::default(),
            attributes: Map::default(),
            frames: vec![Frame { top: true, ..Frame::default() }],
            budget,
            deep: 0,
            imports: Vec::new(),
            star: Vec::new(),
            written: BTreeMap::new(),
            handlers: HashSet::new(),
            literals: Literals::default(),
            summaries: HashMap::new(),
            partial: None,
            pending: Vec::new(),
            decoded: 0,
            addresses: Vec::new(),
            statement: (0, 0, 0),
            effects: HashMap::new(),
            edges: HashSet::new(),
        }
    }

    /// Adds a text and its tree.
    pub(super) fn add_source(&mut self, text: Rc<str>, ast: Ast, line: Option<u32>) -> Rc<Source> {
        let mut lines = vec![0];
        if line.is_none() {
            let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            lines.extend(ends.map(|(at, _)| parse::narrow(at + 1)));
        }
        let source = Rc::new(Source { text, ast, lines, line, at: parse::narrow(self.sources.len()) });
        self.sources.push(Rc::clone(&source));
        source
    }

    /// Runs the top level, then every function that nothing entered.
    pub(super) fn run(&mut self, source: &Rc<Source>) {
        self.block(source, source.ast.body);
        if self.place.setup {
            self.idle_commands();
        }
        let mut at = 0;
        while at < self.pending.len() {
            let (source, def, class) = self.pending[at];
            at += 1;
            if !self.summaries.contains_key(&(source, def)) {
                self.enter(source, def, class, None, true);
            }
        }
    }

    /// Runs code that was decoded or given as text, at the place where it is run.
    pub(super) fn run_text(&mut self, text: &str, line: u32) -> Val {
        if self.decoded >= 60 || text.len() > self.budget.bytes || self.deep > DEEPEST / 2 {
            self.partial = Some("there is more code inside code than is read");
            return Val::unknown(Sources::NONE);
        }
        self.decoded += 1;
        self.budget.room(text.len());
        let (ast, _) = parse::parse(text, &mut self.names);
        let outer = self.statement;
        let source = self.add_source(text.into(), ast, Some(line));
        // An expression has a value, which `eval` gives back.
        let value = match source.ast.list(source.ast.body) {
            [only] => match source.ast.stmts[*only as usize].s {
                S::Expr(value) => Some(self.eval(&source, value)),
                _ => None,
            },
            _ => None,
        };
        if value.is_none() {
            self.block(&source, source.ast.body);
        }
        self.statement = outer;
        value.unwrap_or(Val::unknown(Sources::NONE))
    }

    pub(super) fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame { top: true, ..Frame::default() });
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    pub(super) fn unit(&mut self) -> usize {
        self.frame().unit
    }

    /// Statements, one after the other.
    pub(super) fn block(&mut self, source: &Rc<Source>, list: List) {
        if self.deep >= DEEPEST {
            self.partial = Some("the code is nested deeper than is followed");
            return;
        }
        self.deep += 1;
        for &id in source.ast.list(list) {
            if !self.budget.step(2) {
                self.partial = Some("the file needs more steps than are taken");
                break;
            }
            let statement = source.ast.stmts[id as usize];
            self.statement = (source.at, statement.start, statement.end);
            self.one(source, statement.s, statement.start);
        }
        self.deep -= 1;
    }

    /// Notes an import of the unit at hand.
    pub(super) fn imported(&mut self, module: &str, line: u32) {
        let unit = self.unit();
        if self.imports.len() < 4_000
            && !self.imports.iter().rev().take(40).any(|i| i.module == module && i.unit == unit)
        {
            self.imports.push(Import { module: module.to_owned(), line, unit });
            // Importing a module imports the packages around it.
            if let Some((outer, _)) = module.rsplit_once('.')
                && !known_module(module)
            {
                self.imported(outer, line);
            }
        }
    }

    pub(super) fn new_unit(&mut self, name: String, line: u32) -> usize {
        self.units.push(Unit { name, line, ..Unit::default() });
        self.units.len() - 1
    }

    /// The unit at hand calls that.
    pub(super) fn edge(&mut self, callee: Callee) {
        let unit = self.unit();
        if callee == Callee::Local(unit) || self.units[unit].calls.len() >= CALLS {
            return;
        }
        if self.edges.insert((unit, callee.clone())) {
            self.units[unit].calls.push(callee);
        }
    }

    /// Notes what the code at that offset does.
    pub(super) fn effect(
        &mut self,
        source: &Source,
        offset: u32,
        ability: Ability,
        from: Sources,
        detail: Option<&str>,
    ) {
        let unit = self.unit();
        let line = source.line(offset);
        if let Some(&at) = self.effects.get(&(unit, ability, line)) {
            let effect = &mut self.units[unit].effects[at];
            effect.from = effect.from.with(from);
            let place = matches!(ability, Ability::ReadBrowser | Ability::Wallet | Ability::ReadCredential);
            if let (true, Some(new), Some(old)) = (place, detail, &mut effect.detail) {
                // A loop over places: each of them counts.
                if old.len() + new.len() < 400 && !old.split(PLACES).any(|known| known == new) {
                    old.push_str(PLACES);
                    old.push_str(new);
                }
            // A function is entered more than once, and the first call is the one that counts, unless it tells nothing.
            } else if let Some(detail) = detail
                && effect.detail.as_deref().is_none_or(tells_nothing)
            {
                effect.detail = Some(shorten(detail));
            }
            return;
        }
        if self.units[unit].effects.len() >= EFFECTS {
            self.partial = Some("there is more to say about a function than is kept");
            return;
        }
        let excerpt = self.excerpt(source, offset);
        let effects = &mut self.units[unit].effects;
        self.effects.insert((unit, ability, line), effects.len());
        effects.push(Effect { ability, from, line, detail: detail.map(shorten), excerpt });
    }

    /// The first line of the statement at hand, or from the place itself where that is far to the right of it.
    fn excerpt(&self, source: &Source, offset: u32) -> String {
        let (at, start, end) = self.statement;
        let start = if at == source.at && start <= offset && offset - start < 120 { start } else { offset };
        let end = if at == source.at && end > start { end } else { parse::narrow(source.text.len()) };
        let text = source.text.as_bytes().get(start as usize..end as usize).unwrap_or_default();
        let first = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        text::excerpt(first, 200)
    }
}

/// Whether hardly more than a program's name is known of a noun.
fn tells_nothing(detail: &str) -> bool {
    detail.contains(super::value::HOLE) && detail.chars().filter(|c| *c != super::value::HOLE).take(10).count() < 10
}

fn shorten(detail: &str) -> String {
    text::excerpt(detail.as_bytes(), 400)
}

/// Modules of the standard library and common ones: no parts of the package that is read.
pub(super) fn known_module(module: &str) -> bool {
    let root = module.split('.').next().unwrap_or(module);
    matches!(
        root,
        "os" | "sys"
            | "re"
            | "json"
            | "typing"
            | "subprocess"
            | "socket"
            | "urllib"
            | "requests"
            | "base64"
            | "zlib"
            | "collections"
            | "functools"
            | "itertools"
            | "pathlib"
            | "logging"
            | "datetime"
            | "time"
            | "random"
            | "math"
            | "threading"
            | "asyncio"
            | "dataclasses"
            | "abc"
            | "enum"
            | "contextlib"
            | "io"
            | "shutil"
            | "tempfile"
            | "setuptools"
            | "distutils"
            | "platform"
            | "getpass"
            | "ctypes"
            | "numpy"
            | "pandas"
            | "torch"
            | "warnings"
            | "inspect"
            | "types"
            | "builtins"
            | "importlib"
            | "codecs"
            | "binascii"
            | "marshal"
            | "pickle"
            | "struct"
            | "hashlib"
            | "cryptography"
            | "Crypto"
            | "http"
            | "ssl"
            | "uuid"
            | "copy"
            | "operator"
            | "string"
            | "multiprocessing"
            | "concurrent"
            | "unittest"
            | "pytest"
            | "pip"
            | "winreg"
            | "typing_extensions"
    )
}
