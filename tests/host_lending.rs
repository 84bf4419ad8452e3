//! Promise: a host saves its session from its own memory. No tensor is copied, be it in a cell, in
//! the scope of a closure, or of elements that must be converted.
#![allow(unsafe_code)] // A global allocator that counts is an `unsafe` trait.

mod tiny_host;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use achronyme_env::host;
use achronyme_env::{Archive, Complex128, SaveOptions, Value};
use tiny_host::{Complex, Host, Object, cell, record, same, session};

/// The system's allocator, and how many bytes it has given out: now, and at most.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `place` came from `alloc` above with this layout.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MIB: usize = 1 << 20;

fn tensor(seed: usize) -> Object {
    let data = (0..64 * MIB / 8).map(|n| (n * seed) as f64).collect();
    let shape = vec![1024, 64 * MIB / 8 / 1024];
    Object::Tensor { data, shape }
}

// The only test of this file: what others allocate would be counted.
#[test]
fn saving_a_session_copies_no_tensor() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.ach");
    let shared = cell(tensor(3));
    let scope = vec![
        ("weights".to_owned(), tensor(5)),
        ("shared".to_owned(), same(&shared)),
    ];
    let closure = Object::Closure {
        source: "x => x * weights".to_owned(),
        scope: Rc::new(RefCell::new(scope)),
    };
    let signal = (0..64 * MIB / 16).map(|n| Complex {
        re: n as f64,
        im: -(n as f64),
    });
    let signal = record([("signal", Object::Signal(signal.collect()))]);
    let plain = tensor(7);
    let bindings = [
        ("cell", &same(&shared)),
        ("closure", &closure),
        ("record", &signal),
        ("plain", &plain),
    ];

    for options in [
        SaveOptions::new().durable(false),
        SaveOptions::new()
            .durable(false)
            .allow_overwrite(true)
            .cold("record"),
    ] {
        let before = NOW.load(Relaxed);
        PEAK.store(before, Relaxed);
        let report = host::save(&Host, &path, session(bindings), &options).unwrap();
        let extra = PEAK.load(Relaxed) - before;
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        assert_eq!(report.raw_bytes, 4 * 64 * MIB as u64);
        // Compression has windows of its own on every core.
        assert!(extra < 16 * MIB, "{} KiB more at the peak", extra / 1024);
    }

    let archive = Archive::open(&path).unwrap();
    let Value::Cell(found) = archive.get("cell").unwrap() else {
        panic!("a cell");
    };
    let found = found.get();
    let found = found.as_tensor().unwrap().as_slice::<f64>().unwrap();
    assert_eq!(found[1_000_000], 3_000_000.0);
    let signal = archive.at("record.signal[4000000]").unwrap();
    let Value::Tensor(one) = signal else {
        assert!(matches!(signal, Value::Complex(z) if z == Complex128::new(4e6, -4e6)));
        return;
    };
    assert_eq!(
        one.as_slice::<Complex128>().unwrap(),
        [Complex128::new(4e6, -4e6)]
    );
}
