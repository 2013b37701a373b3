//! Python, with our own parser.
//!
//! Parsers of the field were measured first (DEPENDENCIES.md has the numbers): the one that is fast enough recurses without
//! a bound and keeps thirty times the file in memory, the one that is safe is seven times too slow. This one builds a flat
//! tree, bounds nesting as CPython does, reads Python 2 as well, and goes on after an error.

use crate::behaviour::Sources;
use crate::detector::Want;
use crate::lang::{Adapter, Fidelity, Language, Unit, View};
use crate::report::ArchiveKind;

mod api;
mod ast;
mod atom;
mod bind;
mod builtins;
mod call;
mod compound;
mod decode;
mod define;
mod element;
mod eval;
mod expr;
mod expression;
mod files;
mod fold;
mod folded;
mod idle;
mod lex;
mod method;
mod parse;
mod shape;
mod source;
mod special;
mod started;
mod statement;
mod styled;
mod value;

pub(super) static ADAPTER: Adapter = Adapter { wants, view };

fn wants(_kind: ArchiveKind, path: &str) -> Want {
    let lower = path.to_ascii_lowercase();
    if lower.ends_with(".py") || lower.ends_with(".pyw") { Want::All } else { Want::Nothing }
}

/// The view of a Python file.
pub(crate) fn view(path: &str, bytes: &[u8]) -> View {
    let source = source::decode(bytes);
    let (shape, encoded) = shape::measure(&source.text);
    let mut names = ast::Names::default();
    let (tree, notes) = parse::parse(&source.text, &mut names);
    let budget = fold::Budget { steps: 150_000 + 2 * source.text.len() as u64, bytes: 16 << 20 };
    let mut eval = eval::Eval::new(place(path), names, budget);
    let text: std::rc::Rc<str> = source.text.as_ref().into();
    let main = eval.add_source(text, tree, None);
    eval.units[0].digest = notes.digest;
    eval.run(&main);

    let mut shape = shape;
    let parsed = notes.partial.is_none() && notes.error.is_none();
    shape.idle = parsed.then(|| idle::weigh(&main.ast, &eval.names)).flatten();
    shape.pushed_right = notes.pushed.map(|at| main.line(parse::narrow(at)));
    let styled = notes.styled.map(|at| main.line(parse::narrow(at)));
    shape.deceptive = shape.deceptive.into_iter().chain(styled).min();
    let fidelity = if source.zipped {
        Fidelity::Tokens(ZIPPED.to_owned())
    } else if let Some(odd) = source.odd {
        Fidelity::Tokens(odd)
    } else if let Some(what) = notes.partial {
        Fidelity::Partial(what.to_owned())
    } else if let Some((what, at)) = notes.error {
        Fidelity::Tokens(format!("line {}: {what}", main.line(parse::narrow(at))))
    } else if notes.python2 {
        Fidelity::Tokens(PYTHON_2.to_owned())
    } else if let Some(what) = eval.partial {
        Fidelity::Partial(what.to_owned())
    } else {
        Fidelity::Parsed
    };
    let mut literals = eval.literals;
    literals.encoded = encoded;
    literals.mails = crate::lang::measure::mails(&main.text);
    View {
        path: path.to_owned(),
        language: Language::Python,
        fidelity,
        imports: eval.imports,
        units: eval.units,
        literals,
        shape,
    }
}

/// Modules of the standard library, and common ones.
pub(crate) fn known_module(module: &str) -> bool {
    let more =
        ["sysconfig", "site", "locale", "encodings", "ensurepip", "venv", "tkinter", "sqlite3", "gc", "traceback"];
    eval::known_module(module) || more.contains(&module)
}

/// What it says of a file that is an archive as well.
pub(crate) const ZIPPED: &str = "it is a zip archive as well, which Python would run in its place";

/// What [`Fidelity::Tokens`] says of a file that is only old.
pub(crate) const PYTHON_2: &str = "Python 2";

/// The view of code that stands inside another file, such as a line of a `.pth`.
pub(crate) fn inner(path: &str, line: u32, code: &str) -> View {
    let mut view = view(path, code.as_bytes());
    let units: &mut Vec<Unit> = &mut view.units;
    for unit in units {
        unit.line = line;
        for effect in &mut unit.effects {
            effect.line = line;
            effect.from = effect.from.with(Sources::NONE);
        }
    }
    view
}

/// Where a file stands: its package as imports name it. The folders below an sdist's root, `src` and a wheel's data
/// schemes are no packages.
fn place(path: &str) -> eval::Place {
    let mut parts: Vec<&str> = path.split('/').collect();
    let file = parts.pop().unwrap_or_default();
    let setup = file == "setup.py" && parts.len() <= 1;
    let package = package_of(&parts);
    eval::Place { package, setup }
}

/// Dotted package of a folder, as imports would write it, by its parts.
pub(crate) fn package_of(parts: &[&str]) -> Vec<String> {
    let mut rest = parts;
    if let [first, tail @ ..] = rest
        && (first.contains('-') && first.bytes().any(|byte| byte.is_ascii_digit()))
    {
        rest = tail;
        if let [scheme, tail @ ..] = rest
            && first.ends_with(".data")
            && matches!(*scheme, "purelib" | "platlib")
        {
            rest = tail;
        }
    }
    if let ["src" | "lib" | "python", tail @ ..] = rest {
        rest = tail;
    }
    rest.iter().map(|&part| part.to_owned()).collect()
}

#[cfg(test)]
mod tests;
