//! Letters that Python takes for others: names are folded by NFKC (PEP 3131), so that `ₑxₑc` is `exec`.
//!
//! Every code point that may stand in a name and whose NFKC is letters, digits and `_` of ASCII, up to Unicode 17; newer
//! letters come with newer Pythons, and an older one takes no name for code that it does not know. No other letter can become
//! part of a name that is known here: NFKC makes an ASCII letter of one code point, never of several.

/// What the styled letter is in a name, or `None` for one that is itself, or none of ASCII.
pub(super) fn plain(c: char) -> Option<&'static str> {
    let code = u32::from(c);
    if let Ok(at) = LONG.binary_search_by_key(&code, |&(at, _)| at) {
        return Some(LONG[at].1);
    }
    let run = RUNS.partition_point(|&(first, _)| first <= code).checked_sub(1)?;
    let (first, letters) = RUNS[run];
    let at = usize::try_from(code - first).ok()?;
    letters.get(at..=at)
}

/// The name that Python takes it for, where that is another one.
pub(super) fn folded(name: &str) -> Option<String> {
    if name.is_ascii() || name.chars().all(|c| plain(c).is_none()) {
        return None;
    }
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match plain(c) {
            Some(letters) => out.push_str(letters),
            None => out.push(c),
        }
    }
    Some(out)
}

