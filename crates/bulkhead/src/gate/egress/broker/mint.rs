//! New credentials in answers: a service that is sent a secret may answer with what it makes of it (OAuth, STS, a login).
//! The run gets a placeholder for that too.
//!
//! The fields by which such answers are known are found in JSON and XML as they come by, wherever they stand; a form is read
//! as a whole. A placeholder is as long as what it stands for, so that lengths stay true.

/// Fields whose value is a credential: in small letters, without `_` and `-`. (RFC 6749, 5.1; RFC 7591; OpenID Connect; Vault;
/// AWS STS, SSO and Cognito.)
const FIELDS: [&str; 10] = [
    "accesskeyid",
    "accesstoken",
    "clientsecret",
    "clienttoken",
    "idtoken",
    "refreshtoken",
    "registrationaccesstoken",
    "secretaccesskey",
    "secretkey",
    "sessiontoken",
];
/// Bytes of the longest name of a field, and of the blanks around a colon.
const NAME: usize = 40;
const BLANKS: usize = 32;
/// Bytes of a value, and of a form as a whole.
const MOST: usize = 64 << 10;

/// A value that does not end, or a form that does not.
#[derive(Debug, thiserror::Error)]
#[error("the answer holds a new credential that does not end, so the run cannot be given a placeholder for it")]
pub struct Endless;

/// What makes a text for a credential: the field's name and the value in, a text of the same length out.
pub(super) type Make = Box<dyn FnMut(&str, &str) -> Option<String> + Send + Sync>;

/// Looks through an answer.
pub struct Minter {
    form: bool,
    held: Vec<u8>,
    make: Make,
}

enum Next {
    /// Nothing begins here.
    Nothing,
    /// Whether something does cannot be said yet.
    More,
    /// A credential, from here to there (both after the beginning).
    Value { field: String, from: usize, to: usize, written: Written },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Json,
    Xml,
    Form,
}

impl Minter {
    /// For an answer of that `Content-Type`; `None` when it holds no text.
    pub fn new(content_type: Option<&str>, make: Make) -> Option<Self> {
        let kind = content_type.unwrap_or("text/plain").to_ascii_lowercase();
        let form = kind.starts_with("application/x-www-form-urlencoded");
        let text = form || kind.starts_with("text/") || kind.contains("json") || kind.contains("xml");
        text.then(|| Self { form, held: Vec::new(), make })
    }

    /// The next bytes in, what is decided out.
    ///
    /// # Errors
    /// [`Endless`]: the answer must end here.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, Endless> {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(chunk);
        if self.form {
            self.held = bytes;
            return if self.held.len() > MOST { Err(Endless) } else { Ok(Vec::new()) };
        }
        let mut at = 0;
        while let Some(begin) = bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'<')) {
            let begin = at + begin;
            match next(&bytes[begin..]) {
                Next::Nothing => at = begin + 1,
                Next::More => {
                    self.held = bytes.split_off(begin);
                    return if self.held.len() > MOST { Err(Endless) } else { Ok(bytes) };
                }
                Next::Value { field, from, to, written } => {
                    self.replace(&field, &mut bytes[begin + from..begin + to], written);
                    at = begin + to;
                }
            }
        }
        Ok(bytes)
    }

    /// What is left at the end of the answer.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.held);
        if self.form {
            let mut at = 0;
            while at < bytes.len() {
                let end = bytes[at..].iter().position(|byte| *byte == b'&').map_or(bytes.len(), |end| at + end);
                let name = bytes[at..end].iter().position(|byte| *byte == b'=').map(|equals| at + equals);
                if let Some((equals, field)) = name.and_then(|equals| Some((equals, field(&bytes[at..equals])?))) {
                    self.replace(&field, &mut bytes[equals + 1..end], Written::Form);
                }
                at = end + 1;
            }
        }
        // A value that the end cut off is no whole credential.
        bytes
    }

    /// Puts a placeholder in its place; asterisks where there can be none.
    fn replace(&mut self, field: &str, value: &mut [u8], written: Written) {
        let made = units(value, written).and_then(|units| {
            let plain: String = units.iter().map(|(byte, ..)| char::from(*byte)).collect();
            if plain.is_empty() {
                return Some(value.to_vec());
            }
            let text = (self.make)(field, &plain)?;
            let spelled = units.iter().zip(text.bytes()).flat_map(|((byte, from, to), new)| match &value[*from..*to] {
                same if new == *byte => same.to_vec(),
                [_] => vec![new],
                [b'%', ..] => format!("%{new:02X}").into_bytes(),
                _ => format!("\\u{new:04x}").into_bytes(),
            });
            Some(spelled.collect()).filter(|spelled: &Vec<u8>| spelled.len() == value.len())
        });
        match made {
            Some(made) => value.copy_from_slice(&made),
            None => value.fill(b'*'),
        }
    }
}

