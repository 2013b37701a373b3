//! `bulkhead setup`: what makes a package client go through Bulkhead, printed, written, or taken out again.

mod edit;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::output::Output;
use super::{Done, Failure, Place};
use crate::config::env::{self, Env};
use crate::config::{Config, DEFAULT_FILE};
use edit::{Client, apply, remove};

/// Print, or write, what makes a package client go through Bulkhead
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The client
    #[arg(value_enum)]
    client: Client,

    /// Write the lines into the client's own configuration. Again is harmless
    #[arg(long, conflicts_with = "undo")]
    write: bool,

    /// Take the lines out again, and put back what they replaced
    #[arg(long)]
    undo: bool,

    /// A token to put into the address, as `bulkhead token create` printed it
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,

    /// The file to change [default: the client's own, of this user; ./pyproject.toml for poetry]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Set {
    client: &'static str,
    index: String,
    file: String,
    lines: String,
    environment: Option<String>,
    done: &'static str,
    notes: Vec<String>,
}

pub(super) fn run(place: &Place, args: &Args, output: &Output) -> Result<Done, Failure> {
    let config = place.load()?;
    let index = index(&place.own_url(&config), args.token.as_deref())?;
    let file = match &args.file {
        Some(file) => file.clone(),
        None => own_file(args.client)?,
    };
    let mut set = Set {
        client: args.client.name(),
        file: file.display().to_string(),
        lines: args.client.lines(&index),
        environment: args.client.environment(&index),
        index,
        done: "printed",
        notes: Vec::new(),
    };
    let old = if file.exists() { crate::files::read_text(&file).map_err(anyhow::Error::new)? } else { String::new() };
    if args.undo {
        let new = remove(&old);
        set.done = if new == old { "nothing to undo" } else { "undone" };
        if new.is_empty() && new != old {
            // Nothing else was in it: it was made for this, or says as much as no file does.
            crate::files::remove(&file).map_err(anyhow::Error::new)?;
        } else {
            write(&file, &old, &new)?;
        }
    } else if args.write {
        let (new, replaced) = apply(args.client, &old, &set.index).map_err(|conflict| {
            Failure::Usage(format!(
                "{} was not changed: {conflict}\n  put these lines there by hand:\n\n{}",
                set.file, set.lines
            ))
        })?;
        if let Some(replaced) = replaced {
            keep_upstream(place, &config, &replaced, &mut set.notes)?;
        }
        set.done = if new == old { "already set" } else { "written" };
        write(&file, &old, &new)?;
    }
    output.facts(&set, text)?;
    Ok(Done::Good)
}

fn text(set: &Set) -> String {
    let mut text = match set.done {
        "printed" => {
            let mut text = format!("# {}\n{}", set.file, set.lines);
            if let Some(environment) = &set.environment {
                text += &format!("\n# or in the environment\n{environment}\n");
            }
            format!("{text}\n# write it there:  bulkhead setup {} --write      take it out:  --undo", set.client)
        }
        done => format!("{}: {done}", set.file),
    };
    for note in &set.notes {
        text += &format!("\n  note: {note}");
    }
    text
}

fn index(own: &str, token: Option<&str>) -> Result<String, Failure> {
    let (scheme, rest) = own.split_once("://").ok_or_else(|| Failure::Usage(format!("`{own}` is not an address")))?;
    let token = token.map_or_else(String::new, |token| format!("token:{token}@"));
    Ok(format!("{scheme}://{token}{}/pypi/simple/", rest.trim_end_matches('/')))
}

fn own_file(client: Client) -> Result<PathBuf, Failure> {
    let env = Env::process();
    if client == Client::Poetry {
        return Ok(PathBuf::from("pyproject.toml"));
    }
    let folder = env.path(env::XDG_CONFIG_HOME).or_else(|| Some(env.path(env::HOME)?.join(".config")));
    let folder =
        folder.ok_or_else(|| Failure::Usage("there is no home folder; name the file with --file".to_owned()))?;
    Ok(folder.join(client.name()).join(client.file()))
}

fn write(file: &Path, old: &str, new: &str) -> Result<(), Failure> {
    if new == old {
        return Ok(());
    }
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        crate::files::make_folder(folder).map_err(anyhow::Error::new)?;
    }
    crate::files::replace(file, new.as_bytes(), 0o600).map_err(|error| Failure::Other(error.into()))
}

/// The client's own index, which is about to be replaced, is whom Bulkhead stood in front of: it must not forget it.
fn keep_upstream(place: &Place, config: &Config, replaced: &str, notes: &mut Vec<String>) -> Result<(), Failure> {
    if config.intake.pypi.upstream.is_some() {
        return Ok(());
    }
    let file = place.config.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    let old = if file.exists() { crate::files::read_text(&file).map_err(anyhow::Error::new)? } else { String::new() };
    let lines = format!("[intake.pypi]\nupstream = \"{replaced}\"\n");
    if old.contains("intake") {
        return Err(Failure::Usage(format!(
            "the client's index {replaced} would be lost: it is the upstream that Bulkhead inherits\n  \
             help: set it in {} first, then run this again:\n\n{lines}",
            file.display()
        )));
    }
    let gap = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    crate::files::replace(&file, format!("{old}{gap}{lines}").as_bytes(), 0o600).map_err(anyhow::Error::new)?;
    notes.push(format!("{} now names {replaced} as the upstream, which the client used until now", file.display()));
    Ok(())
}
