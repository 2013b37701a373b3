//! A rule's condition: a CEL expression, checked and compiled at load, evaluated to a truth value.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::types::CelBool;
use cel::parser::Expression;
use cel::{Context, Env};

use crate::Gate;

use super::check;
use super::pattern::Pattern;
use super::scope::{RuleScope, Scope};

/// The environment of every expression: CEL's standard functions, and `matches` over compiled patterns.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    Pattern::register(&mut env).expect("invariant: no standard overload takes a pattern");
    Arc::new(env)
});

/// A compiled condition.
pub(super) struct Condition {
    source: String,
    expression: Expression,
    patterns: Vec<Pattern>,
    names: BTreeSet<String>,
}

/// What is wrong with a condition, and where in its text (a byte offset).
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: String,
    pub(super) hint: Option<String>,
}

impl Condition {
    /// Parses and checks a condition: every name exists at that gate, every comparison can be true, the whole is a
    /// truth value.
    pub(super) fn compile(source: &str, gate: Gate) -> Result<Self, Vec<Fault>> {
        let writable = unreserve(source);
        let (mut expression, positions) =
            ENV.parser().parse_with_source_info(&writable).map_err(|errors| syntax_faults(source, &errors))?;
        let checked = check::check(&mut expression, &positions, gate)?;
        Ok(Self { source: source.to_owned(), expression, patterns: checked.patterns, names: checked.names })
    }

    /// Whether the condition holds in that scope, or why that cannot be said.
    pub(super) fn holds(&self, scope: &Scope<'_>) -> Result<bool, String> {
        let resolver = RuleScope { scope, patterns: &self.patterns };
        let mut context = Context::with_env(Arc::clone(&ENV));
        context.set_variable_resolver(&resolver);
        let value = cel::Value::resolve_val(&self.expression, &context).map_err(|error| error.to_string())?;
        let truth = value.downcast_ref::<CelBool>().map(|truth| *truth.inner());
        truth.ok_or_else(|| format!("it is a {} instead of true or false", value.get_type().name()))
    }

    /// The expression as the file has it.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Every attribute, knob and list that it names.
    pub(super) fn names(&self) -> &BTreeSet<String> {
        &self.names
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

/// CEL reserves the word `package`, and the field's word for a package is just that. So the identifier is written
/// otherwise for the parser, in as many characters, and read back by [`check`]. Texts in quotes stay as they are.
pub(super) const PACKAGE: [&str; 2] = ["package", "packag_"];

fn unreserve(source: &str) -> String {
    let [word, stand_in] = PACKAGE;
    let (mut out, mut rest) = (String::with_capacity(source.len()), source);
    while let Some(char) = rest.chars().next() {
        let taken = match char {
            '"' | '\'' => quoted(rest),
            _ if char.is_ascii_alphanumeric() || char == '_' => {
                rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(rest.len())
            }
            other => other.len_utf8(),
        };
        let (token, after) = rest.split_at(taken);
        out.push_str(if token == word { stand_in } else { token });
        rest = after;
    }
    out
}

/// The length of the text in quotes that begins here: to its closing quotes, or to the end when there are none.
fn quoted(text: &str) -> usize {
    let one = &text[..1];
    let fence = if text.starts_with(&one.repeat(3)) { one.repeat(3) } else { one.to_owned() };
    let mut at = fence.len();
    while at < text.len() && !text[at..].starts_with(&fence) {
        let escaped = text[at..].starts_with('\\');
        at += text[at..].chars().take(if escaped { 2 } else { 1 }).map(char::len_utf8).sum::<usize>();
    }
    (at + fence.len()).min(text.len())
}

fn syntax_faults(source: &str, errors: &cel::ParseErrors) -> Vec<Fault> {
    let fault = |error: &cel::ParseError| {
        let (line, column) = (usize::try_from(error.pos.0).unwrap_or(0), usize::try_from(error.pos.1).unwrap_or(0));
        let line_start: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let what = format!("the condition is not CEL: {}", said(&error.msg));
        let what = what.replace(PACKAGE[1], PACKAGE[0]);
        Fault { at: line_start + column.saturating_sub(1), what, hint: syntax_hint(source) }
    };
    // The parser goes on after an error, and what it says then is about its own recovery.
    errors.errors.iter().take(1).map(fault).collect()
}

/// The parser's message without its list of everything that it would have taken.
fn said(message: &str) -> &str {
    let message = message.trim_start_matches("Syntax error: ");
    message.split(" expecting {").next().unwrap_or(message).trim_end()
}

/// The slips that people make who come from SQL or Python.
fn syntax_hint(source: &str) -> Option<String> {
    let slips = [(" and ", "`&&`"), (" or ", "`||`"), ("not ", "`!`"), (" = ", "`==`"), (" is ", "`==`")];
    let (slip, right) = slips.into_iter().find(|(slip, _)| source.contains(slip))?;
    Some(format!("CEL writes {right} for `{}`", slip.trim()))
}
