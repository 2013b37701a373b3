//! Bodies on their way through: requests watched for placeholders, answers scrubbed of secrets.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;

use super::super::broker::{Known, Minter, Scrubber, SecretName};
use super::request::Body as Out;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request's body: broken off when a placeholder is in it, because nobody honest puts one there.
///
/// The last bytes of a chunk are looked at together with the next ones, so that no cut hides one.
pub(super) struct Watched {
    body: Pending,
    known: Arc<Known>,
    tail: Vec<u8>,
}

/// A body that is still coming, or one of which something had to be read first.
pub(super) enum Pending {
    Coming(Incoming),
    /// These bytes are all.
    Whole(Option<Bytes>),
    /// These bytes were looked at, and there are more.
    Begun(Option<Bytes>, Incoming),
}

impl Pending {
    /// Reads until the body ends or is longer than that.
    pub(super) async fn begin(mut body: Incoming, most: usize) -> Result<Self, hyper::Error> {
        let mut begun = Vec::new();
        while let Some(frame) = body.frame().await {
            // Trailers say nothing that a host of secrets needs.
            let Ok(data) = frame?.into_data() else { continue };
            begun.extend_from_slice(&data);
            if begun.len() > most {
                return Ok(Self::Begun(Some(begun.into()), body));
            }
        }
        Ok(Self::Whole(Some(begun.into())))
    }

    /// All of it, and whether that was looked at before.
    pub(super) async fn whole(self, most: usize) -> Result<(Bytes, bool), BoxError> {
        match self {
            Self::Whole(bytes) => Ok((bytes.unwrap_or_default(), true)),
            Self::Coming(body) => Ok((Limited::new(body, most).collect().await?.to_bytes(), false)),
            Self::Begun(bytes, body) => {
                let mut all = bytes.unwrap_or_default().to_vec();
                all.extend_from_slice(&Limited::new(body, most.saturating_sub(all.len())).collect().await?.to_bytes());
                Ok((all.into(), false))
            }
        }
    }

    /// What was read so far, and whether it is all.
    pub(super) fn read(&self) -> (&[u8], bool) {
        match self {
            Self::Coming(_) | Self::Whole(None) | Self::Begun(None, _) => (&[], false),
            Self::Whole(Some(bytes)) => (bytes, true),
            Self::Begun(Some(bytes), _) => (bytes, false),
        }
    }
}

impl Watched {
    /// A body that must not hold a placeholder, apart from what was judged before.
    pub(super) fn new(body: Pending, known: Arc<Known>) -> Self {
        Self { body, known, tail: Vec::new() }
    }

    /// The first placeholder in these bytes and those before them.
    fn seen(&mut self, data: &[u8]) -> Option<InBody> {
        let keep = self.known.longest().checked_sub(1)?;
        let mut seen = self.known.seen_in(data);
        let seam = &data[..data.len().min(keep)];
        self.tail.extend_from_slice(seam);
        seen = seen.or_else(|| self.known.seen_in(&self.tail));
        let seen = seen.map(|placeholder| InBody(placeholder.name.clone()));
        if seam.len() < data.len() {
            self.tail.clear();
            self.tail.extend_from_slice(&data[data.len().saturating_sub(keep)..]);
        }
        self.tail.drain(..self.tail.len().saturating_sub(keep));
        seen
    }
}

/// A placeholder in a body.
#[derive(Debug, thiserror::Error)]
#[error("the placeholder of secret {0} is in the body of a request; the request was broken off")]
pub(super) struct InBody(pub(super) SecretName);

