//! Tests of the adapter, one file per part, and the fixtures that they share.

mod corpus;
mod filename;
mod html;
mod json;
mod negotiate;
mod reference;
mod render;
mod route;

use http::Uri;

use super::*;

/// 64 digits that begin with `start`.
fn digest(start: &str) -> String {
    format!("{start:0<64}")
}

fn sha256(start: &str) -> bulkhead_core::Sha256 {
    digest(start).parse().unwrap()
}

fn project(name: &str) -> ProjectName {
    ProjectName::parse(name).unwrap()
}

fn page_url() -> Uri {
    Uri::from_static("https://index.example/simple/demo/")
}

/// A JSON page with these entries of `files`.
fn json_page(files: &str) -> String {
    format!(r#"{{"meta":{{"api-version":"1.1"}},"name":"demo","files":[{files}],"versions":["1.0"]}}"#)
}

fn json_index(page: &str) -> Result<ProjectIndex, IndexError> {
    parse_json(page.as_bytes(), &page_url())
}

fn html_index(page: &str) -> Result<ProjectIndex, IndexError> {
    parse_html(page.as_bytes(), &page_url())
}

/// Renders every file with links as the gate makes them.
fn rendered(index: &ProjectIndex, write: fn(&ProjectIndex, &[&IndexFile], Links<'_>) -> Vec<u8>) -> String {
    let kept: Vec<&IndexFile> = index.files.iter().collect();
    let link = |file: &IndexFile| file_link(&index.name, &file.sha256().unwrap(), &file.filename);
    let links = Links { file: &link, metadata: &|file| file.core_metadata };
    String::from_utf8(write(index, &kept, links)).unwrap()
}
