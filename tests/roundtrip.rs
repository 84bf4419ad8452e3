//! Promise: every value of every kind and dtype comes back bit for bit, on every road, hot and
//! cold, and as a value image.

mod samples;

use achronyme_env::{
    Archive, Check, OpenOptions, SaveOptions, Value, deserialize_value, save, serialize_value,
};

fn saved(options: &SaveOptions) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.ach");
    save(
        &path,
        samples::every_kind().iter().map(|(n, v)| (n, v)),
        options,
    )
    .unwrap();
    (dir, path)
}

fn assert_same(archive: &Archive) {
    let expected = samples::every_kind();
    assert_eq!(archive.len(), expected.len());
    for (name, value) in &expected {
        let found = archive.load_var(name).unwrap();
        assert!(
            value.identical(&found).unwrap(),
            "{name}: {value:?} became {found:?}"
        );
        let seen = archive.view(name).unwrap().to_value().unwrap();
        assert!(value.identical(&seen).unwrap(), "{name} as seen");
    }
    let order: Vec<&str> = archive
        .bindings_as_saved()
        .iter()
        .map(|b| b.name())
        .collect();
    assert!(order.iter().eq(expected.iter().map(|(name, _)| name)));
    let report = archive.verify().unwrap();
    assert!(report.is_ok(), "{report:?}");
}

#[allow(unsafe_code)]
fn on_every_road(path: &std::path::Path) {
    for check in [Check::Auto, Check::Always, Check::AtOpen, Check::Never] {
        let options = OpenOptions::new().check(check);
        assert_same(&options.open(path).unwrap());
        // SAFETY: nobody writes to the file of this test.
        assert_same(&unsafe { options.open_mmap(path) }.unwrap());
    }
    assert_same(&Archive::from_bytes(std::fs::read(path).unwrap()).unwrap());
}

#[test]
fn hot() {
    let (_dir, path) = saved(&SaveOptions::new());
    on_every_road(&path);
}

#[test]
fn cold() {
    let (_dir, path) = saved(&SaveOptions::new().cold("*").compression_level(1));
    on_every_road(&path);
}

#[test]
fn some_cold_and_sealed() {
    let (_dir, path) = saved(&SaveOptions::new().cold("t/*").cold("long*").seal(true));
    on_every_road(&path);
}

#[test]
fn as_value_images() {
    for (name, value) in samples::every_kind() {
        let image = serialize_value(&value).unwrap();
        let back = deserialize_value(&image).unwrap();
        assert!(
            value.identical(&back).unwrap(),
            "{name}: {value:?} became {back:?}"
        );
        assert_eq!(serialize_value(&back).unwrap(), image, "{name}");
    }
}

#[test]
fn two_names_for_one_cell_stay_one_cell_within_a_value() {
    let cell = achronyme_env::Cell::new(1i64);
    let value = Value::vector([Value::from(cell.clone()), cell.into()]);
    let back = deserialize_value(&serialize_value(&value).unwrap()).unwrap();
    let [Value::Cell(a), Value::Cell(b)] = back.as_vector().unwrap() else {
        panic!()
    };
    a.set(2i64);
    assert_eq!(b.get().as_i64(), Some(2));
}

#[test]
fn two_variables_that_share_a_cell_or_a_scope_share_it_again() {
    let (_dir, path) = saved(&SaveOptions::new());
    let archive = Archive::open(path).unwrap();
    let values = archive
        .load_vars(&["cell", "number", "cell again"])
        .unwrap();
    let [Value::Cell(a), Value::Number(_), Value::Cell(b)] = &values[..] else {
        panic!()
    };
    assert!(a.same(b));
    let closures = archive
        .load_vars(&["function up", "function down"])
        .unwrap();
    let scopes: Vec<_> = closures
        .iter()
        .map(|value| match value {
            Value::Function(f) => match &**f {
                achronyme_env::Function::User(f) => f.scope.clone().unwrap(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(scopes[0].same(&scopes[1]));
}
