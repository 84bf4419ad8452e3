//! One value as bytes in memory, and back: throughput.

use std::hint::black_box;

use achronyme_env::{Record, Tensor, Value, deserialize_value, serialize_value};
use achronyme_env_peers::measure::seconds;
use rkyv::rancor::Error;

use crate::Plan;
use crate::data::{Tensors, grouped, plain_tables, strings, sum, tables};
use crate::formats::plain::{Environment, Plain};
use crate::formats::{plain, safe_tensors};
use crate::report::Report;
use crate::turns::Case;

pub(crate) fn measure(plan: &Plan<'_>, report: &mut Report) {
    report.section(
        "Encoding",
        "A value as bytes in memory, and a value of its own again. `ach` writes sums and compares them. \
         Messages of some kilobytes are measured by the first program, below. Floor: a copy of the \
         bytes of the content.",
    );
    let tensors = Tensors::new(1, plan.of(8 << 20, 1 << 17));
    let numbers = tensors.iter().next().expect("a tensor").1.to_vec();
    let tensor = Tensor::from_vec(numbers.clone(), [numbers.len() as u64]).expect("a tensor");
    let title = format!("an array of {} MiB", tensors.bytes() >> 20);
    let (value, own) = (Value::from(tensor), Plain::Tensor(numbers));
    one(
        plan,
        report,
        &title,
        tensors.bytes(),
        &value,
        own,
        Some(&tensors),
    );

    let count = plan.of(100_000, 10_000);
    let fields = strings(count);
    let bytes = fields.iter().map(|(n, text)| n.len() + text.len()).sum();
    let value = Value::from(fields.iter().cloned().collect::<Record>());
    let own = fields
        .into_iter()
        .map(|(name, text)| (name, Plain::Text(text)));
    let title = format!("a record of {} strings", grouped(count));
    one(
        plan,
        report,
        &title,
        bytes,
        &value,
        Plain::Record(own.collect()),
        None,
    );

    let rows = plan.of(10_000, 1_000);
    let value = tables(1, rows).remove(0).1;
    let own = plain_tables(1, rows).remove(0).1;
    let title = format!("a table of {} records of three fields", grouped(rows));
    one(plan, report, &title, rows * 40, &value, own, None);
}

/// One value, of `bytes` bytes of content, in all formats.
fn one(
    plan: &Plan<'_>,
    report: &mut Report,
    title: &str,
    bytes: usize,
    value: &Value,
    own: Plain,
    tensors: Option<&Tensors>,
) {
    let environment = Environment::from([("value".to_owned(), own)]);
    let plain = &environment["value"];
    let content = vec![1u8; bytes];
    let mut cases = vec![
        Case::twice("ach", || seconds(|| serialize_value(value).expect("bytes"))).checks("CRC-32"),
        Case::twice("rkyv", || {
            seconds(|| rkyv::to_bytes::<Error>(&environment).expect("bytes"))
        }),
        Case::twice("MessagePack", || {
            seconds(|| rmp_serde::to_vec(plain).expect("bytes"))
        }),
    ];
    if let Some(tensors) = tensors {
        cases.push(Case::twice("safetensors", || {
            seconds(|| safe_tensors::bytes(tensors))
        }));
    }
    cases.push(Case::twice("floor: copy", || seconds(|| content.clone())));
    let cases = cases.into_iter().map(|case| case.includes("encode"));
    let table = plan.table(format!("encode {title}"), 4.0, cases.collect());
    report.table(&table.bytes(bytes));

    let image = serialize_value(value).expect("bytes");
    let archived = rkyv::to_bytes::<Error>(&environment).expect("bytes");
    let packed = rmp_serde::to_vec(plain).expect("bytes");
    let safe = tensors.map(safe_tensors::bytes);
    let mut cases = vec![
        Case::twice("ach", || {
            seconds(|| deserialize_value(&image).expect("a value"))
        })
        .checks("all"),
        Case::twice("rkyv", || {
            seconds(|| {
                let archived = rkyv::access::<plain::Archived, Error>(&archived);
                let archived = archived.expect("an archive");
                rkyv::deserialize::<Environment, Error>(archived).expect("a value")
            })
        })
        .checks("structure"),
        Case::twice("MessagePack", || {
            seconds(|| rmp_serde::from_slice::<Plain>(&packed).expect("a value"))
        })
        .checks("structure"),
    ];
    if let Some(safe) = &safe {
        let case = Case::twice("safetensors, in place, summed", || {
            seconds(|| {
                let tensors = safetensors::SafeTensors::deserialize(safe).expect("tensors");
                black_box(sum(tensors.iter().next().expect("a tensor").1.data()))
            })
        });
        cases.push(case.checks("structure"));
    }
    cases.push(Case::twice("floor: copy", || seconds(|| content.clone())));
    let cases = cases.into_iter().map(|case| case.includes("decode"));
    let table = plan.table(format!("decode {title}"), 4.0, cases.collect());
    report.table(&table.bytes(bytes));
}
