//! Work that waits for the disk, off the threads that serve.

use bulkhead_core::{Code, Problem};

/// Runs the work on a thread of its own.
///
/// # Errors
/// When the work panicked: that is a bug, and the one who asked is told so.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Problem::new(Code::Bug, format!("work on the disk ended by a panic: {error}"))
            .with_help("report it, with the server's log")
    })
}
