//! The product: gates, stores, console and command line. The only async crate of the workspace.

pub mod admin;
pub mod app;
pub mod auth;
pub mod blob;
pub mod cli;
pub mod config;
pub mod gate;
pub mod net;
pub mod source;
pub mod spine;
pub mod store;
pub mod telemetry;
pub mod worker;
