use super::*;

#[test]
fn no_form_of_output_shows_a_secret() {
    let secret = Secret::new("hunter2");
    let shown = format!("{secret} {secret:?} {secret:#?} {:?} {:>20}", Some(&secret), secret);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(secret.reveal(), "hunter2");
}
