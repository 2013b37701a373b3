//! Which index Bulkhead stands in front of: the one that is configured, else the one that the machine's clients use.

use bulkhead_core::{Code, Problem, Secret};
use http::Uri;

use crate::config::env::Env;
use crate::config::{Config, inherit};
use crate::net::{Limits, Resolver, Upstream, UpstreamOptions, tls};
use crate::store::Store;

/// pip's own answer is kept under this key: asking pip takes longer than everything else at start.
const PIP_DEFAULT: &str = "upstream.pip-default";

/// An upstream and where it was learned.
#[derive(Debug, Clone)]
pub struct Found {
    /// The simple index, without credentials.
    pub url: Uri,
    /// `user:password` for it.
    pub credentials: Option<Secret>,
    /// Where it was learned, for people: `bulkhead.toml`, `pip.conf at ...`.
    pub source: String,
    /// What was passed over on the way.
    pub notes: Vec<String>,
}

/// Finds the upstream.
pub(super) fn find(config: &Config, store: &dyn Store) -> Result<Found, Problem> {
    let pypi = &config.intake.pypi;
    if let Some(url) = &pypi.upstream {
        let file = config.file.as_ref().map_or_else(|| "bulkhead.toml".to_owned(), |file| file.display().to_string());
        let (url, credentials) = (url.clone(), pypi.credentials.clone());
        return Ok(Found { url, credentials, source: file, notes: Vec::new() });
    }
    let unset = |why: String| {
        Problem::new(Code::UpstreamUnset, why).with_help(
            "set the index in bulkhead.toml:  [intake.pypi] upstream = \"https://mirror.corp.example/simple/\"",
        )
    };
    let env = Env::process();
    let own = inherit::Own::new(&config.server);
    if let Some(inherited) = inherit::from_files_and_env(&env, &own).map_err(|error| unset(error.to_string()))? {
        return Ok(found(inherited));
    }
    let kept = store.meta(PIP_DEFAULT).map_err(|error| error.to_problem())?;
    let answer = match kept {
        Some(answer) => answer,
        None => {
            let answer = inherit::ask_pip(&env).ok_or_else(|| {
                unset("no client configuration on this machine names an index, and pip could not be asked for its default".to_owned())
            })?;
            store.set_meta(PIP_DEFAULT, &answer).map_err(|error| error.to_problem())?;
            answer
        }
    };
    inherit::from_pip_default(&answer, &env).map(found).map_err(|error| unset(error.to_string()))
}

fn found(inherited: inherit::Inherited) -> Found {
    let source = inherited.source.to_string();
    Found { url: inherited.url, credentials: inherited.credentials, source, notes: inherited.notes }
}

/// The client for it.
pub(super) fn client(config: &Config, found: &Found) -> Upstream {
    let pypi = &config.intake.pypi;
    Upstream::new(UpstreamOptions {
        base: found.url.clone(),
        credentials: found.credentials.clone(),
        hosts: pypi.hosts.clone(),
        limits: Limits {
            connect: pypi.connect_timeout,
            first_byte: pypi.first_byte_timeout,
            idle: pypi.idle_timeout,
            page: pypi.first_byte_timeout * 4,
            max_page: pypi.max_index,
            max_file: pypi.max_file,
        },
        trust: tls::Trust::System,
        resolver: Resolver::system(),
    })
}
