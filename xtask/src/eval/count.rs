//! The arithmetic: shares with their intervals, and places in an order.

/// A share: so many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Share {
    pub(super) hits: usize,
    pub(super) of: usize,
}

impl Share {
    /// How many of them are so.
    pub(super) fn of<T>(all: impl IntoIterator<Item = T>, mut is_so: impl FnMut(T) -> bool) -> Self {
        let mut share = Self::default();
        for one in all {
            share.of += 1;
            share.hits += usize::from(is_so(one));
        }
        share
    }

    /// In percent; 0 of nothing.
    pub(super) fn percent(self) -> f64 {
        if self.of == 0 { 0.0 } else { 100.0 * self.hits as f64 / self.of as f64 }
    }

    /// Wilson's interval at 95 %, in percent: where the true share lies when the sample was fair.
    pub(super) fn interval(self) -> (f64, f64) {
        if self.of == 0 {
            return (0.0, 100.0);
        }
        let (z, n) = (1.959_964_f64, self.of as f64);
        let p = self.hits as f64 / n;
        let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        (100.0 * (centre - half).max(0.0), 100.0 * (centre + half).min(1.0))
    }
}

/// Median, 95th percentile and largest, by nearest rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spread {
    pub(super) median: u64,
    pub(super) p95: u64,
    pub(super) max: u64,
}

impl Spread {
    pub(super) fn of(values: impl IntoIterator<Item = u64>) -> Self {
        let mut values: Vec<u64> = values.into_iter().collect();
        values.sort_unstable();
        let at = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100).max(1);
            values.get(rank - 1).copied().unwrap_or_default()
        };
        Self { median: at(50), p95: at(95), max: at(100) }
    }
}

#[cfg(test)]
mod tests;
