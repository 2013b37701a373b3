//! The words of POSIX shells and of `cmd`, as an interpreter that runs nothing: it splits, expands what it knows, and
//! carries along where each word came from.

use std::collections::HashMap;

use super::{BUDGET, DEPTH, Dialect, EFFECTS, power};
use crate::behaviour::{Ability, Effect, Sources};
use crate::text;

/// Bytes of a word up to which variables are put in: one that is put into itself doubles at each turn.
const EXPANDED: usize = 4096;

/// A word with what is known of its origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) from: Sources,
}

/// One simple command.
#[derive(Debug, Clone, Default)]
pub(super) struct Command {
    pub(super) words: Vec<Word>,
    /// Operator and target of each redirection.
    pub(super) redirects: Vec<(String, Word)>,
    /// What flows in over a pipe, and whether one is there.
    pub(super) input: Option<Sources>,
    /// The text that flows in, where it is known: a here-document or the output of `echo`.
    pub(super) input_text: Option<String>,
    pub(super) line: u32,
}

impl Command {
    pub(super) fn shown(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        text::excerpt(words.join(" ").as_bytes(), 200)
    }
}

/// What is known while a text is read.
#[derive(Debug, Default)]
pub(super) struct Shell {
    pub(super) effects: Vec<Effect>,
    pub(super) variables: HashMap<String, Word>,
    /// Files that the text wrote, by their last component, and from what.
    pub(super) written: HashMap<String, Sources>,
    /// Code of other languages that stands in the text: program, code, line.
    pub(super) inline: Vec<(String, String, u32)>,
    left: usize,
}

impl Shell {
    pub(super) fn new(budget: usize) -> Self {
        Self { left: budget, ..Self::default() }
    }

    pub(super) fn exhausted(&self) -> bool {
        self.left == 0
    }

    pub(super) fn effect(&mut self, ability: Ability, from: Sources, line: u32, detail: &str, excerpt: &str) {
        if self.effects.len() < EFFECTS {
            let detail = (!detail.is_empty()).then(|| text::excerpt(detail.as_bytes(), 200));
            let excerpt = text::excerpt(excerpt.as_bytes(), 200);
            self.effects.push(Effect { ability, from, line, detail, excerpt });
        }
    }

    /// Reads a whole text in one dialect. `from` says where the text itself came from. The answer says what it would print.
    pub(super) fn script(&mut self, dialect: Dialect, text: &str, line: u32, depth: u32, from: Sources) -> Sources {
        let mut take = text.len().min(self.left);
        while !text.is_char_boundary(take) {
            take -= 1;
        }
        self.left -= take;
        if take < text.len() {
            self.left = 0;
        }
        let text = &text[..take];
        if depth > DEPTH {
            return Sources::UNKNOWN;
        }
        let before = self.effects.len();
        let printed = match dialect {
            Dialect::Power => power::script(self, text, line, depth),
            Dialect::Posix | Dialect::Cmd => Reader::new(text, dialect, line, depth).run(self),
        };
        if !from.is_empty() {
            for effect in &mut self.effects[before..] {
                effect.from = effect.from.with(from);
            }
        }
        printed
    }
}

