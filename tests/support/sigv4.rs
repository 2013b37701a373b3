//! The service's side of AWS Signature Version 4: whether a request was signed with that key. Written from the specification
//! and held to its published vectors, apart from the signer that the product uses.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;

use super::sha256;

/// Checks a request as it arrived, head and body. `Err` says what the service would have computed.
pub fn check(request: &str, id: &str, key: &str) -> Result<(), String> {
    let (head, body) = request.split_once("\r\n\r\n").ok_or("no head")?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (first.next().ok_or("no method")?, first.next().ok_or("no target")?);
    let mut headers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no field: {line}"))?;
        headers.entry(name.to_lowercase()).or_default().push(value.trim());
    }
    let field = |name: &str| headers.get(name).map(|values| values.join(",")).unwrap_or_default();
    let authorization = field("authorization");
    let rest = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(|| format!("signed how? {authorization}"))?;
    let part = |name: &str| {
        let part = rest.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        part.ok_or_else(|| format!("no {name}: {rest}"))
    };
    let credential: Vec<&str> = part("Credential")?.split('/').collect();
    let &[whose, date, region, service, "aws4_request"] = credential.as_slice() else {
        return Err(format!("scope: {credential:?}"));
    };
    if whose != id {
        return Err(format!("signed by {whose}"));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // Everything but S3 encodes the path once more.
    let path = if service == "s3" { path.to_owned() } else { path.replace('%', "%25") };
    let mut query: Vec<String> = query.split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    query.iter_mut().filter(|part| !part.contains('=')).for_each(|part| part.push('='));
    query.sort();
    let names: Vec<&str> = part("SignedHeaders")?.split(';').collect();
    if !["host", "x-amz-date"].iter().all(|name| names.contains(name)) {
        return Err(format!("signed headers: {names:?}"));
    }
    let signed: String = names.iter().map(|name| format!("{name}:{}\n", field(name))).collect();
    let declared = field("x-amz-content-sha256");
    let hash = if declared.is_empty() { sha256(body.as_bytes()) } else { declared };
    if hash.len() == 64 && hash != sha256(body.as_bytes()) {
        return Err(format!("the body's hash is not {hash}"));
    }
    let canonical = format!("{method}\n{path}\n{}\n{signed}\n{}\n{hash}", query.join("&"), names.join(";"));
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{date}/{region}/{service}/aws4_request\n{}",
        field("x-amz-date"),
        sha256(canonical.as_bytes())
    );
    let step =
        |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec();
    let chain = [date, region, service, "aws4_request", &text];
    let made = chain.iter().fold(format!("AWS4{key}").into_bytes(), |key, text| step(&key, text));
    let made: String = made.iter().map(|byte| format!("{byte:02x}")).collect();
    if made == part("Signature")? { Ok(()) } else { Err(format!("the signature is not {made} of\n{canonical}")) }
}

/// The key pair of the published examples.
const EXAMPLE: (&str, &str) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");

#[test]
fn it_accepts_the_published_vectors_and_nothing_near() {
    let request = |target: &str, signature: &str| {
        format!(
            "GET {target} HTTP/1.1\r\nHost: example.amazonaws.com\r\nX-Amz-Date: 20150830T123600Z\r\nAuthorization: \
             AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={signature}\r\n\r\n"
        )
    };
    // `get-vanilla` and `get-vanilla-query-order-key-case` of the AWS Signature Version 4 test suite.
    let vanilla = request("/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    let query =
        request("/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    for good in [&vanilla, &query] {
        assert_eq!(check(good, EXAMPLE.0, EXAMPLE.1), Ok(()));
        assert!(check(&good.replace("123600", "123601"), EXAMPLE.0, EXAMPLE.1).is_err());
        assert!(check(good, EXAMPLE.0, "another").is_err() && check(good, "AKIDANOTHER", EXAMPLE.1).is_err());
    }
}
