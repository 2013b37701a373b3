//! A certificate authority for one run, in memory: what the run is told to trust, so that the TLS of hosts with rules or
//! secrets can be opened. Its key is never written anywhere and ends with the run.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::host::Host;

/// Hosts whose certificates are kept; past it the cache starts anew.
const MOST: usize = 1_000;

/// The authority could not make a certificate.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The library's word.
    #[error("the run's certificate authority cannot sign: {0}")]
    Sign(#[from] rcgen::Error),
    /// rustls does not take what was signed.
    #[error("a certificate of the run's authority is not usable: {0}")]
    Use(#[from] rustls::Error),
}

/// The authority of one run.
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
    /// One key for every host: certificates cost a signature each, keys cost more.
    key: KeyPair,
    configs: Mutex<HashMap<Host, Arc<ServerConfig>>>,
}

impl Ca {
    /// A new authority, named after the run in what people see of it.
    ///
    /// # Errors
    /// [`CaError`] when there is no randomness.
    pub fn new(run: &str) -> Result<Self, CaError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, format!("Bulkhead run {run}"));
        params.distinguished_name.push(DnType::OrganizationName, "Bulkhead, made for one run, trusted by nothing else");
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate: der,
            pem,
            key: KeyPair::generate()?,
            configs: Mutex::default(),
        })
    }

    /// The authority's certificate, as trust bundles hold it.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// TLS towards the run as that host; HTTP/1.1 only.
    ///
    /// # Errors
    /// [`CaError`].
    pub fn serve_as(&self, host: &Host) -> Result<Arc<ServerConfig>, CaError> {
        if let Some(config) = self.configs.lock().unwrap_or_else(PoisonError::into_inner).get(host) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.make(host, |_| ())?);
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if configs.len() >= MOST {
            configs.clear();
        }
        configs.insert(host.clone(), Arc::clone(&config));
        Ok(config)
    }

    /// As an upstream whose certificate is that host's and ended years ago.
    #[cfg(test)]
    pub(super) fn serve_expired(&self, host: &Host) -> Arc<ServerConfig> {
        let ended = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        Arc::new(self.make(host, ended).expect("a certificate"))
    }

    fn make(&self, host: &Host, adjust: impl FnOnce(&mut CertificateParams)) -> Result<ServerConfig, CaError> {
        let name = host.to_string();
        let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
        let mut params = CertificateParams::new(vec![name.clone()])?;
        // RFC 5280: a common name has at most 64 characters; the name that counts is the alternative one.
        params.distinguished_name.push(DnType::CommonName, name.chars().take(64).collect::<String>());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        adjust(&mut params);
        let leaf = params.signed_by(&self.key, &self.issuer)?;
        let chain = vec![leaf.der().clone(), self.certificate.clone()];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl fmt::Debug for Ca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ca")
    }
}
