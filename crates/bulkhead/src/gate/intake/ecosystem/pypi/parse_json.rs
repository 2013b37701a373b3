//! A project page in JSON (PEP 691, 700, 714, 740, 792).
//!
//! Read in one pass, straight into the types: a popular project's page is over a megabyte and lists thousands of
//! files. A value of the wrong type fails the whole page and names the key; a key given twice does too, because
//! readers differ in which of the two they take.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use http::Uri;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::index::{
    CoreMetadata, Hashes, IndexFile, ProjectIndex, ProjectStatus, Refused, RefusedWhy, UploadTime, Yanked,
};
use super::json_value::{HashesSeed, MetadataSeed, OptionalText, Text, YankedSeed};
use super::name::{ProjectName, escaped, shown};
use super::parse::{IndexError, MAX_FILES, api_version, link, refused, servable, settle_duplicates};
use super::raw_json::{Extra, RawJson};
use super::reference::Base;

/// Reads a project page in JSON. `page_url` is where it came from: links are resolved against it.
///
/// # Errors
/// [`IndexError`]; a JSON error names the key, and for a file its place in `files`.
pub fn parse_json(bytes: &[u8], page_url: &Uri) -> Result<ProjectIndex, IndexError> {
    let base = Base::of_page(page_url)?;
    let place = Place::default();
    // Checked once here, so that the reader need not check each text again.
    let text = std::str::from_utf8(bytes).map_err(|error| IndexError::Json(error.to_string()))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let page = PageSeed { base: &base, place: &place }.deserialize(&mut json);
    let page = page.and_then(|page| json.end().map(|()| page));
    let page =
        page.map_err(
            |error| {
                if place.too_many() { IndexError::TooMany } else { IndexError::Json(place.said_of(&error)) }
            },
        )?;
    let mut index = ProjectIndex {
        name: ProjectName::parse(&page.name)?,
        api_version: api_version(&page.api_version)?,
        status: page.status,
        meta_extra: page.meta_extra,
        extra: page.extra,
        files: page.files,
        versions: page.versions,
        refused: page.refused,
    };
    settle_duplicates(&mut index.files);
    Ok(index)
}

/// Where the reader stands when it fails, innermost first.
#[derive(Default)]
struct Place {
    path: RefCell<Vec<String>>,
    too_many: std::cell::Cell<bool>,
}

impl Place {
    /// Notes a key or index on the way out of a failure.
    fn within<T, E>(&self, result: Result<T, E>, at: impl FnOnce() -> String) -> Result<T, E> {
        if result.is_err() {
            self.path.borrow_mut().push(at());
        }
        result
    }

    fn too_many(&self) -> bool {
        self.too_many.get()
    }

    fn said_of(&self, error: &serde_json::Error) -> String {
        let path: Vec<String> = self.path.borrow_mut().drain(..).rev().collect();
        let error = escaped(&error.to_string(), 300);
        if path.is_empty() { error } else { format!("{}: {error}", path.join(".").replace(".[", "[")) }
    }
}

/// The page before its semantics are checked.
struct Page {
    name: String,
    api_version: String,
    status: Option<ProjectStatus>,
    meta_extra: Extra,
    extra: Extra,
    files: Vec<IndexFile>,
    refused: Vec<Refused>,
    versions: Option<Vec<Box<str>>>,
}

struct PageSeed<'a> {
    base: &'a Base,
    place: &'a Place,
}

impl<'de> DeserializeSeed<'de> for PageSeed<'_> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a project page: an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let (mut name, mut meta, mut files, mut versions, mut status) = (None, None, None, None, None);
        let mut extra = Extra::new();
        while let Some(key) = map.next_key_seed(Text)? {
            let result = match &*key {
                "name" => once(&mut name, || map.next_value_seed(Text).map(Cow::into_owned)),
                "meta" => once(&mut meta, || map.next_value_seed(MetaSeed { place: self.place })),
                "files" => once(&mut files, || map.next_value_seed(FilesSeed { base: self.base, place: self.place })),
                "versions" => once(&mut versions, || map.next_value::<Option<Vec<Box<str>>>>()),
                "project-status" => once(&mut status, || map.next_value_seed(StatusSeed { place: self.place })),
                _ => unknown(&mut extra, &key, &mut map),
            };
            self.place.within(result, || shown(&key))?;
        }
        let (api_version, meta_extra) = meta.ok_or_else(|| A::Error::missing_field("meta"))?;
        let (files, refused) = files.ok_or_else(|| A::Error::missing_field("files"))?;
        Ok(Page {
            name: name.ok_or_else(|| A::Error::missing_field("name"))?,
            api_version,
            status: status.flatten(),
            meta_extra,
            extra,
            files,
            refused,
            versions: versions.flatten(),
        })
    }
}

