//! The first bytes of a TLS connection: to which host it says it goes (RFC 8446, 4.1.2; RFC 6066, 3).

use super::host::Host;

/// Bytes of a hello that are looked at; real ones stay under 2 kB, with post-quantum key shares under 4.
pub const MOST: usize = 16 << 10;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const ENCRYPTED_HELLO: u16 = 0xfe0d;

/// What a client's hello says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The host it names; `None` when it names none.
    pub server_name: Option<Host>,
    /// The protocols it offers, first choice first.
    pub alpn: Vec<Vec<u8>>,
    /// Whether it holds an encrypted hello, so that the name above may not be the one it means.
    pub encrypted: bool,
}

/// What the bytes so far are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A whole hello.
    Hello(Hello),
    /// The beginning of one: more bytes are needed.
    More,
    /// No hello, or one that nobody sends; the words say why.
    Not(&'static str),
}

/// Reads a client's hello from the first bytes of a connection. Pure; never panics; looks at no more than [`MOST`] bytes.
pub fn read(bytes: &[u8]) -> Read {
    match records(bytes) {
        Ok(Some(handshake)) => match hello(&handshake) {
            Some(Ok(hello)) => Read::Hello(hello),
            Some(Err(why)) => Read::Not(why),
            None if bytes.len() >= MOST => Read::Not("its hello is too long"),
            None => Read::More,
        },
        Ok(None) if bytes.len() >= MOST => Read::Not("its hello is too long"),
        Ok(None) => Read::More,
        Err(why) => Read::Not(why),
    }
}

/// The handshake bytes of the records that are there; a hello may be split over several. `None` before the first is whole.
fn records(bytes: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    let mut handshake = Vec::new();
    let mut rest = bytes;
    while let Some((&kind, after)) = rest.split_first() {
        if kind != HANDSHAKE {
            return Err("it does not begin with a TLS handshake");
        }
        if after.first().is_some_and(|major| *major != 3) {
            return Err("it is no TLS");
        }
        let Some((head, body)) = after.split_at_checked(4) else { break };
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if length == 0 || length > MOST {
            return Err("a TLS record has no length that a hello has");
        }
        let Some((record, next)) = body.split_at_checked(length) else { break };
        handshake.extend_from_slice(record);
        if whole(&handshake) {
            break;
        }
        rest = next;
    }
    Ok((!handshake.is_empty()).then_some(handshake))
}

fn whole(handshake: &[u8]) -> bool {
    handshake.get(1..4).is_some_and(|size| {
        handshake.len() - 4 >= (usize::from(size[0]) << 16 | usize::from(size[1]) << 8 | usize::from(size[2]))
    })
}

/// The hello, when it is whole.
fn hello(handshake: &[u8]) -> Option<Result<Hello, &'static str>> {
    if *handshake.first()? != CLIENT_HELLO {
        return Some(Err("its first message is no client hello"));
    }
    whole(handshake).then(|| body(&handshake[4..]).ok_or("its hello is not well formed").and_then(|hello| hello))
}

fn body(bytes: &[u8]) -> Option<Result<Hello, &'static str>> {
    let mut rest = Reader(bytes);
    rest.take(2 + 32)?;
    rest.vector8()?;
    rest.vector16()?;
    rest.vector8()?;
    let mut hello = Hello { server_name: None, alpn: Vec::new(), encrypted: false };
    if rest.0.is_empty() {
        return Some(Ok(hello));
    }
    let mut extensions = Reader(rest.vector16()?);
    let mut seen = Vec::new();
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let content = extensions.vector16()?;
        if seen.contains(&kind) {
            return Some(Err("its hello says the same thing twice"));
        }
        seen.push(kind);
        match kind {
            SERVER_NAME => match server_name(content)? {
                Ok(name) => hello.server_name = Some(name),
                Err(why) => return Some(Err(why)),
            },
            ALPN => {
                let mut list = Reader(Reader(content).vector16()?);
                while !list.0.is_empty() {
                    hello.alpn.push(list.vector8()?.to_vec());
                }
            }
            ENCRYPTED_HELLO => hello.encrypted = true,
            _ => {}
        }
    }
    Some(Ok(hello))
}

fn server_name(content: &[u8]) -> Option<Result<Host, &'static str>> {
    let mut list = Reader(Reader(content).vector16()?);
    if list.take(1)? != [0] {
        return Some(Err("its hello names something that is no host"));
    }
    let name = list.vector16()?;
    if !list.0.is_empty() {
        return Some(Err("its hello names more than one host"));
    }
    let host = std::str::from_utf8(name).ok().and_then(|text| Host::parse(text).ok());
    Some(match host {
        // RFC 6066: literal addresses are not permitted.
        Some(host @ Host::Name(_)) => Ok(host),
        _ => Err("its hello names something that is no host name"),
    })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn u16(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = self.take(1)?[0];
        self.take(length.into())
    }

    fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }
}

#[cfg(test)]
mod tests;
