//! Promise: opening reads header and table, whatever the size of the arrays; a slice reads its
//! blocks; what was checked is told, and what was not checked is told too.
#![cfg(target_os = "linux")]

mod reseal;
mod samples;
mod small;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use achronyme_env::{
    Archive, Check, DType, EnvError, OpenOptions, Order, Part, Record, SaveOptions, Tensor, Value,
    save,
};
use reseal::{Extent, Handmade, Patch, preamble};

/// Bytes read and read calls of this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reads {
    bytes: u64,
    calls: u64,
}

fn counters() -> Reads {
    let text = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    let field = |name: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_once(": ").unwrap().1.parse().unwrap()
    };
    Reads {
        bytes: field("rchar:"),
        calls: field("syscr:"),
    }
}

/// What `work` reads on this thread, without what counting itself reads.
fn reads_of<T>(work: impl FnOnce() -> T) -> (T, Reads) {
    let first = counters();
    let before = counters();
    let result = work();
    let after = counters();
    let reads = Reads {
        bytes: after.bytes - before.bytes - (before.bytes - first.bytes),
        calls: after.calls - before.calls - (before.calls - first.calls),
    };
    (result, reads)
}

/// Bytes of one block of zeros, and its sum.
const BLOCK: u64 = 64 << 10;

/// An archive of one tensor `x` of zeros (uint8) that takes no room: a hole in a sparse file.
fn zeros(dir: &Path, len: u64) -> PathBuf {
    // The parts of a small file stand where they would; then its numbers are made large.
    let small = Handmade::of_tensor(reseal::U8, &[2 * BLOCK], Extent::raw(&[0; 2 * 65_536]));
    let mut patch = Patch::of(small.bytes());
    let start = patch.u64_at(patch.extent(0, 0));
    let list = crc32fast::hash(&[0; BLOCK as usize])
        .to_le_bytes()
        .repeat(len.div_ceil(BLOCK) as usize);
    assert_eq!((len % BLOCK, list.len() % 8), (0, 0));
    let sums = start + len;
    let file_len = sums + list.len() as u64 + 32;
    let changes = [
        (patch.extent(0, 8), len),
        (patch.extent(0, 16), len),
        (patch.extent(0, 24), sums),
        (patch.shape(0), len),
        (patch.preamble(preamble::FILE_LEN), file_len),
        (patch.preamble(preamble::EXTENTS_AREA) + 8, {
            let area = patch.u64_at(patch.preamble(preamble::EXTENTS_AREA));
            start + len - area
        }),
        (patch.preamble(preamble::SUMS_AREA), sums),
        (patch.preamble(preamble::SUMS_AREA) + 8, list.len() as u64),
    ];
    for (at, value) in changes {
        patch.put_u64(at, value);
    }
    patch.put_u32(patch.extent(0, 32), crc32fast::hash(&list));
    let bytes = patch.seal();
    let path = dir.join(format!("zeros {len}.ach"));
    let file = File::create_new(&path).unwrap();
    file.write_all_at(&bytes[..start as usize], 0).unwrap();
    file.write_all_at(&list, sums).unwrap();
    let root = &bytes[bytes.len() - 32..];
    file.write_all_at(root, file_len - 32).unwrap();
    path
}

#[allow(unsafe_code)]
fn mapped(options: &OpenOptions, path: &Path) -> Archive {
    // SAFETY: the tests of this file write to a file only before it is opened.
    unsafe { options.open_mmap(path) }.unwrap()
}

/// Bytes that this thread made the system fetch from disks. (None of a file system in memory.)
fn fetched() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    let line = text.lines().find(|line| line.starts_with("read_bytes:"));
    line.unwrap()["read_bytes:".len()..].trim().parse().unwrap()
}

/// Gives up the pages of a file that nobody has mapped.
fn drop_pages(path: &Path) {
    use rustix::fs::{Advice, fadvise};
    let file = File::open(path).unwrap();
    file.sync_all().unwrap();
    fadvise(&file, 0, None, Advice::DontNeed).unwrap();
}

