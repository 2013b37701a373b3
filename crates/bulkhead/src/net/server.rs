//! The HTTP/1.1 server: accepts, limits, hands clean requests to a service, drains on shutdown.
//!
//! HTTP/1.1 only, because pip shows nothing of a refusal but its reason phrase, and HTTP/2 has none.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::{hygiene, problem};

/// What one client may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections at once; further ones wait in the kernel's queue instead of being refused.
    pub connections: u32,
    /// For the TLS handshake, for each request's head, and for idling between requests.
    pub head: Duration,
    /// Header fields per request.
    pub headers: usize,
    /// Bytes of a request's head.
    pub head_size: usize,
    /// How long open requests may go on after shutdown began.
    pub drain: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head: Duration::from_secs(30),
            headers: 64,
            head_size: 32 << 10,
            drain: Duration::from_secs(10),
        }
    }
}

/// Who is at the other end; an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The client's address.
    pub address: SocketAddr,
    /// Whether the connection is TLS.
    pub tls: bool,
}

/// A listener with its limits; serves when told what.
pub struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    limits: ServerLimits,
}

impl Server {
    /// Binds. Whether the address may be used at all is [`super::listen::check_exposure`]'s question.
    ///
    /// # Errors
    /// The operating system's, usually that the port is taken.
    pub async fn bind(address: SocketAddr, tls: Option<Arc<ServerConfig>>, limits: ServerLimits) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener, tls: tls.map(TlsAcceptor::from), limits })
    }

    /// The address in use; tells the port when 0 was asked for.
    ///
    /// # Errors
    /// The operating system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` completes, then finishes open requests for at most [`ServerLimits::drain`].
    #[expect(
        clippy::disallowed_methods,
        reason = "each connection's task holds a slot, and shutdown waits for all slots"
    )]
    pub async fn serve<S, B>(self, service: S, shutdown: impl Future<Output = ()>)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + From<Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Self { listener, tls, limits } = self;
        let slots = Arc::new(Semaphore::new(limits.connections as usize));
        let (stop, stopping) = watch::channel(());
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&listener, &slots) => accepted,
            };
            let (stream, address, slot) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: give connections a moment to end instead of spinning.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let (service, tls, stopping) = (service.clone(), tls.clone(), stopping.clone());
            tokio::spawn(async move {
                let peer = Peer { address, tls: tls.is_some() };
                if let Err(error) = connection(stream, tls, peer, service, limits, stopping).await {
                    tracing::debug!(peer = %address, %error, "connection ended");
                }
                drop(slot);
            });
        }
        drop((listener, stopping));
        drop(stop);
        let all_slots = slots.acquire_many(limits.connections);
        if timeout(limits.drain, all_slots).await.is_err() {
            tracing::warn!("requests were still open when the drain time ended");
        }
    }
}

type Slot = tokio::sync::OwnedSemaphorePermit;

/// Waits for a free slot before accepting, so that a full house queues in the kernel.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> io::Result<(TcpStream, SocketAddr, Slot)> {
    let slot = slots.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    // Without it a small answer waits for the client's delayed acknowledgement: 44 ms per file.
    stream.set_nodelay(true)?;
    Ok((stream, address, slot))
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn connection<S, B>(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    peer: Peer,
    service: S,
    limits: ServerLimits,
    stopping: watch::Receiver<()>,
) -> Result<(), BoxError>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + From<Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    match tls {
        None => requests(stream, peer, service, limits, stopping).await?,
        Some(tls) => {
            let stream = timeout(limits.head, tls.accept(stream)).await??;
            requests(stream, peer, service, limits, stopping).await?;
        }
    }
    Ok(())
}

async fn requests<T, S, B>(
    stream: T,
    peer: Peer,
    service: S,
    limits: ServerLimits,
    mut stopping: watch::Receiver<()>,
) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + From<Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_headers(limits.headers)
            .max_header_size(limits.head_size)
            .serve_connection(TokioIo::new(stream), Clean { service, peer })
    );
    tokio::select! {
        outcome = &mut connection => return outcome,
        // The sender sends nothing; that it is gone is the message.
        _ = stopping.changed() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// The service behind [`hygiene`].
struct Clean<S> {
    service: S,
    peer: Peer,
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Clean<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: From<Bytes> + Send + 'static,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        let mut service = self.service.clone();
        Box::pin(async move {
            if let Err(wrong) = hygiene::check(&request) {
                problem::log(&wrong, request.uri().path());
                return Ok(closing(problem::render(&wrong)));
            }
            let close = hygiene::must_close(&request);
            std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
            let response = service.call(request).await?;
            Ok(if close { closing(response) } else { response })
        })
    }
}

fn closing<B>(mut response: Response<B>) -> Response<B> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests;
