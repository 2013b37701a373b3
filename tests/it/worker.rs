//! The real worker under the real server.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Bulkhead, Place, Registry, Wheel, bulkhead::DEFAULT_POLICY};

/// Processes that the server started and that have used the CPU for so many hundredths of a second: a worker that reads.
fn busy_workers(server: u32, ticks: u64) -> Vec<u32> {
    let mut busy = Vec::new();
    for entry in fs::read_dir("/proc").expect("proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // What stands in brackets may hold anything.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
        let own = number(1) == u64::from(server) && !matches!(fields.first(), Some(&"Z" | &"X"));
        if own && number(11) + number(12) >= ticks {
            busy.push(pid);
        }
    }
    busy
}

/// Python that takes long to read, in a file that is small.
fn slow_to_read() -> Wheel {
    let code: String = (0..60_000).map(|at| format!("VALUE_{at} = (1 + 2) * 3 if True else [4, 5]\n")).collect();
    Wheel::new("slow", "1.0").file("slow/a.py", &code).file("slow/b.py", &code).file("slow/c.py", code)
}

#[test]
fn a_worker_that_is_killed_is_a_finding_and_the_server_lives() {
    let registry = Registry::start();
    let slow = registry.publish(slow_to_read());
    let other = registry.publish(Wheel::new("other", "1.0"));
    let bulkhead = Bulkhead::before(&registry);
    let refused = std::thread::scope(|scope| {
        let fetching = scope.spawn(|| bulkhead.fetch(&slow));
        let deadline = Instant::now() + Duration::from_secs(120);
        // One that had waited may be blamed for nothing, so that the file is read again by a new one: that is killed, too.
        while !fetching.is_finished() && Instant::now() < deadline {
            for pid in busy_workers(bulkhead.pid(), 5) {
                let _gone_already = Command::new("kill").args(["-KILL", &pid.to_string()]).output();
            }
            std::thread::yield_now();
        }
        fetching.join().expect("no panic")
    });
    assert_eq!((refused.status, refused.code().as_str()), (403, "intake-reading-unfinished"), "{}", refused.text());
    let explained = bulkhead.run(&["explain", "pkg:pypi/slow@1.0"]).all();
    assert!(explained.contains("killed from outside"), "{explained}");
    assert_eq!(bulkhead.fetch(&other).status, 200, "the next archive is judged");
    let entry = bulkhead.entries().into_iter().find(|entry| entry["resource"]["file"] == slow.filename());
    assert_eq!(entry.expect("an entry")["effect"], "hold");
}

#[test]
fn a_rule_may_name_what_the_code_can_do() {
    const NO_PROGRAMS: &str = "
[[rule]]
id = \"no-programs\"
gate = \"intake\"
when = 'content.behaviours != null && content.behaviours.exists(b, b == \"import:spawn\")'
effect = \"deny\"
reason = \"{package.purl} starts programs when it is imported\"
help = \"use another\"
";
    let registry = Registry::start();
    let release =
        |name: &str, code: &str| registry.publish(Wheel::new(name, "1.0").file(&format!("{name}/go.py"), code));
    let starts = release("starts", "import subprocess\nsubprocess.run(['uname'])\n");
    let offers = release("offers", "import subprocess\ndef go():\n    subprocess.run(['uname'])\n");
    let bulkhead = Place::before(&registry).policy(&format!("{DEFAULT_POLICY}{NO_PROGRAMS}")).start();
    let refused = bulkhead.fetch(&starts);
    assert_eq!((refused.status, refused.code().as_str()), (403, "intake-no-programs"), "{}", refused.text());
    assert_eq!(bulkhead.fetch(&offers).status, 200);
    let explained = bulkhead.run(&["explain", "pkg:pypi/offers@1.0", "--format", "json"]).json();
    let behaviours = &explained["files"][0]["facts"]["attributes"]["content.behaviours"];
    assert!(behaviours.as_array().is_some_and(|all| all.contains(&"call:spawn".into())), "{behaviours}");
}
