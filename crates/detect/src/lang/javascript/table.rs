//! Tables of texts, as obfuscators make them: a function that holds the list, one that gives an element by a shifted number (as it is,
//! in base64 of its own alphabet, or under RC4), and a loop at the start that turns the list until a sum of some elements is right.
//!
//! The sum is worked out for each place to which the list can be turned; none but the one that is right is taken, and where
//! anything has another form than this, or is given to somebody else, the table stays closed.

use super::lex::{Kind, cooked};
use super::scope::Reader;
use super::value::Value;
use crate::behaviour::Sources;

/// Tables that are tried in one file, elements of one, and elements looked at for its sum.
const TABLES: usize = 16;
const ELEMENTS: usize = 8192;
const LOOKS: usize = 200_000;
const DEPTH: u32 = 24;

/// The name under which the function of the first table is known while the file is read.
const MARK: char = '%';
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=";

/// A table whose list is turned to its place.
#[derive(Debug)]
pub(super) struct Table {
    /// The function that gives elements.
    decoder: String,
    list: Vec<String>,
    shift: f64,
    cipher: Cipher,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cipher {
    None,
    Base64,
    Rc4,
}

/// A step of the sum, the operands before it.
#[derive(Debug)]
enum Step {
    Number(f64),
    /// `parseInt(decoder(number, key))`.
    Element(f64, String),
    Negate,
    Apply(u8),
}

impl Table {
    /// The element with this number, when the list is turned `turned` to the left.
    fn element(&self, number: f64, key: &str, turned: usize) -> Option<String> {
        let at = number - self.shift;
        if at < 0.0 || at >= self.list.len() as f64 || at.fract() != 0.0 {
            return None;
        }
        let text = self.list.get((at as usize + turned) % self.list.len())?;
        match self.cipher {
            Cipher::None => Some(text.clone()),
            Cipher::Base64 => base64(text),
            Cipher::Rc4 => rc4(&base64(text)?, key),
        }
    }

    fn sum(&self, steps: &[Step], turned: usize) -> Option<f64> {
        let mut stack: Vec<f64> = Vec::new();
        for step in steps {
            let value = match step {
                Step::Number(number) => *number,
                Step::Element(number, key) => whole(&self.element(*number, key, turned)?)?,
                Step::Negate => -stack.pop()?,
                Step::Apply(operator) => {
                    let (right, left): (f64, f64) = (stack.pop()?, stack.pop()?);
                    match operator {
                        b'+' => left + right,
                        b'-' => left - right,
                        b'*' => left * right,
                        _ => left / right,
                    }
                }
            };
            stack.push(value);
        }
        stack.pop()
    }
}

impl Reader<'_> {
    /// Finds the tables of the file; their functions are known from the start, as declarations are.
    pub(super) fn tables(&mut self) {
        let mut left = TABLES;
        for at in 0..self.tokens.len() {
            if !(self.is_at(at, "function") && self.holds_list(at)) {
                continue;
            }
            // Each is looked for in the whole file, so that the number of tries is what has to be small.
            let Some(rest) = left.checked_sub(1) else { return };
            left = rest;
            if let Some(table) = self.table(at) {
                let path = format!("{MARK}{}", self.tables.len());
                self.scopes[0].names.insert(table.decoder.as_str().into(), Value::path(path));
                self.tables.push(table);
            }
        }
    }

    /// The mark of the table to which a function of this name belongs.
    pub(super) fn table_of(&self, name: &str) -> Option<String> {
        Some(format!("{MARK}{}", self.tables.iter().position(|table| table.decoder == name)?))
    }

    /// Whether a value is the function of a table.
    pub(super) fn is_table(value: &Value) -> bool {
        value.named().starts_with(MARK)
    }

    /// What a call of a table's function gives.
    pub(super) fn element_called(&self, path: &str, arguments: &[Value]) -> Option<Value> {
        let table = self.tables.get(path.strip_prefix(MARK)?.parse::<usize>().ok()?)?;
        let first = arguments.first()?;
        let number = first.number.or_else(|| numeral(first.known()?))?;
        let text = table.element(number, arguments.get(1).and_then(Value::known).unwrap_or_default(), 0)?;
        Some(Value::text(text).taint(Sources::BUILT))
    }

