//! Calls: of functions and classes of this file, and what they take and give.

use std::rc::Rc;

use super::ast::{E, Id, List, Sym, arg};
use super::eval::{Eval, Frame, Source};
use super::expr::join;
use super::method;
use super::value::{Arg, Kind, Val};
use crate::behaviour::{Ability, Sources};
use crate::lang::{Callee, places};

/// Calls that enter one function for what their arguments teach.
const ENTRIES: u32 = 12;
/// Calls inside calls.
pub(super) const CALLS_DEEP: usize = 6;

/// Sources worth following into a function.
const TELLING: Sources = Sources::DECODED
    .with(Sources::NETWORK)
    .with(Sources::ENVIRONMENT)
    .with(Sources::CREDENTIAL)
    .with(Sources::SYSTEM)
    .with(Sources::WRITTEN)
    .with(Sources::BUILT)
    .with(Sources::PRIVATE)
    .with(Sources::OWN_FILE);

impl Eval {
    pub(super) fn call(&mut self, source: &Rc<Source>, offset: u32, function: Id, arguments: List) -> Val {
        let (receiver, function_value) = match source.ast.node(function).e {
            E::Attr(object, name) => {
                let value = self.eval(source, object);
                let function = self.attribute(source, offset, &value, name);
                (Some((value, object, name)), function)
            }
            _ => (None, self.eval(source, function)),
        };
        let args = self.args(source, arguments);
        let given = args.iter().fold(Sources::NONE, |from, arg| from.with(arg.value.from));
        let folds = receiver.as_ref().is_some_and(|(value, ..)| {
            matches!(value.kind, Kind::Str(_) | Kind::Bytes(_) | Kind::List(_) | Kind::Dict(_))
        });
        if let Some((object, _, name)) = &receiver {
            let method = Rc::clone(self.names.text(*name));
            if let Some(value) = self.thread(object, &method) {
                return value;
            }
        }
        match &function_value.kind {
            Kind::Instance(_) => {
                self.special(&function_value, &["__call__"]);
                Val::unknown(function_value.from.with(given))
            }
            Kind::Path(path) | Kind::Made(path, _) if !folds => {
                let noun = match &function_value.kind {
                    Kind::Made(_, noun) => noun.clone(),
                    _ => None,
                };
                let made = matches!(function_value.kind, Kind::Made(..));
                let called = super::builtins::Called {
                    path: path.trim_start_matches("builtins.").into(),
                    noun,
                    made,
                    from: function_value.from,
                    args: &args,
                };
                let value = self.named(source, offset, &called);
                // What is given to an object may come out of it again; a module is no object.
                if let Some((object, at, _)) = &receiver
                    && matches!(object.kind, Kind::Made(..))
                {
                    self.taint(source, *at, given);
                }
                value
            }
            Kind::Func(at, def) => {
                let (at, def) = (*at, *def);
                self.local(at, def, args)
            }
            Kind::Class(class) => {
                let class = *class;
                self.instantiate(class, args)
            }
            _ => self.method_or_unknown(source, offset, receiver, &function_value, &args, given),
        }
    }

    fn method_or_unknown(
        &mut self,
        source: &Rc<Source>,
        offset: u32,
        receiver: Option<(Val, Id, Sym)>,
        function: &Val,
        args: &[Arg],
        given: Sources,
    ) -> Val {
        let Some((mut value, object, name)) = receiver else {
            self.enter_given(args);
            return Val::unknown(function.from.with(given));
        };
        let text = Rc::clone(self.names.text(name));
        if let Some(result) = self.path_method(source, offset, &value, &text, args) {
            return result;
        }
        if matches!(&*text, "append" | "extend" | "insert" | "add") {
            // A second holder would have the list copied for each element.
            let from = value.from;
            let list = matches!(value.kind, Kind::List(_)) && matches!(source.ast.node(object).e, E::Name(_));
            let held = if list {
                drop(value);
                None
            } else {
                Some(value)
            };
            if self.append(source, object, args, &text) {
                return Val::unknown(Sources::NONE);
            }
            value = held.unwrap_or(Val::unknown(from));
        }
        let values: Vec<Val> = args.iter().filter(|arg| arg.name.is_none()).map(|arg| arg.value.clone()).collect();
        let named: Vec<(Rc<str>, Val)> =
            args.iter().filter_map(|arg| Some((Rc::clone(self.names.text(arg.name?)), arg.value.clone()))).collect();
        let find = |key: &str| named.iter().find(|(name, _)| &**name == key).map(|(_, value)| value.clone());
        let from = value.from.with(given);
        if let Some(kind) = method::method(&value, &text, &values, &find, &mut self.budget) {
            let decoded = &*text == "decode"
                && values.first().and_then(Val::as_str).is_some_and(|codec| {
                    matches!(
                        codec.to_ascii_lowercase().as_str(),
                        "hex" | "base64" | "zlib" | "rot13" | "rot_13" | "zip" | "bz2"
                    )
                });
            let from = match (&*text, &kind) {
                ("split", _) => value.from,
                ("join", Kind::Str(_)) => from.without(Sources::LITERAL),
                _ => from,
            };
            return Val::new(kind, if decoded { from.with(Sources::DECODED) } else { from });
        }
        if matches!(&*text, "update" | "write" | "setdefault" | "append" | "extend" | "add" | "put" | "attach") {
            self.taint(source, object, given);
        }
        self.enter_given(args);
        if let Kind::Unknown = value.kind {
            self.guess(source, offset, &text, &value, args);
        }
        Val::unknown(from)
    }

