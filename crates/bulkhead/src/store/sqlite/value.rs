//! Domain types to and from columns. What does not decode is an error that names the column, never a default.

use bulkhead_core::{Ecosystem, EntryIndex, Purl, Sha256};
use bulkhead_ledger::Entry;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::Indexed;

type Cause = Box<dyn std::error::Error + Send + Sync>;

pub(super) fn time(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(super) fn index(index: EntryIndex) -> Result<i64> {
    i64::try_from(index.0).map_err(|cause| Error::ToSqlConversionFailure(Box::new(cause)))
}

pub(super) fn count(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(|cause| Error::ToSqlConversionFailure(Box::new(cause)))
}

/// JSON text; an empty list is the empty text, which most rows have.
pub(super) fn list<T: Serialize>(items: &[T]) -> Result<String> {
    if items.is_empty() { Ok(String::new()) } else { json(&items) }
}

fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|cause| Error::ToSqlConversionFailure(Box::new(cause)))
}

pub(super) fn get_time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    to_time(column, row.get(column)?)
}

pub(super) fn get_time_if(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?.map(|at| to_time(column, at)).transpose()
}

fn to_time(column: usize, at: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(at).map_err(|cause| undecodable(column, Type::Integer, cause))
}

pub(super) fn get_index(row: &Row<'_>, column: usize) -> Result<EntryIndex> {
    get_count(row, column).map(EntryIndex)
}

pub(super) fn get_count(row: &Row<'_>, column: usize) -> Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|cause| undecodable(column, Type::Integer, cause))
}

pub(super) fn get_digest(row: &Row<'_>, column: usize) -> Result<Sha256> {
    row.get::<_, [u8; 32]>(column).map(Sha256::from_bytes)
}

pub(super) fn get_digest_if(row: &Row<'_>, column: usize) -> Result<Option<Sha256>> {
    Ok(row.get::<_, Option<[u8; 32]>>(column)?.map(Sha256::from_bytes))
}

/// An entry from its canonical bytes.
pub(super) fn get_entry(row: &Row<'_>, column: usize) -> Result<Indexed> {
    let bytes = row.get_ref(column)?.as_blob().map_err(|cause| undecodable(column, Type::Blob, cause))?;
    Entry::decode(bytes).map_err(|cause| undecodable(column, Type::Blob, cause))
}

fn get_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(|cause| undecodable(column, Type::Text, cause))?;
    serde_json::from_str(text).map_err(|cause| undecodable(column, Type::Text, cause))
}

pub(super) fn get_list<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<Vec<T>> {
    let text = row.get_ref(column)?.as_str().map_err(|cause| undecodable(column, Type::Text, cause))?;
    if text.is_empty() { Ok(Vec::new()) } else { get_json(row, column) }
}

/// A purl from three columns: ecosystem, name, version. An absent or empty version is the project.
pub(super) fn get_purl(row: &Row<'_>, column: usize) -> Result<Purl> {
    let word: String = row.get(column)?;
    let ecosystem = Ecosystem::ALL
        .into_iter()
        .find(|ecosystem| ecosystem.as_str() == word)
        .ok_or_else(|| undecodable(column, Type::Text, format!("`{word}` is not an ecosystem")))?;
    let name: String = row.get(column + 1)?;
    let project = Purl::project(ecosystem, &name).map_err(|cause| undecodable(column + 1, Type::Text, cause))?;
    match row.get::<_, Option<String>>(column + 2)? {
        Some(version) if !version.is_empty() => Ok(project.at(version)),
        _ => Ok(project),
    }
}

pub(super) fn undecodable(column: usize, kind: Type, cause: impl Into<Cause>) -> Error {
    Error::FromSqlConversionFailure(column, kind, cause.into())
}
