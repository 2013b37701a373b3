//! `bulkhead feed`: advisories, imported by hand or by cron; never fetched behind anybody's back.

use std::path::PathBuf;

use bulkhead_core::Duration;
use clap::Subcommand;

use super::call::call;
use super::output::{Output, table};
use super::{Done, Failure, Place};
use crate::control::{FeedRow, Feeds, Imported, Request};

/// Import advisories
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Import OSV records from a folder, a zip or a file. A feed of the same name is replaced as a whole
    Import {
        /// The folder, the zip, or one .json or .jsonl file
        path: PathBuf,
        /// The feed's name [default: the file's own name]
        #[arg(long)]
        name: Option<String>,
        /// Import the good records although some cannot be read
        #[arg(long)]
        skip_invalid: bool,
    },
    /// Every feed, with its digest and age
    List,
}

pub(super) fn run(place: &Place, args: Args, output: &Output) -> Result<Done, Failure> {
    match args.command {
        Command::Import { path, name, skip_invalid } => {
            // The server has its own working directory.
            let path = std::path::absolute(&path).map_err(anyhow::Error::new)?;
            let imported: Imported = call(place, Request::FeedImport { path, name, skip_invalid })?;
            output.facts(&imported, |imported| {
                let FeedRow { name, records, digest, .. } = &imported.feed;
                let mut text = format!("feed {name}: {records} records, digest {}", &digest[..16]);
                if imported.withdrawn + imported.foreign > 0 {
                    text += &format!(
                        "; left out {} withdrawn, {} of other ecosystems",
                        imported.withdrawn, imported.foreign
                    );
                }
                for invalid in &imported.invalid {
                    text += &format!("\n  not readable: {invalid}");
                }
                text
            })?;
        }
        Command::List => {
            let feeds: Feeds = call(place, Request::FeedList)?;
            output.facts(&feeds, list)?;
        }
    }
    Ok(Done::Good)
}

fn list(feeds: &Feeds) -> String {
    let rows: Vec<Vec<String>> = feeds
        .feeds
        .iter()
        .map(|feed| {
            let state = if feed.stale { "STALE: unknown until imported anew" } else { "good" };
            let age = Duration::seconds(feed.age).in_words();
            vec![feed.name.clone(), feed.records.to_string(), feed.digest[..16].to_owned(), age, state.to_owned()]
        })
        .collect();
    table(&["feed", "records", "digest", "age", "state"], &rows)
}
