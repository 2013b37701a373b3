//! Placeholders in a request: swapped where they belong, refused everywhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{HeaderMap, HeaderName};

use super::known::Known;
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

/// A request's head, as far as the use of a secret depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where to.
    pub host: &'a Host,
    /// And its port.
    pub port: u16,
    /// Whether the connection is encrypted: over no other does a secret travel.
    pub encrypted: bool,
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
}

impl Request<'_> {
    /// Whether its body may hold that secret.
    pub fn may_hold(&self, secret: &Placeholder) -> bool {
        let binding = &secret.binding;
        let may = binding.body && binding.reaches(self.host, self.port) && binding.fits(self.method, self.path());
        may && self.encrypted
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// What was swapped in a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swapped {
    /// The secrets that were put in, by their places among the placeholders, each once.
    pub places: Vec<usize>,
    /// The secret with which the request must be signed anew (AWS), by its place.
    pub resign: Option<usize>,
}

impl Swapped {
    fn used(&mut self, place: usize) {
        if !self.places.contains(&place) {
            self.places.push(place);
        }
    }
}

/// Swaps the placeholders in a request's headers for their secrets.
///
/// # Errors
/// [`Misuse`] when one stands anywhere but in a header, towards a host, path and method that its binding names. Nothing may
/// be sent then.
pub fn swap(known: &Known, request: &Request<'_>, headers: &mut HeaderMap) -> Result<Swapped, Misuse> {
    if let Some(placeholder) = known.seen_in(request.target.as_bytes()) {
        return Err(misuse(placeholder, "the path", "and a secret in an address ends in other people's logs"));
    }
    let mut swapped = Swapped::default();
    for (name, value) in headers.iter_mut() {
        let basic = (name == AUTHORIZATION).then(|| basic(value)).flatten();
        let plain = basic.as_deref().unwrap_or(value.as_bytes());
        let mut found = false;
        for seen in known.all_in(plain) {
            let Some(placeholder) = known.placeholders().get(seen.place) else { continue };
            let place = format!("header {name}");
            match placeholder.binding.aws {
                true => signed(placeholder, request, name, plain).map_err(|why| misuse(placeholder, &place, why))?,
                false => check(placeholder, request, name).map_err(|why| misuse(placeholder, &place, why))?,
            }
            swapped.used(seen.place);
            if placeholder.binding.aws {
                swapped.resign = Some(seen.place);
            } else {
                found = true;
            }
        }
        if !found {
            continue;
        }
        let text = known.swapped(plain, |placeholder| !placeholder.binding.aws);
        let bytes = if basic.is_some() { format!("Basic {}", STANDARD.encode(&text)).into_bytes() } else { text };
        if let Ok(mut new) = HeaderValue::from_bytes(&bytes) {
            new.set_sensitive(true);
            *value = new;
        }
    }
    Ok(swapped)
}

/// The body with the secrets that may stand there, and which those are; `None` when it holds no placeholder. `whole` says
/// that these are all its bytes.
///
/// # Errors
/// [`Misuse`] when one stands there whose binding does not name bodies, this host, method and path.
pub fn swap_body(
    known: &Known,
    request: &Request<'_>,
    whole: bool,
    body: &[u8],
    swapped: &mut Swapped,
) -> Result<Option<Vec<u8>>, Misuse> {
    let mut found = false;
    for seen in known.all_in(body) {
        let Some(placeholder) = known.placeholders().get(seen.place) else { continue };
        let binding = &placeholder.binding;
        let why = if !binding.reaches(request.host, request.port) {
            "towards a host that it is not for"
        } else if !binding.body {
            "which may not carry it"
        } else if !request.encrypted {
            PLAIN
        } else if !binding.fits(request.method, request.path()) {
            "for a method or path that it is not for"
        } else if !whole {
            "which is too large for a secret to be put into it"
        } else {
            found = true;
            swapped.used(seen.place);
            continue;
        };
        return Err(misuse(placeholder, "the body", why));
    }
    Ok(found.then(|| known.swapped(body, |_| true)))
}

const PLAIN: &str = "over a connection that is not encrypted";

/// A signature made with the placeholders: the key's id where a signature has it, the session token in its own header, and
/// the key itself nowhere.
fn signed(
    placeholder: &Placeholder,
    request: &Request<'_>,
    name: &HeaderName,
    text: &[u8],
) -> Result<(), &'static str> {
    let in_signature = name == AUTHORIZATION && text.starts_with(b"AWS4-HMAC-SHA256 ");
    let key = placeholder.marks().nth(1).is_some_and(|key| holds(text, key.as_bytes()));
    let carries = !key && (in_signature || name.as_str() == "x-amz-security-token");
    fits(placeholder, request, carries)
}

fn check(placeholder: &Placeholder, request: &Request<'_>, name: &HeaderName) -> Result<(), &'static str> {
    fits(placeholder, request, placeholder.binding.headers.iter().any(|allowed| allowed == name.as_str()))
}

fn fits(placeholder: &Placeholder, request: &Request<'_>, carries: bool) -> Result<(), &'static str> {
    let binding = &placeholder.binding;
    if !request.encrypted {
        Err(PLAIN)
    } else if !binding.reaches(request.host, request.port) {
        Err("towards a host that it is not for")
    } else if !carries {
        Err("which may not carry it")
    } else if !binding.fits(request.method, request.path()) {
        Err("for a method or path that it is not for")
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

    fn send(host: &str, target: &str, header: &str, value: &str) -> Result<(Swapped, HeaderMap), Misuse> {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::try_from(header).unwrap(), HeaderValue::try_from(value).unwrap());
        let host = &Host::parse(host).unwrap();
        let request = Request { host, port: 443, encrypted: true, method: "POST", target };
        let swapped = swap(&Known::new(placeholders(), 1), &request, &mut headers)?;
        Ok((swapped, headers))
    }

    #[test]
    fn it_is_swapped_where_it_belongs() {
        let (swapped, headers) =
            send("api.example.test", "/v1/chat", "authorization", &format!("Bearer {TEXT}")).unwrap();
        assert_eq!(headers["authorization"], format!("Bearer {REAL}"));
        assert!(headers["authorization"].is_sensitive());
        assert_eq!(swapped.places.len(), 1);
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
        assert_eq!((headers["authorization"].as_bytes(), swapped.places.len()), (&b"Bearer own-key"[..], 0));
    }
}
