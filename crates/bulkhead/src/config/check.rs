//! From the TOML as written to a typed [`Config`]: every value checked, every mistake reported.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use http::uri::Authority;

use super::error::ConfigErrors;
use super::raw::{self, Report, Section};
use super::url::index_url;
use super::{Config, DEFAULT_FILE, Egress, Feed, Intake, KeyPlace, Ledger, People, Pypi, Secrets, Server, TlsFiles};

/// Checks the whole text; all mistakes at once.
pub(super) fn check(file: Option<PathBuf>, text: &str) -> Result<Config, ConfigErrors> {
    let name = file.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
    let folder = name.parent().unwrap_or(Path::new(""));
    let mut report = Report::new(name, text);
    let mut root = raw::parse(text, &mut report);
    let server = server(root.section("server", &mut report), folder, &mut report);
    let mut intake = root.section("intake", &mut report);
    let pypi = pypi(intake.section("pypi", &mut report), &mut report);
    intake.finish(&mut report);
    let feed = feed(root.section("feed", &mut report), &mut report);
    let ledger = ledger(root.section("ledger", &mut report), folder, &mut report);
    let egress = egress(root.section("egress", &mut report), &mut report);
    let secrets = secrets(root.section("secrets", &mut report), &mut report);
    root.finish(&mut report);
    match ConfigErrors::of(report.into_errors()) {
        Some(errors) => Err(errors),
        None => Ok(Config { file, server, intake: Intake { pypi }, feed, ledger, egress, secrets }),
    }
}

fn server(mut section: Section<'_>, folder: &Path, report: &mut Report<'_>) -> Server {
    let mut server = Server::default();
    if let Some((at, text)) = text(&mut section, "listen", report) {
        match text.parse::<SocketAddr>() {
            Ok(address) => server.listen = address,
            Err(_) => report.add(
                at,
                format!("`server.listen` is not an address and port: `{text}`"),
                "write an IP address, not a name: listen = \"127.0.0.1:7070\"",
            ),
        }
    }
    if let Some((_, data)) = path(&mut section, "data", folder, report) {
        server.data = data;
    }
    let cert = path(&mut section, "tls_cert", folder, report);
    let key = path(&mut section, "tls_key", folder, report);
    server.tls = match (cert, key) {
        (Some((_, cert)), Some((_, key))) => Some(TlsFiles { cert, key }),
        (Some((at, _)), None) => {
            report.add(at, "`server.tls_cert` is set but `server.tls_key` is not", "set both, or neither");
            None
        }
        (None, Some((at, _))) => {
            report.add(at, "`server.tls_key` is set but `server.tls_cert` is not", "set both, or neither");
            None
        }
        (None, None) => None,
    };
    if let Some((at, text)) = text(&mut section, "url", report) {
        match own_url(&text) {
            Ok(url) => server.url = Some(url),
            Err(message) => {
                report.add(at, format!("`server.url` {message}"), "for example \"https://bulkhead.corp.example/\"")
            }
        }
    }
    section.finish(report);
    server
}

fn own_url(text: &str) -> Result<Uri, String> {
    let (url, credentials) = index_url(text).map_err(|error| error.to_string())?;
    if credentials.is_some() {
        return Err("holds credentials; it is shown to every client".to_owned());
    }
    if url.path() != "/" { Err("has a path; Bulkhead answers at the root of its host".to_owned()) } else { Ok(url) }
}

fn pypi(mut section: Section<'_>, report: &mut Report<'_>) -> Pypi {
    let mut pypi = Pypi::default();
    if let Some((at, text)) = text(&mut section, "upstream", report) {
        match index_url(&text) {
            Ok((url, credentials)) => (pypi.upstream, pypi.credentials) = (Some(url), credentials),
            // The value may hold a password: it is not repeated.
            Err(error) => report.add(
                at,
                format!("`intake.pypi.upstream` {error}"),
                "write the simple index: upstream = \"https://mirror.corp.example/simple/\"",
            ),
        }
    }
    if let Some(item) = section.item("hosts") {
        for (at, text) in item.texts(report) {
            match host(&text) {
                Some(host) => pypi.hosts.push(host),
                None => report.add(
                    at,
                    "`intake.pypi.hosts` holds something that is not a host",
                    "write \"files.corp.example\" or \"files.corp.example:8443\", without scheme and path",
                ),
            }
        }
    }
    span(&mut section, "index_ttl", Zero::Allowed, &mut pypi.index_ttl, report);
    bytes(&mut section, "max_index", &mut pypi.max_index, report);
    bytes(&mut section, "max_file", &mut pypi.max_file, report);
    span(&mut section, "connect_timeout", Zero::Refused, &mut pypi.connect_timeout, report);
    span(&mut section, "first_byte_timeout", Zero::Refused, &mut pypi.first_byte_timeout, report);
    span(&mut section, "idle_timeout", Zero::Refused, &mut pypi.idle_timeout, report);
    section.finish(report);
    pypi
}

fn feed(mut section: Section<'_>, report: &mut Report<'_>) -> Feed {
    let mut feed = Feed::default();
    span(&mut section, "max_age", Zero::Refused, &mut feed.max_age, report);
    section.finish(report);
    feed
}

