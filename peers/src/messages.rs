//! One value as bytes: encoding it, and one field of it, beside JSON and MessagePack of the same values
//! in structs of serde.

use std::hint::black_box;
use std::sync::Arc;

use achronyme_env::codec::{Codec, Encoder, Json, Rkyv};
use achronyme_env::{
    BufferPool, MessageReader, MessageWriter, PooledBuffer, Record, Tensor, Value, ValueImage,
    serialize_value,
};
use serde::{Deserialize, Serialize};

use super::allocations::allocations;
use super::measure::{Case, busy, in_turn, print};
use super::{Outcome, Plan};

/// What somebody tells of a step of a run.
#[derive(Serialize, Deserialize)]
struct Step {
    run: String,
    tags: Vec<String>,
    losses: Vec<f64>,
    position: [f64; 3],
    time: f64,
    step: i64,
}

#[derive(Serialize, Deserialize)]
struct Row {
    name: String,
    x: f64,
    n: i64,
}

#[derive(Serialize, Deserialize)]
struct Table {
    rows: Vec<Row>,
    step: i64,
}

#[derive(Serialize, Deserialize)]
struct Weights {
    weights: Vec<f64>,
    step: i64,
}

/// The field that is asked for; what reads it passes over the others.
#[derive(Deserialize)]
struct Only {
    step: i64,
}

fn numbers(count: u32) -> Vec<f64> {
    (0..count).map(|n| (f64::from(n) * 0.7).sin()).collect()
}

fn step() -> (Step, Value) {
    let step = Step {
        run: "baseline/2026-11-22".to_owned(),
        tags: ["mnist", "gpu 3", "fp32", "retry"]
            .map(str::to_owned)
            .into(),
        losses: numbers(100),
        position: [0.5, -1.25, 3.0],
        time: 1234.56789,
        step: 4711,
    };
    let tensor = |numbers: &[f64]| {
        let shape = [numbers.len() as u64];
        Tensor::from_vec(numbers.to_vec(), shape).expect("a tensor")
    };
    let value = Record::from([
        ("run", Value::from(step.run.as_str())),
        ("tags", Value::vector(step.tags.iter().map(String::as_str))),
        ("losses", tensor(&step.losses).into()),
        ("position", tensor(&step.position).into()),
        ("time", step.time.into()),
        ("step", step.step.into()),
    ]);
    (step, value.into())
}

fn table() -> (Table, Value) {
    let rows: Vec<Row> = (0..10_000)
        .map(|n| Row {
            name: format!("name {n}"),
            x: f64::from(n) * 0.37,
            n: n.into(),
        })
        .collect();
    let row = |row: &Row| {
        Value::from(Record::from([
            ("name", Value::from(row.name.as_str())),
            ("x", row.x.into()),
            ("n", row.n.into()),
        ]))
    };
    let value = Record::from([
        ("rows", Value::vector(rows.iter().map(row))),
        ("step", 4711.into()),
    ]);
    (Table { rows, step: 4711 }, value.into())
}

fn weights() -> (Weights, Value) {
    let weights = numbers(1 << 17);
    let tensor = Tensor::from_vec(weights.clone(), [1 << 17]).expect("a tensor");
    let value = Record::from([("weights", Value::from(tensor)), ("step", 4711.into())]);
    (
        Weights {
            weights,
            step: 4711,
        },
        value.into(),
    )
}

