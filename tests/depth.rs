//! Promise: 128 levels of nesting are saved, opened, seen and verified on a thread with a stack of
//! 512 KiB, in a build without optimization too; the 129th is an error that names a path; chains of
//! cells have no limit, and cells may hold themselves.

mod samples;
mod small;
mod small_stack;

use achronyme_env::{
    Archive, Cell, Edge, EnvError, Environment, ErrorValue, Extension, Kind, Record,
    RestoreOptions, SaveOptions, Scope, UserFunction, Value, deserialize_value,
    restore_environment, save, save_environment, serialize_value,
};
use small::ROADS;
use small_stack::on_small_stack;

const LEVELS: usize = achronyme_env::limits::MAX_NESTING;

/// One level of each kind that nests.
fn wrap(kind: usize, inner: Value) -> Value {
    match kind {
        0 => Value::vector([inner]),
        1 => Record::from([("inner", inner)]).into(),
        2 => Extension {
            type_name: "level".into(),
            parameters: Value::Null,
            storage: inner,
        }
        .into(),
        3 => ErrorValue {
            message: "because".into(),
            kind: None,
            source: Some(inner),
        }
        .into(),
        4 => {
            // A record of 16 has an index: a box, a vector, and a vector beside it.
            let mut record = samples::record(15);
            record.insert("inner", inner);
            record.into()
        }
        _ => unreachable!(),
    }
}

fn nested(levels: usize, kind_of: impl Fn(usize) -> usize) -> Value {
    (0..levels).fold(Value::from(1i64), |inner, level| {
        wrap(kind_of(level), inner)
    })
}

#[test]
fn values_of_128_levels_of_each_kind_go_everywhere() {
    for kind in 0..=5 {
        on_small_stack(move || {
            let value = nested(LEVELS, |level| if kind == 5 { level % 5 } else { kind });
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("deep.ach");
            save(&path, [("deep", &value)], &SaveOptions::new()).unwrap();
            for (road, open) in ROADS {
                let archive = open(&path).unwrap();
                let report = archive.verify().unwrap();
                assert!(report.is_ok(), "{kind}, {road}: {report:?}");
                archive.verify_one("deep").unwrap();
                assert!(archive.is_checked("deep").unwrap());
                archive.binding("deep").unwrap().sizes().unwrap();
                let found = archive.get("deep").unwrap();
                assert!(value.identical(&found).unwrap(), "{kind}, {road}");
                let view = archive.view("deep").unwrap();
                assert!(view.to_value().unwrap().identical(&value).unwrap());
            }
            let image = serialize_value(&value).unwrap();
            let back = deserialize_value(&image).unwrap();
            assert!(value.identical(&back).unwrap());
        });
    }
}

#[test]
fn sessions_go_everywhere_with_a_cell_below_128_levels_of_each_kind() {
    for kind in 0..=5 {
        on_small_stack(move || {
            let kind_of = |level| if kind == 5 { level % 5 } else { kind };
            let value = (0..LEVELS).fold(Value::from(Cell::new(1i64)), |inner, level| {
                wrap(kind_of(level), inner)
            });
            let mut env = Environment::new();
            env.set("deep", value.clone()).unwrap();
            let before = env.snapshot().unwrap();
            let copy = before.environment();
            assert!(copy.get("deep").unwrap().identical(&value).unwrap());
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("deep.ach");
            save_environment(&copy, &path, SaveOptions::new()).unwrap();
            let back = restore_environment(&path, RestoreOptions::new()).unwrap();
            let found = back.environment.get("deep").unwrap();
            assert!(found.identical(&value).unwrap());
            assert!(format!("{found:#?}").contains("Cell(..)"));
        });
    }
}

#[test]
fn a_path_leads_to_the_deepest_value() {
    on_small_stack(|| {
        let value = nested(LEVELS, |level| level % 2);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep.ach");
        save(&path, [("deep", &value)], &SaveOptions::new()).unwrap();
        let archive = Archive::open(&path).unwrap();
        let steps = ".inner[0]".repeat(LEVELS / 2);
        let deepest = archive.at(&format!("deep{steps}")).unwrap();
        assert_eq!(deepest.as_i64(), Some(1));
        let mut view = archive.view("deep").unwrap();
        let mut levels = 0;
        while view.kind().unwrap() != Kind::Integer {
            view = view.index(0).unwrap();
            levels += 1;
        }
        assert_eq!(levels, LEVELS);
    });
}

