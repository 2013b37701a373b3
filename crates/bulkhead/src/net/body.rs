//! What a gate answers with: bytes in memory, or a range of a file from the blob store.

use std::fs::File;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

/// Read and sent at once. Large enough that system calls do not matter, small enough for thousands of clients.
const BLOCK: u64 = 256 << 10;

/// A response body. Its length is always known, so it is never chunked.
#[derive(Debug, Default)]
pub struct Body(Inner);

#[derive(Debug, Default)]
enum Inner {
    #[default]
    Empty,
    Full(Bytes),
    File(FileRange),
}

#[derive(Debug)]
struct FileRange {
    file: Arc<File>,
    rest: Range<u64>,
    /// A read on the blocking pool; there is one only when the bytes were not in the page cache.
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Body {
    /// No bytes.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A range of an open file. The file must not shrink meanwhile: a short read breaks the connection off, so that the
    /// client sees a truncated answer and never a wrong one.
    pub fn file(file: Arc<File>, range: Range<u64>) -> Self {
        if range.is_empty() { Self::empty() } else { Self(Inner::File(FileRange { file, rest: range, reading: None })) }
    }
}

impl FileRange {
    fn poll_block(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => {
                let (offset, length) = (self.rest.start, BLOCK.min(self.rest.end - self.rest.start));
                // Blobs are hot: almost always the bytes are in memory and no other thread is needed.
                if let Some(bytes) = cached(&self.file, offset, length) {
                    return Poll::Ready(Some(self.advance(bytes)));
                }
                let file = self.file.clone();
                tokio::task::spawn_blocking(move || {
                    let mut buffer = vec![0; buffer_size(length)];
                    file.read_exact_at(&mut buffer, offset).map(|()| Bytes::from(buffer))
                })
            }
        };
        match Pin::new(&mut reading).poll(cx) {
            Poll::Pending => {
                self.reading = Some(reading);
                Poll::Pending
            }
            Poll::Ready(Ok(read)) => Poll::Ready(Some(read.and_then(|bytes| self.advance(bytes)))),
            Poll::Ready(Err(joined)) => Poll::Ready(Some(Err(io::Error::other(joined)))),
        }
    }

    fn advance(&mut self, bytes: Bytes) -> io::Result<Bytes> {
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.rest.start += bytes.len() as u64;
        Ok(bytes)
    }
}

/// The bytes, or the first of them, if they are in the page cache; never waits for the disk.
#[cfg(target_os = "linux")]
fn cached(file: &File, offset: u64, length: u64) -> Option<Bytes> {
    let mut buffer = vec![0; buffer_size(length)];
    let mut slices = [io::IoSliceMut::new(&mut buffer)];
    // An error means "not now" or "not on this file system"; the blocking read then says what is really wrong.
    let read = rustix::io::preadv2(file, &mut slices, offset, rustix::io::ReadWriteFlags::NOWAIT).ok()?;
    buffer.truncate(read);
    Some(buffer.into())
}

#[cfg(not(target_os = "linux"))]
fn cached(_: &File, _: u64, _: u64) -> Option<Bytes> {
    None
}

fn buffer_size(length: u64) -> usize {
    usize::try_from(length).expect("invariant: at most BLOCK")
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.0 {
            Inner::Empty => Poll::Ready(None),
            Inner::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Inner::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Inner::File(range) => range.poll_block(cx).map(|next| next.map(|read| read.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.length() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}

impl Body {
    fn length(&self) -> u64 {
        match &self.0 {
            Inner::Empty => 0,
            Inner::Full(bytes) => bytes.len() as u64,
            Inner::File(range) => range.rest.end - range.rest.start,
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::empty() } else { Self(Inner::Full(bytes)) }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests;
