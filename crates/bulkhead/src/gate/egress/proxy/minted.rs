//! New credentials that a service makes of a secret: in the run a placeholder stands for each, as for the secret itself.

use std::sync::Arc;

use bulkhead_core::Secret;

use super::super::broker::{Binding, Placeholder, PlaceholderError, SecretName};
use super::super::host::Host;
use super::Egress;

/// New credentials of one run that are remembered; past it the oldest go, which have long ended where services make so many.
pub(super) const MOST: usize = 200;

/// What makes placeholders for the credentials in one answer.
pub(super) struct Minting {
    pub(super) egress: Arc<Egress>,
    pub(super) host: Host,
    pub(super) port: u16,
    /// The secret that the request carried.
    pub(super) of: Placeholder,
    /// What there is of a key pair of AWS so far: id, key, session token; each with its placeholder.
    pub(super) keys: [Option<(String, String)>; 3],
}

impl Minting {
    /// The text that stands for the credential in the run; `None` when there can be none.
    pub(super) fn make(&mut self, field: &str, value: &str) -> Option<String> {
        let known = self.egress.known();
        // Scrubbed before: it was made once already, or is the secret that was sent.
        if known.all_in(value.as_bytes()).any(|seen| seen.at == (0, value.len())) {
            return Some(value.to_owned());
        }
        let made = Placeholder::new(self.name(field), Secret::new(value), self.binding(false), random).ok()?;
        let text = made.text.clone();
        let part = match field.to_ascii_lowercase().replace(['_', '-'], "").as_str() {
            "accesskeyid" => Some(0),
            "secretaccesskey" | "secretkey" => Some(1),
            "sessiontoken" => Some(2),
            _ => None,
        };
        self.named(&format!("{field} of {}", self.of.name));
        let Some(part) = part else {
            self.egress.put(made);
            return Some(text);
        };
        self.keys[part] = Some((value.to_owned(), text.clone()));
        // Each alone, until it is known to be part of a pair.
        let pair = if let [Some(id), Some(key), token] = &self.keys {
            let parts = || [Some(id), Some(key), token.as_ref()].into_iter().flatten();
            let value = parts().map(|part| part.0.as_str()).collect::<Vec<_>>().join(":");
            let text = parts().map(|part| part.1.as_str()).collect::<Vec<_>>().join(":");
            let name = self.name("aws");
            Placeholder { name, text, value: Secret::new(value), binding: self.binding(true) }
        } else {
            made
        };
        self.egress.put(pair);
        Some(text)
    }

    /// Says in the record what the answer holds.
    pub(super) fn named(&self, what: &str) {
        self.egress.judge.minted(&self.host, self.port, what);
    }

    fn name(&self, field: &str) -> SecretName {
        let field = field.to_ascii_lowercase();
        format!("{}/{field}", self.of.name).parse().unwrap_or_else(|_| self.of.name.clone())
    }

    /// Where the new credential may go: to the hosts of the secret that it came from. Its path was the one that makes
    /// credentials, which is not where they are used.
    fn binding(&self, aws: bool) -> Binding {
        let mut binding =
            Binding { path: "/".to_owned(), methods: Vec::new(), variable: None, aws, ..self.of.binding.clone() };
        for header in Binding::default().headers.into_iter().chain(["x-auth-token", "x-vault-token"].map(str::to_owned))
        {
            if !binding.headers.contains(&header) {
                binding.headers.push(header);
            }
        }
        binding
    }
}

fn random(bytes: &mut [u8]) -> Result<(), PlaceholderError> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| PlaceholderError::Random)
}
