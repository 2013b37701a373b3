//! Colours, where a person sees them and has not asked for none.

use std::io::IsTerminal as _;

use crate::config::env::{self, Env};

/// Something refused.
pub(super) fn bad(text: &str) -> String {
    painted("31;1", text)
}

/// Something in order.
pub(super) fn good(text: &str) -> String {
    painted("32", text)
}

/// A name.
pub(super) fn strong(text: &str) -> String {
    painted("1", text)
}

fn painted(code: &str, text: &str) -> String {
    // https://no-color.org: present and not empty means none.
    let none = Env::process().text(env::NO_COLOR).is_some_and(|value| !value.is_empty());
    if none || !std::io::stdout().is_terminal() { text.to_owned() } else { format!("\x1b[{code}m{text}\x1b[0m") }
}
