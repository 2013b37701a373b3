//! `bulkhead run show` and `run list`: everything that was recorded of a run, and which runs there were.

use bulkhead_core::Action;

use super::super::call::call;
use super::super::output::{Output, table};
use super::super::{Done, Failure, Place};
use crate::control::{Request, RunListed, RunShown, Runs};

/// Which runs there were, newest first.
pub(super) fn list(place: &Place, last: usize, output: &Output) -> Result<Done, Failure> {
    let listed: Runs = call(place, Request::RunList { last })?;
    output.facts(&listed, |listed| {
        if listed.runs.is_empty() {
            return "no run is recorded; start one:  bulkhead run -- COMMAND".to_owned();
        }
        let row = |run: &RunListed| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            vec![
                run.run.to_string(),
                run.started.chars().take(19).collect::<String>() + "Z",
                run.took.map_or_else(String::new, |seconds| format!("{seconds:.1} s")),
                run.principal.clone(),
                text(&run.host),
                text(&run.command),
                text(&run.profile),
                run.ended.clone().unwrap_or_else(|| "no end recorded".to_owned()),
                run.refused.map_or_else(String::new, |count| count.to_string()),
            ]
        };
        let rows: Vec<Vec<String>> = listed.runs.iter().map(row).collect();
        table(&["run", "started", "took", "who", "host", "command", "profile", "ended", "refused"], &rows)
    })?;
    Ok(Done::Good)
}

fn newest(place: &Place) -> Result<String, Failure> {
    let listed: Runs = call(place, Request::RunList { last: 1 })?;
    let newest = listed.runs.first().map(|run| run.run.to_string());
    newest.ok_or_else(|| Failure::Usage("no run is recorded yet; start one:  bulkhead run -- COMMAND".to_owned()))
}

pub(super) fn show(place: &Place, id: Option<String>, output: &Output) -> Result<Done, Failure> {
    let id = id.map_or_else(|| newest(place), Ok)?;
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
                    (Some(about), _) if line.detail.get("answer").is_some_and(|answer| answer == "absent") => {
                        format!("{about} (there is nothing)")
                    }
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
