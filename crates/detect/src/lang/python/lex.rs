//! Tokens of Python 3 and 2, one at a time. Never fails: what is no token is [`Tok::Error`], one character long.

use super::styled::plain;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tok {
    Name,
    Kw(Kw),
    Num,
    Str,
    /// A string with `{expressions}`.
    FStr,
    Newline,
    Indent,
    Dedent,
    End,
    Error,
    /// An operator of one character.
    Op(u8),
    Pow,
    FloorDiv,
    Shl,
    Shr,
    Eq,
    Ne,
    Le,
    Ge,
    Arrow,
    Walrus,
    /// An augmented assignment.
    Aug,
    Ellipsis,
}

macro_rules! keywords {
    ($($variant:ident = $word:literal),* $(,)?) => {
        /// The hard keywords of Python 3.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kw { $($variant),* }

        fn keyword(text: &[u8]) -> Option<Kw> {
            if !(2..=8).contains(&text.len()) { return None; }
            $(if text == $word { return Some(Kw::$variant); })*
            None
        }
    };
}

keywords! {
    If = b"if", In = b"in", Is = b"is", Or = b"or", As = b"as", And = b"and", Not = b"not", For = b"for", Def = b"def",
    Try = b"try", Del = b"del", From = b"from", With = b"with", Else = b"else", Elif = b"elif", Pass = b"pass",
    None = b"None", True = b"True", False = b"False", Class = b"class", Raise = b"raise", Yield = b"yield",
    While = b"while", Break = b"break", Async = b"async", Await = b"await", Return = b"return", Import = b"import",
    Lambda = b"lambda", Except = b"except", Assert = b"assert", Global = b"global", Finally = b"finally",
    Continue = b"continue", Nonlocal = b"nonlocal",
}

/// A token and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Tok,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Blanks before code beyond which it is out of sight.
const PUSHED: usize = 150;

