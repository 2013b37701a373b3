//! `bulkhead exposure`: what exactly was exposed, and checking somebody else's answer.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_core::{Code, Purl, Sha256};
use bulkhead_ledger::VerifierKey;
use clap::Subcommand;
use jiff::Timestamp;

use super::call::call;
use super::output::{Output, table};
use super::{Done, Failure, Place};
use crate::clock::Clock;
use crate::control::{Exposed, Request};
use crate::exposure::picture::thousands;
use crate::exposure::verify::{self, Own, Verified};
use crate::exposure::{Answer, Question, Row, Stage, Subject, picture};

/// What exactly was exposed: who had a release or file, where it ran, which secrets, data and people it reached
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Grades:  touched (an entry says so), within reach (a live lease, grant or readable path on a tainted
         host), unknown (the record has a gap), not reachable (the record is whole, nothing leads there)
Exit codes:  0 nothing was touched or within reach, 1 something was, 2 wrong use"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    /// A release, such as pkg:pypi/litellm@1.82.8, or a project without a version
    release: Option<Purl>,

    /// A file by its SHA-256, also one inside an archive
    #[arg(long, value_name = "SHA256", group = "subject")]
    file_sha256: Option<Sha256>,

    /// A network host that runs contacted
    #[arg(long, value_name = "HOST", group = "subject")]
    host_contacted: Option<String>,

    /// A secret, by name
    #[arg(long, value_name = "NAME", group = "subject")]
    secret: Option<String>,

    /// A dataset, by name
    #[arg(long, value_name = "NAME", group = "subject")]
    dataset: Option<String>,

    /// Somebody who holds a token
    #[arg(long, value_name = "NAME", group = "subject")]
    principal: Option<String>,

    /// Only what was within this window (RFC 3339, such as 2026-03-24T10:00Z)
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"])]
    between: Option<Vec<String>>,

    /// When the breach became known: the clocks of the report run from then [default: now]
    #[arg(long, value_name = "TIME")]
    aware: Option<String>,

    /// Write the answer with every entry and proof, for others to verify
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,

    /// Who asks [default: the user who runs the command]
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a bundle against your own mirror of the ledger, and compute its answer anew
    Verify {
        /// The bundle
        bundle: PathBuf,
        /// The mirror: the resources of the ledger as plain files
        #[arg(long, value_name = "DIR")]
        mirror: PathBuf,
        /// The ledger's public key, had by another way than the bundle [default: the one in the bundle]
        #[arg(long, value_name = "KEY")]
        key: Option<VerifierKey>,
        /// Whose cosignatures make a quorum (C2SP tlog-policy); the key is not needed when the file names the log
        #[arg(long, value_name = "FILE")]
        witness_policy: Option<PathBuf>,
    },
}

pub(super) fn run(place: &Place, args: Args, output: &Output) -> Result<Done, Failure> {
    if let Some(Command::Verify { bundle, mirror, key, witness_policy }) = args.command {
        let policy = witness_policy.as_deref().map(super::witness_policy).transpose()?;
        return verify_bundle(&bundle, &mirror, &Own { key, policy }, output);
    }
    let question = Box::new(question(&args)?);
    let asked = call(place, Request::Exposure { question, bundle: args.bundle.is_some() });
    // Exit code 1 says that something was exposed: what cannot be asked must not look like it.
    let exposed: Exposed = asked.map_err(|failure| match failure {
        Failure::Remote { code, detail, help, .. } if code == Code::BadRequest.to_string() => {
            Failure::Usage(format!("{detail}\n  help: {help}"))
        }
        other => other,
    })?;
    if let (Some(path), Some(bundle)) = (&args.bundle, &exposed.bundle) {
        let bytes = STANDARD.decode(bundle).map_err(anyhow::Error::new)?;
        crate::files::replace(path, &bytes, 0o600).map_err(anyhow::Error::new)?;
        output.note(&format!("wrote {} ({} bytes)", path.display(), bytes.len()));
    }
    let found = exposed.answer.found();
    let printed = Exposed { bundle: None, ..exposed };
    output.facts(&printed, text)?;
    Ok(if found { Done::Refused } else { Done::Good })
}

fn question(args: &Args) -> Result<Question, Failure> {
    let text = |text: &Option<String>| text.clone();
    let subjects = [
        args.release.clone().map(Subject::Release),
        args.file_sha256.map(Subject::File),
        text(&args.host_contacted).map(Subject::HostContacted),
        text(&args.secret).map(Subject::Secret),
        text(&args.dataset).map(Subject::Dataset),
        text(&args.principal).map(Subject::Principal),
    ];
    let mut subjects = subjects.into_iter().flatten();
    let (Some(subject), None) = (subjects.next(), subjects.next()) else {
        return Err(Failure::Usage(
            "name one thing: a release, --file-sha256, --host-contacted, --secret, --dataset or --principal".to_owned(),
        ));
    };
    let window: Vec<Timestamp> = args.between.iter().flatten().map(|text| time(text)).collect::<Result<_, _>>()?;
    let now = Clock.now();
    let aware = args.aware.as_deref().map(time).transpose()?.unwrap_or(now);
    let by = args.owner.clone().map_or_else(super::user, Ok)?;
    let question =
        Question { subject, from: window.first().copied(), to: window.get(1).copied(), asked: now, aware, by };
    question.check().map_err(|problem| Failure::Usage(format!("{}; {}", problem.detail, problem.help)))?;
    Ok(question)
}

