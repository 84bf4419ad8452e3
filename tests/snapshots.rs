//! Promise: a snapshot holds an environment as it was, contents of cells included and aliases
//! kept, whatever the size of its values; it can be gone back to, named, saved, and shared with
//! other processes, which pay for its pages once.

mod small_stack;

use achronyme_env::{
    Archive, Cell, EnvError, Environment, Record, RestoreOptions, SaveOptions, Scope, Tensor,
    UserFunction, Value, Variable, restore_environment, restore_from,
};
use small_stack::on_small_stack;

fn counter(cell: &Cell) -> UserFunction {
    UserFunction {
        name: Some("counter".into()),
        source: "count = count + 1".into(),
        scope: Some(Scope::new(Record::from([("count", cell.clone())]))),
        ..UserFunction::default()
    }
}

/// The scope a function of `env` captured.
fn scope_of(env: &Environment, name: &str) -> Scope {
    match env.get(name) {
        Some(Value::Function(function)) => match function.function() {
            achronyme_env::Function::User(user) => user.scope.clone().unwrap(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn going_back_brings_variables_marks_attributes_and_their_order() {
    let mut env = Environment::new();
    let units = Record::from([("units", "K")]);
    env.define("t", Variable::new(271.5).mutable().attributes(units))
        .unwrap();
    env.define("pi", Variable::new(std::f64::consts::PI).constant())
        .unwrap();
    env.set("gone", "soon").unwrap();
    let before = env.snapshot().unwrap();
    env.set("t", 0.0).unwrap();
    env.set_attributes("t", Record::new()).unwrap();
    env.remove("gone").unwrap();
    env.set("new", true).unwrap();
    env.restore(&before);
    assert_eq!(env.names().collect::<Vec<_>>(), ["t", "pi", "gone"]);
    let t = env.variable("t").unwrap();
    assert!(t.mutable && t.value.as_f64() == Some(271.5));
    assert_eq!(t.attributes.get("units").unwrap().as_str(), Some("K"));
    assert!(env.variable("pi").unwrap().constant);
}

#[test]
fn a_snapshot_holds_what_was_in_cells_and_scopes_and_who_shared_them() {
    let mut env = Environment::new();
    let cell = Cell::new(1i64);
    env.set("a", cell.clone()).unwrap();
    env.set("b", Value::vector([Value::from(cell.clone())]))
        .unwrap();
    env.set("f", counter(&cell)).unwrap();
    // A cell that holds itself, and one that is only reached through a cell.
    let inner = Cell::new("old");
    let ring = Cell::default();
    ring.set(Record::from([
        ("me", Value::from(ring.clone())),
        ("inner", inner.clone().into()),
    ]));
    env.set("ring", ring.clone()).unwrap();
    let before = env.snapshot().unwrap();

    cell.set(7i64);
    inner.set("new");
    ring.set(Value::Null);
    scope_of(&env, "f").set_bindings(Record::new());
    env.remove("b").unwrap();
    let shown = before.environment();
    env.restore(&before);
    env.restore(&before);

    // In place: those who hold the cells from elsewhere see it too.
    assert_eq!(cell.get().as_i64(), Some(1));
    assert_eq!(inner.get().as_str(), Some("old"));
    assert!(matches!(ring.get(), Value::Record(record) if record.len() == 2));
    for (env, own) in [(&env, true), (&shown, false)] {
        let Some(Value::Cell(a)) = env.get("a") else {
            panic!()
        };
        let Some(Value::Cell(in_vector)) = env.get("b").unwrap().as_vector().unwrap().first()
        else {
            panic!()
        };
        let bindings = scope_of(env, "f").bindings();
        let Some(Value::Cell(captured)) = bindings.get("count") else {
            panic!()
        };
        assert!(a.same(in_vector) && a.same(captured));
        assert_eq!(a.same(&cell), own, "a copy has cells of its own");
        assert_eq!(a.get().as_i64(), Some(1));
        let Some(Value::Cell(ring)) = env.get("ring") else {
            panic!()
        };
        let Value::Record(inside) = ring.get() else {
            panic!()
        };
        assert!(matches!(inside.get("me"), Some(Value::Cell(me)) if me.same(ring)));
    }
    // The copy does not follow.
    cell.set(100i64);
    let Some(Value::Cell(copy)) = shown.get("a") else {
        panic!()
    };
    assert_eq!(copy.get().as_i64(), Some(1));
}

#[test]
fn a_snapshot_copies_no_value() {
    let mut env = Environment::new();
    let tensor = Tensor::from_vec(vec![1.0f64; 1 << 16], [1 << 16]).unwrap();
    env.set("tensor", tensor).unwrap();
    env.set("vector", Value::vector(0..100_000i32)).unwrap();
    let place = |env: &Environment| {
        let tensor = env.get("tensor").unwrap().as_tensor().unwrap();
        let tensor = tensor.as_slice::<f64>().unwrap().as_ptr().addr();
        let vector = env.get("vector").unwrap().as_vector().unwrap();
        (tensor, vector.as_ptr().addr())
    };
    let before = env.snapshot().unwrap();
    assert_eq!(place(&before.environment()), place(&env));
    // The first write copies what it writes to, and the snapshot keeps the old.
    let old = place(&env);
    let Some(Value::Tensor(mut own)) = env.get("tensor").cloned() else {
        panic!()
    };
    own.as_mut_slice::<f64>().unwrap()[0] = 2.0;
    env.set("tensor", own).unwrap();
    assert_ne!(place(&env).0, old.0);
    env.restore(&before);
    assert_eq!(place(&env), old);
    let first = env.get("tensor").unwrap().as_tensor().unwrap();
    assert_eq!(first.as_slice::<f64>().unwrap()[0], 1.0);
}

#[test]
fn snapshots_are_named_listed_gone_back_to_and_dropped() {
    let mut env = Environment::new();
    env.set("x", 1i64).unwrap();
    env.keep_snapshot("first").unwrap();
    env.set("x", 2i64).unwrap();
    env.keep_snapshot("second").unwrap();
    env.set("x", 3i64).unwrap();
    let names = |env: &Environment| {
        let names = env.snapshots().map(|(name, _)| name.to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&env), ["first", "second"]);
    env.restore_snapshot("first").unwrap();
    assert_eq!(env.get("x").unwrap().as_i64(), Some(1));
    // Going back does not lose the later one, and a name can be used again.
    env.restore_snapshot("second").unwrap();
    env.set("x", 4i64).unwrap();
    env.keep_snapshot("first").unwrap();
    env.restore_snapshot("first").unwrap();
    assert_eq!(env.get("x").unwrap().as_i64(), Some(4));
    assert_eq!(env.drop_snapshot("first").unwrap().len(), 1);
    assert_eq!(names(&env), ["second"]);
    let error = env.restore_snapshot("secnd").unwrap_err();
    assert!(matches!(error, EnvError::NoSnapshot { .. }));
    assert!(
        error.to_string().ends_with("did you mean 'second'?"),
        "{error}"
    );
}

#[test]
fn a_dropped_snapshot_gives_its_memory_back() {
    let mut env = Environment::new();
    let tensor = Tensor::from_vec(vec![0u8; 1000], [1000]).unwrap();
    env.set("x", tensor).unwrap();
    env.keep_snapshot("s").unwrap();
    let cell = Cell::new(5i64);
    env.set("c", cell.clone()).unwrap();
    env.keep_snapshot("t").unwrap();
    env.drop_snapshot("t").unwrap();
    env.drop_snapshot("s").unwrap();
    // Nobody else holds the tensor's memory: writing to it does not copy.
    let Some(Variable {
        value: Value::Tensor(mut tensor),
        ..
    }) = env.remove("x").unwrap()
    else {
        panic!()
    };
    let place = tensor.as_slice::<u8>().unwrap().as_ptr();
    tensor.as_mut_slice::<u8>().unwrap()[0] = 1;
    assert_eq!(tensor.as_slice::<u8>().unwrap().as_ptr(), place);
}

#[test]
fn a_saved_snapshot_holds_the_state_of_then() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("then.ach");
    let mut env = Environment::new();
    let cell = Cell::new("then");
    env.set("cell", cell.clone()).unwrap();
    env.set("alias", cell.clone()).unwrap();
    env.set("f", counter(&cell)).unwrap();
    env.define("k", Variable::new(6i64).constant()).unwrap();
    let then = env.snapshot().unwrap();
    cell.set("now");
    scope_of(&env, "f").set_bindings(Record::from([("other", 0i64)]));
    env.set("cell", 0i64).unwrap();
    then.save(&path, SaveOptions::new()).unwrap();
    let restored = restore_environment(&path, RestoreOptions::new()).unwrap();
    let env = restored.environment;
    let (Some(Value::Cell(a)), Some(Value::Cell(b))) = (env.get("cell"), env.get("alias")) else {
        panic!()
    };
    assert!(a.same(b));
    assert_eq!(a.get().as_str(), Some("then"));
    let captured = scope_of(&env, "f").bindings();
    assert!(matches!(captured.get("count"), Some(Value::Cell(c)) if c.same(a)));
    assert!(env.variable("k").unwrap().constant);
    // The live environment was not touched by saving.
    assert_eq!(cell.get().as_str(), Some("now"));
}

#[test]
fn a_snapshot_of_a_chain_of_many_cells_needs_no_stack() {
    on_small_stack(|| {
        let mut env = Environment::new();
        let mut last = Cell::new(0i64);
        for _ in 0..200_000 {
            last = Cell::new(Value::vector([Value::from(last)]));
        }
        env.set("chain", last.clone()).unwrap();
        let before = env.snapshot().unwrap();
        last.set(Value::Null);
        assert_eq!(before.environment().len(), 1);
        env.restore(&before);
        assert!(matches!(last.get(), Value::Vector(_)));
    });
}

#[cfg(target_os = "linux")]
mod shared {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

    use super::*;

    const BYTES: usize = 256 << 20;

    /// Bytes of this process that no other shares, in KiB.
    fn private_kib() -> u64 {
        let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
        let private = rollup.lines().filter(|line| line.starts_with("Private_"));
        let kib = private.map(|line| line.split_whitespace().nth(1).unwrap());
        kib.map(|kib| kib.parse::<u64>().unwrap()).sum()
    }

    /// A child: maps the snapshot, reads all of it, waits until all have, and tells what it pays.
    #[test]
    #[ignore = "started by `four_processes_share_one_snapshot_and_pay_once`"]
    fn child_maps_a_shared_snapshot_and_tells_what_it_pays() {
        let archive = Archive::open_sealed(std::env::var_os("SNAPSHOT").unwrap()).unwrap();
        let env = restore_from(&archive, RestoreOptions::new())
            .unwrap()
            .environment;
        let tensor = env.get("big").unwrap().as_tensor().unwrap();
        let numbers = tensor.as_slice::<u64>().unwrap();
        println!("sum {}", numbers.iter().sum::<u64>());
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        println!("private {}", private_kib());
        std::io::stdin().read_line(&mut line).unwrap();
    }

    struct Reader {
        child: Child,
        input: ChildStdin,
        output: BufReader<ChildStdout>,
    }

    impl Reader {
        fn start(path: &std::path::Path) -> Reader {
            let name = "shared::child_maps_a_shared_snapshot_and_tells_what_it_pays";
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", name, "--ignored", "--nocapture"])
                .env("SNAPSHOT", path)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let input = child.stdin.take().unwrap();
            let output = BufReader::new(child.stdout.take().unwrap());
            Reader {
                child,
                input,
                output,
            }
        }

        /// The number the child tells after `word`.
        fn told(&mut self, word: &str) -> u64 {
            let mut line = String::new();
            while self.output.read_line(&mut line).unwrap() > 0 {
                // The name of the test may stand on the same line.
                if let Some((_, number)) = line.split_once(word) {
                    return number.trim().parse().unwrap();
                }
                line.clear();
            }
            panic!("the child ended without telling {word}");
        }
    }

    #[test]
    fn four_processes_share_one_snapshot_and_pay_once() {
        let mut env = Environment::new();
        let len = BYTES / 8;
        let numbers: Vec<u64> = (0..len as u64).collect();
        let sum: u64 = numbers.iter().sum();
        env.set("big", Tensor::from_vec(numbers, [len as u64]).unwrap())
            .unwrap();
        let snapshot = env.snapshot().unwrap();
        drop(env);
        let shared = snapshot.share().unwrap();
        assert!(shared.report().file_len > BYTES as u64);
        drop(snapshot);
        let mut readers: Vec<Reader> = (0..4).map(|_| Reader::start(&shared.path())).collect();
        for reader in &mut readers {
            assert_eq!(reader.told("sum "), sum);
        }
        for reader in &mut readers {
            writeln!(reader.input).unwrap();
            let private = reader.told("private ");
            assert!(private < 4 * 1024, "{private} KiB are private");
        }
        // The memory stays while someone has it open, whoever made it.
        drop(shared);
        for mut reader in readers {
            writeln!(reader.input).unwrap();
            assert!(reader.child.wait().unwrap().success());
        }
    }

    #[test]
    fn a_shared_snapshot_is_handed_over_as_standard_input_and_can_never_be_written() {
        let mut env = Environment::new();
        env.set("x", 5i64).unwrap();
        let shared = env.snapshot().unwrap().share().unwrap();
        let file = std::fs::File::from(shared.descriptor().unwrap());
        assert!((&file).write_all(b"!").is_err());
        assert!(file.set_len(10).is_err());
        let archive = Archive::from_sealed_fd(file.into()).unwrap();
        assert_eq!(archive.get("x").unwrap().as_i64(), Some(5));
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "shared::child_opens_its_standard_input"])
            .arg("--ignored")
            .stdin(Stdio::from(shared.descriptor().unwrap()))
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }

    #[test]
    #[ignore = "started by `a_shared_snapshot_is_handed_over_as_standard_input_and_can_never_be_written`"]
    fn child_opens_its_standard_input() {
        let archive = Archive::open_sealed("/proc/self/fd/0").unwrap();
        assert_eq!(archive.get("x").unwrap().as_i64(), Some(5));
        assert!(archive.verify().unwrap().is_ok());
    }
}

#[cfg(not(target_os = "linux"))]
#[test]
fn sharing_says_what_to_do_instead() {
    let error = Environment::new().snapshot().unwrap().share().unwrap_err();
    assert!(error.to_string().contains("save it to a file"), "{error}");
}
