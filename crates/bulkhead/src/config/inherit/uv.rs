//! uv's configuration files (uv's documentation, "Configuration files" and "Package indexes").

use std::path::PathBuf;

use serde::Deserialize;

use super::{Found, InheritError, Source, config_folders, read};
use crate::config::env::{self, Env};

/// The keys of `uv.toml` that name the default index; the file has many others.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct UvToml {
    index: Vec<Index>,
    index_url: Option<String>,
    pip: Pip,
}

#[derive(Deserialize)]
struct Index {
    url: String,
    #[serde(default)]
    default: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Pip {
    index_url: Option<String>,
}

/// Every default index in uv's files, in the order in which uv would take them.
pub(super) fn settings(env: &Env) -> Result<Vec<Found>, InheritError> {
    let mut found = Vec::new();
    for path in files_by_importance(env) {
        let Some(text) = read(&path)? else { continue };
        let file: UvToml = toml::from_str(&text).map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
            // Not the whole error: it quotes the line, which may hold a password.
            InheritError::Syntax { path: path.clone(), line, message: error.message().to_owned() }
        })?;
        let default = file.index.into_iter().find(|index| index.default).map(|index| index.url);
        let urls = [default, file.index_url, file.pip.index_url].into_iter().flatten();
        found.extend(urls.map(|url| Found { url, source: Source::UvToml(path.clone()) }));
    }
    Ok(found)
}

fn files_by_importance(env: &Env) -> Vec<PathBuf> {
    if env.os(env::UV_NO_CONFIG).is_some() {
        return Vec::new();
    }
    if let Some(path) = env.path(env::UV_CONFIG_FILE) {
        return vec![path];
    }
    let (user, system) = config_folders(env);
    let mut files: Vec<PathBuf> = user.into_iter().chain(system).map(|folder| folder.join("uv/uv.toml")).collect();
    files.extend(env.etc("uv/uv.toml"));
    files
}

/// uv lets an index be written `name=https://...`.
pub(super) fn without_name(text: &str) -> &str {
    match text.split_once('=') {
        Some((name, url)) if !name.contains([':', '/']) => url,
        _ => text,
    }
}