    /// Whether a function begins as one that holds a list does.
    fn holds_list(&self, at: usize) -> bool {
        let open = at + 4;
        self.is_at(at + 2, "(")
            && self.is_at(at + 3, ")")
            && self.is_at(open, "{")
            && ["const", "var", "let"].iter().any(|word| self.is_at(open + 1, word))
            && self.is_at(open + 3, "=")
            && self.is_at(open + 4, "[")
            && self.tokens.get(open + 5).is_some_and(|token| token.kind == Kind::Text)
    }

    /// `function T() { const L = ['a', 'b']; T = function () { return L; }; return T(); }`
    fn table(&self, at: usize) -> Option<Table> {
        let name = self.name_at(at + 1)?;
        let open = at + 4;
        let list_name = self.name_at(open + 2)?;
        let (list_end, end) = (self.pairs[open + 4] as usize, self.pairs[open] as usize);
        let mut rest = list_end + 1;
        for word in [
            ";", name, "=", "function", "(", ")", "{", "return", list_name, ";", "}", ";", "return", name, "(", ")",
            ";", "}",
        ] {
            // The last `;` of a block may be missing.
            match self.is_at(rest, word) {
                true => rest += 1,
                false if word == ";" => {}
                false => return None,
            }
        }
        if rest != end + 1 {
            return None;
        }
        let list = self.texts(open + 5, list_end)?;
        let (decoder, body) = self.decoder(name)?;
        let (shift, cipher) = self.shift(name, decoder, body)?;
        let mut table = Table { decoder: decoder.to_owned(), list, shift, cipher };
        // Whoever else has the list can change it.
        let elsewhere: Vec<usize> = (0..self.tokens.len())
            .filter(|&place| {
                self.is_at(place, name) && !(at..=end).contains(&place) && !(body.0..=body.1).contains(&place)
            })
            .take(2)
            .collect();
        match elsewhere[..] {
            // What is done to the texts of a cipher is known by its parts only; a sum that comes out right proves it.
            [] if table.cipher == Cipher::None => {}
            [place] => {
                let turned = self.turned(&table, place)?;
                table.list.rotate_left(turned);
            }
            _ => return None,
        }
        Some(table)
    }

    fn name_at(&self, at: usize) -> Option<&str> {
        (self.tokens.get(at)?.kind == Kind::Name).then(|| self.text_at(at))
    }

    fn text_of(&self, at: usize) -> Option<String> {
        if self.tokens.get(at)?.kind != Kind::Text {
            return None;
        }
        let raw = self.text_at(at);
        Some(cooked(raw.get(1..raw.len().checked_sub(1)?)?, 1 << 16))
    }

    /// Texts with commas between them, each perhaps in pieces.
    fn texts(&self, mut at: usize, end: usize) -> Option<Vec<String>> {
        let mut list = Vec::new();
        while at < end && list.len() < ELEMENTS {
            let mut text = self.text_of(at)?;
            at += 1;
            while self.is_at(at, "+") {
                text.push_str(&self.text_of(at + 1)?);
                at += 2;
            }
            list.push(text);
            if at < end && !self.is_at(at, ",") {
                return None;
            }
            at += 1;
        }
        (at >= end && !list.is_empty()).then_some(list)
    }

    /// The one function that asks for the list, and where its body lies. Nothing else may have its name or give it another value.
    fn decoder(&self, table: &str) -> Option<(&str, (usize, usize))> {
        let mut found = None;
        for at in 0..self.tokens.len() {
            if !(self.is_at(at, "function") && self.is_at(at + 2, "(")) {
                continue;
            }
            let Some(name) = self.name_at(at + 1).filter(|name| *name != table) else { continue };
            let open = self.pairs[at + 2] as usize + 1;
            if !self.is_at(open, "{") {
                continue;
            }
            let body = (open, self.pairs[open] as usize);
            // `const list = T();` stands first or after the shift.
            let asks = (body.0..body.1.min(body.0 + 16)).any(|at| {
                self.is_at(at, "=") && self.is_at(at + 1, table) && self.is_at(at + 2, "(") && self.is_at(at + 3, ")")
            });
            if asks {
                if found.is_some() {
                    return None;
                }
                found = Some((name, body));
            }
        }
        let (name, body) = found?;
        let again = (0..self.tokens.len()).filter(|&at| self.is_at(at, name)).any(|at| {
            let outside = !(body.0..=body.1).contains(&at);
            outside && self.is_at(at + 1, "=")
                || at > 0
                    && self.is_at(at - 1, "function")
                    && self.is_at(at + 1, "(")
                    && at + 1 != self.pairs[body.0 - 1] as usize
        });
        (!again).then_some((name, body))
    }

