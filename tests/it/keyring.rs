//! Secrets whose sealing key is in the operating system's keyring, which here is a script.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::support::contained::{GOOD, REAL, World};

/// What the script does as `secret-tool` does: answers, exit codes and complaints are those of libsecret 0.20.5.
const SCRIPT: &str = r#"#!/bin/sh
here='HERE'
{ tr '\0' ' ' < /proc/$$/cmdline; echo; env; } >> "$here/log"
if [ -e "$here/refuses" ]; then echo 'secret-tool: Cannot autolaunch D-Bus without X11 $DISPLAY' >&2; exit 1; fi
locked() { [ -e "$here/locked" ]; }
case "$1" in
store)
    if locked; then echo 'secret-tool: Cannot create an item in a locked collection' >&2; exit 1; fi
    if [ -e "$here/forgets" ]; then cat > /dev/null; else cat > "$here/$6.key"; fi ;;
lookup) if locked || [ ! -e "$here/$5.key" ]; then exit 1; fi; cat "$here/$5.key" ;;
search) if [ -e "$here/$5.key" ]; then echo '[/1]'; echo "attribute.sealing-key = $5" >&2; fi ;;
clear) rm "$here/$5.key" ;;
*) exit 2 ;;
esac
"#;

struct Keyring {
    world: World,
}

/// How a command ended, and everything that it printed.
struct Said {
    code: Option<i32>,
    text: String,
}

impl Keyring {
    fn new() -> Self {
        let keyring = Self { world: World::new(&format!("[settings]\nhosts = [{GOOD:?}]\n")) };
        std::fs::create_dir_all(keyring.folder().join("bin")).unwrap();
        let tool = keyring.folder().join("bin/secret-tool");
        std::fs::write(&tool, SCRIPT.replace("HERE", keyring.folder().to_str().unwrap())).unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        keyring.key_in("keyring");
        keyring
    }

    fn folder(&self) -> PathBuf {
        self.world.folder.path().join("keyring")
    }

    fn key_in(&self, place: &str) {
        let file = self.world.folder.path().join("bulkhead.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let before = text.split("[secrets]").next().unwrap();
        std::fs::write(&file, format!("{before}[secrets]\nkey = {place:?}\n")).unwrap();
    }

    fn set(&self, what: &str) {
        std::fs::write(self.folder().join(what), "").unwrap();
    }

    fn unset(&self, what: &str) {
        std::fs::remove_file(self.folder().join(what)).unwrap();
    }

    fn bulkhead_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = self.world.command(words);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.folder().join("bin").display()));
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere").env("AWS_SECRET_ACCESS_KEY", "not-for-it");
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        Said { code: output.status.code(), text: String::from_utf8_lossy(&text).into_owned() }
    }

    fn bulkhead(&self, words: &[&str]) -> Said {
        self.bulkhead_with(words, &[])
    }

    fn add(&self, name: &str) -> Said {
        let value = self.world.folder.path().join("value");
        std::fs::write(&value, REAL).unwrap();
        let value = value.to_str().unwrap();
        self.bulkhead(&["secret", "add", name, "--host", GOOD, "--variable", name, "--value-file", value])
    }

    fn keys(&self) -> Vec<(PathBuf, String)> {
        let files = std::fs::read_dir(self.folder()).unwrap().map(|file| file.unwrap().path());
        let keys = files.filter(|file| file.extension().is_some_and(|extension| extension == "key"));
        keys.map(|file| (file.clone(), std::fs::read_to_string(file).unwrap())).collect()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap()
    }

    fn entries(&self) -> String {
        self.bulkhead(&["--format", "json", "ledger", "show"]).text
    }
}

impl Said {
    #[track_caller]
    fn well(&self, what: &str) {
        assert!(self.code == Some(0) && self.text.contains(what), "no `{what}` in {:?} {}", self.code, self.text);
    }

    #[track_caller]
    fn badly(&self, what: &[&str]) {
        assert_ne!(self.code, Some(0), "{}", self.text);
        for what in what {
            assert!(self.text.contains(what), "no `{what}` in {}", self.text);
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn nowhere(folder: &Path, key: &str) {
    let raw: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).unwrap()).collect();
    let files: Vec<PathBuf> = files(folder).into_iter().filter(|file| file.is_file()).collect();
    assert!(files.iter().any(|file| file.ends_with("secrets.sealed")), "{files:?}");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        for needle in [key.as_bytes(), raw.as_slice()] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{}", file.display());
        }
    }
}

