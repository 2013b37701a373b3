//! Contained runs on the real kernel. Each attempt also runs without the layer that must stop it: an attempt that fails
//! anyway proves nothing.
//!
//! Root runs these by becoming an ordinary user first, with a FUSE device that any user may open; an ordinary user runs
//! them as they are.
#![cfg(target_os = "linux")]

mod degraded;
mod faults;
mod files;
mod harness;
mod network;
mod processes;
mod tripwires;