    /// Methods of objects of which nothing is known, whose names say enough.
    fn guess(&mut self, source: &Source, offset: u32, name: &str, object: &Val, args: &[Arg]) {
        let noun = args.first().and_then(|arg| arg.value.noun());
        let given = args.iter().fold(object.from, |from, arg| from.with(arg.value.from));
        match name {
            "post" | "get" | "request" | "put" if noun.as_deref().is_some_and(|noun| noun.contains("://")) => {
                self.effect(source, offset, Ability::Network, given, noun.as_deref());
            }
            "sendall" | "sendto" => self.effect(source, offset, Ability::Network, given, None),
            "write_text" | "write_bytes" => self.effect(source, offset, Ability::WriteFile, given, None),
            "decrypt" => self.effect(source, offset, Ability::Decrypt, given, None),
            _ => {}
        }
    }

    /// `list.append(x)` of a plain variable, without copying the list.
    fn append(&mut self, source: &Rc<Source>, object: Id, args: &[Arg], name: &str) -> bool {
        let E::Name(sym) = source.ast.node(object).e else { return false };
        let Some(arg) = args.last() else { return false };
        let slot = match self.frames.iter_mut().rev().find_map(|frame| frame.locals.get_mut(&sym)) {
            Some(slot) => slot,
            None => match self.globals.get_mut(&sym) {
                Some(slot) => slot,
                None => return false,
            },
        };
        let Kind::List(items) = &mut slot.kind else { return false };
        slot.from = slot.from.with(arg.value.from);
        let items = Rc::make_mut(items);
        if items.len() < 200_000 {
            match (&arg.value.kind, name) {
                (Kind::List(more), "extend") => items.extend(more.iter().cloned()),
                (_, "extend") => {}
                (_, "insert") => items.insert(0, arg.value.clone()),
                _ => items.push(arg.value.clone()),
            }
        }
        true
    }

    /// What flows into an object flows into the variable that holds it.
    pub(super) fn taint(&mut self, source: &Source, object: Id, from: Sources) {
        let E::Name(sym) = source.ast.node(object).e else { return };
        let from = from.without(Sources::LITERAL);
        if from.is_empty() {
            return;
        }
        self.taint_variable(sym, from);
    }

    pub(super) fn taint_variable(&mut self, sym: Sym, from: Sources) {
        for frame in self.frames.iter_mut().rev() {
            if let Some(value) = frame.locals.get_mut(&sym) {
                value.from = value.from.with(from);
                return;
            }
        }
        if let Some(value) = self.globals.get_mut(&sym) {
            value.from = value.from.with(from);
        }
    }

