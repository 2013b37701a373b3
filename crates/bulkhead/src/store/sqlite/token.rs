//! Tokens, by digest.

use bulkhead_core::{Principal, Sha256};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Result, Transaction, params};

use super::value::{get_digest, get_time, get_time_if, time};
use crate::store::Token;

pub(super) fn create(
    tx: &Transaction<'_>,
    digest: &Sha256,
    principal: &Principal,
    now: Timestamp,
    expires: Option<Timestamp>,
) -> Result<()> {
    let sql = "INSERT INTO token (digest, principal, created, expires) VALUES (?1, ?2, ?3, ?4)";
    let row = params![digest.as_bytes().as_slice(), principal.as_str(), time(now), expires.map(time)];
    tx.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

pub(super) fn verify(connection: &Connection, digest: &Sha256, now: Timestamp) -> Result<Option<Principal>> {
    let sql = "SELECT principal FROM token
               WHERE digest = ?1 AND revoked IS NULL AND (expires IS NULL OR expires > ?2)";
    let name = connection
        .prepare_cached(sql)?
        .query_row(params![digest.as_bytes().as_slice(), time(now)], |row| row.get::<_, String>(0))
        .optional()?;
    Ok(name.map(Principal::new))
}

pub(super) fn make_admin(tx: &Transaction<'_>, digest: &Sha256) -> Result<()> {
    tx.prepare_cached("UPDATE token SET admin = 1 WHERE digest = ?1")?.execute([digest.as_bytes().as_slice()])?;
    Ok(())
}

pub(super) fn verify_admin(connection: &Connection, digest: &Sha256, now: Timestamp) -> Result<Option<Principal>> {
    let sql = "SELECT principal FROM token
               WHERE digest = ?1 AND admin = 1 AND revoked IS NULL AND (expires IS NULL OR expires > ?2)";
    let name = connection
        .prepare_cached(sql)?
        .query_row(params![digest.as_bytes().as_slice(), time(now)], |row| row.get::<_, String>(0))
        .optional()?;
    Ok(name.map(Principal::new))
}

pub(super) fn all(connection: &Connection) -> Result<Vec<Token>> {
    let sql = "SELECT digest, principal, created, expires, revoked FROM token ORDER BY created, digest";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(Token {
            id: Token::id_of(&get_digest(row, 0)?),
            principal: Principal::new(row.get::<_, String>(1)?),
            created: get_time(row, 2)?,
            expires: get_time_if(row, 3)?,
            revoked: get_time_if(row, 4)?,
        })
    })?;
    rows.collect()
}

pub(super) fn revoke(tx: &Transaction<'_>, id: &str, now: Timestamp) -> Result<bool> {
    // Ids are compared as a whole: a shortened one must not revoke somebody else's token.
    let sql = "UPDATE token SET revoked = ?2 WHERE revoked IS NULL AND lower(hex(substr(digest, 1, 6))) = ?1";
    Ok(tx.prepare_cached(sql)?.execute(params![id, time(now)])? > 0)
}
