//! Pairs of releases: a good one, and the next.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::{Delta, compare};
use crate::archive::Archive;
use crate::behaviour::{Ability, Behaviour, Effect, Sources};
use crate::code::{Code, Hook};
use crate::filename::FileName;
use crate::lang::{Fidelity, Import, Language, Literals, Shape, Unit, View};
use crate::likeness::Likeness;
use crate::profile::{self, BlobKind, Dependency, Profile};
use crate::report::ArchiveKind;

/// A release under construction: what an adapter would have seen of a wheel.
#[derive(Clone)]
struct Release(Archive);

const MODULE: &str = "demo/client.py";

/// A large honest client: its top level and 300 functions, one of which reaches the network when called.
fn clean() -> Release {
    let mut release = Release(Archive {
        kind: ArchiveKind::Wheel,
        file_name: Some(FileName { name: "demo".to_owned(), version: "1.0.0".to_owned() }),
        entries: Vec::new(),
        readable: true,
        code: Code::default(),
        likeness: Likeness::default(),
    });
    release.file(MODULE, 300);
    release.file("demo/__init__.py", 3);
    release.act(MODULE, FindingContext::Import, Ability::ReadVariable, Sources::NONE);
    release.act(MODULE, FindingContext::Call, Ability::Network, Sources::NONE);
    release.host(MODULE, "api.demo.test");
    release
}

impl Release {
    /// A file with a top level that runs at import and functions that run when called.
    fn file(&mut self, path: &str, functions: u32) {
        let unit = |at: u32| Unit {
            name: if at == 0 { String::new() } else { format!("f{at}") },
            line: at * 10 + 1,
            digest: u64::from(at) + 1,
            ..Unit::default()
        };
        let code = &mut self.0.code;
        code.views.push(View {
            path: path.to_owned(),
            language: Language::Python,
            fidelity: Fidelity::Parsed,
            imports: Vec::new(),
            units: (0..=functions).map(unit).collect(),
            literals: Literals::default(),
            shape: Shape::default(),
        });
        let mut reached = vec![None; functions as usize + 1];
        reached[0] = Some(FindingContext::Import);
        code.reached.push(reached);
    }

    /// Something that the file does: the digest of the unit changes with it, as it would.
    fn act(&mut self, path: &str, context: FindingContext, ability: Ability, from: Sources) {
        let excerpt = format!("{ability}(...)");
        let effect = Effect { ability, from, line: 1500, detail: None, excerpt };
        let unit = if context == FindingContext::Call { 150 } else { 0 };
        self.view(path).units[unit].digest += 1000;
        self.0.code.behaviours.push(Behaviour { path: path.to_owned(), unit: String::new(), context, effect });
    }

    fn host(&mut self, path: &str, name: &str) {
        self.view(path).literals.hosts.push((name.to_owned(), 12));
    }

    fn hook(&mut self, kind: &str, context: FindingContext) {
        let path = "package.json".to_owned();
        self.0.code.hooks.push(Hook { kind: kind.to_owned(), context, path, line: 3, runs: "node x.js".to_owned() });
    }

    fn view(&mut self, path: &str) -> &mut View {
        self.0.code.views.iter_mut().find(|view| view.path == path).expect("a file of the release")
    }

    fn profile(&self) -> Profile {
        profile::of(&self.0)
    }
}

fn next(change: impl FnOnce(&mut Release)) -> Delta {
    next_is("1.0.1", change)
}

fn next_is(version: &str, change: impl FnOnce(&mut Release)) -> Delta {
    let before = clean();
    let mut after = before.clone();
    change(&mut after);
    compare(&before.profile(), &after.profile(), "1.0.0", version)
}

fn ids(delta: &Delta) -> Vec<(&str, Severity)> {
    delta.findings.iter().map(|finding| (finding.detector.as_str(), finding.severity)).collect()
}

/// What the shipped policy denies for.
fn denied(delta: &Delta) -> bool {
    delta.findings.iter().any(|finding| {
        finding.severity >= Severity::High
            && finding.confidence == Confidence::High
            && finding.detector == "delta-unasked-chain"
    })
}

fn inject(release: &mut Release, context: FindingContext) {
    release.act(MODULE, context, Ability::Decode, Sources::LITERAL);
    release.act(MODULE, context, Ability::Execute, Sources::DECODED.with(Sources::LITERAL));
}

