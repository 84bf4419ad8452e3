//! Sharing a snapshot with other processes: an archive in a sealed memory file.

use super::snapshot::Snapshot;
use crate::error::Result;
use crate::write::{SaveOptions, SaveReport};

/// A snapshot as an archive in memory that its seals keep from ever changing, so that other
/// processes map it safely and without a copy ([`crate::Archive::from_sealed_fd`],
/// [`crate::Archive::open_sealed`]). Its memory is paid for once, and given back when the last
/// process that has it open is done. Linux only.
#[derive(Debug)]
pub struct SharedSnapshot {
    #[cfg(target_os = "linux")]
    file: std::fs::File,
    report: SaveReport,
}

impl Snapshot {
    /// Writes the state into a sealed memory file, to be shared with other processes.
    ///
    /// # Errors
    /// As [`crate::save_environment`]; [`crate::EnvError::NotOnThisSystem`] elsewhere than on
    /// Linux.
    pub fn share(&self) -> Result<SharedSnapshot> {
        self.share_with(&SaveOptions::new())
    }

    /// As [`Snapshot::share`], with options.
    ///
    /// # Errors
    /// As [`Snapshot::share`].
    #[cfg(target_os = "linux")]
    pub fn share_with(&self, options: &SaveOptions) -> Result<SharedSnapshot> {
        use crate::error::{EnvError, Origin};
        use rustix::fs::{SealFlags, fcntl_add_seals};
        let options = super::save::session_options(options);
        let mut writer = crate::write::ArchiveWriter::in_memory(&options)?;
        self.add_to(&mut writer)?;
        let (file, report) = writer.finish_in_memory()?;
        let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)
            .map_err(|e| EnvError::io("seal", Origin::Memory, e.into()))?;
        Ok(SharedSnapshot { file, report })
    }

    /// As [`Snapshot::share`], with options.
    ///
    /// # Errors
    /// [`crate::EnvError::NotOnThisSystem`].
    #[cfg(not(target_os = "linux"))]
    pub fn share_with(&self, _: &SaveOptions) -> Result<SharedSnapshot> {
        Err(crate::error::EnvError::NotOnThisSystem {
            what: "sharing a snapshot as a sealed memory file",
            instead: "save it to a file and map that",
        })
    }
}

impl SharedSnapshot {
    /// What was written.
    pub fn report(&self) -> &SaveReport {
        &self.report
    }

    /// Another descriptor of the memory file, to hand to another process: as its standard input,
    /// or over a socket. It is closed when a program is started, unless it is given as a standard
    /// stream.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`].
    #[cfg(target_os = "linux")]
    pub fn descriptor(&self) -> Result<std::os::fd::OwnedFd> {
        use crate::error::{EnvError, Origin};
        let file = self.file.try_clone();
        let file = file.map_err(|e| EnvError::io("duplicate", Origin::Memory, e))?;
        Ok(file.into())
    }

    /// A path by which processes of the same user open it while this process holds it:
    /// `/proc/<process>/fd/<descriptor>`, for [`crate::Archive::open_sealed`].
    #[cfg(target_os = "linux")]
    pub fn path(&self) -> std::path::PathBuf {
        use std::os::fd::AsRawFd;
        let (process, descriptor) = (std::process::id(), self.file.as_raw_fd());
        format!("/proc/{process}/fd/{descriptor}").into()
    }
}
