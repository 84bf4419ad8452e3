//! Promise: a file cut short at any length, or with bytes after its end, is an error that names the
//! file; never a panic, never half an archive.

mod samples;
mod small;

use std::fs::File;
use std::os::unix::fs::FileExt;

use achronyme_env::{EnvError, Part, Problem};
use small::ROADS;

#[test]
fn every_length_is_an_error_that_names_the_file() {
    for file in small::archives() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cut.ach");
        std::fs::write(&path, &file.bytes).unwrap();
        let disk = File::options().write(true).open(&path).unwrap();
        for length in (0..file.bytes.len()).rev() {
            disk.set_len(length as u64).unwrap();
            for (road, open) in &ROADS[..2] {
                let place = || format!("{}: {road}, {length} bytes", file.shape);
                let error = match open(&path) {
                    Ok(archive) => panic!("{}: {archive:?}", place()),
                    Err(error) => error,
                };
                let text = error.to_string();
                assert!(text.contains("cut.ach"), "{}: {text}", place());
                match &error {
                    EnvError::NotAnArchive { .. } => assert!(length < 4, "{}: {text}", place()),
                    EnvError::Damaged { fault, .. } => {
                        let known = matches!(fault.problem, Problem::Length { .. });
                        assert!(known, "{}: {text}", place());
                        assert!(
                            text.contains(&format!("cut short: {length} of ")),
                            "{}: {text}",
                            place()
                        );
                    }
                    _ => panic!("{}: {error:?}", place()),
                }
            }
        }
    }
}

#[test]
fn appended_bytes_are_an_error_that_says_how_many() {
    for file in small::archives() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("longer.ach");
        std::fs::write(&path, &file.bytes).unwrap();
        let disk = File::options().write(true).open(&path).unwrap();
        let end = file.bytes.len() as u64;
        // Zeros, noise, and the file's own beginning.
        let tails = [
            vec![0; 64],
            samples::noise(5, 64),
            file.bytes[..64].to_vec(),
        ];
        for tail in tails {
            for extra in 1..=64 {
                disk.set_len(end).unwrap();
                disk.write_all_at(&tail[..extra], end).unwrap();
                for (road, open) in ROADS {
                    let error = open(&path).expect_err(road);
                    let fault = error.fault().expect(road);
                    assert_eq!(fault.part, Part::FileLength);
                    assert_eq!(fault.offset, end);
                    let text = error.to_string();
                    assert!(
                        text.contains(&format!("{extra} bytes stand after its end")),
                        "{}: {text}",
                        file.shape
                    );
                    assert!(
                        road == "from_bytes" || text.contains("longer.ach"),
                        "{text}"
                    );
                }
            }
        }
    }
}
