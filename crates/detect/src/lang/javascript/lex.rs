//! JavaScript and TypeScript as tokens: one pass, no recursion, and an end whatever the input is.

/// What a token is. Its text lies in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Number,
    /// A text in quotes, the quotes included.
    Text,
    /// A template without expressions, or the piece before the first one, between two, after the last one.
    Whole,
    Head,
    Middle,
    Tail,
    Regex,
    Mark,
    End,
}

/// 16 bytes: a file of 8 MB has some three million of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) line: u32,
}

/// Marks of more than one character, longest first. Those of assignment are kept apart from those of comparison by the reader.
const MARKS: &[&str] = &[
    ">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "??=", "=>", "==", "!=", "<=", ">=", "&&",
    "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "**",
];

/// All tokens, and one [`Kind::End`].
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        bytes: source.as_bytes(),
        at: 0,
        line: 1,
        out: Vec::with_capacity(source.len() / 6 + 16),
        templates: Vec::new(),
        depth: 0,
    };
    lexer.run();
    lexer.out
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u32,
    out: Vec<Token>,
    /// The depth of braces at which each open template goes on.
    templates: Vec<u32>,
    depth: u32,
}

impl Lexer<'_> {
    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: Kind, start: usize, line: u32) {
        let at = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.out.push(Token { kind, start: at(start), end: at(self.at), line });
    }

    fn run(&mut self) {
        if self.bytes.starts_with(b"#!") {
            self.skip_line();
        }
        while self.at < self.bytes.len() {
            let (start, line) = (self.at, self.line);
            match self.byte(0) {
                b'\n' => {
                    self.line += 1;
                    self.at += 1;
                }
                byte if byte.is_ascii_whitespace() || byte == 0 => self.at += 1,
                b'/' if self.byte(1) == b'/' => self.skip_line(),
                b'/' if self.byte(1) == b'*' => self.comment(),
                b'/' if self.regex_may_start() && self.regex() => self.push(Kind::Regex, start, line),
                quote @ (b'"' | b'\'') => {
                    self.text(quote);
                    self.push(Kind::Text, start, line);
                }
                b'`' => {
                    self.at += 1;
                    let kind = if self.piece() { Kind::Whole } else { Kind::Head };
                    self.push(kind, start, line);
                }
                b'}' if self.templates.last() == Some(&self.depth) => {
                    self.at += 1;
                    self.templates.pop();
                    let kind = if self.piece() { Kind::Tail } else { Kind::Middle };
                    self.push(kind, start, line);
                }
                byte if byte.is_ascii_digit() || byte == b'.' && self.byte(1).is_ascii_digit() => {
                    while matches!(self.byte(0), b'.' | b'_') || self.byte(0).is_ascii_alphanumeric() {
                        self.at += 1;
                    }
                    self.push(Kind::Number, start, line);
                }
                byte if byte.is_ascii_alphabetic()
                    || matches!(byte, b'_' | b'$' | b'#' | b'\\' | b'@')
                    || byte >= 0x80 =>
                {
                    self.at += 1;
                    while self.byte(0).is_ascii_alphanumeric()
                        || matches!(self.byte(0), b'_' | b'$' | b'\\')
                        || self.byte(0) >= 0x80
                    {
                        self.at += 1;
                    }
                    self.push(Kind::Name, start, line);
                }
                byte => {
                    let rest = &self.bytes[self.at..];
                    // `a?.5:b` is a conditional.
                    let long = MARKS.iter().find(|mark| {
                        rest.starts_with(mark.as_bytes()) && !(**mark == "?." && self.byte(2).is_ascii_digit())
                    });
                    self.at += long.map_or(1, |mark| mark.len());
                    match byte {
                        b'{' => self.depth += 1,
                        b'}' => self.depth = self.depth.saturating_sub(1),
                        _ => {}
                    }
                    self.push(Kind::Mark, start, line);
                }
            }
        }
        self.push(Kind::End, self.bytes.len(), self.line);
    }

    fn skip_line(&mut self) {
        while self.at < self.bytes.len() && self.bytes[self.at] != b'\n' {
            self.at += 1;
        }
    }

    fn comment(&mut self) {
        self.at += 2;
        while self.at < self.bytes.len() && !self.bytes[self.at..].starts_with(b"*/") {
            self.line += u32::from(self.bytes[self.at] == b'\n');
            self.at += 1;
        }
        self.at = (self.at + 2).min(self.bytes.len());
    }

    /// A text ends at its quote or, broken, at the end of the line.
    fn text(&mut self, quote: u8) {
        self.at += 1;
        while self.at < self.bytes.len() {
            match self.bytes[self.at] {
                b'\\' => {
                    self.line += u32::from(self.byte(1) == b'\n');
                    self.at += 2;
                }
                b'\n' => break,
                byte => {
                    self.at += 1;
                    if byte == quote {
                        break;
                    }
                }
            }
        }
        self.at = self.at.min(self.bytes.len());
    }

    /// A piece of a template; whether the template ends with it.
    fn piece(&mut self) -> bool {
        while self.at < self.bytes.len() {
            match self.bytes[self.at] {
                b'\\' => {
                    self.line += u32::from(self.byte(1) == b'\n');
                    self.at += 2;
                }
                b'`' => {
                    self.at += 1;
                    return true;
                }
                b'$' if self.byte(1) == b'{' => {
                    self.at += 2;
                    self.templates.push(self.depth);
                    return false;
                }
                byte => {
                    self.line += u32::from(byte == b'\n');
                    self.at += 1;
                }
            }
        }
        self.at = self.at.min(self.bytes.len());
        true
    }

    /// Whether a slash here can begin a regular expression: by what stands before it.
    fn regex_may_start(&self) -> bool {
        let Some(last) = self.out.last() else { return true };
        let text = &self.bytes[last.start as usize..last.end as usize];
        match last.kind {
            Kind::Name => matches!(
                text,
                b"return"
                    | b"typeof"
                    | b"case"
                    | b"in"
                    | b"of"
                    | b"delete"
                    | b"void"
                    | b"throw"
                    | b"new"
                    | b"else"
                    | b"do"
                    | b"await"
                    | b"yield"
            ),
            Kind::Mark => !matches!(text, b")" | b"]" | b"++" | b"--"),
            Kind::Head | Kind::Middle => true,
            _ => false,
        }
    }

    /// Reads a regular expression, if there is one that ends on this line; else the slash divides.
    fn regex(&mut self) -> bool {
        let (mut at, mut class) = (self.at + 1, false);
        let most = (self.at + 4096).min(self.bytes.len());
        while at < most {
            match self.bytes[at] {
                b'\\' => at += 1,
                b'[' => class = true,
                b']' => class = false,
                b'\n' => return false,
                b'/' if !class => {
                    at += 1;
                    while self.bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
                        at += 1;
                    }
                    self.at = at;
                    return true;
                }
                _ => {}
            }
            at += 1;
        }
        false
    }
}

