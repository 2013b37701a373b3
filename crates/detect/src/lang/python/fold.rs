//! Folding of constants: literals, operators, and the methods of text and bytes that code uses to build what it hides.

use std::rc::Rc;

use super::ast::Op;
use super::decode;
use super::value::{HOLE, Kind, Val};
use crate::behaviour::Sources;

/// Bytes of one folded value.
pub(super) const LONGEST: usize = 8 << 20;

/// Steps and bytes that folding may still take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) steps: u64,
    pub(super) bytes: usize,
}

impl Budget {
    /// Takes so many steps, or says that there are none left.
    pub(super) fn step(&mut self, count: u64) -> bool {
        let left = self.steps >= count;
        self.steps = self.steps.saturating_sub(count);
        left
    }

    /// Takes room for a value.
    pub(super) fn room(&mut self, bytes: usize) -> bool {
        let fits = bytes <= LONGEST && bytes <= self.bytes;
        if fits && bytes > 64 {
            self.bytes -= bytes;
        }
        fits
    }
}

/// The value of a string or bytes literal with its prefix and quotes.
pub(super) fn literal(text: &str) -> Kind {
    let quote = text.find(['"', '\'']).unwrap_or(0);
    let (prefix, rest) = text.split_at(quote);
    let width = match rest.as_bytes() {
        [a, b, c, ..] if a == b && b == c && rest.len() >= 6 => 3,
        _ => 1,
    };
    let inner = rest.get(width..rest.len().saturating_sub(width)).unwrap_or_default();
    let has = |letter: char| prefix.chars().any(|c| c.eq_ignore_ascii_case(&letter));
    let plain = has('r') || !inner.contains('\\');
    if has('b') {
        let bytes = if plain { inner.as_bytes().to_vec() } else { latin(&unescape(inner)) };
        return Kind::Bytes(bytes.into());
    }
    Kind::Str(if plain { inner.into() } else { unescape(inner).into() })
}

/// The integer of a literal, in any base.
pub(super) fn number(text: &str) -> Kind {
    let text: String = text.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
    let text = text.trim_end_matches('l');
    let parsed = match text.get(..2) {
        Some("0x") => i128::from_str_radix(&text[2..], 16),
        Some("0o") => i128::from_str_radix(&text[2..], 8),
        Some("0b") => i128::from_str_radix(&text[2..], 2),
        _ => text.parse(),
    };
    parsed.map_or(Kind::Unknown, Kind::Int)
}

/// Escapes of Python text.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let Some(kind) = after.chars().next() else {
            out.push('\\');
            return out;
        };
        let body = &after[kind.len_utf8()..];
        let digits = |count: usize, radix: u32| {
            body.get(..count).and_then(|digits| u32::from_str_radix(digits, radix).ok()).and_then(char::from_u32)
        };
        rest = body;
        match kind {
            '\n' => {}
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'v' => out.push('\x0b'),
            '\\' | '\'' | '"' => out.push(kind),
            'x' | 'u' | 'U' => {
                let count = match kind {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                if let Some(c) = digits(count, 16) {
                    out.push(c);
                    rest = &body[count..];
                } else {
                    out.push('\\');
                    out.push(kind);
                }
            }
            '0'..='7' => {
                let len = after.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                if let Some(c) = u32::from_str_radix(&after[..len], 8).ok().and_then(char::from_u32) {
                    out.push(c);
                }
                rest = &after[len..];
            }
            _ => {
                out.push('\\');
                out.push(kind);
            }
        }
    }
    out.push_str(rest);
    out
}

