use super::*;

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(Some(PathBuf::from("/etc/bulkhead/bulkhead.toml")), text, Overrides::default())
}

fn errors(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn an_empty_file_is_all_defaults() {
    let config = parse("").unwrap();
    assert_eq!(config.server, Server::default());
    assert_eq!(config.intake, Intake::default());
    assert_eq!(config.feed, Feed::default());
    assert_eq!(config.server.own_url(), "http://127.0.0.1:7070/");
}

#[test]
fn every_key_is_read() {
    let config = parse(
        r#"
        [server]
        listen = "0.0.0.0:8443"
        data = "data"
        tls_cert = "cert.pem"
        tls_key = "/keys/key.pem"
        url = "https://Bulkhead.corp.example"
        [intake.pypi]
        upstream = "http://127.0.0.1:3141/simple"
        hosts = ["Files.corp.example", "cdn.corp.example:8443"]
        index_ttl = "0s"
        max_index = "1MiB"
        max_file = 1_000
        connect_timeout = "1s"
        first_byte_timeout = "2m"
        idle_timeout = "3s"
        [feed]
        max_age = "2d"
        [egress]
        addresses = ["API.corp.example:443=127.0.0.1:8443", "db.corp.example:5432 = [fd00::7]:5432"]
        "#,
    )
    .unwrap();
    let folder = Path::new("/etc/bulkhead");
    assert_eq!(config.server.listen, "0.0.0.0:8443".parse().unwrap());
    assert_eq!(config.server.data, folder.join("data"));
    let tls = TlsFiles { cert: folder.join("cert.pem"), key: PathBuf::from("/keys/key.pem") };
    assert_eq!(config.server.tls, Some(tls));
    assert_eq!(config.server.own_url(), "https://bulkhead.corp.example/");
    let pypi = config.intake.pypi;
    assert_eq!(pypi.upstream.unwrap().to_string(), "http://127.0.0.1:3141/simple/");
    assert_eq!(pypi.hosts, ["files.corp.example", "cdn.corp.example:8443"]);
    assert_eq!((pypi.max_index, pypi.max_file), (1 << 20, 1000));
    let seconds =
        [pypi.index_ttl, pypi.connect_timeout, pypi.first_byte_timeout, pypi.idle_timeout].map(|span| span.as_secs());
    assert_eq!(seconds, [0, 1, 120, 3]);
    assert_eq!(config.feed.max_age, Duration::from_secs(2 * 86_400));
    let addresses = [
        ("api.corp.example".to_owned(), 443, "127.0.0.1:8443".parse().unwrap()),
        ("db.corp.example".to_owned(), 5432, "[fd00::7]:5432".parse().unwrap()),
    ];
    assert_eq!(config.egress.addresses, addresses);
}

#[test]
fn where_a_host_stands_is_said_once_and_as_a_name() {
    for wrong in [
        "api.example",
        "api.example:443",
        "api.example=1.2.3.4:5",
        "api.example:443=other.example:443",
        "10.0.0.1:443=1.2.3.4:5",
        "[::1]:443=1.2.3.4:5",
        "u@api.example:443=1.2.3.4:5",
        "api.example:443=1.2.3.4:0",
    ] {
        let said = errors(&format!("[egress]\naddresses = [{wrong:?}]\n"));
        assert!(
            said.contains("does not say where a host is") && said.contains("HOST:PORT=ADDRESS:PORT"),
            "{wrong}: {said}"
        );
    }
    let twice = errors("[egress]\naddresses = [\"a.example:1=1.2.3.4:5\", \"A.example:1=1.2.3.4:6\"]\n");
    assert!(twice.contains("says twice where a.example:1 is"), "{twice}");
}

#[test]
fn where_the_sealing_key_is_is_one_of_three_words_and_never_the_key() {
    assert_eq!(parse("").unwrap().secrets.key, None);
    for (word, place) in
        [("file", KeyPlace::File), ("keyring", KeyPlace::Keyring), ("environment", KeyPlace::Environment)]
    {
        assert_eq!(parse(&format!("[secrets]\nkey = {word:?}\n")).unwrap().secrets.key, Some(place));
    }
    insta::assert_snapshot!(errors("[secrets]\nkey = \"00112233445566778899\"\n"), @r#"
    /etc/bulkhead/bulkhead.toml:2: `secrets.key` does not say where the sealing key is
      help: write "file", "keyring" or "environment", never the key
    "#);
}

#[test]
fn the_command_line_wins() {
    let overrides = Overrides { data: Some("here".into()), listen: Some("127.0.0.1:1".parse().unwrap()) };
    let text = "[server]\nlisten = \"127.0.0.1:2\"\ndata = \"there\"\n";
    let config = Config::parse(Some("/x/bulkhead.toml".into()), text, overrides).unwrap();
    assert_eq!((config.server.data, config.server.listen), ("here".into(), "127.0.0.1:1".parse().unwrap()));
}

#[test]
fn all_mistakes_come_at_once_with_line_and_hint() {
    insta::assert_snapshot!(
        errors(
            r#"[server]
listen = "localhost:7070"
data = 7
tls_cert = "cert.pem"
url = "https://u:p@corp.example/x"

[intake.pypi]
upsteam = "x"
upstream = "mirror.corp.example/simple"
hosts = ["https://files.corp.example/", "ok.example", 3]
index_ttl = "soon"
max_index = "128MB"
max_file = -1
idle_timeout = "0s"
completely_other = true

[intake]
npm = {}

[feed]
max_age = 7

[colour]
"#
        ),
        @r#"
    /etc/bulkhead/bulkhead.toml:2: `server.listen` is not an address and port: `localhost:7070`
      help: write an IP address, not a name: listen = "127.0.0.1:7070"
    /etc/bulkhead/bulkhead.toml:3: `server.data` is an integer
      help: write a string in quotes
    /etc/bulkhead/bulkhead.toml:4: `server.tls_cert` is set but `server.tls_key` is not
      help: set both, or neither
    /etc/bulkhead/bulkhead.toml:5: `server.url` holds credentials; it is shown to every client
      help: for example "https://bulkhead.corp.example/"
    /etc/bulkhead/bulkhead.toml:8: unknown key `intake.pypi.upsteam`
      help: did you mean `upstream`?
    /etc/bulkhead/bulkhead.toml:9: `intake.pypi.upstream` is not an http:// or https:// URL
      help: write the simple index: upstream = "https://mirror.corp.example/simple/"
    /etc/bulkhead/bulkhead.toml:10: `intake.pypi.hosts` holds something that is not a host
      help: write "files.corp.example" or "files.corp.example:8443", without scheme and path
    /etc/bulkhead/bulkhead.toml:10: `intake.pypi.hosts` holds an integer
      help: write strings in quotes
    /etc/bulkhead/bulkhead.toml:11: `intake.pypi.index_ttl`: `soon` is not a span of time: write a number and s, m, h, d or w, such as `3d` or `36h`
    /etc/bulkhead/bulkhead.toml:12: `intake.pypi.max_index` is not a size
      help: write a number of bytes, or a string with B, KiB, MiB or GiB, such as "128MiB"
    /etc/bulkhead/bulkhead.toml:13: `intake.pypi.max_file` is not a size
      help: write a number of bytes, or a string with B, KiB, MiB or GiB, such as "128MiB"
    /etc/bulkhead/bulkhead.toml:14: `intake.pypi.idle_timeout` is zero
      help: nothing could succeed in no time; write "30s"
    /etc/bulkhead/bulkhead.toml:15: unknown key `intake.pypi.completely_other`
      help: known here: upstream, hosts, index_ttl, max_index, max_file, connect_timeout, first_byte_timeout, idle_timeout
    /etc/bulkhead/bulkhead.toml:18: unknown key `intake.npm`
      help: known here: pypi
    /etc/bulkhead/bulkhead.toml:21: `feed.max_age` is an integer
      help: write a string in quotes
    /etc/bulkhead/bulkhead.toml:23: unknown key `colour`
      help: known here: server, intake, feed, ledger, egress, secrets
    "#
    );
}

#[test]
fn a_section_that_is_a_value_is_an_error() {
    insta::assert_snapshot!(errors("server = 7070\nintake = { pypi = \"x\" }\n"), @r"
    /etc/bulkhead/bulkhead.toml:1: `server` is an integer
      help: write it as a table: [server]
    /etc/bulkhead/bulkhead.toml:2: `intake.pypi` is a string
      help: write it as a table: [intake.pypi]
    ");
}

#[test]
fn broken_toml_is_reported_with_the_rest() {
    insta::assert_snapshot!(errors("[server]\nlisten = \nport = 1\n"), @r"
    /etc/bulkhead/bulkhead.toml:2: not TOML: string values must be quoted, expected literal string
    /etc/bulkhead/bulkhead.toml:3: unknown key `server.port`
      help: known here: listen, data, tls_cert, tls_key, url
    ");
}

#[test]
fn a_password_is_never_repeated() {
    let broken = "[intake.pypi]\nupstream = \"https://u:hunter2@mirror.example:port/simple/\"\nupstream = \"ftp://u:hunter2@x\"\n";
    assert!(!errors(broken).contains("hunter2"), "{}", errors(broken));
    let good =
        parse("[intake.pypi]\nupstream = \"https://us%40er:hunter%322@mirror.example/simple/?a=b#c\"\n").unwrap();
    assert!(!format!("{good:?}").contains("hunter"), "{good:?}");
    assert_eq!(good.intake.pypi.upstream.unwrap().to_string(), "https://mirror.example/simple/");
    assert_eq!(good.intake.pypi.credentials.unwrap().reveal(), "us@er:hunter22");
}

#[test]
fn a_named_file_must_exist_and_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.toml");
    let missing = Config::load(Some(&path), Overrides::default()).unwrap_err();
    assert!(missing.to_string().contains("my.toml: cannot be read"), "{missing}");
    std::fs::write(&path, "[server]\ndata = \"d\"\n").unwrap();
    let config = Config::load(Some(&path), Overrides::default()).unwrap();
    assert_eq!((config.server.data, config.file), (folder.path().join("d"), Some(path)));
}

#[test]
fn urls_are_read_strictly() {
    let table = [
        ("https://A.example/simple", Some("https://a.example/simple/")),
        ("  HTTP://a.example:8080  ", Some("http://a.example:8080/")),
        ("https://[::1]:8443/x/", Some("https://[::1]:8443/x/")),
        ("a.example/simple", None),
        ("file:///srv/simple", None),
        ("https://", None),
        ("https:///simple", None),
        ("https://a.example:99999/", None),
        ("https://a.example:/", None),
        ("https://a b/", None),
        ("https://u:%zz@a.example/", None),
        ("https://u:%0a@a.example/", None),
    ];
    for (text, expected) in table {
        let got = url::index_url(text).ok().map(|(uri, _)| uri.to_string());
        assert_eq!(got.as_deref(), expected, "{text}");
    }
}

#[test]
fn own_url_of_an_unspecified_address_is_loopback() {
    let server = Server { listen: "0.0.0.0:9".parse().unwrap(), ..Server::default() };
    assert_eq!(server.own_url(), "http://127.0.0.1:9/");
}

#[test]
fn every_variable_is_documented_once_and_in_order() {
    let names: Vec<&str> = env::ALL.iter().map(|variable| variable.name).collect();
    assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    assert!(env::ALL.iter().all(|variable| variable.doc.ends_with('.')));
}
