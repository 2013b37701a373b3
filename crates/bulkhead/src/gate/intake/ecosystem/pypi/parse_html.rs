//! A project page in HTML (PEP 503, 592, 629, 658, 714, 740, 792).
//!
//! A tokenizer that follows the HTML standard reads the page, so that comments, scripts and odd quoting are what a
//! browser takes them for. Only `<a>`, `<base>` and `<meta>` say anything; where a page stands in a tree does not.

use std::convert::Infallible;

use html5gum::Tokenizer;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use http::Uri;

use super::filename::{FileKind, FileName};
use super::index::{
    ApiVersion, CoreMetadata, Hashes, IndexFile, ProjectIndex, ProjectStatus, RefusedWhy, UploadTime, Yanked,
};
use super::name::ProjectName;
use super::parse::{IndexError, MAX_FILES, api_version, link, refused, servable, settle_duplicates};
use super::raw_json::{Extra, RawJson};
use super::reference::Base;

/// Reads a project page in HTML. `page_url` is where it came from: links are resolved against it, unless the page
/// names a base, and its last segment is the project's name, for which HTML has no place.
///
/// # Errors
/// [`IndexError`], also when the page lists no file and does not say that it is a simple page: an empty page makes
/// clients install something else without a word, so a login page must not be taken for one.
pub fn parse_html(bytes: &[u8], page_url: &Uri) -> Result<ProjectIndex, IndexError> {
    let page_base = Base::of_page(page_url)?;
    let page = Page::read(bytes)?;
    let base = match &page.base {
        Some(href) => page_base.rebased(href)?,
        None => page_base,
    };
    let mut files = Vec::with_capacity(page.anchors.len());
    let mut refusals = Vec::new();
    for (position, anchor) in page.anchors.into_iter().enumerate() {
        let named = anchor.href.clone();
        match anchor.into_file(&base) {
            Ok(file) => files.push(file),
            Err(why) => refusals.push(refused(position, &named, why)),
        }
    }
    let name = project_of(page_url)?;
    if page.version.is_none() && !files.iter().any(|file| is_distribution(file, &name)) {
        return Err(IndexError::NotAPage);
    }
    settle_duplicates(&mut files);
    Ok(ProjectIndex {
        name,
        // PEP 629: a page that names no version is 1.0.
        api_version: page.version.as_deref().map_or(Ok(ApiVersion { minor: 0 }), api_version)?,
        status: page.status.map(|status| ProjectStatus { status: status.into(), reason: page.reason.map(Into::into) }),
        meta_extra: texts("tracks", &page.tracks),
        extra: texts("alternate-locations", &page.alternates),
        files,
        versions: None,
        refused: refusals,
    })
}

/// Whether a link leads to what a simple page is for. Login and error pages have links too.
fn is_distribution(file: &IndexFile, project: &ProjectName) -> bool {
    FileName::parse(&file.filename, project).is_ok_and(|name| name.kind() != FileKind::Other)
}

fn project_of(page_url: &Uri) -> Result<ProjectName, IndexError> {
    let path = page_url.path().trim_end_matches('/');
    Ok(ProjectName::parse(path.rsplit('/').next().unwrap_or_default())?)
}

fn texts(key: &str, texts: &[String]) -> Extra {
    if texts.is_empty() { Extra::new() } else { Extra::from([(key.into(), RawJson::texts(texts))]) }
}

/// What the page says, before links are resolved: `<base>` counts for links in front of it too.
#[derive(Default)]
struct Page {
    base: Option<String>,
    version: Option<String>,
    status: Option<String>,
    reason: Option<String>,
    tracks: Vec<String>,
    alternates: Vec<String>,
    anchors: Vec<Anchor>,
}

impl Page {
    fn read(bytes: &[u8]) -> Result<Self, IndexError> {
        let mut page = Self::default();
        let mut tag = Tag::default();
        let mut too_many = false;
        let mut emitter =
            CallbackEmitter::new(|event: CallbackEvent<'_>, _: html5gum::Span<()>| -> Option<Infallible> {
                match event {
                    CallbackEvent::OpenStartTag { name } => tag.open(name),
                    CallbackEvent::AttributeName { name } => tag.attribute(name),
                    CallbackEvent::AttributeValue { value } => tag.value(value),
                    CallbackEvent::CloseStartTag { .. } if page.anchors.len() < MAX_FILES => page.take(&mut tag),
                    CallbackEvent::CloseStartTag { .. } => too_many = true,
                    _ => {}
                }
                None
            });
        // Without this the inside of a script or a style sheet would be read as tags.
        emitter.naively_switch_states(true);
        let Ok(()) = Tokenizer::new_with_emitter(bytes, emitter).finish();
        if too_many { Err(IndexError::TooMany) } else { Ok(page) }
    }

    fn take(&mut self, tag: &mut Tag) {
        match tag.kind {
            Kind::Other => {}
            // Of several bases the first with an address counts.
            Kind::Base => self.base = self.base.take().or_else(|| tag.text("href")),
            Kind::Meta => self.meta(tag),
            Kind::Anchor => self.anchors.extend(Anchor::of(tag)),
        }
    }

    fn meta(&mut self, tag: &mut Tag) {
        let (Some(name), Some(content)) = (tag.text("name"), tag.text("content")) else { return };
        match name.as_str() {
            "pypi:repository-version" => self.version = self.version.take().or(Some(content)),
            // Of several statuses the unsafe one counts.
            "pypi:project-status" if self.status.is_none() || content == "quarantined" => self.status = Some(content),
            "pypi:project-status-reason" => self.reason = self.reason.take().or(Some(content)),
            "pypi:tracks" => self.tracks.push(content),
            "pypi:alternate-locations" => self.alternates.push(content),
            _ => {}
        }
    }
}