/// One pass over a text.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    dialect: Dialect,
    line: u32,
    depth: u32,
    command: Command,
    printed: Sources,
    here: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, dialect: Dialect, line: u32, depth: u32) -> Self {
        let command = Command { line, ..Command::default() };
        Self { text, at: 0, dialect, line, depth, command, printed: Sources::NONE, here: Vec::new() }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        self.line += u32::from(next == '\n');
        Some(next)
    }

    fn run(mut self, shell: &mut Shell) -> Sources {
        while let Some(next) = self.peek() {
            match next {
                '\n' => {
                    self.bump();
                    self.end(shell, false);
                    self.here_documents();
                }
                ' ' | '\t' | '\r' => {
                    self.bump();
                }
                '#' if self.dialect == Dialect::Posix => self.skip_line(),
                ';' | '(' | ')' | '{' | '}' if self.dialect == Dialect::Posix => {
                    self.bump();
                    self.end(shell, false);
                }
                '(' | ')' if self.dialect == Dialect::Cmd && self.command.words.is_empty() => {
                    self.bump();
                    self.end(shell, false);
                }
                '&' => {
                    self.bump();
                    if self.peek() == Some('>') {
                        self.redirect(shell, "&");
                    } else {
                        if self.peek() == Some('&') {
                            self.bump();
                        }
                        self.end(shell, false);
                    }
                }
                '|' => {
                    self.bump();
                    let or = self.peek() == Some('|');
                    if or || self.peek() == Some('&') {
                        self.bump();
                    }
                    self.end(shell, !or);
                }
                '<' | '>' => self.redirect(shell, ""),
                _ => {
                    let word = self.word(shell);
                    let number = !word.text.is_empty() && word.text.bytes().all(|b| b.is_ascii_digit());
                    if number && matches!(self.peek(), Some('<' | '>')) {
                        self.redirect(shell, &word.text);
                    } else {
                        self.command.words.push(word);
                    }
                }
            }
        }
        self.end(shell, false);
        self.printed
    }

    /// The command is whole: what it prints goes to the next one or out.
    fn end(&mut self, shell: &mut Shell, piped: bool) {
        let mut command = std::mem::take(&mut self.command);
        self.command.line = self.line;
        if command.words.is_empty() && command.redirects.is_empty() {
            // `curl ... |` at the end of a line: the pipe goes on with the next word.
            self.command.input = command.input.filter(|_| !piped);
            self.command.input_text = command.input_text;
            return;
        }
        let assignments = command.words.iter().take_while(|word| assignment(&word.text).is_some()).count();
        for word in command.words.drain(..assignments) {
            if let Some((name, value)) = assignment(&word.text) {
                super::command::assigned(shell, name, value, command.line);
                if shell.variables.len() < 1000 {
                    shell.variables.insert(name.to_owned(), Word { text: value.to_owned(), from: word.from });
                }
            }
        }
        let (printed, text) = super::command::judge(shell, &command, self.dialect, self.depth);
        if piped {
            self.command.input = Some(printed);
            self.command.input_text = text;
        } else {
            self.printed = self.printed.with(printed);
        }
    }

    fn redirect(&mut self, shell: &mut Shell, before: &str) {
        let mut operator = before.to_owned();
        while let Some(next @ ('<' | '>' | '&' | '|')) = self.peek() {
            operator.push(next);
            self.bump();
            if operator.len() > 4 {
                break;
            }
        }
        if operator.ends_with("<") && self.peek() == Some('(') {
            // Process substitution: a file that holds what the command prints.
            let word = self.word(shell);
            self.command.words.push(word);
            return;
        }
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.bump();
        }
        if operator.ends_with("<<") && self.peek() == Some('-') {
            self.bump();
        }
        let target = self.word(shell);
        if operator.ends_with("<<<") {
            self.command.input = Some(target.from.with(Sources::LITERAL));
            self.command.input_text = Some(target.text);
        } else if operator.ends_with("<<") {
            self.here.push(target.text);
            self.here_text();
        } else {
            self.command.redirects.push((operator, target));
        }
    }

    /// The text of a here-document begins on the next line; what is on this line after it still belongs to the command.
    fn here_text(&mut self) {
        let Some(end) = self.here.last() else { return };
        let body = self.text[self.at..].find('\n').map(|nl| self.at + nl + 1);
        let Some(body) = body else { return };
        let mut text = String::new();
        for line in self.text[body..].split_inclusive('\n') {
            if line.trim() == end {
                break;
            }
            if text.len() < BUDGET / 4 {
                text.push_str(line);
            }
        }
        self.command.input = Some(Sources::LITERAL);
        self.command.input_text = Some(text);
    }

    /// Skips the here-documents that were announced on the line before.
    fn here_documents(&mut self) {
        for end in std::mem::take(&mut self.here) {
            loop {
                let start = self.at;
                self.skip_line();
                let line = self.text[start..self.at].trim();
                let done = line == end || self.bump().is_none();
                if done {
                    break;
                }
            }
        }
    }

    fn skip_line(&mut self) {
        self.at = self.text[self.at..].find('\n').map_or(self.text.len(), |nl| self.at + nl);
    }

    /// One word, quotes taken away, what is known put in.
    fn word(&mut self, shell: &mut Shell) -> Word {
        let mut word = Word::default();
        let posix = self.dialect == Dialect::Posix;
        let start = self.at;
        while let Some(next) = self.peek() {
            match next {
                ' ' | '\t' | '\r' | '\n' | '|' | '&' | '>' => break,
                ';' if posix => break,
                // To `cmd` these mean something only where a command begins.
                '(' | ')' if !posix && (!self.command.words.is_empty() || !word.text.is_empty()) => {
                    self.bump();
                    word.text.push(next);
                }
                ')' => break,
                '(' if word.text.is_empty() => {
                    // `<(...)` and `(...)`: what it prints.
                    self.bump();
                    self.substitution(shell, &mut word, ')');
                }
                '(' | '<' => break,
                '\\' if posix => {
                    self.bump();
                    if let Some(escaped) = self.bump()
                        && escaped != '\n'
                    {
                        word.text.push(escaped);
                    }
                }
                '^' if !posix => {
                    self.bump();
                    if let Some(escaped) = self.bump()
                        && escaped != '\n'
                    {
                        word.text.push(escaped);
                    }
                }
                '\'' if posix => {
                    self.bump();
                    while let Some(next) = self.bump()
                        && next != '\''
                    {
                        word.text.push(next);
                    }
                }
                '"' => {
                    self.bump();
                    self.quoted(shell, &mut word);
                }
                '$' if posix => self.dollar(shell, &mut word),
                '`' if posix => {
                    self.bump();
                    self.substitution(shell, &mut word, '`');
                }
                '%' if !posix => self.percent(shell, &mut word),
                _ => {
                    self.bump();
                    word.text.push(next);
                }
            }
        }
        if self.at == start {
            // Something that begins no word: never stand still.
            self.bump();
        }
        word
    }

    fn quoted(&mut self, shell: &mut Shell, word: &mut Word) {
        let posix = self.dialect == Dialect::Posix;
        while let Some(next) = self.peek() {
            match next {
                '"' => {
                    self.bump();
                    return;
                }
                '\\' => {
                    self.bump();
                    match self.peek() {
                        Some(escaped @ ('"' | '\\' | '$' | '`')) if posix || escaped == '"' => {
                            self.bump();
                            word.text.push(escaped);
                        }
                        Some('\n') if posix => {
                            self.bump();
                        }
                        _ => word.text.push('\\'),
                    }
                }
                '$' if posix => self.dollar(shell, word),
                '`' if posix => {
                    self.bump();
                    self.substitution(shell, word, '`');
                }
                '%' if !posix => self.percent(shell, word),
                _ => {
                    self.bump();
                    word.text.push(next);
                }
            }
        }
    }

    fn dollar(&mut self, shell: &mut Shell, word: &mut Word) {
        let start = self.at;
        self.bump();
        match self.peek() {
            Some('(') => {
                self.bump();
                self.substitution(shell, word, ')');
            }
            Some('{') => {
                let end = self.text[self.at..].find(['}', '\n']).map_or(self.text.len(), |end| self.at + end);
                let name: String =
                    self.text[self.at + 1..end].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                self.at = (end + 1).min(self.text.len());
                self.variable(shell, word, &name, start);
            }
            // $'...' with its escapes; these are left as they are.
            Some('\'') => {}
            Some(c) if c.is_alphanumeric() || c == '_' => {
                let name: String =
                    self.text[self.at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                self.at += name.len();
                self.variable(shell, word, &name, start);
            }
            _ => word.text.push('$'),
        }
    }

    fn percent(&mut self, shell: &mut Shell, word: &mut Word) {
        let start = self.at;
        self.bump();
        let name: String = self.text[self.at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !name.is_empty() && self.text[self.at + name.len()..].starts_with('%') {
            self.at += name.len() + 1;
            self.variable(shell, word, &name, start);
        } else {
            word.text.push('%');
        }
    }

    fn variable(&mut self, shell: &mut Shell, word: &mut Word, name: &str, start: usize) {
        match shell.variables.get(name) {
            Some(value) if word.text.len() + value.text.len() < EXPANDED => {
                word.text.push_str(&value.text);
                word.from = word.from.with(value.from).with(Sources::BUILT);
            }
            Some(value) => word.from = word.from.with(value.from),
            None => {
                word.text.push_str(&self.text[start..self.at]);
                if super::command::secret_variable(name) {
                    word.from = word.from.with(Sources::CREDENTIAL);
                }
            }
        }
    }

    /// What stands until the closing mark is a text of its own; what it prints becomes part of the word.
    fn substitution(&mut self, shell: &mut Shell, word: &mut Word, close: char) {
        let start = self.at;
        let line = self.line;
        let (mut depth, mut quote) = (0_u32, None);
        while let Some(next) = self.bump() {
            match (quote, next) {
                (_, '\\') if quote != Some('\'') => {
                    self.bump();
                }
                (None, '(') if close == ')' => depth += 1,
                (None, next) if next == close => {
                    if depth == 0 {
                        break;
                    }
                    depth -= 1;
                }
                (None, '\'' | '"') if close == ')' => quote = Some(next),
                (Some(open), next) if next == open => quote = None,
                _ => {}
            }
        }
        let end = self.text[..self.at].strip_suffix(close).map_or(self.at, str::len).max(start);
        let inner = &self.text[start..end];
        let from = shell.script(self.dialect, inner, line, self.depth + 1, Sources::NONE);
        word.from = word.from.with(from);
        if word.text.len() < EXPANDED {
            word.text.push_str("$(");
            word.text.push_str(&inner[..inner.char_indices().nth(200).map_or(inner.len(), |(at, _)| at)]);
            word.text.push(')');
        }
    }
}

/// `NAME=value`.
fn assignment(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let valid = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    valid.then_some((name, value))
}