    /// What the decoder takes from its number, and what it does to the text.
    fn shift(&self, table: &str, decoder: &str, body: (usize, usize)) -> Option<(f64, Cipher)> {
        let mut shifts = (body.0..body.1).filter(|&at| {
            self.name_at(at).is_some_and(|name| self.is_at(at + 1, "=") && self.is_at(at + 2, name))
                && (self.is_at(at + 3, "-") || self.is_at(at + 3, "+"))
        });
        let place = shifts.next()?;
        let name = self.name_at(place)?;
        let mut at = place + 4;
        let mut steps = Vec::new();
        self.product(&mut at, &mut steps, &[], 0)?;
        let rest = &mut |from: usize| {
            (from..body.1).any(|at| self.is_at(at, "[") && self.is_at(at + 1, name) && self.is_at(at + 2, "]"))
        };
        if !(self.is_at(at, ";") || self.is_at(at, ",")) || !rest(at) {
            return None;
        }
        let constant = Table { decoder: String::new(), list: Vec::new(), shift: 0.0, cipher: Cipher::None };
        let shift = constant.sum(&steps, 0)?;
        let shift = if self.is_at(place + 3, "-") { shift } else { -shift };
        let has = |wanted: &dyn Fn(usize) -> bool| (body.0..body.1).any(wanted);
        let cipher = if has(&|at| self.text_of(at).is_some_and(|text| text == ALPHABET)) {
            let rc4 =
                has(&|at| self.tokens[at].kind == Kind::Number && super::expr::number(self.text_at(at)) == Some(256.0));
            if rc4 { Cipher::Rc4 } else { Cipher::Base64 }
        } else {
            // Nothing is done to the text where nothing but the list and the function itself is called.
            let strange = has(&|at| {
                self.is_at(at, "(") && !["function", table, decoder].iter().any(|name| self.is_at(at - 1, name))
                    || self.tokens[at].kind == Kind::Text
            });
            if strange || shifts.next().is_some() {
                return None;
            }
            Cipher::None
        };
        Some((shift, cipher))
    }

    /// How far the loop turns the list: `(function (a, b) { ... parseInt(d(1)) / 2 + ... === b ... })(T, 3)`, by the place of T.
    fn turned(&self, table: &Table, place: usize) -> Option<usize> {
        if !(self.is_at(place - 1, "(") && self.is_at(place + 1, ",")) {
            return None;
        }
        let close = if self.is_at(place - 2, ")") { place - 3 } else { place - 2 };
        if !self.is_at(close, "}") {
            return None;
        }
        let open = self.pairs[close] as usize;
        let first = self.pairs[open - 1] as usize;
        let parameters = self.is_at(first - 1, "function") && self.is_at(first + 2, ",") && first + 4 == open - 1;
        let wanted = self.name_at(first + 3).filter(|_| parameters)?;
        let (mut at, mut steps) = (place + 2, Vec::new());
        self.addition(&mut at, &mut steps, &[], 0)?;
        let goal = self.is_at(at, ")").then(|| table.sum(&steps, 0))??;
        // Names for the decoder inside.
        let mut names = vec![table.decoder.as_str()];
        names.extend(
            (open..close)
                .filter(|&at| self.is_at(at, "=") && self.is_at(at + 1, &table.decoder))
                .filter_map(|at| self.name_at(at - 1)),
        );
        let start = (open..close).find(|&at| self.is_at(at, "parseInt"))?;
        let start = (open..start).rev().find(|&at| self.is_at(at, "="))? + 1;
        let sum = self.name_at(start - 2)?;
        let (mut at, mut steps) = (start, Vec::new());
        self.addition(&mut at, &mut steps, &names, 0)?;
        let tests = (at..close.min(at + 8)).any(|at| {
            self.is_at(at, "if")
                && self.is_at(at + 2, sum)
                && self.is_at(at + 3, "===")
                && self.is_at(at + 4, wanted)
                && self.is_at(at + 5, ")")
        });
        let looks = steps.iter().filter(|step| matches!(step, Step::Element(..))).count();
        if !tests || looks == 0 || looks * table.list.len() > LOOKS {
            return None;
        }
        (0..table.list.len()).find(|&turned| table.sum(&steps, turned) == Some(goal))
    }

