use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn shown_and_read_again_it_is_the_same(bytes in any::<[u8; 32]>()) {
        let digest = Sha256::from_bytes(bytes);
        prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        prop_assert_eq!(digest.to_hex().to_uppercase().parse(), Ok(digest));
        let json = serde_json::to_string(&digest).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Sha256>(&json).expect("a digest"), digest);
    }

    #[test]
    fn nothing_else_is_a_digest(text in "\\PC{0,70}") {
        let good = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        prop_assert_eq!(text.parse::<Sha256>().is_ok(), good);
    }
}

#[test]
fn a_wrong_digest_is_named_and_cut() {
    insta::assert_snapshot!("abc".parse::<Sha256>().expect_err("too short"), @"`abc` is not a SHA-256 digest: 64 hexadecimal digits are wanted");
    let long = "x".repeat(10_000).parse::<Sha256>().expect_err("too long");
    assert!(long.to_string().len() < 200);
}
