//! How long exposure takes on ten million rows: fills a database (4 M pulls, 3 M runs, 3 M uses, presences, builds, assets)
//! as the projections of a large estate would, asks once cold and ten times warm, and prints the figures.
//!
//! ```text
//! cargo run --release -p bulkhead --example exposure_bench -- FOLDER [millions of pulls, default 4]
//! ```

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use bulkhead::exposure::{Question, Stage, Subject, walk};
use bulkhead::store::{SqliteStore, Store as _};
use rusqlite::Connection;

const FILES: u64 = 20_000;
const HOSTS: u64 = 4_000;
const SECRETS: u64 = 2_000;
const DATASETS: u64 = 1_000;
const PARTNERS: u64 = 50;
/// Files that the release asked about reached through builds.
const TAINTED: u64 = 33;
/// Hosts on which one of them is.
const TAINTED_HOSTS: u64 = 252;
const DAY: u64 = 86_400_000_000;
/// 2026-01-01, in microseconds.
const BEGIN: u64 = 1_767_225_600_000_000;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() -> Outcome<()> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("name a folder with 4 GB of space")?;
    let millions: u64 = words.next().map_or(Ok(4), |word| word.parse())?;
    let path = Path::new(&folder).join("exposure-bench.sqlite");
    if !path.exists() {
        drop(SqliteStore::open(&path)?);
        let began = Instant::now();
        fill(&Connection::open(&path)?, millions)?;
        println!("filled in {:.0} s", began.elapsed().as_secs_f64());
    }
    let rows = counts(&Connection::open(&path)?)?;
    println!("{rows}");
    // A store of its own has empty caches; the system's cache of the file is another thing, and the shell's to drop.
    for (window, days) in [("one day", Some((40, 41))), ("everything", None)] {
        let cold = ask(&path, days, 1)?;
        let mut warm = ask(&path, days, 11)?;
        warm.remove(0);
        warm.sort_by(|one, two| one.0.total_cmp(&two.0));
        let mut worked: Vec<f64> = warm.iter().map(|(_, worked)| *worked).collect();
        worked.sort_by(f64::total_cmp);
        println!(
            "{window:>10}: cold {:.1} ms ({:.1} on a core); warm {:.1} ms median ({:.1} on a core), {:.1} best, {:.1} worst of {}",
            cold[0].0,
            cold[0].1,
            warm[warm.len() / 2].0,
            worked[worked.len() / 2],
            warm[0].0,
            warm[warm.len() - 1].0,
            warm.len()
        );
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn ask(path: &Path, days: Option<(u64, u64)>, times: usize) -> Outcome<Vec<(f64, f64)>> {
    let store = SqliteStore::open(path)?;
    let at = |days: u64| jiff::Timestamp::from_microsecond((BEGIN + days * DAY).cast_signed());
    let question = Question {
        subject: Subject::Release("pkg:pypi/p1@1.0".parse()?),
        from: days.map(|(from, _)| at(from)).transpose()?,
        to: days.map(|(_, to)| at(to)).transpose()?,
        asked: at(90)?,
        aware: at(90)?,
        by: "bench".to_owned(),
    };
    let mut took = Vec::new();
    for turn in 0..times {
        let (began, worked) = (Instant::now(), on_cpu()?);
        let mut answer = None;
        store.look(&mut |graph| {
            answer = Some(walk(graph, &question, "bench")?);
            Ok(())
        })?;
        took.push((began.elapsed().as_secs_f64() * 1_000.0, on_cpu()? - worked));
        let answer = answer.ok_or("no answer")?;
        if turn == 0 && times > 1 {
            let mut line = String::from("answer:");
            for stage in Stage::ALL {
                let count: u64 = answer.totals.get(&stage).map_or(0, |of| of.values().sum());
                write!(line, " {count} {}", stage.word())?;
            }
            println!("{line}, {} gaps", answer.gaps.len());
        }
    }
    Ok(took)
}

/// Milliseconds that this thread was on a core: what other work on the machine does not change much.
fn on_cpu() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e6)
}

fn counts(connection: &Connection) -> Outcome<String> {
    let mut line = String::from("rows:");
    for table in ["thing", "pull", "run", "run_use", "presence", "link"] {
        let count: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        write!(line, " {count} {table}")?;
    }
    Ok(line)
}

