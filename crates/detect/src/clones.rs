//! Likeness of code: what an archive's code looks like as a set of shingles, and which known campaigns it shares them with.
//!
//! Whoever spreads malware publishes the same code again under other names; nearly half of the public malware set is one campaign.
//! A shingle is five tokens in a row, as a hash. Two numbers come out of them:
//!
//! * a [`Sketch`]: the smallest [`SKETCH`] hashes, from which the likeness of any two archives is estimated without either;
//! * how much of each known campaign is in the archive. The shipped index holds for each campaign some shingles that no
//!   benign archive of the evaluation has: hashes only, from which no code can be had back. How it is made: `cargo xtask clones`.
//!
//! One pass over the bytes, with no language behind it: names, comments and the words in literals count, white space does not.

use serde::{Deserialize, Serialize};

/// Tokens in a shingle.
const TOKENS: usize = 5;
/// Hashes in a sketch at most. With so many the estimate is off by three points in a hundred, two times in three.
pub const SKETCH: usize = 256;
/// A campaign is recognised by that share of its shingles...
const SHARE: usize = 60;
/// ...and by no fewer than this many, so that a few lines everybody writes alike are no campaign.
const FEWEST: usize = 16;
/// Bits of the first look: most shingles of an archive are in no campaign, and one load says so.
const FILTER_BITS: u32 = 20;

/// The smallest hashes of an archive's shingles, in order, each once. Small code has fewer, and then they are all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sketch(Vec<u32>);

impl Sketch {
    /// The hashes.
    pub fn hashes(&self) -> &[u32] {
        &self.0
    }

    /// Whether the hashes are what [`Shingles`] makes: ascending, and not too many. A sketch from a stranger is checked with it.
    pub fn is_sound(&self) -> bool {
        self.0.len() <= SKETCH && self.0.is_sorted_by(|a, b| a < b)
    }

    /// The share of shingles that both have among those that either has (Jaccard), estimated, in hundredths. Two archives
    /// without code are not alike.
    pub fn likeness(&self, other: &Self) -> usize {
        let (mut both, mut either) = (0_usize, 0);
        let (mut mine, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        // The smallest hashes of the union are a fair sample of it only as far as both sketches reach.
        while either < SKETCH {
            match (mine.peek(), theirs.peek()) {
                (Some(a), Some(b)) if a == b => {
                    both += 1;
                    mine.next();
                    theirs.next();
                }
                (Some(a), Some(b)) if a < b => drop(mine.next()),
                (Some(_), None) => drop(mine.next()),
                (_, Some(_)) => drop(theirs.next()),
                (None, None) => break,
            }
            either += 1;
        }
        (both * 100).checked_div(either).unwrap_or_default()
    }
}

/// A known campaign that an archive shares code with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Campaign {
    /// Its number in the index.
    pub number: u16,
    /// Archives of it that were seen when the index was made.
    pub archives: u16,
    /// The share of its shingles that the archive has, in hundredths.
    pub share: u16,
}

/// Collects the shingles of one archive.
#[derive(Debug)]
pub struct Shingles<'a> {
    lowest: Vec<u32>,
    /// Nothing at or above it can be in the sketch any more.
    bound: u32,
    index: &'a Index,
    /// By place in the index: whether the archive has that shingle.
    seen: Vec<bool>,
}

impl<'a> Shingles<'a> {
    /// None yet.
    pub fn new(index: &'a Index) -> Self {
        Self { lowest: Vec::new(), bound: u32::MAX, index, seen: vec![false; index.shingles.len()] }
    }

    /// Adds the shingles of one file.
    pub fn add(&mut self, content: &[u8]) {
        each(content, |hash| {
            if hash < self.bound {
                self.keep(hash);
            }
            self.index.places(hash).for_each(|place| {
                if let Some(seen) = self.seen.get_mut(place) {
                    *seen = true;
                }
            });
        });
    }

    fn keep(&mut self, hash: u32) {
        self.lowest.push(hash);
        if self.lowest.len() >= 8 * SKETCH {
            self.settle();
            if let (SKETCH, Some(&last)) = (self.lowest.len(), self.lowest.last()) {
                self.bound = last;
            }
        }
    }

    fn settle(&mut self) {
        self.lowest.sort_unstable();
        self.lowest.dedup();
        self.lowest.truncate(SKETCH);
    }

    /// The sketch of all that was added.
    pub fn sketch(mut self) -> Sketch {
        self.settle();
        Sketch(self.lowest)
    }

    /// The campaign that most of the archive's shingles point to, when enough of it is there.
    pub fn campaign(&self) -> Option<Campaign> {
        let mut hits = vec![0; self.index.campaigns.len()];
        for (_, &(_, campaign)) in self.seen.iter().zip(&self.index.shingles).filter(|(seen, _)| **seen) {
            if let Some(count) = hits.get_mut(usize::from(campaign)) {
                *count += 1;
            }
        }
        let found = self.index.campaigns.iter().zip(hits).enumerate().filter_map(|(number, (campaign, hits))| {
            let share = hits * 100 / usize::from(campaign.shingles).max(1);
            (share >= SHARE && hits >= FEWEST).then_some((share, hits, number, campaign.archives))
        });
        let (share, _, number, archives) =
            found.max_by_key(|&(share, hits, number, _)| (share, hits, std::cmp::Reverse(number)))?;
        Some(Campaign { number: u16::try_from(number).ok()?, archives, share: u16::try_from(share).ok()? })
    }
}

