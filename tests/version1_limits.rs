//! Promises about hostile version 1 files: memory grows with the bytes that really arrive and ends
//! at the limit, and nesting beyond 128 levels is an error, not a stack overflow.
#![cfg(feature = "zstd")]

mod old_format;
mod small_stack;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use achronyme_env::{EnvError, Limits, Version1};
use old_format::*;
use small_stack::on_small_stack;

/// Counts the bytes that this thread has allocated, and their peak.
struct Counting;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let now = NOW.get() + bytes;
    NOW.set(now);
    PEAK.set(PEAK.get().max(now));
}

#[allow(unsafe_code)]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads, and gives the most bytes that were allocated meanwhile beside those that were before.
fn peak(bytes: &[u8], limits: &Limits) -> (Result<Version1, EnvError>, usize) {
    let before = NOW.get();
    PEAK.set(before);
    let result = Version1::from_bytes_with(bytes, limits);
    (result, (PEAK.get() - before) as usize)
}

fn limited(bytes: u64) -> Limits {
    Limits {
        max_version1_bytes: bytes,
        ..Limits::default()
    }
}

const MIB: usize = 1 << 20;

#[track_caller]
fn assert_too_large(result: Result<Version1, EnvError>, cap: u64) {
    match result.map_err(innermost) {
        Err(EnvError::TooLarge {
            found, cap: limit, ..
        }) => {
            assert_eq!(limit, cap);
            assert!(found > cap);
        }
        other => panic!("{other:?}"),
    }
}

fn innermost(error: EnvError) -> EnvError {
    match error {
        EnvError::Variable { source, .. } => innermost(*source),
        other => other,
    }
}

#[test]
fn a_bomb_of_half_a_gibibyte_is_bounded() {
    // A string of 512 MiB: a few thousand bytes of zstd, made a piece at a time.
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    let len = (512u32 << 20).to_be_bytes();
    let head = [kind("String", [0xdb]), len.to_vec()].concat();
    let opening = body(&[("x", head)]);
    std::io::Write::write_all(&mut encoder, &opening).unwrap();
    let zeros = vec![0; MIB];
    for _ in 0..512 {
        std::io::Write::write_all(&mut encoder, &zeros).unwrap();
    }
    let file = sealed(header(true), &encoder.finish().unwrap());
    assert!(file.len() < 64 * 1024, "{}", file.len());
    let (result, peak) = peak(&file, &limited(4 << 20));
    assert_too_large(result, 4 << 20);
    assert!(peak < 10 * MIB, "{peak}");
}

#[test]
fn a_bomb_behind_the_values_is_bounded() {
    let stray = [body(&[("x", number(1.0))]), vec![0; 8 * MIB]].concat();
    let error = Version1::from_bytes_with(packed(&stray), &limited(1 << 20)).unwrap_err();
    assert!(matches!(error, EnvError::TooLarge { .. }), "{error:?}");
    assert!(error.to_string().contains("raise `Limits`"), "{error}");
    assert!(Version1::from_bytes(packed(&stray)).is_ok());
}

#[test]
fn a_declared_length_allocates_nothing() {
    let most = [0xff; 4];
    let long = |marker: u8| [&[marker][..], &most].concat();
    let dims = u64::from(u32::MAX);
    let zeros = vec![0xcb; 90];
    let values = [
        kind("Vector", long(0xdd)),
        kind("Record", long(0xdf)),
        kind("String", long(0xdb)),
        kind("String", long(0xc6)),
        tensor_of(&[dims], long(0xdd), &[]),
        tensor_of(&[dims], long(0xdd), &zeros),
        kind(
            "ComplexTensor",
            [array(2), array(1), unsigned(dims), long(0xdd)].concat(),
        ),
        kind("Unsupported", long(0xdb)),
        long(0xdf),
        long(0xdb),
    ];
    for value in values {
        for file in [one(value.clone()), packed(&body(&[("x", value)]))] {
            let (result, peak) = peak(&file, &Limits::default());
            assert!(result.is_err());
            assert!(peak < MIB, "{peak}");
        }
    }
    for body in [long(0xdd), long(0xdf), [array(2), long(0xdf)].concat()] {
        let (result, peak) = peak(&raw(&body), &Limits::default());
        assert!(result.is_err());
        assert!(peak < MIB, "{peak}");
    }
}