    pub(super) fn args(&mut self, source: &Rc<Source>, list: List) -> Vec<Arg> {
        let mut args = Vec::new();
        for pair in source.ast.list(list).as_chunks::<2>().0 {
            let id = Id(pair[1]);
            let value = self.eval(source, id);
            let variable = match source.ast.node(id).e {
                E::Name(sym) => Some(sym),
                _ => None,
            };
            match pair[0] {
                arg::POSITIONAL => args.push(Arg { name: None, value, variable }),
                arg::STAR => match value.items() {
                    Some(items) => {
                        args.extend(items.iter().take(64).map(|item| Arg {
                            name: None,
                            value: item.clone(),
                            variable: None,
                        }));
                    }
                    None => args.push(Arg { name: None, value, variable }),
                },
                arg::DOUBLE => {
                    if let Kind::Dict(pairs) = &value.kind {
                        for (key, value) in pairs.iter().take(200) {
                            let Some(key) = key.constant_str() else { continue };
                            let name = self.names.number(key);
                            args.push(Arg { name: Some(name), value: value.clone(), variable: None });
                        }
                    }
                    // Which keyword it would be is not known, but what flows in is.
                    let name = self.names.number("**");
                    args.push(Arg { name: Some(name), value: Val::unknown(value.from), variable });
                }
                keyword => args.push(Arg { name: Some(Sym(keyword - arg::KEYWORD)), value, variable }),
            }
        }
        args
    }

    /// A call of a function of this file.
    pub(super) fn local(&mut self, at: u32, def: u32, args: Vec<Arg>) -> Val {
        if let Some(&unit) = self.unit_of.get(&(at, def)) {
            self.edge(Callee::Local(unit));
        }
        let given = args.iter().fold(Sources::NONE, |from, arg| from.with(arg.value.from));
        let telling = args.iter().any(|arg| {
            arg.value.from.any(TELLING)
                || match &arg.value.kind {
                    Kind::Str(text) => text.len() > 3,
                    Kind::Bytes(_) | Kind::List(_) | Kind::Func(..) | Kind::Class(_) | Kind::Int(_) => true,
                    _ => false,
                }
        });
        if let Some((value, entries)) = self.summaries.get_mut(&(at, def)) {
            let small = self.sources[at as usize].ast.defs[def as usize].body.len <= 4;
            if !telling || (*entries >= ENTRIES && !small) {
                return value.clone().with(given);
            }
            *entries += 1;
        }
        self.enter(at, def, None, Some(args), false)
    }

    /// Runs a function's body: with arguments, or with parameters of which nothing is known.
    pub(super) fn enter(&mut self, at: u32, def: u32, class: Option<u32>, args: Option<Vec<Arg>>, alone: bool) -> Val {
        let key = (at, def);
        let given = args.iter().flatten().fold(Sources::NONE, |from, arg| from.with(arg.value.from));
        let running = self.frames.iter().any(|frame| frame.function == Some(key));
        if running || self.frames.len() > CALLS_DEEP || !self.budget.step(10) {
            return Val::unknown(given);
        }
        let Some(source) = self.sources.get(at as usize).map(Rc::clone) else { return Val::unknown(given) };
        let definition = source.ast.defs[def as usize].clone();
        let class = class.or_else(|| self.class_of.get(&key).copied());
        let unit = self.unit_of.get(&key).copied().unwrap_or(0);
        let prefix = self.units[unit].name.clone();
        let mut frame = Frame { unit, function: Some(key), prefix, ..Frame::default() };
        let mut params = definition.params.iter();
        if let Some(class) = class
            && !self.is_static(&source, definition.decorators)
            && let Some((name, ..)) = params.next()
        {
            frame.locals.insert(*name, Val::new(Kind::Instance(class), Sources::NONE));
        }
        let remote = self.handlers.contains(&key);
        let outside = match (alone, remote) {
            (_, true) => Sources::UNKNOWN.with(Sources::NETWORK),
            (true, _) => Sources::UNKNOWN,
            _ => Sources::NONE,
        };
        let args = args.unwrap_or_default();
        let mut positional = args.iter().filter(|arg| arg.name.is_none());
        for (name, kind, default) in params {
            let value = match kind {
                0 => args
                    .iter()
                    .find(|arg| arg.name == Some(*name))
                    .or_else(|| positional.next())
                    .map(|arg| arg.value.clone())
                    .or_else(|| if alone { None } else { default.map(|id| self.eval(&source, id)) })
                    .unwrap_or(Val::unknown(outside)),
                1 => Val::list(positional.by_ref().map(|arg| arg.value.clone()).collect(), outside),
                _ => Val::unknown(given.with(outside)),
            };
            let secret = places::secret_name(self.names.text(*name));
            frame
                .locals
                .insert(*name, if secret { value.with(Sources::CREDENTIAL.with(Sources::PRIVATE)) } else { value });
        }
        self.frames.push(frame);
        let result = match definition.value {
            Some(value) => Some(self.eval(&source, value)),
            None => {
                self.block(&source, definition.body);
                None
            }
        };
        let frame = self.frames.pop().unwrap_or_default();
        let value = result.or(frame.result).unwrap_or(Val::new(Kind::None, Sources::NONE));
        let slot = self.summaries.entry(key).or_insert((Val::unknown(Sources::NONE), 0));
        slot.0 = Val::unknown(value.from.without(Sources::LITERAL));
        value
    }