/// A disk may be told to read 8 MiB around a page that is touched in a map.
#[test]
fn one_element_of_a_map_that_is_not_in_memory_fetches_its_block() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let values: Vec<u64> = (0..8 << 20).map(|n: u64| n * n).collect();
    let tensor = Tensor::from_vec(values, [8 << 20]).unwrap();
    for options in [SaveOptions::new(), SaveOptions::new().compress(true)] {
        let options = options.allow_overwrite(true);
        save(
            &path,
            [("x", tensor.clone()), ("y", tensor.clone())],
            &options,
        )
        .unwrap();
        drop_pages(&path);
        let before = fetched();
        let archive = mapped(&OpenOptions::new(), &path);
        let opened = fetched() - before;
        assert!(opened <= 256 << 10, "{opened} bytes to open it");
        let x = archive.tensor("x").unwrap();
        for at in [5_000_000u64, 1_000_000, 8_000_000] {
            let before = fetched();
            let one = x.slice(&format!("{at}:{}", at + 1).parse().unwrap());
            assert_eq!(one.unwrap().as_slice::<u64>().unwrap(), [at * at]);
            // The block, and for the first the list of sums.
            let fetched = fetched() - before;
            assert!(fetched <= 640 << 10, "{fetched} bytes for one element");
        }
    }
}

const LARGE: u64 = 50 << 30;

#[test]
fn opening_reads_the_same_for_10_mib_and_for_50_gib() {
    let dir = tempfile::tempdir().unwrap();
    let (small, large) = (zeros(dir.path(), 10 << 20), zeros(dir.path(), LARGE));
    assert!(Archive::open(&small).unwrap().verify().unwrap().is_ok());
    let (_, of_small) = reads_of(|| Archive::open(&small).unwrap());
    let (_, of_large) = reads_of(|| Archive::open(&large).unwrap());
    assert_eq!(of_small, of_large);
    assert!((1..=3).contains(&of_small.calls), "{of_small:?}");
    assert!((64..=4096).contains(&of_small.bytes), "{of_small:?}");
    // Names, shapes and values that hold the tensor read nothing more.
    let archive = Archive::open(&large).unwrap();
    let (tensor, reads) = reads_of(|| archive.tensor("x").unwrap());
    assert_eq!(tensor.shape(), [LARGE]);
    assert_eq!(reads, Reads { bytes: 0, calls: 0 });
    let options = OpenOptions::new();
    let (_, of_small) = reads_of(|| mapped(&options, &small));
    let (_, of_large) = reads_of(|| mapped(&options, &large));
    // Header and table are not looked at through the map, which would read far around them.
    assert_eq!(of_small, of_large);
    assert!((1..=3).contains(&of_small.calls), "{of_small:?}");
    assert!((64..=4096).contains(&of_small.bytes), "{of_small:?}");
}

#[test]
fn opening_costs_a_page_more_for_each_page_of_names() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("many.ach");
    let names: Vec<String> = (0..10_000).map(|n| format!("name {n:05}")).collect();
    save(
        &path,
        names.iter().map(|name| (name, 1i64)),
        &SaveOptions::new().durable(false),
    )
    .unwrap();
    let (archive, reads) = reads_of(|| Archive::open(&path).unwrap());
    assert!(reads.bytes <= archive.file_len() + 4096, "{reads:?}");
    assert!(reads.calls <= 3, "{reads:?}");
    let (value, reads) = reads_of(|| archive.get("name 07777").unwrap());
    assert_eq!(value.as_i64(), Some(1));
    assert_eq!(reads, Reads { bytes: 0, calls: 0 });
}