/// One start tag, while it is read.
#[derive(Default)]
struct Tag {
    kind: Kind,
    /// The first value of each attribute that says something; a repeated attribute does not count (HTML standard).
    attributes: Vec<(&'static str, Vec<u8>)>,
    /// Whether the value that comes next belongs to the last of `attributes`.
    listening: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Anchor,
    Base,
    Meta,
    #[default]
    Other,
}

const ATTRIBUTES: [&str; 11] = [
    "href",
    "name",
    "content",
    "data-requires-python",
    "data-yanked",
    "data-core-metadata",
    "data-dist-info-metadata",
    "data-provenance",
    "data-gpg-sig",
    // No part of the standard, but written by mirrors.
    "data-upload-time",
    "data-size",
];

impl Tag {
    fn open(&mut self, name: &[u8]) {
        self.kind = match name {
            b"a" => Kind::Anchor,
            b"base" => Kind::Base,
            b"meta" => Kind::Meta,
            _ => Kind::Other,
        };
        self.attributes.clear();
        self.listening = false;
    }

    fn attribute(&mut self, name: &[u8]) {
        self.listening = false;
        if self.kind == Kind::Other {
            return;
        }
        let Some(known) = ATTRIBUTES.into_iter().find(|known| known.as_bytes() == name) else { return };
        if self.attributes.iter().all(|(seen, _)| *seen != known) {
            self.attributes.push((known, Vec::new()));
            self.listening = true;
        }
    }

    fn value(&mut self, value: &[u8]) {
        if let (true, Some((_, text))) = (self.listening, self.attributes.last_mut()) {
            text.extend_from_slice(value);
        }
    }

    fn bytes(&mut self, name: &str) -> Option<Vec<u8>> {
        let (_, value) = self.attributes.iter_mut().find(|(known, _)| *known == name)?;
        Some(std::mem::take(value))
    }

    /// The attribute as text; what is not UTF-8 is none, because these attributes only ever add a statement.
    fn text(&mut self, name: &str) -> Option<String> {
        self.bytes(name).and_then(|bytes| String::from_utf8(bytes).ok())
    }
}

/// One `<a href>`.
struct Anchor {
    href: String,
    /// Some attribute is not UTF-8, so that nobody can say what the entry says.
    garbled: bool,
    requires_python: Option<String>,
    yanked: Option<String>,
    core_metadata: Option<String>,
    provenance: Option<String>,
    gpg_sig: Option<String>,
    upload_time: Option<String>,
    size: Option<String>,
}

impl Anchor {
    /// Nothing when it is no link.
    fn of(tag: &mut Tag) -> Option<Self> {
        let garbled = tag.attributes.iter().any(|(_, value)| std::str::from_utf8(value).is_err());
        let href = String::from_utf8_lossy(&tag.bytes("href")?).into_owned();
        Some(Self {
            href,
            garbled,
            requires_python: tag.text("data-requires-python"),
            yanked: tag.text("data-yanked"),
            core_metadata: tag.text("data-core-metadata").or_else(|| tag.text("data-dist-info-metadata")),
            provenance: tag.text("data-provenance"),
            gpg_sig: tag.text("data-gpg-sig"),
            upload_time: tag.text("data-upload-time"),
            size: tag.text("data-size"),
        })
    }

    fn into_file(self, base: &Base) -> Result<IndexFile, RefusedWhy> {
        if self.garbled {
            return Err(RefusedWhy::Encoding);
        }
        let mut hashes = Hashes::default();
        let (url, conflicting) = link(base, &self.href, &mut hashes)?;
        let filename = decoded(url.last_segment()).ok_or(RefusedWhy::Encoding)?;
        servable(&filename)?;
        let provenance = match &self.provenance {
            Some(text) => Some(base.resolve(text).map_err(RefusedWhy::Provenance)?.0),
            None => None,
        };
        Ok(IndexFile {
            filename: filename.into(),
            url,
            hashes,
            requires_python: self.requires_python.filter(|text| !text.is_empty()).map(Into::into),
            size: self.size.and_then(|text| text.trim().parse().ok()),
            upload_time: self.upload_time.map_or(UploadTime::Absent, |text| UploadTime::read(text.trim())),
            yanked: self.yanked.map_or(Yanked::No, |reason| Yanked::because(&reason)),
            core_metadata: self.core_metadata.map_or(CoreMetadata::Unavailable, |text| metadata(&text)),
            provenance,
            gpg_sig: self.gpg_sig.and_then(|text| text.parse().ok()),
            conflicting,
            extra: Extra::new(),
        })
    }
}

/// `true`, or `sha256=...`. A digest of another algorithm says that it is there.
fn metadata(text: &str) -> CoreMetadata {
    match text.split_once('=') {
        Some(("sha256", digest)) => digest.parse().map_or(CoreMetadata::Available, CoreMetadata::WithDigest),
        Some(_) => CoreMetadata::Available,
        None if text.eq_ignore_ascii_case("true") => CoreMetadata::Available,
        None => CoreMetadata::Unavailable,
    }
}

/// Percent-decodes a segment, once. Nothing when the result is not UTF-8.
fn decoded(segment: &str) -> Option<String> {
    let mut out = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}
