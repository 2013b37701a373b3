use super::*;

fn pick(range: &str, length: u64) -> Selection {
    let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_str(range).unwrap())]);
    select(&headers, length, &HeaderValue::from_static("\"e\""))
}

#[test]
fn ranges_are_read_as_rfc_9110_says() {
    use Selection::{Part, Unsatisfiable, Whole};
    let table = [
        ("bytes=0-0", Part(0..1)),
        ("bytes=0-9", Part(0..10)),
        ("bytes=0-99", Part(0..10)),
        ("bytes=4-", Part(4..10)),
        ("bytes=-3", Part(7..10)),
        ("bytes=-99", Part(0..10)),
        ("Bytes = 1-2", Part(1..3)),
        ("bytes=9-9", Part(9..10)),
        ("bytes=0-99999999999999999999999", Part(0..10)),
        ("bytes=10-", Unsatisfiable),
        ("bytes=10-11", Unsatisfiable),
        ("bytes=-0", Unsatisfiable),
        ("bytes=99999999999999999999999-", Unsatisfiable),
        ("bytes=0-1,3-4", Whole),
        ("bytes=5-4", Whole),
        ("bytes=-", Whole),
        ("bytes=", Whole),
        ("bytes=a-b", Whole),
        ("bytes=+1-2", Whole),
        ("bytes=1-2-3", Whole),
        ("items=0-1", Whole),
        ("nonsense", Whole),
    ];
    for (text, expected) in table {
        assert_eq!(pick(text, 10), expected, "{text}");
    }
    assert_eq!(pick("bytes=0-0", 0), Unsatisfiable);
    assert_eq!(pick("bytes=-5", 0), Unsatisfiable);
    assert_eq!(select(&HeaderMap::new(), 10, &HeaderValue::from_static("\"e\"")), Whole);
}

#[test]
fn if_range_wants_the_very_tag() {
    let table = [("\"e\"", true), ("\"f\"", false), ("W/\"e\"", false), ("Sun, 22 Nov 2026 00:00:00 GMT", false)];
    for (tag, part) in table {
        let sent = [(RANGE, "bytes=0-0"), (IF_RANGE, tag)];
        let headers = HeaderMap::from_iter(sent.map(|(name, value)| (name, HeaderValue::from_static(value))));
        let got = select(&headers, 10, &HeaderValue::from_static("\"e\""));
        assert_eq!(got == Selection::Part(0..1), part, "{tag}");
    }
}

#[test]
fn two_range_headers_are_none() {
    let mut headers = HeaderMap::new();
    headers.append(RANGE, HeaderValue::from_static("bytes=0-0"));
    headers.append(RANGE, HeaderValue::from_static("bytes=1-1"));
    assert_eq!(select(&headers, 10, &HeaderValue::from_static("\"e\"")), Selection::Whole);
}

fn answer(range: Option<&str>) -> Response<Body> {
    let headers = range.map(|text| (RANGE, HeaderValue::from_str(text).unwrap())).into_iter().collect();
    let kind = HeaderValue::from_static("application/octet-stream");
    respond(&headers, kind, 10, HeaderValue::from_static("\"e\""), |part| {
        Body::from(b"0123456789"[usize::try_from(part.start).unwrap()..usize::try_from(part.end).unwrap()].to_vec())
    })
}

#[tokio::test]
async fn the_answer_says_which_part_it_is() {
    use http_body_util::BodyExt;
    let whole = answer(None);
    assert_eq!((whole.status().as_u16(), &whole.headers()[CONTENT_LENGTH]), (200, &HeaderValue::from(10)));
    assert_eq!(
        (&whole.headers()[ACCEPT_RANGES], &whole.headers()[ETAG]),
        (&HeaderValue::from_static("bytes"), &HeaderValue::from_static("\"e\""))
    );
    assert!(!whole.headers().contains_key(CONTENT_RANGE));
    let part = answer(Some("bytes=-3"));
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()[CONTENT_RANGE], "bytes 7-9/10");
    assert_eq!(part.headers()[CONTENT_LENGTH], "3");
    assert_eq!(part.into_body().collect().await.unwrap().to_bytes(), "789");
    let none = answer(Some("bytes=10-"));
    assert_eq!(none.status(), 416);
    assert_eq!(none.headers()[CONTENT_RANGE], "bytes */10");
    assert_eq!(none.headers()[CONTENT_TYPE], "application/problem+json");
}
