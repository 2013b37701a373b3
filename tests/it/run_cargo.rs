//! cargo in contained runs: rustup's own, from wherever the caller has it, before a sparse registry.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::archive;
use crate::support::contained::{BAD, GOOD, World};

/// A project that depends on one crate of a registry that stands at every host.
fn project(world: &World) {
    let manifest = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n{more}")
    };
    let lib = |of: &str| format!("{of}/src/lib.rs");
    let members = [
        ("asked-1.0.0/Cargo.toml".to_owned(), manifest("asked", "").into_bytes()),
        (lib("asked-1.0.0"), b"pub fn answer() {}\n".to_vec()),
    ];
    let crate_file = archive::tar_gz(&members);
    let digest = bulkhead::gate::runtime::plan::digest(&crate_file);
    let entry = serde_json::json!({
        "name": "asked", "vers": "1.0.0", "deps": [], "features": {}, "yanked": false, "cksum": digest.to_string(),
    });
    let internet = &world.internet;
    let config = format!("{{\"dl\": \"https://{GOOD}/dl/{{crate}}-{{version}}.crate\"}}");
    internet.put("/index/config.json", config);
    internet.put("/index/as/ke/asked", format!("{entry}\n"));
    internet.put("/dl/asked-1.0.0.crate", crate_file);
    let files = [
        ("Cargo.toml", manifest("asks", "[dependencies]\nasked = \"1\"\n")),
        ("src/lib.rs", String::new()),
        (
            ".cargo/config.toml",
            format!(
                "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\nregistry = \"sparse+https://{GOOD}/index/\"\n"
            ),
        ),
    ];
    for (path, content) in files {
        let path = world.project().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, content).expect("written");
    }
}

/// The folder of the caller's cargo, and where its toolchains are when it is rustup's.
fn installed() -> (PathBuf, Option<PathBuf>) {
    let path = std::env::var_os("PATH").expect("a path");
    let folder = std::env::split_paths(&path).find(|folder| folder.join("cargo").is_file()).expect("cargo runs this");
    let home = || Some(Path::new(&std::env::var_os("HOME")?).join(".rustup"));
    let toolchains = std::env::var_os("RUSTUP_HOME").map(PathBuf::from).or_else(home).filter(|path| path.is_dir());
    (folder, toolchains)
}

/// A script in a run of a caller with cargo on its path, and perhaps its caches elsewhere than in the home.
fn run(world: &World, script: &str, kept: Option<&Path>) -> Output {
    let (folder, toolchains) = installed();
    let mut command = world.command(&["run", "--", "/bin/sh", "-c", script]);
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    command.envs(kept.map(|kept| ("CARGO_HOME", kept)));
    command.envs(toolchains.map(|toolchains| ("RUSTUP_HOME", toolchains)));
    command.envs(std::env::var_os("RUSTUP_TOOLCHAIN").map(|toolchain| ("RUSTUP_TOOLCHAIN", toolchain)));
    command.output().expect("starts")
}

#[test]
fn cargo_fetches_from_the_allowed_registry_and_from_no_other() {
    let world = World::new(&format!("[settings]\nhosts = [{GOOD:?}]\n"));
    project(&world);
    let elsewhere = format!("--config 'source.here.registry=\"sparse+https://{BAD}/index/\"'");
    let script = format!(
        "cargo fetch 2>&1 && echo fetched; grep checksum Cargo.lock; rm Cargo.lock; cargo fetch {elsewhere} 2>&1"
    );
    let output = run(&world, &script, None);
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("fetched\nchecksum = "), "{said}\n{told}");
    // Its TLS was opened by the run's authority, which cargo trusts: the refusal is an answer and no broken connection.
    assert!(said.contains("got 403") && said.contains("egress-default"), "{said}\n{told}");
    assert!(told.contains(&format!("refused: connect {BAD}:443 (egress-default)")), "{told}");
    let received = world.internet.received();
    assert!(received.contains("GET /dl/asked-1.0.0.crate") && !received.contains(BAD), "{received}");
}

#[test]
fn what_cargo_keeps_is_lent_to_a_run_and_gets_nothing_back() {
    let world = World::new(&format!("[settings]\nhosts = [{GOOD:?}]\n"));
    project(&world);
    for (kept, named) in [("home/.cargo", false), ("elsewhere", true)] {
        let kept = world.folder.path().join(kept);
        std::fs::create_dir_all(kept.join("registry/cache")).expect("made");
        std::fs::write(kept.join("registry/cache/mine"), "mine").expect("written");
        std::fs::write(kept.join("credentials.toml"), "[registry]\ntoken = \"decoy\"\n").expect("written");
        let script = format!(
            "cargo fetch 2>&1 && echo fetched; cd {}; cat registry/cache/mine; ls registry/cache
             cat credentials.toml 2>&1; mv credentials.toml x 2>&1; echo y > registry/cache/mine && cat registry/cache/mine",
            kept.display()
        );
        let output = run(&world, &script, named.then_some(kept.as_path()));
        let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("fetched\nmine"), "{said}\n{told}");
        assert!(said.contains(&format!("{GOOD}-")) && said.ends_with("y\n"), "{said}\n{told}");
        assert!(!said.contains("decoy") && told.contains("credentials.toml"), "{said}\n{told}");
        // Downloads are nothing to tell of.
        let id = told.split_whitespace().skip_while(|word| *word != "run").nth(1).expect("an id");
        let shown = String::from_utf8_lossy(&world.bulkhead(&["run", "show", id]).stdout).into_owned();
        assert!(shown.contains(id) && !shown.contains("registry/cache"), "{shown}");
        // Outside it is as it was.
        let left: Vec<_> = std::fs::read_dir(kept.join("registry/cache")).expect("read").flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(std::fs::read_to_string(kept.join("registry/cache/mine")).expect("read"), "mine");
        assert!(!kept.join(".package-cache").exists());
    }
}
