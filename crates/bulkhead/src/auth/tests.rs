use super::*;

fn headers(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, value.parse().expect("a header value"));
    headers
}

#[test]
fn tokens_are_found_where_clients_put_them() {
    let minted = TokenText::generate().expect("randomness");
    let text = minted.reveal();
    let basic = |pair: String| format!("Basic {}", STANDARD.encode(pair));
    for value in
        [format!("Bearer {text}"), format!("bearer  {text}"), basic(format!("token:{text}")), basic(format!("{text}:"))]
    {
        let found = token(&headers(&value)).expect("a token").expect("some token");
        assert_eq!(found.reveal(), text, "{value}");
    }
}

#[test]
fn what_is_no_token_is_refused_and_not_ignored() {
    for value in ["Digest a=b", "Bearer", "Bearer bh_x", "Basic !!!", "Basic bm8gY29sb24=", "Basic dXNlcjpwYXNz"] {
        let refusal = token(&headers(value)).expect_err(value);
        assert_eq!(refusal.code, Code::TokenRefused, "{value}");
    }
    assert!(token(&HeaderMap::new()).is_ok_and(|found| found.is_none()));
}
