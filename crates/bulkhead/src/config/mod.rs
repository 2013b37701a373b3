//! `bulkhead.toml`, the command line's overrides and the environment, checked as a whole before anything starts.
//!
//! [`Config::load`] gives a typed [`Config`] or *all* mistakes at once, each with file, line and a hint. Policy is not
//! here: it has its own file, because it changes while the server runs and this does not.

mod check;
pub mod env;
mod error;
pub mod inherit;
mod raw;
mod url;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_core::Secret;
use http::Uri;

pub use env::Env;
pub use error::{ConfigError, ConfigErrors};
pub use inherit::Inherited;
pub use url::{UrlError, index_url as server_url};

/// Read when no `--config` is given and it exists in the working directory.
pub const DEFAULT_FILE: &str = "bulkhead.toml";

/// Everything that an operator can set and that is not policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file that was read; `None` when there is none and everything is default.
    pub file: Option<PathBuf>,
    /// `[server]`.
    pub server: Server,
    /// `[intake]`.
    pub intake: Intake,
    /// `[feed]`.
    pub feed: Feed,
    /// `[ledger]`.
    pub ledger: Ledger,
    /// `[egress]`.
    pub egress: Egress,
    /// `[secrets]`.
    pub secrets: Secrets,
}

/// `[server]`: where Bulkhead listens and keeps its data.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// The address and port to listen on; loopback unless tokens and TLS are set up.
    pub listen: SocketAddr,
    /// The data directory; relative paths are relative to the file that sets them.
    pub data: PathBuf,
    /// Certificate and key in PEM; both or neither.
    pub tls: Option<TlsFiles>,
    /// The URL by which clients reach this server, when it is not `http(s)://<listen>/`.
    pub url: Option<Uri>,
}

/// The two files of `tls_cert` and `tls_key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, PEM, leaf first.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// `[intake]`: one table per ecosystem.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Intake {
    /// `[intake.pypi]`.
    pub pypi: Pypi,
}

/// `[intake.pypi]`: the index in front of which Bulkhead stands, and how patient to be with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pypi {
    /// The simple index, with a trailing slash and without credentials; `None`: inherited (see [`inherit`]).
    pub upstream: Option<Uri>,
    /// `user:password` from the upstream's URL; goes to that origin only.
    pub credentials: Option<Secret>,
    /// Further hosts (`host` or `host:port`, lower case) that the index may link to, whatever their address.
    pub hosts: Vec<String>,
    /// For how long an index page is served without asking upstream again.
    pub index_ttl: Duration,
    /// The largest index page, in bytes, decompressed.
    pub max_index: u64,
    /// The largest file, in bytes.
    pub max_file: u64,
    /// How long a connection may take, name look-up included.
    pub connect_timeout: Duration,
    /// How long the first byte of an answer may take once connected.
    pub first_byte_timeout: Duration,
    /// The longest silence inside an answer.
    pub idle_timeout: Duration,
}

/// `[feed]`: advisories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// A feed older than this is itself an unknown.
    pub max_age: Duration,
}

/// `[ledger]`: who vouches for it. Everything is optional.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    /// The witnesses and their quorum (C2SP tlog-policy); `None`: `witness.policy` in the data directory.
    pub witness_policy: Option<PathBuf>,
    /// How often a new checkpoint goes to the witnesses.
    pub witness_every: Duration,
    /// A time stamping authority (RFC 3161) that stamps one checkpoint a day; `None`: no time stamps.
    pub timestamp_url: Option<String>,
    /// How people stand in entries.
    pub people: People,
    /// Principals that are no people: machines, roles. They stand in entries as they are.
    pub roles: Vec<String>,
    /// Compartments, each with a log of its own whose checkpoints go into this ledger.
    pub compartments: Vec<String>,
}

/// `[egress]`: what runs reach, beyond policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Egress {
    /// Hosts, as host and port, that stand on these addresses whatever the names resolve to: a company's own services
    /// that only its own resolver knows. Loopback may be one of them. Policy decides all the same whether runs reach them.
    pub addresses: Vec<(String, u16, SocketAddr)>,
}

/// `[secrets]`: how they are sealed at rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Secrets {
    /// Where the sealing key is; `None`: the environment when it has one, else a file.
    pub key: Option<KeyPlace>,
}

/// Where the key is that seals secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPlace {
    /// A file with mode 0600 in the data directory.
    File,
    /// The operating system's keyring.
    Keyring,
    /// A variable.
    Environment,
}

/// How people stand in entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum People {
    /// By a pseudonym: an HMAC under a salt of their own, which can be deleted.
    #[default]
    Pseudonym,
    /// By name and address, for ever.
    Plain,
}

/// What the command line sets; it wins over the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--data`, relative to the working directory.
    pub data: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
}

impl Config {
    /// Reads `path` (or, without one, [`DEFAULT_FILE`] if it exists) and lays the overrides on top.
    ///
    /// # Errors
    /// Everything that is wrong with the file, at once; a `path` that cannot be read is an error, a missing
    /// default file is not.
    pub fn load(path: Option<&Path>, overrides: Overrides) -> Result<Self, ConfigErrors> {
        let (file, text) = match path {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| ConfigErrors::unreadable(path, &error))?;
                (Some(path.to_owned()), text)
            }
            None => match std::fs::read_to_string(DEFAULT_FILE) {
                Ok(text) => (Some(PathBuf::from(DEFAULT_FILE)), text),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => (None, String::new()),
                Err(error) => return Err(ConfigErrors::unreadable(Path::new(DEFAULT_FILE), &error)),
            },
        };
        Self::parse(file, &text, overrides)
    }

    /// Checks a text as [`Config::load`] does; `file` names it in errors and anchors relative paths.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(file: Option<PathBuf>, text: &str, overrides: Overrides) -> Result<Self, ConfigErrors> {
        let mut config = check::check(file, text)?;
        if let Some(data) = overrides.data {
            config.server.data = data;
        }
        if let Some(listen) = overrides.listen {
            config.server.listen = listen;
        }
        Ok(config)
    }
}

impl Server {
    /// The URL by which clients reach this server, with a trailing slash.
    pub fn own_url(&self) -> String {
        match &self.url {
            Some(url) => url.to_string(),
            None => self.url_at(self.listen),
        }
    }

    /// The URL of a server that listens there, with a trailing slash.
    pub fn url_at(&self, mut address: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        if address.ip().is_unspecified() {
            // Nobody can connect to 0.0.0.0; loopback is the one address that certainly works.
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        format!("{scheme}://{address}/")
    }
}

impl Default for Server {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 7070));
        Self { listen, data: PathBuf::from("bulkhead-data"), tls: None, url: None }
    }
}

impl Default for Pypi {
    fn default() -> Self {
        Self {
            upstream: None,
            credentials: None,
            hosts: Vec::new(),
            index_ttl: Duration::from_secs(60),
            max_index: 128 << 20,
            max_file: 4 << 30,
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(30),
        }
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            witness_policy: None,
            witness_every: Duration::from_secs(5),
            timestamp_url: None,
            people: People::default(),
            roles: Vec::new(),
            compartments: Vec::new(),
        }
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self { max_age: Duration::from_secs(7 * 86_400) }
    }
}

#[cfg(test)]
mod tests;
