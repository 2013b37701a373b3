//! The gate's end against scripted workers: a shell that says hello and then does what a broken or captured worker might.
//! The real worker is driven through the real program by the integration tests.

use std::fs::File;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use bulkhead_core::Code;
use bulkhead_detect::{ArchiveKind, Limits, Report};

use super::wire::{Answer, Header, Hello};
use super::{Pool, PoolOptions};

/// Reads one whole job: the shell's own `read` would wait for a newline.
const TAKE: &str = "dd bs=65536 count=1 of=/dev/null 2>/dev/null";

/// The shell command that writes one frame to the gate.
fn frame(body: &str) -> String {
    let length: String = (body.len() as u32).to_le_bytes().iter().map(|byte| format!("\\{byte:03o}")).collect();
    format!("printf '{length}' >&0; printf '%s' '{body}' >&0\n")
}

fn hello() -> String {
    let hello = Hello::Contained { in_force: vec!["a script".to_owned()], missing: vec!["everything".to_owned()] };
    frame(&serde_json::to_string(&hello).expect("plain"))
}

/// A good report, as told apart from one that the gate makes itself: `readable`.
fn report() -> Report {
    bulkhead_detect::inspect(&[].as_slice(), "demo-1.0-py3-none-any.whl", &Limits::default())
}

fn answer(id: u64) -> String {
    let report = Report { readable: true, member_count: 77, ..report() };
    frame(&serde_json::to_string(&Answer { id, report }).expect("plain"))
}

fn options(script: &str) -> PoolOptions {
    PoolOptions {
        exe: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        size: NonZeroUsize::MIN,
        job_timeout: Duration::from_secs(20),
        ..PoolOptions::default()
    }
}

async fn pool(script: &str) -> Pool {
    Pool::start(options(&(hello() + script))).await.expect("the script says hello")
}

fn archive() -> File {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(b"PK").expect("written");
    File::open(file.path()).expect("opens")
}

async fn inspect(pool: &Pool) -> Report {
    pool.inspect(archive(), "demo-1.0-py3-none-any.whl").await.expect("never fails while workers start")
}

