//! Promise: reading ends soon after its caller has given it up, and may be asked for again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use achronyme_env::{
    Archive, ArchiveWriter, EnvError, SaveOptions, Tensor, Value, read_cancellable,
};

fn archive(folder: &std::path::Path, compress: bool) -> Archive {
    let path = folder.join("a.ach");
    let tensor = Tensor::from_vec(vec![1u8; 20 << 20], [20 << 20]).unwrap();
    let options = SaveOptions::new().compress(compress).allow_overwrite(true);
    let mut writer = ArchiveWriter::create(&path, &options).unwrap();
    writer.add("t", Value::from(tensor)).unwrap();
    writer.finish().unwrap();
    Archive::open(&path).unwrap()
}

#[test]
fn reading_that_was_given_up_ends_and_may_be_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    for compress in [false, true] {
        let archive = archive(folder.path(), compress);
        let flag = Arc::new(AtomicBool::new(true));
        let cancelled = |error: EnvError| error.to_string().contains("was cancelled");
        let verified = read_cancellable(&flag, || archive.verify());
        assert!(verified.is_err_and(cancelled));
        let value = archive.get("t").unwrap();
        let read = || {
            let bytes = value.as_tensor().unwrap().as_bytes();
            bytes.map(<[u8]>::len)
        };
        assert!(read_cancellable(&flag, read).is_err_and(cancelled));
        // Outside, and when the flag is not raised, nothing is given up.
        assert!(archive.verify().unwrap().is_ok());
        flag.store(false, Relaxed);
        assert_eq!(read_cancellable(&flag, read).unwrap(), 20 << 20);
        let verified = read_cancellable(&flag, || archive.verify());
        assert!(verified.unwrap().is_ok());
    }
}
