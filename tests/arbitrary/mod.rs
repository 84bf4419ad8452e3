//! Strategies for values of every kind. Each test program uses a part of this.
#![allow(dead_code)]

use achronyme_env::{
    Cell, Complex128, DType, Edge, ErrorValue, Extension, Function, Order, Record, Scope,
    StringArray, Tensor, Typed, UserFunction, Value, byte_len,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::samples;

/// Text of any Unicode, control characters included.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let any_text = vec(any::<char>(), 0..24).prop_map(String::from_iter);
    prop_oneof![8 => any_text.clone(), 1 => any_text.prop_map(|text| text.repeat(50))]
}

/// Binding names: of any text up to 4096 bytes, the empty one and the longest among them.
pub(crate) fn name() -> impl Strategy<Value = String> {
    let longest = any::<char>().prop_map(|c| {
        let mut name = c.to_string().repeat(4096 / c.len_utf8());
        name.push_str(&"x".repeat(4096 - name.len()));
        name
    });
    prop_oneof![
        8 => text().prop_filter("4096 bytes", |text| text.len() <= 4096),
        1 => longest,
        1 => Just(String::new()),
    ]
}

pub(crate) fn dtype() -> impl Strategy<Value = DType> {
    prop::sample::select(DType::ALL.to_vec())
}

pub(crate) fn order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::C), Just(Order::Fortran)]
}

pub(crate) fn shape() -> impl Strategy<Value = Vec<u64>> {
    prop_oneof![
        8 => vec(0..6u64, 0..5),
        1 => vec(1..2u64, 0..=64),
        // Empty, with dimensions whose product would overflow.
        1 => vec(any::<u64>(), 0..4).prop_map(|mut shape| { shape.push(0); shape }),
    ]
}

pub(crate) fn filled(dtype: DType, shape: &[u64], order: Order, seed: u64) -> Tensor {
    let mut bytes = samples::noise(seed, byte_len(dtype, shape).unwrap() as usize);
    if dtype == DType::Bool {
        bytes.iter_mut().for_each(|b| *b &= 1);
    }
    Tensor::from_bytes(dtype, shape, order, &bytes).unwrap()
}

pub(crate) fn tensor() -> impl Strategy<Value = Tensor> {
    (dtype(), shape(), order(), any::<u64>())
        .prop_map(|(dtype, shape, order, seed)| filled(dtype, &shape, order, seed))
}

pub(crate) fn leaf() -> impl Strategy<Value = Value> {
    let typed = (text(), any::<(u32, u64)>(), vec(any::<u8>(), 0..40)).prop_map(
        |(type_name, (version, fingerprint), bytes)| {
            let len = bytes.len() as u64;
            Value::from(Typed {
                type_name: type_name.into(),
                version,
                alignment: 8,
                fingerprint,
                bytes: Tensor::from_vec(bytes, [len]).unwrap(),
            })
        },
    );
    let strings = vec(text(), 0..6).prop_map(|strings| {
        let len = strings.len() as u64;
        Value::from(StringArray::new(strings, [len]).unwrap())
    });
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(|bits| f64::from_bits(bits).into()),
        any::<(u64, u64)>().prop_map(|(re, im)| Complex128::new(
            f64::from_bits(re),
            f64::from_bits(im)
        )
        .into()),
        text().prop_map(Value::from),
        // Around the length from which on it is an extent.
        (65_400..65_600usize).prop_map(|len| "x".repeat(len).into()),
        vec(any::<u8>(), 0..300).prop_map(|bytes| Value::Bytes(bytes.into())),
        (65_400..65_600usize).prop_map(|len| Value::Bytes(samples::noise(3, len).into())),
        tensor().prop_map(Value::from),
        tensor().prop_map(Value::from),
        strings,
        text().prop_map(|name| Function::Builtin { name: name.into() }.into()),
        typed,
    ]
}

