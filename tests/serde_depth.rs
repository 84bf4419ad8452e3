//! Promise: however deep a type or a value is, a conversion answers an error and does not run off
//! the stack, on a thread of 512 KiB, and in a build without optimisation.

#![cfg(feature = "serde")]

mod small_stack;

use std::collections::BTreeMap;

use achronyme_env::limits::MAX_NESTING;
use achronyme_env::{Cell, EnvError, Extension, Record, Tensor, Value, from_value, to_value};
use serde::{Deserialize, Serialize};
use small_stack::on_small_stack;

#[derive(Serialize, Deserialize, Default)]
struct Link {
    next: Option<Box<Link>>,
}

#[derive(Serialize, Deserialize)]
enum Chain {
    End,
    Struct { next: Box<Chain> },
    Tuple(Box<Chain>, u8),
    Newtype(Box<Chain>),
    Map(BTreeMap<u8, Chain>),
}

#[derive(Serialize, Deserialize)]
struct Endless(Option<Box<Endless>>);

#[test]
fn a_list_of_structs_reaches_the_limit_and_not_beyond() {
    on_small_stack(|| {
        let list = |links: usize| {
            (1..links).fold(Link::default(), |next, _| Link {
                next: Some(Box::new(next)),
            })
        };
        let value = to_value(&list(MAX_NESTING)).unwrap();
        let back: Link = from_value(&value).unwrap();
        assert_eq!(links(&back), MAX_NESTING);

        let error = to_value(&list(MAX_NESTING + 1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "next.next.next.next.next.next.next.next...next.next.next.next is nested deeper than \
             128 levels; flatten it, or store the parts under names of their own"
        );
        let value = Value::from(Record::from([("next", value)]));
        let error = from_value::<Link>(&value).map(|_| ()).unwrap_err();
        assert!(matches!(error, EnvError::NestingTooDeep { .. }), "{error}");
    });
}

#[test]
fn every_kind_of_variant_counts_its_levels() {
    type Around = fn(Chain) -> Chain;
    let kinds: [(Around, usize); 4] = [
        (|next| Chain::Struct { next: next.into() }, 2),
        (|next| Chain::Tuple(next.into(), 0), 2),
        (|next| Chain::Newtype(next.into()), 1),
        // The variant's record, the extension, the vector of pairs, the pair.
        (|next| Chain::Map(BTreeMap::from([(0, next)])), 4),
    ];
    for (around, levels) in kinds {
        on_small_stack(move || {
            let chain = |links: usize| (0..links).fold(Chain::End, |next, _| around(next));
            let value = to_value(&chain(MAX_NESTING / levels)).unwrap();
            from_value::<Chain>(&value).unwrap();
            let error = to_value(&chain(MAX_NESTING / levels + 1)).unwrap_err();
            assert!(matches!(error, EnvError::NestingTooDeep { .. }), "{error}");
        });
    }
}

#[test]
fn a_map_that_turns_out_to_have_other_keys_is_measured_again() {
    let mixed = |levels: usize| {
        let deep = (1..levels).fold(serde_json::json!([]), |inner, _| serde_json::json!([inner]));
        BTreeMap::from([(Some("text"), deep), (None, serde_json::Value::Null)])
    };
    assert!(to_value(&mixed(MAX_NESTING - 3)).is_ok());
    let error = to_value(&mixed(MAX_NESTING - 2)).unwrap_err();
    assert!(matches!(error, EnvError::NestingTooDeep { .. }), "{error}");
}

#[test]
fn a_type_made_of_wrappers_alone_ends() {
    on_small_stack(|| {
        let endless = (0..10_000).fold(Endless(None), |inner, _| Endless(Some(inner.into())));
        let error = to_value(&endless).unwrap_err();
        assert!(matches!(error, EnvError::NestingTooDeep { .. }), "{error}");
        // Dropped link by link, since a recursive drop is not what is tested.
        let mut rest = Some(Box::new(endless));
        while let Some(link) = rest {
            rest = link.0;
        }
        for value in [
            Value::Integer(1),
            Tensor::from_vec(vec![1.0], [1]).unwrap().into(),
        ] {
            let error = from_value::<Endless>(&value).map(|_| ()).unwrap_err();
            assert!(matches!(error, EnvError::NestingTooDeep { .. }), "{error}");
        }
    });
}

#[test]
fn values_nested_in_any_way_are_refused_beyond_the_limit() {
    type Around = fn(Value) -> Value;
    let kinds: [Around; 4] = [
        |inner| Value::vector([inner]),
        |inner| Record::from([("x", inner)]).into(),
        |inner| Cell::new(inner).into(),
        |storage| {
            Value::from(Extension {
                type_name: "t".into(),
                parameters: Value::Null,
                storage,
            })
        },
    ];
    for around in kinds {
        on_small_stack(move || {
            let value = (0..600).fold(Value::Null, |inner, _| around(inner));
            let error = from_value::<serde_json::Value>(&value).unwrap_err();
            assert!(matches!(error, EnvError::NestingTooDeep { .. }), "{error}");
        });
    }
}

#[test]
fn a_cell_that_holds_itself_ends() {
    on_small_stack(|| {
        let cell = Cell::default();
        cell.set(Value::vector([Value::from(cell.clone())]));
        let error = from_value::<serde_json::Value>(&cell.clone().into()).unwrap_err();
        assert!(matches!(error, EnvError::NestingTooDeep { .. }), "{error}");
        cell.set(cell.clone());
        assert!(from_value::<f64>(&cell.clone().into()).is_err());
        cell.set(Value::Null);
    });
}

#[test]
fn a_tensor_of_the_highest_rank_below_the_deepest_vector_is_read() {
    on_small_stack(|| {
        let tensor = Value::from(Tensor::from_vec(vec![1.0], [1; 64]).unwrap());
        let value = (0..MAX_NESTING).fold(tensor, |inner, _| Value::vector([inner]));
        let json: serde_json::Value = from_value(&value).unwrap();
        let mut inner = &json;
        for _ in 0..MAX_NESTING + 64 {
            inner = &inner[0];
        }
        assert_eq!(*inner, 1.0);
    });
}

fn links(list: &Link) -> usize {
    let mut count = 1;
    let mut at = list;
    while let Some(next) = &at.next {
        count += 1;
        at = next;
    }
    count
}
