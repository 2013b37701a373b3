//! The order to stop, told to everything that waits.

use tokio::sync::watch;

/// Gives the order.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// Waits for the order.
#[derive(Debug, Clone)]
pub struct Stopping(watch::Receiver<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Gives the order; once is for ever.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// One that waits for the order.
    pub fn stopping(&self) -> Stopping {
        Stopping(self.0.subscribe())
    }
}

impl Stopping {
    /// Returns when the order is given, or when nobody is left to give it.
    pub async fn wait(&mut self) {
        // An error means that the sender is gone: the app is being taken down, which is the order too.
        drop(self.0.wait_for(|stopped| *stopped).await);
    }

    /// Whether the order was given.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }
}