    fn addition(&self, at: &mut usize, steps: &mut Vec<Step>, names: &[&str], depth: u32) -> Option<()> {
        self.product(at, steps, names, depth)?;
        while self.is_at(*at, "+") || self.is_at(*at, "-") {
            let operator = self.text_at(*at).as_bytes()[0];
            *at += 1;
            self.product(at, steps, names, depth)?;
            steps.push(Step::Apply(operator));
        }
        Some(())
    }

    fn product(&self, at: &mut usize, steps: &mut Vec<Step>, names: &[&str], depth: u32) -> Option<()> {
        self.operand(at, steps, names, depth)?;
        while self.is_at(*at, "*") || self.is_at(*at, "/") {
            let operator = self.text_at(*at).as_bytes()[0];
            *at += 1;
            self.operand(at, steps, names, depth)?;
            steps.push(Step::Apply(operator));
        }
        Some(())
    }

    fn operand(&self, at: &mut usize, steps: &mut Vec<Step>, names: &[&str], depth: u32) -> Option<()> {
        if depth > DEPTH || steps.len() > 512 {
            return None;
        }
        if self.is_at(*at, "-") {
            *at += 1;
            self.operand(at, steps, names, depth + 1)?;
            steps.push(Step::Negate);
        } else if self.is_at(*at, "(") {
            *at += 1;
            self.addition(at, steps, names, depth + 1)?;
            self.past(at, ")")?;
        } else if self.is_at(*at, "parseInt") {
            *at += 1;
            self.past(at, "(")?;
            names.contains(&self.name_at(*at)?).then_some(())?;
            *at += 1;
            self.past(at, "(")?;
            let number = self.argument(at)?;
            let key = if self.is_at(*at, ",") { self.text_of(*at + 1)? } else { String::new() };
            *at += if self.is_at(*at, ",") { 2 } else { 0 };
            self.past(at, ")")?;
            self.past(at, ")")?;
            steps.push(Step::Element(number, key));
        } else {
            steps.push(Step::Number(self.argument(at)?));
        }
        Some(())
    }

    /// A number, or a text with one.
    fn argument(&self, at: &mut usize) -> Option<f64> {
        let minus = self.is_at(*at, "-");
        *at += usize::from(minus);
        let number = match self.tokens.get(*at)?.kind {
            Kind::Number => super::expr::number(self.text_at(*at))?,
            Kind::Text => numeral(&self.text_of(*at)?)?,
            _ => return None,
        };
        *at += 1;
        Some(if minus { -number } else { number })
    }

    fn past(&self, at: &mut usize, mark: &str) -> Option<()> {
        self.is_at(*at, mark).then(|| *at += 1)
    }
}

/// A text that arithmetic takes for a number.
fn numeral(text: &str) -> Option<f64> {
    text.bytes().next().filter(u8::is_ascii_digit).and_then(|_| super::expr::number(text))
}

/// What `parseInt` makes of the text; nothing where it is no number.
fn whole(text: &str) -> Option<f64> {
    let text = text.trim_start();
    let (sign, digits) = text.strip_prefix('-').map_or((1.0, text), |digits| (-1.0, digits));
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse::<f64>().ok().map(|number| sign * number)
}

/// Base64 with small letters first, of UTF-8.
fn base64(text: &str) -> Option<String> {
    let (mut out, mut held, mut bits) = (Vec::with_capacity(text.len()), 0_u32, 0);
    for byte in text.bytes() {
        let six = ALPHABET
            .bytes()
            .position(|letter| letter == byte)
            .and_then(|at| u32::try_from(at).ok())
            .filter(|six| *six < 64)?;
        held = held << 6 | six;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    String::from_utf8(out).ok()
}

fn rc4(text: &str, key: &str) -> Option<String> {
    let key: Vec<u32> = key.chars().map(u32::from).collect();
    if key.is_empty() {
        return None;
    }
    let mut state: Vec<u32> = (0..256).collect();
    let mut other = 0;
    for at in 0..256 {
        other = (other + state[at] as usize + key[at % key.len()] as usize) % 256;
        state.swap(at, other);
    }
    let (mut at, mut other) = (0, 0);
    text.chars()
        .map(|letter| {
            at = (at + 1) % 256;
            other = (other + state[at] as usize) % 256;
            state.swap(at, other);
            char::from_u32(u32::from(letter) ^ state[(state[at] + state[other]) as usize % 256])
        })
        .collect()
}

#[cfg(test)]
mod tests;
