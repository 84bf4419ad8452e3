//! Promise: `examples/host.rs`, an interpreter with values of its own, saves its session in one
//! process and goes on with it in another.
//!
//! Runs the example that `cargo test` builds beside the tests; alone, after
//! `cargo build --example host`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use achronyme_env::{
    Archive, Cell, Function, Record, SaveOptions, Scope, Tensor, UserFunction, Value, save,
};

/// The example, beside the folder of the tests.
fn example() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.parent().and_then(Path::parent).unwrap();
    let example = profile
        .join("examples/host")
        .with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        example.exists(),
        "{} is not there: cargo build --example host",
        example.display()
    );
    example
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(example());
    command.current_dir(folder).arg("run").args(arguments);
    command.stdin(std::process::Stdio::null()).output().unwrap()
}

/// What it prints and what it notes, line by line.
fn lines(folder: &Path, arguments: &[&str]) -> (Vec<String>, Vec<String>) {
    let output = run(folder, arguments);
    let lines = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (printed, noted) = (lines(&output.stdout), lines(&output.stderr));
    assert!(output.status.success(), "{noted:?}");
    (printed, noted)
}

/// What is printed by `second` in a new process, after `first` ran in another. Nothing is noted.
fn in_two_processes(first: &[&str], second: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (_, noted) = lines(folder.path(), &[&["--save", "s.ach"], first].concat());
    assert!(noted.is_empty(), "{noted:?}");
    let (printed, noted) = lines(folder.path(), &[&["--restore", "s.ach"], second].concat());
    assert!(noted.is_empty(), "{noted:?}");
    printed
}

#[test]
fn a_counter_goes_on_counting_in_a_new_process() {
    let printed = in_two_processes(
        &[
            "let counter = () => { mut n = 0; () => { n = n + 1; n } }",
            "let next = counter()",
            "next()",
            "next()",
        ],
        &["next()", "next()", "let other = counter()", "other()"],
    );
    assert_eq!(printed, ["3", "4", "1"]);
}

