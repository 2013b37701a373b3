//! `bulkhead drill`: the breach re-enacted, and where each step died.

use std::path::PathBuf;

use super::output::{Output, table};
use super::{Done, Failure};
use crate::drill::{self, Came, Report, html};

/// Re-enact the breach, harmlessly: decoys in a throw-away home, collectors on loopback, nothing run that was written. First
/// bare, where everything must succeed; then contained; then each layer alone
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A layer to leave out, to see what it was that held: files, network, processes, tripwires, syscalls, landlock,
    /// environment
    #[arg(long, value_name = "LAYER")]
    without: Vec<String>,

    /// Leave out the runs with one layer each
    #[arg(long)]
    quick: bool,

    /// Also write the report as a page, with the kill chain drawn
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// The probe itself, with its script
    #[arg(long, hide = true, value_name = "SCRIPT")]
    pub(crate) probe: Option<PathBuf>,
}

pub(super) fn run(args: &Args, output: &Output) -> Result<Done, Failure> {
    let program = std::env::current_exe().map_err(anyhow::Error::new)?;
    let report = drill::run(&program, &args.without, args.quick)?;
    if let Some(file) = &args.html {
        crate::files::replace(file, html::page(&report).as_bytes(), 0o644).map_err(anyhow::Error::new)?;
    }
    output.facts(&report, text)?;
    Ok(if report.good { Done::Good } else { Done::Refused })
}

fn text(report: &Report) -> String {
    let rows: Vec<Vec<String>> = report
        .rows
        .iter()
        .map(|row| {
            vec![
                format!("{} {}", row.step, row.phase),
                row.what.to_owned(),
                if row.control { "succeeds" } else { "VOID" }.to_owned(),
                html::word(row.contained).1.to_owned(),
                row.stopped_by.join(" "),
            ]
        })
        .collect();
    let mut text = table(&["step", "attempt", "bare", "contained", "stopped alone by"], &rows);
    let count = |came| report.rows.iter().filter(|row| row.contained == came).count();
    text.push_str(&format!(
        "\n\n{} of {} refused and recorded, {} refused without a record, {} succeeded",
        count(Came::Refused),
        report.rows.len(),
        count(Came::Unrecorded),
        count(Came::Succeeded)
    ));
    if !report.without.is_empty() {
        text.push_str(&format!("   (without {})", report.without.join(", ")));
    }
    text.push_str(if report.work_done { "\nthe project's own work: done" } else { "\nthe project's own work: FAILED" });
    text.push_str(match (report.host_reached, report.key_served) {
        (true, true) => "\nthe host that policy names: reached, with the real key",
        (true, false) => "\nthe host that policy names: reached, WITHOUT THE KEY",
        (false, _) => "\nthe host that policy names: NOT REACHED",
    });
    text.push_str(if report.run_named {
        "\nwhich runs had the poisoned release in reach: the run is named"
    } else {
        "\nwhich runs had the poisoned release in reach: the run is NOT NAMED"
    });
    text.push_str(if report.tamper_seen {
        "\none byte of the ledger changed: verification fails, as it must"
    } else {
        "\none byte of the ledger changed: NOT NOTICED"
    });
    text.push_str("\n\nnot stopped:");
    for line in &report.not_stopped {
        text.push_str(&format!("\n  - {line}"));
    }
    text
}
