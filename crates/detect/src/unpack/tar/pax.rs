//! pax extended headers (POSIX.1-2001): lines `length key=value`.

use super::super::fault::Fault;

/// What a pax header says about a member.
#[derive(Debug, Default)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) sparse: bool,
    /// What readers take differently.
    pub(super) oddity: Option<&'static str>,
    /// Every key, for global headers.
    pub(super) keys: Vec<Vec<u8>>,
}

/// Whether a key in a global header would change what later members are.
pub(super) fn changes_members(key: &[u8]) -> bool {
    matches!(key, b"path" | b"linkpath" | b"size" | b"hdrcharset" | b"charset") || key.starts_with(b"GNU.sparse")
}

pub(super) fn parse(mut body: &[u8]) -> Result<Extended, Fault> {
    let mut found = Extended::default();
    // Some writers fill up with NULs.
    while !body.is_empty() && body.iter().any(|&byte| byte != 0) {
        let (key, value, used) = record(body).ok_or_else(|| Fault::corrupt("a pax header is not valid"))?;
        found.set(key, value)?;
        found.keys.push(key.to_vec());
        body = &body[used..];
    }
    Ok(found)
}

impl Extended {
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        let repeated = match key {
            b"path" => self.path.replace(value.to_vec()).is_some(),
            b"linkpath" => self.link.replace(value.to_vec()).is_some(),
            b"size" => {
                let size = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
                let size = size.and_then(|text| text.parse().ok()).filter(|&size: &u64| size < 1 << 62);
                self.size.replace(size.ok_or_else(|| Fault::corrupt("a pax size is not a number"))?).is_some()
            }
            _ => {
                self.sparse |= key.starts_with(b"GNU.sparse");
                false
            }
        };
        if repeated {
            self.oddity = Some("a pax header says the same thing twice");
        }
        if matches!(key, b"path" | b"linkpath") && (value.is_empty() || value.contains(&0)) {
            self.oddity = Some("a pax path is empty or holds NUL");
        }
        Ok(())
    }
}

/// `length key=value\n`, where the length counts all of it.
fn record(body: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let space = body.iter().take(12).position(|&byte| byte == b' ')?;
    let len: usize = std::str::from_utf8(&body[..space]).ok()?.parse().ok()?;
    let record = body.get(space + 1..len)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|&byte| byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], len))
}