#[test]
fn two_closures_share_their_capture_in_a_new_process() {
    let folder = tempfile::tempdir().unwrap();
    let make = "let make = () => { mut n = 10; { inc: () => { n = n + 1; n }, get: () => n } }";
    lines(
        folder.path(),
        &[
            "--save",
            "s.ach",
            make,
            "let a = make()",
            "let b = make()",
            "let get = a.get",
            "a.inc()",
        ],
    );
    let (printed, _) = lines(
        folder.path(),
        &[
            "--restore",
            "s.ach",
            "a.inc()",
            "get()",
            "b.get()",
            "b.inc()",
            "get()",
        ],
    );
    assert_eq!(printed, ["12", "12", "10", "11", "12"]);
    // In the file it is one scope that both captured.
    let values = Archive::open(folder.path().join("s.ach")).unwrap();
    let values = values.load_vars(&["a", "get"]).unwrap();
    let scope = |value: &Value| match value {
        Value::Function(function) => match &**function {
            Function::User(function) => function.scope.clone().unwrap(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let a = values[0].as_record().unwrap();
    let inc = scope(a.get("inc").unwrap());
    assert!(inc.same(&scope(a.get("get").unwrap())) && inc.same(&scope(&values[1])));
}

#[test]
fn mutable_stays_mutable_and_aliases_stay_aliases() {
    let printed = in_two_processes(
        &[
            "mut total = 1",
            "let fixed = 5",
            "let account = {mut balance: 100, owner: \"ada\"}",
            "let same = account",
        ],
        &[
            "total = total + 1",
            "total",
            "account.balance = 7",
            "same.balance",
        ],
    );
    assert_eq!(printed, ["2", "7"]);
    let folder = tempfile::tempdir().unwrap();
    lines(folder.path(), &["--save", "s.ach", "let fixed = 5"]);
    let refused = run(folder.path(), &["--restore", "s.ach", "fixed = 6"]);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("declare it with `mut`"), "{text}");
}

#[test]
fn a_record_keeps_its_method_and_self() {
    let printed = in_two_processes(
        &["let dog = {mut age: 3, grow: (self, by) => { self.age = self.age + by; self.age }}"],
        &["dog.grow(2)", "dog.age"],
    );
    assert_eq!(printed, ["5", "5"]);
}

#[test]
fn cycles_through_cells_come_back() {
    let printed = in_two_processes(
        &[
            "let a = {mut next: null, name: \"a\"}",
            "let b = {mut next: a, name: \"b\"}",
            "a.next = b",
        ],
        &["a.next.next.next.name", "a.next.next == a", "b.next == a"],
    );
    // Aliases are kept through cells; two variables for one record are records of their own.
    assert_eq!(printed[0], "b");
}

#[test]
fn recursion_works_after_restore() {
    let printed = in_two_processes(
        &[
            "let fact = n => if n < 2 then 1 else n * fact(n - 1)",
            // A local function: the scope it captured holds it.
            "let pow2 = (() => { let go = n => if n < 1 then 1 else 2 * go(n - 1); go })()",
        ],
        &["fact(10)", "pow2(16)"],
    );
    assert_eq!(printed, ["3628800", "65536"]);
}

#[test]
fn tensors_and_complex_numbers_come_back() {
    let printed = in_two_processes(
        &[
            "let t = reshape(range(6), 2, 3) * 0.5",
            "mut cell = {t: t, z: complex(range(3), range(3) * -1)}",
            "let i = 2i * (1 + 1i)",
        ],
        &["t", "t[1]", "cell.z", "cell.z[2] * 1i", "cell.t == t", "i"],
    );
    assert_eq!(
        printed,
        [
            "tensor 2x3 [0, 0.5, 1, 1.5, 2, 2.5]",
            "tensor 3 [1.5, 2, 2.5]",
            "tensor 3 [0-0i, 1-1i, 2-2i]",
            "2+2i",
            "true",
            "-2+2i"
        ]
    );
}

#[test]
fn what_cannot_be_saved_is_told_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let (_, noted) = lines(
        folder.path(),
        &[
            "--save",
            "s.ach",
            "let g = count_from(1)",
            "mut model = {callbacks: [1, g]}",
        ],
    );
    let reason = "is lost: a computation under way cannot be saved";
    assert_eq!(
        noted,
        [
            format!("note: g (generator) {reason}"),
            format!("note: model<cell>.callbacks[1] (generator) {reason}"),
        ]
    );
    let (printed, noted) = lines(folder.path(), &["--restore", "s.ach", "model"]);
    assert_eq!(
        printed,
        ["{callbacks: [1, <generator that was not saved>]}"]
    );
    assert_eq!(noted.len(), 1, "{noted:?}");
    let strict = run(folder.path(), &["--strict", "--restore", "s.ach", "1"]);
    assert!(!strict.status.success() && strict.stdout.is_empty());
}

#[test]
fn an_unknown_builtin_is_told_and_saves_again_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    lines(here, &["--save", "s.ach", "let tools = {wave: sin, n: 1}"]);
    let (printed, noted) = lines(
        here,
        &[
            "--without",
            "sin",
            "--restore",
            "s.ach",
            "--save",
            "t.ach",
            "tools.wave",
        ],
    );
    assert_eq!(printed, ["<unknown builtin sin>"]);
    assert_eq!(
        noted,
        ["note: tools.wave (function) is kept unresolved: this interpreter has no builtin sin"]
    );
    let value = |file: &str| {
        Archive::open(here.join(file))
            .unwrap()
            .get("tools")
            .unwrap()
    };
    assert!(value("s.ach").identical(&value("t.ach")).unwrap());
    let (printed, _) = lines(here, &["--restore", "t.ach", "tools.wave(0)"]);
    assert_eq!(printed, ["0"]);
}

#[test]
fn a_function_whose_text_is_not_understood_keeps_its_scope() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let cell = Cell::new(1.0);
    let scope = Scope::new(Record::from([("n", cell)]));
    let function = |source: &str| UserFunction {
        source: source.into(),
        scope: Some(scope.clone()),
        ..UserFunction::default()
    };
    let bindings = [
        ("future", Value::from(function("n ?? later"))),
        ("bump", function("{ n = n + 1; n }").into()),
    ];
    save(
        here.join("s.ach"),
        bindings.iter().map(|(n, v)| (n, v)),
        &SaveOptions::new(),
    )
    .unwrap();
    let (_, noted) = lines(here, &["--restore", "s.ach", "--save", "t.ach"]);
    assert_eq!(
        noted,
        ["note: future (function) is kept unresolved: unexpected '?'"]
    );
    let again = Archive::open(here.join("t.ach")).unwrap();
    let again = again.load_vars(&["future", "bump"]).unwrap();
    let both = Value::vector(again);
    let before = Value::vector(bindings.map(|(_, value)| value));
    assert!(both.identical(&before).unwrap(), "and share it");
    let refused = run(here, &["--restore", "t.ach", "bump()", "future()"]);
    assert_eq!(String::from_utf8_lossy(&refused.stdout), "2\n");
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        text.contains("the function is unresolved: unexpected '?'"),
        "{text}"
    );
}

