//! Placeholders in a request: swapped where they belong, refused everywhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{HeaderMap, HeaderName, Uri};

use super::placeholder::Placeholder;
use super::secret::SecretName;
use crate::gate::egress::host::Host;

/// A placeholder where it does not belong: whoever sends it found it in the run and tries it elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the placeholder of secret {name} is in {place}, {why}")]
pub struct Misuse {
    /// Whose.
    pub name: SecretName,
    /// Where in the request: `header user-agent`, `the path`, `the body`.
    pub place: String,
    /// Why it does not belong there.
    pub why: &'static str,
}

/// What was swapped in a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swapped {
    /// The secrets that were put in, each once.
    pub names: Vec<SecretName>,
    /// The secret with which the request must be signed anew (AWS), by its place among the placeholders.
    pub resign: Option<usize>,
}

/// Swaps the placeholders in a request's headers for their secrets.
///
/// # Errors
/// [`Misuse`] when one stands anywhere but in a header, towards a host, path and method that its binding names. Nothing is
/// swapped then.
pub fn swap(
    placeholders: &[Placeholder],
    host: &Host,
    port: u16,
    method: &str,
    uri: &Uri,
    headers: &mut HeaderMap,
) -> Result<Swapped, Misuse> {
    let target = uri.path_and_query().map(http::uri::PathAndQuery::as_str).unwrap_or_default();
    if let Some(placeholder) = seen_in(placeholders, target.as_bytes()) {
        return Err(misuse(placeholder, "the path", "and a secret in an address ends in other people's logs"));
    }
    let mut changed: Vec<(HeaderName, usize, HeaderValue)> = Vec::new();
    let mut swapped = Swapped::default();
    for name in headers.keys() {
        for (at, value) in headers.get_all(name).iter().enumerate() {
            let basic = (name == AUTHORIZATION).then(|| basic(value)).flatten();
            let plain = basic.as_deref().unwrap_or(value.as_bytes());
            let mut text = plain.to_vec();
            for (place, placeholder) in placeholders.iter().enumerate() {
                if !placeholder.marks().any(|mark| holds(&text, mark.as_bytes())) {
                    continue;
                }
                if placeholder.binding.aws {
                    signed(placeholder, host, port, method, uri.path(), name, &text)?;
                    swapped.resign = Some(place);
                    if !swapped.names.contains(&placeholder.name) {
                        swapped.names.push(placeholder.name.clone());
                    }
                    continue;
                }
                check(placeholder, host, port, method, uri.path(), name)?;
                text = replace(&text, placeholder.text.as_bytes(), placeholder.value.reveal().as_bytes());
                if !swapped.names.contains(&placeholder.name) {
                    swapped.names.push(placeholder.name.clone());
                }
            }
            if text == plain {
                continue;
            }
            let bytes = if basic.is_some() { format!("Basic {}", STANDARD.encode(&text)).into_bytes() } else { text };
            if let Ok(mut new) = HeaderValue::from_bytes(&bytes) {
                new.set_sensitive(true);
                changed.push((name.clone(), at, new));
            }
        }
    }
    for (name, at, new) in changed {
        if let http::header::Entry::Occupied(mut entry) = headers.entry(name)
            && let Some(value) = entry.iter_mut().nth(at)
        {
            *value = new;
        }
    }
    Ok(swapped)
}

/// The first placeholder that these bytes hold.
pub fn seen_in<'a>(placeholders: &'a [Placeholder], bytes: &[u8]) -> Option<&'a Placeholder> {
    placeholders.iter().find(|placeholder| placeholder.marks().any(|mark| holds(bytes, mark.as_bytes())))
}

/// A signature made with the placeholders: the key's id where a signature has it, the session token in its own header, and
/// the key itself nowhere.
fn signed(
    placeholder: &Placeholder,
    host: &Host,
    port: u16,
    method: &str,
    path: &str,
    name: &HeaderName,
    text: &[u8],
) -> Result<(), Misuse> {
    let place = format!("header {name}");
    let in_signature = name == AUTHORIZATION && text.starts_with(b"AWS4-HMAC-SHA256 ");
    let key = placeholder.marks().nth(1).is_some_and(|key| holds(text, key.as_bytes()));
    if !placeholder.binding.reaches(host, port) {
        Err(misuse(placeholder, &place, "towards a host that it is not for"))
    } else if key || !(in_signature || name.as_str() == "x-amz-security-token") {
        Err(misuse(placeholder, &place, "which may not carry it"))
    } else if !placeholder.binding.fits(method, path) {
        Err(misuse(placeholder, &place, "for a method or path that it is not for"))
    } else {
        Ok(())
    }
}

