//! The PyPI adapter: the simple repository API as types, without I/O.
//!
//! What a client asks is a [`Route`]; what an upstream lists is a [`ProjectIndex`], read from JSON (PEP 691) or HTML
//! (PEP 503) and written again in either, with only the files that the gate keeps. A file's place in a release is
//! told by its [`FileName`], and two versions are the same release when PEP 440 says so ([`same_release`]).
//!
//! Every input here is hostile. What cannot be represented safely is not repaired: it is an error, or it stands in
//! [`ProjectIndex::refused`] with the reason, and never reaches a client.

mod filename;
mod fuzz;
mod index;
mod json_value;
mod name;
mod negotiate;
mod parse;
mod parse_html;
mod parse_json;
mod raw_json;
mod reference;
mod render;
mod render_html;
mod render_json;
mod route;
mod version;

pub use filename::{FileKind, FileName, FileNameError};
#[doc(hidden)]
pub use fuzz::{fuzz_html, fuzz_json, fuzz_route};
pub use index::{
    ApiVersion, CoreMetadata, Hashes, IndexFile, ProjectIndex, ProjectStatus, Refused, RefusedWhy, UploadTime, Yanked,
};
pub use name::{NameError, ProjectName};
pub use negotiate::{Form, NotAcceptable, negotiate};
pub use parse::{IndexError, parse};
pub use parse_html::parse_html;
pub use parse_json::parse_json;
pub use raw_json::{Extra, RawJson};
pub use reference::{FileUrl, ReferenceError};
pub use render::Links;
pub use render_html::render_html;
pub use render_json::render_json;
pub use route::{PREFIX, Route, RouteError, file_link, file_path, metadata_path, route};
pub use version::{Version, parse_version, release_key, same_release};

#[cfg(test)]
mod tests;