#[test]
fn the_key_is_in_the_keyring_and_in_no_file_and_no_command_line() {
    let keyring = Keyring::new();
    keyring.bulkhead(&["secret", "list"]).well("sealed with the key in the operating system's keyring");
    assert_eq!(keyring.keys().len(), 0, "no key before the first secret");
    keyring.add("one").well("sealed with the key in the operating system's keyring");
    keyring.add("two").well("secret two added");
    let keys = keyring.keys();
    let [(_, key)] = keys.as_slice() else { panic!("one key for all: {keys:?}") };
    assert_eq!(key.len(), 64);
    assert!(!keyring.world.data.join("secrets.key").exists());
    nowhere(&keyring.world.data, key);
    let log = keyring.log();
    assert!(log.contains("secret-tool store --label=Bulkhead sealing key"), "{log}");
    assert!(!log.contains(key.as_str()) && !log.contains("not-for-it") && !log.contains("USER="), "{log}");
    assert!(log.contains("DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere"), "{log}");
    // Said in both forms.
    keyring.bulkhead(&["secret", "list"]).well("sealed with the key in the operating system's keyring");
    let listed = keyring.bulkhead(&["--format", "json", "secret", "list"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.text).unwrap();
    assert_eq!((&listed["key"], listed["secrets"].as_array().unwrap().len()), (&"keyring".into(), 2));
    // The other reader: a run, before it starts.
    let script = format!("curl -sS -H \"authorization: Bearer $one\" https://{GOOD}/used; env; cat /proc/mounts");
    let ran = keyring.bulkhead(&["run", "--", "/bin/sh", "-c", &script]);
    ran.well("placeholders for: one");
    ran.well("used one");
    assert!(keyring.world.internet.received().contains(REAL), "swapped outside");
    assert!(!ran.text.contains(key.as_str()) && !ran.text.contains(REAL), "{}", ran.text);
}

#[test]
fn a_keyring_that_cannot_be_used_is_an_error_and_never_another_key() {
    let keyring = Keyring::new();
    // Before the first: nothing is made elsewhere, and nothing is recorded.
    keyring.set("refuses");
    keyring.add("one").badly(&["Cannot autolaunch D-Bus", "unlock it", "DBUS_SESSION_BUS_ADDRESS"]);
    keyring.unset("refuses");
    keyring.set("locked");
    keyring.add("one").badly(&["Cannot create an item in a locked collection", "unlock it"]);
    keyring.unset("locked");
    keyring.set("forgets");
    keyring.add("one").badly(&["does not give it back", "nothing was sealed"]);
    keyring.unset("forgets");
    let script = keyring.folder().join("bin/secret-tool");
    let aside = keyring.folder().join("aside");
    std::fs::rename(&script, &aside).unwrap();
    keyring.add("one").badly(&["secret-tool is not on PATH", "libsecret-tools", "key = \"file\""]);
    std::fs::rename(&aside, &script).unwrap();
    assert!(!keyring.world.data.join("secrets.key").exists() && !keyring.world.data.join("secrets.sealed").exists());
    assert!(!keyring.entries().contains("secret-add"), "what failed is not in the record");
    // Afterwards: what was sealed stays as it is.
    keyring.add("one").well("added");
    assert!(keyring.entries().contains("secret-add"));
    let sealed = std::fs::read(keyring.world.data.join("secrets.sealed")).unwrap();
    keyring.set("locked");
    let run: &[&str] = &["run", "--", "/bin/echo", "it ran"];
    for words in [&["secret", "list"][..], &["secret", "rotate", "--key"], &["secret", "remove", "one"], run] {
        let said = keyring.bulkhead(words);
        said.badly(&["the keyring is locked", "unlock it"]);
        assert!(!said.text.contains("it ran"));
    }
    keyring.unset("locked");
    let (file, key) = keyring.keys().remove(0);
    std::fs::remove_file(&file).unwrap();
    for words in [&["secret", "list"][..], &["secret", "remove", "one"], run] {
        keyring
            .bulkhead(words)
            .badly(&["holds secrets, and the keyring has no sealing key", "as the user who added them"]);
    }
    keyring.add("two").badly(&["the keyring has no sealing key"]);
    assert_eq!(keyring.keys().len(), 0, "no other key");
    assert_eq!(std::fs::read(keyring.world.data.join("secrets.sealed")).unwrap(), sealed);
    std::fs::write(file, "0".repeat(64)).unwrap();
    keyring.bulkhead(&["secret", "list"]).badly(&["sealed with another key"]);
    assert_ne!(key, "0".repeat(64));
}

#[test]
fn the_key_moves_between_the_places_and_only_when_told_to() {
    let keyring = Keyring::new();
    let data = &keyring.world.data;
    let given = "ab".repeat(32);
    let variable = [("BULKHEAD_SECRETS_KEY", given.as_str())];
    keyring.bulkhead(&["secret", "rotate", "--key"]).badly(&["there are no secrets"]);
    keyring.key_in("environment");
    keyring.add("one").badly(&["BULKHEAD_SECRETS_KEY is not set"]);
    keyring.key_in("file");
    keyring.add("one").well("secrets.key (mode 0600)");
    keyring.bulkhead(&["secret", "rotate", "--key"]).badly(&["comes from the file already"]);
    keyring.bulkhead(&["secret", "rotate"]).badly(&["<NAME>"]);
    let in_file = std::fs::read_to_string(data.join("secrets.key")).unwrap();
    // To the keyring.
    keyring.key_in("keyring");
    keyring.bulkhead(&["secret", "list"]).badly(&["in a file or from the environment", "bulkhead secret rotate --key"]);
    keyring.add("two").badly(&["bulkhead secret rotate --key"]);
    assert!(keyring.keys().is_empty());
    keyring.bulkhead(&["secret", "rotate", "--key"]).well("gone from the file");
    assert!(!data.join("secrets.key").exists());
    nowhere(data, in_file.trim());
    keyring.bulkhead(&["secret", "list"]).well("one");
    // Within it: a new key, and the one before is gone.
    let before = keyring.keys();
    keyring.bulkhead(&["secret", "rotate", "--key"]).well("gone from the keyring");
    let after = keyring.keys();
    assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
    nowhere(data, &after[0].1);
    // To the environment, and back to a file.
    keyring.key_in("environment");
    keyring.bulkhead_with(&["secret", "list"], &variable).badly(&["in the operating system's keyring", "rotate --key"]);
    keyring.bulkhead_with(&["secret", "rotate", "--key"], &variable).well("sealed with the key from the environment");
    assert!(keyring.keys().is_empty());
    keyring.bulkhead_with(&["secret", "list"], &variable).well("one");
    keyring.key_in("file");
    keyring.bulkhead_with(&["secret", "rotate", "--key"], &variable).well("remove the key before from the environment");
    keyring.bulkhead(&["secret", "list"]).well("one");
    let entries = keyring.entries();
    for way in
        ["from file to keyring", "from keyring to keyring", "from keyring to environment", "from environment to file"]
    {
        assert!(entries.contains(&format!("sealing key, {way}")), "{way}: {entries}");
    }
    assert!(!entries.contains(in_file.trim()) && !entries.contains(&given));
}

#[test]
fn commands_at_the_same_time_lose_no_secret_and_no_key() {
    let keyring = Keyring::new();
    keyring.add("zero").well("added");
    let value = keyring.world.folder.path().join("same");
    std::fs::write(&value, REAL).unwrap();
    let add = |name: String| {
        let words = ["secret", "add", &name, "--host", GOOD, "--value-file", value.to_str().unwrap()];
        (keyring.bulkhead(&words), name)
    };
    let added: Vec<(Said, String)> = std::thread::scope(|scope| {
        let adding: Vec<_> = (0..6).map(|at| scope.spawn(move || add(format!("s{at}")))).collect();
        let rotating: Vec<_> =
            (0..2).map(|_| scope.spawn(|| keyring.bulkhead(&["secret", "rotate", "--key"]))).collect();
        for rotated in rotating {
            rotated.join().unwrap().well("gone from the keyring");
        }
        adding.into_iter().map(|adding| adding.join().unwrap()).collect()
    });
    let listed = keyring.bulkhead(&["secret", "list"]);
    listed.well("zero");
    for (said, name) in added {
        assert_eq!(
            said.code == Some(0),
            listed.text.contains(&format!("{name} ")),
            "{name}: {}\n{}",
            said.text,
            listed.text
        );
        assert!(said.code == Some(0) || said.text.contains("changed by another command meanwhile"), "{}", said.text);
    }
    assert_eq!(keyring.keys().len(), 1);
}
