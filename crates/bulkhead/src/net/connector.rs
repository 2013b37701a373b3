//! Opens connections to upstream: resolves, lets [`LinkRule`] judge, dials exactly what was judged.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::link;
use super::resolver::Resolver;
use super::ssrf::{LinkRefused, LinkRule, Standing, not_public};

/// No connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("the name {host} does not resolve: {error}")]
    Resolve { host: String, error: io::Error },
    #[error(transparent)]
    Refused(#[from] LinkRefused),
    #[error("{address} does not accept connections: {error}")]
    Connect { address: SocketAddr, error: io::Error },
    #[error("no connection to {host} within {limit:?}")]
    Timeout { host: String, limit: Duration },
}

/// The connector below TLS.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    pub(super) rule: Arc<LinkRule>,
    pub(super) resolver: Arc<Resolver>,
    pub(super) limit: Duration,
}

impl Connector {
    #[expect(clippy::disallowed_methods, reason = "this is the address guard: it dials what it judged")]
    async fn dial(self, uri: Uri) -> Result<TcpStream, DialError> {
        let host = link::host(&uri).ok_or(LinkRefused::Link(link::LinkError::Shape))?;
        let deadline = Instant::now() + self.limit;
        let late = |_| DialError::Timeout { host: host.clone(), limit: self.limit };
        let addresses = timeout_at(deadline, self.addresses(&host, link::port(&uri))).await.map_err(late)??;
        let mut last = None;
        for (index, address) in addresses.iter().enumerate() {
            // A dead first address (often IPv6) must leave time for the others.
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).map_err(|error| DialError::Connect { address: *address, error })?;
                    return Ok(stream);
                }
                Ok(Err(error)) => last = Some(DialError::Connect { address: *address, error }),
                Err(_) => last = last.or(Some(DialError::Timeout { host: host.clone(), limit: self.limit })),
            }
        }
        Err(last.unwrap_or_else(|| DialError::Resolve { host, error: io::ErrorKind::NotFound.into() }))
    }

    async fn lookup(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, DialError> {
        let failed = |error| DialError::Resolve { host: host.to_owned(), error };
        self.resolver.lookup(host, port).await.map_err(failed)
    }

    /// The addresses that may be dialled; never empty.
    pub(super) async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, DialError> {
        let all = self.lookup(host, port).await?;
        if self.rule.host_standing(host, port) == Standing::Trusted {
            return Ok(all);
        }
        let (mut good, refused): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| not_public(one.ip()).is_none());
        if good.is_empty() {
            // The upstream's own addresses are trusted under any name; they are looked up now, not kept.
            let own = self.lookup(self.rule.upstream_host(), port).await?;
            good.extend(
                refused.iter().filter(|one| own.iter().any(|own| own.ip().to_canonical() == one.ip().to_canonical())),
            );
        }
        match refused.first() {
            Some(first) if good.is_empty() => {
                let (address, class) = (first.ip(), not_public(first.ip()).unwrap_or("reserved"));
                Err(LinkRefused::Address { host: host.to_owned(), address, class }.into())
            }
            _ => Ok(good),
        }
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, DialError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dial = self.clone().dial(uri);
        Box::pin(async { dial.await.map(TokioIo::new) })
    }
}
