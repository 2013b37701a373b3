//! What stands for a secret inside a run: the same prefix, length and kinds of characters, random for each run.
//!
//! SDKs check prefixes and lengths before they send, and a swap that keeps the length keeps `Content-Length` true.

use bulkhead_core::Secret;

use super::secret::{Binding, SecretName};

/// Characters of the value that must be random for a placeholder to be unmistakable.
const LEAST: usize = 12;
/// Characters of the shortest part of a key pair: its id.
const KEY: usize = 16;
/// The longest prefix that is kept.
const PREFIX: usize = 16;

/// A secret's stand-in in one run.
#[derive(Debug, Clone)]
pub struct Placeholder {
    /// Whose.
    pub name: SecretName,
    /// The text that the run sees. Not itself a secret: outside its run it opens nothing.
    pub text: String,
    /// What it stands for.
    pub value: Secret,
    /// Where it may be swapped.
    pub binding: Binding,
}

impl Placeholder {
    /// The texts by which it is recognised: the whole, or for AWS each of its parts, which travel on their own.
    pub fn marks(&self) -> impl Iterator<Item = &str> {
        let separator = if self.binding.aws { ':' } else { '\0' };
        self.text.split(separator)
    }

    /// What each of those stands for.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        let separator = if self.binding.aws { ':' } else { '\0' };
        self.value.reveal().split(separator)
    }

    /// The environment variables in which a run finds it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let named = |names: &[&str]| {
            names.iter().zip(self.marks()).map(|(name, mark)| ((*name).to_owned(), mark.to_owned())).collect()
        };
        match &self.binding.variable {
            Some(variable) => vec![(variable.clone(), self.text.clone())],
            None if self.binding.aws => named(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]),
            None => {
                let upper = |byte: char| if byte.is_ascii_alphanumeric() { byte.to_ascii_uppercase() } else { '_' };
                let name: String = self.name.as_str().chars().map(upper).collect();
                vec![(format!("BULKHEAD_SECRET_{name}"), self.text.clone())]
            }
        }
    }
}

/// There can be no placeholder for this value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceholderError {
    /// Too little of it can be replaced.
    #[error(
        "the value is too short to have a placeholder of its shape: at least {LEAST} characters after its prefix are needed"
    )]
    Short,
    /// It cannot stand in a header.
    #[error("the value has characters that cannot stand in a header: only visible ASCII can")]
    Characters,
    /// It is to sign requests to AWS, and is no key pair.
    #[error("the value is not ACCESS_KEY_ID:SECRET_ACCESS_KEY (with :SESSION_TOKEN behind it where there is one)")]
    Aws,
    /// No randomness.
    #[error("the system gives no random bytes")]
    Random,
}

impl Placeholder {
    /// A new stand-in. `random` fills bytes; it is the system's source outside tests.
    ///
    /// # Errors
    /// [`PlaceholderError`] when the value has no shape that a placeholder can take.
    pub fn new(
        name: SecretName,
        value: Secret,
        binding: Binding,
        random: impl FnOnce(&mut [u8]) -> Result<(), PlaceholderError>,
    ) -> Result<Self, PlaceholderError> {
        let parts = value.reveal().split(':').map(str::len);
        if binding.aws && !(matches!(parts.clone().count(), 2 | 3) && parts.min() >= Some(KEY)) {
            return Err(PlaceholderError::Aws);
        }
        let text = shaped(value.reveal(), random)?;
        Ok(Self { name, text, value, binding })
    }
}

impl Placeholder {
    /// A text that is for no host and stands for nothing: wherever it comes by, somebody found it where it was laid out.
    pub fn decoy(name: SecretName, text: &str) -> Self {
        Self { name, text: text.to_owned(), value: Secret::new(text), binding: Binding::default() }
    }
}

fn shaped(
    value: &str,
    random: impl FnOnce(&mut [u8]) -> Result<(), PlaceholderError>,
) -> Result<String, PlaceholderError> {
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(PlaceholderError::Characters);
    }
    let kept = prefix(value);
    let rest = &value.as_bytes()[kept..];
    if rest.iter().filter(|byte| byte.is_ascii_alphanumeric()).count() < LEAST {
        return Err(PlaceholderError::Short);
    }
    let mut bytes = vec![0; rest.len()];
    random(&mut bytes)?;
    let hexadecimal = rest.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f' | b'-'));
    let mut text = value[..kept].to_owned();
    text.extend(rest.iter().zip(bytes).map(|(&shape, random)| char::from(like(shape, random, hexadecimal))));
    Ok(text)
}

