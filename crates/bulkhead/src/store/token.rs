//! Access tokens: `bh_` and 256 random bits, of which only the digest is kept.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_core::{Principal, Secret, Sha256};
use jiff::Timestamp;

const PREFIX: &str = "bh_";
const BYTES: usize = 32;

/// The text of a token. It prints as `[secret]`.
#[derive(Debug, Clone)]
pub struct TokenText(Secret);

/// The text is no token, or none could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The text does not have the form of a token.
    #[error("that is no Bulkhead token: one is `bh_` and 43 characters")]
    Form,
    /// The machine gave no randomness.
    #[error("the system gave no randomness for a token")]
    Randomness,
}

impl TokenText {
    /// A new token from the system's randomness.
    ///
    /// # Errors
    /// [`TokenError::Randomness`] when the system gives none.
    pub fn generate() -> Result<Self, TokenError> {
        let mut bytes = [0; BYTES];
        rand::fill(&mut bytes).map_err(|_| TokenError::Randomness)?;
        Ok(Self(Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))))
    }

    /// A token as a client sent it.
    ///
    /// # Errors
    /// [`TokenError::Form`] when it is not `bh_` and 43 base64url characters.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let random = text.strip_prefix(PREFIX).ok_or(TokenError::Form)?;
        let bytes = URL_SAFE_NO_PAD.decode(random).map_err(|_| TokenError::Form)?;
        if bytes.len() == BYTES { Ok(Self(Secret::new(text))) } else { Err(TokenError::Form) }
    }

    /// The text itself, to be shown once.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// What the store keeps. A plain digest is enough: 256 random bits cannot be guessed from it.
    pub(super) fn digest(&self) -> Sha256 {
        crate::blob::sha256(self.0.reveal().as_bytes())
    }
}

/// A token as the operator sees it in `bulkhead token list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The first 12 digits of its digest: enough to name it, useless to present.
    pub id: String,
    /// Whom it names in every entry.
    pub principal: Principal,
    /// When it was created.
    pub created: Timestamp,
    /// Until when it holds; absent, until it is revoked.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl Token {
    /// The id that goes with a digest.
    pub(super) fn id_of(digest: &Sha256) -> String {
        digest.to_hex()[..12].to_owned()
    }
}
