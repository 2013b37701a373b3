//! The thread that starts workers and sees them end.
//!
//! Starting belongs on one thread that lives as long as the pool: the kernel ties a worker's life to the *thread* that
//! started it, and the runtime's own threads come and go. Ending belongs there because waiting for a process blocks.

use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc;

use bulkhead_contain::{ContainError, Ended, WorkerProcess, spawn_worker};
use tokio::sync::oneshot;

type Started = Result<(WorkerProcess, UnixStream), ContainError>;

/// A worker that was ordered. Dropped, it is ended as soon as it is there.
pub(super) type Coming = oneshot::Receiver<Started>;

enum Order {
    Start(oneshot::Sender<Started>),
    End(WorkerProcess, Option<oneshot::Sender<Ended>>),
}

/// Orders to the thread. It ends with the last of them.
#[derive(Debug, Clone)]
pub(super) struct Keeper {
    orders: mpsc::Sender<Order>,
}

impl Keeper {
    pub(super) fn new(exe: PathBuf, args: Vec<OsString>) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        std::thread::Builder::new().name("worker-keeper".to_owned()).spawn(move || {
            for order in inbox {
                match order {
                    // When nobody waits for the answer any more, what is in it is dropped, and a dropped worker is ended.
                    Order::Start(answer) => drop(answer.send(spawn_worker(&exe, &args))),
                    Order::End(worker, None) => drop(worker),
                    Order::End(worker, Some(answer)) => drop(answer.send(worker.end())),
                }
            }
        })?;
        Ok(Self { orders })
    }

    /// Orders a worker. The answer stays out when the thread is gone, which only a panic in it can do.
    pub(super) fn order(&self) -> Coming {
        let (answer, coming) = oneshot::channel();
        // A refused order drops `answer`, and whoever waits for it learns that.
        drop(self.orders.send(Order::Start(answer)));
        coming
    }

    /// Ends a worker and says how it ended.
    pub(super) async fn end(&self, worker: WorkerProcess) -> Option<Ended> {
        let (answer, ended) = oneshot::channel();
        self.orders.send(Order::End(worker, Some(answer))).ok()?;
        ended.await.ok()
    }

    /// Ends a worker that nobody asks after.
    pub(super) fn dismiss(&self, worker: WorkerProcess) {
        // When the thread is gone the order comes back and the worker ends right here.
        drop(self.orders.send(Order::End(worker, None)));
    }
}
