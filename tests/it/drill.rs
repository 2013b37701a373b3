//! The acceptance test of the product: the breach, re-enacted, and every step of it refused and recorded.

use std::process::{Command, Output};

fn drill(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bulkhead-under-test"));
    command.args(["--format", "json", "drill"]).args(words).env_clear().env("PATH", "/usr/bin:/bin");
    command.output().expect("the drill starts")
}

fn report(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn every_row_succeeds_bare_and_is_refused_and_recorded_contained() {
    let page = tempfile::NamedTempFile::new().expect("a file");
    let output = drill(&["--html", page.path().to_str().expect("text")]);
    let report = report(&output);
    for row in report["rows"].as_array().expect("rows") {
        assert_eq!(row["control"], true, "void: {row}");
        assert_eq!(row["contained"], "refused", "{row}");
        assert_ne!(row["stopped_by"].as_array().map(Vec::len), Some(0), "no layer stops it alone: {row}");
    }
    alone(&report);
    assert!(report["seconds"].as_u64().is_some_and(|seconds| seconds < 60), "{}", report["seconds"]);
    assert_eq!(report["work_done"], true);
    assert_eq!(report["host_reached"], true);
    assert_eq!(report["key_served"], true);
    assert_eq!(report["run_named"], true);
    assert_eq!(report["tamper_seen"], true);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(shown_in_the_readme(), expected_there(&report), "README.md shows another drill than this one");
    let page = std::fs::read_to_string(page.path()).expect("written");
    assert!(page.contains("<svg") && !page.contains("SUCCEEDED"), "{page}");
}

/// What each layer alone stops: rows, and the layers in the order of the alphabet.
const ALONE: &[(&str, &str)] = &[
    ("wheel", "intake"),
    ("ssh aws kube gcloud azure docker netrc history wallet token", "files landlock tripwires"),
    ("dotenv", "files tripwires"),
    ("environment", "environment"),
    ("environ", "files landlock network processes tripwires"),
    ("metadata host lookalike front tcp tcp-other", "landlock network syscalls"),
    ("echo key", "environment landlock network syscalls"),
    ("dns udp", "network syscalls"),
    ("sysmon unit bashrc", "files landlock"),
    ("pth hook plant", "files"),
    ("bus", "files syscalls"),
    ("io-uring keyctl namespace", "syscalls"),
    ("forks", "limits"),
    ("signal", "landlock processes"),
];

fn alone(report: &serde_json::Value) {
    let mut seen = 0;
    for (rows, layers) in ALONE {
        for id in rows.split(' ') {
            let row = report["rows"].as_array().expect("rows").iter().find(|row| row["id"] == id).expect(id);
            let stopped: Vec<_> =
                row["stopped_by"].as_array().expect("layers").iter().filter_map(|name| name.as_str()).collect();
            assert_eq!(stopped.join(" "), *layers, "{id}");
            seen += 1;
        }
    }
    assert_eq!(report["rows"].as_array().map(Vec::len), Some(seen), "every row is in the table");
}

/// The rows of the README's drill, and what it says that is not stopped; blanks as one.
fn shown_in_the_readme() -> Vec<String> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).expect("README.md");
    let block = readme.split("$ bulkhead drill\n").nth(1).expect("the drill").split("\n## ").next().unwrap_or_default();
    let lines = block.lines().filter_map(|line| line.strip_prefix("    "));
    let lines = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_digit() || first == ' '));
    // How long it took depends on the machine.
    let lines = lines.map(|line| line.split(" (in ").next().unwrap_or_default());
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn expected_there(report: &serde_json::Value) -> Vec<String> {
    let list = |value: &serde_json::Value| -> Vec<String> {
        let all = value.as_array().expect("a list").iter();
        all.map(|text| text.as_str().expect("text").to_owned()).collect()
    };
    let rows = report["rows"].as_array().expect("rows");
    let row = |row: &serde_json::Value| {
        let (step, phase, what) =
            (&row["step"], row["phase"].as_str().expect("text"), row["what"].as_str().expect("text"));
        format!("{step} {phase} {what} succeeds refused, recorded {}", list(&row["stopped_by"]).join(" "))
    };
    let count = format!("{0} of {0} refused and recorded, 0 refused without a record, 0 succeeded", rows.len());
    let not_stopped = list(&report["not_stopped"]).into_iter().map(|line| format!("- {line}"));
    rows.iter().map(row).chain([count]).chain(not_stopped).collect()
}

