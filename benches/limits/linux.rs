//! The cases.

use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use achronyme_env::{
    Archive, OpenOptions, Record, SaveOptions, Slice, Tensor, TensorRef, Value, ValueRef, save,
};

const MIB: u64 = 1 << 20;
const ELEMENTS: u64 = 128 << 20;

struct Run {
    dir: PathBuf,
    rounds: usize,
}

type Case = (&'static str, fn(&Run));

const CASES: [Case; 7] = [
    ("dropped", dropped),
    ("slice", slices),
    ("scalars", scalars),
    ("fields", fields),
    ("replace", replace),
    ("packed", packed),
    ("opened", opened),
];

pub(super) fn main() {
    let mut args = std::env::args().skip(1);
    let (mut dir, mut rounds, mut chosen) = (std::env::temp_dir(), 9, Vec::new());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--dir" => dir = args.next().expect("a directory").into(),
            "--rounds" => rounds = args.next().and_then(|n| n.parse().ok()).expect("a number"),
            "--packing" => return pack_once(Path::new(&args.next().expect("a file"))),
            "--unpacking" => return unpack_once(Path::new(&args.next().expect("a file"))),
            case if !case.starts_with('-') => chosen.push(case.to_owned()),
            _ => {}
        }
    }
    let dir = tempfile::tempdir_in(dir).expect("a directory");
    let run = Run {
        dir: dir.path().to_owned(),
        rounds,
    };
    for (name, case) in CASES {
        if chosen.is_empty() || chosen.iter().any(|chosen| chosen == name) {
            println!("\n{name}");
            case(&run);
        }
    }
}

#[allow(unsafe_code)]
fn mapped(path: &Path) -> Archive {
    // SAFETY: the files of this benchmark are not written while they are mapped.
    unsafe { Archive::open_mmap(path) }.expect("an archive")
}

fn options() -> SaveOptions {
    SaveOptions::new().durable(false).allow_overwrite(true)
}

/// What a piece of work took.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    /// On all processors: what other programs change least.
    busy: Duration,
}

fn busy() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let before = busy();
    let start = Instant::now();
    let result = black_box(work());
    let wall = start.elapsed();
    let busy = busy() - before;
    (result, Took { wall, busy })
}

