//! What one transaction has looked up or written already: most entries are about things that others before were about,
//! and asking the database again for each costs more than everything else that is done with an entry.
//!
//! It lives as long as the transaction, so that what is rolled back is forgotten with it. Nothing here decides anything:
//! without it the rows are the same.

use std::collections::{HashMap, HashSet};

use crate::store::graph::Kind;

/// Things that are remembered at once; beyond, all are forgotten. At most some 20 MB.
const MOST: usize = 100_000;

#[derive(Default)]
pub(super) struct Seen {
    things: HashMap<(i64, Box<[u8]>), i64>,
    links: HashSet<(i64, &'static str, i64)>,
    received: HashSet<i64>,
}

impl Seen {
    /// The number of a thing.
    pub(super) fn thing(&self, kind: Kind, name: &[u8]) -> Option<i64> {
        // The key is owned; a lookup with a borrowed one would need a type of its own, and copying it costs little.
        self.things.get(&(kind as i64, name.into())).copied()
    }

    pub(super) fn note_thing(&mut self, kind: Kind, name: &[u8], id: i64) {
        if self.things.len() >= MOST {
            self.things.clear();
        }
        self.things.insert((kind as i64, name.into()), id);
    }

    /// Notes a link; false when it was there already. Links are never removed.
    pub(super) fn is_new_link(&mut self, src: i64, how: &'static str, dst: i64) -> bool {
        if self.links.len() >= MOST {
            self.links.clear();
        }
        self.links.insert((src, how, dst))
    }

    /// Notes that a file was received; false when it was before. Whether its contents are recorded was looked at then,
    /// and recorded contents stay.
    pub(super) fn is_new_file(&mut self, artifact: i64) -> bool {
        if self.received.len() >= MOST {
            self.received.clear();
        }
        self.received.insert(artifact)
    }
}