/// Runs of code points that are one letter each: the first one, and what it and its followers are.
#[rustfmt::skip]
const RUNS: &[(u32, &str)] = &[
    (0xaa, "a"), (0xba, "o"), (0x17f, "s"), (0x2b0, "h"), (0x2b2, "jr"), (0x2b7, "wy"), (0x2e1, "lsx"), (0x1d2c, "A"),
    (0x1d2e, "B"), (0x1d30, "DE"), (0x1d33, "GHIJKLMN"), (0x1d3c, "O"), (0x1d3e, "PRTUWa"), (0x1d47, "bde"),
    (0x1d4d, "g"), (0x1d4f, "km"), (0x1d52, "o"), (0x1d56, "ptu"), (0x1d5b, "v"), (0x1d62, "iruv"), (0x1d9c, "c"),
    (0x1da0, "f"), (0x1dbb, "z"), (0x2071, "i"), (0x207f, "n"), (0x2090, "aeox"), (0x2095, "hklmnpst"), (0x2102, "C"),
    (0x210a, "gHHHh"), (0x2110, "IILl"), (0x2115, "N"), (0x2119, "PQRRR"), (0x2124, "Z"), (0x2128, "Z"),
    (0x212a, "K"), (0x212c, "BC"), (0x212f, "eEF"), (0x2133, "Mo"), (0x2139, "i"), (0x2145, "Ddeij"), (0x2160, "I"),
    (0x2164, "V"), (0x2169, "X"), (0x216c, "LCDMi"), (0x2174, "v"), (0x2179, "x"), (0x217c, "lcdm"), (0x2c7c, "jV"),
    (0xa7f1, "SCFQ"), (0xfe33, "__"), (0xfe4d, "___"), (0xff10, "0123456789"), (0xff21, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (0xff3f, "_"), (0xff41, "abcdefghijklmnopqrstuvwxyz"), (0x107a5, "q"), (0x1ccf0, "0123456789"),
    (0x1d400, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg"),
    (0x1d456, "ijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzA"), (0x1d49e, "CD"),
    (0x1d4a2, "G"), (0x1d4a5, "JK"), (0x1d4a9, "NOPQ"), (0x1d4ae, "STUVWXYZabcd"), (0x1d4bb, "f"),
    (0x1d4bd, "hijklmn"), (0x1d4c5, "pqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzAB"),
    (0x1d507, "DEFG"), (0x1d50d, "JKLMNOPQ"), (0x1d516, "STUVWXY"), (0x1d51e, "abcdefghijklmnopqrstuvwxyzAB"),
    (0x1d53b, "DEFG"), (0x1d540, "IJKLM"), (0x1d546, "O"), (0x1d54a, "STUVWXY"),
    (0x1d552,
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV\
         WXYZabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR\
         STUVWXYZabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN\
         OPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    (0x1d7ce, "01234567890123456789012345678901234567890123456789"), (0x1fbf0, "0123456789"),
];

/// Those that are several letters.
#[rustfmt::skip]
const LONG: &[(u32, &str)] = &[
    (0x132, "IJ"), (0x133, "ij"), (0x1c7, "LJ"), (0x1c8, "Lj"), (0x1c9, "lj"), (0x1ca, "NJ"), (0x1cb, "Nj"),
    (0x1cc, "nj"), (0x1f1, "DZ"), (0x1f2, "Dz"), (0x1f3, "dz"), (0x2161, "II"), (0x2162, "III"), (0x2163, "IV"),
    (0x2165, "VI"), (0x2166, "VII"), (0x2167, "VIII"), (0x2168, "IX"), (0x216a, "XI"), (0x216b, "XII"),
    (0x2171, "ii"), (0x2172, "iii"), (0x2173, "iv"), (0x2175, "vi"), (0x2176, "vii"), (0x2177, "viii"),
    (0x2178, "ix"), (0x217a, "xi"), (0x217b, "xii"), (0xfb00, "ff"), (0xfb01, "fi"), (0xfb02, "fl"), (0xfb03, "ffi"),
    (0xfb04, "ffl"), (0xfb05, "st"), (0xfb06, "st"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_their_runs_do_not_touch() {
        assert!(RUNS.windows(2).all(|two| two[0].0 + two[0].1.len() as u32 <= two[1].0));
        assert!(LONG.windows(2).all(|two| two[0].0 < two[1].0));
        let known = (0x80..=0x1_ffff).filter_map(char::from_u32).filter_map(plain);
        let mut count = 0;
        for letters in known {
            assert!(letters.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{letters}");
            count += 1;
        }
        assert_eq!(count, 941);
    }

    #[test]
    fn each_block_is_known_and_what_is_itself_is_not() {
        for (c, letters) in [
            ('\u{aa}', "a"),
            ('\u{ba}', "o"),
            ('\u{132}', "IJ"),
            ('\u{133}', "ij"),
            ('\u{17f}', "s"),
            ('\u{1c7}', "LJ"),
            ('\u{1f3}', "dz"),
            ('\u{2b0}', "h"),
            ('\u{2e3}', "x"),
            ('\u{1d2c}', "A"),
            ('\u{1dbb}', "z"),
            ('\u{2071}', "i"),
            ('\u{209c}', "t"),
            ('\u{2102}', "C"),
            ('\u{210e}', "h"),
            ('\u{212a}', "K"),
            ('\u{212f}', "e"),
            ('\u{2149}', "j"),
            ('\u{2160}', "I"),
            ('\u{2167}', "VIII"),
            ('\u{217f}', "m"),
            ('\u{2c7c}', "j"),
            ('\u{2c7d}', "V"),
            ('\u{a7f1}', "S"),
            ('\u{a7f2}', "C"),
            ('\u{a7f4}', "Q"),
            ('\u{fb00}', "ff"),
            ('\u{fb03}', "ffi"),
            ('\u{fb06}', "st"),
            ('\u{fe33}', "_"),
            ('\u{fe4f}', "_"),
            ('\u{ff3f}', "_"),
            ('\u{ff10}', "0"),
            ('\u{ff5a}', "z"),
            ('\u{107a5}', "q"),
            ('\u{1ccf9}', "9"),
            ('\u{1d400}', "A"),
            ('\u{1d6a3}', "z"),
            ('\u{1d7ff}', "9"),
            ('\u{1fbf9}', "9"),
        ] {
            assert_eq!(plain(c), Some(letters), "{c} {:x}", u32::from(c));
        }
        // What stands in no name, or becomes a letter of another alphabet.
        for c in [
            'a',
            '_',
            '\u{7f}',
            '\u{e9}',
            '\u{b2}',
            '\u{b5}',
            '\u{2122}',
            '\u{2460}',
            '\u{1d455}',
            '\u{1d6a8}',
            '\u{10ffff}',
        ] {
            assert_eq!(plain(c), None, "{c} {:x}", u32::from(c));
        }
        assert_eq!(folded("o\u{17f}").as_deref(), Some("os"));
        assert_eq!(folded("pr\u{fb01}\u{2097}e").as_deref(), Some("prfile"));
        assert_eq!(folded("na\u{ef}ve"), None);
    }
}