/// The text that a literal stands for: escapes taken away, at most `most` bytes.
pub(super) fn cooked(raw: &str, most: usize) -> String {
    let mut out = String::with_capacity(raw.len().min(most));
    let mut rest = raw.chars();
    while let Some(next) = rest.next() {
        if out.len() >= most {
            break;
        }
        if next != '\\' {
            out.push(next);
            continue;
        }
        let mut code = |rest: &mut std::str::Chars<'_>, digits: usize| {
            let text: String = rest.as_str().chars().take(digits).collect();
            let code = u32::from_str_radix(&text, 16).ok().and_then(char::from_u32);
            if code.is_some() {
                rest.nth(digits - 1);
            }
            out.push(code.unwrap_or('?'));
        };
        match rest.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('0') => out.push('\0'),
            Some('x') => code(&mut rest, 2),
            Some('u') if rest.as_str().starts_with('{') => {
                let text: String = rest.by_ref().skip(1).take_while(|c| *c != '}').take(8).collect();
                out.push(u32::from_str_radix(&text, 16).ok().and_then(char::from_u32).unwrap_or('?'));
            }
            Some('u') => code(&mut rest, 4),
            Some('\n') | None => {}
            Some(other) => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<(Kind, &str)> {
        tokens(source)
            .iter()
            .map(|t| (t.kind, &source[t.start as usize..t.end as usize]))
            .filter(|t| t.0 != Kind::End)
            .collect()
    }

    #[test]
    fn regular_expressions_templates_and_texts_are_told_apart() {
        use Kind::{Head, Mark, Middle, Name, Number, Regex, Tail, Text, Whole};
        assert_eq!(kinds("a=/[/'\"]/g.x"), [(Name, "a"), (Mark, "="), (Regex, "/[/'\"]/g"), (Mark, "."), (Name, "x")]);
        assert_eq!(kinds("a/b/c"), [(Name, "a"), (Mark, "/"), (Name, "b"), (Mark, "/"), (Name, "c")]);
        assert_eq!(
            kinds("`a${b}c${{d:1}}e`+`x`"),
            [
                (Head, "`a${"),
                (Name, "b"),
                (Middle, "}c${"),
                (Mark, "{"),
                (Name, "d"),
                (Mark, ":"),
                (Number, "1"),
                (Mark, "}"),
                (Tail, "}e`"),
                (Mark, "+"),
                (Whole, "`x`")
            ]
        );
        assert_eq!(kinds("'a\\'b'// c\n/* d */\"e"), [(Text, "'a\\'b'"), (Text, "\"e")]);
        assert_eq!(cooked("a\\x62\\u0063\\u{64}\\n\\q", 99), "abcd\nq");
    }
}
