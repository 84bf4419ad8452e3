//! Promise, for arbitrary values, slices, paths and names: what is saved comes back bit for bit on
//! every road; slices are what a naive walk gives; paths and patterns never panic; questions about
//! names agree with looking at every name.

mod arbitrary;
mod samples;
mod small;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::Path;

use achronyme_env::{
    Archive, Axis, DType, EnvError, Order, Patterns, Record, SaveOptions, Slice, Tensor, Value,
    deserialize_value, save, serialize_value,
};
use arbitrary::{dtype, filled, name, order, text, value};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use small::all_roads;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        // A failure is told with its input; files with seeds are not kept beside the tests.
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    }
}

fn saved(path: &Path, values: &BTreeMap<String, Value>, cold: bool) {
    let mut options = SaveOptions::new()
        .allow_overwrite(true)
        .durable(false)
        .created_at(1);
    if cold {
        options = options.cold("*").compression_level(1);
    }
    save(path, values, &options).unwrap();
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn values_come_back_bit_for_bit(values in btree_map(name(), value(), 0..5)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("any.ach");
        for cold in [false, true] {
            saved(&path, &values, cold);
            let bytes = std::fs::read(&path).unwrap();
            for (road, open) in all_roads() {
                let archive = open(&path).unwrap();
                prop_assert!(archive.names().eq(values.keys()), "{}", road);
                for (name, value) in &values {
                    let found = archive.get(name).unwrap();
                    prop_assert!(value.identical(&found).unwrap(), "{}: {:?}", road, name);
                    let seen = archive.view(name).unwrap().to_value().unwrap();
                    prop_assert!(value.identical(&seen).unwrap(), "{}: {:?}", road, name);
                }
                let report = archive.verify().unwrap();
                prop_assert!(report.is_ok(), "{}: {:?}", road, report);
            }
            // The same again gives the same bytes.
            saved(&path, &values, cold);
            prop_assert!(std::fs::read(&path).unwrap() == bytes);
        }
    }

    #[test]
    fn value_images_come_back_bit_for_bit(value in value()) {
        let image = serialize_value(&value).unwrap();
        let back = deserialize_value(&image).unwrap();
        prop_assert!(value.identical(&back).unwrap());
        prop_assert!(serialize_value(&back).unwrap() == image);
    }
}

/// One axis of a slice: mostly near the axes there are, now and then far from all.
fn axis() -> impl Strategy<Value = Axis> {
    let near = -9..9i64;
    let end = || {
        prop_oneof![
            4 => Just(None),
            8 => near.clone().prop_map(Some),
            1 => any::<i64>().prop_map(Some),
        ]
    };
    let step = prop_oneof![
        4 => Just(1),
        8 => prop_oneof![-4..0i64, 1..4i64],
        1 => any::<i64>().prop_filter("not 0", |step| *step != 0),
        1 => prop_oneof![Just(i64::MAX), Just(i64::MIN)],
    ];
    prop_oneof![
        1 => (-3..3i64).prop_map(Axis::Index),
        4 => (end(), end(), step)
            .prop_map(|(start, stop, step)| Axis::Range { start, stop, step }),
        1 => Just(Axis::Ellipsis),
    ]
}

/// The indices an axis takes, as the documentation of slices tells it; `None` when it is an error.
fn indices(axis: Axis, length: u64) -> Option<Vec<u64>> {
    let len = i128::from(length);
    let from_end = |n: i64| i128::from(n) + if n < 0 { len } else { 0 };
    match axis {
        Axis::Index(n) => {
            let at = from_end(n);
            (0..len).contains(&at).then(|| vec![at as u64])
        }
        Axis::Range { start, stop, step } => {
            if start.is_some_and(|start| from_end(start) > len) {
                return None;
            }
            // Every index in the direction of the step that lies between start and stop, each
            // `step`-th of them, beginning with the first inside the axis.
            let step = i128::from(step);
            let forward = step > 0;
            let first = match start.map(from_end) {
                None if forward => 0,
                None => len - 1,
                Some(start) if forward => start.max(0),
                Some(start) => start.min(len - 1),
            };
            let before_stop = |at: i128| match stop.map(from_end) {
                None => true,
                Some(stop) if forward => at < stop,
                Some(stop) => at > stop,
            };
            let mut taken = Vec::new();
            let mut at = first;
            while (0..len).contains(&at) && before_stop(at) {
                taken.push(at as u64);
                at += step;
            }
            Some(taken)
        }
        Axis::Ellipsis => unreachable!(),
    }
}

