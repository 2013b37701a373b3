//! Regular expressions in rules, compiled once at load.
//!
//! CEL's own `matches` compiles its pattern at every call (36 us measured). Here the literal pattern of a call is
//! replaced, at load, by a name that only the compiler can write, and that resolves to the compiled expression.

use std::any::Any;

use cel::common::types::{CelBool, CelString, STRING_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

static PATTERN: Type = Type::new_unspecified_type("pattern");

/// A compiled regular expression, as a value of CEL.
#[derive(Debug, Clone)]
pub(super) struct Pattern(regex::Regex);

impl Pattern {
    /// How the name of a compiled pattern begins. `@` cannot be typed in an expression.
    pub(super) const PREFIX: &'static str = "@pattern";

    /// Compiles a pattern. Linear in time by construction, so no pattern of an operator can stall a gate.
    pub(super) fn new(pattern: &str) -> Result<Self, regex::Error> {
        regex::Regex::new(pattern).map(Self)
    }

    /// Adds `text.matches(pattern)` to an environment.
    pub(super) fn register(env: &mut Env) -> Result<(), DeclarationError> {
        env.add_member_overload("matches", "string_matches_pattern", STRING_TYPE, vec![PATTERN.to_owned()], matches)
    }
}

fn matches<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = args.first().and_then(|arg| arg.downcast_ref::<CelString<'_>>());
    let pattern = args.get(1).and_then(|arg| arg.downcast_ref::<Pattern>());
    let (Some(text), Some(pattern)) = (text, pattern) else {
        return Err(ExecutionError::function_error("matches", "a text and a pattern are wanted"));
    };
    Ok(CowVal::owned(CelBool::from(pattern.0.is_match(text.inner()))))
}

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &PATTERN
    }

    fn cel_type() -> &'static Type {
        &PATTERN
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}
