//! `bulkhead doctor` beside real clients: set up they go through, otherwise it says what each does.

use serde_json::Value;

use crate::support::{Bulkhead, Place, Registry, developer::installed};

const CLIENTS: [&str; 4] = ["pip", "uv", "poetry", "pdm"];

/// The variables of a developer who has these clients on the path.
fn path(clients: &[&str]) -> String {
    let mut folders: Vec<String> =
        clients.iter().map(|client| installed().join(client).join("bin").display().to_string()).collect();
    folders.push(std::env::var("PATH").unwrap_or_default());
    folders.join(":")
}

fn result<'a>(checkup: &'a Value, client: &str) -> (&'a str, &'a str) {
    let row = checkup["clients"].as_array().unwrap().iter().find(|row| row["client"] == client).unwrap();
    (row["result"].as_str().unwrap(), row["why"].as_str().unwrap())
}

#[test]
fn clients_that_were_set_up_go_through_and_others_around() {
    let (registry, other) = (Registry::start(), Registry::start());
    let bulkhead = Bulkhead::before(&registry);
    let have = CLIENTS.into_iter().filter(|client| installed().join(client).join("bin").join(client).exists());
    let have: Vec<&str> = have.collect();
    let path = path(&have);
    let elsewhere = other.simple();
    let around = bulkhead.place().run_with(
        &["doctor", "--format", "json"],
        &[("PATH", &path), ("PIP_INDEX_URL", &elsewhere), ("UV_DEFAULT_INDEX", &elsewhere)],
    );
    assert_eq!(around.code, Some(1), "{around}");
    let checkup = around.json();
    for client in ["pip", "uv"] {
        let (result, why) = result(&checkup, client);
        assert_eq!(result, "around", "{around}");
        assert!(why.contains(&format!("bulkhead setup {client} --write")), "{why}");
    }

    // The port was chosen by the system: nobody tells it to `setup`, and `doctor` needs no telling either.
    let home = bulkhead.data().parent().unwrap().join("home");
    std::fs::write(home.join("pyproject.toml"), "[project]\nname = \"own\"\nversion = \"0\"\n").unwrap();
    for client in CLIENTS {
        bulkhead.run(&["setup", client, "--write"]).expect_good();
    }
    let through = bulkhead.place().run_with(&["doctor", "--format", "json"], &[("PATH", &path)]);
    let checkup = through.json();
    for client in &have {
        assert_eq!(result(&checkup, client).0, "through", "{client}: {through}");
    }
    assert_eq!((through.code, checkup["good"].as_bool()), (Some(0), Some(true)), "{through}");
}

#[test]
fn a_server_that_does_not_run_is_not_a_client_that_goes_around() {
    let registry = Registry::start();
    let bulkhead = Bulkhead::before(&registry);
    bulkhead.run(&["setup", "uv", "--write"]).expect_good();
    let place: Place = bulkhead.kill();
    let screen = place.run_with(
        &["doctor", "--client", "uv", "--format", "json"],
        &[("PATH", &path(&["uv"])), ("UV_HTTP_RETRIES", "0")],
    );
    let checkup = screen.json();
    let (result, why) = result(&checkup, "uv");
    assert_eq!((screen.code, result), (Some(1), "unknown"), "{screen}");
    assert!(why.contains("nothing answers at http://127.0.0.1:"), "{why}");
}