/// RFC 3339; seconds may be left out, as people do.
fn time(text: &str) -> Result<Timestamp, Failure> {
    let whole: Result<Timestamp, _> = text.parse().or_else(|error| match text.strip_suffix('Z') {
        Some(head) if head.len() == "2026-03-24T10:00".len() => format!("{head}:00Z").parse(),
        _ => Err(error),
    });
    whole.map_err(|_| Failure::Usage(format!("`{text}` is not a time: write it as 2026-03-24T10:00:00Z")))
}

fn text(exposed: &Exposed) -> String {
    let answer = &exposed.answer;
    let mut out = format!("{}: {}\n", answer.question.subject, picture::summary(answer));
    match (answer.from, answer.to) {
        (Some(from), Some(to)) if to >= answer.question.asked => {
            out.push_str(&format!("  from {from:.0}, part of it still so\n"));
        }
        (Some(from), Some(to)) => out.push_str(&format!("  from {from:.0} to {to:.0}\n")),
        _ => {}
    }
    if answer.people_touched + answer.people_within_reach > 0 {
        out.push_str(&format!(
            "  people: about {} touched, {} more within reach\n",
            thousands(answer.people_touched),
            thousands(answer.people_within_reach)
        ));
    }
    if !answer.rows.is_empty() {
        let rows: Vec<Vec<String>> = answer.rows.iter().map(line).collect();
        out.push_str(&format!("\n{}\n", table(&["what", "name", "grade", "why", "entries"], &rows)));
    }
    for gap in &answer.gaps {
        out.push_str(&format!("\ngap: {} (entries {})", gap.what, entries(&gap.entries)));
    }
    out.push_str(&format!("\n{}", foot(answer, exposed.entry)));
    out
}

fn foot(answer: &Answer, entry: u64) -> String {
    format!(
        "\nrests on the first {} entries of {}; entry {entry} records this answer\nfor others to verify:  --bundle exposure.zip",
        answer.size, answer.log
    )
}

fn line(row: &Row) -> Vec<String> {
    let name = match (row.stage, row.people) {
        (Stage::People, Some(people)) => format!("{} (about {})", row.name, thousands(people)),
        _ => shortened(&row.name),
    };
    vec![row.stage.word().to_owned(), name, row.grade.words().to_owned(), row.why.clone(), entries(&row.entries)]
}

fn shortened(name: &str) -> String {
    match name.strip_prefix("sha256:") {
        Some(digest) if digest.len() == 64 => format!("sha256:{}...{}", &digest[..12], &digest[60..]),
        _ => name.to_owned(),
    }
}

fn entries(entries: &std::collections::BTreeSet<u64>) -> String {
    let shown: Vec<String> = entries.iter().take(6).map(ToString::to_string).collect();
    let more = entries.len().saturating_sub(shown.len());
    if more == 0 { shown.join(",") } else { format!("{} +{more}", shown.join(",")) }
}

/// Reads files only: whoever received a bundle needs no Bulkhead of their own.
fn verify_bundle(
    bundle: &std::path::Path,
    mirror: &std::path::Path,
    own: &Own,
    output: &Output,
) -> Result<Done, Failure> {
    let bytes = std::fs::read(bundle)
        .map_err(|error| Failure::Other(anyhow::anyhow!("cannot read {}: {error}", bundle.display())))?;
    let verified = verify::verify(&bytes, mirror, own).map_err(|why| Failure::Remote {
        code: "bundle-not-verified".to_owned(),
        title: format!("{} does not verify", bundle.display()),
        detail: why,
        help: "do not rely on it: ask whoever sent it for it again, and bring your mirror up to date".to_owned(),
    })?;
    output.facts(&verified, verified_text)?;
    Ok(if verified.good { Done::Good } else { Done::Refused })
}

fn verified_text(verified: &Verified) -> String {
    let mut out = if verified.good {
        format!(
            "verified: {}\n  the answer, {} rows over the first {} entries, was computed anew from the mirror and is the same\n  {} inclusion proofs hold; the mirror has {} entries and verifies as a whole\n",
            verified.subject, verified.rows, verified.size, verified.proofs, verified.mirrored
        )
    } else {
        let differences: String = verified.differences.iter().map(|what| format!("  {what}\n")).collect();
        format!("NOT VERIFIED: {}\n{differences}", verified.subject)
    };
    out.push_str(&witnesses(verified));
    out.push_str(&format!("  ledger {}, key {}", verified.log, verified.key_fingerprint));
    if !verified.own_key {
        out.push_str(
            "\n  the key came with the bundle: compare its fingerprint with the ledger's owner by another way",
        );
    }
    out
}

/// Who vouches for the checkpoint beside the log, and who only seems to.
fn witnesses(verified: &Verified) -> String {
    let time = |at: u64| {
        let at = i64::try_from(at).ok().and_then(|at| Timestamp::from_second(at).ok());
        at.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string())
    };
    let mut out: String = verified
        .witnesses
        .iter()
        .map(|one| format!("  cosigned by {} at {}\n", one.witness, time(one.timestamp)))
        .collect();
    if !verified.unchecked.is_empty() {
        out.push_str(&format!("  in the name of, and not checked: {}\n", verified.unchecked.join(", ")));
    }
    if !verified.quorum {
        out.push_str("  no quorum of witnesses was asked for: give --witness-policy FILE\n");
    }
    out
}
