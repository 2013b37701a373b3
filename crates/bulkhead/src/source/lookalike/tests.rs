use super::*;

#[test]
fn imitations_are_told_with_what_they_imitate() {
    for (name, popular) in [
        ("reqeusts", "requests"),
        ("requestss", "requests"),
        ("requsets", "requests"),
        ("rquests", "requests"),
        ("request5", "requests"),
        ("requests-dev", "requests"),
        ("python-requests", "requests"),
        ("colourama", "colorama"),
        ("coloramma", "colorama"),
        ("beautifulsup4", "beautifulsoup4"),
        ("crypt0graphy", "cryptography"),
        ("cryptographyy", "cryptography"),
        ("tenosrflow", "tensorflow"),
        ("huggingfacehub", "huggingface-hub"),
        ("huggingface-hvb", "huggingface-hub"),
        ("urlllb3", "urllib3"),
        ("openal", "openai"),
        ("open-ai", "openai"),
        ("litelllm", "litellm"),
        ("numpyy", "numpy"),
    ] {
        assert_eq!(find(Ecosystem::Pypi, name), Some(popular), "{name}");
    }
    for (name, popular) in
        [("loadsh", "lodash"), ("expresss", "express"), ("types-node", "@types/node"), ("commander-js", "commander")]
    {
        assert_eq!(find(Ecosystem::Npm, name), Some(popular), "{name}");
    }
    for (name, popular) in [
        ("serde_jsno", "serde_json"),
        ("serde-jason", "serde_json"),
        ("toklo", "tokio"),
        ("tokioo", "tokio"),
        ("rust-reqwest", "reqwest"),
        ("anyhow-rs", "anyhow"),
        ("parking-l0t", "parking_lot"),
        ("once_cel", "once_cell"),
        ("crossbeam-chanel", "crossbeam-channel"),
    ] {
        assert_eq!(find(Ecosystem::Cargo, name), Some(popular), "{name}");
    }
}

#[test]
fn popular_names_are_nobodys_imitation() {
    for (popular, one, least) in [(&*PYPI, "requests", 5_000), (&*NPM, "lodash", 5_000), (&*CARGO, "serde-json", 3_000)]
    {
        assert!(popular.known.contains(one) && popular.known.len() > least);
        assert!(popular.known.iter().all(|name| popular.resembled_by(name).is_none()));
    }
    for name in ["serde_json", "serde-json", "parking-lot", "tokio-util", "rand_core", "syn", "quote"] {
        assert_eq!(find(Ecosystem::Cargo, name), None, "{name}");
    }
    // Pairs that only their fame tells apart.
    for name in
        ["httpx", "httpcore", "tomli", "tomlkit", "pytz", "pyyaml", "toml", "attrs", "jsonschema", "langchain-core"]
    {
        assert_eq!(find(Ecosystem::Pypi, name), None, "{name}");
    }
}

#[test]
fn other_names_are_left_alone() {
    for name in [
        "our-billing",
        "quayside-manifest",
        "pytest-our-fixtures",
        "abc",
        "py",
        "",
        "zzzzzzzz",
        "internal-tool2",
        "django-quayside",
        "types-aiobotocore-quy",
    ] {
        assert_eq!(find(Ecosystem::Pypi, name), None, "{name}");
    }
    for name in ["our-billing", "quayside", "abc", "bulkhead-core", "zzzzzzzz"] {
        assert_eq!(find(Ecosystem::Cargo, name), None, "{name}");
    }
    assert_eq!(find(Ecosystem::Huggingface, "gpt2s"), None, "there is no list of models");
    assert_eq!(find(Ecosystem::Pypi, &"requests".repeat(1_000)), None);
}

#[test]
fn slips_are_cheaper_than_changes() {
    let distance =
        |one: &str, other: &str| super::distance(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>());
    assert_eq!(distance("same", "same"), 0);
    assert_eq!(distance("smae", "same"), SLIP);
    assert_eq!(distance("saame", "same"), SLIP);
    assert_eq!(distance("aple", "apple"), SLIP);
    assert_eq!(distance("sane", "same"), SLIP, "n lies beside m");
    assert_eq!(distance("sate", "same"), CHANGE);
    assert_eq!(distance("sme", "same"), CHANGE);
    assert_eq!(distance("", "same"), 4 * CHANGE);
    assert!(neighbours('q', 'a') && neighbours('s', 'w') && !neighbours('q', 's') && !neighbours('q', 'p'));
}

#[test]
fn a_skeleton_is_what_is_seen() {
    assert_eq!(skeleton("PyTorch_Li9htn1ng"), "pytorchll9htnlng");
    assert_eq!(skeleton("rnode"), skeleton("m-o.d_e"));
    assert_eq!(skeleton("rеquеsts"), "requests", "Cyrillic");
}
