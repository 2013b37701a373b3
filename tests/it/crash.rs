//! `kill -9` at any moment: whatever a client received in full has its entry, and the ledger verifies.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::support::{Place, Registry, Upload, Wheel, http};

const KILLS: usize = 200;
const CLIENTS: usize = 4;
/// Projects with one small file each; more than are asked for, so that every round has first touches.
const PROJECTS: usize = 1500;

#[test]
fn a_killed_server_has_an_entry_for_every_file_that_it_served() {
    let registry = Registry::start();
    let wheels: Vec<Upload> =
        (0..PROJECTS).map(|number| registry.publish(Wheel::new(&format!("p{number}"), "1.0"))).collect();
    let mut place = Place::before(&registry).pypi("index_ttl = \"1h\"");
    let next = AtomicUsize::new(0);
    let received: Mutex<BTreeSet<String>> = Mutex::default();
    for kill in 0..KILLS {
        let bulkhead = place.start();
        let address = bulkhead.address();
        // From a kill before the first answer to one after a few dozen.
        let enough = kill % 23;
        let answered = AtomicUsize::new(0);
        let served = std::sync::Condvar::new();
        let gate = Mutex::new(());
        place = std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    // Until the server is gone.
                    loop {
                        let turn = next.fetch_add(1, Ordering::SeqCst);
                        // Every third ask is for a file that an earlier round may have had.
                        let number = if turn.is_multiple_of(3) { turn / 2 } else { turn } % PROJECTS;
                        let wheel = &wheels[number];
                        let Ok(reply) = http::try_request(address, "GET", &wheel.path_here(), &[]) else { break };
                        if reply.status == 200 && reply.whole {
                            assert_eq!(reply.body, wheel.bytes());
                            received.lock().unwrap().insert(wheel.sha256());
                        }
                        answered.fetch_add(1, Ordering::SeqCst);
                        drop(gate.lock().unwrap());
                        served.notify_all();
                    }
                });
            }
            let few = |_: &mut ()| answered.load(Ordering::SeqCst) < enough;
            drop(served.wait_while(gate.lock().unwrap(), few).unwrap());
            bulkhead.kill()
        });
        if kill % 40 == 39 {
            place.run(&["ledger", "verify"]).expect_good();
        }
    }
    place.run(&["ledger", "verify"]).expect_good();
    let entries = place.entries();
    let recorded: BTreeSet<String> = entries
        .iter()
        .filter(|entry| entry["action"] == "fetch" && entry["effect"] == "allow")
        .filter_map(|entry| entry["resource"]["digest"].as_str().map(str::to_owned))
        .collect();
    let received = received.into_inner().unwrap();
    assert!(received.len() > KILLS, "{} files were served", received.len());
    let missing: Vec<_> = received.difference(&recorded).collect();
    assert!(missing.is_empty(), "served without an entry: {missing:?}");
}
