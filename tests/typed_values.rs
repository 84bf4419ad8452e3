//! Promises of typed values: a program's own type is seen in place and checked once; what does not
//! fit is an error of its own; old versions are upgraded; who does not know a type keeps its bytes.

#![allow(unsafe_code)] // Both roads to a file.

mod open_session;
mod samples;
mod small;
mod small_stack;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use achronyme_env::rkyv::{Archive as Rkyv, Deserialize, Serialize};
use achronyme_env::{
    Archive, Clash, EnvError, Environment, Layout, Record, RestoreOptions, SaveOptions, Schema,
    Session, Storage, Tensor, TypeFault, TypeRegistry, Typed, Value, deserialize_value, layout,
    merge, save, serialize_value,
};
use small::ROADS;

#[derive(Rkyv, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct State1 {
    step: u32,
    names: Vec<String>,
}

#[derive(Rkyv, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct State2 {
    step: u64,
    names: Vec<String>,
}

#[derive(Rkyv, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct State3 {
    step: u64,
    names: Vec<String>,
    positions: Vec<[f64; 3]>,
    by_name: std::collections::BTreeMap<String, u64>,
}

fn layout1() -> Layout<State1> {
    layout!(State1 { step: u32, names: Vec<String> })
}

fn layout2() -> Layout<State2> {
    layout!(State2 { step: u64, names: Vec<String> })
}

fn layout3() -> Layout<State3> {
    layout!(State3 {
        step: u64,
        names: Vec<String>,
        positions: Vec<[f64; 3]>,
        by_name: std::collections::BTreeMap<String, u64>,
    })
}

fn state1() -> State1 {
    State1 {
        step: 7,
        names: vec!["ada".into(), "a name too long to be kept inline".into()],
    }
}

fn state3() -> State3 {
    State3 {
        step: 7,
        names: vec!["a name too long to be kept inline".into()],
        positions: (0..100).map(|n| [n as f64, 0.5, -1.0]).collect(),
        by_name: [("a".to_owned(), 1), ("b".to_owned(), 2)].into(),
    }
}

/// A registry of the first version only.
fn old_program() -> TypeRegistry {
    let mut registry = TypeRegistry::new();
    registry
        .register(Schema::new("sim.State", 1, layout1()))
        .unwrap();
    registry
}

/// A registry of all three versions, each upgraded to the next, which counts upgrades and checks.
fn program() -> (TypeRegistry, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = |count: &Arc<AtomicUsize>| {
        let count = Arc::clone(count);
        move || {
            count.fetch_add(1, Ordering::SeqCst);
        }
    };
    let (checked, first, second) = (counted(&count), counted(&count), counted(&count));
    let mut registry = old_program();
    registry
        .register(Schema::new("sim.State", 2, layout2()))
        .unwrap()
        .register(
            Schema::new("sim.State", 3, layout3())
                .alias("sim.OldState")
                .validate(move |state| {
                    checked();
                    match state.step < 1000 {
                        true => Ok(()),
                        false => Err("step is not below 1000".to_owned()),
                    }
                }),
        )
        .unwrap()
        .upgrade::<State1, State2>(move |old| {
            first();
            if old.step == 13 {
                return Err("step 13 was never finished".to_owned());
            }
            Ok(State2 {
                step: old.step.to_native().into(),
                names: old.names.iter().map(|name| name.to_string()).collect(),
            })
        })
        .unwrap()
        .upgrade::<State2, State3>(move |old| {
            second();
            Ok(State3 {
                step: old.step.to_native(),
                names: old.names.iter().map(|name| name.to_string()).collect(),
                positions: Vec::new(),
                by_name: Default::default(),
            })
        })
        .unwrap();
    (registry, count)
}

fn saved(value: &Value) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("typed.ach");
    let options = SaveOptions::new().durable(false).created_at(1);
    save(&path, [("state", value)], &options).unwrap();
    (dir, path)
}

fn typed(value: &Value) -> &Typed {
    match value {
        Value::Typed(typed) => typed,
        other => panic!("{other:?}"),
    }
}

