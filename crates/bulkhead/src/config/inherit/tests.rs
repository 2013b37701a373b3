use std::fs;

use super::*;

/// A machine: a home with files, an environment, and Bulkhead on its usual port.
struct Machine {
    folder: tempfile::TempDir,
    pairs: Vec<(env::Variable, String)>,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let pairs = vec![(env::HOME, at("home"))];
        Self { folder, pairs }
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn set(mut self, variable: env::Variable, value: &str) -> Self {
        let value = value.replace("{}", self.folder.path().to_str().unwrap());
        self.pairs.push((variable, value));
        self
    }

    fn env(&self) -> Env {
        Env::of(self.pairs.clone()).with_etc(self.folder.path().join("etc"))
    }

    fn inherit(&self) -> Result<Option<Inherited>, InheritError> {
        from_files_and_env(&self.env(), &Own::new(&Server::default()))
    }

    fn url(&self) -> String {
        self.inherit().unwrap().unwrap().url.to_string()
    }

    fn source(&self) -> String {
        let source = self.inherit().unwrap().unwrap().source.to_string();
        source.replace(self.folder.path().to_str().unwrap(), "")
    }
}

const PIP: &str = "home/.config/pip/pip.conf";

fn conf(url: &str) -> String {
    format!("[global]\nindex-url = {url}\n")
}

#[test]
fn environment_comes_first_and_pip_before_uv() {
    let machine = Machine::new()
        .file(PIP, &conf("https://file.example/simple"))
        .set(env::UV_INDEX_URL, "https://old-uv.example/simple");
    assert_eq!(machine.url(), "https://old-uv.example/simple/");
    let machine = machine.set(env::UV_DEFAULT_INDEX, "corp=https://uv.example/simple?a=b");
    assert_eq!(machine.url(), "https://uv.example/simple/");
    let machine = machine.set(env::PIP_INDEX_URL, "https://pip.example/simple");
    assert_eq!(
        (machine.url().as_str(), machine.source().as_str()),
        ("https://pip.example/simple/", "environment PIP_INDEX_URL")
    );
}

#[test]
fn pip_files_count_in_pips_order() {
    let machine = Machine::new().file("etc/xdg/pip/pip.conf", &conf("https://xdg.example/"));
    assert_eq!(machine.source(), "pip.conf at /etc/xdg/pip/pip.conf");
    let machine = machine.file("etc/pip.conf", &conf("https://etc.example/"));
    assert_eq!(machine.source(), "pip.conf at /etc/pip.conf");
    let machine = machine.file("home/.pip/pip.conf", &conf("https://legacy.example/"));
    assert_eq!(machine.source(), "pip.conf at /home/.pip/pip.conf");
    let machine = machine.file(PIP, &conf("https://user.example/"));
    assert_eq!(machine.source(), "pip.conf at /home/.config/pip/pip.conf");
    let machine = machine.file("venv/pip.conf", &conf("https://venv.example/")).set(env::VIRTUAL_ENV, "{}/venv");
    assert_eq!(machine.source(), "pip.conf at /venv/pip.conf");
    let machine =
        machine.file("extra.conf", &conf("https://extra.example/")).set(env::PIP_CONFIG_FILE, "{}/extra.conf");
    assert_eq!(machine.source(), "pip.conf at /extra.conf");
    let machine = machine.set(env::PIP_CONFIG_FILE, "/dev/null");
    assert_eq!(machine.inherit().unwrap(), None);
}

#[test]
fn with_an_extra_file_the_users_own_does_not_count() {
    let machine =
        Machine::new().file(PIP, &conf("https://user.example/")).file("extra.conf", "[global]\ntimeout = 1\n");
    assert_eq!(machine.url(), "https://user.example/");
    assert_eq!(machine.set(env::PIP_CONFIG_FILE, "{}/extra.conf").inherit().unwrap(), None);
}

#[test]
fn a_commands_section_beats_global_even_from_a_lesser_file() {
    let machine = Machine::new()
        .file(PIP, &conf("https://user.example/"))
        .file("etc/pip.conf", "[install]\nindex-url = https://install.example/\n");
    assert_eq!(machine.url(), "https://install.example/");
}