/// Shape and bytes of a slice, element by element; `None` when it is an error.
fn naive(tensor: &Tensor, axes: &[Axis]) -> Option<(Vec<u64>, Vec<u8>)> {
    let rank = tensor.shape().len();
    let ellipses = axes.iter().filter(|axis| **axis == Axis::Ellipsis).count();
    let named = axes.len() - ellipses;
    if named > rank || ellipses > 1 {
        return None;
    }
    let at = axes.iter().position(|axis| *axis == Axis::Ellipsis);
    let (before, after) = axes.split_at(at.unwrap_or(axes.len()));
    let after = after.get(1..).unwrap_or_default();
    let whole = vec![Axis::ALL; rank - named];
    let all = [before, &whole, after].concat();
    let mut taken = Vec::new();
    for (axis, length) in all.iter().zip(tensor.shape()) {
        taken.push(indices(*axis, *length)?);
    }
    let shape: Vec<u64> = all
        .iter()
        .zip(&taken)
        .filter(|(axis, _)| !matches!(axis, Axis::Index(_)))
        .map(|(_, taken)| taken.len() as u64)
        .collect();
    let (bytes, size) = (tensor.as_bytes().unwrap(), tensor.dtype().size() as u64);
    let total: usize = taken.iter().map(Vec::len).product();
    let mut out = Vec::new();
    for number in 0..total {
        // The result counts through its axes in its own order, which is the tensor's.
        let mut left = number;
        let mut place = 0;
        let mut turn = |axis: usize, strides: &[u64]| {
            let index = taken[axis][left % taken[axis].len()];
            left /= taken[axis].len();
            place += index * strides[axis];
        };
        let mut strides = vec![0; rank];
        let mut step = size;
        let fastest_first: Vec<usize> = match tensor.order() {
            Order::C => (0..rank).rev().collect(),
            Order::Fortran => (0..rank).collect(),
        };
        for axis in &fastest_first {
            strides[*axis] = step;
            step *= tensor.shape()[*axis];
        }
        fastest_first.iter().for_each(|axis| turn(*axis, &strides));
        out.extend_from_slice(&bytes[place as usize..][..size as usize]);
    }
    Some((shape, out))
}

fn assert_slice(
    what: &str,
    tensor: &Tensor,
    slice: &Slice,
    expected: &Option<(Vec<u64>, Vec<u8>)>,
) {
    match (tensor.slice(slice), expected) {
        (Ok(found), Some((shape, bytes))) => {
            assert_eq!(found.shape(), shape, "{what}: {tensor:?}[{slice}]");
            assert_eq!(found.order(), tensor.order());
            assert_eq!(found.dtype(), tensor.dtype());
            let same = found.as_bytes().unwrap() == bytes;
            assert!(same, "{what}: {tensor:?}[{slice}]");
        }
        (Err(EnvError::SliceOutOfRange { .. }), None) => {}
        (found, expected) => {
            let shape = expected.as_ref().map(|(shape, _)| shape);
            panic!("{what}: {tensor:?}[{slice}] is {found:?}, not of shape {shape:?}");
        }
    }
}

