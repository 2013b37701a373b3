use bulkhead_core::{Action, Ask, Context, Effect, EntryIndex, Gate, Resource, Sha256, Verdict};
use bulkhead_ledger::EntryTime;

use super::*;

fn entry(principal: &str, address: &str) -> Entry {
    let ask = Ask {
        gate: Gate::Intake,
        principal: Principal::new(principal),
        action: Action::Fetch,
        resource: Resource::default(),
        context: Context { address: Some(address.to_owned()), ..Context::default() },
    };
    let time = EntryTime::from_unix_millis(1).unwrap();
    Entry::new(&ask, &Verdict::plain(Effect::Allow), time, Sha256::from_bytes([1; 32]))
}

#[test]
fn entries_name_people_by_a_word_that_only_the_salt_explains() {
    let folder = tempfile::tempdir().unwrap();
    let subjects = Subjects::open(folder.path(), &["ci".to_owned()]).unwrap();
    let first =
        subjects.cover(entry("alice", "192.0.2.7").with_detail("owner", "bob").with_detail("for", "ci")).unwrap();
    let text = String::from_utf8(first.encode(EntryIndex(0)).unwrap()).unwrap();
    for personal in ["alice", "bob", "192.0.2.7"] {
        assert!(!text.contains(personal), "{text}");
    }
    assert_eq!(first.detail["for"], "ci");
    // The same person is the same word, today and after a restart, and another person another word.
    let again = Subjects::open(folder.path(), &["ci".to_owned()]).unwrap();
    let second = again.cover(entry("alice", "192.0.2.7")).unwrap();
    assert_eq!(
        (second.principal.clone(), second.context.address.clone()),
        (first.principal.clone(), first.context.address.clone())
    );
    assert_ne!(again.cover(entry("carol", "192.0.2.7")).unwrap().context.address, first.context.address);
    assert_eq!(again.cover(first.clone()).unwrap(), first, "twice is once");
    // Machines and Bulkhead itself are no people, and loopback is no address of anybody.
    for name in ["ci", "local", "bulkhead", "operator"] {
        assert_eq!(again.cover(entry(name, "127.0.0.1")).unwrap(), entry(name, "127.0.0.1"));
    }
    assert_eq!(Subjects::plain().cover(entry("alice", "192.0.2.7")).unwrap(), entry("alice", "192.0.2.7"));
}

#[test]
fn a_person_is_forgotten_and_comes_back_as_somebody_else() {
    let folder = tempfile::tempdir().unwrap();
    let subjects = Subjects::open(folder.path(), &[]).unwrap();
    assert!(!subjects.knows(&entry("alice", "192.0.2.7")));
    let before = subjects.cover(entry("alice", "192.0.2.7")).unwrap();
    assert!(subjects.knows(&entry("alice", "192.0.2.7")) && !subjects.knows(&entry("bob", "127.0.0.1")));
    let word = before.principal.as_str().to_owned();
    assert_eq!(subjects.word_for(Of::Principal, "alice"), word);
    let show = |subjects: &Subjects| {
        let mut shown = serde_json::json!({ "rows": [format!("by {word}, ~x"), 7], "owner": word });
        subjects.reveal(&mut shown);
        shown.to_string()
    };
    assert_eq!(show(&subjects), r#"{"owner":"alice","rows":["by alice, ~x",7]}"#);
    assert_eq!(subjects.erase(Of::Principal, "alice").unwrap(), Some(word.clone()));
    assert_eq!(subjects.erase(Of::Principal, "alice").unwrap(), None);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    for subjects in [&subjects, &Subjects::open(folder.path(), &[]).unwrap()] {
        assert!(show(subjects).contains(&word) && !show(subjects).contains("alice"));
        assert_eq!(subjects.word_for(Of::Principal, "alice"), "alice");
    }
    let after = subjects.cover(entry("alice", "192.0.2.7")).unwrap();
    assert!(after.principal != before.principal && after.context.address != before.context.address);
}

#[test]
fn a_salt_that_cannot_be_read_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.json"), "{}").unwrap();
    assert!(Subjects::open(folder.path(), &[]).unwrap_err().to_string().contains("holds no salt"));
}

fn scan(host: &str, environment: &str) -> Entry {
    let mut entry = entry("ci", "127.0.0.1").with_detail("host", host).with_detail("environment", environment);
    entry.action = Action::Inventory;
    entry
}

#[test]
fn machines_and_places_have_words_and_salts_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let clear = [(Of::Host, "old-1".to_owned()), (Of::Environment, "/srv/old".to_owned())];
        Subjects::open(folder.path(), &["ci".to_owned(), "fleet".to_owned()]).unwrap().but_clear(clear)
    };
    let subjects = open();
    let told = scan("alice-laptop", "python /home/alice/venv");
    assert!(!subjects.knows(&told));
    let first = subjects.cover(told.clone()).unwrap();
    assert!(subjects.knows(&told));
    let text = String::from_utf8(first.encode(EntryIndex(0)).unwrap()).unwrap();
    assert!(!text.contains("alice"), "{text}");
    let (host, place) = (&first.detail["host"], &first.detail["environment"]);
    assert!(place.starts_with("python ~") && host.starts_with('~') && host != &place["python ".len()..]);
    // The same after a restart and when it is said twice; another word than a principal of that name has.
    assert_eq!(open().cover(first.clone()).unwrap(), first);
    assert_eq!(open().cover(told).unwrap(), first);
    let named = subjects.cover(entry("alice-laptop", "127.0.0.1")).unwrap();
    assert_ne!(named.principal.as_str(), host);
    // What is in the record anyway, and what is said to be no person.
    for clear in [scan("old-1", "python /srv/old"), scan("fleet", "lockfile /srv/old")] {
        assert!(subjects.knows(&clear));
        assert_eq!(subjects.cover(clear.clone()).unwrap(), clear);
    }
    // A host of another kind of entry is a network host, and nobody's name.
    let mut other = scan("models.example.test", "x");
    other.action = Action::Connect;
    assert_eq!(subjects.cover(other.clone()).unwrap(), other);

    assert_eq!(subjects.named(host), Some((Of::Host, "alice-laptop".to_owned())));
    assert_eq!(subjects.places_of("alice@lab.example"), ["/home/alice/venv"]);
    assert_eq!((subjects.places_of("ali"), subjects.places_of("@")), (Vec::new(), Vec::<String>::new()));
    let shown = |subjects: &Subjects| subjects.reveal_text(&format!("{host} in {place}"));
    assert_eq!(shown(&subjects), "alice-laptop in python /home/alice/venv");
    assert_eq!(subjects.erase(Of::Host, "alice-laptop").unwrap().as_ref(), Some(host));
    subjects.erase(Of::Environment, "/home/alice/venv").unwrap().expect("was known");
    for subjects in [subjects, open()] {
        assert!(!shown(&subjects).contains("alice"));
    }
    let kept: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(kept.len(), 1, "the principal's own");
}

/// A salt from before machines had any names no kind.
#[test]
fn a_salt_of_before_is_a_principals() {
    let folder = tempfile::tempdir().unwrap();
    let word = Subjects::open(folder.path(), &[]).unwrap().word_to_keep(Of::Principal, "alice").unwrap();
    let file = folder.path().join(format!("{}.json", &word[1..]));
    let mut salt: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    salt.as_object_mut().unwrap().remove("of");
    std::fs::write(&file, salt.to_string()).unwrap();
    assert_eq!(Subjects::open(folder.path(), &[]).unwrap().word_for(Of::Principal, "alice"), word);
}
