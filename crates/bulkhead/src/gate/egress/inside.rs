//! What a run must hold so that its programs trust the run's own authority: one bundle, under every name by which the
//! field's clients look for one.

use std::path::{Path, PathBuf};

/// Where distributions keep the bundle of trusted certificates; those that are there are covered by the run's own.
pub const SYSTEM_BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The variables by which clients are told of a bundle: OpenSSL, requests and pip, curl, Node, git, cargo, npm, AWS, uv.
pub const VARIABLES: &[&str] = &[
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "NPM_CONFIG_CAFILE",
    "AWS_CA_BUNDLE",
    "DENO_CERT",
];

/// The bundle: what the machine trusts, then the run's authority.
pub fn bundle(system: &[u8], authority: &str) -> Vec<u8> {
    let mut bundle = system.to_vec();
    if !bundle.is_empty() && !bundle.ends_with(b"\n") {
        bundle.push(b'\n');
    }
    bundle.extend_from_slice(authority.as_bytes());
    bundle
}

/// Every variable, set to the bundle at that path.
pub fn variables(bundle: &Path) -> impl Iterator<Item = (&'static str, PathBuf)> + '_ {
    VARIABLES.iter().map(|name| (*name, bundle.to_owned()))
}

/// certifi's bundle in an environment's folder of packages: requests, httpx and pip read it where no variable tells them.
pub fn certifi(site_packages: &Path) -> [PathBuf; 3] {
    ["certifi/cacert.pem", "pip/_vendor/certifi/cacert.pem", "botocore/cacert.pem"].map(|path| site_packages.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_is_the_machines_and_then_the_runs() {
        assert_eq!(bundle(b"a", "b\n"), b"a\nb\n");
        assert_eq!(bundle(b"a\n", "b\n"), b"a\nb\n");
        assert_eq!(bundle(b"", "b\n"), b"b\n");
    }

    #[test]
    fn every_client_is_told() {
        let told: Vec<&str> = variables(Path::new("/x")).map(|(name, _)| name).collect();
        assert!(told.contains(&"NODE_EXTRA_CA_CERTS") && told.contains(&"NPM_CONFIG_CAFILE"));
        assert!(certifi(Path::new("/v/site-packages"))[1].ends_with("pip/_vendor/certifi/cacert.pem"));
    }
}