impl Body for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let frame = match &mut this.body {
            // Judged already, and with the secrets in it where they belong.
            Pending::Whole(bytes) => {
                return Poll::Ready(bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))));
            }
            Pending::Begun(bytes @ Some(_), _) => Frame::data(bytes.take().unwrap_or_default()),
            Pending::Coming(body) | Pending::Begun(None, body) => match ready!(Pin::new(body).poll_frame(cx)) {
                Some(frame) => frame?,
                None => return Poll::Ready(None),
            },
        };
        if let Some(data) = frame.data_ref()
            && let Some(seen) = this.seen(data)
        {
            return Poll::Ready(Some(Err(seen.into())));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Pending::Coming(body) | Pending::Begun(None, body) => body.is_end_stream(),
            Pending::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Pending::Begun(Some(_), _) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Pending::Coming(body) | Pending::Begun(None, body) => body.size_hint(),
            // What is left of the length that the head says.
            Pending::Begun(Some(bytes), body) => body
                .size_hint()
                .exact()
                .map_or_else(SizeHint::default, |rest| SizeHint::with_exact(rest + bytes.len() as u64)),
            Pending::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
        }
    }
}

/// An answer's body without the secrets that it repeats, and without the credentials that it makes.
pub(super) struct Scrubbed {
    body: Incoming,
    gzip: Option<Gunzip>,
    scrubber: Scrubber,
    minter: Option<Minter>,
    done: bool,
}

impl Scrubbed {
    /// For answers of hosts that secrets are for; `minter` when the request carried one, `gzip` when the host packed the body
    /// all the same.
    pub(super) fn new(body: Incoming, scrubber: Scrubber, minter: Option<Minter>, gzip: bool) -> Self {
        Self { body, gzip: gzip.then(Gunzip::default), scrubber, minter, done: false }
    }

    fn pass(&mut self, data: Bytes) -> Result<Bytes, BoxError> {
        let data = match &mut self.gzip {
            Some(gzip) => gzip.push(&data)?.into(),
            None => data,
        };
        let data = if self.scrubber.passes(&data) { data } else { self.scrubber.push(&data).into() };
        Ok(match &mut self.minter {
            Some(minter) => minter.push(&data)?.into(),
            None => data,
        })
    }

    /// What the stages still hold at the end.
    fn last(&mut self) -> Result<Bytes, BoxError> {
        let last = self.gzip.as_mut().map(Gunzip::finish).transpose()?.unwrap_or_default();
        let mut rest = self.scrubber.push(&last);
        rest.extend(self.scrubber.finish());
        if let Some(minter) = &mut self.minter {
            rest = minter.push(&rest)?;
            rest.extend(minter.finish());
        }
        Ok(rest.into())
    }
}

impl Body for Scrubbed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        loop {
            if this.done {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                None => {
                    this.done = true;
                    let rest = this.last()?;
                    if !rest.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(rest))));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => {
                    // Trailers of a scrubbed answer are left out: they are rare, and could repeat a secret.
                    let Ok(data) = frame.into_data() else { continue };
                    let data = this.pass(data)?;
                    // Held back whole: nothing to say yet.
                    if !data.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        // Scrubbing keeps lengths, and so do placeholders; unpacking does not.
        if self.gzip.is_none() { self.body.size_hint() } else { SizeHint::default() }
    }
}

/// A body that holds on to something until it is over.
pub(super) struct Held {
    body: Out,
    _held: Arc<()>,
}

impl Held {
    /// That body, and what it holds on to.
    pub(super) fn new(body: Out, held: Arc<()>) -> Self {
        Self { body, _held: held }
    }
}

impl Body for Held {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Unpacks gzip as it comes.
#[derive(Default)]
struct Gunzip {
    decoder: Option<flate2::write::MultiGzDecoder<Vec<u8>>>,
}

impl Gunzip {
    fn push(&mut self, data: &[u8]) -> Result<Vec<u8>, BoxError> {
        use std::io::Write as _;
        let decoder = self.decoder.get_or_insert_with(|| flate2::write::MultiGzDecoder::new(Vec::new()));
        decoder.write_all(data)?;
        // What was unpacked waits in the decoder's own buffer until it is asked for.
        decoder.flush()?;
        Ok(std::mem::take(decoder.get_mut()))
    }

    fn finish(&mut self) -> Result<Vec<u8>, BoxError> {
        let Some(mut decoder) = self.decoder.take() else { return Ok(Vec::new()) };
        decoder.try_finish()?;
        Ok(std::mem::take(decoder.get_mut()))
    }
}
