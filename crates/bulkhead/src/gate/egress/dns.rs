//! The name server inside a run: every name gets an address of its own there, which stands for the name (RFC 1035).
//!
//! The workload resolves a name and connects to what it is told; the supervisor reads the name back from the address. No
//! question leaves the machine, so labels carry nothing out, and a name is judged when something connects to it.

use std::net::Ipv4Addr;

use super::host::Host;

/// Seconds that an answer may be kept.
const TTL: u32 = 60;
/// Bytes of the longest question over UDP that is read.
pub const MOST: usize = 1232;

const A: u16 = 1;
const IN: u16 = 1;

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    id: u16,
    recursion: bool,
    /// The name, when it is a host's.
    pub host: Option<Host>,
    /// The name as asked, with escapes, for the record: at most 255 characters.
    pub text: String,
    /// The type: 1 for an IPv4 address.
    pub kind: u16,
    /// The question as it came, to be repeated in the answer.
    section: Vec<u8>,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// This address.
    Address(Ipv4Addr),
    /// The name is there and has nothing of that type.
    Nothing,
    /// There is no such name.
    NoName,
    /// The server will not say.
    Refused,
}

/// Reads a question. `None` for whatever is not exactly one plain question: it gets no answer.
pub fn question(message: &[u8]) -> Option<Question> {
    let header: &[u8; 12] = message.get(..12)?.try_into().ok()?;
    let flags = u16::from_be_bytes([header[2], header[3]]);
    let questions = u16::from_be_bytes([header[4], header[5]]);
    // A response, another opcode than QUERY, or not one question.
    if flags & 0xf800 != 0 || questions != 1 || header[6..10] != [0; 4] {
        return None;
    }
    let mut at = 12;
    let mut labels: Vec<&[u8]> = Vec::new();
    let mut length = 0;
    loop {
        let size = usize::from(*message.get(at)?);
        at += 1;
        if size == 0 {
            break;
        }
        // No pointers: there is nothing before the question that one could point to.
        let label = message.get(at..at + size).filter(|_| size < 64)?;
        length += size + 1;
        if length > 254 {
            return None;
        }
        labels.push(label);
        at += size;
    }
    let tail = message.get(at..at + 4)?;
    let (kind, class) = (u16::from_be_bytes([tail[0], tail[1]]), u16::from_be_bytes([tail[2], tail[3]]));
    if class != IN {
        return None;
    }
    let dotted = labels.join(&b'.');
    // A dot inside a label would make one name out of another.
    let clean = labels.iter().all(|label| !label.contains(&b'.'));
    let host = std::str::from_utf8(&dotted).ok().filter(|_| clean).and_then(|text| Host::parse(text).ok());
    Some(Question {
        id: u16::from_be_bytes([header[0], header[1]]),
        recursion: flags & 0x0100 != 0,
        host: host.filter(|host| host.name().is_some()),
        text: dotted.escape_ascii().to_string().chars().take(255).collect(),
        kind,
        section: message[12..at + 4].to_vec(),
    })
}

/// The message that answers the question.
pub fn answer(question: &Question, answer: Answer) -> Vec<u8> {
    let (code, address) = match answer {
        Answer::Address(address) if question.kind == A => (0, Some(address)),
        Answer::Address(_) | Answer::Nothing => (0, None),
        Answer::NoName => (3, None),
        Answer::Refused => (5, None),
    };
    // A response, authoritative, recursion available, recursion desired as it was asked.
    let flags: u16 = 0x8480 | u16::from(question.recursion) << 8 | code;
    let mut message = Vec::with_capacity(12 + question.section.len() + 16);
    message.extend(question.id.to_be_bytes());
    message.extend(flags.to_be_bytes());
    message.extend([0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    message.extend(&question.section);
    if let Some(address) = address {
        // The name is the question's, at byte 12.
        message.extend([0xc0, 12]);
        message.extend(A.to_be_bytes());
        message.extend(IN.to_be_bytes());
        message.extend(TTL.to_be_bytes());
        message.extend([0, 4]);
        message.extend(address.octets());
    }
    message
}

#[cfg(test)]
mod tests;
