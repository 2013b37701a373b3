//! The walk on estates made of a few entries.

use bulkhead_core::{Action, Ask, Context, Effect, EntryIndex, Gate, Principal, Purl, Resource, Sha256, Verdict};
use bulkhead_ledger::{Entry, EntryTime};
use jiff::Timestamp;

use super::*;

use crate::store::record::{Asset, Draft, ItemLine, MemberLine, Record, Use};
use crate::store::{Indexed, SqliteStore, Store as _};

mod bundles;

const START: i64 = 1_774_000_000;

fn digest(byte: u8) -> Sha256 {
    Sha256::from_bytes([byte; 32])
}

fn purl() -> Purl {
    "pkg:pypi/litellm@1.82.8".parse().expect("a purl")
}

/// A moment, in hours after the estate's beginning.
fn hour(hour: i64) -> Timestamp {
    Timestamp::from_second(START + hour * 3_600).expect("a time")
}

#[derive(Default)]
struct Estate {
    entries: Vec<Indexed>,
}

impl Estate {
    fn add(&mut self, at: i64, gate: Gate, who: &str, draft: Draft) -> u64 {
        let Draft { action, resource, context, detail } = draft;
        let ask = Ask { gate, principal: Principal::new(who), action, resource, context };
        let millis = u64::try_from(hour(at).as_millisecond()).expect("after 1970");
        let time = EntryTime::from_unix_millis(millis).expect("a time");
        let mut entry = Entry::new(&ask, &Verdict::plain(Effect::Allow), time, digest(0xAA));
        entry.detail = detail;
        let index = self.entries.len() as u64;
        self.entries.push((EntryIndex(index), entry));
        index
    }

    fn tell(&mut self, at: i64, who: &str, record: &Record) {
        for draft in record.drafts() {
            self.add(at, Gate::Control, who, draft);
        }
    }

    fn pull(&mut self, at: i64, who: &str, file: u8) -> u64 {
        let resource = Resource {
            purl: Some(purl()),
            file: Some("w.whl".to_owned()),
            digest: Some(digest(file)),
            ..Resource::default()
        };
        let context = Context { address: Some("10.0.0.7".to_owned()), ..Context::default() };
        self.add(at, Gate::Intake, who, Draft { action: Action::Fetch, resource, context, detail: Default::default() })
    }

    fn scan(&mut self, at: i64, who: &str, host: &str, files: &[u8]) {
        let items = files.iter().map(|file| ItemLine { purl: Some(purl()), digest: Some(digest(*file)) }).collect();
        let list = digest(files.iter().fold(0x40 ^ at as u8, |sum, file| sum.wrapping_mul(3) ^ file));
        let (host, environment) = (host.to_owned(), "venv".to_owned());
        self.tell(at, who, &Record::Inventory { host, environment, digest: list, items, unchanged: false });
    }

    fn run(
        &mut self,
        number: u8,
        who: &str,
        host: &str,
        hours: (i64, i64),
        environment: Option<u8>,
        uses: &[(Use, &str)],
    ) {
        let record = Record::Run {
            run: format!("0197f4a2-0000-7000-8000-0000000000{number:02x}").parse().expect("a run"),
            host: host.to_owned(),
            start: hour(hours.0),
            end: Some(hour(hours.1)),
            environment: environment.map(digest),
            uses: uses.iter().map(|(what, name)| (*what, (*name).to_owned())).collect(),
        };
        self.tell(hours.1, who, &record);
    }

    fn ask(&self, subject: Subject) -> Answer {
        self.ask_between(subject, None, None)
    }

    fn ask_between(&self, subject: Subject, from: Option<i64>, to: Option<i64>) -> Answer {
        let store = SqliteStore::in_memory().expect("opens");
        store.project(&self.entries).expect("projects");
        let asked = hour(200);
        let (from, to) = (from.map(hour), to.map(hour));
        let question = Question { subject, from, to, asked, aware: asked, by: "responder".to_owned() };
        let mut answer = None;
        store
            .look(&mut |graph| {
                answer = Some(walk(graph, &question, "bulkhead/test")?);
                Ok(())
            })
            .expect("walks");
        answer.expect("an answer")
    }
}