#[test]
fn the_same_release_again_is_no_news() {
    let delta = next(|_| {});
    assert_eq!((delta.findings.as_slice(), delta.new.as_slice(), delta.score), (&[][..], &[][..], 0));
    assert_eq!((delta.files.same, delta.files.changed, delta.patch), (2, 0, true));
}

#[test]
fn an_injected_import_time_change_in_a_large_module_is_refused() {
    let delta = next(|release| inject(release, FindingContext::Import));
    assert!(denied(&delta), "{delta:#?}");
    let chain = &delta.findings[0];
    assert_eq!(
        (chain.detector.as_str(), chain.severity, chain.context),
        ("delta-unasked-chain", Severity::Critical, FindingContext::Import)
    );
    let place = chain.location.as_ref().expect("a place");
    assert_eq!((place.path.as_str(), place.line, chain.excerpt.as_deref()), (MODULE, Some(1500), Some("execute(...)")));
    assert!(ids(&delta).contains(&("delta-import-hunk", Severity::Medium)), "{delta:#?}");
    assert!(ids(&delta).contains(&("delta-unasked-ability", Severity::Medium)));
    assert!(ids(&delta).contains(&("delta-patch-growth", Severity::Medium)));
    assert!(delta.new.contains(&"import:execute".to_owned()) && delta.new.contains(&"chain:decode-execute".to_owned()));
}

#[test]
fn the_same_when_called_raises_the_score_and_refuses_nothing() {
    let delta = next(|release| inject(release, FindingContext::Call));
    assert!(!denied(&delta) && delta.score > 0, "{delta:#?}");
    assert_eq!(ids(&delta), [("delta-called-ability", Severity::Low), ("delta-called-ability", Severity::Low)]);
    assert!(delta.new.contains(&"call:execute".to_owned()));
    let worse = next(|release| inject(release, FindingContext::Import));
    assert!(worse.score > delta.score);
}

#[test]
fn one_place_more_of_what_is_rare_raises_the_score() {
    let mut before = clean();
    inject(&mut before, FindingContext::Call);
    let mut after = before.clone();
    inject(&mut after, FindingContext::Call);
    let delta = compare(&before.profile(), &after.profile(), "1.0.0", "1.0.1");
    assert_eq!(ids(&delta), [("delta-called-ability", Severity::Low)]);
    assert_eq!(delta.new, ["more:execute"]);
    assert!(delta.score > 0 && !denied(&delta));
}

#[test]
fn an_act_that_moves_from_call_to_import_is_news() {
    let delta = next(|release| release.act(MODULE, FindingContext::Import, Ability::Network, Sources::ENVIRONMENT));
    assert!(ids(&delta).contains(&("delta-unasked-ability", Severity::Medium)), "{delta:#?}");
}

#[test]
fn a_larger_release_with_other_changes_is_not_refused_for_the_same() {
    let change = |release: &mut Release| {
        inject(release, FindingContext::Import);
        release.view(MODULE).units[7].digest = 77;
    };
    let delta = next_is("2.0.0", change);
    assert!(!denied(&delta), "{delta:#?}");
    assert!(ids(&delta).contains(&("delta-unasked-chain", Severity::Medium)));
    assert!(ids(&delta).iter().all(|(id, _)| *id != "delta-import-hunk"));
    // With nothing else changed in that file, the version does not excuse it.
    assert!(denied(&next_is("2.0.0", |release| inject(release, FindingContext::Import))));
}

#[test]
fn what_the_project_did_all_along_is_no_news_in_another_file() {
    let mut before = clean();
    inject(&mut before, FindingContext::Import);
    let mut after = before.clone();
    after.file("demo/more.py", 2);
    after.act("demo/more.py", FindingContext::Import, Ability::Execute, Sources::DECODED);
    let delta = compare(&before.profile(), &after.profile(), "1.0.0", "1.0.1");
    assert!(ids(&delta).iter().all(|(id, _)| *id != "delta-unasked-chain"), "{delta:#?}");
}

