//! Functions and classes as they are defined, and the classes that a build runs.

use std::rc::Rc;

use super::ast::Id;
use super::call::CALLS_DEEP;
use super::eval::{ClassInfo, Eval, Frame, Source, known_module};
use super::value::{Arg, Kind, Val};
use crate::behaviour::Sources;
use crate::lang::Callee;

impl Eval {
    /// A unit for a function that is defined here.
    pub(super) fn register(&mut self, source: &Source, at: u32, name: &str, class: Option<u32>) -> usize {
        let key = (source.at, at);
        if let Some(&unit) = self.unit_of.get(&key) {
            return unit;
        }
        let prefix = self.frame().prefix.clone();
        let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        let definition = &source.ast.defs[at as usize];
        let unit = self.new_unit(name, source.line(definition.start));
        self.units[unit].digest = definition.digest;
        self.unit_of.insert(key, unit);
        self.pending.push((source.at, at, class));
        unit
    }

    pub(super) fn define(&mut self, source: &Rc<Source>, at: u32) {
        let definition = source.ast.defs[at as usize].clone();
        for (_, _, default) in &definition.params {
            if let Some(default) = default {
                self.eval(source, *default);
            }
        }
        let name = Rc::clone(self.names.text(definition.name));
        let unit = self.register(source, at, &name, None);
        let value = Val::new(Kind::Func(source.at, at), Sources::NONE);
        for &decorator in source.ast.list(definition.decorators) {
            let decorator = self.eval(source, Id(decorator));
            let args = vec![Arg { name: None, value: value.clone(), variable: None }];
            match &decorator.kind {
                Kind::Func(at, def) => {
                    let (at, def) = (*at, *def);
                    self.local(at, def, args);
                }
                Kind::Made(path, _) if is_handler(path) => {
                    self.handlers.insert((source.at, at));
                }
                Kind::Path(path) if super::builtins::starts(path) => self.edge(Callee::Local(unit)),
                Kind::Path(path) if path.contains('.') && !known_module(path) => self.other(&Rc::clone(path)),
                _ => {}
            }
        }
        self.set(definition.name, value);
    }

    pub(super) fn class(&mut self, source: &Rc<Source>, at: u32) {
        let definition = source.ast.classes[at as usize].clone();
        let bases = self.args(source, definition.bases);
        let name = Rc::clone(self.names.text(definition.name));
        let prefix = self.frame().prefix.clone();
        let full = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
        let number = super::parse::narrow(self.classes.len());
        let mut info = ClassInfo::default();
        let mut meta = None;
        for base in &bases {
            let keyword = base.name.map(|name| Rc::clone(self.names.text(name)));
            match (&base.value.kind, keyword.as_deref()) {
                (Kind::Class(class), Some("metaclass")) => meta = Some(*class),
                (Kind::Class(class), None) => info.bases.push(*class),
                (Kind::Path(path) | Kind::Made(path, _), None) => info.outer.push(Rc::clone(path)),
                _ => {}
            }
        }
        let subclassed = self.names.number("__init_subclass__");
        for base in info.bases.clone() {
            if let Some(Val { kind: Kind::Func(at, def), .. }) = self.member(base, subclassed, 0) {
                self.local(at, def, Vec::new());
            }
        }
        for &base in &info.bases {
            let outer = self.classes[base as usize].outer.clone();
            info.outer.extend(outer.into_iter().take(8));
        }
        self.classes.push(info);
        let unit = self.unit();
        self.frames.push(Frame { unit, prefix: full, ..Frame::default() });
        if self.frames.len() < 3 * CALLS_DEEP {
            self.block(source, definition.body);
        }
        let frame = self.frames.pop().unwrap_or_default();
        for value in frame.locals.values() {
            if let Kind::Func(at, def) = value.kind {
                self.class_of.entry((at, def)).or_insert(number);
            }
        }
        self.classes[number as usize].members = frame.locals;
        if let Some(meta) = meta {
            self.instantiate(meta, Vec::new());
        }
        let value = Val::new(Kind::Class(number), Sources::NONE);
        for &decorator in source.ast.list(definition.decorators) {
            let decorator = self.eval(source, Id(decorator));
            if let Kind::Func(at, def) = decorator.kind {
                self.local(at, def, vec![Arg { name: None, value: value.clone(), variable: None }]);
            }
        }
        self.set(definition.name, value);
    }

