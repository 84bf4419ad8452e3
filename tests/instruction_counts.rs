//! Promise: the guard of the hot paths turns red when one of them takes more instructions, says which
//! and how to accept it, and counts only what repeats on other machines. (`cargo bench --bench counts`
//! is the guard.)
#![allow(dead_code, reason = "the guard uses all of it")]

#[path = "../benches/counts/accepted.rs"]
mod accepted;
#[path = "../benches/counts/profile.rs"]
mod profile;

use accepted::{Counts, TOLERANCE, TOLERANCE_OF_ANOTHER_COMPILER, compare, grouped};
use profile::Profile;

const PROGRAM: &str = "/target/release/deps/counts";

/// As callgrind writes it, shortened.
const PROFILE: &str = "\
# callgrind format
version: 1
creator: callgrind-3.19.0
part: 3

desc: Trigger: --dump-after=*count_instructions_of*

positions: line
events: Ir
summary: 99999

ob=/target/release/deps/counts
fl=/src/table.rs
fn=achronyme_env::format::table::Table<B>::check
0 1000
fi=/rustc/library/core/src/slice/mod.rs
0 234
fe=/src/table.rs
cfi=???
cfn=crc32fast::specialized::pclmulqdq::calculate
calls=7 0
0 70000
cob=/lib/x86_64-linux-gnu/libc.so.6
cfi=???
cfn=malloc
calls=3 0
0 500

fl=???
fn=crc32fast::specialized::pclmulqdq::calculate
0 70000

fn=__rustc::__rdl_alloc
0 14
cob=/lib/x86_64-linux-gnu/libc.so.6
cfn=malloc
calls=9 0
0 500

fn=ZSTD_decompressDCtx
0 4000

fn=<memchr::memmem::Finder as core::clone::Clone>::clone
0 40

ob=/lib/x86_64-linux-gnu/libc.so.6
fl=???
fn=malloc
0 400
cfn=_int_malloc
calls=3 0
0 100

fn=__memmove_avx512_unaligned_erms
0 5000

totals: 80974
";

#[test]
fn only_instructions_that_repeat_elsewhere_count() {
    let profile = Profile::read(PROFILE, PROGRAM).unwrap();
    assert_eq!(profile.total(), 1234 + 14 * 15);
    assert_eq!(
        profile.most(1),
        [("achronyme_env::format::table::Table<B>::check", 1234)]
    );
    assert_eq!(Profile::read(PROFILE, "/another").unwrap().total(), 0);
    assert!(Profile::read("events: Cycles\n", PROGRAM).is_err());
}

fn counts(compiler: &str, of: &[(&str, u64)]) -> Counts {
    let of = of.iter().map(|(name, count)| ((*name).to_owned(), *count));
    Counts {
        compiler: compiler.to_owned(),
        of: of.collect(),
    }
}

#[test]
fn a_path_that_takes_more_than_is_accepted_is_named() {
    let accepted = counts("rustc 1", &[("open", 100_000), ("save", 2_000_000)]);
    let now = |open: f64| {
        let open = (100_000.0 * (1.0 + open / 100.0)).round() as u64;
        counts("rustc 1", &[("open", open), ("save", 2_000_000)])
    };
    assert!(compare(&accepted, &now(TOLERANCE - 0.1)).is_empty());
    assert!(compare(&accepted, &now(-50.0)).is_empty());
    let wrong = compare(&accepted, &now(TOLERANCE + 0.1));
    let [(name, text)] = &wrong[..] else {
        panic!("{wrong:?}")
    };
    assert_eq!(name, "open");
    assert!(
        text.contains("110,100 instructions, 10.1 % more than the 100,000 accepted"),
        "{text}"
    );
}

#[test]
fn another_compiler_is_allowed_more() {
    let accepted = counts("rustc 1", &[("open", 100_000)]);
    let more = 100_000 + (TOLERANCE_OF_ANOTHER_COMPILER * 1000.0) as u64;
    assert!(compare(&accepted, &counts("rustc 2", &[("open", more)])).is_empty());
    assert_eq!(
        compare(&accepted, &counts("rustc 1", &[("open", more)])).len(),
        1
    );
    assert_eq!(
        compare(&accepted, &counts("rustc 2", &[("open", more + 1000)])).len(),
        1
    );
}

#[test]
fn a_path_that_is_only_on_one_side_is_an_error() {
    let accepted = counts("rustc 1", &[("open", 1), ("gone", 1)]);
    let wrong = compare(&accepted, &counts("rustc 1", &[("open", 1), ("new", 1)]));
    let names: Vec<&str> = wrong.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["new", "gone"]);
}

#[test]
fn what_is_written_is_read_again() {
    let written = counts(
        "rustc 1.95.0 (abc)",
        &[("open 10 bindings, read", 1_234_567), ("b", 9)],
    );
    let text = written.to_text();
    assert!(
        text.contains("open 10 bindings, read = 1,234,567\n"),
        "{text}"
    );
    assert_eq!(Counts::read(&text).unwrap(), written);
    assert_eq!(
        (grouped(0), grouped(1000), grouped(123_456)),
        ("0".into(), "1,000".into(), "123,456".into())
    );
}

#[test]
fn the_committed_numbers_can_be_read() {
    let counts = Counts::read(include_str!("../benches/counts/accepted.txt")).unwrap();
    assert!(counts.compiler.starts_with("rustc "));
    assert!(counts.of.len() > 15);
    assert!(counts.of.iter().all(|(_, count)| *count > 0));
}
