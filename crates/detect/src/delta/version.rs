//! How far two versions are apart, by the promise of semantic versioning. Which is newer, the ecosystem knows, not this.

/// Whether only what comes after the second number differs: `1.4.2` to `1.4.3`, `2.0` to `2.0.post1`.
pub(super) fn is_patch(from: &str, to: &str) -> bool {
    let (from, to) = (numbers(from), numbers(to));
    from.len().min(to.len()) >= 2 && from[..2] == to[..2]
}

/// Whether the first number differs.
pub(super) fn is_major(from: &str, to: &str) -> bool {
    numbers(from).first() != numbers(to).first()
}

/// The numbers of the release part, without an epoch: up to the first part that is no number.
fn numbers(version: &str) -> Vec<u64> {
    let version = version.rsplit_once('!').map_or(version, |(_, rest)| rest).trim_start_matches(['v', 'V', '=']);
    version
        .split('.')
        .map_while(|part| {
            let digits = part.len() - part.trim_start_matches(|char: char| char.is_ascii_digit()).len();
            part[..digits].parse().ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_release_changes_what_comes_after_the_second_number() {
        for (from, to) in
            [("1.82.6", "1.82.7"), ("1.0", "1.0.1"), ("2.0", "2.0.post1"), ("1!3.1.0", "1!3.1.1"), ("v1.2.3", "1.2.4")]
        {
            assert!(is_patch(from, to), "{from} {to}");
        }
        for (from, to) in [("1.82.6", "1.83.0"), ("1.0", "2.0"), ("1", "2"), ("2026.1", "2026.2"), ("", ""), ("x", "y")]
        {
            assert!(!is_patch(from, to), "{from} {to}");
        }
        assert!(is_major("1.9", "2.0") && !is_major("1.9", "1.10"));
    }
}
