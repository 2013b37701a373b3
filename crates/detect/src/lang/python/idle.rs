//! Code that does nothing: what a name is reserved with.

use std::collections::HashSet;

use super::ast::{Ast, E, Names, Op, S, Sym};

/// The number of expressions of a tree in which nothing is computed: constants, functions that give one back, words that are
/// printed or raised. `None` where something happens.
pub(super) fn weigh(ast: &Ast, names: &Names) -> Option<u32> {
    let quiet = ast.stmts.iter().all(|stmt| {
        matches!(
            stmt.s,
            S::Expr(_) | S::Assign(..) | S::Return(_) | S::Import(_) | S::Def(_) | S::Class(_) | S::If(..) | S::Try(_)
        )
    });
    let own: HashSet<Sym> = ast.defs.iter().map(|def| def.name).collect();
    let still = ast.nodes.iter().all(|node| match node.e {
        E::Bin(op, ..) => op == Op::Eq,
        E::Un(..) | E::Cond(_) | E::Comp(_) | E::Lambda(_) | E::Through(_) | E::Walrus(..) | E::Sub(..) => false,
        E::Call(function, _) => match ast.node(function).e {
            E::Name(name) => {
                let text = names.text(name);
                &**text == "print" || text.ends_with("Error") || text.ends_with("Exception") || own.contains(&name)
            }
            E::Attr(object, _) => {
                matches!(ast.node(object).e, E::Name(name) if matches!(&**names.text(name), "logging" | "logger"))
            }
            _ => false,
        },
        _ => true,
    });
    (quiet && still).then(|| u32::try_from(ast.nodes.len()).unwrap_or(u32::MAX))
}
