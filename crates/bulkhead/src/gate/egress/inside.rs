//! What a run must hold so that its programs trust the run's own authority: one bundle, under every name by which the
//! field's clients look for one.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

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

/// Variables that name a proxy. What the caller has there is nothing that a run reaches; the run's own proxy takes its place.
pub const PROXIES: &[&str] = &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY"];
/// Variables that name what needs no proxy.
pub const NO_PROXY: &[&str] = &["NO_PROXY", "no_proxy"];

/// The variables of a caller that uses a proxy, as they must be inside. A caller without one needs none inside either:
/// programs that connect to a name are served just the same.
pub fn proxies<'a>(caller: impl Iterator<Item = &'a str>, proxy: &str) -> Vec<(String, String)> {
    let used: Vec<&str> = caller.filter(|name| PROXIES.iter().any(|known| known.eq_ignore_ascii_case(name))).collect();
    let own = used.iter().map(|name| ((*name).to_owned(), proxy.to_owned()));
    // The loopback of the run is its own, and leads through no proxy.
    let none = NO_PROXY.iter().filter(|_| !used.is_empty());
    own.chain(none.map(|name| ((*name).to_owned(), "localhost,127.0.0.1,::1".to_owned()))).collect()
}

/// certifi's bundle in an environment's folder of packages: requests, httpx and pip read it where no variable tells them.
pub fn certifi(site_packages: &Path) -> [PathBuf; 3] {
    ["certifi/cacert.pem", "pip/_vendor/certifi/cacert.pem", "botocore/cacert.pem"].map(|path| site_packages.join(path))
}

/// Where distributions keep the trust store of Java, which reads no bundle and no variable.
pub const JAVA_STORES: &[&str] = &["/etc/ssl/certs/java/cacerts", "/etc/pki/ca-trust/extracted/java/cacerts"];
/// Where a Java of its own keeps it, below its home.
pub const JAVA_STORE: &str = "lib/security/cacerts";

/// The certificates of a bundle as a Java key store (JKS, version 2), with the password that Java's own store has.
pub fn java_store(bundle: &[u8]) -> Vec<u8> {
    let certificates: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(bundle).filter_map(Result::ok).collect();
    let text = |store: &mut Vec<u8>, text: &str| {
        store.extend(u16::try_from(text.len()).unwrap_or_default().to_be_bytes());
        store.extend(text.as_bytes());
    };
    let number =
        |store: &mut Vec<u8>, number: usize| store.extend(u32::try_from(number).unwrap_or_default().to_be_bytes());
    let mut store = vec![0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2];
    number(&mut store, certificates.len());
    for (place, certificate) in certificates.iter().enumerate() {
        // A certificate that is trusted, its name, the time at which it was put in: none.
        number(&mut store, 2);
        text(&mut store, &format!("run-{place}"));
        store.extend([0; 8]);
        text(&mut store, "X.509");
        number(&mut store, certificate.len());
        store.extend(certificate.iter());
    }
    // No secret: it says that nothing was cut off. The words are the format's own.
    let mut seal: Vec<u8> = "changeit".bytes().flat_map(|byte| [0, byte]).collect();
    seal.extend(b"Mighty Aphrodite");
    seal.extend(&store);
    store.extend(digest(&SHA1_FOR_LEGACY_USE_ONLY, &seal).as_ref());
    store
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
    fn a_callers_proxy_is_replaced_and_none_is_invented() {
        assert_eq!(proxies(["PATH", "NO_PROXY"].into_iter(), "http://p"), []);
        let inside = proxies(["https_proxy", "PATH"].into_iter(), "http://p");
        assert_eq!(inside[0], ("https_proxy".to_owned(), "http://p".to_owned()));
        assert_eq!(inside.len(), 3);
    }

    #[test]
    fn every_client_is_told() {
        let told: Vec<&str> = variables(Path::new("/x")).map(|(name, _)| name).collect();
        assert!(told.contains(&"NODE_EXTRA_CA_CERTS") && told.contains(&"NPM_CONFIG_CAFILE"));
        assert!(certifi(Path::new("/v/site-packages"))[1].ends_with("pip/_vendor/certifi/cacert.pem"));
    }
}
