//! Values of every kind, for tests.
#![allow(dead_code)]

use achronyme_env::{
    Cell, Complex128, DType, Edge, ErrorValue, Extension, Function, Order, Record, Scope,
    StringArray, Tensor, Typed, UserFunction, Value, Vector,
};

/// Bytes that look random and are the same everywhere (splitmix64).
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// A tensor of `dtype` with noise in it; booleans are 0 or 1.
pub(crate) fn tensor(dtype: DType, shape: &[u64], order: Order) -> Tensor {
    let len = achronyme_env::byte_len(dtype, shape).unwrap() as usize;
    let mut bytes = noise(dtype.code().into(), len);
    if dtype == DType::Bool {
        bytes.iter_mut().for_each(|b| *b &= 1);
    }
    Tensor::from_bytes(dtype, shape, order, &bytes).unwrap()
}

/// One value of every kind, and of every dtype; names are of every kind too.
pub(crate) fn every_kind() -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = Vec::new();
    let mut add = |name: &str, value: Value| all.push((name.to_owned(), value));
    add("null", Value::Null);
    add("yes", true.into());
    add("no", false.into());
    add("integer", i64::MIN.into());
    add("number", (-0.0f64).into());
    add("nan", f64::from_bits(0x7ff4_dead_beef_0001).into());
    add(
        "complex",
        Complex128::new(f64::INFINITY, f64::from_bits(0xfff8_0000_0000_0007)).into(),
    );
    add("empty string", "".into());
    add("string of 15", "fifteen letters".into());
    add("string of 16", "sixteen letters!".into());
    add("string of 17", "seventeen letters".into());
    add(
        "Unicode \u{1f980} \u{0}",
        "crab \u{1f980} and NUL \u{0}".into(),
    );
    add("long string", "0123456789abcdef".repeat(5000).into());
    add("bytes", Value::Bytes(noise(1, 300).into()));
    add("long bytes", Value::Bytes(noise(2, 70_000).into()));
    add(
        "vector",
        Value::vector([Value::Null, 1i64.into(), 2.5.into(), "x".into()]),
    );
    add("empty vector", Value::Vector(Vector::new()));
    add(
        "long vector",
        Value::vector((0..10_000i64).map(Value::from)),
    );
    add("record", record(3).into());
    add("empty record", Record::new().into());
    add("record of 40", record(40).into());
    add("record of 5000", record(5000).into());
    add("nested", nested(100));
    add("a.b[0]", "a name with a dot and brackets".into());
    add("", "the empty name".into());
    add("edge", edge());
    add("builtin", Function::Builtin { name: "sin".into() }.into());
    for (name, value) in functions() {
        add(name, value);
    }
    for (name, value) in cells() {
        add(name, value);
    }
    add("error", error());
    add("extension", extension());
    add("typed", typed(100));
    add("typed empty", typed(0));
    add(
        "strings",
        StringArray::new(["a", "", "\u{e9}t\u{e9}", "d", "e", "f"], [2, 3])
            .unwrap()
            .into(),
    );
    add("no strings", StringArray::new([""; 0], [0]).unwrap().into());
    for dtype in DType::ALL {
        add(
            &format!("t/{dtype}"),
            tensor(dtype, &[3, 5], Order::C).into(),
        );
    }
    add(
        "t/fortran",
        tensor(DType::F64, &[4, 3, 2], Order::Fortran).into(),
    );
    add("t/scalar", tensor(DType::F32, &[], Order::C).into());
    add("t/empty", tensor(DType::F64, &[0, 3], Order::C).into());
    add("t/rank 64", tensor(DType::I16, &[1; 64], Order::C).into());
    add("t/one block", tensor(DType::U8, &[65_536], Order::C).into());
    add(
        "t/two blocks",
        tensor(DType::U8, &[65_537], Order::C).into(),
    );
    add("t/large", tensor(DType::F64, &[300, 401], Order::C).into());
    let shared = tensor(DType::F32, &[1000], Order::C);
    add("t/shared", shared.clone().into());
    add(
        "in a record",
        Record::from([("w", Value::from(shared)), ("b", 1.5.into())]).into(),
    );
    all
}

pub(crate) fn record(fields: usize) -> Record {
    (0..fields)
        .map(|n| {
            (
                format!("field {n}"),
                Value::from(format!("value {}", n * n)),
            )
        })
        .collect()
}

/// Vectors and records in turn, `levels` deep.
pub(crate) fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::from(0.5), |inner, level| match level % 2 {
        0 => Value::vector([inner]),
        _ => Record::from([("inner", inner)]).into(),
    })
}

fn edge() -> Value {
    let properties = Record::from([("weight", Value::from(0.25)), ("label", "road".into())]);
    Edge {
        from: "Lisbon".into(),
        to: "Porto".into(),
        directed: true,
        properties,
    }
    .into()
}

/// Two closures over one scope, and one that holds itself in its scope.
fn functions() -> Vec<(&'static str, Value)> {
    let scope = Scope::new(Record::from([("count", Cell::new(3i64))]));
    let closure = |name: &str, source: &str, scope: &Scope| {
        Value::from(UserFunction {
            name: Some(name.into()),
            parameters: vec!["x".into(), "y".into()],
            details: Record::from([("returns", "number")]),
            source: source.into(),
            scope: Some(scope.clone()),
        })
    };
    let recursive = Scope::default();
    let factorial = closure("factorial", "x < 2 ? 1 : x * factorial(x - 1)", &recursive);
    recursive.set_bindings(Record::from([("factorial", factorial.clone())]));
    vec![
        ("function up", closure("up", "count = count + x", &scope)),
        (
            "function down",
            closure("down", "count = count - y", &scope),
        ),
        ("function recursive", factorial),
        (
            "function bare",
            UserFunction {
                source: "x => x".into(),
                ..Default::default()
            }
            .into(),
        ),
    ]
}

/// A cell under two names, and one that holds itself.
fn cells() -> Vec<(&'static str, Value)> {
    let cell = Cell::new("content");
    let own = Cell::default();
    own.set(Record::from([
        ("me", Value::from(own.clone())),
        ("n", 1i64.into()),
    ]));
    vec![
        ("cell", cell.clone().into()),
        ("cell again", cell.into()),
        ("cell of itself", own.into()),
    ]
}

fn error() -> Value {
    let cause = ErrorValue {
        message: "division by zero".into(),
        kind: None,
        source: None,
    };
    ErrorValue {
        message: "cannot compute".into(),
        kind: Some("ArithmeticError".into()),
        source: Some(cause.into()),
    }
    .into()
}

fn extension() -> Value {
    Extension {
        type_name: "datetime64".into(),
        parameters: Record::from([("unit", "ns")]).into(),
        storage: tensor(DType::I64, &[4], Order::C).into(),
    }
    .into()
}

fn typed(len: usize) -> Value {
    Typed {
        type_name: "sim::State".into(),
        version: 3,
        alignment: 16,
        fingerprint: 0x0123_4567_89ab_cdef,
        bytes: Tensor::from_vec(noise(9, len), [len as u64]).unwrap(),
    }
    .into()
}
