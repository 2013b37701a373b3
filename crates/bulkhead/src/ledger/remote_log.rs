//! A log on another server, read resource by resource as any mirror reads it.

use std::io;
use std::sync::Arc;

use bulkhead_ledger::verify::Source;
use http::StatusCode;
use rustls::ClientConfig;
use tokio::runtime::Runtime;

use crate::net::remote::{Remote, RemoteError};

/// 256 of the longest entries, and a little.
const LONGEST: usize = 256 * (65_535 + 2) + 1024;

/// The resources below an address such as `https://bulkhead.corp.example/ledger/`.
pub struct RemoteLog {
    remote: Remote,
    runtime: Runtime,
}

impl RemoteLog {
    /// Sets the client up. Not to be called within a runtime: reading blocks.
    ///
    /// # Errors
    /// When the address is not one, or no runtime can be made.
    pub fn new(address: &str, tls: &Arc<ClientConfig>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { remote: Remote::new(address, tls)?, runtime })
    }
}

impl Source for RemoteLog {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let answer = self.runtime.block_on(self.remote.get(path, LONGEST));
        let answer = answer.map_err(|error: RemoteError| io::Error::other(error.to_string()))?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body.to_vec())),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(io::Error::other(format!(
                "the server answered {}; put a token into the address: https://TOKEN@host/ledger/",
                answer.status
            ))),
            status => Err(io::Error::other(format!("the server answered {status}"))),
        }
    }
}