#[test]
fn a_lazy_table_is_read_as_it_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("many.ach");
    let options = SaveOptions::new().durable(false).allow_overwrite(true);
    for count in [10u64, 1_000, 100_000, 1_000_000] {
        let names = (0..count).map(|n| (format!("name {n:07}"), n as i64));
        save(&path, names, &options).unwrap();
        let lazy = OpenOptions::new().lazy_table(true);
        type Open = fn(&OpenOptions, &Path) -> Archive;
        let roads: [(&str, Open); 2] = [
            ("read", |options, path| options.open(path).unwrap()),
            ("map", mapped),
        ];
        for (road, open) in roads {
            let (archive, reads) = reads_of(|| open(&lazy, &path));
            // What is read first, and the rest of the list of the sums of the pages.
            let table = count * (32 + 12);
            let most = 4096 + table.div_ceil(4096) * 4 + 264;
            assert!(reads.bytes <= most, "{count}, {road}: {reads:?}");
            assert!(reads.calls <= 2, "{count}, {road}: {reads:?}");
            for (n, most) in [(count * 7 / 9, 16), (count / 3, 16), (count - 1, 16)] {
                let get = || archive.get(&format!("name {n:07}")).unwrap();
                let (value, reads) = reads_of(get);
                assert_eq!(value.as_i64(), Some(n as i64));
                assert!(reads.calls <= most, "{count}, {road}: {reads:?}");
                assert!(reads.bytes <= 2 * most * 4096, "{count}, {road}: {reads:?}");
                let (_, reads) = reads_of(get);
                assert_eq!(reads.calls, 0, "{count}, {road}");
            }
            // All of it is read in one go, and then never again.
            let whole = archive.file_len();
            let (_, reads) = reads_of(|| archive.check_table().unwrap());
            assert!(
                reads.calls <= 1 && reads.bytes <= whole,
                "{count}, {road}: {reads:?}"
            );
            let (all, reads) = reads_of(|| archive.names().count());
            assert_eq!(all as u64, count);
            assert_eq!(reads.calls, 0, "{count}, {road}");
        }
        // Names in a row are read in longer and longer pieces.
        let archive = lazy.open(&path).unwrap();
        let some = count.min(900);
        let (found, reads) = reads_of(|| {
            let end = format!("name {some:07}");
            let found = archive.in_range("name 0000000"..end.as_str());
            found.map(|binding| binding.name().len()).sum::<usize>()
        });
        assert_eq!(found as u64, some * 12);
        assert!(reads.calls <= 50, "{count}: {reads:?}");
    }
}

#[test]
fn a_slice_of_50_gib_reads_its_block() {
    let dir = tempfile::tempdir().unwrap();
    let path = zeros(dir.path(), LARGE);
    let archive = Archive::open(&path).unwrap();
    let slice = |text: &str| archive.at(&format!("x[{text}]")).unwrap();
    // The list of block sums is read with the first block.
    let list = LARGE / BLOCK * 4;
    let (first, reads) = reads_of(|| slice("30000000000:30000000010"));
    assert_eq!(first.as_tensor().unwrap().as_bytes().unwrap(), [0; 10]);
    assert_eq!(
        reads,
        Reads {
            bytes: list + BLOCK,
            calls: 2
        }
    );
    let (_, reads) = reads_of(|| slice("-1"));
    assert_eq!(
        reads,
        Reads {
            bytes: BLOCK,
            calls: 1
        }
    );
    let (_, reads) = reads_of(|| slice("65535:65537"));
    assert_eq!(reads.bytes, 2 * BLOCK);
    // Three elements far from each other.
    let (three, reads) = reads_of(|| slice("::20000000000"));
    assert_eq!(three.as_tensor().unwrap().shape(), [3]);
    assert_eq!(
        reads,
        Reads {
            bytes: 3 * BLOCK,
            calls: 3
        }
    );
    let map = mapped(&OpenOptions::new(), &path);
    let (value, reads) = reads_of(|| map.at("x[30000000000:30000000010]").unwrap());
    assert_eq!(value.as_tensor().unwrap().as_bytes().unwrap(), [0; 10]);
    assert_eq!(reads, Reads { bytes: 0, calls: 0 });
    assert!(!map.is_checked("x").unwrap());
}

#[test]
fn a_byte_that_is_wrong_far_in_a_sparse_tensor_is_found_by_its_slice_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = zeros(dir.path(), LARGE);
    let extent = {
        let archive = Archive::open(&path).unwrap();
        archive.binding("x").unwrap().extents().unwrap()[0]
    };
    let at = 40_000_000_000u64;
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[1], extent.offset + at).unwrap();
    for archive in [
        Archive::open(&path).unwrap(),
        mapped(&OpenOptions::new(), &path),
    ] {
        assert!(archive.at("x[0:100]").is_ok());
        let error = archive
            .at(&format!("x[{at}]"))
            .and_then(|value| value.as_tensor().unwrap().as_bytes().map(<[u8]>::to_vec))
            .expect_err("a wrong byte");
        let block = Part::Block {
            extent: 0,
            block: at / BLOCK,
        };
        assert_eq!(error.fault().unwrap().part, block);
    }
}

