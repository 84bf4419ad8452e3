//! Promise: a build without the feature `zstd` reads version 1 files that are not compressed, and of
//! the others says what is missing.
#![cfg(not(feature = "zstd"))]

use std::path::Path;

use achronyme_env::{EnvError, Version1};

#[test]
fn a_compressed_file_names_the_feature_it_needs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/version1");
    let old = Version1::open(folder.join("01_one_number_raw.ach")).unwrap();
    assert_eq!(old.get("x").unwrap().as_f64(), Some(42.0));
    let error = Version1::open(folder.join("15_metadata_z3.ach")).unwrap_err();
    assert!(matches!(error, EnvError::Unsupported { .. }), "{error:?}");
    assert!(error.to_string().contains("the feature `zstd`"), "{error}");
}