#[test]
fn uv_files_are_read() {
    let user = "home/.config/uv/uv.toml";
    let table = [
        (
            "[[index]]\nurl = \"https://extra.example\"\n[[index]]\nname = \"corp\"\nurl = \"https://corp.example\"\ndefault = true\n",
            "https://corp.example/",
        ),
        ("index-url = \"https://plain.example\"\nother-key = 1\n", "https://plain.example/"),
        ("[pip]\nindex-url = \"https://pip-section.example\"\n", "https://pip-section.example/"),
    ];
    for (text, expected) in table {
        assert_eq!(Machine::new().file(user, text).url(), expected);
    }
    let machine = Machine::new().file(user, table[1].0);
    assert_eq!(machine.source(), "uv.toml at /home/.config/uv/uv.toml");
    let system = Machine::new().file("etc/uv/uv.toml", table[1].0);
    assert_eq!(system.source(), "uv.toml at /etc/uv/uv.toml");
    let other =
        machine.file("other.toml", "index-url = \"https://other.example\"").set(env::UV_CONFIG_FILE, "{}/other.toml");
    assert_eq!(other.url(), "https://other.example/");
    assert_eq!(other.set(env::UV_NO_CONFIG, "1").inherit().unwrap(), None);
}

#[test]
fn what_points_at_bulkhead_is_passed_over_with_a_note() {
    let own = [
        "http://127.0.0.1:7070/pypi/simple/",
        "http://localhost:7070/pypi/simple/",
        "http://127.0.0.2:7070/",
        "http://[::1]:7070/pypi/simple/",
        "http://0.0.0.0:7070/pypi/simple/",
    ];
    for url in own {
        let machine = Machine::new().set(env::PIP_INDEX_URL, url).file(PIP, &conf("https://corp.example/simple/"));
        let inherited = machine.inherit().unwrap().unwrap();
        assert_eq!(inherited.url.to_string(), "https://corp.example/simple/", "{url}");
        assert_eq!(inherited.notes, ["environment PIP_INDEX_URL points at Bulkhead itself and was passed over"]);
    }
    let other =
        ["http://127.0.0.1:7071/simple/", "https://bulkhead.corp.example:7070/pypi/simple/", "http://10.0.0.1:7070/"];
    for url in other {
        assert_eq!(Machine::new().set(env::PIP_INDEX_URL, url).url(), url);
    }
    let named = Server { url: Some("https://bulkhead.corp.example/".parse().unwrap()), ..Server::default() };
    let machine = Machine::new().set(env::PIP_INDEX_URL, "https://Bulkhead.corp.example:443/pypi/simple/");
    assert_eq!(from_files_and_env(&machine.env(), &Own::new(&named)).unwrap(), None);
}

#[test]
fn a_setting_that_cannot_be_read_stops_instead_of_falling_through() {
    let url = Machine::new().set(env::PIP_INDEX_URL, "file:///srv/u:hunter2@x").inherit().unwrap_err();
    insta::assert_snapshot!(url, @"the index URL of environment PIP_INDEX_URL is not an http:// or https:// URL; fix it there, or set `upstream` under [intake.pypi] in bulkhead.toml");
    let ini = Machine::new().file(PIP, "[global]\nindex-url\n").inherit().unwrap_err().to_string();
    assert!(ini.ends_with("pip.conf:2: neither a [section] nor `key = value`"), "{ini}");
    let toml = Machine::new()
        .file("home/.config/uv/uv.toml", "\nindex-url = 3\nx = \"hunter2\"")
        .inherit()
        .unwrap_err()
        .to_string();
    assert!(toml.contains("uv.toml:2: ") && !toml.contains("hunter2"), "{toml}");
    let bytes = Machine::new();
    let path = bytes.folder.path().join(PIP);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, b"[global]\nindex-url = \xff\n").unwrap();
    assert!(matches!(bytes.inherit(), Err(InheritError::Unreadable { .. })));
}

#[test]
fn credentials_come_from_the_url_or_from_netrc_of_that_host() {
    let netrc = "machine other.example login no password no\nmachine corp.example\n  login me\n  password s3cret\n";
    let machine =
        Machine::new().set(env::PIP_INDEX_URL, "https://token:inline@corp.example/").file("home/.netrc", netrc);
    let inherited = machine.inherit().unwrap().unwrap();
    assert_eq!(inherited.url.to_string(), "https://corp.example/");
    assert_eq!(inherited.credentials.as_ref().unwrap().reveal(), "token:inline");
    assert!(!format!("{inherited:?}").contains("inline"));
    let machine = machine.set(env::PIP_INDEX_URL, "https://corp.example:8443/");
    assert_eq!(machine.inherit().unwrap().unwrap().credentials.unwrap().reveal(), "me:s3cret");
    let machine = machine.set(env::PIP_INDEX_URL, "https://unknown.example/");
    assert_eq!(machine.inherit().unwrap().unwrap().credentials, None);
    let moved = Machine::new()
        .set(env::PIP_INDEX_URL, "https://corp.example/")
        .file("my-netrc", netrc)
        .set(env::NETRC, "{}/my-netrc");
    assert_eq!(moved.inherit().unwrap().unwrap().credentials.unwrap().reveal(), "me:s3cret");
}

