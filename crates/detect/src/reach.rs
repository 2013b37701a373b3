//! When each unit of a package's code runs: from what starts by itself, along calls and imports.

use std::collections::HashMap;

use bulkhead_core::FindingContext;

use crate::behaviour::{Behaviour, rank};
use crate::lang::{Callee, View};
use crate::package::Started;

/// Every effect with the earliest context in which its unit runs; a unit that nothing starts runs when it is called.
pub(crate) fn behaviours(views: &[View], reached: &[Vec<Option<FindingContext>>]) -> Vec<Behaviour> {
    let mut all: Vec<Behaviour> = Vec::new();
    for (view, contexts) in views.iter().zip(reached) {
        for (unit, context) in view.units.iter().zip(contexts) {
            all.extend(unit.effects.iter().map(|effect| Behaviour {
                path: view.path.clone(),
                unit: unit.name.clone(),
                context: context.unwrap_or(FindingContext::Call),
                effect: effect.clone(),
            }));
        }
    }
    all.sort_by_key(|behaviour| rank(behaviour.context));
    all
}

/// For each view and unit, when it runs without being called from outside; `None` where only a caller starts it.
///
/// Contexts are taken earliest first, so that each unit is visited once and the cost is linear in units, calls and imports.
pub(crate) fn reached(views: &[View], started: &Started) -> Vec<Vec<Option<FindingContext>>> {
    let mut reached: Vec<Vec<Option<FindingContext>>> = views.iter().map(|view| vec![None; view.units.len()]).collect();
    let names: Vec<HashMap<&str, usize>> = views.iter().map(names).collect();
    let mut roots = started.roots.clone();
    roots.sort_by_key(|root| rank(root.context));
    for root in roots {
        let mut open = vec![(root.view, root.unit)];
        while let Some((at, unit)) = open.pop() {
            let Some(mark) = reached.get_mut(at).and_then(|units| units.get_mut(unit)) else { continue };
            if mark.is_some() {
                continue;
            }
            *mark = Some(root.context);
            let view = &views[at];
            for callee in &view.units[unit].calls {
                match callee {
                    Callee::Local(unit) => open.push((at, *unit)),
                    Callee::Other(module, name) => {
                        if let Some(other) = started.module(&view.path, module) {
                            open.push((other, 0));
                            if let Some(&unit) = names[other].get(name.as_str()) {
                                open.push((other, unit));
                            }
                        }
                    }
                }
            }
            for import in view.imports.iter().filter(|import| import.unit == unit) {
                if let Some(other) = started.module(&view.path, &import.module) {
                    open.push((other, 0));
                }
            }
        }
    }
    reached
}

fn names(view: &View) -> HashMap<&str, usize> {
    view.units.iter().enumerate().map(|(at, unit)| (unit.name.as_str(), at)).collect()
}

#[cfg(test)]
mod tests;
