//! Promises of buffer pools: memory is lent again, aligned, never above the bound, and nobody sees what
//! another wrote; a buffer reads, writes and seeks as a file does.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use achronyme_env::{Archive, BufferPool, EnvError, OpenOptions, SaveOptions, Tensor, save};
use proptest::prelude::*;

#[test]
fn what_is_given_back_is_lent_again_and_empty() {
    let pool = BufferPool::new(1 << 20);
    let address = {
        let mut buffer = pool.take(5000).unwrap();
        buffer.write_all(&[7; 5000]).unwrap();
        assert_eq!(buffer.capacity(), 8192);
        buffer.as_bytes().as_ptr().addr()
    };
    assert_eq!(address % 64, 0);
    let mut buffer = pool.take(8000).unwrap();
    assert!(buffer.is_empty());
    // Also where nothing was written since.
    buffer.seek(SeekFrom::Start(4000)).unwrap();
    buffer.write_all(&[1]).unwrap();
    assert_eq!(buffer.as_bytes().as_ptr().addr(), address);
    assert!(buffer.as_bytes()[..4000].iter().all(|byte| *byte == 0));
    buffer.resize(10).unwrap();
    buffer.resize(8000).unwrap();
    assert!(buffer.as_bytes().iter().all(|byte| *byte == 0));
    let counts = pool.counts();
    assert_eq!((counts.taken, counts.made, counts.lent), (2, 1, 1));
}

#[test]
fn no_more_is_held_than_the_bound() {
    let pool = BufferPool::new(1 << 20);
    let lent: Vec<_> = (0..4).map(|_| pool.take(1 << 18).unwrap()).collect();
    let error = pool.take(1).unwrap_err();
    assert!(
        matches!(
            error,
            EnvError::PoolExhausted {
                asked: 1,
                lent: 0x10_0000,
                capacity: 0x10_0000
            }
        ),
        "{error}"
    );
    drop(lent);
    assert_eq!(pool.counts().kept_bytes, 1 << 20);
    // What is kept makes room for what is asked for.
    let large = pool.take(900_000).unwrap();
    let counts = pool.counts();
    assert!(
        counts.lent_bytes + counts.kept_bytes <= 1 << 20,
        "{counts:?}"
    );
    drop(large);
    assert!(pool.take(2 << 20).is_err());
    assert!(pool.take(u64::MAX).is_err());
    assert_eq!(pool.counts().refused, 3);
}

#[test]
fn many_threads_share_it() {
    let pool = BufferPool::new(1 << 20);
    std::thread::scope(|scope| {
        for number in 0..4u8 {
            let pool = pool.clone();
            scope.spawn(move || {
                for round in 0..500 {
                    let mut buffer = pool.take(round * 17 + 1).unwrap();
                    buffer.write_all(&vec![number; round as usize]).unwrap();
                    std::thread::yield_now();
                    assert!(buffer.as_bytes().iter().all(|byte| *byte == number));
                }
            });
        }
    });
    let counts = pool.counts();
    assert_eq!((counts.taken, counts.lent, counts.lent_bytes), (2000, 0, 0));
    assert!(counts.made < 50, "{counts:?}");
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<u8>),
    Read(usize),
    Start(u64),
    End(i64),
    Current(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..3000).prop_map(Step::Write),
        (0..3000usize).prop_map(Step::Read),
        (0..9000u64).prop_map(Step::Start),
        (-9000..3000i64).prop_map(Step::End),
        (-3000..3000i64).prop_map(Step::Current),
    ]
}

proptest! {
    #[test]
    fn a_buffer_is_what_a_cursor_is(steps in prop::collection::vec(step(), 1..40)) {
        let pool = BufferPool::new(1 << 20);
        let (mut buffer, mut cursor) = (pool.take(0).unwrap(), Cursor::new(Vec::new()));
        for step in steps {
            match step {
                Step::Write(bytes) if bytes.is_empty() => {}
                Step::Write(bytes) => {
                    buffer.write_all(&bytes).unwrap();
                    cursor.write_all(&bytes).unwrap();
                }
                Step::Read(len) => {
                    let (mut one, mut other) = (vec![0; len], vec![0; len]);
                    prop_assert_eq!(buffer.read(&mut one).unwrap(), cursor.read(&mut other).unwrap());
                    prop_assert_eq!(one, other);
                }
                Step::Start(_) | Step::End(_) | Step::Current(_) => {
                    let to = match step {
                        Step::Start(to) => SeekFrom::Start(to),
                        Step::End(by) => SeekFrom::End(by),
                        Step::Current(by) => SeekFrom::Current(by),
                        _ => unreachable!(),
                    };
                    prop_assert_eq!(buffer.seek(to).ok(), cursor.seek(to).ok());
                }
            }
            prop_assert_eq!(buffer.as_bytes(), &cursor.get_ref()[..]);
        }
    }
}