#[test]
fn without_a_layer_its_rows_succeed_and_the_drill_fails() {
    // What several layers stop is open when all of them are gone.
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("syscalls", &[("io-uring", "succeeded")]),
        ("environment", &[("environment", "succeeded")]),
        ("files", &[("pth", "succeeded"), ("plant", "succeeded")]),
        ("limits", &[("forks", "succeeded")]),
        ("broker", &[("echo", "succeeded"), ("front", "succeeded"), ("host", "refused")]),
        ("network syscalls landlock", &[("dns", "succeeded"), ("tcp", "succeeded")]),
        ("network", &[("tcp", "refused"), ("dns", "refused")]),
        ("egress", &[("tcp", "refused"), ("host", "unrecorded")]),
        // The witness of one layer stands for no other's row.
        ("processes", &[("keyctl", "refused"), ("environ", "unrecorded")]),
        ("landlock processes", &[("signal", "succeeded")]),
    ];
    for (layers, wanted) in cases {
        let words: Vec<&str> = layers.split(' ').flat_map(|layer| ["--without", layer]).collect();
        let output = drill(&[&["--quick"], &words[..]].concat());
        let report = report(&output);
        let rows = report["rows"].as_array().expect("rows");
        for (row, came) in *wanted {
            let found = rows.iter().find(|found| found["id"] == *row).expect("a row");
            assert_eq!(found["contained"], *came, "without {layers}: {found}");
        }
        assert_eq!((output.status.code(), &report["good"]), (Some(1), &false.into()), "without {layers}");
        if *layers == "egress" {
            // Nothing is let out, the host that policy names included, and the drill says so.
            assert_eq!((&report["host_reached"], &report["key_served"]), (&false.into(), &false.into()));
        }
    }
}

/// Root drops to nobody before it runs anything; here nobody in particular starts it. Where the tests run as root, that
/// person is made, with the device that distributions open to everybody (in a mount namespace of the test's own).
#[test]
fn an_ordinary_user_passes_too() {
    passes(0o666, &["drill", "--quick"]);
}

/// Where the device is open to root alone, as in many containers, decoys stand in for the tripwires.
#[test]
fn an_ordinary_user_without_fuse_passes_with_decoys() {
    passes(0o600, &["drill", "--quick", "--accept-degraded=fuse"]);
}

fn passes(device: u32, words: &[&str]) {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("bulkhead");
    std::fs::copy(env!("CARGO_BIN_EXE_bulkhead-under-test"), &program).expect("copied");
    let home = folder.path().join("home");
    std::fs::create_dir(&home).expect("made");
    let root = std::fs::metadata("/proc/self").expect("proc").uid() == 0;
    let script = r#"
        set -e
        mount --make-rprivate /
        mount -t tmpfs -o dev tmpfs "$0/device"
        mknod -m "$1" "$0/device/fuse" c 10 229; shift
        mount --bind "$0/device/fuse" /dev/fuse
        chown -R 1234:1234 "$0/home" "$0"
        exec setpriv --reuid 1234 --regid 1234 --clear-groups "$0/bulkhead" --format json "$@"
    "#;
    let mut command = if root {
        std::fs::create_dir(folder.path().join("device")).expect("made");
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(folder.path()).arg(format!("{device:o}")).args(words);
        command
    } else {
        let mut command = Command::new(&program);
        command.args(["--format", "json"]).args(words);
        command
    };
    let output = command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", &home).output();
    let output = output.expect("the drill starts");
    let report = report(&output);
    let rows = report["rows"].as_array().expect("rows");
    assert!(rows.len() > 20, "{report}");
    for row in rows {
        assert_eq!((&row["control"], &row["contained"]), (&true.into(), &"refused".into()), "{row}");
    }
    assert_eq!(output.status.code(), Some(0));
}
