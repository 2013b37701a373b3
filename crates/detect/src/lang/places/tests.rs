//! Places and hosts, however they are spelled.

use super::*;

#[test]
fn places_are_known_in_either_spelling() {
    let read = |path: &str| place(path).and_then(|place| place.read);
    assert_eq!(read("~/.ssh/id_rsa"), Some(Ability::ReadCredential));
    assert_eq!(read("\u{fffc}\\Google\\Chrome\\User Data\\Default\\Login Data"), Some(Ability::ReadBrowser));
    assert_eq!(read("C:\\\\Users\\\\x\\\\.aws\\\\credentials"), Some(Ability::ReadCredential));
    assert_eq!(read("/usr/lib/python3"), None);
    assert_eq!(place("~/.claude/settings.json").and_then(|place| place.write), Some(Ability::AgentConfig));
    assert_eq!(place("x/site-packages/a.pth").and_then(|place| place.write), Some(Ability::Persist));
}

#[test]
fn hosts_come_out_of_urls() {
    assert_eq!(host("https://User:x@Files.Example:8443/a?b").as_deref(), Some("files.example"));
    assert_eq!(host("curl -k https://c.test/x.pyz").as_deref(), Some("c.test"));
    assert_eq!(host("http://[::1]:80/").as_deref(), Some("::1"));
    assert_eq!(host("file:///etc/passwd"), None);
    assert_eq!(host("no url"), None);
}

#[test]
fn one_pass_finds_whatever_a_search_finds() {
    for (part, _, at) in PLACES {
        assert!(part.len() >= 4 && part.is_ascii(), "{part}");
        let spelled = part.to_ascii_uppercase().replace('/', "\\\\");
        for text in [(*part).to_owned(), format!("x{part}"), spelled, format!("ä {part} b"), format!("~//{part}")] {
            assert!(BEGINNINGS.may_be_in(&text), "{text}");
            assert!(
                at & OPENED == 0 || place(&format!("~/{text}")).is_some() || part.ends_with("customize.py"),
                "{text}"
            );
        }
    }
    assert!(!BEGINNINGS.may_be_in("a text about nothing in particular, as most are"));
    assert!(place("~/x/A.PTH").is_some() && place(".pth").is_none() && place("").is_none());
}

#[test]
fn places_are_known_however_they_are_spelled() {
    assert!(credential("~/.ssh/id_rsa") && credential("C:\\Users\\x\\.AWS\\credentials") && credential("$HOME/.ssh"));
    assert!(credential("../.env") && !credential("src/.environment") && !credential("docs/ssh.md"));
    assert!(persistent("~/.bashrc") && persistent("HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"));
    assert!(
        persistent(".github\\workflows\\x.yml")
            && workflow("repo/.github/workflows/x.yml")
            && !persistent(".github/dependabot.yml")
    );
    assert!(agent_config("/home/x/.claude/settings.json") && agent_config("SOUL.md") && !agent_config("claude.mdx"));
    assert!(home("~/*") && home("/") && home("$HOME/") && !home("/tmp/x") && !home("~/x"));
    assert!(browser("AppData\\Local\\Google\\Chrome\\User Data\\Default\\Login Data"));
    assert!(agent_unasked("q", ["chat", "--trust-all-tools"].into_iter()) && !agent_unasked("q", ["chat"].into_iter()));
}
