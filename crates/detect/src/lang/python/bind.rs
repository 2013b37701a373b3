//! Names, and what they are given.

use std::rc::Rc;

use super::ast::{E, Id, Sym};
use super::eval::{DEEPEST, Eval, Source, known_module};
use super::value::{Kind, Val};
use crate::behaviour::Sources;

impl Eval {
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
                    // In place: a table that is filled line by line would otherwise be copied for each of them.
                    let dict = matches!(object_value.kind, Kind::Dict(_)) && key.constant_str().is_some();
                    let (kind, own) = if dict {
                        (Kind::Unknown, self.slot(sym).is_some())
                    } else {
                        (object_value.kind.clone(), false)
                    };
                    drop(object_value);
                    match self.slot(sym) {
                        Some(slot) if own => {
                            slot.from = slot.from.with(from);
                            if let Kind::Dict(pairs) = &mut slot.kind
                                && pairs.len() < 500
                            {
                                Rc::make_mut(pairs).push((key, value.clone()));
                            }
                        }
                        _ => self.set(sym, Val::new(kind, from)),
                    }
                }
            }
            _ => {
                self.eval(source, target);
            }
        }
        self.deep -= 1;
    }

    /// Where the value of a name is held: of the function, of those around it, or of the file.
    fn slot(&mut self, sym: Sym) -> Option<&mut Val> {
        match self.frames.iter_mut().rev().find_map(|frame| frame.locals.get_mut(&sym)) {
            Some(slot) => Some(slot),
            None => self.globals.get_mut(&sym),
        }
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
}
