//! Threads that serve a run's connections, each with a runtime of its own.
//!
//! A connection has two ends, and each request goes back and forth between them. On a runtime that shares its work, every such
//! step may wake another thread and move the connection there, which costs more than the step. So a connection stays in the
//! lane that it came into; several lanes let several connections go on at once.

use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Lanes at most: one run is one job of the machine among others.
const MOST: usize = 4;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The lanes of one run. They end when this is dropped, and what they serve with them.
pub(super) struct Lanes {
    lanes: Vec<UnboundedSender<Work>>,
    next: AtomicUsize,
}

impl Lanes {
    /// As many as there are processors, up to a bound.
    pub(super) fn start() -> io::Result<Self> {
        let count = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST);
        Ok(Self { lanes: (0..count).map(|_| lane()).collect::<io::Result<_>>()?, next: AtomicUsize::new(0) })
    }

    /// Serves that in the next lane.
    pub(super) fn serve(&self, work: impl Future<Output = ()> + Send + 'static) {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.lanes.len();
        if let Some(lane) = self.lanes.get(next) {
            // A lane whose thread is gone serves nothing: the connection is closed.
            drop(lane.send(Box::pin(work)));
        }
    }
}

fn lane() -> io::Result<UnboundedSender<Work>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (sender, mut receiver) = unbounded_channel::<Work>();
    std::thread::Builder::new().name("run-lane".to_owned()).spawn(move || {
        runtime.block_on(async {
            while let Some(work) = receiver.recv().await {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "whoever gave it counts it, and waits for it at the end"
                )]
                tokio::spawn(work);
            }
        });
        runtime.shutdown_background();
    })?;
    Ok(sender)
}
