//! The console, over plain HTTP and in a real browser.

use crate::{
    exposure::{Estate, RELEASE},
    support::{Browser, Bulkhead, Registry, Upload, Wheel, browser, http},
};

fn token(bulkhead: &Bulkhead, console: bool) -> String {
    let mut words = vec!["token", "create", "--for", "sec", "--format", "json"];
    words.extend(console.then_some("--console"));
    bulkhead.run(&words).expect_good().json()["token"].as_str().unwrap().to_owned()
}

fn form(bulkhead: &Bulkhead, path: &str, cookie: &str, extra: &[(&str, &str)], body: &str) -> http::Reply {
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie)];
    headers.extend(extra);
    http::send(bulkhead.address(), "POST", path, &headers, body)
}

fn sign_in(bulkhead: &Bulkhead) -> String {
    let reply = form(bulkhead, "/console/login", "", &[], &format!("token={}", token(bulkhead, true)));
    assert_eq!((reply.status, reply.header("location")), (303, Some("/console/")), "{}", reply.text());
    let cookie = reply.header("set-cookie").expect("a cookie").to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/console"),
        "{cookie}"
    );
    cookie.split(';').next().unwrap().to_owned()
}

/// A page as somebody who is signed in sees it.
pub fn page(bulkhead: &Bulkhead, path: &str) -> String {
    bulkhead.request("GET", path, &[("cookie", &sign_in(bulkhead))]).text()
}

#[test]
fn without_an_admin_token_there_is_only_the_way_in() {
    let bulkhead = Bulkhead::before(&Registry::start());
    for path in ["/console", "/console/", "/console/held", "/console/ledger/entry?index=0", "/console/nothing"] {
        let reply = bulkhead.get(path);
        assert_eq!((reply.status, reply.header("location")), (303, Some("/console/login")), "{path}");
    }
    // A token of a client names a client, and opens nothing.
    let client = token(&bulkhead, false);
    for wrong in [client.as_str(), "bh_nonsense", ""] {
        assert_eq!(form(&bulkhead, "/console/login", "", &[], &format!("token={wrong}")).status, 401, "{wrong}");
    }
    let page = bulkhead.get("/console/login");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
}

#[test]
fn a_form_that_the_console_did_not_make_decides_nothing() {
    let registry = Registry::start();
    let wheel = registry.publish(Upload::from(Wheel::new("demo", "2.0")).hours_old(2));
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&wheel).status, 403);
    let cookie = sign_in(&bulkhead);
    let held = bulkhead.request("GET", "/console/held", &[("cookie", &cookie)]).text();
    assert!(held.contains("demo-2.0-py3-none-any.whl") && held.contains("cooldown"), "{held}");
    let body = "decision=release&purl=pkg%3Apypi%2Fdemo%402.0&reason=tested&expires=7d";
    assert_eq!(form(&bulkhead, "/console/review", &cookie, &[], body).status, 401);
    assert_eq!(form(&bulkhead, "/console/review", &cookie, &[], &format!("{body}&csrf=00")).status, 401);
    let (_, rest) = held.split_once("name=\"csrf\" value=\"").expect("a form");
    let good = format!("{body}&csrf={}", rest.split('"').next().unwrap());
    let elsewhere = [("origin", "http://evil.example")];
    assert_eq!(form(&bulkhead, "/console/review", &cookie, &elsewhere, &good).status, 401);
    assert_eq!(form(&bulkhead, "/console/review", "", &[], &good).status, 303, "without a session: the way in");
    assert_eq!(bulkhead.fetch(&wheel).status, 403, "nothing was decided so far");
    assert_eq!(form(&bulkhead, "/console/review", &cookie, &[], &good).header("location"), Some("/console/held"));
    assert_eq!(bulkhead.fetch(&wheel).status, 200);
    let review = bulkhead.entries().into_iter().find(|entry| entry["action"] == "review-release").expect("is recorded");
    assert_eq!((&review["principal"], &review["detail"]["reason"]), (&"sec".into(), &"tested".into()));
    // Signing out ends the session, not only the cookie.
    let out = good.split('&').next_back().unwrap();
    assert_eq!(form(&bulkhead, "/console/logout", &cookie, &[], out).status, 303);
    assert_eq!(bulkhead.request("GET", "/console/held", &[("cookie", &cookie)]).status, 303);
}

/// The token of the page's own forms.
fn csrf(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form");
    rest.split('"').next().unwrap().to_owned()
}

#[test]
fn what_is_rejected_in_the_console_stays_refused() {
    let registry = Registry::start();
    let wheel = registry.publish(Upload::from(Wheel::new("demo", "2.0")).days_old(90));
    let bulkhead = Bulkhead::before(&registry);
    assert_eq!(bulkhead.fetch(&wheel).status, 200);
    let cookie = sign_in(&bulkhead);
    let path = "/console/held/item?purl=pkg%3Apypi%2Fdemo%402.0";
    let page = bulkhead.request("GET", path, &[("cookie", &cookie)]).text();
    assert!(page.contains("Reject for good") && page.contains("value=\"reject\""), "{page}");
    let body = format!("csrf={}&decision=reject&purl=pkg%3Apypi%2Fdemo%402.0", csrf(&page));
    let empty = form(&bulkhead, "/console/review", &cookie, &[], &format!("{body}&reason="));
    assert!(empty.status == 400 && empty.text().contains("the reason is empty"), "{}", empty.text());
    let other = body.replace("decision=reject", "decision=perhaps");
    assert_eq!(form(&bulkhead, "/console/review", &cookie, &[], &format!("{other}&reason=x")).status, 400);
    assert_eq!(bulkhead.fetch(&wheel).status, 200, "nothing was decided so far");
    assert_eq!(form(&bulkhead, "/console/review", &cookie, &[], &format!("{body}&reason=x")).status, 303);
    assert_eq!(bulkhead.fetch(&wheel).status, 403, "rejected for good");
    let review = bulkhead.entries().into_iter().find(|entry| entry["action"] == "review-reject").expect("is recorded");
    assert_eq!((&review["principal"], &review["detail"]["reason"]), (&"sec".into(), &"x".into()));
}