fn fault(error: &EnvError) -> &TypeFault {
    match error {
        EnvError::Typed { fault, .. } => fault,
        EnvError::Variable { source, .. } => fault(source),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_state_comes_back_on_every_road_and_is_checked_once() {
    let (writer, _) = program();
    let (_dir, path) = saved(&writer.value(&state3()).unwrap());
    for (road, open) in ROADS {
        let (registry, count) = program();
        let archive = open(&path).unwrap();
        for _ in 0..5 {
            let state = archive.typed::<State3>("state", &registry).unwrap();
            assert_eq!(state.positions[99], [99.0, 0.5, -1.0], "{road}");
            assert_eq!(state.deserialize().unwrap(), state3(), "{road}");
            assert_eq!(state.upgraded_from(), None);
            // By way of the value too.
            let value = archive.at("state").unwrap();
            registry.view::<State3>(&value).unwrap();
        }
        assert_eq!(count.load(Ordering::SeqCst), 1, "{road}");
        // Another archive is other bytes.
        open(&path)
            .unwrap()
            .typed::<State3>("state", &registry)
            .unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2, "{road}");
        // Another registry has checks of its own.
        let (other, count) = program();
        archive.typed::<State3>("state", &other).unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 1, "{road}");
    }
}

#[test]
fn a_mapped_state_is_seen_in_the_map_and_outlives_the_archive() {
    let (registry, _) = program();
    let (_dir, path) = saved(&registry.value(&state3()).unwrap());
    // SAFETY: nobody writes to the file.
    let archive = unsafe { Archive::open_mmap(&path) }.unwrap();
    let state = archive.typed::<State3>("state", &registry).unwrap();
    let value = archive.get("state").unwrap();
    let bytes = typed(&value).bytes.as_bytes().unwrap().as_ptr_range();
    assert!(bytes.contains(&std::ptr::from_ref(&*state).cast()));
    assert!(bytes.contains(&std::ptr::from_ref(&state.positions[0]).cast()));
    drop((archive, value));
    assert_eq!(state.deserialize().unwrap(), state3());
}

#[cfg(target_os = "linux")]
#[test]
fn an_archive_whose_typed_values_were_seen_is_let_go() {
    let (registry, _) = program();
    let old = old_program().value(&state1()).unwrap();
    for value in [registry.value(&state3()).unwrap(), old] {
        let (_dir, path) = saved(&value);
        let is_mapped = || {
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            maps.contains(path.to_str().unwrap())
        };
        // SAFETY: nobody writes to the file.
        let archive = unsafe { Archive::open_mmap(&path) }.unwrap();
        let state = archive.typed::<State3>("state", &registry).unwrap();
        assert!(is_mapped());
        drop((archive, state));
        assert!(!is_mapped());
    }
}

#[test]
fn what_does_not_fit_is_an_error_of_its_own() {
    let (registry, _) = program();
    let old = old_program();
    let view = |registry: &TypeRegistry, change: &dyn Fn(&mut Typed)| {
        let mut value = typed(&registry.value(&state1()).unwrap()).clone();
        change(&mut value);
        let (_dir, path) = saved(&value.into());
        let archive = Archive::open(&path).unwrap();
        let error = archive.typed::<State1>("state", registry).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("variable 'state': the value of type"),
            "{text}"
        );
        (fault(&error).clone(), text)
    };
    let (fault_of, text) = view(&old, &|typed| typed.type_name = "sim.Stat".into());
    let nearest = Some("sim.State".to_owned());
    assert_eq!(fault_of, TypeFault::Unknown { nearest }, "{text}");
    assert!(text.contains("'sim.State'"), "{text}");

    let (fault_of, text) = view(&old, &|typed| typed.version = 2);
    assert_eq!(fault_of, TypeFault::NewerSchema { found: 2, known: 1 });
    assert!(text.contains("newer program"), "{text}");

    let (fault_of, _) = view(&old, &|typed| typed.version = 0);
    assert_eq!(
        fault_of,
        TypeFault::NoUpgrade {
            found: 0,
            wanted: 1
        }
    );

    let (fault_of, text) = view(&old, &|typed| typed.fingerprint ^= 1);
    assert!(
        matches!(fault_of, TypeFault::OtherLayout { version: 1, .. }),
        "{text}"
    );

    let (fault_of, text) = view(&old, &|typed| {
        let mut bytes = typed.bytes.as_bytes().unwrap().to_vec();
        bytes.fill(0xff);
        let len = bytes.len() as u64;
        typed.bytes = Tensor::from_vec(bytes, [len]).unwrap();
    });
    assert!(
        matches!(fault_of, TypeFault::Invalid { version: 1, .. }),
        "{text}"
    );

    let (mut two, _) = program();
    let layout = Layout::<u64>::of("");
    two.register(Schema::new("sim.Seed", 1, layout)).unwrap();
    let seed = two.value(&5u64).unwrap();
    let error = two.view::<State1>(&seed).unwrap_err();
    let asked = "sim.State".to_owned();
    assert_eq!(*fault(&error), TypeFault::OtherType { asked });
    let error = registry.view::<u64>(&seed).unwrap_err();
    assert_eq!(*fault(&error), TypeFault::NotRegistered);
    assert!(registry.value(&5u64).is_err());
    let error = registry.view::<State1>(&Value::from(1i64)).unwrap_err();
    assert!(matches!(error, EnvError::WrongKind { .. }), "{error}");
}

