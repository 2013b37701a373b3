//! Names that look like a popular one: slips of the keyboard, doubled and swapped letters, digits for letters, other separators,
//! a scope flattened, `python-` put in front. Sets `project.lookalike`,
//! once for a project and not for each of its files.
//!
//! A likeness of names is a sign and never a proof: policy lets it weigh together with what the content does. Whoever is on the
//! list of popular names is nobody's imitation, so that popular projects with names alike are left alone.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use bulkhead_core::Ecosystem;

/// Only names of this many characters are compared letter by letter: shorter ones are alike by chance.
const SHORTEST: usize = 5;
/// Popular names that somebody would imitate; the rest of the list is only known.
const TARGETS: usize = 3_000;
/// Of these also the additions count (`python-NAME`): beyond, an addition is mostly an honest one.
const FAMOUS: usize = 1_000;
/// What an ordinary change of one letter costs.
const CHANGE: u32 = 10;
/// What a slip costs: a neighbour on the keyboard, two letters swapped, a letter doubled or a double one lost.
const SLIP: u32 = 6;

/// The popular name that the project's looks like; nothing where there is no list.
pub fn find(ecosystem: Ecosystem, name: &str) -> Option<&'static str> {
    match ecosystem {
        Ecosystem::Pypi => PYPI.resembled_by(name),
        Ecosystem::Npm => NPM.resembled_by(name),
        Ecosystem::Cargo => CARGO.resembled_by(name),
        Ecosystem::Huggingface => None,
    }
}

static PYPI: LazyLock<Popular> =
    LazyLock::new(|| Popular::new(include_str!("../../data/popular-pypi.txt"), str::to_owned));
static NPM: LazyLock<Popular> =
    LazyLock::new(|| Popular::new(include_str!("../../data/popular-npm.txt"), str::to_owned));
/// Crates that many well-known programs and a distribution of Linux build on, those that most need first. To the registry `a_b`
/// and `a-b` are one name.
static CARGO: LazyLock<Popular> = LazyLock::new(|| {
    Popular::new(include_str!("../../data/popular-cargo.txt"), |name| name.to_ascii_lowercase().replace('_', "-"))
});

/// Popular names, most popular first, and how to find what a name looks like.
struct Popular {
    /// As the registry compares names ([`Popular::same`]).
    known: HashSet<String>,
    /// The one spelling of all those that are one name to the registry.
    same: fn(&str) -> String,
    /// By [`skeleton`]; of several with the same, the most popular.
    skeletons: HashMap<String, &'static str>,
    famous: HashSet<&'static str>,
    /// By their length in bytes, with the letters they have: most are ruled out by these two.
    targets: Vec<Target>,
}

/// A name that somebody would imitate.
struct Target {
    name: &'static str,
    /// As [`Popular::same`] spells it.
    spelled: String,
    letters: u64,
}

impl Popular {
    fn new(list: &'static str, same: fn(&str) -> String) -> Self {
        let names = || list.lines().filter(|name| !name.is_empty());
        let mut skeletons = HashMap::new();
        for name in names().take(TARGETS) {
            skeletons.entry(skeleton(name)).or_insert(name);
        }
        let long = |name: &&str| name.chars().count() >= SHORTEST;
        Self {
            known: names().map(same).collect(),
            same,
            skeletons,
            famous: names().take(FAMOUS).filter(long).collect(),
            targets: names()
                .take(TARGETS)
                .filter(long)
                .map(|name| Target { name, spelled: same(name), letters: letters(&same(name)) })
                .collect(),
        }
    }

    fn resembled_by(&self, name: &str) -> Option<&'static str> {
        // Nothing in the list is longer; whoever asks with more wants to be slow.
        if name.len() > 128 || self.known.contains(&(self.same)(name)) {
            return None;
        }
        self.skeletons
            .get(&skeleton(name))
            .copied()
            .filter(|popular| popular.len() > 2)
            .or_else(|| self.with_an_addition(name))
            .or_else(|| self.with_a_slip(name))
    }

    fn with_an_addition(&self, name: &str) -> Option<&'static str> {
        const BEFORE: &[&str] = &[
            "python-",
            "python3-",
            "py-",
            "python",
            "py3-",
            "node-",
            "js-",
            "npm-",
            "rust-",
            "the-",
            "real-",
            "official-",
        ];
        const AFTER: &[&str] = &[
            "-python",
            "-python3",
            "-py",
            "-py3",
            "-js",
            "-node",
            "-npm",
            "-dev",
            "-official",
            "-latest",
            "-new",
            "-fixed",
            "-fix",
            "-beta",
            "-rs",
            "-rust",
            "-pip",
            "-install",
            "-update",
            "-updated",
            "-lib",
            "py",
            "js",
            "s",
            "2",
            "3",
            "-v2",
        ];
        let shorter = BEFORE.iter().filter_map(|word| name.strip_prefix(word));
        let shorter = shorter.chain(AFTER.iter().filter_map(|word| name.strip_suffix(word)));
        shorter.filter_map(|rest| self.famous.get(rest).copied()).next()
    }

    fn with_a_slip(&self, name: &str) -> Option<&'static str> {
        let name = (self.same)(name);
        let typed: Vec<char> = name.chars().collect();
        if typed.len() < SHORTEST {
            return None;
        }
        let own = letters(&name);
        let mut best: Option<(u32, &'static str)> = None;
        for Target { name: popular, spelled, letters: theirs } in &self.targets {
            // One letter changed makes a difference of two at most, as does one swapped for another and one lost.
            if spelled.len().abs_diff(name.len()) > 1 || (own ^ *theirs).count_ones() > 3 {
                continue;
            }
            let popular_chars: Vec<char> = spelled.chars().collect();
            // A short name bears a slip, a longer one any letter, a long one a letter and a slip.
            let bound = match popular_chars.len() {
                ..=6 => SLIP,
                7..=11 => CHANGE,
                _ => CHANGE + SLIP,
            };
            let cost = distance(&typed, &popular_chars);
            if cost <= bound && best.is_none_or(|(least, _)| cost < least) && !are_siblings(&name, spelled) {
                best = Some((cost, popular));
            }
        }
        best.map(|(_, popular)| popular)
    }
}

