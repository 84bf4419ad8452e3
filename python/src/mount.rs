//! Whether a file lies on a network file system, where maps are slow and may end in a signal.

use std::path::PathBuf;

use pyo3::prelude::*;

/// Numbers of the kinds of file systems that may lose their server: from `linux/magic.h`, and the
/// headers of those outside the kernel. FUSE is among them: most of what is mounted through it is
/// remote.
#[cfg(target_os = "linux")]
const NETWORK: [u32; 15] = [
    0x6969,      // NFS
    0x517B,      // SMB
    0xFF53_4D42, // CIFS
    0xFE53_4D42, // SMB 2 and 3
    0x0102_1997, // 9P
    0x5346_414F, // AFS (OpenAFS)
    0x6B41_4653, // AFS (the kernel's)
    0x7375_7245, // Coda
    0x00C3_6400, // Ceph
    0x0BD0_0BD0, // Lustre
    0x4750_4653, // GPFS
    0x1983_0326, // BeeGFS
    0x0116_1970, // GFS2
    0x7461_636F, // OCFS2
    0x6573_5546, // FUSE
];

/// Whether `path` lies on a network file system, as far as the system tells.
#[pyfunction]
pub(crate) fn is_network(path: PathBuf) -> bool {
    #[cfg(target_os = "linux")]
    {
        rustix::fs::statfs(&path).is_ok_and(|stat| NETWORK.contains(&(stat.f_type as u32)))
    }
    #[cfg(target_vendor = "apple")]
    {
        const MNT_LOCAL: u32 = 0x1000;
        rustix::fs::statfs(&path).is_ok_and(|stat| stat.f_flags & MNT_LOCAL == 0)
    }
    #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
    {
        // A share of another machine: `\\server\share`.
        path.to_string_lossy().starts_with(r"\\")
    }
}
