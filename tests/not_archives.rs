//! Promise: what is no archive gets an error that says what it is instead and names the path; and
//! nothing is ever waited for.

mod samples;
mod small;

use std::path::Path;

use achronyme_env::{Archive, EnvError, MAGIC, SaveOptions, save};
use small::ROADS;

/// The error of opening `path`, the same on both roads.
#[track_caller]
fn refused(path: &Path) -> EnvError {
    let [open, mapped] = [0, 1].map(|road| ROADS[road].1(path).expect_err("no archive"));
    assert_eq!(open.to_string(), mapped.to_string());
    open
}

/// The error of a file of these bytes, and its text without the path.
#[track_caller]
fn refused_bytes(bytes: &[u8]) -> (EnvError, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("some.file");
    std::fs::write(&path, bytes).unwrap();
    let error = refused(&path);
    let text = error.to_string();
    let named = path.display().to_string();
    assert!(text.starts_with(&named), "{text}");
    let in_memory = Archive::from_bytes(bytes).expect_err("no archive");
    let rest = text[named.len()..].to_owned();
    assert_eq!(in_memory.to_string(), format!("the bytes in memory{rest}"));
    (error, rest)
}

#[test]
fn a_missing_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("missing.ach");
    let error = refused(&path);
    let EnvError::Io { action, source, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*action, "open");
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot open {}: ", path.display())),
        "{text}"
    );
    // A file used as a directory.
    std::fs::write(dir.path().join("file"), b"x").unwrap();
    let error = refused(&dir.path().join("file/x.ach"));
    assert!(matches!(error, EnvError::Io { .. }), "{error:?}");
}

#[test]
fn a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let error = refused(dir.path());
    assert!(matches!(error, EnvError::NotAFile { .. }), "{error:?}");
    let expected = format!(
        "{} is a directory, not a regular file",
        dir.path().display()
    );
    assert_eq!(error.to_string(), expected);
}

#[cfg(target_os = "linux")]
#[test]
fn a_fifo_a_socket_and_a_device_are_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let socket = dir.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let cases = [
        (fifo.as_path(), "a FIFO"),
        (socket.as_path(), "a socket"),
        (Path::new("/dev/null"), "a device"),
        (Path::new("/dev/zero"), "a device"),
    ];
    for (path, found) in cases {
        let path = path.to_owned();
        // On a thread of its own: blocking is a failure of this test and not its end.
        let (told, answer) = std::sync::mpsc::channel();
        let asked = path.clone();
        std::thread::spawn(move || told.send(refused(&asked).to_string()));
        let text = answer
            .recv_timeout(std::time::Duration::from_secs(60))
            .unwrap_or_else(|_| panic!("{found} keeps `open` waiting"));
        let expected = format!("{} is {found}, not a regular file", path.display());
        assert_eq!(text, expected);
        // Nor is it written to.
        let values = [("a", samples::record(1))];
        let values = values.map(|(n, r)| (n, achronyme_env::Value::from(r)));
        let error = save(&path, values, &SaveOptions::new().allow_overwrite(true)).unwrap_err();
        assert!(matches!(error, EnvError::NotAFile { .. }), "{error:?}");
    }
}

#[cfg(unix)]
#[test]
fn links_lead_to_what_they_name() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link.ach");
    std::os::unix::fs::symlink("link.ach", &link).unwrap();
    let error = refused(&link);
    assert!(matches!(error, EnvError::Io { .. }), "{error:?}");
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(dir.path(), &link).unwrap();
    assert!(matches!(refused(&link), EnvError::NotAFile { .. }));
}

