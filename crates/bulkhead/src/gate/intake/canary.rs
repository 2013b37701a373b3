//! A project that only Bulkhead lists, and that the normal policy refuses: the built-in advisory names it.
//!
//! `bulkhead doctor` lets each client ask for it. A client that is refused went through this gate, and policy, ledger and
//! refusal work; one that finds nothing went around it.

use bulkhead_core::Sha256;
use http::Uri;

use super::ecosystem::pypi::{ProjectIndex, parse_json};

/// Its name.
pub const PROJECT: &str = "bulkhead-doctor-canary";
/// The digest of a file that exists nowhere.
pub const DIGEST: Sha256 = Sha256::from_bytes([0xca; 32]);

/// Its page: one wheel, old enough for any cooldown, at an address that cannot exist (RFC 6761).
pub(super) fn index() -> ProjectIndex {
    let page = format!(
        r#"{{"meta":{{"api-version":"1.1"}},"name":"{PROJECT}","versions":["1.0"],"files":[{{
            "filename":"bulkhead_doctor_canary-1.0-py3-none-any.whl",
            "url":"https://canary.invalid/bulkhead_doctor_canary-1.0-py3-none-any.whl",
            "hashes":{{"sha256":"{DIGEST}"}},"size":1000,"upload-time":"2026-01-01T00:00:00Z"}}]}}"#
    );
    parse_json(page.as_bytes(), &Uri::from_static("https://canary.invalid/simple/bulkhead-doctor-canary/"))
        .expect("invariant: the canary's page is a page")
}