#[test]
fn netrc_in_its_odder_shapes() {
    let entry = |text: &str| netrc::entry(text, "h.example").map(|secret| secret.reveal().to_owned());
    let table = [
        ("machine h.example login a password b", Some("a:b")),
        ("machine H.Example password b login a", Some("a:b")),
        ("# machine h.example password no\nmachine h.example password \"b \\\" c\"", Some(":b \" c")),
        ("machine h.example login a account x password b#c\nmachine z password no", Some("a:b#c")),
        ("macdef init\nmachine h.example password no\n\nmachine h.example password yes", Some(":yes")),
        ("default login a password b", None),
        ("machine z login machine password h.example default password b", None),
        ("machine h.example login a", None),
        ("machine h.example.evil.example password b", None),
        ("machine h.example password", None),
        ("machine", None),
        ("", None),
    ];
    for (text, expected) in table {
        assert_eq!(entry(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn ini_as_pythons_configparser_reads_it() {
    let text = "\u{feff}# comment\n; comment\n[global]\nIndex_URL: https://a.example/ # kept\nempty =\nmany =\n    one\n    # not this\n    two\n\n    three\n[ install ]\n--timeout = 5\n[DEFAULT]\nx=y=z\n";
    let entries: Vec<String> = ini::parse(text)
        .unwrap()
        .into_iter()
        .map(|entry| format!("[{}] {} = {:?}", entry.section, entry.key, entry.value))
        .collect();
    insta::assert_snapshot!(entries.join("\n"), @r#"
    [global] index-url = "https://a.example/ # kept"
    [global] empty = ""
    [global] many = "\none\ntwo\nthree"
    [ install ] timeout = "5"
    [DEFAULT] x = "y=z"
    "#);
    let wrong = ["key = value", "[a\n", "[a]\nb\n", "[a]\n= b\n", "[a]\nk = 1\nK = 2\n", "[a]\n[b]\n[a]\n"];
    for text in wrong {
        assert!(ini::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_default_is_found_in_help_texts() {
    let pip = "  -i, --index-url <url>       Base URL of the Python Package Index (default\n                              https://index.example/simple). This should point\n  --extra-index-url <url>  Extra URLs\n";
    assert_eq!(default_in_help(pip).as_deref(), Some("https://index.example/simple"));
    let uv = "      --default-index <DEFAULT_INDEX>\n          The URL of the default package index (by default: <https://index.example/simple>).\n";
    assert_eq!(default_in_help(uv).as_deref(), Some("https://index.example/simple"));
    for text in [
        "",
        "--index-url <url> no word of it",
        "--extra-index-url (default https://x.example/)",
        "--index-url <u> (default none) --find (default https://x.example/)",
    ] {
        assert_eq!(default_in_help(text), None, "{text}");
    }
}

#[test]
fn pips_own_answer_is_an_upstream_like_any_other() {
    let machine = Machine::new().file("home/.netrc", "machine index.example login a password b");
    let inherited = from_pip_default("https://index.example/simple", &machine.env()).unwrap();
    assert_eq!(
        (inherited.url.to_string().as_str(), inherited.source.to_string().as_str()),
        ("https://index.example/simple/", "pip's own default")
    );
    assert_eq!(inherited.credentials.unwrap().reveal(), "a:b");
    assert!(from_pip_default("nonsense", &machine.env()).is_err());
}

#[cfg(unix)]
mod asking {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn program(machine: Machine, name: &str, script: &str) -> Machine {
        let machine = machine.file(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
        let path = machine.folder.path().join("bin").join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        machine
    }

    #[test]
    fn python_is_asked_first_and_pip_when_it_has_none() {
        let machine = Machine::new().set(env::PATH, "{}/bin");
        assert_eq!(ask_pip(&machine.env()), None);
        let good = "[ \"$PIP_CONFIG_FILE\" = /dev/null ] && [ -z \"$PIP_INDEX_URL\" ] && echo \"--index-url <url> Base (default https://index.example/simple). $*\"";
        let machine = program(machine, "python3", "echo '--index-url <url> (default https://wrong.example/)'; exit 1");
        let machine = program(machine, "pip", good);
        assert_eq!(ask_pip(&machine.env()).as_deref(), Some("https://index.example/simple"));
        let machine = program(machine, "python3", "echo '--index-url <url> (default https://first.example/)'");
        assert_eq!(ask_pip(&machine.env()).as_deref(), Some("https://first.example/"));
    }
}