#[test]
fn files_that_begin_otherwise() {
    let padded = |start: &[u8]| [start, &[b'.'; 100][..]].concat();
    for (bytes, expected) in [
        (vec![], " is not an .ach archive: it is empty"),
        (
            b"hello".to_vec(),
            " is not an .ach archive: it has 5 bytes and does not begin with \"ACH\"",
        ),
        (
            b"x".to_vec(),
            " is not an .ach archive: it has 1 bytes and does not begin with \"ACH\"",
        ),
        (
            padded(b"\x93NUMPY\x01\x00"),
            " is not an .ach archive: it begins with 93 4e 55 4d, not with \"ACH\\0\" (an .npy \
             file; pack it with `ach pack`)",
        ),
        (
            padded(b"PK\x03\x04"),
            " is not an .ach archive: it begins with 50 4b 03 04, not with \"ACH\\0\" (a zip file; \
             pack an .npz with `ach pack`)",
        ),
        (
            padded(b"\x89HDF\r\n\x1a\n"),
            " is not an .ach archive: it begins with 89 48 44 46, not with \"ACH\\0\" (an HDF5 \
             file)",
        ),
        (
            padded(b"\x28\xb5\x2f\xfd"),
            " is not an .ach archive: it begins with 28 b5 2f fd, not with \"ACH\\0\" (a zstd \
             file)",
        ),
        (
            padded(b"{\"a\": 1}"),
            " is not an .ach archive: it begins with \"{\"a\"\", not with \"ACH\\0\"",
        ),
        // Damage that old file transfers do to a binary file.
        (
            padded(b"ACH\r"),
            " is not an .ach archive: it begins with 41 43 48 0d, not with \"ACH\\0\"",
        ),
    ] {
        let (error, text) = refused_bytes(&bytes);
        assert_eq!(text, expected);
        assert!(matches!(error, EnvError::NotAnArchive { .. }), "{error:?}");
    }
    let image = achronyme_env::serialize_value("a value").unwrap();
    let (_, text) = refused_bytes(&image);
    assert!(text.ends_with("(a value image)"), "{text}");
}

#[test]
fn no_control_character_of_a_name_reaches_the_message() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a\x1b[31m\n.ach");
    std::fs::write(&path, b"x").unwrap();
    let text = refused(&path).to_string();
    assert!(!text.chars().any(char::is_control), "{text:?}");
    let bytes = [b"\x1b[2J".as_slice(), &[0; 100]].concat();
    let (_, text) = refused_bytes(&bytes);
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

#[test]
fn short_files_that_begin_as_an_archive_are_cut_short() {
    for len in 1..64 {
        let bytes: Vec<u8> = MAGIC.iter().copied().chain([2, 0]).chain([0; 64]).collect();
        let (error, text) = refused_bytes(&bytes[..len]);
        assert!(matches!(error, EnvError::Damaged { .. }), "{error:?}");
        let expected =
            format!(" is damaged: header at byte {len}: cut short: {len} of 64 bytes are there");
        assert_eq!(text, expected);
    }
}

#[test]
fn a_version_1_file() {
    // The header of version 1: 80 bytes, no sum; JSON-like metadata follow.
    for (minor, compressed) in [(0u16, 0u8), (1, 1)] {
        let mut bytes = vec![0u8; 80];
        bytes[..4].copy_from_slice(b"ACH\0");
        bytes[4..6].copy_from_slice(&1u16.to_le_bytes());
        bytes[6..8].copy_from_slice(&minor.to_le_bytes());
        bytes[8] = compressed;
        bytes[12..20].copy_from_slice(&1_700_000_000u64.to_le_bytes());
        bytes[20..25].copy_from_slice(b"0.6.5");
        bytes[36] = compressed;
        bytes.extend_from_slice(&samples::noise(1, 500));
        let (error, text) = refused_bytes(&bytes);
        let EnvError::Version1 { major, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(major, 1);
        let expected = format!(
            " is a version 1 archive (format 1.{minor}); read it with `restore_environment`, or \
             convert it with `ach upgrade`"
        );
        assert_eq!(text, expected);
    }
}

#[test]
fn a_newer_version() {
    let mut bytes = small::archives().remove(0).bytes;
    bytes[4] = 3;
    let crc = crc32fast::hash(&bytes[..60]);
    bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    let (error, text) = refused_bytes(&bytes);
    assert!(matches!(error, EnvError::Unsupported { .. }), "{error:?}");
    assert_eq!(
        text,
        " uses format version 3.0, which this reader does not know; read it with a newer version \
         of ach"
    );
}