#[cfg(feature = "zstd")]
#[test]
fn a_cold_slice_unpacks_its_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cold.ach");
    let noise = samples::noise(1, 8 << 20);
    let tensor = Tensor::from_vec(noise.clone(), [32, 256 << 10]).unwrap();
    save(&path, [("x", tensor)], &SaveOptions::new().cold("*")).unwrap();
    let archive = Archive::open(&path).unwrap();
    // Noise does not shrink: a frame has a few bytes more than its block of 256 KiB.
    let block = (256 << 10)..(257 << 10);
    let blocks = |n: u64| block.start * n..block.end * n;
    let slice = |text: &str| archive.at(&format!("x[{text}]")).unwrap();
    let (row, reads) = reads_of(|| slice("5, 10:20"));
    assert_eq!(
        row.as_tensor().unwrap().as_bytes().unwrap(),
        &noise[5 * (256 << 10) + 10..][..10]
    );
    let list = 32 * 8;
    assert!(blocks(1).contains(&(reads.bytes - list)), "{reads:?}");
    let (_, reads) = reads_of(|| slice("7:10"));
    assert!(blocks(3).contains(&reads.bytes), "{reads:?}");
    let (_, reads) = reads_of(|| slice("::8, 0"));
    assert!(blocks(4).contains(&reads.bytes), "{reads:?}");
    let (_, reads) = reads_of(|| slice("-1, ::-1000"));
    assert!(blocks(1).contains(&reads.bytes), "{reads:?}");
}

#[test]
fn one_field_of_a_large_record_reads_its_nodes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("record.ach");
    let record = Value::from(samples::record(100_000));
    save(&path, [("x", &record)], &SaveOptions::new()).unwrap();
    let archive = Archive::open(&path).unwrap();
    let find = || {
        let field = archive.view_at("x.field 77777").unwrap();
        field.as_str().unwrap().len()
    };
    let (len, reads) = reads_of(find);
    assert_eq!(len, "value 6049261729".len());
    // The root, a part of the index, and the part with the field.
    assert!(reads.bytes <= 3 * 65_536, "{reads:?}");
    let (_, reads) = reads_of(find);
    assert_eq!(reads, Reads { bytes: 0, calls: 0 });
}

#[test]
fn a_piece_of_a_long_text_reads_its_block() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let log: String = (0..1_000_000).map(|n| format!("line {n}\n")).collect();
    let fields = Record::from([("log", Value::from(log.as_str())), ("short", "ok".into())]);
    for compress in [false, true] {
        let options = SaveOptions::new().compress(compress).allow_overwrite(true);
        save(&path, [("run", Value::from(fields.clone()))], &options).unwrap();
        let archive = Archive::open(&path).unwrap();
        let view = archive.view("run").unwrap();
        let (name, text) = view.field_at(0).unwrap();
        assert_eq!(name, "log");
        let mut piece = [0; 100];
        let at = log.len() as u64 / 2;
        let (bytes, reads) = reads_of(|| {
            let bytes = text.byte_tensor().unwrap();
            bytes.read_at(at, &mut piece).unwrap();
            bytes
        });
        assert_eq!(bytes.len(), log.len() as u64);
        assert_eq!(&piece, &log.as_bytes()[at as usize..][..100]);
        assert!(reads.bytes < 1 << 20, "{reads:?}");
        let (name, short) = view.field_at(1).unwrap();
        assert_eq!(
            (name, short.byte_tensor().unwrap().as_bytes().unwrap()),
            ("short", &b"ok"[..])
        );
        assert!(view.field_at(2).is_err() && view.byte_tensor().is_err());
    }
}

/// A tensor `x` of four blocks with a wrong byte in the third, a node `n`, and a sound tensor `y`.
fn damaged(dir: &Path) -> PathBuf {
    let path = dir.join("damaged.ach");
    let tensor = samples::tensor(DType::U8, &[4 * BLOCK], Order::C);
    let sound = samples::tensor(DType::F32, &[10], Order::C);
    let values: [(&str, Value); 3] = [
        ("x", tensor.into()),
        ("y", sound.clone().into()),
        ("n", Record::from([("w", sound)]).into()),
    ];
    save(
        &path,
        values.iter().map(|(n, v)| (n, v)),
        &SaveOptions::new(),
    )
    .unwrap();
    let archive = Archive::open(&path).unwrap();
    let extent = archive.binding("x").unwrap().extents().unwrap()[0];
    let place = extent.offset + 2 * BLOCK + 17;
    let file = File::options().write(true).read(true).open(&path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, place).unwrap();
    file.write_all_at(&[byte[0] ^ 4], place).unwrap();
    path
}