#[test]
fn a_value_that_its_schema_refuses_is_neither_stored_nor_seen() {
    let (registry, _) = program();
    let refused = State3 {
        step: 1000,
        ..state3()
    };
    let error = registry.value(&refused).unwrap_err();
    assert!(
        error.to_string().contains("step is not below 1000"),
        "{error}"
    );
    let mut lax = TypeRegistry::new();
    lax.register(Schema::new("sim.State", 3, layout3()))
        .unwrap();
    let value = lax.value(&refused).unwrap();
    for _ in 0..2 {
        let error = registry.view::<State3>(&value).unwrap_err();
        assert!(
            matches!(fault(&error), TypeFault::Invalid { .. }),
            "{error}"
        );
    }
    lax.view::<State3>(&value).unwrap();
}

#[test]
fn old_versions_are_upgraded_step_by_step_and_once() {
    let (_dir, path) = saved(&old_program().value(&state1()).unwrap());
    for (road, open) in ROADS {
        let (registry, count) = program();
        let archive = open(&path).unwrap();
        for _ in 0..3 {
            let state = archive.typed::<State3>("state", &registry).unwrap();
            assert_eq!(state.upgraded_from(), Some(1), "{road}");
            assert_eq!((state.step.to_native(), state.names.len()), (7, 2));
        }
        // Two steps, and one check of what they gave.
        assert_eq!(count.load(Ordering::SeqCst), 3, "{road}");
        // Each version is to be had as it is.
        let state = archive.typed::<State2>("state", &registry).unwrap();
        assert_eq!(state.upgraded_from(), Some(1));
        let state = archive.typed::<State1>("state", &registry).unwrap();
        assert_eq!(state.deserialize().unwrap(), state1());
        let current = registry.current(&archive.get("state").unwrap()).unwrap();
        assert_eq!(typed(&current).version, 3);
        let same = registry.current(&current).unwrap();
        assert!(same.identical(&current).unwrap());
    }
}

#[test]
fn an_upgrade_that_gives_up_says_why_and_bad_old_bytes_never_reach_it() {
    let (registry, count) = program();
    let unfinished = State1 {
        step: 13,
        ..state1()
    };
    let value = old_program().value(&unfinished).unwrap();
    let error = registry.view::<State3>(&value).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("from version 1: step 13 was never finished"),
        "{text}"
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);

    let mut broken = typed(&value).clone();
    broken.bytes = Tensor::from_vec(vec![0xffu8; 24], [24]).unwrap();
    let error = registry.view::<State3>(&broken.clone().into()).unwrap_err();
    assert!(matches!(
        fault(&error),
        TypeFault::Invalid { version: 1, .. }
    ));
    broken.fingerprint ^= 1;
    let error = registry.view::<State3>(&broken.into()).unwrap_err();
    assert!(matches!(
        fault(&error),
        TypeFault::OtherLayout { version: 1, .. }
    ));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn a_version_whose_type_is_gone_is_upgraded_from_its_bytes_and_a_type_may_end() {
    let mut registry = TypeRegistry::new();
    registry
        .register(Schema::new("sim.State", 2, layout2()))
        .unwrap()
        .upgrade_bytes::<State2>(1, |bytes| {
            let names = vec![format!("{} bytes", bytes.len())];
            Ok(State2 { step: 1, names })
        })
        .unwrap()
        .retire::<State2>(|old| {
            let step = i64::try_from(old.step.to_native()).map_err(|e| e.to_string())?;
            Ok(Record::from([("step", step)]).into())
        })
        .unwrap();
    let old = old_program().value(&state1()).unwrap();
    let seen = registry.view::<State2>(&old).unwrap();
    let len = typed(&old).bytes.byte_len();
    assert_eq!(seen.names[0], format!("{len} bytes"));
    let plain = registry.current(&old).unwrap();
    let step = plain.as_record().and_then(|record| record.get("step"));
    assert_eq!(step.and_then(Value::as_i64), Some(1));
}

