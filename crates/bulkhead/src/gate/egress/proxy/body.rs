//! Bodies on their way through: requests watched for placeholders, answers scrubbed of secrets.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::super::broker::{Placeholder, Scrubber, seen_in};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request's body: broken off when a placeholder is in it, because nobody honest puts one there.
///
/// The last bytes of a chunk are looked at together with the next ones, so that no cut hides one.
pub(super) struct Watched {
    body: Pending,
    texts: Vec<Placeholder>,
    tail: Vec<u8>,
    longest: usize,
}

/// A body that is still coming, or one that had to be read whole.
pub(super) enum Pending {
    Coming(Incoming),
    Whole(Option<Bytes>),
}

impl Watched {
    pub(super) fn new(body: Pending, placeholders: &[Placeholder]) -> Self {
        let longest = placeholders.iter().flat_map(Placeholder::marks).map(str::len).max().unwrap_or(0);
        Self { body, texts: placeholders.to_vec(), tail: Vec::new(), longest }
    }
}

/// A placeholder in a body.
#[derive(Debug, thiserror::Error)]
#[error("the placeholder of secret {0} is in the body of a request; the request was broken off")]
pub(super) struct InBody(pub(super) String);

impl Body for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let frame = match &mut this.body {
            Pending::Coming(body) => match ready!(Pin::new(body).poll_frame(cx)) {
                Some(frame) => frame?,
                None => return Poll::Ready(None),
            },
            Pending::Whole(bytes) => match bytes.take().filter(|bytes| !bytes.is_empty()) {
                Some(bytes) => Frame::data(bytes),
                None => return Poll::Ready(None),
            },
        };
        if let (Some(data), true) = (frame.data_ref(), this.longest > 0) {
            this.tail.extend_from_slice(data);
            if let Some(placeholder) = seen_in(&this.texts, &this.tail) {
                return Poll::Ready(Some(Err(InBody(placeholder.name.to_string()).into())));
            }
            let keep = this.tail.len().min(this.longest - 1);
            this.tail.drain(..this.tail.len() - keep);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Pending::Coming(body) => body.is_end_stream(),
            Pending::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Pending::Coming(body) => body.size_hint(),
            Pending::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
        }
    }
}

/// An answer's body without the secrets that it repeats.
pub(super) struct Scrubbed {
    body: Incoming,
    scrubber: Option<Scrubber>,
    gzip: Option<Gunzip>,
    done: bool,
}

impl Scrubbed {
    /// `scrubber` for answers of hosts that were given a secret; `gzip` when that host packed the body all the same.
    pub(super) fn new(body: Incoming, scrubber: Option<Scrubber>, gzip: bool) -> Self {
        Self { body, scrubber, gzip: gzip.then(Gunzip::default), done: false }
    }

    fn pass(&mut self, data: Bytes) -> Result<Bytes, BoxError> {
        let data = match &mut self.gzip {
            Some(gzip) => gzip.push(&data)?.into(),
            None => data,
        };
        Ok(match &mut self.scrubber {
            Some(scrubber) => scrubber.push(&data).into(),
            None => data,
        })
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
                    let last = this.gzip.as_mut().map(Gunzip::finish).transpose()?.unwrap_or_default();
                    let mut rest = this.scrubber.as_mut().map_or_else(|| last.clone(), |scrubber| scrubber.push(&last));
                    rest.extend(this.scrubber.as_mut().map(Scrubber::finish).unwrap_or_default());
                    if !rest.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(rest.into()))));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        let data = this.pass(data)?;
                        // Held back whole: nothing to say yet.
                        if !data.is_empty() {
                            return Poll::Ready(Some(Ok(Frame::data(data))));
                        }
                    }
                    // Trailers of a scrubbed answer are left out: they are rare, and could repeat a secret.
                    Err(trailers) if this.scrubber.is_none() => return Poll::Ready(Some(Ok(trailers))),
                    Err(_) => {}
                },
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        // Scrubbing keeps lengths, unpacking does not.
        if self.gzip.is_none() { self.body.size_hint() } else { SizeHint::default() }
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
