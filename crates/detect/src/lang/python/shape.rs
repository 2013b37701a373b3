//! How a text looks: its lines, literals that look encoded, and characters that deceive.

use crate::lang::Shape;

/// Bytes from which a literal counts.
const ENCODED: usize = 2_048;

/// The shape (without what the lexer knows), and runs that look encoded: line and length.
pub(super) fn measure(text: &str) -> (Shape, Vec<(u32, u32)>) {
    let mut shape = Shape::default();
    let mut encoded = Vec::new();
    for (number, line) in (1u32..).zip(text.split('\n')) {
        shape.lines = number;
        let len = u32::try_from(line.len()).unwrap_or(u32::MAX);
        if len > shape.longest.0 {
            shape.longest = (len, number);
        }
        if line.len() >= ENCODED && encoded.len() < 50 {
            let run = longest_run(line.as_bytes());
            if run >= ENCODED {
                encoded.push((number, u32::try_from(run).unwrap_or(u32::MAX)));
            }
        }
        if shape.deceptive.is_none() && !line.is_ascii() && deceives(line) {
            shape.deceptive = Some(number);
        }
    }
    (shape, encoded)
}

/// The longest run of characters of base64, hex or `\x` escapes.
fn longest_run(line: &[u8]) -> usize {
    let (mut best, mut run) = (0, 0);
    for byte in line {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\\' | b'-' | b'_') {
            run += 1;
            best = best.max(run);
        } else {
            run = 0;
        }
    }
    best
}

/// Bidirectional controls anywhere but in a comment, or a word that mixes Latin letters with look-alikes of another script.
fn deceives(line: &str) -> bool {
    let code = line.split('#').next().unwrap_or(line);
    if code.chars().any(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) {
        return true;
    }
    let mut quote = None;
    let (mut latin, mut other) = (false, false);
    for c in code.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => continue,
            _ => {}
        }
        if c.is_alphanumeric() || c == '_' {
            latin |= c.is_ascii_alphabetic();
            // Greek letters are honest mathematics.
            other |= matches!(c, '\u{400}'..='\u{4ff}');
        } else {
            (latin, other) = (false, false);
        }
        if latin && other {
            return true;
        }
    }
    false
}
