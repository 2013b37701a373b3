//! What comes back from upstream: pages read whole under a cap, files streamed under a cap, and every way to fail.

use std::io::Write;
use std::time::Duration;

use bulkhead_core::{Code, Problem};
use bytes::Bytes;
use flate2::write::GzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

use super::link;

/// Nothing usable came from upstream. Every URL is shown without credentials and without its query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No connection, or it broke before an answer.
    #[error("{url}: {why}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// Why it failed.
        why: String,
    },
    /// Too slow.
    #[error("{url}: {stage} took longer than {limit:?}")]
    Timeout {
        /// What was asked for.
        url: String,
        /// What was waited for.
        stage: &'static str,
        /// For how long.
        limit: Duration,
    },
    /// Neither success nor "not found".
    #[error("{url} answered {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The answer.
        status: StatusCode,
    },
    /// 404 or 410 on a file. (For a page that is an answer, not an error: [`PageAnswer::NotFound`].)
    #[error("{url} does not exist upstream")]
    NotFound {
        /// What was asked for.
        url: String,
    },
    /// The answer breaks HTTP, ends early, or redirects in circles.
    #[error("{url}: {why}")]
    Malformed {
        /// What was asked for.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// Larger than the limit.
    #[error("{url} is larger than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The limit that it exceeds.
        limit: u64,
        /// The setting that holds the limit.
        setting: &'static str,
    },
    /// A link or redirect to somewhere that pages may not lead to.
    #[error("{url} was not asked: {why}")]
    Address {
        /// Where the link leads.
        url: String,
        /// Why not.
        why: String,
    },
}

impl FetchError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Unreachable { .. } => Code::UpstreamUnreachable,
            Self::Timeout { .. } => Code::UpstreamTimeout,
            Self::Status { .. } => Code::UpstreamStatus,
            Self::NotFound { .. } => Code::FileNotFound,
            Self::Malformed { .. } => Code::UpstreamMalformed,
            Self::TooLarge { .. } => Code::UpstreamTooLarge,
            Self::Address { .. } => Code::UpstreamAddress,
        }
    }

    /// The problem as people see it: what, why, what to do.
    pub fn problem(&self) -> Problem {
        Problem::new(self.code(), self.to_string()).with_help(self.help())
    }

    fn help(&self) -> String {
        match self {
            Self::Unreachable { .. } => {
                "check that the upstream is up and reachable from this machine; what is already permitted is still served".to_owned()
            }
            Self::Timeout { .. } => {
                "try again; if the upstream is always this slow, raise the timeouts under [intake.pypi] in bulkhead.toml".to_owned()
            }
            Self::Status { status, .. } if [401, 403, 407].contains(&status.as_u16()) => {
                "the upstream wants credentials: put them into the client configuration or the `upstream` URL that Bulkhead uses, then restart it".to_owned()
            }
            Self::Status { .. } => "try again later; the upstream has a problem of its own".to_owned(),
            Self::NotFound { .. } => "check the name; the index may have changed since it was read".to_owned(),
            Self::Malformed { .. } => "nothing was kept; try again, and tell the upstream's operator if it stays".to_owned(),
            Self::TooLarge { setting, .. } => {
                format!("if it is meant to be that large, raise `{setting}` under [intake.pypi] in bulkhead.toml")
            }
            Self::Address { .. } => {
                "if that host belongs to the index, list it under `hosts` in [intake.pypi] of bulkhead.toml".to_owned()
            }
        }
    }
}

/// An index page, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageAnswer {
    /// The page.
    Fresh(Page),
    /// 304: the page with the given ETag is still current.
    NotModified,
    /// 404 or 410: upstream says that there is no such project.
    NotFound,
}

/// An index page, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The body, decompressed.
    pub bytes: Bytes,
    /// The content type as sent; empty when none was.
    pub content_type: String,
    /// Where it came from after redirects; links are relative to this.
    pub final_url: Uri,
    /// The upstream's ETag, for the next question.
    pub etag: Option<String>,
}

/// A successful answer's head and its unread body.
pub struct Answer {
    pub(super) url: Uri,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Incoming,
    pub(super) idle: Duration,
}

impl Answer {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Where it came from after redirects.
    pub fn url(&self) -> &Uri {
        &self.url
    }

