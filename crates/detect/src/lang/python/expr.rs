//! Values of expressions.

use std::rc::Rc;

use super::ast::{E, Id, List, NO_KEY, Op, Sym};
use super::eval::{DEEPEST, Eval, Source};
use super::fold;
use super::value::{HOLE, Kind, Val};
use crate::behaviour::{Ability, Sources};
use crate::lang::places;

impl Eval {
    pub(super) fn eval(&mut self, source: &Rc<Source>, id: Id) -> Val {
        if self.deep >= DEEPEST || !self.budget.step(1) {
            self.partial = Some("the code needs more steps, or is nested deeper, than is followed");
            return Val::unknown(Sources::NONE);
        }
        self.deep += 1;
        let value = self.eval_node(source, id);
        self.deep -= 1;
        value
    }

    fn eval_node(&mut self, source: &Rc<Source>, id: Id) -> Val {
        let node = source.ast.node(id);
        match node.e {
            E::Opaque => Val::unknown(Sources::NONE),
            E::None => Val::new(Kind::None, Sources::NONE),
            E::True => Val::new(Kind::Bool(true), Sources::NONE),
            E::False => Val::new(Kind::Bool(false), Sources::NONE),
            E::Num => Val::new(fold::number(slice(source, node.start, node.end)), Sources::NONE),
            E::Str => {
                let text = slice(source, node.start, node.end);
                let value = self.literal(source, node.start, fold::literal(text));
                if escaped(text, &value) { value.with(Sources::BUILT) } else { value }
            }
            E::Text => {
                let text = slice(source, node.start, node.end).replace("{{", "{").replace("}}", "}");
                self.literal(source, node.start, Kind::Str(fold::unescape(&text).into()))
            }
            E::Joined(list) => self.joined(source, list),
            E::Name(sym) => self.get(sym),
            E::Attr(object, name) => {
                let object = self.eval(source, object);
                self.attribute(source, node.start, &object, name)
            }
            E::Sub(object, index) => self.element(source, node.start, object, index),
            E::Slice(list) => {
                for &part in source.ast.list(list) {
                    self.eval(source, Id(part));
                }
                Val::unknown(Sources::NONE)
            }
            E::Call(function, arguments) => self.call(source, node.start, function, arguments),
            E::Bin(..) => self.spine(source, id),
            E::Un(op, value) => {
                let value = self.eval(source, value);
                let kind = match (op, value.as_int()) {
                    (Op::Sub, Some(number)) => number.checked_neg().map_or(Kind::Unknown, Kind::Int),
                    (Op::Add, Some(number)) => Kind::Int(number),
                    (Op::BitXor, Some(number)) => Kind::Int(!number),
                    (Op::Not, _) => match value.kind {
                        Kind::Bool(truth) => Kind::Bool(!truth),
                        _ => Kind::Unknown,
                    },
                    _ => Kind::Unknown,
                };
                Val::new(kind, value.from)
            }
            E::Cond(list) => {
                let parts = source.ast.list(list);
                self.eval(source, Id(parts[0]));
                let yes = self.eval(source, Id(parts[1]));
                let no = self.eval(source, Id(parts[2]));
                let from = yes.from.with(no.from);
                if matches!(yes.kind, Kind::Unknown | Kind::None) { no.with(from) } else { yes.with(from) }
            }
            E::Lambda(at) => {
                self.register(source, at, "<lambda>", None);
                Val::new(Kind::Func(source.at, at), Sources::NONE)
            }
            E::Tuple(list) | E::Set(list) => self.display(source, list),
            E::Dict(list) => self.dict(source, list),
            E::Comp(at) => self.comprehension(source, at),
            E::Star(value) | E::Through(value) => self.eval(source, value),
            E::Walrus(sym, value) => {
                let value = self.eval(source, value);
                self.set(sym, value.clone());
                value
            }
        }
    }

    /// A literal, and what is worth keeping of it.
    fn literal(&mut self, source: &Source, offset: u32, kind: Kind) -> Val {
        let mut from = Sources::LITERAL;
        if let Kind::Str(text) = &kind {
            if let Some(place) = places::place(text) {
                from = from.with(place.holds);
            }
            if text.contains("://") {
                self.host(source, offset, text);
            }
        }
        Val::new(kind, from)
    }

    pub(super) fn host(&mut self, source: &Source, offset: u32, text: &str) {
        let mut rest = text;
        for _ in 0..20 {
            let Some(at) = rest.find("://") else { return };
            let start = rest[..at].rfind(|c: char| !c.is_ascii_alphanumeric() && c != '+').map_or(0, |at| at + 1);
            let start = (start..=at).find(|&start| rest.is_char_boundary(start)).unwrap_or(at);
            if let Some(host) = places::host(&rest[start..]) {
                let hosts = &mut self.literals.hosts;
                if hosts.len() < 500 && !hosts.iter().any(|(known, _)| *known == host) {
                    hosts.push((host, source.line(offset)));
                }
            }
            rest = &rest[at + 3..];
        }
    }

