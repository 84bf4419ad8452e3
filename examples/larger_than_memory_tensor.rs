//! A tensor four times larger than the memory the program allows itself: computed in place, then
//! published and verified.
//!
//! ```console
//! $ cargo run --release --example larger_than_memory_tensor
//! $ cargo run --release --example larger_than_memory_tensor -- at-once     # fails: no memory
//! ```
//!
//! An argument that is not `at-once` is the folder the archive is made in.

use achronyme_env::{Archive, ArchiveWriter, Buffer, DType, Order, SaveOptions, Tensor, save};

#[path = "memory_limit/mod.rs"]
mod memory_limit;

const MIB: u64 = 1 << 20;
/// Memory the program may have for data.
const LIMIT: u64 = 64 * MIB;
const ROWS: u64 = 8192;
const COLUMNS: u64 = 4096;

/// The distance of a point from the corner.
fn element(row: u64, column: u64) -> f64 {
    (row as f64).hypot(column as f64)
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let at_once = arguments.iter().any(|argument| argument == "at-once");
    let folder = arguments.iter().find(|argument| *argument != "at-once");
    let folder = match folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let path = folder.path().join("field.ach");
    memory_limit::set(LIMIT)?;

    if at_once {
        // What does not work: the tensor in memory.
        let memory = Buffer::zeroed(ROWS * COLUMNS * 8)?;
        let storage = std::sync::Arc::new(memory);
        let tensor = Tensor::from_storage(DType::F64, [ROWS, COLUMNS], Order::C, storage)?;
        save(&path, [("field", tensor)], &SaveOptions::new())?;
        return Ok(());
    }

    let mut writer = ArchiveWriter::create(&path, &SaveOptions::new())?;
    let mut field = writer.reserve_tensor("field", DType::F64, &[ROWS, COLUMNS])?;
    for row in 0..ROWS {
        let elements = field.rows_mut::<f64>(row, 1)?;
        for (column, x) in elements.iter_mut().enumerate() {
            *x = element(row, column as u64);
        }
    }
    let report = writer.finish()?;
    println!(
        "{} MiB in one tensor, {} MiB of memory for data",
        report.raw_bytes / MIB,
        LIMIT / MIB
    );

    let archive = Archive::open(&path)?;
    let found = archive.verify()?;
    println!("verified: {} faults", found.faults.len());
    let last = archive.at(&format!("field[{}, {}:]", ROWS - 1, COLUMNS - 1))?;
    let last = last.as_tensor().ok_or("no tensor")?;
    assert!(found.is_ok());
    assert_eq!(last.as_slice::<f64>()?, [element(ROWS - 1, COLUMNS - 1)]);
    Ok(())
}
