use proptest::prelude::*;

use super::*;

fn ecosystem() -> impl Strategy<Value = Ecosystem> {
    prop::sample::select(Ecosystem::ALL.to_vec())
}

proptest! {
    #[test]
    fn canonical_is_what_reading_and_writing_leaves_alone(
        text in "pkg:(pypi|npm|cargo|huggingface|PyPI|gem)/[a-zA-Z0-9@%/._-]{0,10}(@[!-~]{0,6})?", other in "\\PC{0,30}",
        long in "[a-z]{210,218}",
    ) {
        for text in [text, other.clone(), format!("pkg:pypi/{other}"), format!("pkg:cargo/{long}")] {
            let same = text.parse::<Purl>().is_ok_and(|purl| purl.to_string() == text);
            prop_assert_eq!(Purl::is_canonical(&text), same, "{}", text);
        }
    }
}

proptest! {
    #[test]
    fn shown_and_read_again_it_is_the_same(ecosystem in ecosystem(), name in "[@a-zA-Z0-9._~/-]{1,12}", version in prop::option::of("\\PC{0,12}|[ -~]{0,12}")) {
        let Ok(project) = Purl::project(ecosystem, &name) else { return Ok(()) };
        let purl = version.map_or(project.clone(), |version| project.at(version));
        prop_assert_eq!(purl.to_string().parse(), Ok(purl.clone()), "{}", purl);
        let json = serde_json::to_string(&purl).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Purl>(&json).expect("a purl"), purl);
    }

    #[test]
    fn normalising_twice_is_normalising_once(ecosystem in ecosystem(), name in "[@a-zA-Z0-9._~/-]{0,12}") {
        if let Some(once) = ecosystem.normalise(&name) {
            prop_assert_eq!(ecosystem.normalise(&once), Some(once));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(pkg:)?(//)?(pypi|npm|cargo|x)?/?\\PC{0,30}") {
        if let Ok(purl) = text.parse::<Purl>() {
            prop_assert_eq!(purl.to_string().parse(), Ok(purl));
        }
    }

    /// A name becomes part of a path and of a URL: whatever passes must be harmless there.
    #[test]
    fn a_canonical_name_holds_no_path_tricks(ecosystem in ecosystem(), name in "[@a-zA-Z0-9._~/%\\\\-]{0,12}|\\PC{0,6}") {
        if let Some(name) = ecosystem.normalise(&name) {
            for part in name.trim_start_matches('@').split('/') {
                prop_assert!(!part.is_empty() && !part.starts_with('.'), "{}", name);
            }
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@/-_.~".contains(&byte)), "{}", name);
        }
    }
}

#[test]
fn names_of_pypi_follow_pep_503() {
    for name in ["Friendly-Bard", "FRIENDLY_BARD", "friendly.bard", "friendly-.__-bard"] {
        assert_eq!(Ecosystem::Pypi.normalise(name).as_deref(), Some("friendly-bard"));
    }
    for name in ["", "-x", "x-", "_x", "a b", "a/b", "é", "..", &"a".repeat(215)] {
        assert_eq!(Ecosystem::Pypi.normalise(name), None, "{name}");
    }
}

#[test]
fn names_of_the_other_ecosystems() {
    for (ecosystem, name, good) in [
        (Ecosystem::Npm, "@acme/tool", true),
        (Ecosystem::Npm, "left-pad", true),
        (Ecosystem::Npm, "@/tool", false),
        (Ecosystem::Npm, "@acme/", false),
        (Ecosystem::Npm, "acme/tool", false),
        (Ecosystem::Npm, ".hidden", false),
        (Ecosystem::Npm, "@../tool", false),
        (Ecosystem::Npm, "@acme/..", false),
        (Ecosystem::Cargo, "serde_json", true),
        (Ecosystem::Cargo, "a.b", false),
        (Ecosystem::Huggingface, "org/model.v2", true),
        (Ecosystem::Huggingface, "org/../model", false),
    ] {
        assert_eq!(ecosystem.normalise(name).is_some(), good, "{name}");
    }
}

#[test]
fn what_is_read_from_the_forms_people_write() {
    for (text, shown) in [
        ("pkg:pypi/LiteLLM@1.82.8", "pkg:pypi/litellm@1.82.8"),
        ("pkg:PyPI/a_b", "pkg:pypi/a-b"),
        ("pkg://pypi/foo@1.0?file_name=x#sub", "pkg:pypi/foo@1.0"),
        ("pkg:npm/%40acme/tool@1.0.0", "pkg:npm/%40acme/tool@1.0.0"),
        ("pkg:npm/@acme/tool@1.0.0", "pkg:npm/%40acme/tool@1.0.0"),
        ("pkg:pypi/foo@1.0+cu118", "pkg:pypi/foo@1.0%2Bcu118"),
        ("pkg:pypi/foo@1.0%2Bcu118", "pkg:pypi/foo@1.0%2Bcu118"),
    ] {
        assert_eq!(text.parse::<Purl>().expect(text).to_string(), shown);
    }
}

#[test]
fn an_empty_version_is_no_version() {
    let project = Purl::project(Ecosystem::Pypi, "foo").expect("a name");
    assert_eq!(project.at(""), project);
}

#[test]
fn refusals_say_what_is_wanted() {
    let errors = ["litellm", "pkg:pypi", "pkg:gem/rails@1", "pkg:pypi/../x", "pkg:pypi/foo@", "pkg:pypi/foo%zz"];
    let said: Vec<_> = errors.iter().map(|text| text.parse::<Purl>().expect_err(text).to_string()).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    `litellm` is not a package URL: write pkg:TYPE/NAME@VERSION, such as pkg:pypi/litellm@1.82.6
    `pkg:pypi` is not a package URL: write pkg:TYPE/NAME@VERSION, such as pkg:pypi/litellm@1.82.6
    `gem` is not an ecosystem that Bulkhead knows: pypi, npm, cargo or huggingface
    `../x` cannot be the name of a package of type pypi
    `pkg:pypi/foo@` is not a package URL: write pkg:TYPE/NAME@VERSION, such as pkg:pypi/litellm@1.82.6
    `pkg:pypi/foo%zz` is not a package URL: write pkg:TYPE/NAME@VERSION, such as pkg:pypi/litellm@1.82.6
    ");
}