    fn joined(&mut self, source: &Rc<Source>, list: List) -> Val {
        let mut from = Sources::NONE;
        let mut text = String::new();
        let mut bytes = Vec::new();
        let mut binary = false;
        for &part in source.ast.list(list) {
            let value = self.eval(source, Id(part));
            from = from.with(value.from);
            match &value.kind {
                Kind::Bytes(part) => {
                    binary = true;
                    bytes.extend_from_slice(part);
                }
                _ => text.push_str(&fold::show(&value)),
            }
        }
        if binary {
            return Val::new(Kind::Bytes(bytes.into()), from);
        }
        if text.contains("://") {
            self.host(
                source,
                source.ast.node(Id(source.ast.list(list).first().copied().unwrap_or_default())).start,
                &text,
            );
        }
        if !self.budget.room(text.len()) {
            return Val::unknown(from);
        }
        Val::text(&text, from).with(places::place(&text).map_or(Sources::NONE, |place| place.holds))
    }

    /// Long sums lean to the left: walked down in a loop, then folded up.
    fn spine(&mut self, source: &Rc<Source>, id: Id) -> Val {
        let mut rights = Vec::new();
        let mut at = id;
        while let E::Bin(op, left, right) = source.ast.node(at).e {
            rights.push((op, right));
            at = left;
        }
        let mut value = self.eval(source, at);
        let mut pieces: Option<String> = None;
        for (op, right) in rights.into_iter().rev() {
            let right = self.eval(source, right);
            // A sum of many texts is gathered once, or it would cost its length squared.
            if op == Op::Add
                && let (Kind::Str(_), Kind::Str(next)) = (&value.kind, &right.kind)
            {
                let text = pieces.get_or_insert_with(|| value.as_str().unwrap_or_default().to_owned());
                text.push_str(next);
                if !self.budget.step(1 + next.len() as u64 / 64) || text.len() > 8 << 20 {
                    return Val::unknown(value.from.with(right.from));
                }
                value.from = value.from.with(right.from);
                continue;
            }
            if let Some(text) = pieces.take() {
                value.kind = Kind::Str(text.into());
            }
            value = match op {
                Op::Or | Op::And => {
                    let from = value.from.with(right.from);
                    if matches!(value.kind, Kind::Unknown | Kind::None) { right.with(from) } else { value.with(from) }
                }
                Op::Cmp => Val::unknown(Sources::NONE),
                _ => {
                    self.operated(&value, &right);
                    fold::binary(op, &value, &right, &mut self.budget)
                }
            };
        }
        if let Some(text) = pieces.take() {
            let extra = places::place(&text).map_or(Sources::NONE, |place| place.holds);
            value.kind = Kind::Str(text.into());
            value.from = value.from.with(extra);
        }
        value
    }

    fn display(&mut self, source: &Rc<Source>, list: List) -> Val {
        let mut items = Vec::with_capacity((list.len as usize).min(1_024));
        for &id in source.ast.list(list) {
            let value = self.eval(source, Id(id));
            if let (E::Star(_), Some(parts)) = (source.ast.node(Id(id)).e, value.items()) {
                items.extend_from_slice(parts);
            } else {
                items.push(value);
            }
            if !self.budget.step(0) || self.budget.steps == 0 {
                break;
            }
        }
        Val::list(items, Sources::NONE)
    }

    fn dict(&mut self, source: &Rc<Source>, list: List) -> Val {
        let mut pairs = Vec::new();
        let mut from = Sources::NONE;
        for pair in source.ast.list(list).as_chunks::<2>().0 {
            let key = if pair[0] == NO_KEY { Val::unknown(Sources::NONE) } else { self.eval(source, Id(pair[0])) };
            let value = self.eval(source, Id(pair[1]));
            from = from.with(value.from);
            if pair[0] == NO_KEY {
                if let Kind::Path(path) = &value.kind
                    && &**path == "os.environ"
                {
                    from = from.with(Sources::ENVIRONMENT);
                }
                if let Kind::Dict(inner) = &value.kind {
                    pairs.extend_from_slice(inner);
                }
                continue;
            }
            if pairs.len() < 5_000 {
                pairs.push((key, value));
            }
        }
        Val::new(Kind::Dict(Rc::new(pairs)), from)
    }

