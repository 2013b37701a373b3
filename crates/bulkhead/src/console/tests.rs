//! Forms and sessions; pages are tested in a browser, in tests/it.

use bulkhead_core::Principal;
use jiff::{SignedDuration, Timestamp};

use super::form::{Form, encode};
use super::session::{SECONDS, Sessions};

#[test]
fn forms_are_decoded_as_browsers_encode_them() {
    let form = Form::parse("name=pkg%3Apypi%2Fa%401&why=two+words&empty=&name=second&broken=%zz%4");
    assert_eq!(form.get("name"), "pkg:pypi/a@1");
    assert_eq!(form.get("why"), "two words");
    assert_eq!((form.text("empty"), form.get("none")), (None, ""));
    assert_eq!(form.get("broken"), "%zz%4");
    assert_eq!(Form::parse(&format!("a={}", encode("x&y=z +%é"))).get("a"), "x&y=z +%é");
}

#[test]
fn a_session_ends_by_itself_and_when_it_is_told_to() {
    let (sessions, now) = (Sessions::default(), Timestamp::UNIX_EPOCH);
    let cookie = sessions.begin(Principal::new("sec"), now).expect("begins");
    let session = sessions.find(&cookie, now).expect("is open");
    assert!(session.is_own_form(&session.csrf.clone()) && !session.is_own_form("") && !session.is_own_form(&cookie));
    assert!(sessions.find("another", now).is_none());
    assert!(sessions.find(&cookie, now + SignedDuration::from_secs(SECONDS)).is_none());
    sessions.end(&session);
    assert!(sessions.find(&cookie, now).is_none());
}
