//! How long `bulkhead ledger rebuild` takes: fills a ledger as a busy estate would (fetches, metadata, listings, refusals,
//! what files contain, inventories, runs), reads it, and makes the projections anew.
//!
//! ```text
//! cargo run --release -p bulkhead --example rebuild_bench -- FOLDER [entries, default 1,000,000]
//! ```

use std::path::Path;
use std::time::Instant;

use bulkhead::store::record::{ItemLine, MemberLine, Record, Use, digest_of_lines};
use bulkhead::store::{Cause, SqliteStore, Store as _};
use bulkhead_core::{Action, Ask, Context, Effect, Gate, Principal, Purl, Reason, Resource, Sha256, Verdict};
use bulkhead_ledger::{Entry, EntryTime, Log, Options, Sequencer, SigningKey, sha256};

const RELEASES: u64 = 20_000;
const PEOPLE: u64 = 2_000;
const HOSTS: u64 = 4_000;
const POLICY: Sha256 = Sha256::from_bytes([7; 32]);

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() -> Outcome<()> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("name an empty folder with 4 GB of space")?;
    let count: u64 = words.next().map_or(Ok(1_000_000), |word| word.parse())?;
    let folder = Path::new(&folder);
    if !folder.join("ledger").exists() {
        fill(folder, count)?;
    }
    let log = Log::open_read_only(&folder.join("ledger"))?;
    let began = Instant::now();
    let read = log.entries(0..count).filter(Result::is_ok).count();
    println!("read and decoded {read} entries in {:.1} s", began.elapsed().as_secs_f64());
    let store = SqliteStore::open(&folder.join("state.sqlite"))?;
    for what in ["into an empty database", "in the place of what was there"] {
        let (began, worked) = (Instant::now(), on_cpu()?);
        let mut entries = log.entries_ahead(0..count).map(|entry| entry.map_err(Cause::from));
        let rows = store.rebuild_projections(&mut entries)?;
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "made the projections of {rows} entries {what} in {seconds:.1} s ({:.1} s on a core): {:.1} minutes for ten million",
            on_cpu()? - worked,
            seconds / 60.0 * 1e7 / rows as f64
        );
    }
    Ok(())
}

/// Seconds that this thread was on a core: what other work on the machine does not change much.
fn on_cpu() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e9)
}

fn fill(folder: &Path, count: u64) -> Outcome<()> {
    let key = SigningKey::generate()?;
    let options = Options { max_waiting: usize::MAX, ..Options::default() };
    let (sequencer, _) =
        Sequencer::open(&folder.join("ledger"), &folder.join("head"), "bench.example".parse()?, key, options)?;
    for number in 0..count {
        sequencer.submit(entry(number)?, Box::new(drop));
    }
    Ok(sequencer.close()?)
}

/// Numbers that look random and are the same every time.
fn spread(number: u64, among: u64) -> u64 {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16) % among
}

fn entry(number: u64) -> Outcome<Entry> {
    let release = spread(number, RELEASES);
    let purl: Purl = format!("pkg:pypi/project-{}@1.{}", release / 10, release % 10).parse()?;
    let digest = sha256(&[&release.to_be_bytes()]);
    let principal = format!("person-{}", spread(number + 7, PEOPLE));
    let host = format!("host-{}", spread(number + 9, HOSTS));
    let client = Some("pip/26.3 {\"python\":\"3.13\"}".to_owned());
    let context = Context { client, address: Some("192.0.2.7".to_owned()), ..Context::default() };
    let file = Some(format!("project_{}-1.{}-py3-none-any.whl", release / 10, release % 10));
    let asked = |action, effect, reasons: Vec<Reason>| {
        let resource = Resource { purl: Some(purl.clone()), file: file.clone(), digest: Some(digest), host: None };
        let ask = Ask {
            gate: Gate::Intake,
            principal: Principal::new(&*principal),
            action,
            resource,
            context: context.clone(),
        };
        Entry::new(&ask, &Verdict { effect, reasons }, time(number), POLICY)
    };
    let told = |record: &Record| {
        let draft = record.drafts().swap_remove(0);
        let ask = Ask {
            gate: Gate::Control,
            principal: Principal::new(&*host),
            action: draft.action,
            resource: draft.resource,
            context: draft.context,
        };
        Entry { detail: draft.detail, ..Entry::new(&ask, &Verdict::plain(Effect::Allow), time(number), POLICY) }
    };
    let at = jiff_at(number)?;
    Ok(match number % 100 {
        0..60 => asked(Action::Fetch, Effect::Allow, Vec::new()).with_detail("uploaded", "2026-01-02T03:04:05Z"),
        60..85 => asked(Action::Metadata, Effect::Allow, Vec::new()),
        85..90 => {
            let mut listing = asked(Action::List, Effect::Transform, Vec::new());
            listing.resource =
                Resource { purl: Some(Purl::project(purl.ecosystem(), purl.name())?), ..Resource::default() };
            listing.with_withheld([format!("{}-9.tar.gz", purl.name())])
        }
        90..94 => {
            let reason = Reason {
                rule: "cooldown".to_owned(),
                effect: Effect::Hold,
                text: "is 3 hours old".to_owned(),
                help: "use an older release".to_owned(),
                audit: false,
                excepted_by: None,
            };
            asked(Action::Fetch, Effect::Hold, vec![reason])
        }
        94 => {
            let member = |nth: u64| MemberLine {
                digest: sha256(&[&release.to_be_bytes(), &nth.to_be_bytes()]),
                path: format!("project/{nth}.py"),
            };
            told(&Record::Contents { purl: Some(purl), of: digest, members: (0..40).map(member).collect() })
        }
        95 => {
            let item = |nth| {
                let release = spread(number + nth, RELEASES);
                ItemLine { purl: None, digest: Some(sha256(&[&release.to_be_bytes()])) }
            };
            let items: Vec<ItemLine> = (0..40).map(item).collect();
            let digest = digest_of_lines(items.iter().map(ItemLine::line));
            told(&Record::Inventory {
                host: host.clone(),
                environment: "venv".to_owned(),
                digest,
                items,
                unchanged: false,
            })
        }
        _ => {
            let run = format!("0197f4a2-0000-7000-8000-{number:012x}").parse()?;
            let uses = vec![
                (Use::Secret, format!("secret-{}", number % 500)),
                (Use::Contact, format!("api-{}.example:443", number % 50)),
            ];
            told(&Record::Run { run, host: host.clone(), start: at, end: Some(at), environment: None, uses })
        }
    })
}

/// Ninety days from 2026-01-01 on, in order.
fn time(number: u64) -> EntryTime {
    EntryTime::from_unix_millis(1_767_225_600_000 + number * 7)
        .unwrap_or_else(|_| unreachable!("within the years of entries"))
}

fn jiff_at(number: u64) -> Outcome<jiff::Timestamp> {
    Ok(jiff::Timestamp::from_millisecond((1_767_225_600_000 + number * 7).cast_signed())?)
}
