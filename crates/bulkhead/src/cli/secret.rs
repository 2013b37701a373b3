//! `bulkhead secret`: credentials that runs use and never see.

use std::io::Read as _;
use std::path::PathBuf;

use bulkhead_core::Secret;
use clap::Subcommand;
use serde::Serialize;

use super::call::call;
use super::output::{Output, table};
use super::{Done, Failure, Place};
use crate::app::Paths;
use crate::clock::Clock;
use crate::config::KeyPlace;
use crate::config::env::{self, Env};
use crate::control::{Request, SecretChange, SecretNoted};
use crate::gate::egress::broker::{
    Binding, KeySource, Keyring, Placeholder, PlaceholderError, SealedFile, SecretName, StoredSecret,
};
use crate::gate::egress::host::Host;

/// Keep credentials outside of runs: sealed here, swapped in on the way to the one host that they are for
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Seal a secret. Its value is read from standard input, or from a file
    Add {
        /// What to call it, such as openai or prod/openai
        name: SecretName,
        /// The host that it is for; `*.example.com` for what is below one. May be repeated
        #[arg(long = "host", value_name = "HOST", required = true)]
        hosts: Vec<String>,
        /// The host's port
        #[arg(long, default_value_t = 443)]
        port: u16,
        /// What the path must begin with
        #[arg(long, default_value = "/", value_name = "PATH")]
        path: String,
        /// A method that may carry it. May be repeated [default: any]
        #[arg(long = "method", value_name = "METHOD")]
        methods: Vec<String>,
        /// A header that may carry it. May be repeated [default: authorization, x-api-key, api-key]
        #[arg(long = "header", value_name = "HEADER")]
        headers: Vec<String>,
        /// The environment variable in which a run finds its placeholder, such as OPENAI_API_KEY
        #[arg(long, value_name = "VARIABLE")]
        variable: Option<String>,
        /// The value is ACCESS_KEY_ID:SECRET_ACCESS_KEY of AWS: requests are signed anew with it
        #[arg(long)]
        aws: bool,
        /// Bodies may carry it too, such as the client_secret of a login: up to 256 KiB, which are read before they are sent
        #[arg(long, conflicts_with = "aws")]
        body: bool,
        /// Read the value from this file instead of standard input
        #[arg(long, value_name = "FILE")]
        value_file: Option<PathBuf>,
    },
    /// The secrets and what each is for, without their values
    List,
    /// Replace a secret's value; what it is for stays
    Rotate {
        /// The secret
        #[arg(required_unless_present = "key")]
        name: Option<SecretName>,
        /// Seal all secrets anew, with a new key in the place that `[secrets] key` names; no value changes
        #[arg(long, conflicts_with_all = ["name", "value_file"])]
        key: bool,
        /// Read the value from this file instead of standard input
        #[arg(long, value_name = "FILE")]
        value_file: Option<PathBuf>,
    },
    /// Remove a secret
    Remove {
        /// The secret
        name: SecretName,
    },
}

/// A secret without its value.
#[derive(Debug, Serialize)]
struct Row {
    name: SecretName,
    since: String,
    #[serde(flatten)]
    binding: Binding,
}