/// Both roads with that policy.
fn both(check: Check, path: &Path) -> [(&'static str, Archive); 2] {
    let options = OpenOptions::new().check(check);
    [
        ("open", options.open(path).unwrap()),
        ("open_mmap", mapped(&options, path)),
    ]
}

fn is_third_block(error: &EnvError) -> bool {
    error.fault().map(|fault| fault.part)
        == Some(Part::Block {
            extent: 0,
            block: 2,
        })
}

#[test]
fn damage_is_found_when_it_is_first_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = damaged(dir.path());
    for check in [Check::Auto, Check::Always] {
        for (road, archive) in both(check, &path) {
            let x = archive.tensor("x").unwrap();
            assert!(!archive.is_checked("x").unwrap(), "{road}");
            let slice = |text: &str| -> Result<Vec<u8>, EnvError> {
                x.slice(&text.parse().unwrap())?
                    .as_bytes()
                    .map(<[u8]>::to_vec)
            };
            assert!(slice("0:10").is_ok(), "{road}");
            assert!(slice("131071").is_ok(), "{road}");
            for text in ["131072", "131089", "196607", "0:131073", "::-65536"] {
                let error = slice(text).expect_err(text);
                assert!(is_third_block(&error), "{road}, {text}: {error}");
            }
            let mut out = [0; 10];
            assert!(x.read_at(0, &mut out).is_ok(), "{road}");
            assert!(is_third_block(&x.read_at(131_072, &mut out).unwrap_err()));
            for _ in 0..2 {
                assert!(is_third_block(&x.as_bytes().unwrap_err()), "{road}");
                assert!(is_third_block(&x.as_slice::<u8>().unwrap_err()), "{road}");
            }
            assert!(!archive.is_checked("x").unwrap(), "{road}");
            let error = archive.verify_one("x").unwrap_err();
            assert!(is_third_block(&error), "{road}: {error}");
            assert!(error.to_string().starts_with("variable 'x': "), "{error}");
            // The others are sound, and become checked.
            assert!(!archive.is_checked("y").unwrap(), "{road}");
            archive.tensor("y").unwrap().as_slice::<f32>().unwrap();
            assert!(archive.is_checked("y").unwrap(), "{road}");
            archive.verify_one("n").unwrap();
            assert!(archive.is_checked("n").unwrap(), "{road}");
            let report = archive.verify().unwrap();
            let [found] = report.faults.as_slice() else {
                panic!("{road}: {report:?}");
            };
            assert_eq!(found.variables, ["x"]);
        }
    }
}

#[test]
fn never_checking_gives_what_is_there_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = damaged(dir.path());
    for (road, archive) in both(Check::Never, &path) {
        let x = archive.tensor("x").unwrap();
        let expected = samples::tensor(DType::U8, &[4 * BLOCK], Order::C);
        let (found, expected) = (x.as_bytes().unwrap(), expected.as_bytes().unwrap());
        let differing = found.iter().zip(expected).filter(|(a, b)| a != b).count();
        assert_eq!(differing, 1, "{road}");
        assert!(!archive.is_checked("x").unwrap(), "{road}");
        // Asked to, it looks all the same.
        assert!(is_third_block(&archive.verify_one("x").unwrap_err()));
        assert_eq!(archive.verify().unwrap().faults.len(), 1, "{road}");
    }
}

#[test]
fn verifying_tells_of_every_byte_of_arrays_also_behind_a_broken_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = zeros(dir.path(), 10 << 20);
    let all = 2 * (10 << 20);
    let mut told = Vec::new();
    let archive = Archive::open(&path).unwrap();
    let report = archive.verify_with(|done, total| told.push((done, total)));
    assert!(report.unwrap().is_ok());
    assert!(told.is_sorted() && told.iter().all(|(_, total)| *total == all));
    assert_eq!(told.last(), Some(&(all, all)));

    let start = archive.binding("x").unwrap().extents().unwrap()[0].offset;
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[1], start + 5).unwrap();
    told.clear();
    let archive = Archive::open(&path).unwrap();
    let report = archive.verify_with(|done, total| told.push((done, total)));
    assert_eq!(report.unwrap().faults.len(), 1);
    // What does not match its sums is not digested.
    assert_eq!(told.last(), Some(&(all / 2, all)));
}

