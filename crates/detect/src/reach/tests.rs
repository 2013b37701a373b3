//! What starts what.

use bulkhead_core::FindingContext;

use super::{behaviours, reached};
use crate::behaviour::{Ability, Effect, Sources};
use crate::code::Root;
use crate::lang::{Callee, Fidelity, Import, Language, Literals, Shape, Unit, View};
use crate::package::Started;

fn spawn(line: u32) -> Effect {
    Effect { ability: Ability::Spawn, from: Sources::NONE, line, detail: None, excerpt: String::new() }
}

fn unit(name: &str, line: u32, calls: Vec<Callee>) -> Unit {
    Unit { name: name.to_owned(), line, effects: vec![spawn(line)], calls, digest: 0 }
}

fn view(path: &str, imports: &[(&str, usize)], units: Vec<Unit>) -> View {
    let import = |(module, unit): &(&str, usize)| Import { module: (*module).to_owned(), line: 1, unit: *unit };
    View {
        path: path.to_owned(),
        language: Language::Python,
        fidelity: Fidelity::Parsed,
        imports: imports.iter().map(import).collect(),
        units,
        literals: Literals::default(),
        shape: Shape::default(),
    }
}

#[test]
fn the_earliest_context_counts_along_calls_and_imports() {
    let views = [
        view(
            "setup.py",
            &[("demo", 1)],
            vec![unit("", 1, vec![]), unit("install.run", 2, vec![Callee::Local(2)]), unit("go", 3, vec![])],
        ),
        view(
            "demo/__init__.py",
            &[("demo.late", 1)],
            vec![unit("", 11, vec![Callee::Other("demo.core".into(), "start".into())]), unit("called", 12, vec![])],
        ),
        view("demo/core.py", &[], vec![unit("", 21, vec![]), unit("start", 22, vec![]), unit("other", 23, vec![])]),
        view("demo/late.py", &[], vec![unit("", 31, vec![])]),
    ];
    let root = |context, view, unit| Root { context, view, unit };
    let started = Started {
        roots: vec![
            root(FindingContext::Import, 1, 0),
            root(FindingContext::Install, 0, 0),
            root(FindingContext::Install, 0, 1),
        ],
        modules: [("demo", 1), ("demo.core", 2), ("demo.late", 3)].map(|(name, at)| (name.to_owned(), at)).into(),
        ..Started::default()
    };
    let mut seen: Vec<(u32, FindingContext)> = behaviours(&views, &reached(&views, &started))
        .iter()
        .map(|behaviour| (behaviour.effect.line, behaviour.context))
        .collect();
    seen.sort();
    use FindingContext::{Call, Install};
    assert_eq!(
        seen,
        [
            (1, Install),
            (2, Install),
            (3, Install),
            (11, Install),
            (12, Call),
            (21, Install),
            (22, Install),
            (23, Call),
            (31, Call)
        ]
    );
}
