//! The knobs on top of a policy file, visible to every rule as `settings.*`.

use crate::{Duration, Purl};

use super::glob::Glob;
use super::scope::Seen;

/// The typed `[settings]` of a policy. A knob that the file leaves out has its shipped value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How old a file must be before it passes.
    pub cooldown: Duration,
    /// How old an advisory feed may be before its source counts as unknown. The built-in seed is not age-checked.
    pub feed_max_age: Duration,
    /// How much older than the newest one already served a lower version may be before it counts as a downgrade.
    pub downgrade_window: Duration,
    /// How young a project is that a release newly depends on, when the release came out, to be held where no code imports it.
    pub young_dependency: Duration,
    /// From which score a file is held: 0 to 100; 101 never.
    pub score_hold: i64,
    /// From which score a file is denied; 101 never.
    pub score_deny: i64,
    /// Patterns of project names that are internal, such as `acme-*`; `*` stands for any characters.
    pub reserved: Vec<String>,
    /// Hosts that runs may reach: names, `*.name` for what is below one, or addresses.
    pub hosts: Vec<String>,
    /// Hosts whose TLS is opened although no secret is for them, so that rules see method and path.
    pub open: Vec<String>,
    /// Hosts that may have private addresses: a company's own. Loopback and metadata services stay closed.
    pub private: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: i64 = 86_400;
        Self {
            cooldown: Duration::seconds(3 * DAY),
            feed_max_age: Duration::seconds(7 * DAY),
            downgrade_window: Duration::seconds(730 * DAY),
            young_dependency: Duration::seconds(14 * DAY),
            score_hold: 55,
            score_deny: 100,
            reserved: Vec::new(),
            hosts: Vec::new(),
            open: Vec::new(),
            private: Vec::new(),
        }
    }
}

impl Settings {
    /// The pattern that reserves this project's name for internal packages, when one does.
    ///
    /// A pattern is compared with the normalised name, and is itself normalised the way names of that ecosystem are.
    pub fn reserves(&self, project: &Purl) -> Option<&str> {
        let matches = |pattern: &&String| Glob::name(project.ecosystem(), pattern).matches(project.name());
        self.reserved.iter().find(matches).map(String::as_str)
    }

    /// The value of `settings.<knob>`; spans of time are in seconds.
    pub(super) fn seen(&self, knob: &str) -> Option<Seen<'_>> {
        match knob {
            "cooldown" => Some(Seen::Int(self.cooldown.as_seconds())),
            "feed_max_age" => Some(Seen::Int(self.feed_max_age.as_seconds())),
            "downgrade_window" => Some(Seen::Int(self.downgrade_window.as_seconds())),
            "young_dependency" => Some(Seen::Int(self.young_dependency.as_seconds())),
            "score_hold" => Some(Seen::Int(self.score_hold)),
            "score_deny" => Some(Seen::Int(self.score_deny)),
            "reserved" => Some(Seen::List(&self.reserved)),
            "hosts" => Some(Seen::List(&self.hosts)),
            "open" => Some(Seen::List(&self.open)),
            "private" => Some(Seen::List(&self.private)),
            _ => None,
        }
    }
}