/// What a reader in a hurry sees: no separators, and one letter for all that look like it.
fn skeleton(name: &str) -> String {
    let plain: String = name
        .chars()
        .flat_map(char::to_lowercase)
        .filter(|character| !matches!(character, '-' | '_' | '.' | '@' | '/'))
        .map(|character| match character {
            '0' | 'о' | 'ο' => 'o',
            '1' | 'i' | 'і' | 'ı' => 'l',
            '3' | 'е' => 'e',
            '5' | 'ѕ' => 's',
            'а' | 'α' => 'a',
            'р' => 'p',
            'с' => 'c',
            'х' => 'x',
            'у' => 'y',
            other => other,
        })
        .collect();
    plain.replace("rn", "m").replace("vv", "w")
}

/// Which letters and digits are in it, a bit each.
fn letters(name: &str) -> u64 {
    name.bytes().fold(0, |all, byte| all | 1 << (byte & 63))
}

/// Honest names of one family: `name2` beside `name3`, `types-aws-ecs` beside `types-aws-sqs`.
fn are_siblings(one: &str, other: &str) -> bool {
    let without_digits = |name: &str| name.chars().filter(|character| !character.is_ascii_digit()).collect::<String>();
    let parts = |name: &str| name.split(['-', '.', '/']).map(str::to_owned).collect::<Vec<_>>();
    let (ours, theirs) = (parts(one), parts(other));
    let mut differing = ours.iter().zip(&theirs).filter(|(a, b)| a != b);
    let short = |(a, b): (&String, &String)| a.len() <= 3 || b.len() <= 3;
    without_digits(one) == without_digits(other)
        || ours.len() > 2
            && ours.len() == theirs.len()
            && differing.next().is_some_and(short)
            && differing.next().is_none()
}

/// The cheapest way from one name to the other by changing, adding, dropping and swapping letters; slips are cheaper.
fn distance(typed: &[char], meant: &[char]) -> u32 {
    let width = meant.len() + 1;
    let mut before_last = vec![0; width];
    let mut last: Vec<u32> = (0..width as u32).map(|column| column * CHANGE).collect();
    for (row, &letter) in typed.iter().enumerate() {
        let mut this = vec![(row as u32 + 1) * CHANGE; width];
        for (column, &wanted) in meant.iter().enumerate() {
            let repeats = |text: &[char], at: usize| at > 0 && text[at] == text[at - 1];
            let added = last[column + 1] + if repeats(typed, row) { SLIP } else { CHANGE };
            let dropped = this[column] + if repeats(meant, column) { SLIP } else { CHANGE };
            let changed = last[column]
                + match letter == wanted {
                    true => 0,
                    false if neighbours(letter, wanted) => SLIP,
                    false => CHANGE,
                };
            let mut least = added.min(dropped).min(changed);
            if row > 0 && column > 0 && letter == meant[column - 1] && typed[row - 1] == wanted && letter != wanted {
                least = least.min(before_last[column - 1] + SLIP);
            }
            this[column + 1] = least;
        }
        before_last = std::mem::replace(&mut last, this);
    }
    last[meant.len()]
}

/// Whether two keys lie side by side, or one above the other.
fn neighbours(one: char, other: char) -> bool {
    const ROWS: [&str; 4] = ["1234567890-", "qwertyuiop", "asdfghjkl", "zxcvbnm"];
    let place = |key: char| ROWS.iter().zip(0_usize..).find_map(|(row, y)| row.find(key).map(|x| (x, y)));
    let (Some((x, y)), Some((other_x, other_y))) = (place(one), place(other)) else { return false };
    let sideways = y == other_y && x.abs_diff(other_x) == 1;
    // The next row down is shifted by less than a key to the right.
    let (upper, lower) = if y < other_y { (x, other_x) } else { (other_x, x) };
    let upwards = y.abs_diff(other_y) == 1 && (lower == upper || lower + 1 == upper);
    sideways || upwards
}

#[cfg(test)]
mod tests;
