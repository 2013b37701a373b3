//! JavaScript and TypeScript, by a reader of our own that keeps no tree: it goes over the tokens once, knows what names
//! stand for, puts texts together, and says what each function does while it passes.
//!
//! Why not a parser from the field: measured on benign packages, oxc (0.146, the fastest) reads 72 MB a second, brings 77
//! crates, and ends the process by a stack overflow at 10,000 brackets, so that its input would have to be tokenised before in any
//! case. tree-sitter is C, of which this product has two libraries and wants no third. What detectors need is names, texts and
//! flow, which one pass gives without a tree.
//!
//! It is tolerant: what it cannot make sense of it steps over, so that broken files, type annotations and other dialects
//! still give what can be seen in them. Nesting deeper than [`DEPTH`] is stepped over as well, and said in [`Fidelity`].

mod calls;
mod expr;
mod function;
mod lex;
mod network;
mod scope;
mod statement;
mod table;
mod value;

use crate::behaviour::{Ability, Effect, Sources};
use crate::detector::Want;
use crate::lang::{Adapter, Fidelity, Language, Unit, View, measure};
use crate::report::ArchiveKind;

use self::scope::Reader;

/// Bytes of a file that are read; a larger one is opaque, which a detector says where something starts it.
pub(crate) const MOST: u64 = 8 << 20;
/// Bytes of a script beside Python that are read: what Python gives to `node` is small, or it is opaque and said to be started.
const MOST_BESIDE: u64 = 1 << 20;
/// How deep brackets, functions and blocks are followed. Bundles stay under 60; each level costs stack.
const DEPTH: u32 = 90;
/// Effects kept of one file.
const EFFECTS: usize = 3000;

/// Modules of npm packages and of source trees, and scripts beside Python. What a wheel brings for browsers is not read.
pub(crate) static ADAPTER: Adapter = Adapter { wants, view };

fn wants(kind: ArchiveKind, path: &str) -> Want {
    match kind {
        ArchiveKind::Npm | ArchiveKind::Tree if is_script(path) => Want::UpTo(MOST),
        ArchiveKind::Wheel | ArchiveKind::Egg | ArchiveKind::SdistTarGz | ArchiveKind::SdistZip
            if is_script(path) && !for_browsers(path) =>
        {
            Want::UpTo(MOST_BESIDE)
        }
        _ => Want::Nothing,
    }
}

/// Whether a folder of the path says that browsers are meant, or that it is no part of what runs.
fn for_browsers(path: &str) -> bool {
    path.to_ascii_lowercase().split('/').any(|part| {
        matches!(
            part,
            "static"
                | "assets"
                | "dist"
                | "www"
                | "web"
                | "webui"
                | "frontend"
                | "client"
                | "templates"
                | "public"
                | "ui"
                | "js"
                | "html"
                | "node_modules"
                | "labextension"
                | "labextensions"
                | "nbextension"
                | "bundle"
                | "bundles"
                | "build"
                | "vendor"
                | "resources"
                | "themes"
                | "theme"
                | "docs"
                | "doc"
                | "test"
                | "tests"
                | "example"
                | "examples"
                | "media"
                | "site"
                | "browser"
                | "widgets"
        )
    })
}

/// Whether the path is one of JavaScript or TypeScript that holds code.
pub(crate) fn is_script(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let typed = [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| name.ends_with(end));
    !typed && [".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"].iter().any(|end| name.ends_with(end))
}

/// The view of one file.
pub(crate) fn view(path: &str, bytes: &[u8]) -> View {
    view_of(path, &measure::text(bytes), 0)
}

fn view_of(path: &str, source: &str, nested: u32) -> View {
    let mut reader = Reader::new(source, nested);
    reader.file();
    let names = reader.scrambled;
    let mut units: Vec<Unit> = reader.units;
    // What `javascript-obfuscator` leaves: no person writes such names by the dozen.
    if names >= 24 {
        units[0].effects.push(Effect {
            ability: Ability::Decode,
            from: Sources::BUILT,
            line: 1,
            detail: Some("names like _0x1a2b".to_owned()),
            excerpt: format!("{names} names like _0x1a2b"),
        });
    }
    View {
        path: path.to_owned(),
        language: Language::JavaScript,
        fidelity: reader.partial.map_or(Fidelity::Parsed, |why| Fidelity::Partial(why.to_owned())),
        imports: reader.imports,
        units,
        literals: measure::literals(source),
        shape: measure::shape(source),
    }
}

#[cfg(test)]
mod tests;