#[test]
fn the_bundle_button_gives_what_verify_takes() {
    let estate = Estate::clean();
    estate.flag();
    let bulkhead = &estate.bulkhead;
    let cookie = sign_in(bulkhead);
    let page = bulkhead.request("GET", "/console/exposure", &[("cookie", &cookie)]).text();
    let question = format!("csrf={}&by=release&name=pkg%3Apypi%2Fmodelrelay%402.4.1&from=&to=", csrf(&page));
    let answer = form(bulkhead, "/console/exposure", &cookie, &[], &question).text();
    assert!(answer.contains("action=\"/console/exposure/bundle\"") && answer.contains("train-2"), "{answer}");
    let forged = question.replacen("csrf=", "csrf=0", 1);
    assert_eq!(form(bulkhead, "/console/exposure/bundle", &cookie, &[], &forged).status, 401);
    let reply = form(bulkhead, "/console/exposure/bundle", &cookie, &[], &question);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/zip")));
    assert!(reply.header("content-disposition").is_some_and(|header| header.contains("exposure.zip")));
    let folder = tempfile::tempdir().unwrap();
    let (zip, copy) = (folder.path().join("exposure.zip"), folder.path().join("mirror"));
    std::fs::write(&zip, &reply.body).unwrap();
    let key = bulkhead.run(&["ledger", "key"]).expect_good().stdout.trim().to_owned();
    let (zip, copy) = (zip.to_str().unwrap(), copy.to_str().unwrap());
    bulkhead.run(&["ledger", "mirror", copy]).expect_good();
    bulkhead.run(&["exposure", "verify", zip, "--mirror", copy, "--key", &key]).expect_good();
    // The record says who asked, by the word that it has for them.
    let mut asked = bulkhead.entries().into_iter().filter(|entry| entry["action"] == "exposure");
    assert!(asked.next_back().is_some_and(|entry| entry["principal"] == "sec"));
}

#[test]
fn a_responder_finds_their_way_in_a_browser() {
    let browser = Browser::start();
    let estate = Estate::clean();
    estate.flag();
    estate.bulkhead.run(&["watch"]).expect_code(1);
    let site = format!("http://{}", estate.bulkhead.address());
    // With the keyboard alone: the field has the focus, Enter sends the form.
    browser.go(&format!("{site}/console/"));
    assert!(browser.url().ends_with("/console/login"));
    assert_eq!(browser.label("#token"), "Console token");
    browser.picture("login");
    browser.press(&format!("{}{}", token(&estate.bulkhead, true), browser::ENTER));
    browser.wait_for("h1", "Overview");
    assert_eq!(browser.title(), "Overview · Bulkhead");
    assert!(browser.text("main").contains("MAL-2026-9001"), "{}", browser.text("main"));
    assert_eq!(browser.count("figure svg[role=img]"), 1);
    browser.picture("overview");
    let light = browser.style("body", "background-color");
    browser.scheme("dark");
    assert_ne!(browser.style("body", "background-color"), light);
    browser.picture("overview-dark");
    browser.scheme("light");
    // The first stop of the keyboard leaves the menu out.
    browser.press(browser::TAB);
    assert_eq!(browser.focused(), "Skip to content");
    // The question, its picture, its table.
    browser.click("nav a[href='/console/exposure']");
    browser.wait_for("nav a[aria-current=page]", "Exposure");
    browser.write("#name", RELEASE);
    browser.press(browser::ENTER);
    browser.wait_for("h1", "modelrelay@2.4.1");
    assert!(browser.label("svg.graph").contains("modelrelay"), "{}", browser.label("svg.graph"));
    for grade in ["touched", "within-reach", "not-reachable"] {
        assert!(browser.count(&format!("tbody tr.{grade}")) > 0, "{grade}");
    }
    browser.picture("exposure");
    browser.scheme("dark");
    browser.picture("exposure-dark");
    browser.scheme("light");
    // From a row to the entry that says so, and its proof.
    browser.click("tbody tr.touched td a");
    browser.wait_for("h1", "Entry ");
    assert!(browser.source().contains("c2sp.org/tlog-proof@v1"));
    browser.picture("entry");
    browser.click("nav a[href='/console/ledger']");
    browser.wait_for("main", "Checkpoint");
    browser.picture("ledger");
    browser.click("nav a[href='/console/held']");
    browser.wait_for("h1", "Held");
    browser.picture("held");
    let active = regex::Regex::new(r#"<script|\sstyle="|\son[a-z]+="#).unwrap();
    for path in ["/console/", "/console/held", "/console/exposure", "/console/ledger"] {
        browser.go(&format!("{site}{path}"));
        let source = browser.source();
        assert!(!active.is_match(&source), "{path}");
    }
    // Nothing that the pages hold was refused by their own policy.
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
