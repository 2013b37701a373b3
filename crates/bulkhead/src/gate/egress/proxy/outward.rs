//! A request on its way to the host: signed anew where it must be, over the connection of the last one where that still stands.

use bulkhead_core::{Code, Problem};
use http::header::HOST;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;

use super::super::broker::{self, Known, Misuse, Placeholder, SecretName};
use super::super::host::Host;
use super::Stream;
use super::body::{InBody, Pending, Watched};
use super::request::Connection;

/// Bytes of a body that is read whole to be signed. Services that want more take a hash in a header.
const SIGNED: usize = 16 << 20;

impl Connection {
    /// The request, signed anew where a run signed it with placeholders.
    pub(super) async fn signed(
        &self,
        request: Request<Pending>,
        known: &Known,
        signer: Option<&Placeholder>,
        asked: &broker::Request<'_>,
    ) -> Result<Request<Pending>, Problem> {
        let Some(placeholder) = signer else { return Ok(request) };
        let wrong = |why: String| Problem::new(Code::BadRequest, why);
        let (mut parts, mut body) = request.into_parts();
        let mut bytes = None;
        if broker::wants_body(&parts.headers) {
            let (whole, looked_at) = body.whole(SIGNED).await.map_err(|error| {
                wrong(format!("a request that must be signed as a whole could not be read: {error}"))
            })?;
            if let Some(seen) = known.seen_in(&whole).filter(|_| !looked_at) {
                return Err(self.in_body(asked.host, asked.port, "https", &seen.name).await);
            }
            bytes = Some(whole.clone());
            body = Pending::Whole(Some(whole));
        }
        let authority = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
        broker::resign(placeholder, &authority, asked.method, asked.target, &mut parts.headers, bytes.as_ref())
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Request::from_parts(parts, body))
    }

    /// Sends it, over the connection that is there or a new one.
    pub(super) async fn send(
        &self,
        request: Request<Watched>,
        host: &Host,
        port: u16,
        scheme: &str,
    ) -> Result<Response<Incoming>, Problem> {
        let mut slot = self.upstream.lock().await;
        let kept = slot.take().filter(|(kept, at, sender)| kept == host && *at == port && !sender.is_closed());
        let mut usable = None;
        if let Some((_, _, mut sender)) = kept
            && sender.ready().await.is_ok()
        {
            usable = Some(sender);
        }
        let mut sender = match usable {
            Some(sender) => sender,
            None => self.connect(host, port, scheme).await?,
        };
        let sent = sender.send_request(request).await;
        match sent {
            Ok(response) => {
                *slot = Some((host.clone(), port, sender));
                Ok(response)
            }
            Err(error) => {
                drop(slot);
                Err(self.failed(host, port, scheme, &error).await)
            }
        }
    }

    async fn connect(&self, host: &Host, port: u16, scheme: &str) -> Result<SendRequest<Watched>, Problem> {
        if scheme == "https" {
            handshake(self.egress.dial_tls(host, port).await?).await
        } else {
            handshake(self.egress.dial(host, port).await?).await
        }
    }

    /// A request that did not get through: the host's fault, or a placeholder in its body.
    async fn failed(&self, host: &Host, port: u16, scheme: &str, error: &hyper::Error) -> Problem {
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            if let Some(InBody(name)) = inner.downcast_ref::<InBody>() {
                return self.in_body(host, port, if scheme == "https" { "https" } else { "http" }, name).await;
            }
            cause = inner.source();
        }
        Problem::new(Code::UpstreamUnreachable, format!("{host}:{port} ended the connection: {error}"))
            .with_help("ask again; if it goes on, see whether the host answers outside the run")
    }

    /// A placeholder in a body that is on its way already, or is signed as a whole.
    async fn in_body(&self, host: &Host, port: u16, scheme: &'static str, name: &SecretName) -> Problem {
        let misuse = Misuse { name: name.clone(), place: "the body".to_owned(), why: "which may not carry it" };
        self.egress.misused(host, port, scheme, (String::new(), String::new()), misuse).await
    }
}

async fn handshake(stream: impl Stream) -> Result<SendRequest<Watched>, Problem> {
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Problem::new(Code::UpstreamUnreachable, format!("no HTTP connection: {error}")))?;
    #[expect(clippy::disallowed_methods, reason = "it ends with the sender, which the run's connection holds")]
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an upstream connection ended");
        }
    });
    Ok(sender)
}