fn median(times: &[Took], of: impl Fn(&Took) -> Duration) -> f64 {
    let mut times: Vec<Duration> = times.iter().map(of).collect();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// Prints the cases in microseconds, each with its ratio to the first.
fn print(cases: Vec<(&str, Vec<Took>)>) {
    let columns = |times: &[Took]| {
        let best = times.iter().map(|took| took.wall).min().unwrap_or_default();
        [
            median(times, |took| took.wall),
            best.as_secs_f64() * 1e6,
            median(times, |took| took.busy),
        ]
    };
    let first = columns(&cases[0].1);
    println!(
        "  {:50} {:>19} {:>19} {:>19}",
        "", "median", "best", "processor"
    );
    for (name, times) in &cases {
        print!("  {name:50}");
        for (value, first) in columns(times).into_iter().zip(first) {
            print!(" {value:>12.2} {:>6.2}", value / first);
        }
        println!();
    }
}

/// Gives up the file's pages that nobody has mapped.
fn drop_pages(file: &File) {
    use rustix::fs::{Advice, fadvise};
    file.sync_all().expect("a sync");
    fadvise(file, 0, None, Advice::DontNeed).expect("advice");
}

fn numbers() -> Vec<f64> {
    (0..ELEMENTS).map(|n| n as f64).collect()
}

fn sum(numbers: &[f64]) -> f64 {
    let (blocks, rest) = numbers.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for block in blocks {
        for (sum, number) in sums.iter_mut().zip(block) {
            *sum += number;
        }
    }
    sums.iter().chain(rest).sum()
}

fn place(round: u64) -> u64 {
    round.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (ELEMENTS - 4096)
}

fn parsed(text: String) -> Slice {
    text.parse().expect("a slice")
}

/// A tensor of 1 GiB whose pages are not in memory.
fn dropped(run: &Run) {
    let path = run.dir.join("large.ach");
    save(
        &path,
        [(
            "t",
            Tensor::from_vec(numbers(), [ELEMENTS]).expect("a tensor"),
        )],
        &options(),
    )
    .expect("a save");
    let file = File::open(&path).expect("a file");
    let offset = Archive::open(&path)
        .expect("open")
        .tensor("t")
        .expect("t")
        .file_offset()
        .expect("raw");
    let mut floor = Vec::new();
    let (mut first, mut later, mut read) = (Vec::new(), Vec::new(), Vec::new());
    let (mut open_map, mut open_read) = (Vec::new(), Vec::new());
    for round in 0..run.rounds as u64 * 5 {
        drop_pages(&file);
        let mut block = vec![1u8; 64 << 10];
        let at = place(round * 4);
        let block_at = offset + at * 8 / (64 << 10) * (64 << 10);
        floor.push(timed(|| file.read_exact_at(&mut block, block_at).expect("a block")).1);
        drop_pages(&file);
        let (archive, time) = timed(|| mapped(&path));
        open_map.push(time);
        drop_pages(&file);
        let tensor = archive.tensor("t").expect("t");
        let one = |at: u64| {
            let part = tensor
                .slice(&parsed(format!("{at}:{}", at + 1)))
                .expect("an element");
            assert_eq!(part.as_slice::<f64>().expect("numbers"), [at as f64]);
        };
        first.push(timed(|| one(place(round * 4 + 1))).1);
        later.push(timed(|| one(place(round * 4 + 2))).1);
        drop(tensor);
        drop(archive);
        drop_pages(&file);
        let (archive, time) = timed(|| Archive::open(&path).expect("open"));
        open_read.push(time);
        let tensor = archive.tensor("t").expect("t");
        drop_pages(&file);
        let at = place(round * 4 + 3);
        let slice = parsed(format!("{at}:{}", at + 1));
        read.push(timed(|| tensor.slice(&slice).expect("an element")).1);
    }
    print(vec![
        ("pread of one block", floor),
        ("map: one element, checked, first of its tensor", first),
        ("map: one more element, in another block", later),
        ("read: one element, checked, first of its tensor", read),
        ("open_mmap", open_map),
        ("open", open_read),
    ]);
    let (mut whole, mut parts, mut plain, mut walked) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..run.rounds.div_ceil(2) {
        drop_pages(&file);
        let mut buffer = vec![1u8; 8 << 20];
        plain.push(
            timed(|| {
                let (mut file, mut total) = (File::open(&path).expect("a file"), 0.0);
                loop {
                    let mut len = 0;
                    while len < buffer.len() {
                        match file.read(&mut buffer[len..]).expect("bytes") {
                            0 => break,
                            now => len += now,
                        }
                    }
                    total += sum(bytemuck::cast_slice(&buffer[..len / 8 * 8]));
                    if len < buffer.len() {
                        return total;
                    }
                }
            })
            .1,
        );
        let archive = mapped(&path);
        let tensor = archive.tensor("t").expect("t");
        drop_pages(&file);
        whole.push(timed(|| sum(tensor.as_slice().expect("numbers"))).1);
        drop(tensor);
        drop(archive);
        for (times, most) in [(&mut parts, 8 << 20), (&mut walked, 64 << 10)] {
            let archive = mapped(&path);
            let tensor = archive.tensor("t").expect("t");
            drop_pages(&file);
            times.push(
                timed(|| {
                    let (mut total, mut blocks) =
                        (0.0, tensor.blocks::<f64>(most).expect("blocks"));
                    while let Some((_, block)) = blocks.next_block().expect("a block") {
                        total += sum(block);
                    }
                    total
                })
                .1,
            );
        }
    }
    print(vec![
        ("read 8 MiB at a time and sum, 1 GiB", plain),
        ("map: as_slice (unchecked above 64 MiB) and sum", whole),
        ("map: blocks of 8 MiB, checked, and sum", parts),
        ("map: blocks of 64 KiB, checked, and sum", walked),
    ]);
}

/// 8 KB of an open tensor of 1 GiB whose pages are in memory.
fn slices(run: &Run) {
    let path = run.dir.join("large.ach");
    if !path.exists() {
        save(
            &path,
            [(
                "t",
                Tensor::from_vec(numbers(), [ELEMENTS]).expect("a tensor"),
            )],
            &options(),
        )
        .expect("a save");
    }
    let file = File::open(&path).expect("a file");
    let mut buffer = vec![0u8; 8 << 20];
    while (&file).read(&mut buffer).expect("bytes") > 0 {}
    drop(buffer);
    let mut floor = Vec::new();
    let (mut first, mut more, mut later, mut again) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut memory = Vec::new();
    for round in 0..run.rounds as u64 * 20 {
        let at = place(round * 3) as usize;
        let unchecked = OpenOptions::new().check(achronyme_env::Check::Never);
        #[allow(unsafe_code)]
        // SAFETY: the files of this benchmark are not written while they are mapped.
        let plain = unsafe { unchecked.open_mmap(&path) }.expect("open");
        let plain = plain.tensor("t").expect("t");
        let all = plain.as_slice::<f64>().expect("numbers");
        floor.push(timed(|| sum(&all[at..at + 1024])).1);
        memory.push(timed(|| sum(&all[at..at + 1024])).1);
        let archive = mapped(&path);
        let tensor = archive.tensor("t").expect("t");
        let sliced = |at: u64| {
            let slice = parsed(format!("{at}:{}", at + 1024));
            timed(|| {
                let part = tensor.slice(&slice).expect("a part");
                sum(part.as_slice().expect("numbers"))
            })
            .1
        };
        let (one, other) = (place(round * 3 + 1), place(round * 3 + 2));
        first.push(sliced(one));
        more.push(sliced(other));
        sliced(one);
        again.push(sliced(one));
        let part = tensor
            .slice(&parsed(format!("{one}:{}", one + 1024)))
            .expect("a part");
        sum(part.as_slice().expect("numbers"));
        later.push(timed(|| sum(part.as_slice().expect("numbers"))).1);
    }
    print(vec![
        ("map alone: 8 KB never touched, summed", floor),
        ("first slice of a tensor, checked, summed", first),
        ("another slice of it, checked, summed", more),
    ]);
    print(vec![
        ("map alone: 8 KB touched before, summed", memory),
        ("a part that was sliced before, summed", later),
        ("sliced again and summed", again),
    ]);
    let cold = run.dir.join("cold.ach");
    save(
        &cold,
        [(
            "t",
            Tensor::from_vec(numbers(), [ELEMENTS]).expect("a tensor"),
        )],
        &options().compress(true),
    )
    .expect("a save");
    let (mut map, mut read) = (Vec::new(), Vec::new());
    for round in 0..run.rounds as u64 * 5 {
        for (times, archive) in [
            (&mut map, mapped(&cold)),
            (&mut read, Archive::open(&cold).expect("open")),
        ] {
            let at = place(round);
            let slice = parsed(format!("{at}:{}", at + 1024));
            let tensor = archive.tensor("t").expect("t");
            times.push(timed(|| tensor.slice(&slice).expect("a part")).1);
        }
    }
    print(vec![
        ("8 KB of a cold tensor of 1 GiB, map", map),
        ("8 KB of a cold tensor of 1 GiB, read", read),
    ]);
    std::fs::remove_file(cold).expect("removed");
}

fn names(count: usize) -> Vec<(String, Value)> {
    (0..count)
        .map(|n| (format!("session/var{n:06}"), Value::Number(n as f64)))
        .collect()
}

/// 1,000,000 scalars.
fn scalars(run: &Run) {
    let path = run.dir.join("scalars.ach");
    let values = names(1_000_000);
    let (mut saves, mut maps, mut opens, mut floor) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..run.rounds {
        for again in [false, true] {
            let _ = std::fs::remove_file(&path);
            let time = timed(|| {
                save(&path, values.iter().map(|(n, v)| (n, v)), &options()).expect("a save")
            })
            .1;
            if again {
                saves.push(time);
            }
        }
        let bytes = std::fs::read(&path).expect("bytes");
        let other = run.dir.join("plain");
        for again in [false, true] {
            let _ = std::fs::remove_file(&other);
            let time = timed(|| std::fs::write(&other, &bytes).expect("written")).1;
            if again {
                floor.push(time);
            }
        }
        maps.push(timed(|| mapped(&path)).1);
        opens.push(timed(|| Archive::open(&path).expect("open")).1);
    }
    print(vec![
        ("write of the same bytes", floor),
        ("save 1,000,000 scalars", saves),
        ("open_mmap", maps),
        ("open", opens),
    ]);
}

/// One field asked for, beside all of it loaded.
fn fields(run: &Run) {
    let path = run.dir.join("fields.ach");
    let strings: Record = (0..1_000_000)
        .map(|n| (format!("key{n:07}"), format!("value number {n}")))
        .collect();
    let row = |t: usize, n: usize| {
        Value::from(Record::from([
            ("id", Value::Integer(n as i64)),
            ("name", Value::from(format!("row {t} {n}"))),
            ("score", Value::Number(n as f64 / 7.0)),
        ]))
    };
    let table = |t: usize| Value::vector((0..10_000).map(|n| row(t, n)).collect::<Vec<_>>());
    let tables: Vec<_> = (0..100)
        .map(|t| (format!("table{t:02}"), table(t)))
        .collect();
    for (name, values) in [
        ("W4", vec![("big".to_owned(), Value::from(strings))]),
        ("W5", tables),
    ] {
        save(&path, values.iter().map(|(n, v)| (n, v)), &options()).expect("a save");
        drop(values);
        let (mut all, mut one, mut one_map, mut opened) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for round in 0..run.rounds {
            all.push(
                timed(|| {
                    let archive = Archive::open(&path).expect("open");
                    let names: Vec<_> = archive.names().collect();
                    archive.load_vars(&names).expect("values")
                })
                .1,
            );
            let look = |archive: &Archive| match name {
                "W4" => {
                    let key = format!("key{:07}", round * 7919 % 1_000_000);
                    archive
                        .view("big")
                        .expect("big")
                        .field(&key)
                        .expect("a field")
                        .as_str()
                        .expect("text")
                        .len()
                }
                _ => {
                    let view = archive
                        .view(&format!("table{:02}", round * 31 % 100))
                        .expect("a table");
                    let row = view.index(round as u64 * 7919 % 10_000).expect("a row");
                    row.field("name")
                        .expect("a field")
                        .as_str()
                        .expect("text")
                        .len()
                }
            };
            // The allocator sorts what was just freed when it is next asked.
            look(&Archive::open(&path).expect("open"));
            one.push(timed(|| look(&Archive::open(&path).expect("open"))).1);
            one_map.push(timed(|| look(&mapped(&path))).1);
            let archive = mapped(&path);
            opened.push(timed(|| look(&archive)).1);
        }
        println!("  {name}");
        let ratio = median(&all, |took| took.busy) / median(&one, |took| took.busy);
        print(vec![
            ("open, load all", all),
            ("open, one field", one),
            ("open_mmap, one field", one_map),
            ("one field, opened by map before", opened),
        ]);
        println!("  open and one field {ratio:.0} times as fast");
    }
}

/// An archive of 512 MiB over one that is there.
fn replace(run: &Run) {
    let values: Vec<Vec<f64>> = (0..8u64)
        .map(|t| (0..8 * MIB).map(|n| (n ^ (t << 40)) as f64).collect())
        .collect();
    let (path, temp) = (run.dir.join("old.ach"), run.dir.join("temp"));
    let plain = || {
        use std::io::Write;
        let mut file = File::create(&temp).expect("a file");
        for values in &values {
            file.write_all(bytemuck::cast_slice(values)).expect("room");
        }
        drop(file);
        std::fs::rename(&temp, &path).expect("renamed");
    };
    let saved = || {
        let tensors = values.iter().enumerate().map(|(n, values)| {
            let tensor = TensorRef::new(values, &[8 * MIB]).expect("a tensor");
            (format!("tensor {n}"), ValueRef::Tensor(tensor))
        });
        save(&path, tensors, &options()).expect("a save");
    };
    plain();
    let (mut plains, mut saves) = (Vec::new(), Vec::new());
    for _ in 0..run.rounds {
        plain();
        plains.push(timed(plain).1);
        saved();
        saves.push(timed(saved).1);
    }
    print(vec![
        ("write, rename over the old, not reserved", plains),
        ("save over the old", saves),
    ]);
}

const PACKED: u64 = 32 * MIB;

fn pack_once(path: &Path) {
    let values: Vec<f64> = (0..PACKED).map(|n| (n as f64 * 0.001).sin()).collect();
    let one = || {
        let tensor = TensorRef::new(&values, &[PACKED]).expect("a tensor");
        let _ = std::fs::remove_file(path);
        timed(|| {
            save(
                path,
                [("t", ValueRef::Tensor(tensor))],
                &options().compress(true),
            )
            .expect("a save")
        })
        .1
    };
    one();
    let took = one();
    println!("{} {}", took.wall.as_nanos(), took.busy.as_nanos());
}

fn unpack_once(path: &Path) {
    let pool = achronyme_env::BufferPool::new(1 << 30);
    let one = || {
        timed(|| {
            let archive = OpenOptions::new()
                .pool(pool.clone())
                .open(path)
                .expect("open");
            let tensor = archive.tensor("t").expect("t");
            tensor.as_slice::<f64>().expect("numbers").len()
        })
        .1
    };
    one();
    let took = one();
    println!("{} {}", took.wall.as_nanos(), took.busy.as_nanos());
}

/// 256 MiB packed and unpacked on one core and on two.
fn packed(run: &Run) {
    let path = run.dir.join("packed.ach");
    let program = std::env::current_exe().expect("this program");
    let time = |cores: &str, what: &str| {
        let out = std::process::Command::new("taskset")
            .args(["-c", cores])
            .arg(&program)
            .arg(what)
            .arg(&path)
            .output()
            .expect("taskset");
        let text = String::from_utf8_lossy(&out.stdout);
        let mut numbers = text.split_whitespace().map(|number| {
            let nanos = number.parse().map(Duration::from_nanos);
            nanos.unwrap_or_else(|_| panic!("{text} {}", String::from_utf8_lossy(&out.stderr)))
        });
        let mut next = || numbers.next().expect("two numbers");
        Took {
            wall: next(),
            busy: next(),
        }
    };
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..run.rounds.div_ceil(2) {
        for (times, (cores, what)) in times.iter_mut().zip([
            ("0", "--packing"),
            ("0,1", "--packing"),
            ("0", "--unpacking"),
            ("0,1", "--unpacking"),
        ]) {
            times.push(time(cores, what));
        }
    }
    let [one, two, load_one, load_two] = times;
    print(vec![
        ("save 256 MiB cold, two cores", two),
        ("one core", one),
    ]);
    print(vec![
        ("load 256 MiB cold, two cores", load_two),
        ("one core", load_one),
    ]);
}

/// Opening and one variable of 512 bytes.
fn opened(run: &Run) {
    for count in [10usize, 1_000, 10_000, 100_000] {
        let path = run.dir.join("opened.ach");
        let values: Vec<_> = (0..count)
            .map(|n| {
                (
                    format!("session/var{n:06}"),
                    Tensor::from_vec(vec![n as f64; 64], [64]).expect("a tensor"),
                )
            })
            .collect();
        save(&path, values, &options()).expect("a save");
        let name = format!("session/var{:06}", count / 3);
        let (mut maps, mut reads, mut plain, mut alone) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..run.rounds * 10 {
            plain.push(
                timed(|| {
                    let file = File::open(&path).expect("a file");
                    let mut b = [0; 4096];
                    file.read_exact_at(&mut b, 0).expect("bytes");
                    b[17]
                })
                .1,
            );
            maps.push(
                timed(|| {
                    sum(mapped(&path)
                        .tensor(&name)
                        .expect("t")
                        .as_slice()
                        .expect("numbers"))
                })
                .1,
            );
            alone.push(timed(|| mapped(&path)).1);
            reads.push(
                timed(|| {
                    sum(Archive::open(&path)
                        .expect("open")
                        .tensor(&name)
                        .expect("t")
                        .as_slice()
                        .expect("numbers"))
                })
                .1,
            );
        }
        println!("  {count} variables");
        print(vec![
            ("open and read 4 KiB", plain),
            ("open_mmap", alone),
            ("open_mmap, one variable", maps),
            ("open, one variable", reads),
        ]);
    }
}
