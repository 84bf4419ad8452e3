//! The paths. What they need is made before, by a run that is not counted.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use achronyme_env::{
    Archive, Moment, Record, SaveOptions, Session, SessionOptions, SessionReader, Slice, Tensor,
    Value, deserialize_value, save, serialize_value,
};

/// What valgrind counts.
#[inline(never)]
fn count_instructions_of(work: &mut dyn FnMut()) {
    work();
}

/// What valgrind is told of its name.
pub(crate) const COUNTED: &str = "*count_instructions_of*";

/// Counts `work` once it has run once before.
fn counted<T>(mut work: impl FnMut() -> T) {
    drop(black_box(work()));
    once(work);
}

/// Counts `work`, which runs once. That what it made is dropped does not count.
fn once<T>(mut work: impl FnMut() -> T) {
    let mut made = None;
    count_instructions_of(&mut || made = Some(work()));
    drop(black_box(made));
}

/// A path: its name, and what is counted in the directory of the files.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) run: Box<dyn Fn(&Path)>,
}

/// What is counted of a path that needs nothing but the directory.
type Counting = fn(&Path);

const COUNTS: [usize; 3] = [10, 1_000, 100_000];

fn name(number: usize) -> String {
    format!("session/var{number:07}")
}

fn scalars(count: usize) -> Vec<(String, Value)> {
    let numbered = (0..count).map(|n| (name(n), Value::Number(n as f64)));
    numbered.collect()
}

fn options() -> SaveOptions {
    SaveOptions::new()
        .durable(false)
        .created_at(0)
        .allow_overwrite(true)
}

fn path_of(dir: &Path, count: usize) -> PathBuf {
    dir.join(format!("{count} scalars.ach"))
}

/// Makes the files.
pub(crate) fn prepare(dir: &Path) {
    let to = |path: PathBuf, values: &[(String, Value)], options: SaveOptions| {
        save(
            path,
            values.iter().map(|(name, value)| (name, value)),
            &options,
        )
        .expect("a save");
    };
    for count in COUNTS.into_iter().chain([1_000_000]) {
        to(path_of(dir, count), &scalars(count), options());
    }
    let tensor = |elements: u32| {
        let values = (0..elements).map(|n| f64::from(n).sin()).collect();
        Value::from(Tensor::from_vec(values, [u64::from(elements)]).expect("a tensor"))
    };
    let strings = (0..100_000).map(|n| (format!("key{n:07}"), format!("value number {n}")));
    let values = [
        (
            "large record".to_owned(),
            Value::from(strings.collect::<Record>()),
        ),
        ("tensor".to_owned(), tensor(1 << 20)),
    ];
    to(dir.join("values.ach"), &values, options());
    to(
        dir.join("cold.ach"),
        &[("tensor".to_owned(), tensor(1 << 20))],
        options().compress(true),
    );
    let sessions = SessionOptions::new().create(true).checkpoint_at(None);
    let mut session: Session = sessions.open(dir.join("session.ach")).expect("a session");
    for n in 0..20_000 {
        session
            .set(&format!("session/var{:06}", n % 1000), n as f64)
            .expect("a name");
        if n % 64 == 63 {
            session.commit().expect("a commit");
        }
    }
    session.commit().expect("a commit");
    drop(session);
    std::fs::copy(dir.join("session.ach"), dir.join("undone.ach")).expect("a copy");
    std::fs::copy(
        dir.join("session.ach-journal"),
        dir.join("undone.ach-journal"),
    )
    .expect("a copy");
    let mut session: Session = sessions.open(dir.join("undone.ach")).expect("a session");
    session
        .restore_at(&Moment::Sequence(0))
        .expect("the beginning");
}

#[allow(unsafe_code)]
fn mapped(path: &Path) -> Archive {
    // SAFETY: the files of this benchmark are not written while they are mapped.
    unsafe { Archive::open_mmap(path) }.expect("an archive")
}

fn read(path: &Path) -> Archive {
    Archive::open(path).expect("an archive")
}

