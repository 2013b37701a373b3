//! Sessions of the console, in memory: they end with the process, after eight hours, or when somebody signs out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bulkhead_core::{Code, Principal, Problem, Sha256};
use jiff::{SignedDuration, Timestamp};

/// The cookie's name.
pub(super) const COOKIE: &str = "bulkhead_session";
/// How long a session lasts.
pub(super) const SECONDS: i64 = 8 * 3_600;
/// More at once than any team has; the oldest goes first.
const MOST: usize = 1_000;

/// One browser that showed an admin token.
#[derive(Debug, Clone)]
pub(super) struct Session {
    id: Sha256,
    pub(super) principal: Principal,
    /// In every form of this session.
    pub(super) csrf: String,
    ends: Timestamp,
}

/// Every session.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// By the digest of the cookie, so that a look-up's time says nothing about cookies.
    open: Mutex<HashMap<Sha256, Session>>,
}

impl Sessions {
    /// Begins one; its cookie.
    pub(super) fn begin(&self, principal: Principal, now: Timestamp) -> Result<String, Problem> {
        let (text, csrf) = (random()?, random()?);
        let ends = now.checked_add(SignedDuration::from_secs(SECONDS)).unwrap_or(now);
        let id = crate::blob::sha256(text.as_bytes());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| session.ends > now);
        if open.len() >= MOST
            && let Some(oldest) = open.values().min_by_key(|session| session.ends).map(|session| session.id)
        {
            open.remove(&oldest);
        }
        open.insert(id, Session { id, principal, csrf, ends });
        Ok(text)
    }

    /// The session of a cookie.
    pub(super) fn find(&self, cookie: &str, now: Timestamp) -> Option<Session> {
        let id = crate::blob::sha256(cookie.as_bytes());
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&id).filter(|session| session.ends > now).cloned()
    }

    /// Ends one.
    pub(super) fn end(&self, session: &Session) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&session.id);
    }
}

impl Session {
    /// Whether a form was made for this session.
    pub(super) fn is_own_form(&self, csrf: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.csrf.as_bytes(), csrf.as_bytes()).is_ok()
    }
}

fn random() -> Result<String, Problem> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Problem::new(Code::Bug, "the system gave no randomness for a session"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