#[test]
fn elements_of_another_type_are_kept_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.ach");
    let narrow = Value::from(Tensor::from_vec(vec![0.5f32; 3], [3]).unwrap());
    save(&path, [("narrow", &narrow)], &SaveOptions::new()).unwrap();
    let (printed, noted) = lines(
        folder.path(),
        &["--restore", "s.ach", "--save", "t.ach", "narrow"],
    );
    assert_eq!(printed, ["<foreign tensor>"]);
    assert!(
        noted[0].contains("the tensor holds float32, not float64"),
        "{noted:?}"
    );
    let again = Archive::open(folder.path().join("t.ach")).unwrap();
    assert!(again.get("narrow").unwrap().identical(&narrow).unwrap());
}

#[cfg(feature = "zstd")]
#[test]
fn version_1_files_are_restored_and_each_loss_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/version1");
    let old = std::fs::read(sample.join("12_functions_z3.ach")).unwrap();
    std::fs::write(here.join("old.ach"), old).unwrap();
    let (printed, noted) = lines(
        here,
        &["--restore", "old.ach", "f_sin(0)", "x", "rec_user.v"],
    );
    assert_eq!(printed, ["0", "1", "3"]);
    let lost = "(user-defined function) is lost: version 1 had stored it without its content";
    let expected = ["rec_user.f", "vec_user[1]"].map(|place| format!("note: {place} {lost}"));
    assert_eq!(noted, expected);
    let strict = run(here, &["--strict", "--restore", "old.ach", "1"]);
    assert!(!strict.status.success() && strict.stdout.is_empty());
    std::fs::copy(sample.join("bad/b11_header_only.ach"), here.join("cut.ach")).unwrap();
    let cut = run(here, &["--restore", "cut.ach"]);
    let text = String::from_utf8(cut.stderr).unwrap();
    assert!(text.contains("64 of 96 bytes are there"), "{text}");
}

#[test]
fn the_language_saves_and_restores_too() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let program = [
        "let x = 41",
        "save_env(\"x.ach\", {description: \"one\"}).bindings",
    ];
    assert_eq!(lines(here, &program).0, ["1"]);
    let (printed, _) = lines(here, &["restore_env(\"x.ach\")", "x + 1"]);
    assert_eq!(printed, ["1", "42"]);
    for (program, part) in [
        ("save_env(\"x.ach\")", "exists already"),
        ("save_env(\"y.ach\", {compres: true})", "no option compres"),
        (
            "save_env(\"y.ach\", {overwrite: 1})",
            "overwrite cannot be a number",
        ),
        ("restore_env(\"none.ach\")", "cannot open none.ach"),
    ] {
        let output = run(here, &[program]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(part), "{text}");
    }
    assert!(!here.join("y.ach").exists());
}

#[test]
fn nesting_too_deep_to_save_is_an_error_with_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let deep = "let deep = (n, v) => if n < 1 then v else deep(n - 1, [v])";
    let output = run(
        folder.path(),
        &[deep, "let v = deep(2000, 1)", "save_env(\"v.ach\")"],
    );
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("variable 'v': [0][0][0]") && text.contains("128 levels"),
        "{text}"
    );
    assert!(!folder.path().join("v.ach").exists());
}

#[test]
fn the_same_session_gives_the_same_values_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let program = "let r = {d: 1, a: 2, c: {z: 1, y: 2}, b: () => 1}";
    let mut seen = Vec::new();
    for file in ["1.ach", "2.ach"] {
        lines(folder.path(), &["--save", file, program, "mut n = r"]);
        let archive = Archive::open(folder.path().join(file)).unwrap();
        let bytes = archive.bindings().map(|binding| {
            let value = binding.value().unwrap();
            achronyme_env::serialize_value(&value).unwrap()
        });
        seen.push(bytes.collect::<Vec<_>>());
    }
    // A `HashMap` has another order in every process.
    assert!(seen[0] == seen[1]);
}

/// Text without regard to white space.
fn plain(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn the_guide_shows_the_example_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let example = plain(&read("examples/host/persist.rs"));
    let guide = read("docs/hosts.md");
    let blocks = guide.split("```rust\n").skip(1);
    let blocks: Vec<&str> = blocks
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() > 10);
    for piece in blocks.iter().flat_map(|block| block.split("// ...\n")) {
        let mut piece = plain(piece);
        // What closes a block that is shown in part may stand further on.
        while !example.contains(&piece) && piece.ends_with(['}', ')']) {
            piece.pop();
        }
        assert!(example.contains(&piece), "not in the example: {piece}");
    }
}
