//! The one place that reads the clock; everything else takes `now`.

use jiff::Timestamp;

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock;

impl Clock {
    /// The time now.
    pub fn now(self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that the ban points to")]
        Timestamp::now()
    }
}