/// The known campaigns, by shingle.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index {
    campaigns: Vec<Known>,
    /// Hash and campaign, ascending.
    shingles: Vec<(u32, u16)>,
    filter: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    archives: u16,
    shingles: u16,
}

/// What an index file begins with; the digit is the form's version and changes with the hash.
const MAGIC: &[u8] = b"bulkhead clones 1\n";

impl Index {
    /// An index of campaigns, each with the number of its archives and its shingles.
    pub fn new<'c>(campaigns: impl IntoIterator<Item = (u16, &'c [u32])>) -> Self {
        let mut index = Self { filter: vec![0; 1 << (FILTER_BITS - 6)], ..Self::default() };
        for (number, (archives, shingles)) in (0..).zip(campaigns) {
            index.campaigns.push(Known { archives, shingles: u16::try_from(shingles.len()).unwrap_or(u16::MAX) });
            index.shingles.extend(shingles.iter().map(|&hash| (hash, number)));
        }
        index.shingles.sort_unstable();
        for &(hash, _) in &index.shingles {
            let (word, bit) = filter_place(hash);
            index.filter[word] |= bit;
        }
        index
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` when it is something else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let mut short = || -> Option<u16> {
            let (first, tail) = rest.split_first_chunk::<2>()?;
            rest = tail;
            Some(u16::from_le_bytes(*first))
        };
        let sizes: Vec<(u16, u16)> = (0..short()?).map(|_| Some((short()?, short()?))).collect::<Option<_>>()?;
        let (hashes, odd) = rest.as_chunks::<4>();
        let hashes: Vec<u32> = hashes.iter().map(|hash| u32::from_le_bytes(*hash)).collect();
        let mut left = hashes.as_slice();
        let mut campaigns = Vec::with_capacity(sizes.len());
        for (archives, count) in sizes {
            let (own, others) = left.split_at_checked(usize::from(count))?;
            campaigns.push((archives, own));
            left = others;
        }
        (left.is_empty() && odd.is_empty()).then(|| Self::new(campaigns))
    }

    /// The index as a file: the magic, the number of campaigns, for each the numbers of its archives and shingles (two bytes
    /// each), then all hashes (four bytes each), campaign by campaign, ascending; little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(u16::try_from(self.campaigns.len()).unwrap_or(u16::MAX).to_le_bytes());
        for known in &self.campaigns {
            out.extend(known.archives.to_le_bytes());
            out.extend(known.shingles.to_le_bytes());
        }
        let mut by_campaign = self.shingles.clone();
        by_campaign.sort_unstable_by_key(|&(hash, campaign)| (campaign, hash));
        out.extend(by_campaign.iter().flat_map(|(hash, _)| hash.to_le_bytes()));
        out
    }

    /// Campaigns in it.
    pub fn len(&self) -> usize {
        self.campaigns.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.campaigns.is_empty()
    }

    fn places(&self, hash: u32) -> std::ops::Range<usize> {
        let (word, bit) = filter_place(hash);
        if self.filter.get(word).is_none_or(|bits| bits & bit == 0) {
            return 0..0;
        }
        let first = self.shingles.partition_point(|&(known, _)| known < hash);
        let same = self.shingles[first..].iter().take_while(|&&(known, _)| known == hash).count();
        first..first + same
    }
}

fn filter_place(hash: u32) -> (usize, u64) {
    let bits = hash & ((1 << FILTER_BITS) - 1);
    ((bits >> 6) as usize, 1 << (bits & 63))
}

/// Gives the hash of every shingle of the text, in order. A text of fewer tokens than a shingle has none.
pub fn each(content: &[u8], mut take: impl FnMut(u32)) {
    let mut last = [0_u64; TOKENS];
    let (mut count, mut oldest, mut sum) = (0_usize, 0, 0_u64);
    let mut at = 0;
    while let Some(&byte) = content.get(at) {
        let mut token = (u64::from(byte) ^ FNV_START).wrapping_mul(FNV);
        at += 1;
        if byte.is_ascii_whitespace() || byte == 0 {
            continue;
        }
        if is_word(byte) {
            while let Some(&next) = content.get(at).filter(|&&next| is_word(next)) {
                token = (token ^ u64::from(next)).wrapping_mul(FNV);
                at += 1;
            }
        }
        // The sum of the last tokens, each times a power of the multiplier: the oldest leaves it, the new one enters.
        sum = sum.wrapping_sub(last[oldest].wrapping_mul(LEAVING)).wrapping_mul(SPREAD).wrapping_add(token);
        last[oldest] = token;
        oldest = (oldest + 1) % TOKENS;
        count += 1;
        if count >= TOKENS {
            // The high bits of the last product depend on all the lower ones.
            take(((sum ^ (sum >> 32)).wrapping_mul(SPREAD) >> 32) as u32);
        }
    }
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV: u64 = 0x0100_0000_01b3;
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// What the oldest token was multiplied by.
const LEAVING: u64 = SPREAD.wrapping_pow(TOKENS as u32 - 1);

fn is_word(byte: u8) -> bool {
    WORD[byte as usize]
}

const WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        table[at] = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests;