/// Bytes that several look at.
#[derive(Clone, Debug)]
struct Shared(Arc<PooledBuffer>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Encoding and reading one field of three values, and messages.
pub(crate) fn messages(plan: &Plan<'_>) -> Outcome {
    let rounds = plan.of(15, 3);
    let (native, value) = step();
    compare(
        "a step of a run (108 numbers, 6 texts)",
        rounds,
        plan.of(2000, 20),
        &native,
        &value,
    )?;
    let (native, value) = table();
    compare(
        "10,000 records of 3 fields",
        rounds,
        plan.of(10, 1),
        &native,
        &value,
    )?;
    let (native, value) = weights();
    compare(
        "a tensor of 1 MiB and a number",
        rounds,
        plan.of(50, 1),
        &native,
        &value,
    )?;
    sent(rounds, plan.of(1000, 50))
}

fn compare<T: Serialize>(
    what: &str,
    rounds: usize,
    times: u32,
    native: &T,
    value: &Value,
) -> Outcome {
    let encoder = Encoder::new(Rkyv, BufferPool::new(64 << 20));
    let pooled = || encoder.encode("value", value).expect("a value");
    let json = || serde_json::to_vec(native).expect("JSON");
    let dynamic = serde_json::to_value(native)?;
    let json_value = || serde_json::to_vec(&dynamic).expect("JSON");
    let json_same = || Json::new().encode(value).expect("JSON");
    let pack = || rmp_serde::to_vec_named(native).expect("MessagePack");
    let image = || serialize_value(value).expect("a value");
    let repeat = |work: &dyn Fn()| busy(|| (0..times).for_each(|_| work()));

    let mut cases = [
        Case::second("achronyme-env, `Encoder`", || {
            repeat(&|| drop(black_box(pooled())))
        }),
        Case::second("`serialize_value`", || repeat(&|| drop(black_box(image())))),
        Case::second("`codec::Json` of the same value", || {
            repeat(&|| drop(black_box(json_same())))
        }),
        Case::second("serde_json, of its `Value`", || {
            repeat(&|| drop(black_box(json_value())))
        }),
        Case::second("serde_json, of structs", || {
            repeat(&|| drop(black_box(json())))
        }),
        Case::second("rmp-serde, of structs", || {
            repeat(&|| drop(black_box(pack())))
        }),
    ];
    in_turn(rounds, &mut cases);
    print(&format!("encoding {what}"), times.into(), &cases);

    let bytes = Shared(Arc::new(pooled()));
    let (text, packed) = (json(), pack());
    let ours = || {
        let image = ValueImage::open(bytes.clone()).expect("an image");
        let view = image.view().expect("a record");
        assert_eq!(view.field("step").and_then(|v| v.as_i64()).ok(), Some(4711));
    };
    let of_json = || {
        let only: Only = serde_json::from_slice(&text).expect("JSON");
        assert_eq!(only.step, 4711);
    };
    let of_pack = || {
        let only: Only = rmp_serde::from_slice(&packed).expect("MessagePack");
        assert_eq!(only.step, 4711);
    };
    let mut cases = [
        Case::second("achronyme-env, `ValueImage`", || repeat(&ours)),
        Case::second("serde_json, a struct of this field", || repeat(&of_json)),
        Case::second("rmp-serde, a struct of this field", || repeat(&of_pack)),
    ];
    in_turn(rounds, &mut cases);
    print(&format!("one field of {what}"), times.into(), &cases);

    println!("| memory to encode {what} | allocations | bytes | length |");
    println!("|---|---|---|---|");
    let tell = |name: &str, (count, bytes): (u64, u64), len: usize| {
        println!("| {name} | {count} | {bytes} | {len} |");
    };
    tell(
        "achronyme-env, `Encoder`",
        allocations(pooled),
        pooled().len(),
    );
    tell("`serialize_value`", allocations(image), image().len());
    tell(
        "`codec::Json` of the same value",
        allocations(json_same),
        json_same().len(),
    );
    tell(
        "serde_json, of its `Value`",
        allocations(json_value),
        json_value().len(),
    );
    tell("serde_json, of structs", allocations(json), json().len());
    tell("rmp-serde, of structs", allocations(pack), pack().len());
    println!();
    Ok(())
}

/// Messages that go through memory, and what they take beside their values.
fn sent(rounds: usize, times: u32) -> Outcome {
    let (_, value) = step();
    let mut writer = MessageWriter::new(Vec::new())?;
    for _ in 0..times {
        writer.send_value(&value)?;
    }
    let stream = writer.into_inner();
    let image = serialize_value(&value)?.len() as u64;
    let mut cases = [
        Case::second("send", || {
            let mut writer = MessageWriter::new(std::io::sink()).expect("a writer");
            busy(|| (0..times).for_each(|_| _ = writer.send_value(&value).expect("sent")))
        }),
        Case::second("receive, one field", || {
            busy(|| {
                let mut reader = MessageReader::new(&stream[..]);
                while let Some(message) = reader.receive().expect("a message") {
                    let image = message.image().expect("an image");
                    let step = image.view().and_then(|view| view.field("step")?.as_i64());
                    assert_eq!(step.ok(), Some(4711));
                }
            })
        }),
        Case::second("receive, the whole value", || {
            busy(|| {
                let mut reader = MessageReader::new(&stream[..]);
                while let Some(message) = reader.receive().expect("a message") {
                    black_box(message.value().expect("a value"));
                }
            })
        }),
    ];
    in_turn(rounds, &mut cases);
    print("a message of a step of a run", times.into(), &cases);
    let overhead = stream.len() as u64 - image * u64::from(times);
    println!(
        "{times} messages of {image} bytes take {overhead} bytes more than their values in the stream: \
         header, content type, sums and padding.\n"
    );
    Ok(())
}