/// Reads tokens from a range of a text.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    end: usize,
    /// Open brackets: inside them lines do not end.
    brackets: u32,
    indents: Vec<u32>,
    /// Dedents still to be given out.
    dedents: u32,
    line_start: bool,
    /// Whether the last token given out ended a line.
    fresh: bool,
    /// Where code stands behind many blanks.
    pub(super) pushed: Option<usize>,
    /// Where a name stands that Python takes for another spelling.
    pub(super) styled: Option<usize>,
    /// What is wrong with the text, first of all.
    pub(super) wrong: Option<(&'static str, usize)>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            end: text.len(),
            brackets: 0,
            indents: vec![0],
            dedents: 0,
            line_start: true,
            fresh: true,
            pushed: None,
            styled: None,
            wrong: None,
        }
    }

    /// A range inside brackets: the expressions of an f-string.
    pub(super) fn within(&self, start: usize, end: usize) -> Self {
        Self {
            text: self.text,
            at: start,
            end,
            brackets: 1,
            indents: vec![0],
            dedents: 0,
            line_start: false,
            fresh: false,
            pushed: None,
            styled: None,
            wrong: None,
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        let at = self.at + ahead;
        if at < self.end { self.text[at] } else { 0 }
    }

    fn complain(&mut self, what: &'static str) {
        if self.wrong.is_none() {
            self.wrong = Some((what, self.at));
        }
    }

    /// After an error inside brackets: the next line is a statement again.
    pub(super) fn leave_brackets(&mut self) {
        self.brackets = 0;
    }

    /// Whether no bracket is open before the token that comes next.
    pub(super) fn outside(&self) -> bool {
        self.brackets == 0
    }

    pub(super) fn next(&mut self) -> Token {
        if self.dedents > 0 {
            self.dedents -= 1;
            return self.token(Tok::Dedent, self.at);
        }
        if self.line_start
            && self.brackets == 0
            && let Some(token) = self.indentation()
        {
            return token;
        }
        loop {
            let blank = self.at;
            while matches!(self.peek(0), b' ' | b'\t' | 0x0c) && self.at < self.end {
                self.at += 1;
            }
            if self.at - blank > PUSHED && !matches!(self.peek(0), b'\n' | b'\r' | b'#' | b'\\') && self.at < self.end {
                self.pushed.get_or_insert(self.at);
            }
            if self.at >= self.end {
                return self.finish();
            }
            let start = self.at;
            match self.peek(0) {
                b'#' => {
                    while self.at < self.end && !matches!(self.text[self.at], b'\n' | b'\r') {
                        self.at += 1;
                    }
                }
                b'\n' | b'\r' => {
                    self.at += 1 + usize::from(self.peek(0) == b'\r' && self.peek(1) == b'\n');
                    if self.brackets == 0 {
                        self.line_start = true;
                        if !self.fresh {
                            self.fresh = true;
                            return self.token(Tok::Newline, start);
                        }
                        if let Some(token) = self.indentation() {
                            return token;
                        }
                    }
                }
                b'\\' if matches!(self.peek(1), b'\n' | b'\r') => {
                    self.at += 2 + usize::from(self.peek(1) == b'\r' && self.peek(2) == b'\n');
                }
                _ => {
                    self.fresh = false;
                    return self.solid(start);
                }
            }
        }
    }

    fn token(&self, kind: Tok, start: usize) -> Token {
        Token { kind, start, end: self.at }
    }

    fn finish(&mut self) -> Token {
        if !self.fresh && self.brackets == 0 {
            self.fresh = true;
            return self.token(Tok::Newline, self.at);
        }
        if self.indents.len() > 1 {
            self.indents.pop();
            return self.token(Tok::Dedent, self.at);
        }
        self.token(Tok::End, self.at)
    }

    /// At the start of a line: measures it and gives out what changed. Blank and comment lines do not count.
    fn indentation(&mut self) -> Option<Token> {
        loop {
            let start = self.at;
            let mut width = 0;
            loop {
                match self.peek(0) {
                    b' ' => width += 1,
                    b'\t' => width = (width / 8 + 1) * 8,
                    0x0c => width = 0,
                    _ => break,
                }
                self.at += 1;
            }
            match self.peek(0) {
                b'#' => {
                    while self.at < self.end && !matches!(self.text[self.at], b'\n' | b'\r') {
                        self.at += 1;
                    }
                    if self.at < self.end {
                        self.at += 1;
                    }
                }
                b'\n' | b'\r' => self.at += 1,
                _ if self.at >= self.end => return None,
                _ => {
                    self.line_start = false;
                    if self.at - start > PUSHED {
                        self.pushed.get_or_insert(self.at);
                    }
                    let last = self.indents.last().copied().unwrap_or(0);
                    if width > last {
                        self.indents.push(width);
                        return Some(self.token(Tok::Indent, self.at));
                    }
                    let mut gone = 0;
                    while self.indents.len() > 1 && self.indents.last().is_some_and(|&indent| indent > width) {
                        self.indents.pop();
                        gone += 1;
                    }
                    if self.indents.last().is_some_and(|&indent| indent != width) {
                        self.complain("indentation that fits no block");
                    }
                    if gone > 0 {
                        self.dedents = gone - 1;
                        return Some(self.token(Tok::Dedent, self.at));
                    }
                    return None;
                }
            }
        }
    }

    fn solid(&mut self, start: usize) -> Token {
        let byte = self.text[start];
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.name(start),
            b'0'..=b'9' => self.number(start),
            b'.' if self.peek(1).is_ascii_digit() => self.number(start),
            b'"' | b'\'' => self.string(start, start),
            _ => {
                let (kind, len) = operator([byte, self.peek(1), self.peek(2)]);
                match kind {
                    Tok::Op(b'(' | b'[' | b'{') => self.brackets += 1,
                    Tok::Op(b')' | b']' | b'}') => self.brackets = self.brackets.saturating_sub(1),
                    Tok::Error => self.complain("a character that is no Python"),
                    _ => {}
                }
                self.at = (start + len).min(self.end);
                self.token(kind, start)
            }
        }
    }

    fn name(&mut self, start: usize) -> Token {
        while self.at < self.end
            && (self.text[self.at].is_ascii_alphanumeric() || self.text[self.at] == b'_' || self.text[self.at] >= 0x80)
        {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        if matches!(self.peek(0), b'"' | b'\'')
            && text.len() <= 3
            && text.iter().all(|byte| matches!(byte.to_ascii_lowercase(), b'r' | b'b' | b'u' | b'f' | b't'))
        {
            return self.string(start, self.at);
        }
        match keyword(text) {
            Some(keyword) => self.token(Tok::Kw(keyword), start),
            None => {
                if self.styled.is_none()
                    && !text.is_ascii()
                    && str::from_utf8(text).is_ok_and(|name| name.chars().any(|c| plain(c).is_some()))
                {
                    self.styled = Some(start);
                }
                self.token(Tok::Name, start)
            }
        }
    }

    fn number(&mut self, start: usize) -> Token {
        loop {
            let byte = self.peek(0);
            let exponent = matches!(byte, b'+' | b'-')
                && matches!(self.text[self.at - 1], b'e' | b'E')
                && self.at > start
                && !self.text[start..].starts_with(b"0x")
                && !self.text[start..].starts_with(b"0X");
            if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' || exponent {
                self.at += 1;
            } else {
                return self.token(Tok::Num, start);
            }
        }
    }

    fn string(&mut self, start: usize, quote_at: usize) -> Token {
        let prefix = &self.text[start..quote_at];
        let formatted = prefix.iter().any(|byte| matches!(byte, b'f' | b'F' | b't' | b'T'));
        self.at = quote_at;
        self.skip_string(formatted, 0);
        self.token(if formatted { Tok::FStr } else { Tok::Str }, start)
    }

    /// From the opening quote to after the closing one. `depth` bounds f-strings inside f-strings.
    fn skip_string(&mut self, formatted: bool, depth: u32) {
        let quote = self.peek(0);
        let triple = self.peek(1) == quote && self.peek(2) == quote;
        if !triple && self.peek(1) == quote {
            self.at += 2;
            return;
        }
        self.at += if triple { 3 } else { 1 };
        let mut braces = 0u32;
        while self.at < self.end {
            let byte = self.text[self.at];
            match byte {
                b'\\' => self.at += 1,
                b'\n' | b'\r' if !triple && braces == 0 => {
                    self.complain("a string without its end");
                    return;
                }
                _ if byte == quote && braces == 0 => {
                    if !triple {
                        self.at += 1;
                        return;
                    }
                    if self.peek(1) == quote && self.peek(2) == quote {
                        self.at += 3;
                        return;
                    }
                }
                b'{' if formatted => {
                    if braces == 0 && self.peek(1) == b'{' {
                        self.at += 1;
                    } else {
                        braces += 1;
                    }
                }
                b'}' if formatted => braces = braces.saturating_sub(1),
                b'"' | b'\'' if braces > 0 && depth < 6 => {
                    let inner = self.at > 0 && matches!(self.text[self.at - 1], b'f' | b'F');
                    self.skip_string(inner, depth + 1);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.end;
        self.complain("a string without its end");
    }
}

fn operator(bytes: [u8; 3]) -> (Tok, usize) {
    match bytes {
        [b'*', b'*', b'='] | [b'/', b'/', b'='] | [b'<', b'<', b'='] | [b'>', b'>', b'='] => (Tok::Aug, 3),
        [b'.', b'.', b'.'] => (Tok::Ellipsis, 3),
        [b'*', b'*', _] => (Tok::Pow, 2),
        [b'/', b'/', _] => (Tok::FloorDiv, 2),
        [b'<', b'<', _] => (Tok::Shl, 2),
        [b'>', b'>', _] => (Tok::Shr, 2),
        [b'=', b'=', _] => (Tok::Eq, 2),
        [b'!', b'=', _] | [b'<', b'>', _] => (Tok::Ne, 2),
        [b'<', b'=', _] => (Tok::Le, 2),
        [b'>', b'=', _] => (Tok::Ge, 2),
        [b'-', b'>', _] => (Tok::Arrow, 2),
        [b':', b'=', _] => (Tok::Walrus, 2),
        [b'+' | b'-' | b'*' | b'/' | b'%' | b'@' | b'&' | b'|' | b'^', b'=', _] => (Tok::Aug, 2),
        [
            byte @ (b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' | b':' | b'.' | b';' | b'@' | b'=' | b'+' | b'-'
            | b'*' | b'/' | b'%' | b'<' | b'>' | b'&' | b'|' | b'^' | b'~' | b'`' | b'!'),
            ..,
        ] => (Tok::Op(byte), 1),
        _ => (Tok::Error, 1),
    }
}
