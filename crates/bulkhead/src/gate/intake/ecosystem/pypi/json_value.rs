//! The values of a page's keys, read straight from JSON: what each may be, and what `null` means.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::index::{CoreMetadata, Hashes, Yanked};

/// A text, borrowed from the page where it has no escapes.
pub(super) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A text or `null`.
pub(super) struct OptionalText;

impl<'de> DeserializeSeed<'de> for OptionalText {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for OptionalText {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Text.deserialize(deserializer).map(Some)
    }
}

/// `hashes`: algorithm to hexadecimal digest.
pub(super) struct HashesSeed;

impl<'de> DeserializeSeed<'de> for HashesSeed {
    type Value = Hashes;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Hashes, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for HashesSeed {
    type Value = Hashes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object from algorithm to digest")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hashes, A::Error> {
        let mut hashes = Hashes::default();
        // Nearly every file has one algorithm, and a list for it would be an allocation per file.
        let (mut first, mut more): (Option<Cow<'de, str>>, Vec<_>) = (None, Vec::new());
        while let Some(algorithm) = map.next_key_seed(Text)? {
            if first.as_ref() == Some(&algorithm) || more.contains(&algorithm) {
                return Err(A::Error::custom("an algorithm is given twice"));
            }
            if more.len() == 15 {
                return Err(A::Error::custom("more than 16 algorithms"));
            }
            hashes.add(&algorithm, &map.next_value_seed(Text)?);
            match first {
                None => first = Some(algorithm),
                Some(_) => more.push(algorithm),
            }
        }
        Ok(hashes)
    }
}

/// `yanked`: true, false, or the reason.
pub(super) struct YankedSeed;

impl<'de> DeserializeSeed<'de> for YankedSeed {
    type Value = Yanked;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yanked, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for YankedSeed {
    type Value = Yanked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false or a text")
    }

    fn visit_unit<E: Error>(self) -> Result<Yanked, E> {
        Ok(Yanked::No)
    }

    fn visit_bool<E: Error>(self, yanked: bool) -> Result<Yanked, E> {
        Ok(if yanked { Yanked::Yes } else { Yanked::No })
    }

    fn visit_str<E: Error>(self, reason: &str) -> Result<Yanked, E> {
        Ok(Yanked::because(reason))
    }
}

/// `core-metadata`: true, false, or an object of digests. `null` says nothing.
pub(super) struct MetadataSeed;

impl<'de> DeserializeSeed<'de> for MetadataSeed {
    type Value = Option<CoreMetadata>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MetadataSeed {
    type Value = Option<CoreMetadata>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false or an object of digests")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, has: bool) -> Result<Self::Value, E> {
        Ok(Some(if has { CoreMetadata::Available } else { CoreMetadata::Unavailable }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let hashes = HashesSeed.visit_map(map)?;
        Ok(Some(hashes.sha256.map_or(CoreMetadata::Available, CoreMetadata::WithDigest)))
    }
}
