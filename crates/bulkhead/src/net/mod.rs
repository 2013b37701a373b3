//! HTTP on both sides, without opinions about packages: the server clients talk to and the client that asks upstream.
//!
//! Towards clients: [`server`] accepts connections, [`hygiene`] refuses ambiguous requests before any route sees them,
//! [`problem`] renders refusals, [`body`], [`range`], [`conditional`] and [`encoding`] shape answers. Towards upstream:
//! [`upstream`] fetches pages and files through a connector that dials only addresses which [`ssrf`] lets pass.

pub mod body;
pub mod conditional;
mod connector;
pub mod encoding;
mod fetch;
pub mod hygiene;
pub mod link;
pub mod listen;
pub mod post;
pub mod problem;
pub mod range;
pub mod remote;
mod resolver;
pub mod server;
pub mod ssrf;
pub mod tls;
pub mod upstream;

pub use body::Body;
pub use fetch::{FetchError, FileStream, Page, PageAnswer};
pub use resolver::Resolver;
#[cfg(test)]
pub use resolver::Script;
pub use upstream::{Limits, Upstream, UpstreamOptions};

#[cfg(test)]
mod fake;