struct MetaSeed<'a> {
    place: &'a Place,
}

impl<'de> DeserializeSeed<'de> for MetaSeed<'_> {
    type Value = (String, Extra);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MetaSeed<'_> {
    type Value = (String, Extra);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `api-version`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut version = None;
        let mut extra = Extra::new();
        while let Some(key) = map.next_key_seed(Text)? {
            let result = match &*key {
                "api-version" => once(&mut version, || map.next_value_seed(Text).map(Cow::into_owned)),
                _ => unknown(&mut extra, &key, &mut map),
            };
            self.place.within(result, || shown(&key))?;
        }
        Ok((version.ok_or_else(|| A::Error::missing_field("api-version"))?, extra))
    }
}

struct StatusSeed<'a> {
    place: &'a Place,
}

impl<'de> DeserializeSeed<'de> for StatusSeed<'_> {
    type Value = Option<ProjectStatus>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StatusSeed<'_> {
    type Value = Option<ProjectStatus>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `status`")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut status, mut reason) = (None, None);
        while let Some(key) = map.next_key_seed(Text)? {
            let result = match &*key {
                "status" => once(&mut status, || map.next_value::<Box<str>>()),
                "reason" => once(&mut reason, || map.next_value::<Option<Box<str>>>()),
                _ => map.next_value::<IgnoredAny>().map(drop),
            };
            self.place.within(result, || shown(&key))?;
        }
        // PEP 792: an object without `status` says `active`, which is also what no object says.
        Ok(status.map(|status| ProjectStatus { status, reason: reason.flatten() }))
    }
}

struct FilesSeed<'a> {
    base: &'a Base,
    place: &'a Place,
}

type Files = (Vec<IndexFile>, Vec<Refused>);

impl<'de> DeserializeSeed<'de> for FilesSeed<'_> {
    type Value = Files;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Files, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for FilesSeed<'_> {
    type Value = Files;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of files")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Files, A::Error> {
        let (mut files, mut refused) = (Vec::new(), Vec::new());
        for position in 0.. {
            let entry = list.next_element_seed(FileSeed { base: self.base, place: self.place, position });
            match self.place.within(entry, || format!("[{position}]"))? {
                None => break,
                Some(Ok(file)) => files.push(file),
                Some(Err(entry)) => refused.push(entry),
            }
            if position >= MAX_FILES {
                self.place.too_many.set(true);
                return Err(A::Error::custom("too many files"));
            }
        }
        files.shrink_to_fit();
        Ok((files, refused))
    }
}

struct FileSeed<'a> {
    base: &'a Base,
    place: &'a Place,
    position: usize,
}

impl<'de> DeserializeSeed<'de> for FileSeed<'_> {
    type Value = Result<IndexFile, Refused>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// A file's keys as they stand, still borrowed from the page.
#[derive(Default)]
struct Keys<'de> {
    filename: Option<Cow<'de, str>>,
    url: Option<Cow<'de, str>>,
    hashes: Option<Hashes>,
    requires_python: Option<Option<Cow<'de, str>>>,
    size: Option<Option<u64>>,
    upload_time: Option<UploadTime>,
    yanked: Option<Yanked>,
    core_metadata: Option<Option<CoreMetadata>>,
    legacy_metadata: Option<Option<CoreMetadata>>,
    other_legacy_metadata: Option<Option<CoreMetadata>>,
    provenance: Option<Option<Cow<'de, str>>>,
    gpg_sig: Option<Option<bool>>,
    extra: Extra,
}