/// Every path.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: String, run: Box<dyn Fn(&Path)>| cases.push(Case { name, run });
    for count in COUNTS {
        let of = format!("open {count} bindings");
        add(
            format!("{of}, read"),
            Box::new(move |dir| counted(|| read(&path_of(dir, count)))),
        );
        add(
            format!("{of}, mapped"),
            Box::new(move |dir| counted(|| mapped(&path_of(dir, count)))),
        );
    }
    let rest: [(&str, Counting); 13] = [
        ("load 1000 scalars by name among 1000000", load_scalars),
        (
            "walk 1000 prefixes of 100 names among 1000000",
            walk_prefixes,
        ),
        ("slice of a tensor, first touch", |dir| {
            let tensor = tensor_of(&mapped(&dir.join("values.ach")));
            let part = part();
            once(|| sliced(&tensor, &part));
        }),
        ("slice of a tensor, checked already", |dir| {
            let tensor = tensor_of(&mapped(&dir.join("values.ach")));
            let part = part();
            counted(|| sliced(&tensor, &part));
        }),
        ("tensor to a slice 100 times, checked already", |dir| {
            let tensor = tensor_of(&mapped(&dir.join("values.ach")));
            let len = || tensor.as_slice::<f64>().expect("numbers").len();
            counted(|| (0..100).map(|_| black_box(len())).sum::<usize>());
        }),
        ("field of a record of 100000, first touch", |dir| {
            let archive = mapped(&dir.join("values.ach"));
            once(|| field(&archive));
        }),
        ("field of a record of 100000, 100 times", |dir| {
            let archive = mapped(&dir.join("values.ach"));
            counted(|| (0..100).map(|_| black_box(field(&archive))).sum::<usize>());
        }),
        ("slice of a cold block", |dir| {
            let tensor = tensor_of(&read(&dir.join("cold.ach")));
            let part = part();
            counted(|| sliced(&tensor, &part));
        }),
        ("encode a record of three fields", |_| {
            let row = row();
            counted(|| serialize_value(&row).expect("bytes"));
        }),
        ("decode a record of three fields", |_| {
            let bytes = serialize_value(row()).expect("bytes");
            counted(|| deserialize_value(&bytes).expect("a value"));
        }),
        ("save 1000 scalars", |dir| {
            let (values, path) = (scalars(1000), dir.join("saved.ach"));
            let values = || values.iter().map(|(name, value)| (name, value));
            counted(|| save(&path, values(), &options()).expect("a save"));
        }),
        ("replay 20000 frames, all undone", |dir| {
            counted(|| SessionReader::open(dir.join("undone.ach")).expect("a session"));
        }),
        ("replay 20000 frames under 1000 names", |dir| {
            counted(|| SessionReader::open(dir.join("session.ach")).expect("a session"));
        }),
    ];
    for (name, run) in rest {
        add(name.to_owned(), Box::new(run));
    }
    cases
}

fn tensor_of(archive: &Archive) -> Tensor {
    archive.tensor("tensor").expect("a tensor")
}

fn part() -> Slice {
    "500000:501024".parse().expect("a slice")
}

fn sliced(tensor: &Tensor, part: &Slice) -> f64 {
    let sliced = tensor.slice(part).expect("a part");
    sliced.as_slice::<f64>().expect("numbers")[7]
}

fn field(archive: &Archive) -> usize {
    let record = archive.view("large record").expect("a record");
    let field = record.field("key0077777").expect("a field");
    field.as_str().expect("text").len()
}

fn row() -> Value {
    Value::from(Record::from([
        ("step", Value::Integer(100)),
        ("loss", Value::Number(0.25)),
        ("name", Value::from("a name of eighteen")),
    ]))
}

fn load_scalars(dir: &Path) {
    let archive = mapped(&path_of(dir, 1_000_000));
    let asked: Vec<String> = (0..1000).map(|n| name(n * 7919 % 1_000_000)).collect();
    let number = |name: &String| archive.load_var(name).expect("a value").as_f64();
    counted(|| asked.iter().filter_map(number).sum::<f64>());
}

fn walk_prefixes(dir: &Path) {
    let archive = mapped(&path_of(dir, 1_000_000));
    let prefixes = (0..1000).map(|n| format!("session/var{:05}", n * 97 % 10_000));
    let prefixes: Vec<String> = prefixes.collect();
    let names = |prefix: &String| {
        archive
            .with_prefix(prefix)
            .map(|binding| binding.name().len())
            .sum::<usize>()
    };
    counted(|| prefixes.iter().map(names).sum::<usize>());
}