#[test]
fn what_takes_the_place_of_a_type_is_asked_for_once() {
    let mut registry = TypeRegistry::new();
    let same = old_program().value(&state1()).unwrap();
    let of_same = same.clone();
    registry
        .register(Schema::new("sim.State", 1, layout1()))
        .unwrap()
        .retire::<State1>(move |_| Ok(of_same.clone()))
        .unwrap();
    assert!(registry.current(&same).unwrap().identical(&same).unwrap());
}

#[test]
fn a_type_that_was_renamed_is_found_by_its_alias() {
    let (registry, _) = program();
    let mut value = typed(&registry.value(&state3()).unwrap()).clone();
    value.type_name = "sim.OldState".into();
    let (_dir, path) = saved(&value.into());
    let archive = Archive::open(&path).unwrap();
    let state = archive.typed::<State3>("state", &registry).unwrap();
    assert_eq!(state.deserialize().unwrap(), state3());
}

#[test]
fn a_registry_refuses_what_is_ambiguous() {
    let twice = |registry: &mut TypeRegistry, schema: Schema<u64>| {
        let error = registry.register(schema).unwrap_err();
        assert!(matches!(error, EnvError::DuplicateName { .. }), "{error}");
    };
    let plain = || Layout::<u64>::of("");
    let (mut registry, _) = program();
    twice(&mut registry, Schema::new("sim.State", 3, plain()));
    twice(&mut registry, Schema::new("sim.OldState", 1, plain()));
    twice(
        &mut registry,
        Schema::new("a", 1, plain()).alias("sim.State"),
    );
    twice(
        &mut registry,
        Schema::new("a", 1, plain()).alias("sim.OldState"),
    );
    registry.register(Schema::new("a", 1, plain())).unwrap();
    twice(&mut registry, Schema::new("b", 1, plain()));
    assert!(
        registry
            .upgrade::<State1, State3>(|_| Err(String::new()))
            .is_err()
    );
    assert!(
        registry
            .upgrade::<State3, State2>(|_| Err(String::new()))
            .is_err()
    );
    assert!(
        registry
            .upgrade::<State3, u64>(|_| Err(String::new()))
            .is_err()
    );
    assert!(
        registry
            .upgrade::<State3, i8>(|_| Err(String::new()))
            .is_err()
    );
    let types: Vec<_> = registry.types().collect();
    assert_eq!(types, [("a", vec![1]), ("sim.State", vec![1, 2, 3])]);
}

/// Two variables of equal bytes stand once in the file; each is still what it says it is.
#[test]
fn equal_bytes_of_two_types_are_told_apart() {
    let mut registry = TypeRegistry::new();
    registry
        .register(Schema::new("metres", 1, Layout::<u64>::of("metres")))
        .unwrap()
        .register(Schema::new("feet", 1, Layout::<i64>::of("feet")))
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("two.ach");
    let values = [
        ("metres", registry.value(&5u64).unwrap()),
        ("feet", registry.value(&5i64).unwrap()),
    ];
    save(&path, values, &SaveOptions::new()).unwrap();
    for (road, open) in ROADS {
        let archive = open(&path).unwrap();
        for _ in 0..2 {
            assert_eq!(
                *archive.typed::<u64>("metres", &registry).unwrap(),
                5,
                "{road}"
            );
            assert_eq!(
                *archive.typed::<i64>("feet", &registry).unwrap(),
                5,
                "{road}"
            );
            assert!(archive.typed::<u64>("feet", &registry).is_err(), "{road}");
        }
    }
}

