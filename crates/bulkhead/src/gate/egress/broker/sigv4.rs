//! Requests to AWS, signed anew: the run signed with placeholders, the service wants a signature of the real key.
//!
//! Region, service and time are the run's own, from its signature; the body's hash is the one that it signed, or made here
//! where the service wants none in a header. (AWS Signature Version 4; the signing itself is the SDK's own crate.)

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use jiff::fmt::strtime;

use super::placeholder::Placeholder;

/// The request cannot be signed anew; the sentence says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// No signature that is understood.
    #[error("the request's AWS signature is not understood: {0}")]
    Signature(&'static str),
    /// A body whose chunks carry signatures of their own.
    #[error(
        "the request's body is signed chunk by chunk, which cannot be signed anew; send it unsigned or in one piece"
    )]
    Chunks,
    /// The signer's word.
    #[error("the request cannot be signed: {0}")]
    Signer(String),
}

/// What a signature says of itself.
#[derive(Debug, PartialEq, Eq)]
struct Scope {
    region: String,
    service: String,
    time: SystemTime,
}

/// Whether the body's hash must be made here, because no header has it.
pub fn wants_body(headers: &HeaderMap) -> bool {
    !headers.contains_key("x-amz-content-sha256")
}

/// Replaces the request's signature. `authority` is its `Host`, `target` its path and query as they are sent, `body` the whole body where
/// [`wants_body`] says so.
///
/// # Errors
/// [`SignError`]; nothing may be sent then.
pub fn resign(
    placeholder: &Placeholder,
    authority: &str,
    method: &str,
    target: &str,
    headers: &mut HeaderMap,
    body: Option<&Bytes>,
) -> Result<(), SignError> {
    let scope = scope(headers)?;
    let hash = headers.get("x-amz-content-sha256").cloned();
    let hash = hash.map(|hash| hash.to_str().map(str::to_owned)).transpose();
    let hash = hash.map_err(|_| SignError::Signature("its hash of the body is no text"))?;
    let signable = match (&hash, body) {
        (Some(hash), _) if hash == "UNSIGNED-PAYLOAD" => SignableBody::UnsignedPayload,
        (Some(hash), _) if hash == "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => {
            SignableBody::StreamingUnsignedPayloadTrailer
        }
        (Some(hash), _) if hash.starts_with("STREAMING-") => return Err(SignError::Chunks),
        (Some(hash), _) => SignableBody::Precomputed(hash.clone()),
        (None, Some(body)) => SignableBody::Bytes(body),
        (None, None) => return Err(SignError::Signature("it has no hash of the body")),
    };
    let real = placeholder.value.reveal();
    let mut parts = real.splitn(3, ':');
    let (Some(id), Some(key)) = (parts.next(), parts.next()) else {
        return Err(SignError::Signature("the secret is no key pair"));
    };
    let identity = Credentials::new(id, key, parts.next().map(str::to_owned), None, "bulkhead").into();
    let mut settings = SigningSettings::default();
    if hash.is_some() {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    if scope.service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    for name in ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "date"] {
        headers.remove(name);
    }
    headers.remove(AUTHORIZATION);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&scope.region)
        .name(&scope.service)
        .time(scope.time)
        .settings(settings)
        .build()
        .map_err(|error| SignError::Signer(error.to_string()))?
        .into();
    // What a proxy may still change on the way is not signed.
    let unsigned = ["connection", "user-agent", "accept-encoding", "content-length", "expect", "transfer-encoding"];
    let signed: Vec<(&str, &str)> = headers
        .iter()
        .filter(|(name, _)| !unsigned.contains(&name.as_str()) && name.as_str() != "host")
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let uri = format!("https://{authority}{target}");
    let request = SignableRequest::new(method, uri.as_str(), signed.into_iter(), signable)
        .map_err(|error| SignError::Signer(error.to_string()))?;
    let (instructions, _) = sign(request, &params).map_err(|error| SignError::Signer(error.to_string()))?.into_parts();
    let mut made = Request::new(());
    *made.uri_mut() = uri.parse::<Uri>().map_err(|error| SignError::Signer(error.to_string()))?;
    instructions.apply_to_request_http1x(&mut made);
    for (name, value) in made.headers() {
        let mut value: HeaderValue = value.clone();
        value.set_sensitive(true);
        headers.insert(HeaderName::clone(name), value);
    }
    Ok(())
}