/// Numbers that look random and are the same every time: a multiplication and a remainder.
fn fill(connection: &Connection, millions: u64) -> Outcome<()> {
    connection.execute_batch("PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL; PRAGMA cache_size=-400000; BEGIN;")?;
    let numbers =
        |count: u64| format!("WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})");
    let (pulls, runs) = (millions * 1_000_000, millions * 750_000);
    // Numbers of things: files, releases, hosts, principals, secrets, datasets, partners, then runs.
    let (releases, hosts) = (FILES, 2 * FILES);
    let principals = hosts + HOSTS;
    let secrets = principals + HOSTS;
    let datasets = secrets + SECRETS;
    let partners = datasets + DATASETS;
    let first_run = partners + PARTNERS;
    let things = [
        (0, FILES, 1, "unhex(printf('%064x', n))".to_owned()),
        (releases, FILES, 2, "CAST('pkg:pypi/p' || n || '@1.0' AS BLOB)".to_owned()),
        (hosts, HOSTS, 3, "CAST('host-' || n AS BLOB)".to_owned()),
        (principals, HOSTS, 7, "CAST('host-' || n AS BLOB)".to_owned()),
        (secrets, SECRETS, 4, "CAST('secret-' || n AS BLOB)".to_owned()),
        (datasets, DATASETS, 5, "CAST('dataset-' || n AS BLOB)".to_owned()),
        (partners, PARTNERS, 6, "CAST('partner-' || n AS BLOB)".to_owned()),
        (first_run, runs, 9, "CAST(printf('0197f4a2-0000-7000-8000-%012x', n) AS BLOB)".to_owned()),
    ];
    for (offset, count, kind, name) in things {
        let numbers = numbers(count);
        connection.execute_batch(&format!(
            "INSERT INTO thing (id, kind, name) {numbers} SELECT n + {offset}, {kind}, {name} FROM n;"
        ))?;
    }
    let statements = [
        format!("INSERT INTO link {} SELECT n + {releases}, 'of', n, n FROM n;", numbers(FILES)),
        format!("INSERT INTO link {} SELECT n, 'embeds', n + 1, n FROM n;", numbers(TAINTED - 1)),
        format!("INSERT INTO build {} SELECT n + 1, 'image-' || n, {BEGIN}, NULL, {principals} + n, n FROM n;", numbers(TAINTED - 1)),
        format!(
            "INSERT INTO pull {} SELECT 1 + n * 2654435761 % {FILES}, {BEGIN} + n * 2654435761 % (90 * {DAY}), n,
                 {principals} + 1 + n * 40503 % {HOSTS}, NULL FROM n;",
            numbers(pulls)
        ),
        format!(
            "INSERT INTO environment {} SELECT n, {hosts} + n, 'venv', {principals} + n, zeroblob(32), {BEGIN}, {BEGIN} + 90 * {DAY}, n, n FROM n;",
            numbers(HOSTS)
        ),
        format!(
            "INSERT OR IGNORE INTO presence {} SELECT {TAINTED} + 1 + n * 2654435761 % ({FILES} - {TAINTED} - 1), 1 + n % {HOSTS},
                 {BEGIN} + n % 80 * {DAY}, NULL, NULL, n, NULL, n FROM n;",
            numbers(millions * 100_000)
        ),
        format!(
            "INSERT INTO presence {} SELECT 1 + n % {TAINTED}, n, {BEGIN} + 40 * {DAY}, NULL, {BEGIN} + 41 * {DAY}, n, n, n FROM n;",
            numbers(TAINTED_HOSTS)
        ),
        format!(
            "INSERT INTO run {} SELECT n + {first_run}, {hosts} + 1 + n * 40503 % {HOSTS}, {principals} + 1 + n * 40503 % {HOSTS}, NULL,
                 {BEGIN} + n * 2654435761 % (90 * {DAY}), {BEGIN} + n * 2654435761 % (90 * {DAY}) + n % 8 * 3600000000, n, n FROM n;",
            numbers(runs)
        ),
        "INSERT INTO run_longest SELECT host, max(ended - began) FROM run GROUP BY host;".to_owned(),
        format!(
            "INSERT INTO run_use {} SELECT n + {first_run}, CASE n % 2 WHEN 0 THEN {secrets} + 1 + n * 7919 % {SECRETS}
                 ELSE {datasets} + 1 + n * 7919 % {DATASETS} END, {BEGIN} + n * 2654435761 % (90 * {DAY}), n FROM n;",
            numbers(runs)
        ),
        format!("INSERT INTO speaks_for {} SELECT {principals} + n, {hosts} + n, n FROM n;", numbers(HOSTS)),
        format!("INSERT INTO asset {} SELECT {datasets} + n, 5, NULL, n * 13, NULL, '[]', n FROM n;", numbers(DATASETS)),
        format!("INSERT INTO asset {} SELECT {secrets} + n, 4, NULL, NULL, NULL, '[]', n FROM n;", numbers(SECRETS)),
        format!("INSERT INTO relation {} SELECT {secrets} + n, 'opens', {datasets} + 1 + n % {DATASETS}, n FROM n;", numbers(SECRETS)),
        format!("INSERT INTO relation {} SELECT {datasets} + n, 'shared-with', {partners} + 1 + n % {PARTNERS}, n FROM n;", numbers(DATASETS)),
        "INSERT INTO projection VALUES (1, 10000000); COMMIT; ANALYZE; PRAGMA wal_checkpoint(TRUNCATE);".to_owned(),
    ];
    for sql in statements {
        connection.execute_batch(&sql)?;
    }
    Ok(())
}
