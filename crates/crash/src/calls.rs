//! System calls by number: their names, and which of them touch files.

use nix::libc;

/// A system call at its entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) number: i64,
    pub(crate) arguments: [u64; 6],
}

impl Call {
    /// Argument `index` as a descriptor.
    pub(crate) fn descriptor(&self, index: usize) -> i32 {
        self.arguments[index] as i32
    }

    /// What the call is called, or its number.
    pub(crate) fn name(&self) -> String {
        let known = FILES.iter().chain(OTHERS).find(|(n, _)| *n == self.number);
        known.map_or_else(
            || format!("call {}", self.number),
            |(_, name)| (*name).to_owned(),
        )
    }

    /// Whether the call can change a file, a name or what is known to be on the disk; or opens,
    /// locks, maps or closes one.
    pub(crate) fn touches_files(&self) -> bool {
        // A map without a file is memory.
        let anonymous = self.number == libc::SYS_mmap && self.descriptor(4) < 0;
        !anonymous && FILES.iter().any(|(number, _)| *number == self.number)
    }
}

macro_rules! named {
    ($($(#[$when:meta])* $name:ident),* $(,)?) => {
        &[$($(#[$when])* (libc::$name, tail(stringify!($name)))),*]
    };
}

/// The name without `SYS_`.
const fn tail(name: &'static str) -> &'static str {
    name.split_at(4).1
}

/// Calls that touch files; on aarch64 the older ones do not exist.
const FILES: &[(i64, &str)] = named![
    #[cfg(target_arch = "x86_64")]
    SYS_open,
    #[cfg(target_arch = "x86_64")]
    SYS_creat,
    #[cfg(target_arch = "x86_64")]
    SYS_rename,
    #[cfg(target_arch = "x86_64")]
    SYS_link,
    #[cfg(target_arch = "x86_64")]
    SYS_symlink,
    #[cfg(target_arch = "x86_64")]
    SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    SYS_rmdir,
    #[cfg(target_arch = "x86_64")]
    SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    SYS_dup2,
    SYS_openat,
    SYS_openat2,
    SYS_write,
    SYS_pwrite64,
    SYS_writev,
    SYS_pwritev,
    SYS_pwritev2,
    SYS_copy_file_range,
    SYS_sendfile,
    SYS_splice,
    SYS_ftruncate,
    SYS_truncate,
    SYS_fallocate,
    SYS_fsync,
    SYS_fdatasync,
    SYS_sync_file_range,
    SYS_sync,
    SYS_syncfs,
    SYS_msync,
    SYS_mmap,
    SYS_renameat,
    SYS_renameat2,
    SYS_linkat,
    SYS_symlinkat,
    SYS_unlinkat,
    SYS_mkdirat,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_ioctl,
    SYS_flock,
    SYS_fcntl,
    SYS_dup,
    SYS_dup3,
    SYS_close,
    SYS_close_range,
    SYS_io_uring_setup,
    SYS_exit_group,
];

/// Others that are met often, for messages.
const OTHERS: &[(i64, &str)] = named![
    #[cfg(target_arch = "x86_64")]
    SYS_stat,
    #[cfg(target_arch = "x86_64")]
    SYS_readlink,
    SYS_read,
    SYS_pread64,
    SYS_readv,
    SYS_lseek,
    SYS_statx,
    SYS_fstat,
    SYS_newfstatat,
    SYS_readlinkat,
    SYS_getdents64,
    SYS_statfs,
    SYS_fstatfs,
    SYS_fadvise64,
    SYS_futex,
    SYS_clone3,
    SYS_brk,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_getrandom,
    SYS_getpid,
    SYS_sigaltstack,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_sched_getaffinity,
    SYS_sched_yield,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_prctl,
    SYS_clock_nanosleep,
    SYS_uname,
    SYS_exit,
];
