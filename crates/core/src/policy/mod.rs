//! Policy: rules in, verdicts out. Pure.

pub mod schema;