fn dataset(name: &str, partner: &str, people: u64) -> Asset {
    Asset::Dataset {
        name: name.to_owned(),
        owner: Some("data".to_owned()),
        partners: vec![partner.to_owned()],
        people: Some(people),
        records: Some(people * 2),
        categories: vec!["names".to_owned()],
    }
}

fn secret(name: &str, hosts: &[&str], opens: &[&str]) -> Asset {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Asset::Secret { name: name.to_owned(), owner: None, hosts: list(hosts), opens: list(opens) }
}

/// Two hosts: on one it is installed and a run reads, on the other runs an image that embeds it. Nothing is missing.
fn estate() -> Estate {
    let mut estate = Estate::default();
    let partner = |name: &str| Asset::Partner { name: name.to_owned(), owner: None };
    let assets = vec![
        secret("prod/openai", &[], &["chats"]),
        secret("prod/s3", &["train-2"], &["voices"]),
        secret("dev/sandbox", &[], &[]),
        dataset("chats", "northwind", 40_000),
        dataset("voices", "contoso", 5_000),
        dataset("labels", "northwind", 300),
        dataset("archive", "contoso", 7),
        partner("northwind"),
        partner("contoso"),
    ];
    estate.tell(0, "sec", &Record::Assets { assets });
    let members = vec![MemberLine { digest: digest(0x71), path: "litellm_init.pth".to_owned() }];
    estate.tell(1, "bulkhead", &Record::Contents { purl: Some(purl()), of: digest(1), members });
    estate.scan(1, "train-1", "train-1", &[]);
    estate.pull(2, "train-1", 1);
    estate.scan(3, "train-1", "train-1", &[1]);
    estate.run(1, "train-1", "train-1", (4, 6), None, &[(Use::Secret, "prod/openai"), (Use::Dataset, "labels")]);
    estate.scan(10, "train-1", "train-1", &[]);
    estate.run(2, "train-1", "train-1", (20, 21), None, &[(Use::Secret, "dev/sandbox")]);
    estate.pull(5, "builder", 1);
    let inputs = vec![ItemLine { purl: Some(purl()), digest: Some(digest(1)) }];
    let (name, at) = ("registry.example/trainer:7".to_owned(), hour(6));
    estate.tell(6, "builder", &Record::Build { output: digest(2), name, at, host: None, inputs });
    let uses = [(Use::Dataset, "voices"), (Use::Contact, "models.litellm.example.test")];
    estate.run(3, "train-2", "train-2", (7, 9), Some(2), &uses);
    estate
}

fn grade(answer: &Answer, stage: Stage, name: &str) -> Option<Grade> {
    answer.rows.iter().find(|row| row.stage == stage && row.name.starts_with(name)).map(|row| row.grade)
}

