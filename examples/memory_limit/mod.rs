//! A limit on the memory of this process, set by itself.

/// Allows this process `bytes` for data: heap, stacks of threads, and other private memory. Files
/// that are mapped and shared do not count, for the system can write them back. (Linux 4.7 or newer;
/// elsewhere there is no such limit, and the examples do the same work without it.)
#[cfg(target_os = "linux")]
pub(crate) fn set(bytes: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    Ok(setrlimit(Resource::Data, limit)?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn set(_: u64) -> std::io::Result<()> {
    Ok(())
}
