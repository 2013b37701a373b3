//! Methods and functions that run without being named where they run: `with`, operators, properties, hooks of the interpreter.

use std::rc::Rc;

use super::ast::{E, Id};
use super::eval::{Eval, Source, known_module};
use super::value::{Arg, Kind, Val};
use crate::lang::{Callee, javascript};

/// What an operator or a conversion calls on an object.
const OPERATORS: &[&str] = &[
    "__add__",
    "__radd__",
    "__sub__",
    "__mul__",
    "__matmul__",
    "__truediv__",
    "__floordiv__",
    "__mod__",
    "__pow__",
    "__or__",
    "__ror__",
    "__and__",
    "__xor__",
    "__lshift__",
    "__rshift__",
    "__eq__",
    "__lt__",
    "__gt__",
    "__contains__",
    "__getitem__",
    "__neg__",
    "__invert__",
];
/// What showing an object calls.
pub(super) const SHOWN: &[&str] = &["__str__", "__repr__", "__format__"];
/// What going over an object calls.
pub(super) const ITERATED: &[&str] = &["__iter__", "__next__", "__getitem__"];
/// What `with` calls.
pub(super) const ENTERED: &[&str] = &["__enter__", "__aenter__", "__exit__", "__aexit__"];
/// What an import asks of a finder.
const FOUND: &[&str] = &["find_spec", "find_module", "load_module", "exec_module"];

impl Eval {
    /// Calls those methods of an instance of a class of this file, as far as it has them.
    pub(super) fn special(&mut self, object: &Val, names: &[&str]) {
        let Kind::Instance(class) = object.kind else { return };
        for name in names {
            let sym = self.names.number(name);
            if let Some(Val { kind: Kind::Func(at, def), .. }) = self.member(class, sym, 0) {
                self.local(at, def, Vec::new());
            }
        }
    }

    /// An operator between two values.
    pub(super) fn operated(&mut self, left: &Val, right: &Val) {
        self.special(left, OPERATORS);
        self.special(right, OPERATORS);
    }

    /// Builtins that show, go over or find.
    pub(super) fn special_call(&mut self, path: &str, args: &[Arg]) {
        let names = match path {
            "str" | "repr" | "format" | "print" | "ascii" => SHOWN,
            "list" | "tuple" | "set" | "iter" | "next" | "sorted" | "any" | "all" | "dict" | "max" | "min" | "sum" => {
                ITERATED
            }
            "sys.meta_path.append" | "sys.meta_path.insert" | "sys.path_hooks.append" | "sys.path_hooks.insert" => {
                FOUND
            }
            _ => return,
        };
        for arg in args {
            self.special(&arg.value, names);
        }
    }

    /// A subclass of a thread or process of this file is started: its `run` runs.
    pub(super) fn thread(&mut self, object: &Val, method: &str) -> Option<Val> {
        let Kind::Instance(class) = object.kind else { return None };
        if method != "start" {
            return None;
        }
        let (start, run) = (self.names.number("start"), self.names.number("run"));
        if self.member(class, start, 0).is_some() {
            return None;
        }
        let Some(Val { kind: Kind::Func(at, def), .. }) = self.member(class, run, 0) else { return None };
        Some(self.local(at, def, Vec::new()))
    }

    /// What an attribute of an instance runs when it is read: a property, or `__getattr__` where there is no such attribute.
    pub(super) fn property(&mut self, class: u32, member: Option<&Val>) -> Option<Val> {
        match member {
            Some(Val { kind: Kind::Func(at, def), .. }) => {
                let (at, def) = (*at, *def);
                let source = self.sources.get(at as usize).map(Rc::clone)?;
                let decorators = source.ast.list(source.ast.defs[def as usize].decorators).to_vec();
                let property = decorators.iter().any(|&id| match source.ast.node(Id(id)).e {
                    E::Name(sym) | E::Attr(_, sym) => matches!(&**self.names.text(sym), "property" | "cached_property"),
                    _ => false,
                });
                property.then(|| self.local(at, def, Vec::new()))
            }
            Some(_) => None,
            None => {
                self.special(
                    &Val::new(Kind::Instance(class), crate::behaviour::Sources::NONE),
                    &["__getattr__", "__getattribute__"],
                );
                None
            }
        }
    }

    /// A function of this file takes the place of one that others call: a hook of the interpreter, or another module's function.
    pub(super) fn patched(&mut self, object: &Val, value: &Val) {
        let (Kind::Path(path), Kind::Func(at, def)) = (&object.kind, &value.kind) else { return };
        if (matches!(&**path, "sys" | "builtins" | "threading") || known_module(path))
            && let Some(&unit) = self.unit_of.get(&(*at, *def))
        {
            self.edge(Callee::Local(unit));
        }
    }

    /// A file of the package that is given to an interpreter or to `exec`: its code runs as if it were imported.
    pub(super) fn own_file(&mut self, source: &Source, offset: u32, path: &str) {
        let path = path.rsplit(super::value::HOLE).next().unwrap_or(path);
        let path = path.replace('\\', "/");
        if javascript::is_script(&path)
            && let Some(name) = path.rsplit('/').next()
        {
            self.edge(Callee::Other(format!("/{name}"), String::new()));
            return;
        }
        if let Some(module) = module_of(&path) {
            let line = source.line(offset);
            self.imported(&module, line);
            self.edge(Callee::Other(module, "__main__".to_owned()));
        }
    }
}

/// The module that a file of the package is.
pub(super) fn module_of(path: &str) -> Option<String> {
    let path = path.rsplit(super::value::HOLE).next().unwrap_or(path).replace('\\', "/");
    let stem = path.trim_start_matches(['/', '.']).strip_suffix(".py")?;
    let module = stem.strip_suffix("/__init__").unwrap_or(stem).replace('/', ".");
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    (module.split('.').all(plain) && !known_module(&module)).then_some(module)
}
