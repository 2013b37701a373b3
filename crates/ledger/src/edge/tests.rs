use super::*;
use crate::merkle::{self, Nodes, OutOfRange, leaf_hash};

struct Leaves(Vec<Sha256>);

impl Nodes for Leaves {
    type Error = OutOfRange;

    fn node(&self, level: u32, index: u64) -> Result<Sha256, OutOfRange> {
        let start = (index << level) as usize;
        Ok(subtree(&self.0[start..start + (1 << level)]))
    }
}

#[test]
fn the_edge_has_the_root_and_the_widths_at_every_size() {
    let leaves = Leaves((0..1_200_u64).map(|number| leaf_hash(&number.to_be_bytes())).collect());
    let mut edge = Edge::default();
    for (at, leaf) in leaves.0.iter().enumerate() {
        assert_eq!(edge.root(), merkle::root(&leaves, at as u64).unwrap(), "size {at}");
        let again = Edge::new(edge.size(), (0..edge.height()).map(|level| edge.partial(level).to_vec()).collect());
        assert_eq!(again.as_ref().map(Edge::root), Some(edge.root()));
        edge.push(*leaf);
    }
}

#[test]
fn full_tiles_come_with_their_level_and_index() {
    let mut edge = Edge::default();
    let leaf = leaf_hash(b"");
    let full: Vec<(u64, u8, u64)> = (1..=65_536 + 256)
        .flat_map(|size| edge.push(leaf).into_iter().map(move |tile| (size, tile.level, tile.index)))
        .collect();
    assert_eq!(full.first(), Some(&(256, 0, 0)));
    assert_eq!(full[255..], [(65_536, 0, 255), (65_536, 1, 0), (65_792, 0, 256)]);
    assert_eq!((edge.partial(0).len(), edge.partial(1).len(), edge.partial(2).len()), (0, 1, 1));
}

#[test]
fn the_short_cut_survives_its_bytes_and_nothing_else_parses() {
    let mut edge = Edge::default();
    (0..66_000_u64).for_each(|number| drop(edge.push(leaf_hash(&number.to_be_bytes()))));
    let bytes = edge.upper_bytes();
    let (size, mut levels) = Edge::parse_upper(&bytes).unwrap();
    levels[0] = edge.partial(0).to_vec();
    assert_eq!(Edge::new(size, levels), Some(edge));
    for cut in [0, 7, 8, bytes.len() - 1] {
        assert_eq!(Edge::parse_upper(&bytes[..cut]), None);
    }
    assert_eq!(Edge::parse_upper(&[bytes, vec![0]].concat()), None);
}

#[test]
fn an_edge_with_wrong_widths_is_none() {
    assert_eq!(Edge::new(1, vec![]), None);
    assert_eq!(Edge::new(0, vec![vec![leaf_hash(b"")]]), None);
    assert_eq!(Edge::new(256, vec![vec![], vec![]]), None);
}