impl<'de> Visitor<'de> for FileSeed<'_> {
    type Value = Result<IndexFile, Refused>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file: an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut keys = Keys::default();
        while let Some(key) = map.next_key_seed(Text)? {
            let result = match &*key {
                "filename" => once(&mut keys.filename, || map.next_value_seed(Text)),
                "url" => once(&mut keys.url, || map.next_value_seed(Text)),
                "hashes" => once(&mut keys.hashes, || map.next_value_seed(HashesSeed)),
                "requires-python" => once(&mut keys.requires_python, || map.next_value_seed(OptionalText)),
                "size" => once(&mut keys.size, || map.next_value()),
                "upload-time" => once(&mut keys.upload_time, || {
                    let text = map.next_value_seed(OptionalText)?;
                    Ok(text.map_or(UploadTime::Absent, |text| UploadTime::read(&text)))
                }),
                "yanked" => once(&mut keys.yanked, || map.next_value_seed(YankedSeed)),
                "core-metadata" => once(&mut keys.core_metadata, || map.next_value_seed(MetadataSeed)),
                "dist-info-metadata" => once(&mut keys.legacy_metadata, || map.next_value_seed(MetadataSeed)),
                "data-dist-info-metadata" => {
                    once(&mut keys.other_legacy_metadata, || map.next_value_seed(MetadataSeed))
                }
                "provenance" => once(&mut keys.provenance, || map.next_value_seed(OptionalText)),
                "gpg-sig" => once(&mut keys.gpg_sig, || map.next_value()),
                _ => unknown(&mut keys.extra, &key, &mut map),
            };
            self.place.within(result, || shown(&key))?;
        }
        let filename = keys.filename.take().ok_or_else(|| A::Error::missing_field("filename"))?;
        let url = keys.url.take().ok_or_else(|| A::Error::missing_field("url"))?;
        Ok(keys.into_file(&filename, &url, self.base).map_err(|why| refused(self.position, &filename, why)))
    }
}

impl Keys<'_> {
    fn into_file(self, filename: &str, url: &str, base: &Base) -> Result<IndexFile, RefusedWhy> {
        servable(filename)?;
        let mut hashes = self.hashes.unwrap_or_default();
        let (url, conflicting) = link(base, url, &mut hashes)?;
        let provenance = match self.provenance.flatten() {
            Some(text) => Some(base.resolve(&text).map_err(RefusedWhy::Provenance)?.0),
            None => None,
        };
        // PEP 714: the legacy key counts only where the current one is absent.
        let core_metadata = self.core_metadata.or(self.legacy_metadata).or(self.other_legacy_metadata).flatten();
        Ok(IndexFile {
            filename: filename.into(),
            url,
            hashes,
            requires_python: self.requires_python.flatten().map(Into::into),
            size: self.size.flatten(),
            upload_time: self.upload_time.unwrap_or(UploadTime::Absent),
            yanked: self.yanked.unwrap_or(Yanked::No),
            core_metadata: core_metadata.unwrap_or(CoreMetadata::Unavailable),
            provenance,
            gpg_sig: self.gpg_sig.flatten(),
            conflicting,
            extra: self.extra,
        })
    }
}

/// Reads a key's value, unless the object had that key before.
fn once<T, E: Error>(slot: &mut Option<T>, read: impl FnOnce() -> Result<T, E>) -> Result<(), E> {
    if slot.is_some() {
        return Err(E::custom("the key is given twice"));
    }
    *slot = Some(read()?);
    Ok(())
}

/// Keeps the value of a key that Bulkhead does not know.
fn unknown<'de, A: MapAccess<'de>>(extra: &mut Extra, key: &str, map: &mut A) -> Result<(), A::Error> {
    const MOST: usize = 64;
    if extra.contains_key(key) {
        return Err(A::Error::custom("the key is given twice"));
    }
    if extra.len() == MOST {
        return Err(A::Error::custom("more than 64 unknown keys in one object"));
    }
    let raw = map.next_value::<&RawValue>()?;
    extra.insert(key.into(), RawJson::checked(raw).map_err(A::Error::custom)?);
    Ok(())
}