#[test]
fn a_release_is_followed_to_the_people() {
    let answer = estate().ask(Subject::Release(purl()));
    assert_eq!(answer.gaps, []);
    for (stage, name, expected) in [
        (Stage::Pull, "train-1", Grade::Touched),
        (Stage::Pull, "builder", Grade::Touched),
        (Stage::Build, "registry.example/trainer:7", Grade::Touched),
        (Stage::Host, "train-1", Grade::Touched),
        (Stage::Host, "train-2", Grade::Touched),
        (Stage::Run, "0197f4a2-0000-7000-8000-000000000001", Grade::WithinReach),
        (Stage::Run, "0197f4a2-0000-7000-8000-000000000003", Grade::Touched),
        (Stage::Secret, "prod/openai", Grade::WithinReach),
        (Stage::Secret, "prod/s3", Grade::WithinReach),
        (Stage::Secret, "dev/sandbox", Grade::NotReachable),
        (Stage::Contact, "models.litellm.example.test", Grade::Touched),
        (Stage::Dataset, "voices", Grade::Touched),
        (Stage::Dataset, "labels", Grade::WithinReach),
        (Stage::Dataset, "chats", Grade::WithinReach),
        (Stage::Dataset, "archive", Grade::NotReachable),
        (Stage::Partner, "contoso", Grade::Touched),
        (Stage::Partner, "northwind", Grade::WithinReach),
    ] {
        assert_eq!(grade(&answer, stage, name), Some(expected), "{} {name}\n{answer:#?}", stage.word());
    }
    let after = "0197f4a2-0000-7000-8000-000000000002";
    assert_eq!(grade(&answer, Stage::Run, after), None, "it ran after the host was clean again");
    assert_eq!((answer.people_touched, answer.people_within_reach), (5_000, 40_300));
    assert!(answer.rows.iter().all(|row| row.entries.iter().all(|entry| *entry < answer.size)));
    assert!(answer.rows.iter().filter(|row| row.stage != Stage::Artifact).all(|row| !row.entries.is_empty()));
    assert_eq!((answer.from, answer.to), (Some(hour(2)), Some(hour(10))), "from the pull to the scan that was clean");
}

#[test]
fn a_file_that_nobody_had_flagged_is_found_inside_an_archive() {
    let answer = estate().ask(Subject::File(digest(0x71)));
    assert_eq!(grade(&answer, Stage::Dataset, "voices"), Some(Grade::Touched));
    assert_eq!(grade(&answer, Stage::Host, "train-1"), Some(Grade::Touched));
    let inside = answer.rows.iter().find(|row| row.why.contains("litellm_init.pth")).expect("says where it was");
    assert_eq!(inside.stage, Stage::Artifact);
}

#[test]
fn a_gap_makes_unknown_what_nothing_leads_to() {
    let mut estate = estate();
    let entry = estate.pull(8, "laptop", 1);
    let answer = estate.ask(Subject::Release(purl()));
    assert_eq!(answer.gaps.len(), 1, "{:#?}", answer.gaps);
    assert!(answer.gaps[0].what.starts_with("laptop received it once"));
    assert!(answer.gaps[0].entries.contains(&entry));
    assert_eq!(grade(&answer, Stage::Dataset, "archive"), Some(Grade::Unknown));
    assert_eq!(grade(&answer, Stage::Dataset, "voices"), Some(Grade::Touched), "what an entry says stays said");
}

#[test]
fn a_host_without_runs_and_a_build_without_a_place_are_gaps() {
    let mut estate = Estate::default();
    estate.pull(2, "h", 1);
    estate.scan(3, "h", "h", &[1]);
    let inputs = vec![ItemLine { purl: Some(purl()), digest: Some(digest(1)) }];
    estate.tell(
        4,
        "h",
        &Record::Build { output: digest(2), name: "image".to_owned(), at: hour(4), host: None, inputs },
    );
    let gaps: Vec<String> = estate.ask(Subject::Release(purl())).gaps.into_iter().map(|gap| gap.what).collect();
    assert!(gaps.iter().any(|gap| gap.contains("no run on it is recorded")), "{gaps:#?}");
    assert!(gaps.iter().any(|gap| gap.contains("no run or inventory says where it is used")), "{gaps:#?}");
}

#[test]
fn the_window_cuts_both_ends() {
    let before = estate().ask_between(Subject::Release(purl()), None, Some(0));
    assert!(!before.found(), "{before:#?}");
    let late = estate().ask_between(Subject::Release(purl()), Some(11), None);
    assert_eq!(grade(&late, Stage::Host, "train-1"), None);
}

