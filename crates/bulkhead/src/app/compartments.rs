//! The logs of compartments: each with a key and a name of its own, each with its checkpoints in the main ledger.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bulkhead_ledger::{Log, Options, Sequencer, compartment};

use super::{App, Paths, projection};
use crate::spine;

/// What is open, by name.
pub(super) type Compartments = BTreeMap<String, Arc<Sequencer>>;

/// Opens the log of each compartment below the data directory, making it when it is not there.
pub(super) fn open(data: &Path, names: &[String]) -> anyhow::Result<Compartments> {
    let open = |name: &String| {
        let paths = Paths::new(&data.join("compartments").join(name));
        crate::files::make_folder(&paths.data)?;
        let (sequencer, _) = projection::open_log(&paths, Options::default())?;
        Ok((name.clone(), Arc::new(sequencer)))
    };
    names.iter().map(open).collect()
}

impl App {
    /// The log of a compartment, to append to; nothing when none of that name is configured.
    pub fn compartment(&self, name: &str) -> Option<&Arc<Sequencer>> {
        self.compartments.get(name)
    }

    /// Takes the newest checkpoint of each compartment into the main ledger, where it has grown since the last time.
    ///
    /// # Errors
    /// When the main ledger cannot record; it is tried again the next time.
    pub async fn anchor_compartments(
        &self,
        anchored: &mut BTreeMap<String, u64>,
    ) -> Result<(), bulkhead_core::Problem> {
        for (name, sequencer) in &self.compartments {
            let log: Log = sequencer.log();
            let size = log.integrated();
            if anchored.get(name).is_some_and(|known| *known >= size) {
                continue;
            }
            let note = log.checkpoint();
            let time = spine::entry_time(self.clock().now());
            let entry = compartment::entry(&note, time, self.spine().in_force().digest);
            let entry =
                entry.map_err(|error| bulkhead_core::Problem::new(bulkhead_core::Code::Bug, error.to_string()))?;
            self.spine().record(entry).await?;
            anchored.insert(name.clone(), size);
        }
        Ok(())
    }

    /// Does so for as long as the server runs.
    pub fn keep_compartments_anchored(self: &Arc<Self>) {
        if self.compartments.is_empty() {
            return;
        }
        let app = Arc::clone(self);
        self.tasks().spawn(async move {
            let mut stopping = app.stopping();
            let mut anchored = BTreeMap::new();
            let mut tick = tokio::time::interval(app.config().ledger.witness_every);
            loop {
                tokio::select! {
                    _ = tick.tick() => {}
                    () = stopping.wait() => return,
                }
                if let Err(problem) = app.anchor_compartments(&mut anchored).await {
                    tracing::warn!(error = problem.detail, "a compartment's checkpoint is not in the ledger yet");
                }
            }
        });
    }
}