    /// Classes of a `setup.py` that stand in for a command of every installation, though nothing in the file says so: whoever
    /// wrote them wants them run.
    pub(super) fn idle_commands(&mut self) {
        let idle: Vec<u32> = (0..)
            .zip(&self.classes)
            .filter(|(_, info)| {
                info.outer.iter().any(|base| {
                    let command = base.rsplit('.').next().unwrap_or(base);
                    (base.starts_with("setuptools") || base.starts_with("distutils"))
                        && matches!(command, "install" | "develop" | "egg_info" | "build_py" | "easy_install")
                })
            })
            .map(|(at, _)| at)
            .collect();
        let run = self.names.number("run");
        for class in idle {
            if let Some(Val { kind: Kind::Func(at, def), .. }) = self.member(class, run, 0) {
                self.local(at, def, Vec::new());
            }
        }
    }

    /// Methods that a build runs of command classes, and of classes whose names do not fold.
    pub(super) fn commands(&mut self, classes: &Val) {
        let mut named: Vec<u32> = match &classes.kind {
            Kind::Dict(pairs) => pairs
                .iter()
                .filter_map(|(_, value)| match value.kind {
                    Kind::Class(class) | Kind::Instance(class) => Some(class),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        if named.is_empty() {
            let is_command = |info: &ClassInfo| {
                info.outer.iter().any(|base| {
                    base.starts_with("setuptools") || base.starts_with("distutils") || base.starts_with("wheel")
                })
            };
            named = (0..).zip(&self.classes).filter(|(_, info)| is_command(info)).map(|(at, _)| at).collect();
        }
        for class in named {
            // A build calls more of them than is worth listing.
            let methods =
                self.classes.get(class as usize).map(|info| info.members.values().cloned().collect::<Vec<_>>());
            let mut methods: Vec<(u32, u32)> = methods
                .unwrap_or_default()
                .into_iter()
                .filter_map(|value| if let Kind::Func(at, def) = value.kind { Some((at, def)) } else { None })
                .collect();
            for name in ["__init__", "run"] {
                let sym = self.names.number(name);
                if let Some(Val { kind: Kind::Func(at, def), .. }) = self.member(class, sym, 0) {
                    methods.push((at, def));
                }
            }
            methods.sort_unstable();
            methods.dedup();
            for (at, def) in methods {
                self.local(at, def, Vec::new());
            }
        }
        if let Kind::Dict(pairs) = &classes.kind {
            for (_, value) in pairs.iter() {
                if let Kind::Path(path) = &value.kind
                    && let Some((module, name)) = path.rsplit_once('.')
                    && !known_module(module)
                {
                    for method in ["run", "__init__", "initialize_options", "finalize_options"] {
                        self.edge(Callee::Other(module.to_owned(), format!("{name}.{method}")));
                    }
                }
            }
        }
    }
}

/// A decorator by which a chat service hands messages to a function: `@bot.message_handler(...)`, `@client.event`.
fn is_handler(path: &str) -> bool {
    let root = path.split('.').next().unwrap_or(path);
    let last = path.rsplit('.').next().unwrap_or(path);
    matches!(root, "telebot" | "discord" | "telegram" | "pyrogram" | "telethon" | "aiogram" | "pyTelegramBotAPI")
        && matches!(
            last,
            "message_handler" | "on_message" | "command" | "event" | "callback_query_handler" | "on" | "message"
        )
}
