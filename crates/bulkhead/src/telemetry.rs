//! Logs to standard error and counters for Prometheus.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Starts logging to standard error. `BULKHEAD_LOG` sets the level (`info`, `bulkhead=debug`); JSON when asked.
pub fn start_logging(filter: Option<&str>, json: bool) {
    let filter = tracing_subscriber::EnvFilter::new(filter.unwrap_or("warn,bulkhead=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second start (tests in one process) keeps the first subscriber; that is no fault.
    drop(if json { builder.json().try_init() } else { builder.without_time().try_init() });
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabels {
    gate: &'static str,
    action: &'static str,
    effect: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProblemLabels {
    code: String,
}

/// Every counter, with the registry that prints them.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    verdicts: Family<VerdictLabels, Counter>,
    problems: Family<ProblemLabels, Counter>,
    fetched: Counter,
    fetched_bytes: Counter,
    served_bytes: Counter,
    ledger_size: Gauge<u64, AtomicU64>,
    inspect_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("bulkhead");
        let metrics = Self {
            verdicts: Family::default(),
            problems: Family::default(),
            fetched: Counter::default(),
            fetched_bytes: Counter::default(),
            served_bytes: Counter::default(),
            ledger_size: Gauge::default(),
            inspect_seconds: Histogram::new(exponential_buckets(0.001, 4.0, 9)),
            registry: Registry::default(),
        };
        registry.register("verdicts", "Verdicts given, by gate, action and effect", metrics.verdicts.clone());
        registry.register("problems", "Problems answered, by code", metrics.problems.clone());
        registry.register("fetched_files", "Files fetched from an upstream", metrics.fetched.clone());
        registry.register_with_unit(
            "fetched",
            "Bytes fetched from an upstream",
            Unit::Bytes,
            metrics.fetched_bytes.clone(),
        );
        registry.register_with_unit("served", "Bytes of files served", Unit::Bytes, metrics.served_bytes.clone());
        registry.register("ledger_entries", "Entries in the ledger", metrics.ledger_size.clone());
        registry.register_with_unit(
            "inspect",
            "Time that the worker took for an archive",
            Unit::Seconds,
            metrics.inspect_seconds.clone(),
        );
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// One verdict was given.
    pub fn verdict(&self, gate: &'static str, action: &'static str, effect: &'static str) {
        self.verdicts.get_or_create(&VerdictLabels { gate, action, effect }).inc();
    }

    /// One problem was answered.
    pub fn problem(&self, code: String) {
        self.problems.get_or_create(&ProblemLabels { code }).inc();
    }

    /// One file was fetched.
    pub fn fetched(&self, bytes: u64) {
        self.fetched.inc();
        self.fetched_bytes.inc_by(bytes);
    }

    /// Bytes of a file were promised to a client.
    pub fn served(&self, bytes: u64) {
        self.served_bytes.inc_by(bytes);
    }

    /// An archive was read.
    pub fn inspected(&self, seconds: f64) {
        self.inspect_seconds.observe(seconds);
    }

    /// The text that Prometheus scrapes (OpenMetrics 1.0).
    ///
    /// # Errors
    /// Never in practice: writing to a string fails only when a metric's own formatting does.
    pub fn text(&self, ledger_size: u64) -> Result<String, std::fmt::Error> {
        self.ledger_size.set(ledger_size);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
