//! What upstreams said, and to whom something of it was not passed on.

use bulkhead_core::{Principal, Purl, Sha256};
use jiff::Timestamp;

/// An upstream index page, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// When the upstream last gave or confirmed it.
    pub fetched_at: Timestamp,
    /// The upstream's validator, as it came, quotes included.
    pub etag: Option<String>,
    /// The media type.
    pub content_type: String,
    /// The URL after redirects: links in the page are relative to it.
    pub final_url: String,
    /// The body, not compressed.
    pub body: Vec<u8>,
}

/// A file whose first sighting counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenFile<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Its digest, when the index promises one.
    pub sha256: Option<Sha256>,
}

/// One client's view of one listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithheldFrom<'a> {
    /// Who asked.
    pub principal: &'a Principal,
    /// With what and from where: the caller's own spelling of client and address.
    pub client: &'a str,
    /// The project.
    pub project: &'a Purl,
}
