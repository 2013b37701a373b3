//! The product: gates, stores, console and command line. The only async crate of the workspace.
//!
//! ARCHITECTURE.md has the map. [`spine`] is where to begin reading.

pub mod api;
pub mod app;
pub mod auth;
pub mod blob;
pub mod blocking;
pub mod cli;
pub mod clock;
pub mod config;
mod console;
pub mod control;
pub mod drill;
pub mod estate;
pub mod exposure;
pub mod files;
pub mod front_page;
pub mod gate;
pub mod http;
pub mod ledger;
pub mod net;
pub mod scan;
pub mod source;
pub mod spine;
pub mod stop;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod worker;
