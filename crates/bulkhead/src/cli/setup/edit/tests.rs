use proptest::prelude::*;

use super::*;

const INDEX: &str = "http://127.0.0.1:7070/pypi/simple/";
const CLIENTS: [Client; 4] = [Client::Pip, Client::Uv, Client::Poetry, Client::Pdm];

#[test]
fn pips_own_index_is_kept_and_comes_back() {
    let own = "[global]\ntimeout = 60\nindex-url = https://mirror.corp.example/simple/\n\n[install]\nno-cache = true\n";
    let (new, replaced) = apply(Client::Pip, own, INDEX).expect("no conflict");
    assert_eq!(replaced.as_deref(), Some("https://mirror.corp.example/simple/"));
    insta::assert_snapshot!(new, @r"
    [global]
    # >>> bulkhead setup
    index-url = http://127.0.0.1:7070/pypi/simple/
    # <<< bulkhead setup
    timeout = 60
    # bulkhead setup, was: index-url = https://mirror.corp.example/simple/

    [install]
    no-cache = true
    ");
    assert_eq!(remove(&new), own);
}

#[test]
fn a_file_that_says_otherwise_is_not_guessed_about() {
    for (client, text) in [
        (Client::Uv, "[[index]]\nurl = \"https://mirror.corp.example/\"\ndefault = true\n"),
        (Client::Uv, "index-url = \"https://mirror.corp.example/\"\n"),
        (Client::Poetry, "[[tool.poetry.source]]\nname = \"corp\"\n"),
        (Client::Pdm, "[pypi]\nurl = \"https://mirror.corp.example/\"\n"),
    ] {
        assert!(apply(client, text, INDEX).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn undo_gives_back_what_was_there(
        lines in proptest::collection::vec("(\\[global\\]|\\[install\\]|index-url = x|index_url: y|timeout = 3|# note|)", 0..8),
        end in any::<bool>(),
    ) {
        let mut text = lines.join("\n");
        if end && !text.is_empty() {
            text.push('\n');
        }
        for client in CLIENTS {
            let Ok((once, _)) = apply(client, &text, INDEX) else { continue };
            prop_assert_eq!(remove(&once), text.clone(), "{:?}: {}", client, once);
            let (twice, _) = apply(client, &once, INDEX).expect("its own lines are no conflict");
            prop_assert_eq!(twice, once);
        }
    }
}
