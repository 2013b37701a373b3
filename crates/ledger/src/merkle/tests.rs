use proptest::prelude::*;

use super::*;

/// Leaf hashes in memory; nodes by the definition of RFC 6962, section 2.1.
struct Leaves(Vec<Sha256>);

impl Nodes for Leaves {
    type Error = OutOfRange;

    fn node(&self, level: u32, index: u64) -> Result<Sha256, OutOfRange> {
        let start = (index << level) as usize;
        Ok(definition(&self.0[start..start + (1 << level)]))
    }
}

fn definition(leaves: &[Sha256]) -> Sha256 {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            node_hash(&definition(&leaves[..split]), &definition(&leaves[split..]))
        }
    }
}

fn numbered(count: u64) -> Leaves {
    Leaves((0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect())
}

fn hashes(hex: &[&str]) -> Vec<Sha256> {
    hex.iter().map(|hex| hex.parse().unwrap()).collect()
}

/// The reference tree of the Certificate Transparency code: eight leaves.
fn reference() -> Leaves {
    let leaves: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    Leaves(leaves.iter().map(|leaf| leaf_hash(leaf)).collect())
}

#[test]
fn roots_are_those_of_the_reference_tree() {
    let roots = hashes(&[
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]);
    for (size, expected) in roots.iter().enumerate() {
        assert_eq!(root(&reference(), size as u64).unwrap(), *expected, "size {size}");
    }
}

#[test]
fn proofs_are_those_of_the_reference_tree() {
    let tree = reference();
    let inclusion = |index, size| inclusion_proof(&tree, index, size).unwrap();
    let consistency = |old, size| consistency_proof(&tree, old, size).unwrap();
    let second = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
    let third_fourth = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
    let right_half = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
    let fifth = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
    let last_pair = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
    let left_half = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
    assert_eq!(inclusion(0, 8), hashes(&[second, third_fourth, right_half]));
    assert_eq!(inclusion(5, 8), hashes(&[fifth, last_pair, left_half]));
    assert_eq!(inclusion(2, 3), hashes(&["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]));
    assert_eq!(inclusion(0, 1), []);
    assert_eq!(consistency(1, 8), hashes(&[second, third_fourth, right_half]));
    let middle = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
    assert_eq!(consistency(6, 8), hashes(&[middle, last_pair, left_half]));
    assert_eq!(consistency(2, 5), hashes(&[third_fourth, fifth]));
    assert_eq!(consistency(8, 8), []);
}

#[test]
fn every_proof_of_a_small_tree_verifies() {
    let tree = numbered(20);
    for size in 1..=20 {
        let head = root(&tree, size).unwrap();
        for index in 0..size {
            let proof = inclusion_proof(&tree, index, size).unwrap();
            verify_inclusion(&tree.0[index as usize], index, size, &head, &proof).unwrap();
        }
        for old in 0..=size {
            let proof = consistency_proof(&tree, old, size).unwrap();
            verify_consistency(old, size, &root(&tree, old).unwrap(), &head, &proof).unwrap();
        }
    }
}

#[test]
fn a_proof_outside_the_tree_is_refused() {
    let tree = numbered(4);
    let head = root(&tree, 4).unwrap();
    assert!(inclusion_proof(&tree, 4, 4).is_err());
    assert!(consistency_proof(&tree, 5, 4).is_err());
    assert!(verify_inclusion(&tree.0[0], 4, 4, &head, &[]).is_err());
    assert!(verify_inclusion(&tree.0[0], 0, 0, &head, &[]).is_err());
    assert!(verify_consistency(5, 4, &head, &head, &[]).is_err());
    assert!(verify_consistency(4, 4, &empty_root(), &head, &[]).is_err());
    assert!(verify_consistency(0, 4, &head, &head, &[]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn inclusion_holds_and_fails_with_any_bit_flipped(size in 1_u64..400, at in any::<u64>(), bit in 0_usize..256, which in any::<usize>()) {
        let tree = numbered(size);
        let (index, head) = (at % size, root(&tree, size).unwrap());
        let leaf = tree.0[index as usize];
        let proof = inclusion_proof(&tree, index, size).unwrap();
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &head, &proof), Ok(()));
        prop_assert!(verify_inclusion(&flip(&leaf, bit), index, size, &head, &proof).is_err());
        prop_assert!(verify_inclusion(&leaf, index, size, &flip(&head, bit), &proof).is_err());
        prop_assert!(verify_inclusion(&leaf, (index + 1) % size.max(2), size, &head, &proof).is_err());
        let mut longer = proof.clone();
        longer.push(head);
        prop_assert!(verify_inclusion(&leaf, index, size, &head, &longer).is_err());
        if !proof.is_empty() {
            let mut wrong = proof.clone();
            let which = which % wrong.len();
            wrong[which] = flip(&wrong[which], bit);
            prop_assert!(verify_inclusion(&leaf, index, size, &head, &wrong).is_err());
            prop_assert!(verify_inclusion(&leaf, index, size, &head, &proof[1..]).is_err());
        }
    }

    #[test]
    fn consistency_holds_and_fails_with_any_bit_flipped(size in 2_u64..400, at in any::<u64>(), bit in 0_usize..256, which in any::<usize>()) {
        let tree = numbered(size);
        let old = 1 + at % (size - 1);
        let (old_head, head) = (root(&tree, old).unwrap(), root(&tree, size).unwrap());
        let proof = consistency_proof(&tree, old, size).unwrap();
        prop_assert_eq!(verify_consistency(old, size, &old_head, &head, &proof), Ok(()));
        prop_assert!(verify_consistency(old, size, &flip(&old_head, bit), &head, &proof).is_err());
        prop_assert!(verify_consistency(old, size, &old_head, &flip(&head, bit), &proof).is_err());
        let mut wrong = proof.clone();
        let which = which % wrong.len();
        wrong[which] = flip(&wrong[which], bit);
        prop_assert!(verify_consistency(old, size, &old_head, &head, &wrong).is_err());
        prop_assert!(verify_consistency(old, size, &old_head, &head, &proof[1..]).is_err());
        let mut longer = proof;
        longer.push(head);
        prop_assert!(verify_consistency(old, size, &old_head, &head, &longer).is_err());
    }
}

fn flip(hash: &Sha256, bit: usize) -> Sha256 {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Sha256::from_bytes(bytes)
}
