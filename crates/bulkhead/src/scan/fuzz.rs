//! Entry point for the fuzz target: whatever stands in a lockfile, reading it ends, and what it names are releases.

use bulkhead_core::Purl;

use super::lock;

/// Every form of lockfile over the same text.
#[doc(hidden)]
pub fn fuzz_lock(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for name in ["uv.lock", "poetry.lock", "Cargo.lock", "package-lock.json", "pnpm-lock.yaml", "requirements.txt"] {
        let Ok(locked) = lock::read(name, &text) else { continue };
        assert!(locked.purls.is_sorted(), "each once, in order");
        for text in &locked.purls {
            let purl: Purl = text.parse().expect("invariant: a purl that was written is read");
            assert!(purl.version().is_some(), "{text} is no release");
            assert_eq!(purl.to_string(), *text, "a purl has one spelling");
        }
    }
}

#[cfg(test)]
#[test]
fn the_corpus_is_survived() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/lockfile");
    let seeds: Vec<_> = std::fs::read_dir(folder).expect("the corpus").flatten().collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        fuzz_lock(&std::fs::read(seed.path()).expect("a seed"));
    }
}
