//! TLS on both sides: trust from the operating system towards upstream, the operator's certificate towards clients.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// TLS cannot be set up; start-up stops.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The operating system's certificate store (or `SSL_CERT_FILE`, `SSL_CERT_DIR`) cannot be read.
    #[error(
        "the trusted certificates cannot be read: {0}; check SSL_CERT_FILE and SSL_CERT_DIR, or install the system's CA certificates"
    )]
    Trust(String),
    /// A PEM file cannot be read.
    #[error("{} cannot be read as PEM: {why}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// rustls refuses the certificate or key.
    #[error("the certificate and key do not work together: {0}")]
    Config(#[from] rustls::Error),
}

/// Whom to trust towards upstream.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// The operating system's store; `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured.
    #[default]
    System,
    /// Exactly these.
    Roots(Vec<CertificateDer<'static>>),
}

/// The client side's configuration. The operating system's store is some hundred files: it is read once in a process, and
/// only by one that connects to somebody, because every start of a contained program would wait for it otherwise.
///
/// # Errors
/// [`TlsError::Trust`] when the store is empty or any part of it cannot be read: half a store would look like an
/// attack later.
pub fn client(trust: Trust) -> Result<Arc<ClientConfig>, TlsError> {
    static SYSTEM: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    match trust {
        Trust::Roots(roots) => trusting(roots),
        Trust::System => {
            if let Some(config) = SYSTEM.get() {
                return Ok(Arc::clone(config));
            }
            let loaded = rustls_native_certs::load_native_certs();
            if let Some(error) = loaded.errors.first() {
                return Err(TlsError::Trust(error.to_string()));
            }
            let config = trusting(loaded.certs)?;
            Ok(Arc::clone(SYSTEM.get_or_init(|| config)))
        }
    }
}

fn trusting(certificates: Vec<CertificateDer<'static>>) -> Result<Arc<ClientConfig>, TlsError> {
    let mut store = RootCertStore::empty();
    // Stores do hold old certificates that rustls cannot parse; the rest must still count.
    let (good, _) = store.add_parsable_certificates(certificates);
    if good == 0 {
        return Err(TlsError::Trust("no certificate is in them".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The server side's configuration from two PEM files; speaks HTTP/1.1 only, because a reason phrase needs it.
///
/// # Errors
/// [`TlsError`] naming the file.
pub fn server(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let pem = |path: &Path, why: &dyn std::fmt::Display| TlsError::Pem { path: path.to_owned(), why: why.to_string() };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(cert).and_then(Iterator::collect).map_err(|error| pem(cert, &error))?;
    if chain.is_empty() {
        return Err(pem(cert, &"it holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| pem(key, &error))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
