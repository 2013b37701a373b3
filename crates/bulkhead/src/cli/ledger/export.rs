//! `ledger export`: entries for other tools, one a line, read from the files alone.

use std::io::{self, Write};

use bulkhead_core::EntryIndex;
use bulkhead_ledger::{Checkpoint, Entry, EntryTime, Log};

use crate::app::Paths;
use crate::cli::output::Format;
use crate::cli::{Done, Failure, Place};
use crate::ledger::ocsf;

/// What to export, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only entries from then on: a time such as 2026-03-24T10:00:00Z, or the first entry's number [default: all]
    #[arg(long, value_name = "TIME|NUMBER")]
    since: Option<String>,
}

/// From where on.
enum Since {
    Entry(u64),
    Time(EntryTime),
}

pub(super) fn run(place: &Place, args: &Args) -> Result<Done, Failure> {
    let since = args.since.as_deref().map_or(Ok(Since::Entry(0)), since)?;
    let log = Log::open_read_only(&Paths::new(&place.load()?.server.data).ledger).map_err(anyhow::Error::new)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = export(&log, &since, place.format, &mut out);
    match written.and_then(|()| out.flush().map_err(Broken::Pipe)) {
        Ok(()) => Ok(Done::Good),
        // A reader that hangs up (`| head`) ends the output, not the command.
        Err(Broken::Pipe(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Done::Good),
        Err(Broken::Pipe(error)) => Err(anyhow::Error::new(error).into()),
        Err(Broken::Log(error)) => Err(error.into()),
    }
}

enum Broken {
    Pipe(io::Error),
    Log(anyhow::Error),
}

fn since(text: &str) -> Result<Since, Failure> {
    let number = text.strip_prefix('v').unwrap_or(text);
    if let Ok(number) = number.parse() {
        return Ok(Since::Entry(number));
    }
    let time: Result<jiff::Timestamp, _> = text.parse();
    let time = time.map_err(|error| {
        Failure::Usage(format!(
            "`{text}` is neither a time such as 2026-03-24T10:00:00Z nor an entry's number: {error}"
        ))
    })?;
    Ok(Since::Time(crate::spine::entry_time(time)))
}

/// Clocks step, so an entry after one that is too old may be new enough: with a time, every entry is looked at.
fn export(log: &Log, since: &Since, format: Format, out: &mut impl Write) -> Result<(), Broken> {
    let fault = |error: anyhow::Error| Broken::Log(error);
    let origin = Checkpoint::read_unverified(&log.checkpoint()).map_err(|error| fault(error.into()))?.origin;
    let mut events = ocsf::Export::new(origin);
    let first = match since {
        Since::Entry(first) => *first,
        Since::Time(_) => 0,
    };
    for entry in log.entries(first..log.size()) {
        let (index, entry): (EntryIndex, Entry) = entry.map_err(|error| fault(error.into()))?;
        if matches!(since, Since::Time(from) if entry.time < *from) {
            continue;
        }
        // Encoding what was decoded gives the same bytes: that is what canonical means, and decoding checks it.
        let bytes = entry.encode(index).map_err(|error| fault(error.into()))?;
        match format {
            // One JSON document of all of them would have to be held whole: lines are JSON too.
            Format::Text | Format::Json | Format::Jsonl | Format::Sarif => {
                out.write_all(&bytes).map_err(Broken::Pipe)?
            }
            Format::Ocsf => {
                let event = events.event(index, &entry, &bytes).map_err(|error| fault(error.into()))?;
                serde_json::to_writer(&mut *out, &event).map_err(|error| Broken::Pipe(error.into()))?;
            }
        }
        out.write_all(b"\n").map_err(Broken::Pipe)?;
    }
    Ok(())
}