/// How much of the value says what it is: up to the last `-` or `_` near its beginning, else four characters (`AKIA`).
fn prefix(value: &str) -> usize {
    if let Some(signature) = signature(value) {
        return signature;
    }
    let head = &value.as_bytes()[..value.len().min(PREFIX)];
    let separator = head.iter().rposition(|byte| matches!(byte, b'-' | b'_')).map(|at| at + 1);
    // In the middle of a UUID or a base64 text, a separator is no end of a prefix.
    let separator =
        separator.filter(|end| value[..*end].bytes().all(|byte| !byte.is_ascii_digit()) && value.len() - end >= LEAST);
    separator.unwrap_or(if value.len() >= 4 + LEAST { 4 } else { 0 })
}

/// Where the signature of a JSON Web Token (RFC 7519) begins: what it says of itself is no secret, and programs read it.
fn signature(value: &str) -> Option<usize> {
    let mut parts = value.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let token = header.starts_with("eyJ") && claims.starts_with("eyJ") && parts.next().is_none();
    (token && signature.len() >= 2 * LEAST).then(|| value.len() - signature.len())
}

/// A character of the same kind. The slight unevenness of the remainder does not matter: nobody guesses a placeholder.
fn like(shape: u8, random: u8, hexadecimal: bool) -> u8 {
    match shape {
        b'0'..=b'9' | b'a'..=b'f' if hexadecimal => b"0123456789abcdef"[usize::from(random & 15)],
        b'0'..=b'9' => b'0' + random % 10,
        b'a'..=b'z' => b'a' + random % 26,
        b'A'..=b'Z' => b'A' + random % 26,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn make(value: &str, seed: u8) -> Result<String, PlaceholderError> {
        shaped(value, |bytes| {
            for (at, byte) in bytes.iter_mut().enumerate() {
                *byte = seed.wrapping_mul(31).wrapping_add(u8::try_from(at % 251).unwrap().wrapping_mul(17));
            }
            Ok(())
        })
    }

    #[test]
    fn prefixes_of_the_field_are_kept() {
        for (value, kept) in [
            ("sk-proj-abcdefGHIJKL0123456789", "sk-proj-"),
            ("sk-ant-abcdefghijklmnop", "sk-ant-"),
            ("ghp_0123456789abcdefABCDEF", "ghp_"),
            ("hf_abcdefghijklmnopqrst", "hf_"),
            ("AKIAIOSFODNN7EXAMPLE", "AKIA"),
        ] {
            let text = make(value, 7).unwrap();
            assert!(text.starts_with(kept) && text.len() == value.len() && text != value, "{text}");
        }
    }

    #[test]
    fn a_web_token_stays_readable_and_its_signature_does_not() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJlc2lnbmF0dXJlc2ln";
        let text = make(token, 3).unwrap();
        assert_eq!((text.len(), text.rsplit_once('.').unwrap().0), (token.len(), token.rsplit_once('.').unwrap().0));
        assert_ne!(text, token);
    }

    #[test]
    fn a_short_or_unprintable_value_has_none() {
        assert_eq!(make("hunter2", 1), Err(PlaceholderError::Short));
        assert_eq!(make("sk-abc", 1), Err(PlaceholderError::Short));
        assert_eq!(make("abcdefghijklmnop\nqrst", 1), Err(PlaceholderError::Characters));
    }

    proptest! {
        #[test]
        fn the_shape_is_kept(value in "[A-Za-z0-9_-]{24,80}", seed: u8) {
            if let Ok(text) = make(&value, seed) {
                prop_assert_eq!(text.len(), value.len());
                for (ours, theirs) in text.bytes().zip(value.bytes()) {
                    prop_assert_eq!(ours.is_ascii_alphanumeric(), theirs.is_ascii_alphanumeric());
                    prop_assert_eq!(ours.is_ascii_uppercase(), theirs.is_ascii_uppercase());
                }
            }
        }
    }
}