/// The sentence of the finding that the gate makes itself.
async fn unreadable_because(pool: &Pool) -> String {
    let report = inspect(pool).await;
    assert!(!report.readable, "{report:?}");
    report.findings.iter().map(|finding| format!("{}: {}", finding.detector, finding.title)).collect()
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn a_report_comes_back_and_what_contains_the_worker_is_known() {
    let pool = pool(&format!("{TAKE}; {}", answer(0))).await;
    assert_eq!(inspect(&pool).await.member_count, 77);
    assert_eq!(pool.enforced().to_string(), "a script; missing: everything");
}

#[tokio::test]
async fn a_worker_that_ends_leaves_an_unreadable_archive_and_a_pool_that_works() {
    for (script, words) in [
        ("exit 3", "ended by itself (exit status: 3)"),
        ("echo 'broken: \x1b[31m' >&2; exit 1", "saying \"broken: \\u{1b}[31m\""),
        ("kill -SYS $$", "a system call that no reader of archives needs"),
        ("kill -SEGV $$", "SIGSEGV"),
        ("kill -KILL $$", "killed from outside or used up its CPU time"),
        ("echo 'memory allocation of 8 bytes failed' >&2; kill -ABRT $$", "more than its 184 MiB"),
        // Announces ten bytes and sends three.
        (r"printf '\012\000\000\000abc' >&0", "ended by itself (exit status: 0)"),
    ] {
        let pool = pool(&format!("{TAKE}; {script}")).await;
        for _again in 0..2 {
            let why = unreadable_because(&pool).await;
            assert!(why.contains(words), "{script}: {why}");
            // Honest code can be too much for a worker; nothing honest makes it crash.
            let too_much = words.contains("CPU time") || words.contains("MiB");
            let detector = if too_much { "reading-unfinished: " } else { "unreadable-archive: " };
            assert!(why.starts_with(detector), "{script}: {why}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_nonsense_leaves_an_unreadable_archive() {
    let other_kind = Report { kind: ArchiveKind::of("demo-1.0.tar.gz"), ..report() };
    let other_kind = frame(&serde_json::to_string(&Answer { id: 0, report: other_kind }).expect("plain"));
    for (script, words) in [
        (r"printf '\000\000\000\000' >&0".to_owned(), "an answer of 0 bytes"),
        (r"printf '\377\377\377\377' >&0".to_owned(), "an answer of 4294967295 bytes, where at most"),
        (frame("not json"), "is not a report"),
        (answer(1), "is for another job"),
        (other_kind, "is for another kind of file"),
    ] {
        // It would hang afterwards: the gate must end it.
        let pool = pool(&format!("{TAKE}\n{script}\nread -r never")).await;
        let why = unreadable_because(&pool).await;
        assert!(why.contains(words), "{why}");
    }
}

#[tokio::test]
async fn a_worker_that_hangs_is_ended_after_its_time() {
    let mut options = options(&(hello() + "read -r never"));
    options.job_timeout = Duration::from_millis(50);
    let pool = Pool::start(options).await.expect("hello");
    assert!(
        unreadable_because(&pool).await.contains(
            "reading-unfinished: the archive could not be read to its end: the worker was not done after 0 s"
        )
    );
    assert!(
        unreadable_because(&pool).await.contains(
            "reading-unfinished: the archive could not be read to its end: the worker was not done after 0 s"
        )
    );
}

#[tokio::test]
async fn an_archive_is_not_blamed_for_what_came_before_it() {
    // Well at first, then broken: each time a fresh worker reads the archive that the worn one died of.
    for broken in ["exit 1", &format!("{TAKE}; exit 1"), &format!("{TAKE}; {}", frame("nonsense"))] {
        let pool = pool(&format!("{TAKE}\n{}{broken}", answer(0))).await;
        for _again in 0..3 {
            assert_eq!(inspect(&pool).await.member_count, 77, "{broken}");
        }
    }
}

#[tokio::test]
async fn workers_are_reused_replaced_after_their_jobs_and_never_more_than_the_pool_holds() {
    let directory = tempfile::tempdir().expect("a directory");
    let started = directory.path().join("started");
    let endless: String = (0..9).map(|id| format!("{TAKE}\n{}", answer(id))).collect();
    let mut options = options(&format!("echo x >> '{}'\n{}{endless}", started.display(), hello()));
    options.jobs_per_worker = 3;
    let pool = Pool::start(options).await.expect("hello");
    assert_eq!(lines(&started), 1);
    // All at once, one seat: they wait for each other instead of starting more workers.
    let all = (
        inspect(&pool),
        inspect(&pool),
        inspect(&pool),
        inspect(&pool),
        inspect(&pool),
        inspect(&pool),
        inspect(&pool),
    );
    let all = tokio::join!(all.0, all.1, all.2, all.3, all.4, all.5, all.6);
    assert_eq!([all.0, all.1, all.2, all.3, all.4, all.5, all.6].map(|report| report.member_count), [77; 7]);
    // The third was ordered when the second took its last job, and did one.
    assert_eq!(lines(&started), 3);
}

#[tokio::test]
async fn the_next_worker_is_started_before_it_is_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let started = directory.path().join("started");
    let mut options = options(&format!("echo x >> '{}'\n{}{TAKE}\n{}", started.display(), hello(), answer(0)));
    options.jobs_per_worker = 1;
    let pool = Pool::start(options).await.expect("hello");
    for already in 1..4 {
        let waiting = async {
            while lines(&started) < already {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("a worker waits");
        assert_eq!(inspect(&pool).await.member_count, 77);
    }
}

#[tokio::test]
async fn a_worker_is_ended_when_nobody_waits_for_its_report() {
    let directory = tempfile::tempdir().expect("a directory");
    let second = directory.path().join("second");
    let second = second.display();
    let script = format!("{TAKE}\nif [ -e '{second}' ]; then\n{}fi\n: > '{second}'\nread -r never", answer(0));
    let mut options = options(&(hello() + &script));
    options.job_timeout = Duration::from_secs(600);
    let pool = Pool::start(options).await.expect("hello");
    // The client goes away once the worker has the job.
    let gone = async {
        while !directory.path().join("second").exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        report = inspect(&pool) => panic!("{report:?}"),
        () = gone => {}
    }
    assert_eq!(inspect(&pool).await.member_count, 77);
}

#[tokio::test]
async fn without_containment_there_is_no_pool() {
    let refused = frame(&serde_json::to_string(&Hello::Refused { why: "no filters here".to_owned() }).expect("plain"));
    let mut slow = options("read -r never");
    slow.start_timeout = Duration::from_millis(50);
    let mut nowhere = options("");
    nowhere.exe = "/nonexistent/bulkhead".into();
    for (options, words) in [
        (options(&refused), "no filters here"),
        (options("exit 4"), "exit status: 4"),
        (options(&frame("hi")), "its first word is not understood"),
        (slow, "not ready after 0 s"),
        (nowhere, "could not start /nonexistent/bulkhead"),
    ] {
        let problem = Pool::start(options).await.expect_err("no worker");
        assert_eq!(problem.code, Code::WorkerUnavailable);
        assert!(problem.detail.contains(words), "{problem}");
        assert!(!problem.help.is_empty());
    }
}

#[tokio::test]
async fn a_file_open_for_writing_is_a_mistake_of_ours() {
    let pool = pool(&format!("{TAKE}; {}", answer(0))).await;
    let writable = tempfile::tempfile().expect("a file");
    let problem = pool.inspect(writable, "demo-1.0-py3-none-any.whl").await.expect_err("refused");
    assert_eq!(problem.code, Code::Bug);
}

#[test]
fn time_grows_with_the_file_and_stays_below_the_cpu_limit() {
    let options = PoolOptions::default();
    assert_eq!(options.time_for(0), Duration::from_secs(120));
    assert_eq!(options.time_for(100_000_000), Duration::from_secs(130));
    assert_eq!(options.time_for(u64::MAX), Duration::from_secs(1800));
}

#[test]
fn a_worker_stays_below_200_mb_whatever_it_reads() {
    // The kernel holds it to this (`contained.rs` shows that); what is mapped and not written is shared with the server.
    assert!(bulkhead_contain::WorkerProfile::default().memory <= 200_000_000);
}

#[test]
fn the_longest_file_name_of_any_system_fits_a_header() {
    let header = Header {
        id: u64::MAX,
        kind: ArchiveKind::SdistTarGz,
        file_name: "\u{1}".repeat(255),
        limits: Limits::default(),
        arriving: Some(u64::MAX),
    };
    assert!(serde_json::to_vec(&header).expect("plain").len() < bulkhead_contain::PassError::MAX_HEADER);
}

/// The script reads the job and then one word after the other, and notes how many there were.
fn listening(words: &Path, last: u64) -> String {
    let last = last.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let words = words.display();
    format!(
        "{TAKE}; while :; do w=$(dd bs=8 count=1 2>/dev/null | od -An -tx1 | tr -d ' \\n'); \
         [ -n \"$w\" ] || exit 1; echo $w >> {words}; [ $w = {last} ] && break; done; "
    )
}

#[tokio::test]
async fn a_worker_hears_how_much_of_a_file_is_there_until_all_of_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = folder.path().join("words");
    let pool = pool(&(listening(&words, 2) + &answer(0))).await;
    let (tell, there) = tokio::sync::watch::channel(0);
    let reading = pool.inspect_arriving(archive(), "demo-1.0-py3-none-any.whl", 2, there);
    let (report, ()) = tokio::join!(reading, async {
        tell.send_replace(1);
        while lines(&words) < 1 {
            tokio::task::yield_now().await;
        }
        tell.send_replace(2);
    });
    let report = report.expect("a report");
    assert_eq!((report.member_count, lines(&words)), (77, 2));
}

#[tokio::test]
async fn a_file_that_stops_coming_or_kills_its_worker_is_left_to_be_read_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = folder.path().join("words");
    let stops = pool(&(listening(&words, 2) + &answer(0))).await;
    let (tell, there) = tokio::sync::watch::channel(1);
    let reading = stops.inspect_arriving(archive(), "demo-1.0-py3-none-any.whl", 2, there);
    let (report, ()) = tokio::join!(reading, async {
        while lines(&words) < 1 {
            tokio::task::yield_now().await;
        }
        drop(tell);
    });
    assert!(report.is_none());
    for script in [format!("{TAKE}; exit 3"), TAKE.to_owned() + &frame("not json")] {
        let pool = pool(&script).await;
        let (_tell, there) = tokio::sync::watch::channel(2);
        assert!(pool.inspect_arriving(archive(), "demo-1.0-py3-none-any.whl", 2, there).await.is_none(), "{script}");
        assert!(!inspect(&pool).await.readable, "the pool still answers");
    }
}

/// However slow an upstream is, its file keeps no place of those that are whole.
#[tokio::test]
async fn files_that_arrive_wait_beside_the_seats() {
    let folder = tempfile::tempdir().expect("a folder");
    let once = folder.path().join("once");
    // The first worker waits for words that do not come; every other answers at once.
    let script = format!("{TAKE}; if mkdir {} 2>/dev/null; then dd bs=8 count=1 >/dev/null 2>&1; fi; ", once.display());
    let pool = pool(&(script + &answer(0))).await;
    let (tell, there) = tokio::sync::watch::channel(0);
    let slow = pool.inspect_arriving(archive(), "demo-1.0-py3-none-any.whl", 2, there);
    let (slow, ()) = tokio::join!(slow, async {
        while !once.is_dir() {
            tokio::task::yield_now().await;
        }
        assert_eq!(inspect(&pool).await.member_count, 77);
        let (_tell, there) = tokio::sync::watch::channel(2);
        let second = pool.inspect_arriving(archive(), "demo-1.0-py3-none-any.whl", 2, there).await;
        assert!(second.is_none(), "one place for files that arrive, where there is one seat");
        tell.send_replace(2);
    });
    assert_eq!(slow.expect("a report").member_count, 77);
}
