//! What the ledger does on this machine, as ratios: `cargo run --release -p bulkhead-ledger --example bench -- FOLDER [ENTRIES]`.
//!
//! Durable appends with up to 256 waiting producers against one, each also with batches that wait for company; a log of
//! 1,000,000 entries verified from disk, as a mirror and as a ledger's own folder, against SHA-256 over the same bytes; reading all its entries, which is what a
//! rebuild of projections starts from. FOLDER must be empty, and on the disk that is meant; with
//! 0 entries only appends are measured.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bulkhead_core::{Action, Ask, Context, Effect, Gate, Principal, Resource, Sha256, Verdict};
use bulkhead_ledger::verify::{Source, verify_folder};
use bulkhead_ledger::{Entry, EntryTime, Options, Sequencer, SigningKey, VerifierKey, mirror, sha256};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let folder = words.first().ok_or("usage: bench FOLDER [ENTRIES]")?;
    let entries = words.get(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let folder = Path::new(folder);
    println!("durable appends (300-byte entries), each producer waiting for its answer");
    windows(folder)?;
    if entries == 0 {
        return Ok(());
    }
    whole(&folder.join("whole"), entries)
}

fn entry(number: u64) -> Outcome<Entry> {
    let digest = sha256(&[&number.to_be_bytes()]);
    let ask = Ask {
        gate: Gate::Intake,
        principal: Principal::new("ci"),
        action: Action::Fetch,
        resource: Resource {
            purl: Some(format!("pkg:pypi/demo@1.{number}").parse()?),
            file: Some(format!("demo-1.{number}-py3-none-any.whl")),
            digest: Some(digest),
            ..Resource::default()
        },
        context: Context { client: Some("pip/26.3".to_owned()), ..Context::default() },
    };
    let time = EntryTime::from_unix_millis(1_774_000_000_000 + number)?;
    Ok(Entry::new(&ask, &Verdict::plain(Effect::Allow), time, Sha256::from_bytes([7; 32])))
}

fn open(folder: &Path, gather: Duration) -> Outcome<(Sequencer, VerifierKey)> {
    let (origin, key): (bulkhead_ledger::Origin, _) = ("bench.example/log".parse()?, SigningKey::generate()?);
    let verifier = key.verifier(&origin);
    let options = Options { gather, max_waiting: usize::MAX, ..Options::default() };
    let (sequencer, _) = Sequencer::open(&folder.join("ledger"), &folder.join("head"), origin, key, options)?;
    Ok((sequencer, verifier))
}

/// How long a batch waits for company, against not at all: rounds that take turns, because other work on the machine moves all
/// of them; medians.
fn windows(folder: &Path) -> Outcome<()> {
    const WINDOWS: [u64; 3] = [0, 5, 10];
    let mut alone = 0.0;
    for (producers, count) in [(1, 150), (8, 1_200), (64, 64 * 40), (256, 256 * 40)] {
        let mut rounds: Vec<Vec<Appended>> = WINDOWS.iter().map(|_| Vec::new()).collect();
        for round in 0..5 {
            for (window, into) in WINDOWS.iter().zip(&mut rounds) {
                let folder = folder.join(format!("{producers}-{round}-{window}"));
                into.push(appends(&folder, producers, count, Duration::from_millis(*window))?);
            }
        }
        let median = |rounds: &[Appended], of: fn(&Appended) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        for (window, rounds) in WINDOWS.iter().zip(&rounds) {
            let rate = median(rounds, |one| one.rate);
            if producers == 1 && *window == 0 {
                alone = rate;
            }
            println!(
                "  {producers:>3} waiting, window {window:>2} ms: {rate:>6.0}/s ({:.0}x one), p50 {:.1} ms, p99 {:.1} ms",
                rate / alone,
                median(rounds, |one| one.p50),
                median(rounds, |one| one.p99)
            );
        }
    }
    Ok(())
}

/// What appending came to: entries a second, and how long callers waited, in milliseconds.
struct Appended {
    rate: f64,
    p50: f64,
    p99: f64,
}

/// Appends that way, and how long the slow ones waited.
fn appends(folder: &Path, producers: u64, count: u64, gather: Duration) -> Outcome<Appended> {
    let (sequencer, _) = open(folder, gather)?;
    let waits = Mutex::new(Vec::new());
    let start = Instant::now();
    let faults = std::thread::scope(|scope| {
        let produce = |producer: u64| {
            let mut own = Vec::new();
            for number in 0..count / producers {
                let Ok(entry) = entry(producer * 1_000_000 + number) else { return false };
                let asked = Instant::now();
                if sequencer.append(entry).is_err() {
                    return false;
                }
                own.push(asked.elapsed());
            }
            waits.lock().is_ok_and(|mut waits| {
                waits.extend(own);
                true
            })
        };
        let running: Vec<_> = (0..producers).map(|producer| scope.spawn(move || produce(producer))).collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).filter(|done| !matches!(done, Ok(true))).count()
    });
    let rate = count as f64 / start.elapsed().as_secs_f64();
    if faults > 0 {
        return Err("an append failed".into());
    }
    let mut waits = waits.into_inner().map_err(|_| "a producer panicked")?;
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    Ok(Appended { rate, p50: at(0.5), p99: at(0.99) })
}

/// Fills a log, mirrors it, and verifies the mirror.
fn whole(folder: &Path, entries: u64) -> Outcome<()> {
    let (sequencer, key) = open(folder, Duration::ZERO)?;
    let start = Instant::now();
    for number in 0..entries {
        sequencer.submit(entry(number)?, Box::new(drop));
    }
    sequencer.close()?;
    println!("a log of {entries} entries\n  appended in {:.1} s", start.elapsed().as_secs_f64());
    let log = sequencer.log();
    let start = Instant::now();
    let read = log.entries(0..entries).filter(Result::is_ok).count();
    let seconds = start.elapsed().as_secs_f64();
    println!("  read and decoded {read} entries in {seconds:.1} s");
    let copy = folder.join("mirror");
    mirror::mirror(&log, &copy, &key)?;
    let source = mirror::Mirror::new(&copy);
    let mut bytes = Vec::new();
    for path in mirror::resources(entries) {
        bytes.extend(source.read(&path.to_string())?.ok_or("a resource is missing")?);
    }
    println!("  verifier key: {key}");
    for (what, folder) in [("mirror", &copy), ("a ledger's own folder", &folder.join("ledger"))] {
        against_plain(what, folder, &key, &bytes)?;
    }
    Ok(())
}

/// How fast a folder is verified, by all cores, as a share of the speed at which one core hashes the same bytes: several
/// times one after the other, because other work on the machine moves both.
fn against_plain(what: &str, folder: &Path, key: &VerifierKey, bytes: &[u8]) -> Outcome<()> {
    let mut rounds = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        std::hint::black_box(sha256(&[bytes]));
        let plain = start.elapsed().as_secs_f64();
        let start = Instant::now();
        verify_folder(folder, key)?;
        let verified = start.elapsed().as_secs_f64();
        rounds.push((plain / verified, plain, verified));
    }
    rounds.sort_by(|one, two| one.0.total_cmp(&two.0));
    let (median, plain, verified) = rounds[rounds.len() / 2];
    println!(
        "  {what}: SHA-256 over {:.0} MB in {plain:.2} s, verified in {verified:.2} s: {median:.2} of its speed (median of {}; {:.2} to {:.2})",
        bytes.len() as f64 / 1e6,
        rounds.len(),
        rounds[0].0,
        rounds[rounds.len() - 1].0
    );
    Ok(())
}
