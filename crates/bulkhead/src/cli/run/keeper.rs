//! Whom a run asks about its connections: the server that runs, or, where none does, this very process, which then holds the
//! data directory and answers on its control socket until the run ends, or until a server starts. Other runs that start
//! meanwhile ask it too.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bulkhead_core::{Code, Problem};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::super::{Failure, Place};
use crate::app::App;
use crate::control::{self, Reply, Request};

/// Where questions and entries of one run go.
pub(super) struct Keeper {
    place: Place,
    data: PathBuf,
    runtime: Handle,
    /// What this process holds, when it had to; and the task that closes it once it is told to stop.
    own: Mutex<Option<(Weak<App>, JoinHandle<()>)>>,
}

impl Keeper {
    /// For runs on that data directory.
    pub(super) fn new(place: &Place, data: PathBuf, runtime: Handle) -> Self {
        Self { place: place.clone(), data, runtime, own: Mutex::default() }
    }

    /// Makes sure that somebody answers. Runs take turns, so that two that start at once do not both open the data.
    pub(super) fn ensure(&self) -> Result<(), Failure> {
        let _turn = crate::files::turn(&self.data.join("runs.lock")).map_err(anyhow::Error::new)?;
        if control::ask(&self.data, &Request::EgressPolicy).is_ok_and(|reply| reply.is_some()) {
            return Ok(());
        }
        self.let_go();
        let config = self.place.load()?;
        let app = self.runtime.block_on(async {
            let app = App::open(config).await?;
            app.make_way();
            control::listen(&app)?;
            anyhow::Ok(app)
        })?;
        let (known, mut stopping) = (Arc::downgrade(&app), app.stopping());
        let closing = self.runtime.spawn(async move {
            stopping.wait().await;
            app.close().await;
        });
        *self.own() = Some((known, closing));
        Ok(())
    }

    fn own(&self) -> MutexGuard<'_, Option<(Weak<App>, JoinHandle<()>)>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes what this process holds, and waits until it is closed.
    fn let_go(&self) {
        let Some((app, closing)) = self.own().take() else { return };
        if let Some(app) = app.upgrade() {
            app.stop();
        }
        if let Err(error) = self.runtime.block_on(closing) {
            tracing::error!(%error, "the ledger was not closed in order; it is caught up at the next start");
        }
    }

    /// Asks, and waits for the answer. Whoever answered may have ended since: then this process takes its place.
    ///
    /// # Errors
    /// The problem that was answered, or that nobody could be asked: nothing is permitted then.
    pub(super) fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Problem> {
        let nobody = |why: String| {
            Problem::new(Code::LedgerUnavailable, format!("nobody holds the ledger: {why}"))
                .with_help("nothing is permitted without a record; see why Bulkhead ended, and start it again")
        };
        let mut reply = control::ask(&self.data, request);
        if !matches!(reply, Ok(Some(_))) {
            self.ensure().map_err(|failure| nobody(failure.into_error().to_string()))?;
            reply = control::ask(&self.data, request);
        }
        match reply {
            Ok(Some(Reply::Facts(facts))) => serde_json::from_value(facts)
                .map_err(|error| Problem::new(Code::Bug, format!("the answer is not understood: {error}"))),
            Ok(Some(Reply::Problem { code, title, detail, help })) => {
                let code = if code == "ledger-unavailable" { Code::LedgerUnavailable } else { Code::Bug };
                Err(Problem { code, title, detail, help, verdict: None })
            }
            Ok(None) => Err(nobody("its control socket is gone".to_owned())),
            Err(why) => Err(nobody(why.to_string())),
        }
    }

    /// Lets go of the data directory, where this process holds it.
    fn close(&self) {
        // Without the turn another run could find the socket and be hung up on; it would ask again.
        let _turn = crate::files::turn(&self.data.join("runs.lock"));
        self.let_go();
    }
}

/// A keeper for as long as the run lasts, however that ends.
pub(super) struct Kept(pub(super) Arc<Keeper>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.close();
    }
}