/// `AWS4-HMAC-SHA256 Credential=ID/20261124/eu-west-1/s3/aws4_request, SignedHeaders=..., Signature=...`.
fn scope(headers: &HeaderMap) -> Result<Scope, SignError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = text(AUTHORIZATION.as_str()).ok_or(SignError::Signature("there is none"))?;
    let fields =
        authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or(SignError::Signature("it is of another kind"))?;
    let credential = fields.split(',').find_map(|field| field.trim().strip_prefix("Credential="));
    let credential = credential.ok_or(SignError::Signature("it names no credential"))?;
    let mut parts = credential.rsplit('/');
    let (end, service, region) = (parts.next(), parts.next(), parts.next());
    let (Some("aws4_request"), Some(service), Some(region)) = (end, service, region) else {
        return Err(SignError::Signature("its scope is not date/region/service/aws4_request"));
    };
    let date = text("x-amz-date").ok_or(SignError::Signature("it has no x-amz-date"))?;
    let time = strtime::parse("%Y%m%dT%H%M%SZ", date).and_then(|parsed| parsed.to_datetime());
    let time = time.and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC));
    let time = time.map_err(|_| SignError::Signature("its x-amz-date is no time"))?.timestamp();
    let seconds = u64::try_from(time.as_second()).map_err(|_| SignError::Signature("its x-amz-date is before 1970"))?;
    Ok(Scope {
        region: region.to_owned(),
        service: service.to_owned(),
        time: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
    })
}

#[cfg(test)]
mod tests {
    use bulkhead_core::Secret;

    use super::super::secret::Binding;
    use super::*;

    /// The key pair of AWS's own published examples.
    const ID: &str = "AKIDEXAMPLE";
    const HOST: &str = "example.amazonaws.com";
    const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn placeholder() -> Placeholder {
        let binding = Binding { hosts: vec!["example.amazonaws.com".into()], aws: true, ..Binding::default() };
        Placeholder {
            name: "aws".parse().unwrap(),
            text: "AKIDPLACEHO:wPlaceholder/0000000+placeholder0000000000".into(),
            value: Secret::new(format!("{ID}:{KEY}")),
            binding,
        }
    }

    fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIDPLACEHO/20150830/us-east-1/service/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=0000";
        headers.insert(AUTHORIZATION, HeaderValue::from_static(authorization));
        headers.insert("x-amz-date", HeaderValue::from_static("20150830T123600Z"));
        headers
    }

    /// `get-vanilla` of the AWS Signature Version 4 test suite.
    #[test]
    fn the_signature_is_the_one_of_the_published_test_suite() {
        let mut headers = headers();
        resign(&placeholder(), HOST, "GET", "/", &mut headers, Some(&Bytes::new())).unwrap();
        let authorization = headers[AUTHORIZATION].to_str().unwrap();
        assert!(authorization.contains(&format!("Credential={ID}/20150830/us-east-1/service/aws4_request")));
        assert!(
            authorization.ends_with("Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            "{authorization}"
        );
        assert_eq!(headers["x-amz-date"], "20150830T123600Z");
    }

    #[test]
    fn what_cannot_be_signed_anew_is_said() {
        let mut chunked = headers();
        chunked.insert("x-amz-content-sha256", HeaderValue::from_static("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"));
        assert_eq!(resign(&placeholder(), HOST, "PUT", "/", &mut chunked, None), Err(SignError::Chunks));
        let mut undated = headers();
        undated.remove("x-amz-date");
        assert!(matches!(
            resign(&placeholder(), HOST, "GET", "/", &mut undated, Some(&Bytes::new())),
            Err(SignError::Signature(_))
        ));
    }
}