/// What begins at a quotation mark or an angle bracket.
fn next(bytes: &[u8]) -> Next {
    let quoted = bytes[0] == b'"';
    let close = if quoted { b'"' } else { b'>' };
    let name = bytes[1..].iter().take(NAME).position(|byte| !(byte.is_ascii_alphanumeric() || b"_-:".contains(byte)));
    let Some(length) = name else {
        return if bytes.len() > NAME { Next::Nothing } else { Next::More };
    };
    if bytes[1 + length] != close {
        return Next::Nothing;
    }
    let name = &bytes[1..=length];
    let name = if quoted { name } else { name.rsplit(|byte| *byte == b':').next().unwrap_or(name) };
    let Some(field) = field(name) else { return Next::Nothing };
    let mut from = length + 2;
    if quoted {
        for wanted in [b':', b'"'] {
            let blanks = bytes[from..].iter().take(BLANKS).take_while(|byte| byte.is_ascii_whitespace()).count();
            from += blanks;
            match bytes.get(from) {
                None => return Next::More,
                Some(byte) if *byte == wanted => from += 1,
                Some(_) => return Next::Nothing,
            }
        }
    }
    let (mut to, end) = (from, if quoted { b'"' } else { b'<' });
    loop {
        match bytes.get(to) {
            None => return Next::More,
            Some(byte) if *byte == end => break,
            Some(b'\\') if quoted => to += 2,
            Some(_) => to += 1,
        }
    }
    Next::Value { field, from, to, written: if quoted { Written::Json } else { Written::Xml } }
}

/// The name of a field that holds a credential, as it is written.
fn field(name: &[u8]) -> Option<String> {
    let plain: String =
        name.iter().filter(|byte| !b"_-".contains(byte)).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    FIELDS.contains(&plain.as_str()).then(|| String::from_utf8_lossy(name).into_owned())
}

