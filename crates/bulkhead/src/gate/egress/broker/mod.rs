//! The broker: real credentials stay outside the run. Inside, a placeholder stands for each; here it is swapped for the
//! secret on the way to the one host that it is for, and what comes back is scrubbed of it.

mod keyring;
mod known;
mod mint;
mod placeholder;
mod scrub;
mod seal;
mod secret;
mod sigv4;
mod spelling;
mod swap;

pub use keyring::{Keyring, KeyringError};
pub use known::{Given, Known};
pub use mint::{Endless, Minter};
pub use placeholder::{Placeholder, PlaceholderError};
pub use scrub::{Needles, Scrubber};
pub use seal::{KeySource, Seal, SealError, SealedFile};
pub use secret::{Binding, SecretName, SecretNameError, StoredSecret};
pub use sigv4::{SignError, resign, wants_body};
pub use swap::{Misuse, Request, Swapped, swap, swap_body};
