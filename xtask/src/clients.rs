//! The real package clients that the tests drive, installed once and kept.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{oracles, repository, run};

/// A client at an exact version (xtask/clients.toml).
struct Client {
    name: String,
    version: String,
    /// What its package does not pin and should.
    with: Vec<String>,
    /// Without it the tests still run.
    optional: bool,
}

/// Installs every client that is not there at its version, from the index that this machine's pip is configured for.
/// Each gets a virtual environment of its own, `<folder>/<name>`; returns the folder.
pub(crate) fn install() -> Result<PathBuf> {
    let folder =
        std::env::var_os("BULKHEAD_CLIENTS").map_or_else(|| repository::target().join("clients"), PathBuf::from);
    let clients = clients()?;
    let Some((pip, others)) = clients.split_first().filter(|(first, _)| first.name == "pip") else {
        bail!("xtask/clients.toml: pip comes first, since it installs the others");
    };
    install_pip(&folder, pip)?;
    for client in others {
        match install_client(&folder, client) {
            Err(error) if client.optional => println!("NOT INSTALLED: {} {}: {error:#}", client.name, client.version),
            outcome => outcome?,
        }
    }
    oracles::install(&folder)?;
    install_browser();
    install_faketime(&folder)?;
    let present = clients.iter().filter(|client| version(&folder.join(&client.name), &client.name).is_some());
    let words: Vec<String> = present.map(|client| format!("{} {}", client.name, client.version)).collect();
    println!("clients: {}", words.join(", "));
    Ok(folder)
}

/// The browser for the console's pages, from Debian's own packages. Where there is no apt, or nobody may install, that is
/// said here; the test that needs it then fails.
fn install_browser() {
    let is_there = || run::ask("chromedriver", &["--version"], repository::root());
    if is_there().is_none() {
        let mut command = Command::new("apt-get");
        command.args(["install", "--yes", "--no-install-recommends", "chromium", "chromium-driver"]);
        if let Err(error) = run::pass_through(&mut command, "installing chromium and chromium-driver") {
            println!("NOT INSTALLED: chromium: {error:#}");
        }
    }
    if let Some(version) = is_there() {
        println!("browser: {}", version.trim());
    }
}

/// What stands between the server and the system's clock in tests that set it.
const FAKETIME: &str = "libfaketime";
const FAKETIME_LIBRARY: &str = "libfaketimeMT.so.1";

/// Unpacks the library beside the clients, without installing it: nothing else on the machine should use it.
fn install_faketime(folder: &Path) -> Result<()> {
    let place = folder.join("faketime");
    if place.join(FAKETIME_LIBRARY).exists() {
        return Ok(());
    }
    std::fs::create_dir_all(&place).context("making the folder of libfaketime")?;
    run::output(Command::new("apt-get").args(["download", "--quiet", FAKETIME]).current_dir(&place))
        .context("libfaketime comes from Debian: apt-get is needed, and apt-get update before it")?;
    let packages = std::fs::read_dir(&place)?.flatten().map(|entry| entry.path());
    let package = packages.into_iter().find(|path| path.extension().is_some_and(|end| end == "deb"));
    let package = package.context("apt-get download libfaketime left no package")?;
    let unpacked = place.join("unpacked");
    run::output(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&unpacked))?;
    // Under a folder that is named after the architecture.
    let libraries = std::fs::read_dir(unpacked.join("usr/lib"))?.flatten();
    let mut libraries = libraries.map(|entry| entry.path().join("faketime").join(FAKETIME_LIBRARY));
    let library = libraries.find(|path| path.exists()).context("libfaketime has no library for threads")?;
    std::fs::copy(library, place.join(FAKETIME_LIBRARY))?;
    std::fs::remove_file(package)?;
    std::fs::remove_dir_all(unpacked)?;
    println!("clock: libfaketime");
    Ok(())
}

fn clients() -> Result<Vec<Client>> {
    let table = repository::manifest("xtask/clients.toml")?;
    let rows = table["client"].as_array().context("xtask/clients.toml has no [[client]]")?;
    rows.iter()
        .map(|row| {
            let word = |key: &str| row.get(key).and_then(toml::Value::as_str).map(str::to_owned);
            Ok(Client {
                name: word("name").context("xtask/clients.toml: a client without a name")?,
                version: word("version").context("xtask/clients.toml: a client without a version")?,
                with: row.get("with").and_then(toml::Value::as_array).map_or_else(Vec::new, |with| {
                    with.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect()
                }),
                optional: row.get("optional").and_then(toml::Value::as_bool).unwrap_or(false),
            })
        })
        .collect()
}

/// pip brings itself: the one that Python carries installs the pinned one.
fn install_pip(folder: &Path, pip: &Client) -> Result<()> {
    let environment = folder.join("pip");
    if version(&environment, &pip.name).as_deref() == Some(&pip.version) {
        return Ok(());
    }
    create(&environment, &[])?;
    let mut command = Command::new(environment.join("bin/python"));
    command.args(["-m", "pip", "install", "--quiet", "--upgrade", &format!("pip=={}", pip.version)]);
    run::pass_through(&mut command, &format!("installing pip {}", pip.version))
        .context("pip could not be installed: is an index configured for this machine's pip?")
}

fn install_client(folder: &Path, client: &Client) -> Result<()> {
    let environment = folder.join(&client.name);
    if version(&environment, &client.name).as_deref() == Some(&client.version) {
        return Ok(());
    }
    create(&environment, &["--without-pip"])?;
    let mut command = Command::new(folder.join("pip/bin/python"));
    command
        .args(["-m", "pip", "--python"])
        .arg(environment.join("bin/python"))
        .args(["install", "--quiet", &format!("{}=={}", client.name, client.version)])
        .args(&client.with);
    run::pass_through(&mut command, &format!("installing {} {}", client.name, client.version))
}

fn create(environment: &Path, options: &[&str]) -> Result<()> {
    let python = std::env::var_os("BULKHEAD_PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(python);
    command.args(["-m", "venv", "--clear"]).args(options).arg(environment);
    run::output(&mut command).map(drop).context(
        "a virtual environment is needed for the package clients: install Python 3 with its venv module \
         (Debian: python3-venv), or name another interpreter in $BULKHEAD_PYTHON",
    )
}

/// The version of the package in the environment, when both are there.
fn version(environment: &Path, package: &str) -> Option<String> {
    let python = environment.join("bin/python");
    let script = format!("import importlib.metadata as m; print(m.version('{package}'))");
    run::ask(python, &["-c", &script], repository::root()).map(|text| text.trim().to_owned())
}
