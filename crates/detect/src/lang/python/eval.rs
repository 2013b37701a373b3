//! Follows values through a file, one pass over each statement: what is imported, built, decoded, and where it ends up.
//!
//! It is an approximation on purpose: both branches of an `if` happen, loops over constants run for real within a budget,
//! other loops once. Functions are entered from their calls as long as that teaches something, and once by themselves.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::rc::Rc;

use super::ast::{Ast, E, Fast, Id, ImportStmt, List, NO_KEY, Names, Op, S, Sym};
use super::fold::Budget;
use super::parse;
use super::value::{Kind, Val};
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

    fn one(&mut self, source: &Rc<Source>, statement: S, start: u32) {
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

    /// The elements of a constant that loops go over.
    pub(super) fn iterate(&mut self, value: &Val) -> Option<Vec<Val>> {
        let from = value.from;
        let items: Vec<Val> = match &value.kind {
            Kind::List(items) => items.iter().map(|item| item.clone().with(from)).collect(),
            Kind::Dict(pairs) => pairs.iter().map(|(key, _)| key.clone().with(from)).collect(),
            Kind::Str(text) if text.len() <= 200_000 && !text.contains(super::value::HOLE) => {
                text.chars().map(|c| Val::text(c.encode_utf8(&mut [0; 4]), from)).collect()
            }
            Kind::Bytes(bytes) if bytes.len() <= 200_000 => {
                bytes.iter().map(|&byte| Val::new(Kind::Int(i128::from(byte)), from)).collect()
            }
            _ => return None,
        };
        self.budget.step(items.len() as u64).then_some(items)
    }

    /// Gives a value to a name, an attribute, an element or several of them.
    pub(super) fn bind(&mut self, source: &Rc<Source>, target: Id, value: &Val) {
        if self.deep >= DEEPEST {
            return;
        }
        self.deep += 1;
        match source.ast.node(target).e {
            E::Name(sym) => self.set(sym, value.clone()),
            E::Tuple(list) => {
                let targets = source.ast.list(list);
                let parts = value.items().filter(|items| items.len() == targets.len()).map(<[Val]>::to_vec);
                for (at, &target) in targets.iter().enumerate() {
                    let part = match &parts {
                        Some(parts) => parts[at].clone().with(value.from),
                        None => Val::unknown(value.from),
                    };
                    self.bind(source, Id(target), &part);
                }
            }
            E::Star(inner) => self.bind(source, inner, &Val::unknown(value.from)),
            E::Attr(object, name) => {
                let object = self.eval(source, object);
                self.patched(&object, value);
                // One value for each attribute name in the file: cheap, and right for nearly all code.
                let old = self.attributes.get(&name);
                let value = match old {
                    Some(old) if !matches!(value.kind, Kind::None) => value.clone().with(old.from),
                    Some(old) => old.clone(),
                    None => value.clone(),
                };
                self.attributes.insert(name, value);
            }
            E::Sub(object, index) => {
                let key = self.eval(source, index);
                let object_value = self.eval(source, object);
                if let E::Name(sym) = source.ast.node(object).e {
                    let from = object_value.from.with(value.from);
                    let kind = match object_value.kind {
                        Kind::Dict(pairs) if pairs.len() < 500 && key.constant_str().is_some() => {
                            let mut pairs = Rc::unwrap_or_clone(pairs);
                            pairs.push((key, value.clone()));
                            Kind::Dict(Rc::new(pairs))
                        }
                        kind => kind,
                    };
                    self.set(sym, Val::new(kind, from));
                }
            }
            _ => {
                self.eval(source, target);
            }
        }
        self.deep -= 1;
    }

    pub(super) fn set(&mut self, sym: Sym, value: Val) {
        let frame = self.frame();
        if frame.top || frame.globals.contains(&sym) {
            self.globals.insert(sym, value);
        } else {
            frame.locals.insert(sym, value);
        }
    }

    /// A name's value: of the function, of those around it, of the file; else it is a builtin or from a star import.
    pub(super) fn get(&mut self, sym: Sym) -> Val {
        for frame in self.frames.iter().rev() {
            if let Some(value) = frame.locals.get(&sym) {
                return value.clone();
            }
        }
        if let Some(value) = self.globals.get(&sym) {
            return value.clone();
        }
        let text = self.names.text(sym);
        match &**text {
            "__file__" | "__path__" => return Val::text("\u{fffc}", Sources::OWN_FILE),
            "__builtins__" | "__builtin__" | "builtins" => return Val::path("builtins"),
            "__name__" => return Val::unknown(Sources::NONE),
            _ => {}
        }
        for module in &self.star {
            let path = format!("{module}.{text}");
            if super::api::look_up(&path).is_some() || known_module(module) && !super::builtins::is_builtin(text) {
                return Val::path(&path);
            }
        }
        Val::new(Kind::Path(Rc::clone(text)), Sources::NONE)
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
            // A function is entered more than once: the call that tells most is the one to show.
            } else if let Some(detail) = detail
                && effect.detail.as_deref().is_none_or(|old| tells(detail) > tells(old))
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

enum Test {
    /// `if __name__ == "__main__"`.
    Main,
    /// `if TYPE_CHECKING`.
    Types,
    Other,
}

/// How much is known of a noun: anything in full before anything with a hole, then by the length of what is known.
fn tells(detail: &str) -> (bool, usize) {
    let known = detail.chars().filter(|c| *c != super::value::HOLE).take(400).count();
    (!detail.contains(super::value::HOLE), if detail.contains(super::value::HOLE) { known } else { 0 })
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