fn arrays() -> Vec<(&'static str, Tensor)> {
    let numbers = |n: u32| (0..n).map(|n| f64::from(n / 5)).collect::<Vec<_>>();
    let tensor = |n: u32| Tensor::from_vec(numbers(n), [u64::from(n)]).unwrap();
    vec![
        ("large", tensor(600_000)),
        ("long", tensor(300_000)),
        ("short", tensor(100)),
    ]
}

#[test]
fn what_is_loaded_stands_in_the_pool_and_goes_back_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    for compress in [false, true] {
        let options = SaveOptions::new().compress(compress).allow_overwrite(true);
        save(&path, arrays(), &options).unwrap();
        let pool = BufferPool::new(16 << 20);
        for round in 0..5 {
            let archive = OpenOptions::new().pool(pool.clone()).open(&path).unwrap();
            let mut held = Vec::new();
            for (name, expected) in arrays() {
                let tensor = archive.tensor(name).unwrap();
                assert_eq!(
                    tensor.as_slice::<f64>().unwrap(),
                    expected.as_slice::<f64>().unwrap()
                );
                held.push(tensor);
            }
            // The short one is not worth a buffer.
            assert_eq!(pool.counts().lent, 2);
            drop(archive);
            assert_eq!(pool.counts().lent, 2, "tensors outlive their archive");
            assert_eq!(held[0].as_slice::<f64>().unwrap()[599_999], 119_999.0);
            drop(held);
            let counts = pool.counts();
            assert_eq!(
                (counts.lent, counts.made, counts.taken),
                (0, 2, 2 * (round + 1))
            );
        }
        // Where there is no room memory is taken beside the pool.
        let small = BufferPool::new(4 << 20);
        let archive = OpenOptions::new().pool(small.clone()).open(&path).unwrap();
        for (name, expected) in arrays() {
            let tensor = archive.tensor(name).unwrap();
            assert_eq!(
                tensor.as_slice::<f64>().unwrap(),
                expected.as_slice::<f64>().unwrap()
            );
        }
        assert!(small.counts().refused > 0 && small.counts().most_lent_bytes <= 4 << 20);
    }
}

#[test]
fn a_damaged_array_gives_its_buffer_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    save(&path, arrays(), &SaveOptions::new()).unwrap();
    let extent = Archive::open(&path)
        .unwrap()
        .binding("large")
        .unwrap()
        .extents()
        .unwrap()[0];
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[extent.offset as usize + 70_000] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    let pool = BufferPool::new(16 << 20);
    let archive = OpenOptions::new().pool(pool.clone()).open(&path).unwrap();
    for _ in 0..3 {
        let tensor = archive.tensor("large").unwrap();
        assert!(tensor.as_slice::<f64>().is_err());
    }
    let counts = pool.counts();
    assert_eq!((counts.lent, counts.made, counts.taken), (0, 1, 3));
}

#[test]
fn saves_that_follow_each_other_work_in_the_same_memory_and_write_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for compress in [false, true] {
        let options = SaveOptions::new()
            .created_at(0)
            .durable(false)
            .compress(compress);
        let options = options.allow_overwrite(true);
        save(path("plain"), arrays(), &options).unwrap();
        let pool = BufferPool::new(64 << 20);
        let mut made = Vec::new();
        for _ in 0..4 {
            save(
                path("pooled"),
                arrays(),
                &options.clone().pool(pool.clone()),
            )
            .unwrap();
            assert!(
                std::fs::read(path("plain")).unwrap() == std::fs::read(path("pooled")).unwrap()
            );
            let counts = pool.counts();
            assert_eq!((counts.lent, counts.refused), (0, 0));
            assert!(counts.taken > 0);
            made.push(counts.made);
        }
        // Threads may hold more at a time in one save than in another, which ends.
        assert!(
            made[3] - made[0] <= made[0] && made[3] < pool.counts().taken,
            "{made:?}"
        );
        let none = BufferPool::new(0);
        save(path("pooled"), arrays(), &options.pool(none.clone())).unwrap();
        assert!(std::fs::read(path("plain")).unwrap() == std::fs::read(path("pooled")).unwrap());
        assert!(none.counts().refused > 0);
    }
}
