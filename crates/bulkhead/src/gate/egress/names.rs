//! Addresses that stand for names inside one run: from 198.18.0.1 on, in the order of the questions.
//!
//! 198.18.0.0/15 is set aside for benchmarks (RFC 2544): no host is there, and 127/8 stays the workload's own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Names that one run may ask for; past it the name server refuses, so that labels do not become a channel of memory.
const MOST: usize = 60_000;

/// The names of one run. Shared by its name server and its proxy.
#[derive(Debug, Default)]
pub struct Names {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_name: HashMap<String, Ipv4Addr>,
    by_address: HashMap<Ipv4Addr, String>,
    /// Addresses that something connected to.
    used: HashSet<Ipv4Addr>,
}

impl Names {
    /// The address that stands for the name, the same one each time; `None` when there are too many.
    pub fn address(&self, name: &str) -> Option<Ipv4Addr> {
        let mut inner = self.lock();
        if let Some(address) = inner.by_name.get(name) {
            return Some(*address);
        }
        let number = u16::try_from(inner.by_name.len()).ok().filter(|number| usize::from(*number) < MOST)? + 1;
        let [high, low] = number.to_be_bytes();
        let address = Ipv4Addr::new(198, 18, high, low);
        inner.by_name.insert(name.to_owned(), address);
        inner.by_address.insert(address, name.to_owned());
        Some(address)
    }

    /// The name that the address stands for, because something connects to it.
    pub fn name(&self, address: Ipv4Addr) -> Option<String> {
        let mut inner = self.lock();
        let name = inner.by_address.get(&address).cloned()?;
        inner.used.insert(address);
        Some(name)
    }

    /// Names that were asked for and that nothing connected to: how many below which domain, the most first. Where data was
    /// to be carried out in names, the names are the data: only their last two labels are told.
    pub fn idle(&self) -> Vec<(String, u64)> {
        let inner = self.lock();
        let mut domains: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, _) in inner.by_name.iter().filter(|(_, address)| !inner.used.contains(address)) {
            let domain = name.rmatch_indices('.').nth(1).map_or(name.as_str(), |(dot, _)| &name[dot + 1..]);
            *domains.entry(domain).or_default() += 1;
        }
        let mut domains: Vec<(String, u64)> =
            domains.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        domains.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        domains
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_address_and_the_address_its_name() {
        let names = Names::default();
        let (a, b) = (names.address("a.test").unwrap(), names.address("b.test").unwrap());
        assert_eq!(names.address("a.test"), Some(a));
        assert_ne!(a, b);
        assert_eq!(names.name(b).as_deref(), Some("b.test"));
        assert_eq!(names.name(Ipv4Addr::LOCALHOST), None);
    }

    #[test]
    fn names_without_a_connection_are_counted_by_their_domain() {
        let names = Names::default();
        for label in 0..3 {
            names.address(&format!("part{label}.c.attacker.test"));
        }
        names.address("local");
        let used = names.address("api.good.test").unwrap();
        names.name(used);
        assert_eq!(names.idle(), [("attacker.test".to_owned(), 3), ("local".to_owned(), 1)]);
    }

    #[test]
    fn there_is_an_end() {
        let names = Names::default();
        for number in 0..MOST {
            assert!(names.address(&number.to_string()).is_some());
        }
        assert_eq!(names.address("one-more"), None);
        assert_eq!(names.address("0"), Some(Ipv4Addr::new(198, 18, 0, 1)));
    }
}
