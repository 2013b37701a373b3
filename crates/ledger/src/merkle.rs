//! The Merkle tree of RFC 6962 (same as RFC 9162): hashes, roots, inclusion and consistency proofs.
//!
//! Proofs are made over [`Nodes`], anything that knows the hashes of whole subtrees, so this file does no I/O and knows
//! nothing of tiles.

use bulkhead_core::Sha256;

use crate::hash::sha256;

#[cfg(test)]
mod tests;

/// The hash of a leaf: SHA-256(0x00 || entry) (RFC 6962, section 2.1).
pub fn leaf_hash(entry: &[u8]) -> Sha256 {
    sha256(&[&[0], entry])
}

/// The same for an entry with a byte of room before it, which is overwritten: nothing has to be copied.
pub(crate) fn leaf_hash_behind(room_and_entry: &mut [u8]) -> Sha256 {
    if let Some(room) = room_and_entry.first_mut() {
        *room = 0;
    }
    sha256(&[room_and_entry])
}

/// The hash of a node: SHA-256(0x01 || left || right).
pub fn node_hash(left: &Sha256, right: &Sha256) -> Sha256 {
    sha256(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// The root of the empty tree: SHA-256 of nothing.
pub fn empty_root() -> Sha256 {
    sha256(&[])
}

/// Hashes of whole subtrees: `node(level, index)` is the hash over the leaves `index * 2^level .. (index + 1) * 2^level`.
pub trait Nodes {
    /// What can go wrong when a hash is looked up.
    type Error: From<OutOfRange>;

    /// The hash of that subtree; asked only for subtrees that lie wholly inside the tree.
    ///
    /// # Errors
    /// When the hash cannot be had.
    fn node(&self, level: u32, index: u64) -> Result<Sha256, Self::Error>;
}

/// The proof asked for cannot exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value} is not within a tree of size {size}")]
pub struct OutOfRange {
    what: &'static str,
    value: u64,
    size: u64,
}

/// A proof does not show what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The numbers cannot be right.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// The number of hashes is wrong for these sizes.
    #[error("the {0} proof has the wrong number of hashes")]
    Length(&'static str),
    /// The hashes lead to another root.
    #[error("the {0} proof leads to another root")]
    Root(&'static str),
}

/// The root of the first `size` leaves.
///
/// # Errors
/// When a hash cannot be had.
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Sha256, N::Error> {
    if size == 0 { Ok(empty_root()) } else { range_root(nodes, 0, size) }
}

/// The inclusion proof of the leaf at `index` in the tree of `size` leaves (RFC 6962, section 2.1.1): the siblings from
/// the leaf up.
///
/// # Errors
/// When there is no such leaf, or a hash cannot be had.
pub fn inclusion_proof<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Sha256>, N::Error> {
    if index >= size {
        return Err(OutOfRange { what: "index", value: index, size }.into());
    }
    let (mut low, mut high, mut proof) = (0, size, Vec::new());
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            proof.push(range_root(nodes, middle, high)?);
            high = middle;
        } else {
            proof.push(range_root(nodes, low, middle)?);
            low = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The consistency proof between the trees of `old` and of `size` leaves (RFC 6962, section 2.1.2). Empty when `old` is
/// 0 or `size`.
///
/// # Errors
/// When `old` is greater than `size`, or a hash cannot be had.
pub fn consistency_proof<N: Nodes>(nodes: &N, old: u64, size: u64) -> Result<Vec<Sha256>, N::Error> {
    if old > size {
        return Err(OutOfRange { what: "old size", value: old, size }.into());
    }
    let (mut low, mut high, mut proof) = (0, size, Vec::new());
    if old == 0 || old == size {
        return Ok(proof);
    }
    while high != old {
        let middle = low + split(high - low);
        if old <= middle {
            proof.push(range_root(nodes, middle, high)?);
            high = middle;
        } else {
            proof.push(range_root(nodes, low, middle)?);
            low = middle;
        }
    }
    // The verifier knows the old root itself; it needs the subtree only when that is not the whole old tree.
    if low != 0 {
        proof.push(range_root(nodes, low, high)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks an inclusion proof (RFC 9162, section 2.1.3.2).
///
/// # Errors
/// When the proof does not show that the leaf is at `index` in the tree with this size and root.
pub fn verify_inclusion(
    leaf: &Sha256,
    index: u64,
    size: u64,
    root: &Sha256,
    proof: &[Sha256],
) -> Result<(), ProofError> {
    if index >= size {
        return Err(OutOfRange { what: "index", value: index, size }.into());
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length("inclusion"));
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length("inclusion"));
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root("inclusion")) }
}

/// Checks a consistency proof (RFC 9162, section 2.1.4.2). Every tree is consistent with the empty one.
///
/// # Errors
/// When the proof does not show that the tree with `old_root` is the beginning of the tree with `root`.
pub fn verify_consistency(
    old: u64,
    size: u64,
    old_root: &Sha256,
    root: &Sha256,
    proof: &[Sha256],
) -> Result<(), ProofError> {
    if old > size {
        return Err(OutOfRange { what: "old size", value: old, size }.into());
    }
    if old == 0 || old == size {
        let known = if old == size { *root } else { empty_root() };
        return match (proof.is_empty(), *old_root == known) {
            (false, _) => Err(ProofError::Length("consistency")),
            (true, false) => Err(ProofError::Root("consistency")),
            (true, true) => Ok(()),
        };
    }
    let mut hashes = proof.iter();
    let first = if old.is_power_of_two() { Some(old_root) } else { hashes.next() };
    let first = *first.ok_or(ProofError::Length("consistency"))?;
    let (mut node, mut last) = (old - 1, size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut hash) = (first, first);
    for sibling in hashes {
        if last == 0 {
            return Err(ProofError::Length("consistency"));
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length("consistency"));
    }
    if old_hash == *old_root && hash == *root { Ok(()) } else { Err(ProofError::Root("consistency")) }
}

/// The hash over the leaves `low .. high`, where `low` is a multiple of the largest power of two that fits.
fn range_root<N: Nodes>(nodes: &N, low: u64, high: u64) -> Result<Sha256, N::Error> {
    let count = high - low;
    if count.is_power_of_two() {
        return nodes.node(count.trailing_zeros(), low / count);
    }
    let middle = low + split(count);
    Ok(node_hash(&range_root(nodes, low, middle)?, &range_root(nodes, middle, high)?))
}

/// The largest power of two smaller than `count`, for `count` of at least 2.
fn split(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

/// The hash of a whole subtree from its hashes at one level; their number is a power of two.
pub(crate) fn subtree(hashes: &[Sha256]) -> Sha256 {
    match hashes {
        [one] => *one,
        [left, right] => node_hash(left, right),
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            node_hash(&subtree(left), &subtree(right))
        }
    }
}

pub(crate) fn within(what: &'static str, value: u64, size: u64) -> Result<(), OutOfRange> {
    if value <= size { Ok(()) } else { Err(OutOfRange { what, value, size }) }
}
