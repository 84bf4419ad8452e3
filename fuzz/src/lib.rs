//! Fuzz targets: bytes that nobody vouches for, and what must hold whatever they are.
//!
//! Every target runs under three bounds beside the sanitizer's ([`measure`]): memory of four times the
//! input, what the input declares under the caps, and 16 MiB; a second of processor time; and no panic.
//! Most make the sums of an input right first ([`seal`]), since what a sum refuses is never parsed.

pub mod look;
pub mod measure;
pub mod mutate;
pub mod scratch;
pub mod seal;
pub mod targets;

/// What writes archives by hand in the tests.
#[path = "../../tests/reseal/mod.rs"]
#[allow(missing_docs)]
mod reseal;

/// A target: what libFuzzer calls with each input, and how inputs are changed.
#[macro_export]
macro_rules! target {
    ($run:path) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $run(data));

        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutate::mutate(data, size, max_size, seed)
        });
    };
}