    fn is_static(&self, source: &Source, decorators: List) -> bool {
        source
            .ast
            .list(decorators)
            .iter()
            .any(|&id| matches!(source.ast.node(Id(id)).e, E::Name(sym) if &**self.names.text(sym) == "staticmethod"))
    }

    /// Functions given as arguments to something unknown may be called by it; only the known starters say that they are.
    fn enter_given(&mut self, args: &[Arg]) {
        for arg in args {
            if let Kind::Func(at, def) = arg.value.kind
                && !self.summaries.contains_key(&(at, def))
                && self.frames.len() < 3
            {
                self.enter(at, def, None, None, true);
            }
        }
    }

    pub(super) fn instantiate(&mut self, class: u32, args: Vec<Arg>) -> Val {
        let value = Val::new(Kind::Instance(class), Sources::NONE);
        for name in ["__init__", "__new__"] {
            let sym = self.names.number(name);
            if let Some(Val { kind: Kind::Func(at, def), .. }) = self.member(class, sym, 0) {
                self.local(at, def, args.clone());
            }
        }
        value
    }

    /// A call of something in another module of the package, perhaps.
    pub(super) fn other(&mut self, path: &str) {
        let Some((module, name)) = path.rsplit_once('.') else { return };
        let class = name.starts_with(|c: char| c.is_ascii_uppercase());
        self.edge(Callee::Other(module.to_owned(), name.to_owned()));
        if class {
            self.edge(Callee::Other(module.to_owned(), format!("{name}.__init__")));
        }
        if let Some((outer, class)) = module.rsplit_once('.') {
            self.edge(Callee::Other(outer.to_owned(), format!("{class}.{name}")));
        }
    }

    /// The value of an argument: by position, or by one of these keywords.
    pub(super) fn arg<'v>(&self, args: &'v [Arg], at: usize, keywords: &[&str]) -> Option<&'v Arg> {
        args.iter().filter(|arg| arg.name.is_none()).nth(at).or_else(|| {
            args.iter().find(|arg| arg.name.is_some_and(|name| keywords.contains(&&**self.names.text(name))))
        })
    }

    pub(super) fn keyword<'v>(&self, args: &'v [Arg], name: &str) -> Option<&'v Arg> {
        args.iter().find(|arg| arg.name.is_some_and(|sym| &**self.names.text(sym) == name))
    }

    pub(super) fn module_attribute(
        &mut self,
        source: &Source,
        offset: u32,
        object: &Val,
        name: &str,
        from: Sources,
    ) -> Val {
        if let Kind::Path(path) = &object.kind {
            self.hidden(source, offset, name, from);
            if &**path != "builtins" {
                return Val::new(Kind::Path(join(path, name)), object.from.with(from));
            }
        }
        let sym = self.names.number(name);
        self.attribute(source, offset, object, sym).with(from)
    }

    /// A name given as text that reaches something which can do harm: honest code just writes the name.
    pub(super) fn hidden(&mut self, source: &Source, offset: u32, name: &str, from: Sources) {
        // Operators are looked up by names that are put together: `getattr(float, "__%s__" % name)`.
        let operator = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__")).is_some_and(|rest| {
            !matches!(
                rest,
                "import"
                    | "builtins"
                    | "builtin"
                    | "globals"
                    | "dict"
                    | "subclasses"
                    | "class"
                    | "code"
                    | "getattribute"
                    | "mro"
                    | "base"
                    | "bases"
                    | "call"
                    | "loader"
            )
        });
        if operator {
            return;
        }
        if from.any(Sources::BUILT.with(Sources::DECODED))
            || matches!(
                name,
                "exec"
                    | "eval"
                    | "compile"
                    | "__import__"
                    | "system"
                    | "popen"
                    | "Popen"
                    | "b64decode"
                    | "urlopen"
                    | "execfile"
                    | "urlretrieve"
                    | "decompress"
                    | "__builtins__"
            )
        {
            self.effect(source, offset, Ability::ComputedCall, from, Some(name));
        }
    }
}
