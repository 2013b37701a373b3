//! What is already inside and is marked later is raised, once, to whoever must know.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::exposure::{Estate, RELEASE};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Takes one request and answers with that status; the request's head and body.
fn webhook(status: u16) -> (String, std::thread::JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let taken = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut text, mut buffer) = (String::new(), [0; 4096]);
        loop {
            let length = stream.read(&mut buffer).unwrap();
            text.push_str(&String::from_utf8_lossy(&buffer[..length]));
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let wanted =
                    head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if body.len() >= wanted.unwrap_or(0) {
                    let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    stream.write_all(answer.as_bytes()).unwrap();
                    return (head.to_lowercase(), body.to_owned());
                }
            }
        }
    });
    (url, taken)
}

#[test]
fn what_is_inside_and_marked_later_is_raised_once() {
    let estate = Estate::clean();
    let clean = estate.bulkhead.run(&["watch"]).expect_good();
    assert!(clean.stdout.contains("nothing new is marked"), "{clean}");
    estate.flag();
    estate.bulkhead.wait_for("a release that is already inside was marked");
    let secret = estate.bulkhead.place().write("hook-secret", SECRET);
    let secret = secret.to_str().unwrap();
    // A webhook that fails is told again the next time.
    let (url, taken) = webhook(500);
    let failed = estate.bulkhead.run(&["watch", "--webhook", &url, "--secret-file", secret]).expect_code(1);
    taken.join().unwrap();
    assert!(failed.stderr.contains("nothing was recorded as raised"), "{failed}");
    let (url, taken) = webhook(204);
    let raised = estate.bulkhead.run(&["watch", "--webhook", &url, "--secret-file", secret]).expect_code(1);
    assert!(raised.stdout.contains(RELEASE) && raised.stdout.contains("MAL-2026-9001"), "{raised}");
    let (head, body) = taken.join().unwrap();
    let signature = head.lines().find_map(|line| line.strip_prefix("bulkhead-signature: ")).expect("is signed");
    let (at, tag) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let expected = aws_lc_rs::hmac::sign(&key, format!("{at}.{body}").as_bytes());
    let expected: String = expected.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(tag, expected);
    let told: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(told["alarms"][0]["purl"], RELEASE);
    // Raised once; the record is an entry.
    estate.bulkhead.run(&["watch"]).expect_good();
    let alarms = estate.bulkhead.entries().into_iter().filter(|entry| entry["action"] == "alarm").count();
    assert_eq!(alarms, 1);
}