#[test]
fn other_subjects_are_walked_from_their_own_end() {
    let estate = estate();
    let contacted = estate.ask(Subject::HostContacted("models.litellm.example.test".to_owned()));
    assert_eq!(grade(&contacted, Stage::Dataset, "voices"), Some(Grade::Touched));
    assert_eq!(grade(&contacted, Stage::Host, "train-2"), Some(Grade::Touched));
    let secret = estate.ask(Subject::Secret("prod/openai".to_owned()));
    assert_eq!(grade(&secret, Stage::Run, "0197f4a2-0000-7000-8000-000000000001"), Some(Grade::Touched));
    assert_eq!(grade(&secret, Stage::Dataset, "chats"), Some(Grade::WithinReach));
    let dataset = estate.ask(Subject::Dataset("chats".to_owned()));
    assert_eq!(grade(&dataset, Stage::Secret, "prod/openai"), Some(Grade::WithinReach));
    assert_eq!(grade(&dataset, Stage::Partner, "northwind"), Some(Grade::Touched));
    let principal = estate.ask(Subject::Principal("train-2".to_owned()));
    assert_eq!(grade(&principal, Stage::Dataset, "voices"), Some(Grade::Touched));
    assert!(!estate.ask(Subject::Principal("nobody".to_owned())).found());
}

#[test]
fn builds_of_builds_and_circles_end() {
    let mut estate = estate();
    for (output, input) in [(3, 2), (4, 3), (2, 4)] {
        let inputs = vec![ItemLine { purl: None, digest: Some(digest(input)) }];
        let name = format!("image-{output}");
        estate.tell(7, "builder", &Record::Build { output: digest(output), name, at: hour(7), host: None, inputs });
    }
    let answer = estate.ask(Subject::Release(purl()));
    assert_eq!(grade(&answer, Stage::Build, "image-4"), Some(Grade::Touched));
}

#[test]
fn the_same_entries_give_the_same_bytes() {
    assert_eq!(estate().ask(Subject::Release(purl())).to_bytes(), estate().ask(Subject::Release(purl())).to_bytes());
}

#[test]
fn a_reversed_window_and_an_empty_name_are_refused() {
    let question = |subject, from, to| Question {
        subject,
        from,
        to,
        asked: hour(200),
        aware: hour(200),
        by: "responder".to_owned(),
    };
    question(Subject::Release(purl()), Some(hour(2)), Some(hour(1))).check().expect_err("is refused");
    question(Subject::Secret(" ".to_owned()), None, None).check().expect_err("is refused");
    question(Subject::Release(purl()), Some(hour(1)), Some(hour(2))).check().expect("is good");
}

#[test]
fn the_picture_escapes_names_and_says_every_grade() {
    let mut estate = estate();
    estate.run(9, "train-2", "<b>&\"host\"", (7, 9), Some(2), &[(Use::Secret, "a<script>")]);
    let answer = estate.ask(Subject::Release(purl()));
    let svg = picture::svg(&answer);
    assert!(!svg.contains("<script>") && !svg.contains("<b>"), "{svg}");
    assert!(svg.contains("a&lt;script&gt;") && svg.contains("not reachable") && svg.contains("within reach"));
    let html =
        String::from_utf8(bundle::derived(&answer, 99, b"").remove(bundle::REPORT).expect("is there")).expect("text");
    assert!(!html.contains("<script"));
    for needed in ["72 hours from", "4 business days", "5,000 touched", "Not yet known", "names"] {
        assert!(html.contains(needed), "{needed}");
    }
}

#[test]
fn a_zip_is_read_as_it_was_written_and_every_cut_is_told() {
    let members = [("a.txt", "one"), ("b/c.txt", "")].map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    let zip = zip::write(&members.clone().into());
    assert_eq!(zip::read(&zip).expect("reads"), members.into());
    for length in 0..zip.len() {
        if let Ok(read) = zip::read(&zip[..length]) {
            assert_ne!(zip::write(&read), zip[..length], "cut at {length}");
        }
    }
}
