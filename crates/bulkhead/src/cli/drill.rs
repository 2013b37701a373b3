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
    /// environment, limits, egress, broker
    #[arg(long, value_name = "LAYER")]
    without: Vec<String>,

    /// Names of what this kernel lacks that the runs may start without, such as fuse
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    accept_degraded: Vec<String>,

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
    let report = drill::run(&program, &args.without, &args.accept_degraded, args.quick)?;
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
    text.push_str(&format!("   (in {} s)", report.seconds));
    if !report.without.is_empty() {
        text.push_str(&format!("   (without {})", report.without.join(", ")));
    }
    for (what, works) in report.works() {
        text.push_str(&format!("\n{what}: {}", if works { "yes" } else { "NO" }));
    }
    text.push_str("\n\nwhat the poisoned release exposed, as the ledger answers:\n");
    let exposed = report.exposed.iter();
    let exposed: Vec<Vec<String>> =
        exposed.map(|row| vec![row.stage.clone(), row.name.clone(), row.grade.clone(), row.why.clone()]).collect();
    text.push_str(&table(&["what", "name", "grade", "why"], &exposed));
    text.push_str("\n\nnot stopped:");
    for line in &report.not_stopped {
        text.push_str(&format!("\n  - {line}"));
    }
    text
}