/// The same tensor on every road, hot and cold.
fn everywhere(dir: &Path, tensor: &Tensor) -> Vec<(String, Archive)> {
    let values = BTreeMap::from([("x".to_owned(), Value::from(tensor.clone()))]);
    let mut archives = Vec::new();
    for cold in [false, true] {
        let path = dir.join(format!("{cold}.ach"));
        saved(&path, &values, cold);
        archives.extend(all_roads().map(|(road, open)| {
            let what = format!("{road}, cold {cold}");
            (what, open(&path).unwrap())
        }));
    }
    archives
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn slices_are_what_a_naive_walk_gives(
        dtype in dtype(),
        shape in vec(0..7u64, 0..5),
        order in order(),
        slices in vec(vec(axis(), 1..5), 1..12),
    ) {
        let tensor = filled(dtype, &shape, order, 7);
        let dir = tempfile::tempdir().unwrap();
        let archives = everywhere(dir.path(), &tensor);
        for axes in slices {
            let expected = naive(&tensor, &axes);
            let slice = Slice::new(axes);
            assert_slice("owned", &tensor, &slice, &expected);
            for (what, archive) in &archives {
                assert_slice(what, &archive.tensor("x").unwrap(), &slice, &expected);
                // A slice of a slice, so that a tensor is cut that does not begin its extent.
                if let (Some((shape, _)), Ok(part)) = (&expected, tensor.slice(&slice)) {
                    let reversed = Slice::new([Axis::Range { start: None, stop: None, step: -1 }]);
                    let twice = naive(&part, reversed.axes());
                    let found = archive.tensor("x").unwrap().slice(&slice).unwrap();
                    prop_assert_eq!(found.shape(), shape);
                    assert_slice(what, &found, &reversed, &twice);
                }
            }
            // Written and read again it is the same slice.
            let text = slice.to_string();
            prop_assert_eq!(text.parse::<Slice>().unwrap(), slice, "{}", text);
        }
    }

    #[test]
    fn paths_slices_and_patterns_never_panic(
        texts in vec(prop_oneof![
            2 => "[ab'.\\[\\]:,0-9 \\-\u{e9}*?{}!\\\\]{0,24}",
            1 => text(),
        ], 32),
    ) {
        let archive = archive_of(["a", "a.b", "a[0]", "'", "b", "\u{e9}", ""].map(str::to_owned));
        for text in texts {
            let _ = text.parse::<Slice>().map(|slice| slice.to_string());
            let _ = Patterns::new([&text]).map(|patterns| patterns.matches("a.b"));
            let found = archive.at(&text);
            prop_assert_eq!(archive.matching(&text).is_ok(), Patterns::new([&text]).is_ok());
            // An exact name wins, whatever its characters mean.
            prop_assert!(!archive.contains(&text) || found.is_ok(), "{:?}", text);
            if let Err(error) = found {
                let shown = error.to_string();
                prop_assert!(!shown.contains(char::is_control), "{:?}", shown);
            }
            if let Err(error) = Patterns::new([&text]) {
                let shown = error.to_string();
                prop_assert!(!shown.contains(char::is_control), "{:?}", shown);
            }
            let _ = archive.view_at(&text).map(|view| view.kind());
        }
    }

    #[test]
    fn a_quoted_path_leads_to_any_field_of_any_name(name in name(), field in text()) {
        let record = Record::from([(field.as_str(), Value::from(5i64)), ("other", Value::Null)]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("any.ach");
        let values = BTreeMap::from([(name.clone(), Value::from(record))]);
        saved(&path, &values, false);
        let archive = Archive::open(&path).unwrap();
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let whole = format!("{}.{}", quoted(&name), quoted(&field));
        prop_assert_eq!(archive.at(&whole).unwrap().as_i64(), Some(5), "{}", whole);
    }

    #[test]
    fn questions_about_names_agree_with_looking_at_every_name(
        names in btree_set("[ab./\u{e9}_*]{0,5}", 0..40),
        prefixes in vec("[ab./\u{e9}_*]{0,3}", 8),
        patterns in vec("[ab./\u{e9}*?{},\\[\\]!\\\\]{0,5}", 24),
    ) {
        let archive = archive_of(names.iter().cloned());
        let found = |bindings: Vec<achronyme_env::Binding<'_>>| -> Vec<String> {
            bindings.iter().map(|b| b.name().to_owned()).collect()
        };
        let filter = |keep: &dyn Fn(&str) -> bool| -> Vec<String> {
            names.iter().filter(|name| keep(name)).cloned().collect()
        };
        for prefix in &prefixes {
            let expected = filter(&|name| name.starts_with(prefix.as_str()));
            prop_assert_eq!(archive.count_prefix(prefix), expected.len());
            prop_assert_eq!(found(archive.with_prefix(prefix).collect()), expected);
            prop_assert_eq!(archive.contains(prefix), names.contains(prefix));
            for separator in ['.', '/', '\u{e9}'] {
                assert_children(&archive, &names, prefix, separator);
            }
        }
        for pair in prefixes.windows(2) {
            let [low, high] = [pair[0].as_str(), pair[1].as_str()];
            let bounds = |at| [Bound::Included(at), Bound::Excluded(at), Bound::Unbounded];
            for start in bounds(low) {
                for end in bounds(high) {
                    let after = |name: &str| match start {
                        Bound::Included(low) => name >= low,
                        Bound::Excluded(low) => name > low,
                        Bound::Unbounded => true,
                    };
                    let before = |name: &str| match end {
                        Bound::Included(high) => name <= high,
                        Bound::Excluded(high) => name < high,
                        Bound::Unbounded => true,
                    };
                    let expected = filter(&|name| after(name) && before(name));
                    prop_assert_eq!(found(archive.in_range((start, end)).collect()), expected);
                }
            }
        }
        for pattern in &patterns {
            let expected = match Patterns::new([pattern]) {
                _ if names.contains(pattern) => Some(vec![pattern.clone()]),
                Ok(patterns) => Some(filter(&|name| patterns.matches(name))),
                Err(_) => None,
            };
            let matching = archive.matching(pattern).ok().map(found);
            prop_assert_eq!(matching, expected, "{}", pattern);
        }
    }
}