#[derive(Debug, Serialize)]
struct Rows {
    sealed: String,
    /// `file`, `keyring` or `environment`.
    key: &'static str,
    secrets: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Changed {
    name: SecretName,
    entry: u64,
    sealed: String,
}

pub(crate) fn run(place: &Place, args: Args, output: &Output) -> Result<Done, Failure> {
    let file = sealed(place)?;
    if matches!(args.command, Command::Rotate { name: None, .. }) {
        return rotate_key(place, &file, output);
    }
    let before = read(&file)?;
    let mut secrets = before.clone();
    let (change, name) = match args.command {
        Command::List => return list(&file, secrets, output),
        Command::Add { name, hosts, port, path, methods, headers, variable, aws, body, value_file } => {
            if secrets.iter().any(|secret| secret.name == name) {
                let what =
                    format!("there is a secret {name} already; replace its value: bulkhead secret rotate {name}");
                return Err(Failure::Usage(what));
            }
            let methods = methods.into_iter().map(|method| method.to_ascii_uppercase()).collect();
            let usual = Binding::default();
            let headers = if headers.is_empty() {
                usual.headers
            } else {
                headers.into_iter().map(|header| header.to_ascii_lowercase()).collect()
            };
            let binding = Binding { hosts, port, path, methods, headers, variable, aws, body };
            check(&binding)?;
            let value = usable(&name, value(value_file)?, &binding)?;
            secrets.push(StoredSecret { name: name.clone(), value, binding, since: Clock.now().to_string() });
            secrets.sort_by(|a, b| a.name.cmp(&b.name));
            (SecretChange::Add, name)
        }
        Command::Rotate { name, value_file, .. } => {
            let name = name.ok_or_else(|| Failure::Usage("which secret? see bulkhead secret list".to_owned()))?;
            let secret = secrets.iter_mut().find(|secret| secret.name == name).ok_or_else(|| unknown(&name))?;
            secret.value = usable(&name, value(value_file)?, &secret.binding)?;
            secret.since = Clock.now().to_string();
            (SecretChange::Rotate, name)
        }
        Command::Remove { name } => {
            if !secrets.iter().any(|secret| secret.name == name) {
                return Err(unknown(&name));
            }
            (SecretChange::Remove, name)
        }
    };
    let use_for = secrets.iter().find(|secret| secret.name == name).map(|secret| in_words(&secret.binding));
    if change == SecretChange::Remove {
        secrets.retain(|secret| secret.name != name);
    }
    let request = Request::SecretNote {
        change,
        name: name.to_string(),
        use_for: use_for.unwrap_or_default(),
        owner: super::user()?,
    };
    // Not held while somebody types a value: what was read before must still be so.
    let _turn = turn(place)?;
    if read(&file)? != before {
        return Err(Failure::Usage("the secrets were changed by another command meanwhile; try again".to_owned()));
    }
    // A keyring that is locked says so before anything is recorded.
    let seal = file.seal().map_err(anyhow::Error::new)?;
    // The entry comes before the effect.
    let noted: SecretNoted = call(place, request)?;
    file.write(&seal, &secrets).map_err(|error| Failure::Other(error.into()))?;
    let changed = Changed { name, entry: noted.entry, sealed: file.key_source().describe() };
    output.facts(&changed, |changed| {
        let verb = match change {
            SecretChange::Add => "added",
            SecretChange::Rotate | SecretChange::Key => "has a new value",
            SecretChange::Remove => "removed",
        };
        let see = if change == SecretChange::Add { "; runs see a placeholder of the same shape" } else { "" };
        format!("secret {} {verb}{see} (entry {}), {}", changed.name, changed.entry, changed.sealed)
    })?;
    Ok(Done::Good)
}

/// The sealed file of a data directory.
pub(super) fn sealed(place: &Place) -> Result<SealedFile, Failure> {
    let config = place.load()?;
    crate::files::make_folder(&config.server.data).map_err(anyhow::Error::new)?;
    let paths = Paths::new(&config.server.data);
    let env = Env::process();
    let given = env.text(env::BULKHEAD_SECRETS_KEY).map(|digits| KeySource::Environment(Secret::new(digits)));
    let key = match config.secrets.key {
        None => given.unwrap_or(KeySource::File(paths.secrets_key)),
        Some(KeyPlace::File) => KeySource::File(paths.secrets_key),
        Some(KeyPlace::Keyring) => keyring(&env),
        Some(KeyPlace::Environment) => given.ok_or_else(|| {
            let name = env::BULKHEAD_SECRETS_KEY.name;
            let what = "the key that seals secrets is to come from the environment";
            Failure::Usage(format!("{what}, and {name} is not set; set it to the 64 hexadecimal digits of the key"))
        })?,
    };
    Ok(SealedFile::new(paths.secrets, key))
}

/// One change at a time: a file that is written with a key which another command just forgot opens never again.
fn turn(place: &Place) -> Result<std::fs::File, Failure> {
    let paths = Paths::new(&place.load()?.server.data);
    crate::files::turn(&paths.secrets_lock).map_err(|error| Failure::Other(error.into()))
}

fn keyring(env: &Env) -> KeySource {
    KeySource::Keyring(Keyring::new(env, std::env::current_dir().ok()))
}

#[derive(Debug, Serialize)]
struct Moved {
    secrets: usize,
    entry: u64,
    sealed: String,
    key: &'static str,
    /// Whether the key before was removed from where it was.
    forgotten: bool,
}

/// From wherever the key is to where it is to be.
fn rotate_key(place: &Place, file: &SealedFile, output: &Output) -> Result<Done, Failure> {
    let _turn = turn(place)?;
    let (env, paths) = (Env::process(), Paths::new(&place.load()?.server.data));
    let mut places = vec![keyring(&env), KeySource::File(paths.secrets_key)];
    places.extend(env.text(env::BULKHEAD_SECRETS_KEY).map(|digits| KeySource::Environment(Secret::new(digits))));
    let id = file.key_id().map_err(anyhow::Error::new)?;
    let anew = file.seal_anew(places).map_err(anyhow::Error::new)?;
    let none = || Failure::Usage("there are no secrets, so there is no key yet; it is made with the first".to_owned());
    let (seal, before, secrets) = anew.ok_or_else(none)?;
    let request = Request::SecretNote {
        change: SecretChange::Key,
        name: String::new(),
        use_for: format!("sealing key, from {} to {}", before.key_source().word(), file.key_source().word()),
        owner: super::user()?,
    };
    let noted: SecretNoted = call(place, request)?;
    file.write(&seal, &secrets).map_err(anyhow::Error::new)?;
    let moved = Moved {
        secrets: secrets.len(),
        entry: noted.entry,
        sealed: file.key_source().describe(),
        key: file.key_source().word(),
        // Only now: until the file is written, the key before opens it.
        forgotten: before.forget_key(id.as_deref()),
    };
    output.facts(&moved, |moved| {
        let from = before.key_source().word();
        let rest = match moved.forgotten {
            true => format!("the key before is gone from the {from}"),
            false => format!("remove the key before from the {from}"),
        };
        let plural = if moved.secrets == 1 { "" } else { "s" };
        format!("{} secret{plural} (entry {}), {}; {rest}", moved.secrets, moved.entry, moved.sealed)
    })?;
    Ok(Done::Good)
}

fn read(file: &SealedFile) -> Result<Vec<StoredSecret>, Failure> {
    file.read().map_err(|error| Failure::Other(error.into()))
}

fn list(file: &SealedFile, secrets: Vec<StoredSecret>, output: &Output) -> Result<Done, Failure> {
    let row = |StoredSecret { name, binding, since, .. }| Row { name, since, binding };
    let source = file.key_source();
    let secrets = secrets.into_iter().map(row).collect();
    let rows = Rows { sealed: source.describe(), key: source.word(), secrets };
    output.facts(&rows, |rows| {
        if rows.secrets.is_empty() {
            return format!("no secrets; add one: bulkhead secret add NAME --host HOST < FILE\n{}", rows.sealed);
        }
        let cells = |row: &Row| {
            vec![
                row.name.to_string(),
                in_words(&row.binding),
                row.binding.variable.clone().unwrap_or_default(),
                row.since.clone(),
            ]
        };
        let lines: Vec<Vec<String>> = rows.secrets.iter().map(cells).collect();
        format!("{}\n{}", table(&["SECRET", "FOR", "VARIABLE", "SINCE"], &lines), rows.sealed)
    })?;
    Ok(Done::Good)
}

/// `POST api.example.com:443/v1 in authorization`.
fn in_words(binding: &Binding) -> String {
    let methods = if binding.methods.is_empty() { String::new() } else { format!("{} ", binding.methods.join(",")) };
    let hosts: Vec<String> =
        binding.hosts.iter().map(|host| format!("{host}:{}{}", binding.port, binding.path)).collect();
    let body = if binding.body { ", and in bodies" } else { "" };
    format!("{methods}{} in {}{body}", hosts.join(", "), binding.headers.join(", "))
}

fn check(binding: &Binding) -> Result<(), Failure> {
    for pattern in &binding.hosts {
        if let Err(error) = Host::parse(pattern.strip_prefix("*.").unwrap_or(pattern)) {
            return Err(Failure::Usage(format!("--host {pattern}: {error}")));
        }
    }
    if !binding.path.starts_with('/') {
        return Err(Failure::Usage(format!("--path {}: a path begins with /", binding.path)));
    }
    // Where a secret would travel on to others, or end in their logs.
    let never = ["user-agent", "referer", "origin", "cookie", "host", "via", "forwarded", "x-forwarded-for"];
    if let Some(header) = binding.headers.iter().find(|header| never.contains(&header.as_str())) {
        return Err(Failure::Usage(format!("--header {header}: a secret there ends in other people's logs")));
    }
    Ok(())
}

/// The value, when a placeholder can stand for it.
fn usable(name: &SecretName, value: Secret, binding: &Binding) -> Result<Secret, Failure> {
    let random = |bytes: &mut [u8]| aws_lc_rs::rand::fill(bytes).map_err(|_| PlaceholderError::Random);
    Placeholder::new(name.clone(), value.clone(), binding.clone(), random)
        .map(|_| value)
        .map_err(|error| Failure::Usage(format!("secret {name}: {error}")))
}

fn value(file: Option<PathBuf>) -> Result<Secret, Failure> {
    let text = match file {
        Some(path) => crate::files::read_text(&path).map_err(anyhow::Error::new)?,
        None => {
            let mut text = String::new();
            let read = std::io::stdin().lock().take(64 << 10).read_to_string(&mut text);
            read.map_err(|error| Failure::Usage(format!("the value cannot be read from standard input: {error}")))?;
            text
        }
    };
    let value = text.trim_end_matches(['\r', '\n']);
    if value.is_empty() {
        return Err(Failure::Usage("the value is empty; give it on standard input or with --value-file".to_owned()));
    }
    Ok(Secret::new(value))
}

fn unknown(name: &SecretName) -> Failure {
    Failure::Usage(format!("there is no secret {name}; see bulkhead secret list"))
}