    /// The next bytes as they arrive, `None` at the end.
    ///
    /// # Errors
    /// [`FetchError::Timeout`] after too long a silence, [`FetchError::Malformed`] when the body ends early.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let frame = timeout(self.idle, self.body.frame()).await.map_err(|_| FetchError::Timeout {
                url: link::shown(&self.url),
                stage: "the next bytes",
                limit: self.idle,
            })?;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => {
                    return Err(self.malformed(format!("the answer ended early: {}", root_cause(&error))));
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    fn malformed(&self, why: impl Into<String>) -> FetchError {
        FetchError::Malformed { url: link::shown(&self.url), why: why.into() }
    }

    fn text(&self, name: HeaderName) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(str::to_owned)
    }

    fn content_length(&self) -> Option<u64> {
        self.text(CONTENT_LENGTH)?.parse().ok()
    }

    /// Reads a page whole; `max` bounds it as sent and as decompressed.
    pub(super) async fn into_page(mut self, max: u64) -> Result<Page, FetchError> {
        let too_large = FetchError::TooLarge { url: link::shown(&self.url), limit: max, setting: "max_index" };
        if self.content_length().is_some_and(|length| length > max) {
            return Err(too_large);
        }
        let mut decoder = Decoder::new(self.text(CONTENT_ENCODING).as_deref(), max)
            .ok_or_else(|| self.malformed("an encoding that was not asked for"))?;
        let mut sent: u64 = 0;
        while let Some(chunk) = self.next_chunk().await? {
            sent += chunk.len() as u64;
            match decoder.push(&chunk) {
                Ok(()) if sent <= max => {}
                Ok(()) | Err(DecodeError::TooLarge) => return Err(too_large),
                Err(DecodeError::Broken) => return Err(self.malformed("the gzip encoding is broken")),
            }
        }
        let bytes = decoder.finish().map_err(|_| self.malformed("the gzip encoding is broken or cut off"))?;
        Ok(Page {
            bytes,
            content_type: self.text(CONTENT_TYPE).unwrap_or_default(),
            etag: self.text(ETAG),
            final_url: self.url,
        })
    }

    /// Turns into a stream of a file's bytes as they are; an encoded answer would break digests and ranges.
    pub(super) fn into_file(self, max: u64) -> Result<FileStream, FetchError> {
        if let Some(encoding) = self.text(CONTENT_ENCODING)
            && !encoding.trim().eq_ignore_ascii_case("identity")
        {
            return Err(self.malformed("the file came encoded although `identity` was asked for"));
        }
        let content_length = self.content_length();
        if content_length.is_some_and(|length| length > max) {
            return Err(FetchError::TooLarge { url: link::shown(&self.url), limit: max, setting: "max_file" });
        }
        Ok(FileStream { answer: self, content_length, max, seen: 0 })
    }
}

/// A file on its way.
pub struct FileStream {
    answer: Answer,
    content_length: Option<u64>,
    max: u64,
    seen: u64,
}

impl FileStream {
    /// The length that upstream announced, if it did.
    pub fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Where it comes from after redirects.
    pub fn final_url(&self) -> &Uri {
        &self.answer.url
    }

    /// The next bytes, `None` at the end. A file that ends before its announced length is an error.
    ///
    /// # Errors
    /// [`FetchError`]; what was received so far must be thrown away.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        let chunk = self.answer.next_chunk().await?;
        self.seen += chunk.as_ref().map_or(0, |bytes| bytes.len() as u64);
        if self.seen > self.max {
            let url = link::shown(&self.answer.url);
            return Err(FetchError::TooLarge { url, limit: self.max, setting: "max_file" });
        }
        Ok(chunk)
    }
}

/// The innermost reason: hyper's own words are about hyper.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

enum Decoder {
    Identity(Capped),
    Gzip(Box<GzDecoder<Capped>>),
}

#[derive(Debug)]
enum DecodeError {
    TooLarge,
    Broken,
}

impl Decoder {
    fn new(encoding: Option<&str>, max: u64) -> Option<Self> {
        let capped = Capped { bytes: Vec::new(), max };
        match encoding.map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Some(Self::Identity(capped)),
            Some("gzip" | "x-gzip") => Some(Self::Gzip(Box::new(GzDecoder::new(capped)))),
            Some(_) => None,
        }
    }

    fn push(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        match self {
            Self::Identity(capped) => capped.write_all(chunk),
            Self::Gzip(decoder) => decoder.write_all(chunk),
        }
        .map_err(|error| {
            if error.kind() == std::io::ErrorKind::FileTooLarge { DecodeError::TooLarge } else { DecodeError::Broken }
        })
    }

    fn finish(self) -> Result<Bytes, std::io::Error> {
        match self {
            Self::Identity(capped) => Ok(capped.bytes.into()),
            Self::Gzip(decoder) => decoder.finish().map(|capped| capped.bytes.into()),
        }
    }
}

/// A buffer that refuses to grow past its limit, whatever a decompressor makes out of a few bytes.
struct Capped {
    bytes: Vec<u8>,
    max: u64,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if (self.bytes.len() + bytes.len()) as u64 > self.max {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
