//! The placeholders of one run, made ready to be looked for in everything that it sends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use regex::bytes::Regex;

use super::super::host::Host;
use super::placeholder::Placeholder;
use super::scrub::Needles;
use super::spelling::{any_of, sent};

/// Texts shorter than that stand for nothing: they would be found everywhere.
pub(super) const LEAST: usize = 8;

/// What is known of a run's placeholders. It does not change: a new one makes a new `Known`.
#[derive(Debug, Default)]
pub struct Known {
    placeholders: Vec<Placeholder>,
    /// How many of them the run was started with; behind them stand those of credentials that were made since.
    started_with: usize,
    automaton: Option<Regex>,
    /// Whose spelling each is, and what stands for the secret in the same spelling.
    spellings: HashMap<Vec<u8>, (usize, Vec<u8>)>,
    longest: usize,
    /// What is looked for in answers, by the secrets that the host may have been given.
    needles: Mutex<HashMap<Vec<usize>, Arc<Needles>>>,
}

/// The secrets of one host, by their places among the placeholders, and what its answers are scrubbed of.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The secrets' places.
    pub places: Vec<usize>,
    /// The names of those that the run was started with: what was made since is for the hosts of what it was made of.
    pub names: Vec<String>,
    /// What answers are scrubbed of; empty when there are none.
    pub needles: Arc<Needles>,
}

/// A placeholder that was found in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its place.
    pub place: usize,
    /// Where it begins and ends.
    pub at: (usize, usize),
    /// What stands for the secret in the same spelling.
    pub real: &'a [u8],
}

impl Known {
    /// Ready for these, of which the run was started with so many.
    pub fn new(placeholders: Vec<Placeholder>, started_with: usize) -> Self {
        let mut spellings = HashMap::new();
        for (place, placeholder) in placeholders.iter().enumerate() {
            for (mark, value) in placeholder.marks().zip(placeholder.values()) {
                let pairs = sent(mark.as_bytes()).into_iter().zip(sent(value.as_bytes()));
                spellings
                    .extend(pairs.filter(|(mark, _)| mark.len() >= LEAST).map(|(mark, real)| (mark, (place, real))));
            }
        }
        let automaton = any_of(spellings.keys().map(Vec::as_slice));
        let longest = spellings.keys().map(Vec::len).max().unwrap_or(0);
        Self { placeholders, started_with, automaton, spellings, longest, needles: Mutex::default() }
    }

    /// All of them.
    pub fn placeholders(&self) -> &[Placeholder] {
        &self.placeholders
    }

    /// How many of them the run was started with.
    pub fn started_with(&self) -> usize {
        self.started_with
    }

    /// Bytes of the longest text by which one is recognised.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Those that these bytes hold, in order.
    pub fn all_in<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Seen<'a>> {
        self.automaton.iter().flat_map(|automaton| automaton.find_iter(bytes)).filter_map(|found| {
            let (place, real) = self.spellings.get(found.as_bytes())?;
            Some(Seen { place: *place, at: (found.start(), found.end()), real })
        })
    }

    /// The first that these bytes hold.
    pub fn seen_in(&self, bytes: &[u8]) -> Option<&Placeholder> {
        self.all_in(bytes).next().and_then(|seen| self.placeholders.get(seen.place))
    }

    /// The bytes with the secrets in place of the placeholders that are found there and that `may` lets be swapped.
    pub fn swapped(&self, bytes: &[u8], may: impl Fn(&Placeholder) -> bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut from = 0;
        for seen in self.all_in(bytes).filter(|seen| self.placeholders.get(seen.place).is_some_and(&may)) {
            out.extend_from_slice(&bytes[from..seen.at.0]);
            out.extend_from_slice(seen.real);
            from = seen.at.1;
        }
        out.extend_from_slice(&bytes[from..]);
        out
    }

    /// The secrets of that host.
    pub fn given(&self, host: &Host, port: u16) -> Given {
        let reaching = self.placeholders.iter().enumerate();
        let places: Vec<usize> = reaching
            .filter(|(_, placeholder)| placeholder.binding.reaches(host, port))
            .map(|(place, _)| place)
            .collect();
        if places.is_empty() {
            return Given::default();
        }
        let names = places.iter().filter(|place| **place < self.started_with);
        let names = names.filter_map(|place| self.placeholders.get(*place)).map(|secret| secret.name.to_string());
        let mut all = self.needles.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Needles::new(places.iter().filter_map(|place| self.placeholders.get(*place))));
        let needles = Arc::clone(all.entry(places.clone()).or_insert_with(made));
        drop(all);
        Given { names: names.collect(), places, needles }
    }
}