#[test]
fn values_that_take_more_memory_than_bytes_are_bounded_too() {
    // A byte for each number, and five for each null.
    let ones = tensor_of(
        &[8 << 20],
        [&[0xdd][..], &(8u32 << 20).to_be_bytes()].concat(),
        &vec![1; 8 * MIB],
    );
    let nulls = kind(
        "Vector",
        [
            &[0xdd][..],
            &(2u32 << 20).to_be_bytes(),
            &null().repeat(2 * MIB),
        ]
        .concat(),
    );
    for value in [ones, nulls] {
        let file = packed(&body(&[("x", value)]));
        let (result, peak) = peak(&file, &limited(16 << 20));
        assert_too_large(result, 16 << 20);
        assert!(peak < 40 * MIB, "{peak}");
    }
}

#[test]
fn a_file_is_read_without_a_copy_of_it() {
    let elements: Vec<f64> = (0..2 * MIB).map(|n| n as f64).collect();
    let file = one(tensor(&[2 << 20], &elements));
    let (result, peak) = peak(&file, &Limits::default());
    let old = result.unwrap();
    let tensor = old.get("x").unwrap().as_tensor().unwrap();
    assert_eq!(tensor.as_slice::<f64>().unwrap(), elements);
    // 16 MiB of numbers, of which version 1 made four copies.
    assert!(peak < 17 * MIB, "{peak}");
}

#[test]
fn a_window_above_128_mib_is_refused() {
    // A frame that declares a window of 256 MiB: exponent 18 above 2^10.
    let mut stored = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3];
    stored.extend([1, 0, 0]);
    let error = Version1::from_bytes(sealed(header(true), &stored)).unwrap_err();
    assert!(
        error.to_string().contains("zstd cannot unpack it"),
        "{error}"
    );
}

#[test]
fn nesting_of_128_levels_is_read_on_a_small_stack_and_saved() {
    on_small_stack(|| {
        for value in [nested_vectors(128), nested_records(128)] {
            let old = Version1::from_bytes(one(value)).unwrap();
            old.to_archive().unwrap().get("x").unwrap();
        }
        // A placeholder needs two levels of its own; without them null stands there.
        for levels in 124..=128 {
            let lost = vector(&[unsupported("generator")]);
            let opening = kind("Vector", array(1));
            let value = [opening.repeat(levels - 1), lost].concat();
            let old = Version1::from_bytes(one(value)).unwrap();
            assert_eq!(old.findings().len(), 1);
            assert!(old.to_archive().is_ok());
        }
    });
}

#[test]
fn deeper_nesting_is_refused_with_variable_and_path_whatever_the_depth() {
    for levels in [129, 1021, 1024, 3000, 20_000, 100_000] {
        on_small_stack(move || {
            for (value, step) in [
                (nested_vectors(levels), "[0][0]"),
                (nested_records(levels), ".in.in"),
            ] {
                for file in [one(value.clone()), packed(&body(&[("x", value)]))] {
                    let error = Version1::from_bytes(file).unwrap_err();
                    let text = error.to_string();
                    assert!(text.starts_with(&format!("variable 'x': {step}")), "{text}");
                    assert!(text.contains("is nested deeper than 128 levels"), "{text}");
                    assert!(text.len() < 500, "{text}");
                }
            }
        });
    }
}

#[test]
fn passing_over_what_nobody_knows_does_not_recurse() {
    on_small_stack(|| {
        let unknown = [map(3), text("later"), vec![0x91; 1 << 20], vec![0xc0]].concat();
        let rest = [text("metadata"), metadata(&[]), text("bindings"), map(0)].concat();
        let old = Version1::from_bytes(raw(&[unknown, rest].concat())).unwrap();
        assert!(old.is_empty());
    });
}
