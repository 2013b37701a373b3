//! What an upstream can do wrong.

use std::sync::{Arc, Condvar, Mutex};

/// Replaces the answer to a path.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status, with a text body.
    Status(u16),
    /// The right headers, then only so many bytes of the body, then the connection closes.
    Truncated(usize),
    /// The right headers, then nothing more while the connection stays open.
    Stalled,
    /// These bytes with status 200 and the right content type.
    Bytes(Vec<u8>),
    /// A page for people where a machine asked, as captive portals answer.
    Html,
    /// A redirect to this address.
    Redirect(String),
    /// A body of that many bytes, of the right content type and without end in sight (no content-length).
    Huge(u64),
    /// Bytes that are not HTTP.
    Garbage,
    /// The connection closes without an answer.
    Reset,
    /// The right answer, once the barrier opens.
    Behind(Barrier),
}

/// Holds answers back until a test has seen what it wants to see.
#[derive(Debug, Clone, Default)]
pub struct Barrier(Arc<(Mutex<Held>, Condvar)>);

#[derive(Debug, Default)]
struct Held {
    waiting: usize,
    open: bool,
}

impl Barrier {
    /// Waits until that many requests are held back.
    pub fn wait_for(&self, count: usize) {
        let (held, changed) = &*self.0;
        drop(changed.wait_while(held.lock().unwrap(), |held| held.waiting < count).unwrap());
    }

    /// Lets everything through, now and later.
    pub fn open(&self) {
        let (held, changed) = &*self.0;
        held.lock().unwrap().open = true;
        changed.notify_all();
    }

    pub(super) fn pass(&self) {
        let (held, changed) = &*self.0;
        let mut held = held.lock().unwrap();
        held.waiting += 1;
        changed.notify_all();
        drop(changed.wait_while(held, |held| !held.open).unwrap());
    }
}