#[test]
fn the_129th_level_is_an_error_that_names_the_path() {
    for (kind, step) in [(0, "[0]"), (1, ".inner"), (2, ".storage"), (3, ".source")] {
        on_small_stack(move || {
            let value = nested(LEVELS + 1, |_| kind);
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("deep.ach");
            let error = save(&path, [("deep", &value)], &SaveOptions::new()).unwrap_err();
            let EnvError::Variable { name, source } = &error else {
                panic!("{error:?}");
            };
            assert_eq!(name, "deep");
            let EnvError::NestingTooDeep { path: inside } = &**source else {
                panic!("{error:?}");
            };
            assert_eq!(*inside, step.repeat(LEVELS));
            assert!(error.to_string().contains("128 levels"), "{error}");
            assert!(!path.exists());
            assert!(serialize_value(&value).is_err());
        });
    }
    // Where the path leads when there are several.
    let deep = nested(LEVELS, |_| 0);
    let value = Record::from([("fine", Value::from(1.0)), ("deep", deep)]);
    let error = serialize_value(Value::from(value)).unwrap_err().to_string();
    assert!(error.starts_with(".deep[0][0]"), "{error}");
}

#[test]
fn values_far_too_deep_are_refused_and_dropped_on_a_small_stack() {
    for shape in [0, 1, 2, 3] {
        on_small_stack(move || {
            let value = nested(20_000, |_| shape);
            assert!(serialize_value(&value).is_err());
            let dir = tempfile::tempdir().unwrap();
            let mut env = Environment::new();
            env.set("deep", value).unwrap();
            let path = dir.path().join("deep.ach");
            let saved = save_environment(&env, &path, SaveOptions::new());
            let error = saved.unwrap_err().to_string();
            assert!(error.starts_with("variable 'deep': "), "{error}");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        });
    }
}

#[test]
fn an_edge_and_a_function_count_their_level() {
    let edge = |inner: Value| {
        Value::from(Edge {
            from: "a".into(),
            to: "b".into(),
            directed: true,
            properties: Record::from([("inner", inner)]),
        })
    };
    let function = |inner: Value| {
        Value::from(UserFunction {
            details: Record::from([("inner", inner)]),
            ..Default::default()
        })
    };
    on_small_stack(move || {
        // Both hold their inner value in a record: two levels each.
        for wrap in [&edge as &dyn Fn(Value) -> Value, &function] {
            let value = (0..LEVELS / 2).fold(Value::Null, |inner, _| wrap(inner));
            let back = deserialize_value(&serialize_value(&value).unwrap()).unwrap();
            assert!(value.identical(&back).unwrap());
            let error = serialize_value(wrap(value)).unwrap_err();
            assert!(matches!(error, EnvError::NestingTooDeep { .. }), "{error}");
        }
    });
}

const CHAIN: usize = 100_000;

#[test]
fn chains_of_cells_have_no_limit() {
    on_small_stack(|| {
        let chain = (0..CHAIN).fold(Value::from(7i64), |inner, _| {
            Value::vector([Value::from(Cell::new(inner))])
        });
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chain.ach");
        save(&path, [("chain", &chain)], &SaveOptions::new()).unwrap();
        for (road, open) in ROADS {
            let archive = open(&path).unwrap();
            assert!(archive.verify().unwrap().is_ok());
            archive.verify_one("chain").unwrap();
            let mut value = archive.get("chain").unwrap();
            assert!(chain.identical(&value).unwrap(), "{road}");
            let mut links = 0;
            while let Some(elements) = value.as_vector() {
                let Value::Cell(cell) = &elements[0] else {
                    panic!("{value:?}");
                };
                let inner = cell.get();
                // Keeps the chain from being dropped link by link under this loop.
                cell.set(());
                value = inner;
                links += 1;
            }
            assert_eq!((links, value.as_i64()), (CHAIN, Some(7)));
        }
    });
}

#[test]
fn chains_of_scopes_have_no_limit() {
    on_small_stack(|| {
        let chain = (0..10_000).fold(Value::Null, |inner, _| {
            UserFunction {
                scope: Some(Scope::new(Record::from([("outer", inner)]))),
                ..Default::default()
            }
            .into()
        });
        let image = serialize_value(&chain).unwrap();
        let back = deserialize_value(&image).unwrap();
        assert!(chain.identical(&back).unwrap());
        assert_eq!(serialize_value(&back).unwrap(), image);
    });
}

#[test]
fn cells_may_hold_themselves_and_each_other() {
    let (a, b) = (Cell::default(), Cell::default());
    a.set(Value::vector([Value::from(b.clone()), a.clone().into()]));
    b.set(Record::from([("a", a.clone())]));
    let image = serialize_value(Value::from(a.clone())).unwrap();
    let Value::Cell(back) = deserialize_value(&image).unwrap() else {
        panic!();
    };
    assert!(
        Value::from(a.clone())
            .identical(&back.clone().into())
            .unwrap()
    );
    let content = back.get();
    let [Value::Cell(second), Value::Cell(own)] = content.as_vector().unwrap() else {
        panic!("{content:?}");
    };
    assert!(own.same(&back));
    let Some(Value::Cell(again)) = second.get().as_record().and_then(|r| r.get("a").cloned())
    else {
        panic!();
    };
    assert!(again.same(&back));
    // Cycles are never freed by themselves.
    for cell in [a, b, back.clone(), second.clone()] {
        cell.set(());
    }
}
