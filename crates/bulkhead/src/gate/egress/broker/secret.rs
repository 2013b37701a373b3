//! A secret as the operator added it: its value, and the one use that it is for.

use std::fmt;
use std::str::FromStr;

use bulkhead_core::Secret;
use serde::{Deserialize, Serialize};

use super::super::host::Host;

/// The name by which people call a secret: `openai`, `prod/openai`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

/// The text cannot be the name of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be the name of a secret: 1 to 100 of a-z, 0-9, `-`, `_`, `.` and `/`, beginning with a letter or digit"
)]
pub struct SecretNameError(String);

impl SecretName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretName {
    type Err = SecretNameError;

    fn from_str(text: &str) -> Result<Self, SecretNameError> {
        let good =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.' | b'/');
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if first && text.len() <= 100 && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SecretNameError(text.chars().take(100).collect()))
        }
    }
}

impl TryFrom<String> for SecretName {
    type Error = SecretNameError;

    fn try_from(text: String) -> Result<Self, SecretNameError> {
        text.parse()
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> Self {
        name.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The one use of a secret. Whatever does not fit is misuse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// Hosts, as names or `*.name`.
    pub hosts: Vec<String>,
    /// The port; 443 where none is given.
    pub port: u16,
    /// What the path must begin with.
    pub path: String,
    /// Methods, upper case; empty means any.
    pub methods: Vec<String>,
    /// Headers, lower case, that may carry it.
    pub headers: Vec<String>,
    /// The environment variable under which a run finds its placeholder.
    pub variable: Option<String>,
    /// The value is `ACCESS_KEY_ID:SECRET_ACCESS_KEY` (`:SESSION_TOKEN` may follow) of AWS, and requests are signed anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aws: bool,
    /// Bodies may carry it too, up to what is read of one before it is sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub body: bool,
}

impl Default for Binding {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            port: 443,
            path: "/".to_owned(),
            methods: Vec::new(),
            headers: vec!["authorization".to_owned(), "x-api-key".to_owned(), "api-key".to_owned()],
            variable: None,
            aws: false,
            body: false,
        }
    }
}

impl Binding {
    /// Whether the secret may go to that host and port.
    pub fn reaches(&self, host: &Host, port: u16) -> bool {
        self.port == port && self.hosts.iter().any(|pattern| host.matches(pattern))
    }

    /// Whether that request may carry it: method and path as sent, the path without its query.
    ///
    /// A path that a server may resolve to another one (`..`, encoded dots and slashes, backslashes) fits no prefix but `/`.
    pub fn fits(&self, method: &str, path: &str) -> bool {
        let lower = path.to_ascii_lowercase();
        let ambiguous =
            lower.contains("..") || ["%2e", "%2f", "%5c", "\\", "//", "%00"].iter().any(|part| lower.contains(part));
        let below = path == self.path
            || path.strip_prefix(&self.path).is_some_and(|rest| self.path.ends_with('/') || rest.starts_with('/'));
        (self.path == "/" || (below && !ambiguous))
            && (self.methods.is_empty() || self.methods.iter().any(|allowed| allowed == method))
    }
}

/// A secret with its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its name.
    pub name: SecretName,
    /// Its value.
    pub value: Secret,
    /// Its use.
    pub binding: Binding,
    /// When it was added or last rotated, RFC 3339.
    pub since: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_fits_what_lies_below_its_path() {
        let binding = Binding { path: "/v1".into(), methods: vec!["POST".into()], ..Binding::default() };
        assert!(binding.fits("POST", "/v1") && binding.fits("POST", "/v1/chat"));
        for (method, path) in [
            ("GET", "/v1"),
            ("POST", "/v10"),
            ("POST", "/v1/../admin"),
            ("POST", "/v1/%2e%2e/admin"),
            ("POST", "/v1%2f..%2fadmin"),
            ("POST", "/v1//x"),
            ("POST", "/"),
        ] {
            assert!(!binding.fits(method, path), "{method} {path}");
        }
        assert!(Binding::default().fits("GET", "/any/%2e"));
    }

    #[test]
    fn a_secret_goes_to_its_host_and_port_only() {
        let binding = Binding { hosts: vec!["api.example.test".into(), "*.eu.test".into()], ..Binding::default() };
        let reaches = |host: &str, port| binding.reaches(&Host::parse(host).unwrap(), port);
        assert!(reaches("API.example.test.", 443) && reaches("a.eu.test", 443));
        assert!(
            !reaches("api.example.test", 80) && !reaches("eu.test", 443) && !reaches("api.example.test.evil.test", 443)
        );
    }

    #[test]
    fn names_are_plain() {
        for good in ["openai", "prod/openai", "0-a_b.c"] {
            assert!(good.parse::<SecretName>().is_ok(), "{good}");
        }
        for bad in ["", "/x", "A", "a b", "-a", &"a".repeat(101)] {
            assert!(bad.parse::<SecretName>().is_err(), "{bad}");
        }
    }
}