fn ledger(mut section: Section<'_>, folder: &Path, report: &mut Report<'_>) -> Ledger {
    let witness_policy = path(&mut section, "witness_policy", folder, report).map(|(_, path)| path);
    let mut ledger = Ledger { witness_policy, ..Ledger::default() };
    span(&mut section, "witness_every", Zero::Refused, &mut ledger.witness_every, report);
    if let Some((at, url)) = text(&mut section, "timestamp_url", report) {
        match index_url(&url) {
            Ok(_) => ledger.timestamp_url = Some(url),
            Err(error) => report.add(at, format!("`ledger.timestamp_url` {error}"), "write the authority's address"),
        }
    }
    if let Some((at, word)) = text(&mut section, "people", report) {
        match word.as_str() {
            "pseudonym" => ledger.people = People::Pseudonym,
            "plain" => ledger.people = People::Plain,
            _ => report.add(at, format!("`ledger.people` is `{word}`"), "write \"pseudonym\" or \"plain\""),
        }
    }
    if let Some(item) = section.item("roles") {
        ledger.roles = item.texts(report).into_iter().map(|(_, role)| role).collect();
    }
    if let Some(item) = section.item("compartments") {
        for (at, name) in item.texts(report) {
            let good = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            if name.is_empty() || name.len() > 40 || !good || ledger.compartments.contains(&name) {
                report.add(at, format!("`{name}` cannot name a compartment"), "1 to 40 of a-z, 0-9 and `-`, each once");
            } else {
                ledger.compartments.push(name);
            }
        }
    }
    section.finish(report);
    ledger
}

fn egress(mut section: Section<'_>, report: &mut Report<'_>) -> Egress {
    let mut egress = Egress::default();
    if let Some(item) = section.item("addresses") {
        for (at, text) in item.texts(report) {
            match standing(&text) {
                Some((host, port, _)) if egress.addresses.iter().any(|(name, at, _)| *name == host && *at == port) => {
                    report.add(at, format!("`egress.addresses` says twice where {host}:{port} is"), "keep one of them");
                }
                Some(address) => egress.addresses.push(address),
                None => report.add(
                    at,
                    format!("`egress.addresses` holds `{text}`, which does not say where a host is"),
                    "write \"HOST:PORT=ADDRESS:PORT\": \"api.corp.example:443=10.0.0.7:8443\"",
                ),
            }
        }
    }
    section.finish(report);
    egress
}

fn secrets(mut section: Section<'_>, report: &mut Report<'_>) -> Secrets {
    let mut secrets = Secrets::default();
    if let Some((at, word)) = text(&mut section, "key", report) {
        match word.as_str() {
            "file" => secrets.key = Some(KeyPlace::File),
            "keyring" => secrets.key = Some(KeyPlace::Keyring),
            "environment" => secrets.key = Some(KeyPlace::Environment),
            // It may be the key itself: it is not repeated.
            _ => report.add(
                at,
                "`secrets.key` does not say where the sealing key is",
                "write \"file\", \"keyring\" or \"environment\", never the key",
            ),
        }
    }
    section.finish(report);
    secrets
}

/// `host:port=address:port`, the host in lower case.
fn standing(text: &str) -> Option<(String, u16, SocketAddr)> {
    let (name, address) = text.split_once('=')?;
    let (name, port) =
        host(name.trim())?.rsplit_once(':').and_then(|(name, port)| Some((name.to_owned(), port.parse().ok()?)))?;
    let address: SocketAddr = address.trim().parse().ok()?;
    // A literal address is nothing that a resolver would be asked for.
    let named = name.parse::<std::net::IpAddr>().is_err() && !name.starts_with('[');
    (named && port != 0 && address.port() != 0).then_some((name, port, address))
}

/// `host` or `host:port`, lower case.
fn host(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let authority: Authority = text.parse().ok()?;
    let shape = !text.contains('@') && !authority.host().is_empty();
    let port = authority.host().len() == text.len() || authority.port_u16().is_some();
    (shape && port).then_some(text)
}

fn text(section: &mut Section<'_>, key: &'static str, report: &mut Report<'_>) -> Option<(usize, String)> {
    let item = section.item(key)?;
    let text = item.text(report)?;
    if text.is_empty() {
        report.add(item.at, format!("`{}` is empty", item.key), "fill it in, or remove the line");
        return None;
    }
    Some((item.at, text))
}

/// Relative paths belong to the file that holds them, so that the working directory does not matter.
fn path(
    section: &mut Section<'_>,
    key: &'static str,
    folder: &Path,
    report: &mut Report<'_>,
) -> Option<(usize, PathBuf)> {
    text(section, key, report).map(|(at, text)| (at, folder.join(text)))
}

#[derive(Clone, Copy, PartialEq)]
enum Zero {
    Allowed,
    Refused,
}

fn span(section: &mut Section<'_>, key: &'static str, zero: Zero, field: &mut Duration, report: &mut Report<'_>) {
    let Some(item) = section.item(key) else { return };
    let Some(text) = item.text(report) else { return };
    match text.parse::<bulkhead_core::Duration>() {
        Ok(span) if span.as_seconds() > 0 || zero == Zero::Allowed => {
            *field = Duration::from_secs(span.as_seconds().unsigned_abs());
        }
        Ok(_) => {
            report.add(item.at, format!("`{}` is zero", item.key), "nothing could succeed in no time; write \"30s\"")
        }
        Err(error) => report.add(item.at, format!("`{}`: {error}", item.key), ""),
    }
}

const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// A size: a number of bytes, or a string with a unit.
fn bytes(section: &mut Section<'_>, key: &'static str, field: &mut u64, report: &mut Report<'_>) {
    let Some(item) = section.item(key) else { return };
    let size = item.integer().or_else(|| size(item.as_text()?));
    match size {
        Some(size) if size > 0 => *field = size,
        _ => report.add(
            item.at,
            format!("`{}` is not a size", item.key),
            "write a number of bytes, or a string with B, KiB, MiB or GiB, such as \"128MiB\"",
        ),
    }
}

fn size(text: &str) -> Option<u64> {
    let (unit, factor) = UNITS.into_iter().find(|(unit, _)| text.ends_with(unit))?;
    let digits = text.strip_suffix(unit)?.trim_end();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(factor)
}