#[test]
fn never_checking_does_not_keep_verify_from_nodes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node.ach");
    let value = Record::from([("n", Value::from(1.0))]);
    save(&path, [("r", Value::from(value))], &SaveOptions::new()).unwrap();
    let patch = Patch::of(std::fs::read(&path).unwrap());
    // The lowest bit of the number, which stands in the field's tree at 16 + 8 of the node.
    let at = patch.u64_at(patch.node(0, 0)) + 24;
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[1], at).unwrap();
    for (road, archive) in both(Check::Never, &path) {
        let read = archive.at("r.n").unwrap().as_f64().unwrap();
        assert_eq!(read.to_bits(), 1f64.to_bits() + 1, "{road}");
        for _ in 0..2 {
            let error = archive.verify_one("r").unwrap_err();
            assert_eq!(error.fault().unwrap().part, Part::Node(0), "{road}");
            assert!(!archive.verify().unwrap().is_ok(), "{road}");
        }
    }
}

#[test]
fn arrays_in_attributes_belong_to_their_variable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("attributes.ach");
    let weights = samples::tensor(DType::F32, &[10], Order::C);
    let attributes = Record::from([("weights", weights)]);
    let mut writer = achronyme_env::ArchiveWriter::create(&path, &SaveOptions::new()).unwrap();
    let options = achronyme_env::BindingOptions::new().attributes(attributes);
    writer.add_with("a", 1i64, &options).unwrap();
    writer.finish().unwrap();
    let patch = Patch::of(std::fs::read(&path).unwrap());
    let at = patch.u64_at(patch.extent(0, 0));
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[patch.bytes[at as usize] ^ 1], at)
        .unwrap();
    for (road, archive) in both(Check::Auto, &path) {
        assert!(archive.verify_one("a").is_err(), "{road}");
        assert!(archive.attributes("a").is_ok(), "{road}");
    }
}

#[test]
fn checking_at_open_refuses_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = damaged(dir.path());
    let error = OpenOptions::new()
        .check(Check::AtOpen)
        .open(&path)
        .unwrap_err();
    assert!(is_third_block(&error), "{error}");
    assert!(error.to_string().contains("'x'"), "{error}");
    assert!(error.to_string().contains("damaged.ach"), "{error}");
}

#[test]
fn a_borrow_above_64_mib_of_a_map_is_unchecked_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for (len, unchecked) in [(64u64 << 20, false), ((64 << 20) + BLOCK * 2, true)] {
        let path = zeros(dir.path(), len);
        let auto = mapped(&OpenOptions::new(), &path);
        let x = auto.tensor("x").unwrap();
        x.as_bytes().unwrap();
        assert_eq!(auto.is_checked("x").unwrap(), !unchecked, "{len}");
        drop((auto, x));
        // With a wrong byte at its end, a large one is lent all the same; its block is refused.
        let extent = {
            let archive = Archive::open(&path).unwrap();
            archive.binding("x").unwrap().extents().unwrap()[0]
        };
        let file = File::options().write(true).open(&path).unwrap();
        file.write_all_at(&[1], extent.offset + len - 1).unwrap();
        let auto = mapped(&OpenOptions::new(), &path);
        let x = auto.tensor("x").unwrap();
        assert_eq!(x.as_bytes().is_ok(), unchecked, "{len}");
        assert!(!auto.is_checked("x").unwrap());
        assert!(auto.at(&format!("x[{}:]", len - 1)).is_ok());
        let last = x.slice(&"-1:".parse().unwrap()).unwrap();
        assert!(last.as_bytes().is_err(), "{len}");
        let mut byte = [0];
        assert!(x.read_at(len - 1, &mut byte).is_err(), "{len}");
        assert!(auto.verify_one("x").is_err(), "{len}");
        let always = mapped(&OpenOptions::new().check(Check::Always), &path);
        assert!(always.tensor("x").unwrap().as_bytes().is_err(), "{len}");
    }
}
