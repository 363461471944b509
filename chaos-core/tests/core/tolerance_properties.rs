//! Every tolerance judges every value, and says why it is not met.

use std::time::Duration;

use chaos_core::{Tolerance, steady_state::Look};
use proptest::prelude::*;
use serde_json::{Map, Value};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..4).prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

fn any_tolerance() -> impl Strategy<Value = Tolerance> {
    let leaf = prop_oneof![
        any_json().prop_map(Tolerance::is),
        prop::collection::vec(any_json(), 1..4).prop_map(Tolerance::one_of),
        any::<f64>().prop_map(Tolerance::at_least),
        any::<f64>().prop_map(Tolerance::at_most),
        (any::<f64>(), any::<f64>()).prop_map(|(least, most)| Tolerance::between(least, most)),
        (0..10_u64).prop_map(|limit| Tolerance::within(Duration::from_secs(limit))),
        any::<f64>().prop_map(Tolerance::no_more_than_before),
        any::<bool>().prop_map(|is_met| Tolerance::by("a coin", move |_| is_met)),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Tolerance::all),
            prop::collection::vec(inner, 1..3).prop_map(Tolerance::any),
        ]
    })
}

proptest! {
    #[test]
    fn judging_is_total_and_its_reason_is_short_and_on_one_line(
        tolerance in any_tolerance(), value in any_json(), took in 0..20_u64, normal in any::<f64>()
    ) {
        let look = Look::of(&value).took(Duration::from_secs(took)).normally(normal);
        if let Err(why) = tolerance.judge(&look) {
            prop_assert!(!why.is_empty() && !why.contains(['\n', '\u{202e}', '\u{1b}']), "{why:?}");
        }
        prop_assert!(!tolerance.to_string().contains('\n'));
    }

    #[test]
    fn a_value_is_itself(value in any_json()) {
        prop_assert_eq!(Tolerance::is(value.clone()).judge(&Look::of(&value)), Ok(()));
        prop_assert_eq!(Tolerance::one_of([value.clone()]).judge(&Look::of(&value)), Ok(()));
    }

    #[test]
    fn a_range_holds_just_the_numbers_within_it(least in -1e9..1e9, width in 0.0..1e9, number in -3e9..3e9) {
        let most = least + width;
        let value = Value::from(number);
        let met = |tolerance: Tolerance| tolerance.judge(&Look::of(&value)).is_ok();
        prop_assert_eq!(met((least..=most).into()), (least..=most).contains(&number));
        prop_assert_eq!(met((least..most).into()), (least..most).contains(&number));
        prop_assert_eq!(met((least..).into()), number >= least);
        prop_assert_eq!(met((..=most).into()), number <= most);
        prop_assert_eq!(met((..most).into()), number < most);
    }

    #[test]
    fn all_and_any_agree_with_their_parts(parts in prop::collection::vec(any_tolerance(), 1..4), value in any_json()) {
        let look = Look::of(&value);
        let met: Vec<bool> = parts.iter().map(|part| part.judge(&look).is_ok()).collect();
        let (all, any) = (Tolerance::all(parts.clone()), Tolerance::any(parts));
        prop_assert_eq!(all.judge(&look).is_ok(), met.iter().all(|met| *met));
        prop_assert_eq!(any.judge(&look).is_ok(), met.iter().any(|met| *met));
    }

    #[test]
    fn a_value_of_another_type_is_not_in_a_range(value in any_json()) {
        prop_assume!(!value.is_number());
        let why = Tolerance::at_least(0).judge(&Look::of(&value)).unwrap_err();
        prop_assert!(why.ends_with("expected at least 0") && why.contains(" is "), "{why}");
    }
}

#[test]
fn numbers_are_compared_by_their_value() {
    let (two_hundred, most) = (Value::from(200.0), Value::from(u64::MAX));
    assert_eq!(Tolerance::from(200).judge(&Look::of(&two_hundred)), Ok(()));
    assert!(Tolerance::from(u64::MAX - 1).judge(&Look::of(&most)).is_err(), "not as floating-point numbers");
    assert!(Tolerance::from(true).judge(&Look::of(&Value::from(1))).is_err());
}

#[test]
fn a_tolerance_that_panics_says_so() {
    let broken = Tolerance::by("an even number", |_| panic!("odd"));
    let why = broken.judge(&Look::of(&Value::from(1))).unwrap_err();
    assert_eq!(why, "the tolerance \"an even number\" panicked");
}
