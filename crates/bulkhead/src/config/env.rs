//! The environment variables that Bulkhead reads. This is the only file that may ask the process for one.
//!
//! Every variable is listed with what it means, so that the documentation is complete by construction: one that is not
//! in [`ALL`] is not captured and cannot be read.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// One environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What Bulkhead takes from it.
    pub doc: &'static str,
}

macro_rules! variables {
    ($($name:ident: $doc:literal;)*) => {
        $(#[doc = $doc] pub const $name: Variable = Variable { name: stringify!($name), doc: $doc };)*
        /// Every variable that Bulkhead reads, by name.
        pub const ALL: &[Variable] = &[$($name),*];
    };
}

variables! {
    BULKHEAD_LOG: "What to log, as `tracing` directives such as `info,bulkhead=debug`.";
    BULKHEAD_SECRETS_KEY: "The key that seals secrets at rest, 64 hexadecimal digits, instead of the key file in the data directory.";
    DBUS_SESSION_BUS_ADDRESS: "Where the operating system's keyring is asked for the key that seals secrets.";
    HOME: "Where the user's client configuration and `.netrc` are.";
    LOGNAME: "Who runs the command, when `USER` is not set.";
    NETRC: "The netrc file, instead of `~/.netrc`.";
    NO_COLOR: "When set and not empty, output has no colours.";
    PATH: "Where `python3`, `pip` and `uv` are found when pip is asked for its own default, and `secret-tool` for the keyring.";
    PIP_CONFIG_FILE: "pip's extra configuration file; the null device means none at all.";
    PIP_INDEX_URL: "The index that pip uses.";
    SSL_CERT_DIR: "Folder of trusted certificates, instead of the operating system's.";
    SSL_CERT_FILE: "File of trusted certificates, instead of the operating system's.";
    SUDO_GID: "Whose group a run has that root starts through sudo.";
    SUDO_UID: "Whose a run is that root starts through sudo.";
    SUDO_USER: "Who runs the command through sudo: who answers for a review.";
    USER: "Who runs the command: who answers for a review.";
    UV_CONFIG_FILE: "uv's configuration file, instead of those it would find.";
    UV_DEFAULT_INDEX: "The index that uv uses.";
    UV_INDEX_URL: "The index that uv uses, older name.";
    UV_NO_CONFIG: "When set, uv reads no configuration files.";
    VIRTUAL_ENV: "The active virtual environment, whose `pip.conf` counts.";
    XDG_CONFIG_DIRS: "Where system-wide client configuration is.";
    XDG_CONFIG_HOME: "Where the user's client configuration is.";
    XDG_RUNTIME_DIR: "Where the session's sockets are, when the operating system's keyring is asked.";
}

/// A snapshot of the listed variables, and where system-wide configuration is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Env {
    variables: BTreeMap<&'static str, OsString>,
    etc: Option<PathBuf>,
}

impl Env {
    /// The process's environment, now, and `/etc`.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn process() -> Self {
        let value = |variable: &Variable| Some((variable.name, std::env::var_os(variable.name)?));
        Self { variables: ALL.iter().filter_map(value).collect(), etc: Some(PathBuf::from("/etc")) }
    }

    /// The process's whole environment, for a run, which gets what is left of it without the secrets.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn whole() -> Vec<(OsString, OsString)> {
        std::env::vars_os().collect()
    }

    /// An environment of exactly these, on a machine without system-wide configuration.
    pub fn of<T: Into<OsString>>(pairs: impl IntoIterator<Item = (Variable, T)>) -> Self {
        let variables = pairs.into_iter().map(|(variable, value)| (variable.name, value.into()));
        Self { variables: variables.collect(), etc: None }
    }

    /// The same with another folder as `/etc`.
    #[must_use]
    pub fn with_etc(mut self, etc: PathBuf) -> Self {
        self.etc = Some(etc);
        self
    }

    /// A path below `/etc`.
    pub fn etc(&self, path: &str) -> Option<PathBuf> {
        Some(self.etc.as_ref()?.join(path))
    }

    /// The value as it is; an empty one counts as unset, as pip and uv have it.
    pub fn os(&self, variable: Variable) -> Option<&OsStr> {
        self.variables.get(variable.name).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The value, when it is UTF-8 and not empty.
    pub fn text(&self, variable: Variable) -> Option<&str> {
        self.os(variable)?.to_str()
    }

    /// The value as a path.
    pub fn path(&self, variable: Variable) -> Option<PathBuf> {
        self.os(variable).map(PathBuf::from)
    }
}

impl std::fmt::Debug for Env {
    /// Names only: index URLs may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}