pub(super) fn latin(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(u32::from(c)) {
            Ok(byte) => out.push(byte),
            Err(_) => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    out
}

/// A binary operator over two values. What comes out carries the sources of both.
pub(super) fn binary(op: Op, left: &Val, right: &Val, budget: &mut Budget) -> Val {
    let from = left.from.with(right.from);
    let kind = match (op, &left.kind, &right.kind) {
        (Op::Add, Kind::Bytes(a), Kind::Bytes(b)) if budget.room(a.len() + b.len()) => {
            Kind::Bytes([&**a, &**b].concat().into())
        }
        (Op::Add, Kind::List(a), Kind::List(b)) if a.len() + b.len() <= 100_000 => {
            budget.step((a.len() + b.len()) as u64);
            Kind::List(Rc::new(a.iter().chain(b.iter()).cloned().collect()))
        }
        (Op::Add, Kind::Str(_), _) | (Op::Add, _, Kind::Str(_)) => {
            let (a, b) = (piece(left), piece(right));
            if !budget.room(a.len() + b.len()) {
                return Val::unknown(from);
            }
            Kind::Str([a, b].concat().into())
        }
        (Op::Div, _, Kind::Str(_)) | (Op::Div, Kind::Str(_), _) => {
            // `pathlib`'s slash, and nothing else divides by a text, or a text.
            let (a, b) = (piece(left), piece(right));
            if !budget.room(a.len() + b.len() + 1) {
                return Val::unknown(from);
            }
            Kind::Str([&a, "/", &b].concat().into())
        }
        (Op::Mul, Kind::Str(text), Kind::Int(count)) | (Op::Mul, Kind::Int(count), Kind::Str(text)) => {
            match usize::try_from(*count) {
                Ok(count) if budget.room(text.len().saturating_mul(count)) => Kind::Str(text.repeat(count).into()),
                _ => Kind::Unknown,
            }
        }
        (Op::Mod, Kind::Str(format), _) => percent(format, right, budget),
        _ => match (left.as_int(), right.as_int()) {
            (Some(a), Some(b)) => integer(op, a, b),
            _ => Kind::Unknown,
        },
    };
    // Arithmetic that makes characters: a result of `^` between unknowns is a decoding.
    let from = if op == Op::BitXor && matches!(kind, Kind::Unknown) { from.with(Sources::BUILT) } else { from };
    Val::new(kind, from)
}

/// The text of an operand, or a hole.
pub(super) fn piece(value: &Val) -> Rc<str> {
    match &value.kind {
        Kind::Str(text) => Rc::clone(text),
        Kind::Made(_, Some(noun)) => Rc::clone(noun),
        Kind::Path(path) if &**path == "sys.executable" => "python".into(),
        _ => "\u{fffc}".into(),
    }
}

fn integer(op: Op, a: i128, b: i128) -> Kind {
    let small = u32::try_from(b).ok().filter(|&b| b < 120);
    let result = match op {
        Op::Add => a.checked_add(b),
        Op::Sub => a.checked_sub(b),
        Op::Mul => a.checked_mul(b),
        Op::FloorDiv if b != 0 => a.checked_div_euclid(b),
        Op::Div if b != 0 && a % b == 0 => a.checked_div(b),
        Op::Mod if b > 0 => Some(a.rem_euclid(b)),
        Op::Pow => small.and_then(|b| a.checked_pow(b)),
        Op::BitOr => Some(a | b),
        Op::BitXor => Some(a ^ b),
        Op::BitAnd => Some(a & b),
        Op::Shl => small.and_then(|b| a.checked_mul(1i128.checked_shl(b)?)),
        Op::Shr => small.map(|b| a >> b),
        Op::Eq => return Kind::Bool(a == b),
        _ => None,
    };
    result.map_or(Kind::Unknown, Kind::Int)
}

/// `%` formatting, as far as `%s`, `%d`, `%c` and `%(name)s` go.
fn percent(format: &str, right: &Val, budget: &mut Budget) -> Kind {
    let one = std::slice::from_ref(right);
    let mut values = right.items().unwrap_or(one).iter();
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let spec = &rest[at + 1..];
        let end = spec.find(|c: char| c.is_ascii_alphabetic() || c == '%' || c == '(').unwrap_or(spec.len());
        let Some(kind) = spec[end..].chars().next() else {
            rest = "";
            break;
        };
        rest = &spec[end + kind.len_utf8()..];
        match kind {
            '%' => out.push('%'),
            '(' => {
                let (key, after) = rest.split_once(')').unwrap_or((rest, ""));
                rest = after.get(1..).unwrap_or_default();
                out.push_str(&look_up(right, key).map_or("\u{fffc}".into(), |value| show(&value)));
            }
            'c' => match values.next().map(|value| (value.as_int(), value)) {
                Some((Some(code), _)) => out.extend(u32::try_from(code).ok().and_then(char::from_u32)),
                Some((None, value)) => out.push_str(&show(value)),
                None => out.push(HOLE),
            },
            _ => out.push_str(&values.next().map_or("\u{fffc}".into(), show)),
        }
        if !budget.room(out.len()) {
            return Kind::Unknown;
        }
    }
    out.push_str(rest);
    Kind::Str(out.into())
}

/// The entry of a folded dict.
pub(super) fn look_up(dict: &Val, key: &str) -> Option<Val> {
    match &dict.kind {
        Kind::Dict(pairs) => pairs.iter().rev().find(|(k, _)| k.as_str() == Some(key)).map(|(_, value)| value.clone()),
        _ => None,
    }
}

/// `str(value)`, with a hole for what is not known.
pub(super) fn show(value: &Val) -> Rc<str> {
    match &value.kind {
        Kind::Str(text) => Rc::clone(text),
        Kind::Int(number) => number.to_string().into(),
        Kind::Bool(true) => "True".into(),
        Kind::Bool(false) => "False".into(),
        _ => piece(value),
    }
}

/// `bytes.decode(codec)` and `codecs.decode(data, codec)`.
pub(super) fn codec_decode(bytes: &[u8], codec: &str, budget: &mut Budget) -> Option<Kind> {
    if !budget.room(2 * bytes.len()) {
        return None;
    }
    let codec = codec.to_ascii_lowercase().replace(['-', '_'], "");
    Some(match codec.trim_end_matches("codec") {
        "hex" => Kind::Bytes(decode::hex(bytes)?.into()),
        "base64" => Kind::Bytes(decode::base64(bytes)?.into()),
        "zlib" | "zip" => Kind::Bytes(decode::inflate(bytes, budget.bytes)?.into()),
        "rot13" => Kind::Str(decode::rot13(std::str::from_utf8(bytes).ok()?).into()),
        "latin1" | "iso88591" => Kind::Str(bytes.iter().map(|&byte| char::from(byte)).collect::<String>().into()),
        "unicodeescape" | "stringescape" => Kind::Str(unescape(&String::from_utf8_lossy(bytes)).into()),
        "utf16" | "utf16le" => {
            let units = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
            Kind::Str(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect::<String>().into())
        }
        _ => Kind::Str(String::from_utf8_lossy(bytes).into()),
    })
}