    fn comprehension(&mut self, source: &Rc<Source>, at: u32) -> Val {
        let comp = source.ast.comps[at as usize].clone();
        let mut from = Sources::NONE;
        if let [(target, iterable)] = comp.clauses[..] {
            let value = self.eval(source, iterable);
            from = value.from;
            if let Some(items) = self.iterate(&value) {
                let mut out = Vec::new();
                let mut pairs = Vec::new();
                for item in items {
                    if self.budget.steps < 20_000 {
                        self.partial = Some("a comprehension needs more steps than are taken");
                        return Val::unknown(from);
                    }
                    self.bind(source, target, &item);
                    let keep = comp
                        .conditions
                        .iter()
                        .all(|&condition| !matches!(self.eval(source, condition).kind, Kind::Bool(false)));
                    if keep {
                        let element = self.eval(source, comp.element);
                        match comp.value {
                            Some(value) => pairs.push((element, self.eval(source, value))),
                            None => out.push(element),
                        }
                    }
                }
                if comp.value.is_some() {
                    let from = pairs.iter().fold(from, |from, (_, value)| from.with(value.from));
                    return Val::new(Kind::Dict(Rc::new(pairs)), from);
                }
                return Val::list(out, from);
            }
            self.bind(source, target, &Val::unknown(from));
        } else {
            for &(target, iterable) in &comp.clauses {
                let value = self.eval(source, iterable);
                from = from.with(value.from);
                self.bind(source, target, &Val::unknown(value.from));
            }
        }
        for &condition in &comp.conditions {
            self.eval(source, condition);
        }
        let element = self.eval(source, comp.element);
        let value = comp.value.map_or(Sources::NONE, |value| self.eval(source, value).from);
        Val::unknown(from.with(element.from).with(value))
    }

    /// `object.name`.
    pub(super) fn attribute(&mut self, source: &Source, offset: u32, object: &Val, name: Sym) -> Val {
        let text = Rc::clone(self.names.text(name));
        match &object.kind {
            Kind::Path(path) => {
                let path = match &**path {
                    "builtins" | "__builtins__" if &*text == "__dict__" => "builtins.__dict__".into(),
                    "builtins" | "__builtins__" => return Val::new(Kind::Path(text), object.from),
                    "string" => match alphabet(&text) {
                        Some(letters) => return Val::text(letters, Sources::LITERAL),
                        None => join(path, &text),
                    },
                    _ => join(path, &text),
                };
                let from = match &*path {
                    "sys.argv" => Sources::UNKNOWN,
                    "sys.platform" | "os.name" => Sources::NONE,
                    _ => Sources::NONE,
                };
                Val::new(Kind::Path(path), object.from.with(from))
            }
            Kind::Made(path, noun) => Val::new(Kind::Made(join(path, &text), noun.clone()), object.from),
            Kind::Class(class) => {
                if &*text == "__name__" || &*text == "__doc__" {
                    return Val::unknown(Sources::NONE);
                }
                self.member(*class, name, 0).unwrap_or_else(|| Val::unknown(object.from))
            }
            Kind::Instance(class) => {
                let member = self.member(*class, name, 0);
                if member.is_none()
                    && let Some(value) = self.attributes.get(&name)
                {
                    return value.clone();
                }
                if let Some(value) = self.property(*class, member.as_ref()) {
                    return value;
                }
                if let Some(member) = member {
                    return member;
                }
                match self.classes[*class as usize].outer.first() {
                    Some(base) => Val::new(Kind::Made(join(base, &text), None), object.from),
                    None => Val::unknown(object.from),
                }
            }
            // A method taken without calling it: `join = "".join`.
            Kind::Str(held) if held.len() < 200 => {
                Val::new(Kind::Made(format!("str.{text}").into(), Some(Rc::clone(held))), object.from)
            }
            Kind::Func(..) if &*text == "__globals__" => Val::path("globals()"),
            Kind::Unknown => match self.attributes.get(&name) {
                Some(value) => value.clone().with(object.from),
                None => Val::unknown(object.from),
            },
            _ => {
                if matches!(&*text, "__class__" | "__subclasses__" | "__mro__" | "__base__" | "__bases__") {
                    self.effect(source, offset, Ability::ComputedCall, Sources::NONE, Some(&text));
                }
                Val::unknown(object.from)
            }
        }
    }

    /// A method or attribute of a class of this file, or of its bases in the file.
    pub(super) fn member(&self, class: u32, name: Sym, depth: u32) -> Option<Val> {
        let info = self.classes.get(class as usize)?;
        if let Some(value) = info.members.get(&name) {
            return Some(value.clone());
        }
        if depth > 8 {
            return None;
        }
        info.bases.iter().find_map(|&base| self.member(base, name, depth + 1))
    }