#[test]
fn fetch_and_start_in_a_new_file_of_a_patch_release_is_refused() {
    let delta = next(|release| {
        release.file("demo/_runtime.py", 2);
        release.act("demo/_runtime.py", FindingContext::Import, Ability::Download, Sources::NONE);
        release.act("demo/_runtime.py", FindingContext::Import, Ability::Spawn, Sources::WRITTEN);
    });
    assert!(denied(&delta), "{delta:#?}");
}

#[test]
fn secrets_that_are_read_and_sent_are_refused() {
    let delta = next(|release| {
        release.act(MODULE, FindingContext::Import, Ability::ReadEnvironment, Sources::NONE);
        release.act(MODULE, FindingContext::Import, Ability::Network, Sources::ENVIRONMENT);
    });
    assert!(denied(&delta), "{delta:#?}");
}

#[test]
fn new_hooks_are_told_by_when_they_run() {
    let delta = next(|release| release.hook("npm:postinstall", FindingContext::Install));
    assert_eq!(ids(&delta), [("delta-install-hook", Severity::High)]);
    assert_eq!(delta.findings[0].excerpt.as_deref(), Some("node x.js"));
    assert_eq!(delta.new, ["hook:npm:postinstall"]);
    let delta = next(|release| release.hook("build.rs", FindingContext::Install));
    assert_eq!(ids(&delta), [("delta-install-hook", Severity::Medium)]);
    let delta = next(|release| release.hook("pth", FindingContext::Startup));
    assert_eq!(ids(&delta), [("delta-startup-hook", Severity::High)]);
    let delta = next(|release| release.hook("entry-point:console", FindingContext::Call));
    assert!(delta.findings.is_empty(), "{delta:#?}");
}

#[test]
fn a_new_host_counts_by_what_names_it() {
    let delta = next(|release| release.host(MODULE, "collect.demo.test"));
    assert_eq!(ids(&delta), [("delta-host", Severity::Low)]);
    assert!(delta.findings[0].title.contains("collect.demo.test"));
    let delta = next(|release| release.host(MODULE, "192.0.2.7"));
    assert_eq!(ids(&delta), [("delta-host", Severity::Medium)]);
    let delta = next(|release| release.host(MODULE, "docs.example.com"));
    assert!(delta.findings.is_empty());
}

#[test]
fn a_place_that_a_call_names_without_a_scheme_is_news() {
    let delta = next(|release| {
        release.act(MODULE, FindingContext::Call, Ability::Network, Sources::NONE);
        let last = release.0.code.behaviours.last_mut().expect("just added");
        last.effect.detail = Some("c2.test:443".to_owned());
    });
    assert_eq!(ids(&delta), [("delta-host", Severity::Low)]);
    assert_eq!(delta.new, ["host:c2.test"]);
}

/// postmark-mcp 1.0.16: one line more, which sends everybody's mail to a stranger too.
#[test]
fn a_new_address_counts_by_whether_it_gets_blind_copies() {
    let with =
        |name: &str, blind| next(|release| release.view(MODULE).literals.mails.push((name.to_owned(), 7, blind)));
    assert_eq!(ids(&with("jo@people.test", false)), [("delta-mail", Severity::Low)]);
    let blind = with("drop@box.test", true);
    assert_eq!(ids(&blind), [("delta-mail", Severity::High)]);
    assert_eq!(
        (blind.new.as_slice(), blind.findings[0].context),
        (&["mail:drop@box.test".to_owned()][..], FindingContext::Call)
    );
    assert_eq!(ids(&with("archive@demo.test", true)), [("delta-mail", Severity::Low)], "the publisher's own domain");
    assert_eq!(ids(&with("jo@example.com", true)), []);
    let mut before = clean();
    before.view(MODULE).literals.mails.push(("drop@box.test".to_owned(), 7, false));
    let mut after = before.clone();
    after.view(MODULE).literals.mails[0].2 = true;
    let delta = compare(&before.profile(), &after.profile(), "1.0.0", "1.0.1");
    assert_eq!(ids(&delta), [("delta-mail", Severity::Low)], "its domain was there before");
    assert_eq!(compare(&after.profile(), &after.profile(), "1.0.0", "1.0.1").new, [""; 0]);
}