#[test]
fn who_does_not_know_a_type_lists_copies_and_saves_it_byte_for_byte() {
    let (registry, _) = program();
    let value = registry.value(&state3()).unwrap();
    let (dir, path) = saved(&value);
    let same = |found: &Value| {
        assert!(found.identical(&value).unwrap());
        let state = registry.view::<State3>(found).unwrap();
        assert_eq!(state.deserialize().unwrap(), state3());
    };
    let archive = Archive::open(&path).unwrap();
    let binding = archive.binding("state").unwrap();
    assert_eq!(binding.kind().unwrap().name(), "typed");
    same(&binding.value().unwrap());
    // Copied from archive to archive, hot, cold and sealed.
    for (n, options) in [
        SaveOptions::new(),
        SaveOptions::new().cold("*"),
        SaveOptions::new().seal(true),
    ]
    .into_iter()
    .enumerate()
    {
        let copy = dir.path().join(format!("copy{n}.ach"));
        save(&copy, [("state", archive.get("state").unwrap())], &options).unwrap();
        for (_, open) in ROADS {
            same(&open(&copy).unwrap().get("state").unwrap());
        }
    }
    // Merged, and in a value image.
    let merged = merge(
        std::slice::from_ref(&archive),
        Clash::Error,
        &RestoreOptions::new(),
    )
    .unwrap();
    same(merged.environment.get("state").unwrap());
    same(&deserialize_value(&serialize_value(&value).unwrap()).unwrap());
    // In a session that is checkpointed.
    let path = dir.path().join("session.ach");
    let mut session = open_session::open(&path);
    session.set("state", value.clone()).unwrap();
    session.set("n", open_session::tensor(10, 1.0)).unwrap();
    session.commit().unwrap();
    session.checkpoint().unwrap();
    same(&session.get("state").unwrap());
    session.close().unwrap();
    same(&Archive::open(&path).unwrap().get("state").unwrap());
}

#[test]
fn a_session_sees_pending_and_committed_states() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.ach");
    let (registry, count) = program();
    let mut session = open_session::open(&path);
    let step = |session: &Session| {
        let state = session.typed::<State3>("state", &registry).unwrap();
        state.step.to_native()
    };
    for n in 1..4 {
        let state = State3 {
            step: n,
            ..state3()
        };
        session
            .set("state", registry.value(&state).unwrap())
            .unwrap();
        assert_eq!(step(&session), n);
        session.commit().unwrap();
        count.store(0, Ordering::SeqCst);
        for _ in 0..3 {
            assert_eq!(step(&session), n);
        }
        assert!(count.load(Ordering::SeqCst) <= 1);
    }
    session.undo().unwrap();
    assert_eq!(step(&session), 2);
    drop(session);
    // Mapped, and from the journal.
    // SAFETY: nobody writes to the files in place.
    let mapped = unsafe { achronyme_env::SessionOptions::new().open_mmap(&path) }.unwrap();
    assert_eq!(step(&mapped), 2);
}