    pub(super) fn slice(&mut self, object: &Val, parts: &[Val]) -> Val {
        let number = |at: usize| parts.get(at).and_then(Val::as_int);
        let open = |at: usize| parts.get(at).is_none_or(|part| matches!(part.kind, Kind::Unknown));
        let step = number(2).unwrap_or(1);
        if step == 0 || (0..2).any(|at| !open(at) && number(at).is_none()) {
            return Val::unknown(object.from);
        }
        let indices = |len: usize| -> Vec<usize> {
            let len_i = i128::try_from(len).unwrap_or(0);
            let clamp = |value: i128, low: i128, high: i128| {
                let value = if value < 0 { value + len_i } else { value };
                value.clamp(low, high)
            };
            let mut out = Vec::new();
            if step > 0 {
                let (start, end) =
                    (number(0).map_or(0, |n| clamp(n, 0, len_i)), number(1).map_or(len_i, |n| clamp(n, 0, len_i)));
                let mut at = start;
                while at < end {
                    out.push(usize::try_from(at).unwrap_or(0));
                    at += step;
                }
            } else {
                let start = number(0).map_or(len_i - 1, |n| clamp(n, -1, len_i - 1));
                let end = number(1).map_or(-1, |n| clamp(n, -1, len_i - 1));
                let mut at = start;
                while at > end {
                    out.push(usize::try_from(at).unwrap_or(0));
                    at += step;
                }
            }
            out
        };
        let text = matches!(object.kind, Kind::Str(_) | Kind::Bytes(_));
        let all = (0..2).all(|at| parts.get(at).is_none_or(|part| part.as_int().is_none()));
        let hides = step != 1 && (text || all && matches!(object.kind, Kind::Unknown | Kind::Made(..)));
        let from = if hides { object.from.with(Sources::BUILT) } else { object.from };
        let kind = match &object.kind {
            Kind::Str(text) if !text.contains(HOLE) && self.budget.room(text.len()) => {
                self.budget.step(text.len() as u64 / 16);
                let chars: Vec<char> = text.chars().collect();
                Kind::Str(indices(chars.len()).into_iter().map(|at| chars[at]).collect::<String>().into())
            }
            Kind::Bytes(bytes) if self.budget.room(bytes.len()) => {
                Kind::Bytes(indices(bytes.len()).into_iter().map(|at| bytes[at]).collect::<Vec<u8>>().into())
            }
            Kind::List(items) if self.budget.step(items.len() as u64) => {
                Kind::List(Rc::new(indices(items.len()).into_iter().map(|at| items[at].clone()).collect()))
            }
            Kind::Made(path, noun) => Kind::Made(Rc::clone(path), noun.clone()),
            Kind::Str(text) => Kind::Str(Rc::clone(text)),
            _ => Kind::Unknown,
        };
        Val::new(kind, from)
    }

    /// The value of an environment variable, and that it was read.
    pub(super) fn variable(&mut self, source: &Source, offset: u32, name: &str) -> Val {
        let holds = places::variable(name);
        self.effect(source, offset, Ability::ReadVariable, holds, Some(name));
        let text = match name.to_ascii_uppercase().as_str() {
            "HOME" | "USERPROFILE" => "~".to_owned(),
            "APPDATA" => "~/AppData/Roaming".to_owned(),
            "LOCALAPPDATA" => "~/AppData/Local".to_owned(),
            "TEMP" | "TMP" | "TMPDIR" => "/tmp".to_owned(),
            _ => HOLE.to_string(),
        };
        Val::text(&text, holds)
    }
}

/// A text of printable characters that is spelled in escapes: nobody writes that to be read.
fn escaped(text: &str, value: &Val) -> bool {
    text.len() >= 16
        && text.contains("\\x")
        && text.matches("\\x").count() * 4 * 10 >= text.len() * 6
        && value
            .constant_str()
            .is_some_and(|plain| plain.bytes().all(|byte| (b' '..=b'~').contains(&byte) || byte == b'\n'))
}

pub(super) fn slice(source: &Source, start: u32, end: u32) -> &str {
    source.text.get(start as usize..end as usize).unwrap_or_default()
}

/// Dotted names stay short: a hostile chain must not cost its length squared.
pub(super) fn join(path: &str, name: &str) -> Rc<str> {
    if path.len() + name.len() > 160 {
        return path.into();
    }
    format!("{path}.{name}").into()
}

/// The constants of the module `string`, of which ciphers are made.
fn alphabet(name: &str) -> Option<&'static str> {
    Some(match name {
        "ascii_letters" | "letters" => "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "ascii_lowercase" | "lowercase" => "abcdefghijklmnopqrstuvwxyz",
        "ascii_uppercase" | "uppercase" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "digits" => "0123456789",
        _ => return None,
    })
}
