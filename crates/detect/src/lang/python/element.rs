//! Elements and slices of values.

use std::rc::Rc;

use super::ast::{E, Id};
use super::eval::{Eval, Source};
use super::expr::join;
use super::fold;
use super::value::{HOLE, Kind, Val};
use crate::behaviour::Sources;

impl Eval {
    /// `object[index]`.
    pub(super) fn element(&mut self, source: &Rc<Source>, offset: u32, object: Id, index: Id) -> Val {
        let object = self.eval(source, object);
        if let E::Slice(list) = source.ast.node(index).e {
            let parts: Vec<Val> = source.ast.list(list).iter().map(|&part| self.eval(source, Id(part))).collect();
            return self.slice(&object, &parts);
        }
        let index = self.eval(source, index);
        let from = object.from.with(index.from.without(Sources::LITERAL));
        match (&object.kind, &index.kind) {
            (Kind::List(items), Kind::Int(at)) => {
                pick(items.len(), *at).map_or(Val::unknown(from), |at| items[at].clone())
            }
            (Kind::Str(text), Kind::Int(at)) if !text.contains(HOLE) => {
                let found = if text.is_ascii() {
                    pick(text.len(), *at).map(|at| char::from(text.as_bytes()[at]))
                } else {
                    self.budget.step(text.len() as u64 / 16);
                    pick(text.chars().count(), *at).and_then(|at| text.chars().nth(at))
                };
                found.map_or(Val::unknown(from), |c| Val::text(c.encode_utf8(&mut [0; 4]), from.with(Sources::BUILT)))
            }
            (Kind::Bytes(bytes), Kind::Int(at)) => {
                pick(bytes.len(), *at).map_or(Val::unknown(from), |at| Val::new(Kind::Int(i128::from(bytes[at])), from))
            }
            (Kind::Dict(pairs), _) => {
                let found = match &index.kind {
                    Kind::Str(key) => fold::look_up(&object, key),
                    Kind::Int(key) => {
                        pairs.iter().rev().find(|(k, _)| k.as_int() == Some(*key)).map(|(_, v)| v.clone())
                    }
                    _ => None,
                };
                found.map_or(Val::unknown(from), |value| value.with(index.from.without(Sources::LITERAL)))
            }
            (Kind::Path(path), Kind::Str(key)) => match &**path {
                "os.environ" | "os.environb" => self.variable(source, offset, key),
                "globals()" | "builtins" | "builtins.__dict__" | "__builtins__.__dict__" | "locals()" => {
                    self.hidden(source, offset, key, index.from);
                    let sym = self.names.number(key);
                    self.get(sym).with(index.from)
                }
                "sys.modules" => Val::path(key),
                _ => match path.strip_suffix(".__dict__") {
                    Some(module) => {
                        self.hidden(source, offset, key, index.from);
                        Val::new(Kind::Path(join(module, key)), index.from)
                    }
                    None => Val::unknown(from),
                },
            },
            (Kind::Path(path) | Kind::Made(path, _), _) => {
                let built = index.from.any(Sources::BUILT.with(Sources::DECODED));
                if matches!(&**path, "globals()" | "locals()" | "builtins" | "builtins.__dict__") && built {
                    return Val::new(Kind::Made("computed".into(), None), from);
                }
                Val::new(Kind::Made(Rc::clone(path), None), from)
            }
            _ => Val::unknown(from),
        }
    }
}

fn pick(len: usize, at: i128) -> Option<usize> {
    let at = if at < 0 { at + i128::try_from(len).ok()? } else { at };
    usize::try_from(at).ok().filter(|&at| at < len)
}