#[test]
fn an_environment_sees_what_it_was_given_without_checking_again() {
    let (registry, count) = program();
    let mut env = Environment::new();
    env.set("state", registry.value(&state3()).unwrap())
        .unwrap();
    for _ in 0..3 {
        let state = env.typed::<State3>("state", &registry).unwrap();
        assert_eq!(state.step, 7);
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert!(matches!(
        env.typed::<State3>("stat", &registry),
        Err(EnvError::NotFound {
            nearest: Some(_),
            ..
        })
    ));
}

/// Bytes of a host, one off every alignment.
#[derive(Debug)]
struct Odd(Vec<u8>);

impl Storage for Odd {
    fn byte_len(&self) -> u64 {
        self.0.len() as u64 - 1
    }

    fn range(&self, start: u64, len: u64) -> achronyme_env::Result<&[u8]> {
        Ok(&self.0[1 + start as usize..][..len as usize])
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> achronyme_env::Result<()> {
        out.copy_from_slice(&self.0[1 + start as usize..][..out.len()]);
        Ok(())
    }
}

#[test]
fn bytes_that_stand_at_no_alignment_are_seen_too() {
    let (registry, _) = program();
    let mut value = typed(&registry.value(&state3()).unwrap()).clone();
    let bytes = value.bytes.as_bytes().unwrap();
    let odd = Odd([&[0], bytes].concat());
    let len = odd.byte_len();
    let storage = Arc::new(odd);
    value.bytes = Tensor::from_storage(
        achronyme_env::DType::U8,
        [len],
        achronyme_env::Order::C,
        storage,
    )
    .unwrap();
    let state = registry.view::<State3>(&value.into()).unwrap();
    assert_eq!(state.deserialize().unwrap(), state3());
}

/// Every bit flipped, every length: bytes are refused or are some state, and looking at all of it
/// never panics.
#[test]
fn no_bytes_are_trusted() {
    let (registry, _) = program();
    let value = typed(&registry.value(&state3()).unwrap()).clone();
    let whole = value.bytes.as_bytes().unwrap().to_vec();
    let see = |bytes: Vec<u8>| {
        let len = bytes.len() as u64;
        let bytes = Tensor::from_vec(bytes, [len]).unwrap();
        let changed = Typed {
            bytes,
            ..value.clone()
        };
        match registry.view::<State3>(&changed.into()) {
            Ok(state) => {
                let state = state.deserialize().unwrap();
                state.names.iter().for_each(|name| drop(name.clone()));
                true
            }
            Err(error) => {
                assert!(
                    matches!(fault(&error), TypeFault::Invalid { .. }),
                    "{error}"
                );
                false
            }
        }
    };
    let (mut refused, mut taken) = (0, 0);
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match see(bytes) {
            true => taken += 1,
            false => refused += 1,
        }
    }
    assert!(refused > 100 && taken > 100, "{refused} {taken}");
    for len in 0..whole.len() {
        see(whole[..len].to_vec());
        see(whole[len..].to_vec());
    }
    assert!(!see(Vec::new()));
}

#[derive(Rkyv, Serialize, Deserialize)]
#[rkyv(serialize_bounds(
    __S: achronyme_env::rkyv::ser::Writer + achronyme_env::rkyv::ser::Allocator,
    __S::Error: achronyme_env::rkyv::rancor::Source,
))]
#[rkyv(deserialize_bounds(__D::Error: achronyme_env::rkyv::rancor::Source))]
#[rkyv(bytecheck(bounds(
    __C: achronyme_env::rkyv::validation::ArchiveContext,
    __C::Error: achronyme_env::rkyv::rancor::Source,
)))]
struct Chain {
    #[rkyv(omit_bounds)]
    next: Option<Box<Chain>>,
}

#[test]
fn a_type_that_holds_itself_cannot_take_the_stack() {
    small_stack::on_small_stack(|| {
        let mut registry = TypeRegistry::new();
        let layout = Layout::<Chain>::of("next: Option<Box<Chain>>");
        registry.register(Schema::new("chain", 1, layout)).unwrap();
        let chain = |levels: usize| {
            (0..levels).fold(Chain { next: None }, |chain, _| Chain {
                next: Some(Box::new(chain)),
            })
        };
        let short = registry.value(&chain(128)).unwrap();
        registry
            .view::<Chain>(&short)
            .unwrap()
            .deserialize()
            .unwrap();
        let error = registry.value(&chain(200)).unwrap_err();
        assert!(
            matches!(fault(&error), TypeFault::Invalid { .. }),
            "{error}"
        );
    });
}

/// The example, which `cargo test` builds beside the tests.
#[test]
fn the_example_saves_sees_and_upgrades_its_state() {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.parent().and_then(Path::parent).unwrap();
    let example = profile
        .join("examples/simulation_state")
        .with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        example.exists(),
        "{} is not there: cargo build --example simulation_state",
        example.display()
    );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.ach");
    let output = Command::new(example).arg(&path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let noted = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{noted}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "saved at step 1500",
            "1000 bodies, the last at [999.0, 0.5]",
            "in place: true",
            "upgraded from version 1: time 1.5 s",
            "the last body at [999.0, 0.5], mass 1",
            "saved anew, upgraded: false",
            "version 1 of the program: variable 'state': the value of type 'nbody.State': it is of \
             version 2, and 1 is known here; read it with a newer program",
        ]
    );
}
