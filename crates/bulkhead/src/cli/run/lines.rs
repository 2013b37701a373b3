//! The first line of a run, and the entries of its end, in order or not.

use std::path::PathBuf;

use bulkhead_contain::{Layer, Layers, RunEnd};
use bulkhead_core::{Action, Effect, RunId};

use crate::clock::Clock;
use crate::gate::runtime::aside::{self, After};
use crate::gate::runtime::journal::Dead;
use crate::gate::runtime::record::{RunLine, Totals};

/// Folders that were not looked at, and have an entry each.
const UNSEEN: usize = 20;

/// What a run planted, and what appeared during it.
fn differences(after: &After) -> Vec<RunLine> {
    let line = |path: &PathBuf, action, effect, rule: &str, text: &str| RunLine {
        effect,
        about: Some(path.display().to_string()),
        rule: rule.to_owned(),
        text: text.to_owned(),
        ..RunLine::plain(action)
    };
    let planted = "it starts programs later and was not there before: put aside";
    let planted = after.moved.iter().map(|path| line(path, Action::Write, Effect::Deny, "planted", planted));
    let appeared =
        "it came, or came anew, while the program ran: no tripwire was before it, and the program may have read it";
    let appeared =
        after.appeared.iter().map(|path| line(path, Action::Read, Effect::Allow, "secrets-appeared", appeared));
    let changed =
        "it starts programs later, and nothing on this kernel could keep the run from it: look at it before it is used";
    let changed = after.changed.iter().map(|path| line(path, Action::Write, Effect::Allow, "changed", changed));
    let unseen = "there was too much to look at after the run, or it is closed: what was planted there is still there";
    let unseen =
        after.unseen.iter().take(UNSEEN).map(|path| line(path, Action::Write, Effect::Allow, "not-looked-at", unseen));
    planted.chain(appeared).chain(changed).chain(unseen).collect()
}

/// The last entries of a run whose supervisor was killed. What else it refused and was not yet written is lost.
pub(in crate::cli) fn dead_lines(dead: &Dead) -> Vec<RunLine> {
    let mut lines = differences(&dead.after);
    lines.push(
        RunLine::plain(Action::Run)
            .with("start", dead.started.to_string())
            .with("end", Clock.now().to_string())
            .with("host", host())
            .with("ended", "supervisor killed; finished by a later start")
            .with("refused", dead.after.moved.len().to_string()),
    );
    lines
}

/// What a person reads of it.
pub(in crate::cli) fn dead_note(dead: &Dead) -> String {
    let moved: Vec<String> = dead.after.moved.iter().map(|path| path.display().to_string()).collect();
    let moved = if moved.is_empty() { "nothing was planted".to_owned() } else { moved.join(", ") };
    let kept = format!("{}/{}", aside::FOLDER, dead.run);
    format!(
        "run {} was killed with its supervisor; put aside now, into {kept} of its work directory: {moved}",
        dead.run
    )
}

/// The last entries of a run.
pub(super) fn end_lines(
    after: &After,
    totals: &Totals,
    end: RunEnd,
    started: jiff::Timestamp,
    idle: &[(String, u64)],
) -> Vec<RunLine> {
    const DOMAINS: usize = 20;
    let mut lines = differences(after);
    let ended = match end {
        RunEnd::Code(code) => format!("code {code}"),
        RunEnd::Signal(signal) => format!("signal {signal}"),
        RunEnd::NotStarted(_) => "not started".to_owned(),
    };
    let contacts = totals.contacts.iter().map(|host| format!("contact {host}"));
    let secrets = totals.secrets.iter().map(|name| format!("secret {name}"));
    let (list, left_out) = fitting(secrets.chain(contacts));
    let count = |number: u64| if number == 0 { String::new() } else { number.to_string() };
    lines.push(
        RunLine::plain(Action::Run)
            .with("start", started.to_string())
            .with("end", Clock.now().to_string())
            .with("host", host())
            .with("ended", ended)
            .with("refused", (totals.refused.len() + after.moved.len()).to_string())
            .with("repeated", count(totals.repeated))
            .with("suppressed", count(totals.suppressed))
            .with("routine", count(totals.routine))
            .with("names-only", count(idle.iter().map(|(_, names)| names).sum()))
            .with(
                "names-below",
                idle.iter()
                    .take(DOMAINS)
                    .map(|(domain, names)| format!("{domain} {names}"))
                    .collect::<Vec<_>>()
                    .join("\n"),
            )
            .with("list-left-out", count(left_out))
            .with("list", list.join("\n")),
    );
    lines
}

/// As many lines as one entry holds, and how many are left out; each has an entry of its own besides.
fn fitting(lines: impl Iterator<Item = String>) -> (Vec<String>, u64) {
    const MOST_BYTES: usize = 40 << 10;
    let (mut kept, mut bytes, mut left_out) = (Vec::new(), 0, 0);
    for line in lines {
        bytes += line.len() + 1;
        if bytes > MOST_BYTES { left_out += 1 } else { kept.push(line) }
    }
    (kept, left_out)
}

/// This machine.
pub(super) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The line before the program's own output.
pub(super) fn banner(
    run: RunId,
    profile: &str,
    layers: Layers,
    decoys: bool,
    observe: bool,
    strip: bool,
    doors: Vec<&str>,
) -> String {
    let mut enforced: Vec<&str> = layers.iter().filter(|layer| *layer != Layer::Evidence).map(Layer::as_str).collect();
    if decoys {
        enforced.push("decoys");
    }
    if strip {
        enforced.push("environment");
    }
    enforced.extend(doors);
    format!(
        "bulkhead: run {run} profile {profile}   enforced: {}   ({})",
        enforced.join(", "),
        tier(layers, decoys, observe)
    )
}

/// How much of the whole is there, in the words of the manual.
fn tier(layers: Layers, decoys: bool, observe: bool) -> &'static str {
    if observe {
        return "looking on: only credentials are refused";
    }
    let namespaces = [Layer::Files, Layer::Network, Layer::Processes].into_iter().all(|layer| layers.has(layer));
    match (namespaces, layers.has(Layer::Tripwires), layers.has(Layer::Landlock) && layers.has(Layer::Syscalls)) {
        (true, true, true) => "tier 1",
        (true, false, true) if decoys => "tier 2: credentials are decoys, attempts are recorded without the process",
        (true, false, true) => "tier 2: credentials are out of sight, and attempts are not recorded",
        (false, _, true) => "tier 4: no namespaces",
        _ if !layers.has(Layer::Files) && !layers.has(Layer::Landlock) => "tier 5: files are not kept",
        _ => "reduced",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_of_a_run_that_contacts_everybody_still_fits() {
        let (kept, left_out) = fitting((0..10_000).map(|number| format!("contact host{number}.example.test")));
        assert_eq!(kept.len() as u64 + left_out, 10_000);
        assert!(left_out > 0 && kept.iter().map(|line| line.len() + 1).sum::<usize>() <= 40 << 10);
        assert_eq!(fitting(["one".to_owned()].into_iter()), (vec!["one".to_owned()], 0));
    }
}
