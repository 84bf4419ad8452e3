//! Paths into values, slices and patterns, as somebody types them. What a slice gives is counted out one
//! index after the other.
//!
//! An input is a path, a slice and a pattern, each on its line.

use std::sync::LazyLock;

use achronyme_env::{
    Archive, Axis, Patterns, Record, SaveOptions, Slice, Tensor, Value, escape_for_terminal,
    escape_pattern, save,
};

use crate::{look, measure};

static ARCHIVE: LazyLock<Archive> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("paths.ach");
    let tensor = Tensor::from_vec((0..60i32).collect(), [3, 4, 5]).expect("60 of them");
    let inner = Record::from([
        ("y z", Value::from(2.5)),
        ("list", Value::vector([1i64, 2, 3])),
    ]);
    let record = Record::from([("a", Value::from(inner)), ("t", tensor.clone().into())]);
    let bindings: [(&str, Value); 5] = [
        ("x", record.into()),
        ("t", tensor.into()),
        ("a.b[0]", "a name with a dot".into()),
        ("it's", true.into()),
        ("", Value::Null),
    ];
    let bindings = bindings.iter().map(|(name, value)| (*name, value));
    save(&path, bindings, &SaveOptions::new().durable(false)).expect("saved");
    Archive::from_bytes(std::fs::read(&path).expect("saved")).expect("an archive")
});

/// Runs one input.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (path, slice, pattern) = (line(), line(), line());
    let _ = ARCHIVE.len();
    // The archive holds 60 numbers; a pattern is compiled.
    measure::bounded(data.len(), 1 << 20, || {
        try_path(path);
        try_slice(slice);
        try_pattern(pattern);
    });
}

fn harmless(text: &str) {
    assert_eq!(escape_for_terminal(text), text, "what a message shows");
}

fn try_path(path: &str) {
    let value = ARCHIVE.at(path);
    let view = ARCHIVE.view_at(path);
    match (&value, &view) {
        (Ok(value), Ok(view)) => {
            let seen = view.to_value().expect("what is sound");
            assert_eq!(look::value(value), look::value(&seen));
        }
        (Err(error), _) => harmless(&error.to_string()),
        // A slice is a value of its own, and no part of one.
        (Ok(_), Err(error)) => harmless(&error.to_string()),
    }
}

fn try_slice(text: &str) {
    let slice = match text.parse::<Slice>() {
        Ok(slice) => slice,
        Err(error) => return harmless(&error.to_string()),
    };
    let again: Slice = slice.to_string().parse().expect("what a slice shows");
    assert_eq!(again, slice);
    let tensor = ARCHIVE.tensor("t").expect("it is there");
    let expected = counted(&slice, tensor.shape());
    match (tensor.slice(&slice), expected) {
        (Ok(taken), Some((shape, elements))) => {
            assert_eq!(taken.shape(), shape, "{text:?}");
            assert_eq!(
                taken.as_slice::<i32>().expect("numbers"),
                elements,
                "{text:?}"
            );
        }
        (Err(error), None) => harmless(&error.to_string()),
        (taken, expected) => panic!("{text:?}: {taken:?}, and by hand {expected:?}"),
    }
}

/// The shape and the elements of a slice of 0, 1, 2, ... in C order; `None` when it cannot be.
fn counted(slice: &Slice, shape: &[u64]) -> Option<(Vec<u64>, Vec<i32>)> {
    let is_named = |axis: &&Axis| **axis != Axis::Ellipsis;
    let named = slice.axes().iter().filter(is_named).count();
    if named > shape.len() || slice.axes().len() - named > 1 {
        return None;
    }
    let mut axes = Vec::new();
    for axis in slice.axes() {
        match axis {
            Axis::Ellipsis => axes.extend(vec![Axis::ALL; shape.len() - named]),
            other => axes.push(*other),
        }
    }
    axes.resize(shape.len(), Axis::ALL);
    let (mut kept, mut taken) = (Vec::new(), Vec::new());
    for (axis, len) in axes.iter().zip(shape) {
        let indices = indices(*axis, i128::from(*len))?;
        if !matches!(axis, Axis::Index(_)) {
            kept.push(indices.len() as u64);
        }
        taken.push(indices);
    }
    let mut elements = vec![0];
    for (indices, len) in taken.iter().zip(shape) {
        let steps = elements
            .iter()
            .flat_map(|at| indices.iter().map(move |n| at * *len as i32 + n));
        elements = steps.collect();
    }
    Some((kept, elements))
}

fn indices(axis: Axis, len: i128) -> Option<Vec<i32>> {
    let from_end = |index: i64| i128::from(index) + if index < 0 { len } else { 0 };
    match axis {
        Axis::Index(index) => {
            let index = from_end(index);
            (0..len).contains(&index).then(|| vec![index as i32])
        }
        Axis::Range { start, stop, step } => {
            if step == 0 {
                return None;
            }
            let step = i128::from(step);
            let (first, end) = if step > 0 { (0, len) } else { (len - 1, -1) };
            let start = start.map_or(first, from_end);
            if start > len {
                return None;
            }
            let start = if step > 0 {
                start.max(0)
            } else {
                start.min(len - 1)
            };
            let stop = stop.map_or(end, from_end);
            let stop = if step > 0 {
                stop.min(len)
            } else {
                stop.max(-1)
            };
            let mut at = start;
            let mut all = Vec::new();
            while (step > 0 && at < stop) || (step < 0 && at > stop) {
                all.push(at as i32);
                at += step;
            }
            Some(all)
        }
        Axis::Ellipsis => None,
    }
}

fn try_pattern(text: &str) {
    match Patterns::new([text]) {
        Ok(patterns) => {
            for name in ARCHIVE.names() {
                let _ = patterns.matches(name);
            }
        }
        Err(error) => harmless(&error.to_string()),
    }
    let only = Patterns::new([escape_pattern(text)]).expect("an escaped name is a pattern");
    assert!(only.matches(text), "{text:?} is not matched by itself");
    assert!(!only.matches(&format!("{text}x")));
}