/// The bytes that a value means, each with where it is written; `None` for what no credential has.
fn units(value: &[u8], written: Written) -> Option<Vec<(u8, usize, usize)>> {
    let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    let mut units = Vec::with_capacity(value.len());
    let mut at = 0;
    while at < value.len() {
        let (byte, length) = match (value[at], written) {
            (b'\\', Written::Json) => match value.get(at + 1)? {
                b'u' if value.get(at + 2..at + 4)? == b"00" => (hex(value.get(at + 4..at + 6)?)?, 6),
                byte @ (b'/' | b'"' | b'\\') => (*byte, 2),
                _ => return None,
            },
            (b'%', Written::Form) => (hex(value.get(at + 1..at + 3)?)?, 3),
            (b'+', Written::Form) | (b'&', Written::Xml) => return None,
            (byte, _) => (byte, 1),
        };
        units.push((byte, at, at + length));
        at += length;
    }
    Some(units)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;

    use super::*;

    /// Capitals in place of small letters, for values of at least eight characters; and what was asked for.
    fn mint(kind: &str, chunks: &[&[u8]]) -> (String, Vec<String>) {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&asked);
        let make: Make = Box::new(move |field, value| {
            seen.lock().unwrap().push(format!("{field} {value}"));
            (value.len() >= 8).then(|| value.to_ascii_uppercase())
        });
        let mut minter = Minter::new(Some(kind), make).unwrap();
        let mut out: Vec<u8> = chunks.iter().flat_map(|chunk| minter.push(chunk).unwrap()).collect();
        out.extend(minter.finish());
        let asked = asked.lock().unwrap().clone();
        (String::from_utf8(out).unwrap(), asked)
    }

    #[test]
    fn fields_are_found_as_services_write_them() {
        for (kind, text, made) in [
            ("application/json", r#"{"access_token" : "abcdefgh"}"#, r#"{"access_token" : "ABCDEFGH"}"#),
            ("application/json", r#"{"accessToken":"abcd\/efg"}"#, r#"{"accessToken":"ABCD\/EFG"}"#),
            ("application/json", r#"{"id_token":"abcd\u0065fgh"}"#, r#"{"id_token":"ABCD\u0045FGH"}"#),
            (
                "text/event-stream",
                "data: {\"refresh_token\":\"abcdefgh\"}\n\n",
                "data: {\"refresh_token\":\"ABCDEFGH\"}\n\n",
            ),
            ("text/xml", "<s:SessionToken>abcdefg=</s:SessionToken>", "<s:SessionToken>ABCDEFG=</s:SessionToken>"),
            ("application/x-www-form-urlencoded", "a=b&access_token=abcd%2fefg", "a=b&access_token=ABCD%2fEFG"),
            // Too short to have a placeholder, or written as no credential is: it does not come in all the same.
            ("application/json", r#"{"access_token":"abc"}"#, r#"{"access_token":"***"}"#),
            ("application/json", r#"{"access_token":"abc\ndefghi"}"#, r#"{"access_token":"***********"}"#),
        ] {
            assert_eq!(mint(kind, &[text.as_bytes()]).0, made);
        }
    }

    #[test]
    fn what_only_looks_like_one_passes() {
        for text in [
            r#"{"access_token":null,"token":"abcdefghijkl","text":"access_token"}"#,
            // In a text that quotes JSON.
            r#"{"content":"{\"access_token\": \"abcdefghij\"}"}"#,
            "<p>a < b and \"quoted\" access_token",
            r#"{"access_token":{"a":"bcdefghijk"}}"#,
        ] {
            assert_eq!(mint("application/json", &[text.as_bytes()]), (text.to_owned(), vec![]));
        }
        assert!(Minter::new(Some("application/octet-stream"), Box::new(|_, _| None)).is_none());
    }

    #[test]
    fn a_value_without_an_end_ends_the_answer() {
        let mut minter = Minter::new(None, Box::new(|_, _| None)).unwrap();
        minter.push(b"{\"access_token\":\"").unwrap();
        assert!(minter.push(&vec![b'a'; MOST]).is_err());
    }

    proptest! {
        #[test]
        fn no_cut_lets_one_through(cuts in proptest::collection::vec(0usize..200, 0..8)) {
            let text = "[{\"a\":\"b\", \"access_token\" :\n \"abcdefghijkl\"},<AccessKeyId>asiaabcdefgh</AccessKeyId>\"refresh_tok";
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % text.len()).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            let made = text.replace("abcdefghijkl", "ABCDEFGHIJKL").replace("asiaabcdefgh", "ASIAABCDEFGH");
            prop_assert_eq!(mint("application/json", &chunks).0, made);
        }

        #[test]
        fn other_bytes_pass_as_they_are(chunks: Vec<Vec<u8>>) {
            let mut minter = Minter::new(None, Box::new(|_, _| None)).unwrap();
            let mut out: Vec<u8> = chunks.iter().flat_map(|chunk| minter.push(chunk).unwrap()).collect();
            out.extend(minter.finish());
            prop_assert_eq!(out, chunks.concat());
        }
    }
}
