//! A bar on standard error for work that takes a while, when a person watches.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Columns of the bar itself.
const WIDTH: usize = 24;
/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(80);

/// One piece of work with a known number of steps.
#[derive(Debug)]
pub(super) struct Progress {
    steps: usize,
    done: usize,
    shown: bool,
    drawn: Option<Instant>,
}

impl Progress {
    /// A bar, shown only when wanted, when somebody watches, and when there is more than a step or two.
    pub(super) fn new(steps: usize, wanted: bool) -> Self {
        Self { steps, done: 0, shown: wanted && steps > 2 && std::io::stderr().is_terminal(), drawn: None }
    }

    /// One step is done.
    pub(super) fn step(&mut self, label: &str) {
        self.done += 1;
        if self.shown && self.drawn.is_none_or(|at| at.elapsed() >= EVERY) {
            self.drawn = Some(Instant::now());
            drop(write!(std::io::stderr().lock(), "\r\x1b[2K{}", line(self.done, self.steps, label)));
        }
    }

    /// The line is removed.
    pub(super) fn end(self) {
        if self.shown {
            drop(write!(std::io::stderr().lock(), "\r\x1b[2K"));
        }
    }
}

fn line(done: usize, steps: usize, label: &str) -> String {
    let full = WIDTH * done.min(steps) / steps.max(1);
    let label: String = label.chars().filter(|char| !char.is_control()).take(40).collect();
    format!("[{}{}] {done}/{steps} {label}", "#".repeat(full), ".".repeat(WIDTH - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_grows_and_holds_no_control_characters() {
        assert_eq!(line(0, 4, "a"), format!("[{}] 0/4 a", ".".repeat(WIDTH)));
        assert_eq!(line(4, 4, "a\u{1b}[2J"), format!("[{}] 4/4 a[2J", "#".repeat(WIDTH)));
        assert!(line(9, 4, &"x".repeat(100)).len() < 80);
    }
}