#[test]
fn imports_of_the_language_itself_explain_no_dependency() {
    let imported = |module: &str| {
        let before = clean();
        let mut release = before.clone();
        for module in ["json", module] {
            release.view(MODULE).imports.push(Import { module: module.to_owned(), line: 1, unit: 0 });
        }
        let mut after = release.profile();
        let wants = ">=4".to_owned();
        after.dependencies.push(Dependency { name: "plain-crypto".to_owned(), wants, url: false, optional: false });
        let delta = compare(&before.profile(), &after, "1.14.0", "1.14.1");
        assert_eq!(delta.dependencies.len(), 1);
        delta.dependencies[0].imported
    };
    assert!(!imported("os") && !imported("node:crypto"));
    assert!(imported("plain_crypto") && imported("another_name"));
}

#[test]
fn a_new_dependency_counts_by_whether_anything_imports_it() {
    let with = |url: bool, imported: bool| {
        let mut before = clean();
        before.view(MODULE).imports.push(Import { module: "json".to_owned(), line: 1, unit: 0 });
        let mut release = before.clone();
        if imported {
            release.view(MODULE).imports.push(Import { module: "plain_crypto".to_owned(), line: 1, unit: 0 });
        }
        let mut after = release.profile();
        after.dependencies.push(Dependency {
            name: "plain-crypto".to_owned(),
            wants: ">=4".to_owned(),
            url,
            optional: false,
        });
        compare(&before.profile(), &after, "1.14.0", "1.14.1")
    };
    assert_eq!(ids(&with(false, true)), [("delta-dependency", Severity::Low)]);
    assert_eq!(ids(&with(false, false)), [("delta-dependency", Severity::Medium)]);
    assert_eq!(ids(&with(true, true)), [("delta-dependency", Severity::High)]);
}

#[test]
fn new_blobs_count_by_what_they_are_and_renamed_builds_are_old() {
    let blob = |path: &str, kind| profile::Blob { path: path.to_owned(), size: 2_000_000, kind, sha256: None };
    let mut before = clean().profile();
    before.blobs.push(blob("demo/_core.cpython-311-x86_64-linux-gnu.so", BlobKind::Native));
    let severities = |kind, path: &str| {
        let mut after = before.clone();
        after.blobs = vec![blob(path, kind)];
        ids(&compare(&before, &after, "1.0", "1.1"))
            .iter()
            .map(|(id, severity)| format!("{id} {}", severity.as_str()))
            .collect::<Vec<_>>()
    };
    assert!(super::Change::ALL.iter().any(|change| change.meta().id == "delta-blob"));
    assert_eq!(severities(BlobKind::Native, "demo/_core.cpython-312-aarch64-linux-gnu.so"), [""; 0]);
    assert_eq!(severities(BlobKind::Native, "demo/_other.abi3.so"), ["delta-blob info"]);
    assert_eq!(severities(BlobKind::Disguised, "demo/logo.png"), ["delta-blob high"]);
    assert_eq!(severities(BlobKind::Foreign, "demo/_runtime/router.js"), ["delta-blob medium"]);
    assert_eq!(severities(BlobKind::Opaque, "demo/data.bin"), ["delta-blob low"]);
}

#[test]
fn code_that_is_gone_is_told() {
    let mut before = clean();
    for at in 0..6 {
        before.file(&format!("demo/part{at}.py"), 1);
    }
    let delta = compare(&before.profile(), &clean().profile(), "1.0.0", "1.0.1");
    assert_eq!(ids(&delta), [("delta-vanished", Severity::Low)]);
    assert_eq!(delta.files.gone, 6);
}

#[test]
fn nothing_is_concluded_from_a_list_that_was_cut() {
    let mut before = clean().profile();
    before.cut =
        ["behaviours", "hosts", "mails", "hooks", "dependencies", "blobs", "files", "acts"].map(str::to_owned).to_vec();
    let mut after = clean();
    inject(&mut after, FindingContext::Import);
    after.host(MODULE, "192.0.2.7");
    let delta = compare(&before, &after.profile(), "1.0.0", "1.0.1");
    assert!(delta.findings.is_empty(), "{delta:#?}");
}

#[test]
fn a_delta_survives_being_kept() {
    let delta = next(|release| inject(release, FindingContext::Import));
    let json = serde_json::to_string(&delta).expect("writes");
    assert_eq!(serde_json::from_str::<Delta>(&json).expect("reads"), delta);
}
