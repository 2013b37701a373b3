//! The file as people write it, and as they mistype it.

use super::*;

#[test]
fn a_good_file_is_read() {
    let text = "
[[partner]]
name = \"northwind\"
[[dataset]]
name = \"chats\"
partners = [\"northwind\"]
people = 40_000
categories = [\"names\", \"messages\"]
[[secret]]
name = \"prod/openai\"
owner = \"ml\"
opens = [\"chats\"]
[[grant]]
principal = \"ci\"
datasets = [\"chats\"]
";
    let assets = parse(text).expect("is good");
    assert_eq!(assets.len(), 4);
    assert!(assets.iter().any(|asset| matches!(asset, Asset::Dataset { people: Some(40_000), .. })));
}

#[test]
fn every_mistake_is_told_at_once_in_the_order_of_the_file() {
    let text = "
[[secret]]
name = \"a\"
opens = [\"nothing\", 3]
colour = \"red\"
[[dataset]]
people = -4
partners = [\"nobody\"]
[[secret]]
name = \"a\"
[[machine]]
name = \"b\"
";
    let mistakes = parse(text).expect_err("is wrong");
    insta::assert_snapshot!(mistakes.join("\n"), @r"
    line 4: the secret `a` names the dataset `nothing`, and no [[dataset]] declares it
    line 4: `opens` must be a list of texts
    line 5: the secret `a` has `colour`, which a secret does not have
    line 6: a dataset has no name
    line 7: `people` must be a whole number, about how many
    line 8: the dataset `` names the partner `nobody`, and no [[partner]] declares it
    line 9: the secret `a` is declared twice
    line 11: `machine` is not known: write [[secret]], [[dataset]], [[partner]] or [[grant]]
    ");
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let mistakes = parse("[[secret]]\nname = \n").expect_err("is wrong");
    assert!(mistakes[0].starts_with("line 2: not TOML"), "{mistakes:?}");
}
