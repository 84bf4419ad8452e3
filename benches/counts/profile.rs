//! What callgrind writes: instructions of each function, without those of the functions it calls.
//!
//! Not counted is what another processor or another C library does in another number of
//! instructions: sums, hashes and searches that are chosen by what the processor can, zstd, and
//! everything outside the program, such as `memcpy` and the allocator. Since needless allocations are
//! worth finding, the few instructions with which std calls the allocator count many times.

use std::collections::BTreeMap;

/// How often an instruction of [`ALLOCATING`] counts: an allocation is then a hundred and some.
const ALLOCATION: u64 = 15;
/// The functions of std that call the allocator of the C library.
const ALLOCATING: [&str; 4] = [
    "__rdl_alloc",
    "__rdl_alloc_zeroed",
    "__rdl_dealloc",
    "__rdl_realloc",
];

/// Beginnings of the names of functions of zstd.
const ZSTD: [&str; 8] = [
    "ZSTD", "HUF_", "FSE_", "HIST_", "XXH", "BIT_", "MEM_", "ERR_",
];
/// Crates that look at the processor at run time.
const DISPATCHED: [&str; 5] = [
    "crc32fast::",
    "sha2::",
    "memchr::",
    "simdutf8::",
    "std_detect::",
];

/// Instructions of one part of a run.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    /// Of each function that counts.
    functions: BTreeMap<String, u64>,
}

impl Profile {
    /// Reads a file that was written with `--compress-strings=no --compress-pos=no`; `program` is the
    /// path of the program.
    pub(crate) fn read(text: &str, program: &str) -> Result<Profile, String> {
        let mut profile = Profile::default();
        let (mut object, mut function) = (String::new(), String::new());
        let mut lines = text.lines();
        if !text.contains("\nevents: Ir\n") {
            return Err("it counts no instructions".to_owned());
        }
        while let Some(line) = lines.next() {
            match line.split_once('=') {
                Some(("ob", name)) => name.clone_into(&mut object),
                Some(("fn", name)) => name.clone_into(&mut function),
                // The line behind it is what the called function took.
                Some(("calls", _)) => drop(lines.next()),
                _ if line.starts_with(|first: char| first.is_ascii_digit()) => {
                    let cost = line.rsplit(' ').next().and_then(|cost| cost.parse().ok());
                    let cost: u64 = cost.ok_or_else(|| format!("`{line}` has no number"))?;
                    if object == program {
                        let counted = profile.functions.entry(function.clone()).or_default();
                        *counted += cost * weight(&function);
                    }
                }
                _ => {}
            }
        }
        Ok(profile)
    }

    /// Instructions altogether.
    pub(crate) fn total(&self) -> u64 {
        self.functions.values().sum()
    }

    /// The functions that take most.
    pub(crate) fn most(&self, count: usize) -> Vec<(&str, u64)> {
        let mut all: Vec<_> = self
            .functions
            .iter()
            .map(|(f, n)| (f.as_str(), *n))
            .collect();
        all.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
        all.truncate(count);
        all
    }
}

/// How often the instructions of a function of the program count.
fn weight(function: &str) -> u64 {
    let of_library =
        |name: &&str| function.starts_with(name) || function.contains(&format!("<{name}"));
    let is_left_out =
        ZSTD.iter().any(|name| function.starts_with(name)) || DISPATCHED.iter().any(of_library);
    let allocates = ALLOCATING.iter().any(|name| function.ends_with(name));
    match (is_left_out, allocates) {
        (true, _) => 0,
        (_, true) => ALLOCATION,
        _ => 1,
    }
}
