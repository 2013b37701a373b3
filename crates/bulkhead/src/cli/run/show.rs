//! `bulkhead run show`: everything that was recorded of a run.

use bulkhead_core::Action;

use super::super::call::call;
use super::super::output::{Output, table};
use super::super::{Done, Failure, Place};
use crate::control::{Request, RunShown};

pub(super) fn show(place: &Place, id: String, output: &Output) -> Result<Done, Failure> {
    let shown: RunShown = call(place, Request::RunShow { id })?;
    output.facts(&shown, |shown| {
        let rows: Vec<Vec<String>> = shown
            .rows
            .iter()
            .map(|row| {
                let line = &row.line;
                let by = line.detail.get("pid").map_or_else(String::new, |pid| {
                    format!("{} {pid}", line.detail.get("command").map_or("", String::as_str))
                });
                let about = match (&line.about, line.action) {
                    (Some(about), _) => about.clone(),
                    (None, Action::Run) => {
                        let what =
                            ["ended", "command", "refused", "suppressed", "list", "enforced", "degraded", "stripped"];
                        let part = |name: &&str| {
                            let value = line.detail.get(*name)?;
                            // Hosts that were contacted and secrets that were used, one a line.
                            let list = *name == "list";
                            Some(if list { value.replace('\n', "; ") } else { format!("{name} {value}") })
                        };
                        what.iter().filter_map(part).collect::<Vec<_>>().join("; ")
                    }
                    _ => String::new(),
                };
                vec![
                    format!("v{}", row.entry),
                    row.time.clone(),
                    line.effect.to_string(),
                    line.action.to_string(),
                    about,
                    by,
                    line.rule.clone(),
                ]
            })
            .collect();
        format!("run {}\n{}", shown.run, table(&["entry", "time", "effect", "action", "what", "who", "rule"], &rows))
    })?;
    Ok(Done::Good)
}
