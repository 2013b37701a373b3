//! What names tell: places that are none, the same file under another name, an import and its package.

use crate::profile::{Blob, BlobKind};

/// Modules that come with Node.
pub(super) const NODE: &[&str] = &[
    "assert",
    "buffer",
    "child_process",
    "cluster",
    "crypto",
    "dgram",
    "dns",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "querystring",
    "readline",
    "stream",
    "string_decoder",
    "timers",
    "tls",
    "tty",
    "url",
    "util",
    "v8",
    "vm",
    "worker_threads",
    "zlib",
];

pub(super) fn kind_word(blob: &Blob) -> &'static str {
    match blob.kind {
        BlobKind::Native => "native",
        BlobKind::Disguised => "disguised",
        BlobKind::Foreign => "foreign",
        BlobKind::Bytecode => "bytecode",
        BlobKind::Archive => "archive",
        BlobKind::Opaque => "opaque",
    }
}

/// A blob's path without what names a platform, an interpreter or a version: `_x.cpython-311-x86_64-linux-gnu.so` is `_x`,
/// `libfoo-1a2b3c4d.so.3.1` is `libfoo`.
pub(super) fn stem(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let name = name.split('.').next().unwrap_or(name);
    let name = match name.rsplit_once('-') {
        Some((stem, hash)) if hash.len() >= 7 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => stem,
        _ => name,
    };
    let name = name.trim_end_matches(|char: char| char.is_ascii_digit() || char == '-' || char == '_');
    // Versioned folders of vendored trees move as a whole.
    format!("{}/{name}", folder.rsplit('/').next().unwrap_or_default())
}

/// Whether an import and a package are likely the same: their names without separators contain one another.
pub(super) fn same(import: &str, package: &str) -> bool {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let (import, package) = (plain(import), plain(package));
    import.len() >= 2 && package.len() >= 2 && (import.contains(&package) || package.contains(&import))
}

/// Names that stand for no place: this machine, and what documentation uses.
pub(super) fn is_no_place(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "::1")
        || ["example.com", "example.org", "example.net", "contoso.com"]
            .iter()
            .any(|known| host == *known || host.ends_with(&format!(".{known}")))
        || host.ends_with(".example")
        || host.ends_with(".localhost")
        || host.ends_with(".local")
}

pub(super) fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}
