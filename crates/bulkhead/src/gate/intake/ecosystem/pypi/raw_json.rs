//! Keys that Bulkhead does not know: kept as they came, so that a newer client behind it loses nothing.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Unknown keys of one object and their values.
pub type Extra = BTreeMap<Box<str>, RawJson>;

/// Deeper nesting than this makes readers in other languages overflow their stack.
const DEEPEST: usize = 32;

/// More than any key in use carries.
const LONGEST: usize = 64 * 1024;

/// A JSON value as text: well-formed, nested at most 32 deep, at most 64 KiB.
#[derive(Debug, Clone)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Takes a value as it came, or says why it is not passed on.
    pub(super) fn checked(raw: &RawValue) -> Result<Self, &'static str> {
        let text = raw.get();
        if text.len() > LONGEST {
            return Err("an unknown key with more than 64 KiB");
        }
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        for byte in text.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'[' | b'{' if !in_string => depth += 1,
                b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > DEEPEST {
                return Err("an unknown key nested more than 32 deep");
            }
        }
        Ok(Self(raw.to_owned()))
    }

    /// A list of texts.
    pub(super) fn texts(texts: &[String]) -> Self {
        let text = serde_json::to_string(texts).expect("invariant: texts are JSON");
        Self(RawValue::from_string(text).expect("invariant: what serde_json wrote is JSON"))
    }

    /// The texts of a list, or of a single text; nothing when it is anything else.
    pub(super) fn as_texts(&self) -> Vec<String> {
        serde_json::from_str::<Vec<String>>(self.as_str())
            .or_else(|_| serde_json::from_str::<String>(self.as_str()).map(|text| vec![text]))
            .unwrap_or_default()
    }

    /// The value as JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RawJson {}