fn check(
    placeholder: &Placeholder,
    host: &Host,
    port: u16,
    method: &str,
    path: &str,
    name: &HeaderName,
) -> Result<(), Misuse> {
    let place = format!("header {name}");
    let binding = &placeholder.binding;
    if !binding.reaches(host, port) {
        Err(misuse(placeholder, &place, "towards a host that it is not for"))
    } else if !binding.headers.iter().any(|allowed| allowed == name.as_str()) {
        Err(misuse(placeholder, &place, "which may not carry it"))
    } else if !binding.fits(method, path) {
        Err(misuse(placeholder, &place, "for a method or path that it is not for"))
    } else {
        Ok(())
    }
}

fn misuse(placeholder: &Placeholder, place: &str, why: &'static str) -> Misuse {
    Misuse { name: placeholder.name.clone(), place: place.to_owned(), why }
}

/// `user:password` of a Basic header (RFC 7617), decoded.
fn basic(value: &HeaderValue) -> Option<Vec<u8>> {
    let text = value.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(encoded.trim()).ok()).flatten()
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

fn replace(bytes: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use bulkhead_core::Secret;

    use super::super::secret::Binding;
    use super::*;

    const TEXT: &str = "sk-proj-aaaaaaaaaaaaaaaaaaaa";
    const REAL: &str = "sk-proj-REALREALREALREALREAL";

    fn placeholders() -> Vec<Placeholder> {
        let binding = Binding { hosts: vec!["api.example.test".into()], path: "/v1/".into(), ..Binding::default() };
        vec![Placeholder { name: "openai".parse().unwrap(), text: TEXT.into(), value: Secret::new(REAL), binding }]
    }

    fn send(host: &str, uri: &str, header: &str, value: &str) -> Result<(Swapped, HeaderMap), Misuse> {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::try_from(header).unwrap(), HeaderValue::try_from(value).unwrap());
        let uri: Uri = uri.parse().unwrap();
        let swapped = swap(&placeholders(), &Host::parse(host).unwrap(), 443, "POST", &uri, &mut headers)?;
        Ok((swapped, headers))
    }

    #[test]
    fn it_is_swapped_where_it_belongs() {
        let (swapped, headers) =
            send("api.example.test", "/v1/chat", "authorization", &format!("Bearer {TEXT}")).unwrap();
        assert_eq!(headers["authorization"], format!("Bearer {REAL}"));
        assert!(headers["authorization"].is_sensitive());
        assert_eq!(swapped.names.len(), 1);
        let basic = format!("Basic {}", STANDARD.encode(format!("user:{TEXT}")));
        let (_, headers) = send("api.example.test", "/v1/chat", "authorization", &basic).unwrap();
        assert_eq!(headers["authorization"], format!("Basic {}", STANDARD.encode(format!("user:{REAL}"))));
    }

    #[test]
    fn it_is_refused_everywhere_else() {
        let bearer = format!("Bearer {TEXT}");
        for (host, uri, header, value) in [
            ("models.example.test", "/v1/chat", "authorization", bearer.as_str()),
            ("api.example.test.evil.test", "/v1/chat", "authorization", &bearer),
            ("api.example.test", "/v2/chat", "authorization", &bearer),
            ("api.example.test", "/v1/chat", "user-agent", &bearer),
            ("api.example.test", "/v1/chat", "referer", &bearer),
            ("api.example.test", &format!("/v1/chat?key={TEXT}"), "accept", "*/*"),
        ] {
            assert!(send(host, uri, header, value).is_err(), "{host} {uri} {header}");
        }
    }

    #[test]
    fn what_holds_none_passes_as_it_is() {
        let (swapped, headers) = send("other.test", "/", "authorization", "Bearer own-key").unwrap();
        assert_eq!((headers["authorization"].as_bytes(), swapped.names.len()), (&b"Bearer own-key"[..], 0));
    }
}
