//! The pool of contained workers, started when it is first needed: a command that only looks things up starts none.

use bulkhead_core::Problem;
use tokio::sync::OnceCell;

use crate::worker::{Pool, PoolOptions};

/// Reads archives.
#[derive(Debug, Default)]
pub struct Reader {
    pool: OnceCell<Pool>,
}

impl Reader {
    /// The pool.
    ///
    /// # Errors
    /// `worker-unavailable`, with what is missing on this machine.
    pub async fn pool(&self) -> Result<&Pool, Problem> {
        self.pool.get_or_try_init(|| Pool::start(PoolOptions::default())).await
    }
}