fn archive_of(names: impl IntoIterator<Item = String>) -> Archive {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("names.ach");
    let values: BTreeMap<String, Value> = names
        .into_iter()
        .map(|name| (name, Value::vector([1i64, 2])))
        .collect();
    saved(&path, &values, false);
    Archive::open(&path).unwrap()
}

fn assert_children(archive: &Archive, names: &BTreeSet<String>, prefix: &str, separator: char) {
    let mut expected: BTreeMap<String, (bool, usize)> = BTreeMap::new();
    for name in names.iter().filter(|name| name.starts_with(prefix)) {
        match name[prefix.len()..].find(separator) {
            None => expected.entry(name.clone()).or_default().0 = true,
            Some(at) => {
                let child = &name[..prefix.len() + at];
                expected.entry(child.to_owned()).or_default().1 += 1;
            }
        }
    }
    let children = archive.children(prefix, separator);
    let count = children.len();
    let found: BTreeMap<_, _> = children
        .into_iter()
        .map(|child| (child.name, (child.is_binding, child.below)))
        .collect();
    assert_eq!(found.len(), count, "a child stands twice");
    assert_eq!(found, expected, "{names:?} below {prefix:?} at {separator}");
}

/// Slices of a tensor that takes several blocks, hot and cold, in both orders.
#[test]
fn slices_of_a_tensor_of_many_blocks_are_what_a_naive_walk_gives() {
    for order in [Order::C, Order::Fortran] {
        let tensor = filled(DType::U16, &[5, 131, 401], order, 9);
        let dir = tempfile::tempdir().unwrap();
        let archives = everywhere(dir.path(), &tensor);
        for text in [
            "...",
            "3",
            "-1",
            "1:4",
            "::2",
            "::-1",
            ":, 7",
            ":, :, 7",
            ":, :, -1",
            "2, 100:, :5",
            "::2, ::50, ::-100",
            "4, 130, 400",
            "4:, 130:, 400:",
            ":, 60:70",
            ":, ::-1, 0",
            "..., 399:",
            "0, :, 200:210",
            "::-2, 5, ::3",
            "5:",
            ":, 131:",
            "1:1",
        ] {
            let slice: Slice = text.parse().unwrap();
            let expected = naive(&tensor, slice.axes());
            assert!(expected.is_some(), "{text}");
            for (what, archive) in &archives {
                let fresh = archive.tensor("x").unwrap();
                assert_slice(what, &fresh, &slice, &expected);
                // Once it is in memory as a whole.
                fresh.as_bytes().unwrap();
                assert_slice(what, &fresh, &slice, &expected);
                let Value::Tensor(found) = archive.at(&format!("x[{text}]")).unwrap() else {
                    panic!("{text}");
                };
                let (shape, bytes) = expected.as_ref().unwrap();
                assert_eq!(found.shape(), shape);
                assert!(found.as_bytes().unwrap() == bytes, "{what}: {text}");
            }
        }
    }
}
