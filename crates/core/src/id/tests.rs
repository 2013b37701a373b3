use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn a_verdict_id_is_read_as_it_is_shown(index in any::<u64>()) {
        let id = VerdictId(EntryIndex(index));
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_run_id_is_read_as_it_is_shown(bits in any::<u128>()) {
        let id = RunId::from_uuid(Uuid::from_u128(bits));
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }
}

#[test]
fn what_is_no_verdict_id() {
    for text in ["", "v", "12", "V12", "v-1", "v+1", "v 1", "v1 ", "v0x1", "v18446744073709551616"] {
        assert!(text.parse::<VerdictId>().is_err(), "{text}");
    }
    insta::assert_snapshot!("12".parse::<VerdictId>().expect_err("no v"), @"`12` is not a verdict id");
    insta::assert_snapshot!("12".parse::<RunId>().expect_err("no uuid"), @"`12` is not a run id");
}
