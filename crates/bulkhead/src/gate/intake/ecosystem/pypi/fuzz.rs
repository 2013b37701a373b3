//! Entry points for the fuzz targets: whatever comes in, these must neither panic nor let anything unsafe through.

use http::Uri;

use super::index::{CoreMetadata, IndexFile, ProjectIndex};
use super::render::Links;
use super::route::{Route, file_link, file_path, route};
use super::{parse_html, parse_json, render_html, render_json};

const PAGE: &str = "https://index.example/simple/demo/";

/// Reads a page in JSON; what was read must survive being written and read again.
#[doc(hidden)]
pub fn fuzz_json(bytes: &[u8]) {
    if let Ok(index) = parse_json(bytes, &Uri::from_static(PAGE)) {
        check_renderings(&index);
    }
}

/// Reads a page in HTML; what was read must survive being written and read again.
#[doc(hidden)]
pub fn fuzz_html(bytes: &[u8]) {
    if let Ok(index) = parse_html(bytes, &Uri::from_static(PAGE)) {
        check_renderings(&index);
    }
}

/// Reads a path; what was understood must be safe to join to a folder, and must be what its own link leads back to.
#[doc(hidden)]
pub fn fuzz_route(bytes: &[u8]) {
    let Ok(path) = std::str::from_utf8(bytes) else { return };
    match route(path) {
        Ok(Route::File { project, digest, file_name } | Route::Metadata { project, digest, file_name }) => {
            assert!(!file_name.contains(['/', '\\', '%', '\0']) && !file_name.starts_with('.'));
            let back = route(&file_path(&project, &digest, &file_name));
            assert_eq!(back, Ok(Route::File { project, digest, file_name }));
        }
        Ok(Route::Index(project)) => assert_eq!(path, format!("simple/{project}/")),
        Ok(Route::Redirect { to }) => {
            let path = to.strip_prefix(super::PREFIX).expect("a redirect stays below the prefix");
            assert!(matches!(route(path), Ok(Route::Index(_) | Route::Root)), "a redirect leads to a page at once");
        }
        Ok(Route::Root) | Err(_) => {}
    }
}

fn check_renderings(index: &ProjectIndex) {
    let link = |file: &IndexFile| match file.sha256() {
        Some(digest) => file_link(&index.name, &digest, &file.filename),
        None => file.url.as_str().to_owned(),
    };
    let links = Links { file: &link, metadata: &|_| CoreMetadata::Unavailable };
    let kept: Vec<&IndexFile> = index.files.iter().collect();
    for file in &kept {
        assert_eq!(file.url.to_uri().to_string(), file.url.as_str(), "the HTTP client takes the address as it is");
    }
    let page = Uri::from_static("https://gate.example/pypi/simple/demo/");

    let again = parse_json(&render_json(index, &kept, links), &page).expect("what was written can be read");
    assert_eq!(names(&again), names(index), "JSON keeps every file");
    let html = render_html(index, &kept, links);
    let again = parse_html(&html, &page).expect("what was written can be read");
    // An address without digest may end in another name than the file's.
    if kept.iter().all(|file| file.sha256().is_some()) {
        assert_eq!(names(&again), names(index), "HTML keeps every file");
    }
}

fn names(index: &ProjectIndex) -> Vec<&str> {
    index.files.iter().map(|file| &*file.filename).collect()
}
