//! The intake gate: between package clients and registries.

pub mod ecosystem;
