//! A folder to run `ach` in, and files to run it on. Each test program uses a part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder of its own for a test.
pub(crate) struct Folder(TempDir);

/// What a command answered.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(TempDir::new().unwrap())
    }

    /// A folder with the example data.
    pub(crate) fn with_examples() -> Folder {
        let folder = Folder::new();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
        for name in [
            "penguins.csv",
            "chelsea.npy",
            "digits-mlp.safetensors",
            "run.json",
        ] {
            std::fs::copy(data.join(name), folder.path(name)).unwrap();
        }
        folder
    }

    /// Copies a version 1 file here.
    pub(crate) fn copy_version_1(&self, sample: &str, name: &str) {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/version1");
        std::fs::write(self.path(name), std::fs::read(data.join(sample)).unwrap()).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The names in the folder, hidden ones too, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("ACH", env!("CARGO_BIN_EXE_ach"))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn ach(&self, args: &[&str]) -> Ran {
        let output = self.command(env!("CARGO_BIN_EXE_ach")).args(args).output();
        Ran::of(output.unwrap())
    }

    /// Runs `ach` and expects it to succeed; gives what it printed.
    pub(crate) fn fine(&self, args: &[&str]) -> String {
        let ran = self.ach(args);
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
        ran.out
    }

    /// Runs `ach` and expects one sentence on standard error and exit code 2.
    pub(crate) fn refused(&self, args: &[&str]) -> String {
        let ran = self.ach(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        let told: Vec<&str> = ran
            .err
            .lines()
            .filter(|l| !l.starts_with("note: "))
            .collect();
        assert_eq!(told.len(), 1, "{args:?}: {ran:?}");
        let sentence = told[0].strip_prefix("ach: ");
        sentence
            .unwrap_or_else(|| panic!("{args:?}: {ran:?}"))
            .to_owned()
    }

    /// Runs a line of shell, in which `$ACH` is the command.
    pub(crate) fn shell(&self, line: &str) -> Ran {
        Ran::of(self.command("sh").args(["-c", line]).output().unwrap())
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Ran {
        Ran {
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }
}

/// A .npy file of format 1.0.
pub(crate) fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

/// A .safetensors file with this header.
pub(crate) fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

/// The offset in the file of the array of a variable.
pub(crate) fn offset_of(folder: &Folder, file: &str, variable: &str) -> usize {
    let listed = folder.fine(&["ls", "-l", "--json", "-n", variable, file]);
    let json: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let offset = &json["files"][0]["variables"][0]["extents"][0]["offset"];
    offset.as_u64().unwrap() as usize
}
