//! What the integration tests stand on: packages built in memory, a registry that can misbehave, the real server, and
//! real clients on a machine of their own.
//!
//! ```text
//! Wheel, Sdist -> Registry  <--upstream--  Bulkhead  <--index--  Developer::pip, ::uv
//! ```

pub mod archive;
pub mod authority;
pub mod browser;
pub mod bulkhead;
pub mod contained;
pub mod developer;
pub mod http;
pub mod internet;
pub mod package;
pub mod registry;
pub mod relay;
pub mod screen;
pub mod sigv4;

pub use authority::{Answers, Authority};
pub use browser::Browser;
pub use bulkhead::{Bulkhead, Place};
pub use developer::Developer;
pub use internet::Internet;
pub use package::{Sdist, Wheel};
pub use registry::{Barrier, Fault, Registry, Upload};
pub use relay::Relay;
pub use screen::Screen;

/// What a question answers once it answers something. Asks again and again, each time with a request: for what follows
/// by itself within a moment. That moment may be long where a build has just written gigabytes and a sync waits behind them.
pub fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(150);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(std::time::Instant::now() < deadline, "it never came");
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
