//! The decision matrix of the shipped policy: one line per situation, readable by a security officer.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::{Action, Ask, Facts, FindingContext, Gate, Severity, Value, Verdict};

use super::{DAY, ask, finding, good, now, shipped};

/// A situation: what differs from a good file.
type Case = (&'static str, fn(&mut Facts));

const CASES: &[Case] = &[
    ("nothing wrong", |_| {}),
    ("three hours old", |facts| facts.set("file.age", 3 * 3600)),
    ("one second short of three days", |facts| facts.set("file.age", 3 * DAY - 1)),
    ("three days old", |facts| facts.set("file.age", 3 * DAY)),
    ("no upload time, first seen an hour ago", |facts| {
        facts.set("file.age", 3600);
        facts.set("file.time", "first-seen");
        facts.unknown("upload-time", "the index gives none");
    }),
    ("no upload time, first seen a week ago", |facts| {
        facts.set("file.age", 7 * DAY);
        facts.set("file.time", "first-seen");
        facts.unknown("upload-time", "the index gives none");
    }),
    ("no age at all", |facts| {
        facts.attributes.remove("file.age");
    }),
    ("upload time malformed", |facts| {
        facts.attributes.remove("file.age");
        facts.set("file.time", "malformed");
        facts.set("file.uploaded", "yesterday");
        facts.unknown("upload-time", "not a time");
    }),
    ("upload time in the future", |facts| {
        facts.set("file.age", -DAY);
        facts.set("file.time", "future");
        facts.set("file.uploaded", "2026-11-23T12:00:00Z");
    }),
    ("reported as malicious", |facts| {
        facts.set("advisory.malicious", vec!["MAL-2026-2144"]);
        facts.set("advisory.summary", "steals credentials at every Python start");
    }),
    ("advisories asked, none found", |facts| {
        facts.set("advisory.malicious", Vec::<String>::new());
        facts.set("advisory.vulnerable", Vec::<String>::new());
    }),
    ("known vulnerability", |facts| facts.set("advisory.vulnerable", vec!["PYSEC-2026-9"])),
    ("project archived", |facts| facts.set("project.status", "archived")),
    ("project quarantined", |facts| {
        facts.set("project.status", "quarantined");
        facts.set("project.status_reason", "malware");
    }),
    ("internal name", |facts| facts.set("project.reserved", true)),
    ("index promises no hash", |facts| facts.set("file.has_hash", false)),
    ("index says nothing about hashes", |facts| {
        facts.attributes.remove("file.has_hash");
    }),
    ("below the floor, one year older", |facts| floor(facts, 365)),
    ("below the floor, three years older", |facts| floor(facts, 1095)),
    ("advisory feed too old", |facts| facts.unknown("advisories", "the feed is 9 days old")),
    ("executable .pth", |facts| found(facts, "executable-pth", Severity::Critical, FindingContext::Startup)),
    (".start file", |facts| found(facts, "startup-entry-point", Severity::Critical, FindingContext::Startup)),
    (".pth in a source distribution", |facts| {
        found(facts, "executable-pth", Severity::Medium, FindingContext::Startup)
    }),
    ("sitecustomize", |facts| found(facts, "startup-module", Severity::High, FindingContext::Startup)),
    ("duplicate archive member, critical", |facts| {
        found(facts, "archive-duplicate-member", Severity::Critical, FindingContext::Archive)
    }),
    ("a look-alike name, high", |facts| found(facts, "lookalike-name", Severity::High, FindingContext::Archive)),
    ("odd archive, low", |facts| found(facts, "trailing-data", Severity::Low, FindingContext::Archive)),
    ("contents contradict RECORD", |facts| {
        found(facts, "record-mismatch", Severity::Critical, FindingContext::Archive)
    }),
    ("RECORD incomplete, low", |facts| found(facts, "record-mismatch", Severity::Low, FindingContext::Archive)),
    ("another name inside", |facts| found(facts, "name-mismatch", Severity::High, FindingContext::Archive)),
    ("no metadata in an old source distribution", |facts| {
        found(facts, "name-mismatch", Severity::Low, FindingContext::Archive);
    }),
    ("decodes and executes at import, critical", |facts| {
        found(facts, "decode-execute", Severity::Critical, FindingContext::Import)
    }),
    ("the same, not sure", |facts| {
        found(facts, "decode-execute", Severity::Critical, FindingContext::Import);
        facts.findings[0].confidence = crate::Confidence::Medium;
    }),
    ("the same, when called", |facts| {
        facts.attributes.remove("delta.from");
        found(facts, "decode-execute", Severity::Critical, FindingContext::Call);
    }),
    ("the same, with a good release before", |facts| {
        delta(facts);
        found(facts, "decode-execute", Severity::Critical, FindingContext::Call);
    }),
    ("when a model is loaded", |facts| found(facts, "pickle-execution", Severity::Critical, FindingContext::Load)),
    ("less, when called", |facts| found(facts, "decode-execute", Severity::High, FindingContext::Call)),
    ("downloads and starts at install, high", |facts| {
        found(facts, "fetch-start", Severity::High, FindingContext::Install)
    }),
    ("score below the threshold", |facts| facts.set("content.score", 54)),
    ("score at the threshold", |facts| {
        facts.attributes.remove("delta.from");
        facts.set("content.score", 55);
        facts.set("content.unasked_score", 0);
        found(facts, "odd-thing", Severity::Medium, FindingContext::Call);
    }),
    ("the same, when called, a good release before", |facts| {
        delta(facts);
        facts.set("content.score", 99);
        facts.set("content.unasked_score", 54);
    }),
    ("the same, unasked, a good release before", |facts| {
        delta(facts);
        facts.set("content.score", 55);
        facts.set("content.unasked_score", 55);
    }),
    ("highest score", |facts| {
        facts.set("content.score", 100);
        facts.set("content.unasked_score", 100);
    }),
    ("the code of a known campaign", |facts| {
        found(facts, "campaign-clone", Severity::High, FindingContext::Import);
        facts.findings[0].confidence = crate::Confidence::Medium;
    }),
    ("nothing in it", |facts| found(facts, "empty-release", Severity::Medium, FindingContext::Archive)),
    ("a test of an attack, as it says", |facts| found(facts, "declared-test", Severity::High, FindingContext::Archive)),
    ("a slip away from what it installs", |facts| {
        found(facts, "misspelled-name", Severity::High, FindingContext::Archive)
    }),
    ("named like a popular project", |facts| facts.set("project.lookalike", "requests")),
    ("the same, and a low score", |facts| {
        facts.set("project.lookalike", "requests");
        facts.set("content.score", 27);
    }),
    ("the same, and half of what is held", |facts| {
        facts.set("project.lookalike", "requests");
        facts.set("content.score", 28);
    }),
    ("new chain at import in a patch release", |facts| {
        delta(facts);
        found(facts, "delta-unasked-chain", Severity::Critical, FindingContext::Import);
    }),
    ("new chain in a larger release", |facts| {
        delta(facts);
        found(facts, "delta-unasked-chain", Severity::Medium, FindingContext::Import);
    }),
    ("first install hook", |facts| {
        delta(facts);
        found(facts, "delta-install-hook", Severity::High, FindingContext::Install);
    }),
    ("first build script", |facts| {
        delta(facts);
        found(facts, "delta-install-hook", Severity::Medium, FindingContext::Install);
    }),
    ("new dependency from a URL", |facts| {
        delta(facts);
        found(facts, "delta-dependency", Severity::High, FindingContext::Archive);
    }),
    ("new host", |facts| {
        delta(facts);
        found(facts, "delta-host", Severity::Medium, FindingContext::Import);
    }),
    ("machine code under another name, new", |facts| {
        delta(facts);
        found(facts, "delta-blob", Severity::High, FindingContext::Archive);
    }),
    ("young dependency that nothing imports", |facts| {
        delta(facts);
        facts.set("delta.new_dependency", "plain-crypto");
        facts.set("delta.new_dependency_age", 14 * DAY - 1);
    }),
    ("an older one", |facts| {
        delta(facts);
        facts.set("delta.new_dependency", "plain-crypto");
        facts.set("delta.new_dependency_age", 14 * DAY);
    }),
    ("one whose age nobody tells", |facts| {
        delta(facts);
        facts.set("delta.new_dependency", "plain-crypto");
        facts.attributes.remove("delta.new_dependency_age");
    }),
    ("no release before to compare with", |facts| {
        facts.attributes.remove("delta.from");
        facts.attributes.remove("delta.score");
    }),
    ("no archive at all", |facts| {
        found(facts, "unreadable-archive", Severity::High, FindingContext::Archive);
        facts.set("content.readable", false);
    }),
    ("more than a reader may use", |facts| {
        found(facts, "reading-unfinished", Severity::High, FindingContext::Archive);
        facts.set("content.readable", false);
    }),
    ("a member unreadable", |facts| facts.set("content.readable", false)),
    ("content not read yet", |facts| {
        facts.set("content.judged", false);
        facts.attributes.remove("content.readable");
    }),
];

fn floor(facts: &mut Facts, days: i64) {
    facts.set("floor.version", "3.1");
    facts.set("floor.below", true);
    facts.set("floor.lag", days * DAY);
}

fn delta(facts: &mut Facts) {
    facts.set("delta.from", "1.9.9");
    facts.set("delta.patch", true);
}

fn found(facts: &mut Facts, detector: &str, severity: Severity, context: FindingContext) {
    facts.findings.push(finding(detector, severity, context));
}

fn verdict(change: fn(&mut Facts)) -> Verdict {
    let mut facts = good();
    change(&mut facts);
    shipped().decide(&ask(), &facts, now(), &[])
}

#[test]
fn the_matrix() {
    let mut table = String::new();
    for (situation, change) in CASES {
        let verdict = verdict(*change);
        let rules: Vec<_> = verdict
            .reasons
            .iter()
            .map(|reason| format!("{}{}", reason.rule, if reason.audit { " (audit)" } else { "" }))
            .collect();
        let line = format!("{situation:<40} {:<6} {}", verdict.effect.as_str(), rules.join(", "));
        writeln!(table, "{}", line.trim_end()).expect("a string takes all");
    }
    insta::assert_snapshot!(table, @r"
    nothing wrong                            allow
    three hours old                          hold   cooldown
    one second short of three days           hold   cooldown
    three days old                           allow
    no upload time, first seen an hour ago   hold   cooldown
    no upload time, first seen a week ago    allow
    no age at all                            hold   upload-time
    upload time malformed                    hold   upload-time
    upload time in the future                hold   upload-time, cooldown
    reported as malicious                    deny   advisory-malicious
    advisories asked, none found             allow
    known vulnerability                      allow  advisory-vulnerable (audit)
    project archived                         allow
    project quarantined                      deny   quarantined
    internal name                            deny   reserved-name
    index promises no hash                   deny   no-hash
    index says nothing about hashes          deny   no-hash
    below the floor, one year older          allow
    below the floor, three years older       hold   downgrade
    advisory feed too old                    hold   unknown-source
    executable .pth                          deny   executable-pth
    .start file                              deny   executable-pth
    .pth in a source distribution            hold   startup-module
    sitecustomize                            hold   startup-module
    duplicate archive member, critical       deny   archive-structure
    a look-alike name, high                  allow
    odd archive, low                         allow
    contents contradict RECORD               deny   record-mismatch
    RECORD incomplete, low                   allow
    another name inside                      deny   name-mismatch
    no metadata in an old source distribution allow
    decodes and executes at import, critical deny   unasked-behaviour
    the same, not sure                       allow
    the same, when called                    hold   called-behaviour
    the same, with a good release before     allow
    when a model is loaded                   hold   called-behaviour
    less, when called                        allow
    downloads and starts at install, high    deny   unasked-behaviour
    score below the threshold                allow
    score at the threshold                   hold   suspicious-behaviour
    the same, when called, a good release before allow
    the same, unasked, a good release before hold   suspicious-behaviour
    highest score                            deny   score, suspicious-behaviour
    the code of a known campaign             hold   campaign-clone
    nothing in it                            allow
    a test of an attack, as it says          hold   empty-release
    a slip away from what it installs        hold   misspelled-name
    named like a popular project             allow
    the same, and a low score                allow
    the same, and half of what is held       hold   lookalike-behaviour
    new chain at import in a patch release   deny   delta-chain
    new chain in a larger release            allow
    first install hook                       hold   delta-hold
    first build script                       allow
    new dependency from a URL                hold   delta-hold
    new host                                 allow
    machine code under another name, new     hold   delta-hold
    young dependency that nothing imports    hold   young-dependency
    an older one                             allow
    one whose age nobody tells               allow
    no release before to compare with        allow
    no archive at all                        deny   archive-structure, unreadable
    more than a reader may use               hold   reading-unfinished, unreadable
    a member unreadable                      hold   unreadable
    content not read yet                     allow
    ");
}

#[test]
fn every_shipped_rule_fires_in_the_matrix() {
    let fired: BTreeSet<String> =
        CASES.iter().flat_map(|(_, change)| verdict(*change).reasons).map(|reason| reason.rule).collect();
    let policy = shipped();
    let intake = policy.rules().iter().filter(|rule| rule.gate() == Gate::Intake);
    assert_eq!(fired, intake.map(|rule| rule.id().to_owned()).collect());
}

/// The rules of the egress gate, each with the facts by which it has a say, and the effect of all together.
#[test]
fn what_the_egress_gate_lets_out() {
    let policy = shipped();
    let judge = |set: &[(&str, Value)]| {
        let mut facts = Facts::new();
        facts.set("net.host", "api.example.test");
        for (name, value) in set {
            facts.set(name, value.clone());
        }
        let ask = Ask { gate: Gate::Egress, action: Action::Connect, ..ask() };
        let verdict = policy.decide(&ask, &facts, now(), &[]);
        let rules: Vec<String> = verdict.reasons.iter().map(|reason| reason.rule.clone()).collect();
        format!("{} {}", verdict.effect, rules.join(","))
    };
    let (listed, secret) = (("net.listed", true.into()), ("net.secret", vec!["openai"].into()));
    assert_eq!(judge(&[]), "deny ");
    assert_eq!(judge(&[("net.listed", false.into())]), "deny ");
    assert_eq!(judge(std::slice::from_ref(&listed)), "allow listed-host");
    assert_eq!(judge(std::slice::from_ref(&secret)), "allow secret-host");
    assert_eq!(judge(&[listed.clone(), ("net.disagrees", "names another".into())]), "deny host-disagrees,listed-host");
    assert_eq!(judge(&[secret, ("net.misuse", "the placeholder".into())]), "deny secret-misuse,secret-host");
    let egress = policy.rules().iter().filter(|rule| rule.gate() == Gate::Egress).count();
    assert_eq!(egress, 4, "a rule of the egress gate without a line here");
}

#[test]
fn what_a_developer_reads() {
    let mut said = String::new();
    for (situation, change) in CASES {
        for reason in verdict(*change).reasons {
            writeln!(said, "{situation}\n  {}\n  help: {}", reason.text, reason.help).expect("a string takes all");
        }
    }
    insta::assert_snapshot!(said, @r#"
    three hours old
      sampleproject-2.0-py3-none-any.whl is 3 hours old by its upload time; files younger than 3 days are held
      help: use an older version, wait, or ask for a review: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 7d
    one second short of three days
      sampleproject-2.0-py3-none-any.whl is 2 days 23 hours old by its upload time; files younger than 3 days are held
      help: use an older version, wait, or ask for a review: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 7d
    no upload time, first seen an hour ago
      sampleproject-2.0-py3-none-any.whl is 1 hour old by its first-seen time; files younger than 3 days are held
      help: use an older version, wait, or ask for a review: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 7d
    no age at all
      the registry gives no usable upload time for sampleproject-2.0-py3-none-any.whl (clock: upload; the registry says: 2026-10-13T12:00:00Z)
      help: use another version, or look at the release and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 7d
    upload time malformed
      the registry gives no usable upload time for sampleproject-2.0-py3-none-any.whl (clock: malformed; the registry says: yesterday)
      help: use another version, or look at the release and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 7d
    upload time in the future
      the registry gives no usable upload time for sampleproject-2.0-py3-none-any.whl (clock: future; the registry says: 2026-11-23T12:00:00Z)
      help: use another version, or look at the release and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 7d
    upload time in the future
      sampleproject-2.0-py3-none-any.whl is 0 seconds old by its future time; files younger than 3 days are held
      help: use an older version, wait, or ask for a review: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 7d
    reported as malicious
      pkg:pypi/sampleproject@2.0 is reported as malicious (MAL-2026-2144): steals credentials at every Python start
      help: use another version; where this one already ran, treat every credential in reach as stolen
    known vulnerability
      pkg:pypi/sampleproject@2.0 has known vulnerabilities (PYSEC-2026-9)
      help: use a version in which they are fixed, or: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    project quarantined
      the registry has quarantined sampleproject: malware
      help: do not install it; use another project until the registry lifts the quarantine
    internal name
      the name sampleproject is reserved for internal packages (settings.reserved), and this upstream is not yours
      help: install it from your internal index; if the name is not yours after all, remove it from `reserved` in the policy
    index promises no hash
      the index promises no SHA-256 for sampleproject-2.0-py3-none-any.whl
      help: use an index that publishes SHA-256 hashes, or another file of the release
    index says nothing about hashes
      the index promises no SHA-256 for sampleproject-2.0-py3-none-any.whl
      help: use an index that publishes SHA-256 hashes, or another file of the release
    below the floor, three years older
      pkg:pypi/sampleproject@2.0 is 1095 days older than 3.1, which was served here before
      help: ask for 3.1 or newer; if the old one is meant: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 7d
    advisory feed too old
      could not be judged: advisories (the feed is 9 days old)
      help: bring the source back (for advisories: bulkhead feed import FILE), or: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 1d
    executable .pth
      sampleproject/member would run at every start of Python: executable-pth was seen
      help: use a version without it; if you have read the file and need it, add an [[exception]] for sha256:abababababababababababababababababababababababababababababababab to the policy
    .start file
      sampleproject/member would run at every start of Python: startup-entry-point was seen
      help: use a version without it; if you have read the file and need it, add an [[exception]] for sha256:abababababababababababababababababababababababababababababababab to the policy
    .pth in a source distribution
      sampleproject/member may run at every start of Python: executable-pth was seen
      help: use a version without it, or read the file and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    sitecustomize
      sampleproject/member may run at every start of Python: startup-module was seen
      help: use a version without it, or read the file and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    duplicate archive member, critical
      the archive sampleproject-2.0-py3-none-any.whl is not what it seems: archive-duplicate-member was seen
      help: use another version and tell its publisher; no harmless tool writes such an archive
    contents contradict RECORD
      the contents of sampleproject-2.0-py3-none-any.whl contradict its RECORD: record-mismatch was seen
      help: use another version and tell its publisher
    another name inside
      sampleproject-2.0-py3-none-any.whl says inside that it is another release: name-mismatch was seen
      help: use another version and tell its publisher
    decodes and executes at import, critical
      sampleproject/member does at import what no package should: decode-execute was seen
      help: use another version and tell its publisher; the lines are shown by: bulkhead explain pkg:pypi/sampleproject@2.0
    the same, when called
      sampleproject/member holds what no package has a use for: decode-execute was seen
      help: read the lines that bulkhead explain pkg:pypi/sampleproject@2.0 shows, then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    when a model is loaded
      sampleproject/member holds what no package has a use for: pickle-execution was seen
      help: read the lines that bulkhead explain pkg:pypi/sampleproject@2.0 shows, then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    downloads and starts at install, high
      sampleproject/member does at install what no package should: fetch-start was seen
      help: use another version and tell its publisher; the lines are shown by: bulkhead explain pkg:pypi/sampleproject@2.0
    score at the threshold
      sampleproject-2.0-py3-none-any.whl has a score of 55 (held from 55): odd-thing was seen
      help: read the lines that bulkhead explain pkg:pypi/sampleproject@2.0 shows, then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    the same, unasked, a good release before
      sampleproject-2.0-py3-none-any.whl has a score of 55 (held from 55): 
      help: read the lines that bulkhead explain pkg:pypi/sampleproject@2.0 shows, then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    highest score
      sampleproject-2.0-py3-none-any.whl has a score of 100 (denied from 100): 
      help: use another version, or read the lines that bulkhead explain pkg:pypi/sampleproject@2.0 shows and add an [[exception]] for sha256:abababababababababababababababababababababababababababababababab
    highest score
      sampleproject-2.0-py3-none-any.whl has a score of 100 (held from 55): 
      help: read the lines that bulkhead explain pkg:pypi/sampleproject@2.0 shows, then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    the code of a known campaign
      sampleproject-2.0-py3-none-any.whl is like what is known to be malicious: campaign-clone was seen
      help: use another project; when it is your own code that was copied: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    a test of an attack, as it says
      sampleproject-2.0-py3-none-any.whl is no package to use: declared-test was seen
      help: see which project was meant; if an internal one, add sampleproject to `reserved` in the policy's settings; else: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    a slip away from what it installs
      sampleproject is a slip away from what sampleproject-2.0-py3-none-any.whl installs: misspelled-name was seen
      help: if you meant the other project, install that; else: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    the same, and half of what is held
      sampleproject looks like requests, and sampleproject-2.0-py3-none-any.whl has a score of 28: 
      help: if you meant requests, install that; else read the lines that bulkhead explain pkg:pypi/sampleproject@2.0 shows, then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    new chain at import in a patch release
      new in 2.0 against 1.9.9: sampleproject/member: delta-unasked-chain was seen
      help: stay on 1.9.9 and tell the publisher; all that is new: bulkhead explain pkg:pypi/sampleproject@2.0
    first install hook
      new in 2.0 against 1.9.9: delta-install-hook was seen
      help: stay on 1.9.9, or look at it and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    new dependency from a URL
      new in 2.0 against 1.9.9: delta-dependency was seen
      help: stay on 1.9.9, or look at it and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    machine code under another name, new
      new in 2.0 against 1.9.9: delta-blob was seen
      help: stay on 1.9.9, or look at it and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    young dependency that nothing imports
      new in 2.0 against 1.9.9: it asks for plain-crypto, which no code of it seems to import and which was 13 days 23 hours old when this was uploaded
      help: stay on 1.9.9, or look at plain-crypto and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 30d
    no archive at all
      the archive sampleproject-2.0-py3-none-any.whl is not what it seems: unreadable-archive was seen
      help: use another version and tell its publisher; no harmless tool writes such an archive
    no archive at all
      not every member of sampleproject-2.0-py3-none-any.whl could be read, so it was not judged as a whole
      help: use another file of the release, or look at it and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 7d
    more than a reader may use
      sampleproject-2.0-py3-none-any.whl needs more memory or time than a reader may use, so it was not judged: reading-unfinished was seen
      help: use another file of the release, or a version that was read; if you need this one, read its largest source files yourself and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 7d
    more than a reader may use
      not every member of sampleproject-2.0-py3-none-any.whl could be read, so it was not judged as a whole
      help: use another file of the release, or look at it and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 7d
    a member unreadable
      not every member of sampleproject-2.0-py3-none-any.whl could be read, so it was not judged as a whole
      help: use another file of the release, or look at it and then: bulkhead review release pkg:pypi/sampleproject@2.0 --reason "..." --expires 7d
    "#);
}
