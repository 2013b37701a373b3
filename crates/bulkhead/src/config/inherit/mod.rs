//! The upstream index that the clients on this machine already use.
//!
//! Bulkhead stands in front of whatever the company uses today, so without an `upstream` in `bulkhead.toml` it takes
//! pip's and uv's own settings, in the order in which they would themselves: environment first, then pip's files from
//! the most to the least specific, then uv's. If nothing is set, [`ask_pip`] asks pip for its built-in default; that
//! takes half a second, so it stands apart for the application to cache. A setting that points at Bulkhead itself (the
//! state after `bulkhead setup pip --write`) is passed over with a note. A setting that cannot be read is an error and
//! not passed over: the next one could be a public index where a private one was meant (dependency confusion).

mod ask;
mod ini;
mod netrc;
mod pip;
mod uv;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bulkhead_core::Secret;
use http::Uri;

pub use self::ask::{ask_pip, default_in_help};
use super::Server;
use super::env::{self, Env};
use super::url::{UrlError, index_url};

/// An upstream and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Inherited {
    /// The simple index, with a trailing slash and without credentials.
    pub url: Uri,
    /// `user:password` from the same setting or from netrc; for that origin only.
    pub credentials: Option<Secret>,
    /// Where the URL stands.
    pub source: Source,
    /// What an operator should know: settings passed over, and why.
    pub notes: Vec<String>,
}

/// Where a setting stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An environment variable.
    Environment(&'static str),
    /// pip's configuration file.
    PipConf(PathBuf),
    /// uv's configuration file.
    UvToml(PathBuf),
    /// pip's built-in default.
    PipDefault,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::PipConf(path) => write!(f, "pip.conf at {}", path.display()),
            Self::UvToml(path) => write!(f, "uv.toml at {}", path.display()),
            Self::PipDefault => f.write_str("pip's own default"),
        }
    }
}

/// A client's setting cannot be used, and passing over it would not be safe.
#[derive(Debug, thiserror::Error)]
pub enum InheritError {
    /// The file exists but cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file can be read but not understood.
    #[error("{}:{line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// The value is not the URL of an index.
    #[error("the index URL of {place} {error}; fix it there, or set `upstream` under [intake.pypi] in bulkhead.toml")]
    Url {
        /// Where the value stands.
        place: Source,
        /// What is wrong.
        error: UrlError,
    },
}

/// A setting as found, before it is judged.
struct Found {
    url: String,
    source: Source,
}

/// How to recognise a URL that leads back to Bulkhead.
#[derive(Debug, Clone)]
pub struct Own {
    listen: SocketAddr,
    authority: Option<(String, u16)>,
}

/// The upstream that environment and files give; `None` when they give none, or only Bulkhead itself.
///
/// # Errors
/// [`InheritError`] when a setting exists but cannot be read.
pub fn from_files_and_env(env: &Env, own: &Own) -> Result<Option<Inherited>, InheritError> {
    let mut notes = Vec::new();
    let mut found = in_environment(env);
    found.extend(pip::settings(env)?);
    found.extend(uv::settings(env)?);
    for Found { url, source } in found {
        let (url, credentials) = index_url(&url).map_err(|error| InheritError::Url { place: source.clone(), error })?;
        if own.is(&url) {
            notes.push(format!("{source} points at Bulkhead itself and was passed over"));
            continue;
        }
        return Ok(Some(finish(url, credentials, source, notes, env)));
    }
    Ok(None)
}

/// The upstream that is pip's built-in default, given [`ask_pip`]'s answer (perhaps from a cache).
///
/// # Errors
/// [`InheritError::Url`] when the answer is not the URL of an index.
pub fn from_pip_default(answer: &str, env: &Env) -> Result<Inherited, InheritError> {
    let (url, credentials) =
        index_url(answer).map_err(|error| InheritError::Url { place: Source::PipDefault, error })?;
    Ok(finish(url, credentials, Source::PipDefault, Vec::new(), env))
}

fn finish(url: Uri, credentials: Option<Secret>, source: Source, mut notes: Vec<String>, env: &Env) -> Inherited {
    let credentials = credentials.or_else(|| {
        let host = url.host()?;
        netrc::credentials(env, host).unwrap_or_else(|note| {
            notes.push(note);
            None
        })
    });
    Inherited { url, credentials, source, notes }
}

fn in_environment(env: &Env) -> Vec<Found> {
    [env::PIP_INDEX_URL, env::UV_DEFAULT_INDEX, env::UV_INDEX_URL]
        .into_iter()
        .filter_map(|variable| {
            let url = env.text(variable)?;
            Some(Found { url: uv::without_name(url).to_owned(), source: Source::Environment(variable.name) })
        })
        .collect()
}

/// The file's text; a file that does not exist is no setting.
fn read(path: &Path) -> Result<Option<String>, InheritError> {
    use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory | IsADirectory) => Ok(None),
        Err(error) => Err(InheritError::Unreadable { path: path.to_owned(), error }),
    }
}

/// The folders of the XDG base directory specification: the user's, then the system's, most important first.
fn config_folders(env: &Env) -> (Option<PathBuf>, Vec<PathBuf>) {
    let user = env.path(env::XDG_CONFIG_HOME).or_else(|| Some(env.path(env::HOME)?.join(".config")));
    let system = match env.os(env::XDG_CONFIG_DIRS) {
        Some(list) => std::env::split_paths(list).filter(|path| path.is_absolute()).collect(),
        None => env.etc("xdg").into_iter().collect(),
    };
    (user, system)
}

impl Own {
    /// Bulkhead as this configuration makes it reachable.
    pub fn new(server: &Server) -> Self {
        let authority = server.url.as_ref().and_then(host_and_port);
        Self { listen: server.listen, authority }
    }

    /// Whether the URL leads back to this server: its configured name, or its port on an address that is this machine's.
    fn is(&self, url: &Uri) -> bool {
        let Some((host, port)) = host_and_port(url) else { return false };
        if self.authority.as_ref().is_some_and(|(own, own_port)| *own == host && *own_port == port) {
            return true;
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let local = match bare.parse::<std::net::IpAddr>() {
            Ok(address) => address.is_loopback() || address.is_unspecified() || address == self.listen.ip(),
            Err(_) => bare == "localhost" || bare.ends_with(".localhost"),
        };
        local && port == self.listen.port()
    }
}

fn host_and_port(url: &Uri) -> Option<(String, u16)> {
    let default = if url.scheme_str() == Some("https") { 443 } else { 80 };
    Some((url.host()?.trim_end_matches('.').to_ascii_lowercase(), url.port_u16().unwrap_or(default)))
}

#[cfg(test)]
mod tests;