pub(crate) fn record(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Record> {
    vec((text(), value), 0..20).prop_map(Record::from_iter)
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(6, 40, 6, |inner| {
        let texts = || (text(), proptest::option::of(text()));
        let edge = (texts(), any::<bool>(), record(inner.clone()));
        let function = (
            texts(),
            vec(text(), 0..3),
            record(inner.clone()),
            any::<bool>(),
        );
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::vector),
            record(inner.clone()).prop_map(Value::from),
            inner.clone().prop_map(|content| Cell::new(content).into()),
            // One cell at two places.
            inner.clone().prop_map(|content| {
                let cell = Cell::new(content);
                Value::vector([cell.clone(), cell])
            }),
            edge.prop_map(|((from, to), directed, properties)| {
                let to = to.unwrap_or_default().into();
                Edge {
                    from: from.into(),
                    to,
                    directed,
                    properties,
                }
                .into()
            }),
            function.prop_map(|((source, name), parameters, bindings, scoped)| {
                UserFunction {
                    name: name.map(Into::into),
                    parameters: parameters.into_iter().map(Into::into).collect(),
                    details: bindings.clone(),
                    source: source.into(),
                    scope: scoped.then(|| Scope::new(bindings)),
                }
                .into()
            }),
            (texts(), proptest::option::of(inner.clone())).prop_map(|((message, kind), source)| {
                let (message, kind) = (message.into(), kind.map(Into::into));
                ErrorValue {
                    message,
                    kind,
                    source,
                }
                .into()
            }),
            (text(), inner.clone(), inner).prop_map(|(type_name, parameters, storage)| {
                let type_name = type_name.into();
                Extension {
                    type_name,
                    parameters,
                    storage,
                }
                .into()
            }),
        ]
    })
}

/// A variable: a name of few, so that two workspaces have some in common; a value, and what is said
/// of it. Values named `shared` are made of cells that all of them hold.
#[derive(Clone, Debug)]
pub(crate) struct AnyVariable {
    pub(crate) name: &'static str,
    pub(crate) value: Value,
    pub(crate) shares: Option<usize>,
    pub(crate) attributes: Record,
    pub(crate) constant: bool,
    pub(crate) mutable: bool,
}

/// Names of [`variables`].
const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f.g", "h/i", "", "\u{1f980}"];

pub(crate) fn variables() -> impl Strategy<Value = Vec<AnyVariable>> {
    let attributes = prop_oneof![2 => Just(Record::new()), 1 => record(leaf())];
    let shares = prop_oneof![2 => Just(None), 1 => (0..3usize).prop_map(Some)];
    let variable = (
        prop::sample::select(NAMES.to_vec()),
        prop_oneof![3 => value(), 2 => (0..3i64).prop_map(Value::from)],
        shares,
        attributes,
        any::<(bool, bool)>(),
    );
    let variable = variable.prop_map(|(name, value, shares, attributes, marks)| AnyVariable {
        name,
        value,
        shares,
        attributes,
        constant: marks.0 && marks.1,
        mutable: marks.1,
    });
    vec(variable, 0..10)
}

/// The environment of some variables, the last of each name; those that share hold one of three
/// cells beside their value, and the second cell holds the first.
pub(crate) fn environment(variables: &[AnyVariable]) -> achronyme_env::Environment {
    let first = Cell::new(1i64);
    let second = Cell::new(Value::vector([Value::from(first.clone()), 2i64.into()]));
    let third = Cell::default();
    third.set(Value::vector([Value::from(third.clone())]));
    let cells = [first, second, third];
    let mut env = achronyme_env::Environment::new();
    let last: std::collections::BTreeMap<&str, usize> = variables
        .iter()
        .enumerate()
        .map(|(n, v)| (v.name, n))
        .collect();
    for (n, variable) in variables.iter().enumerate() {
        if last[variable.name] != n {
            continue;
        }
        let value = match variable.shares {
            None => variable.value.clone(),
            Some(cell) => Value::vector([variable.value.clone(), cells[cell].clone().into()]),
        };
        let defined = achronyme_env::Variable {
            value,
            attributes: variable.attributes.clone(),
            mutable: variable.mutable,
            constant: variable.constant,
        };
        env.define(variable.name, defined).unwrap();
    }
    env
}
