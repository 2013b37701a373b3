//! pip's configuration files (pip's documentation, "Configuration": location and precedence).

use std::path::{Path, PathBuf};

use super::{Found, InheritError, Source, config_folders, ini, read};
use crate::config::env::{self, Env};

/// Every index URL in pip's files, in the order in which pip would take them.
///
/// pip merges all files first and looks at sections afterwards, so `[install]` of the least important file beats
/// `[global]` of the most important one.
pub(super) fn settings(env: &Env) -> Result<Vec<Found>, InheritError> {
    let mut files = Vec::new();
    for path in files_by_importance(env) {
        let Some(text) = read(&path)? else { continue };
        let entries = ini::parse(&text).map_err(|error| InheritError::Syntax {
            path: path.clone(),
            line: error.line,
            message: error.message,
        })?;
        files.push((path, entries));
    }
    let mut found = Vec::new();
    for section in ["install", "download", "global", "DEFAULT"] {
        for (path, entries) in &files {
            let here = entries.iter().filter(|entry| entry.section == section && entry.key == "index-url");
            found.extend(
                here.filter(|entry| !entry.value.is_empty())
                    .map(|entry| Found { url: entry.value.clone(), source: Source::PipConf(path.clone()) }),
            );
        }
    }
    Ok(found)
}

fn files_by_importance(env: &Env) -> Vec<PathBuf> {
    let extra = env.path(env::PIP_CONFIG_FILE);
    if extra.as_deref() == Some(Path::new("/dev/null")) {
        return Vec::new();
    }
    // With an extra file that exists, pip leaves the user's own files out.
    let user_counts = !extra.as_ref().is_some_and(|path| path.exists());
    let (user, system) = config_folders(env);
    let home = env.path(env::HOME);
    let mut files: Vec<PathBuf> = extra.into_iter().collect();
    files.extend(env.path(env::VIRTUAL_ENV).map(|folder| folder.join("pip.conf")));
    if user_counts {
        files.extend(user.map(|folder| folder.join("pip/pip.conf")));
        files.extend(home.map(|folder| folder.join(".pip/pip.conf")));
    }
    files.extend(env.etc("pip.conf"));
    // pip reads the folders in order and lets the later file win.
    files.extend(system.into_iter().rev().map(|folder| folder.join("pip/pip.conf")));
    files
}
