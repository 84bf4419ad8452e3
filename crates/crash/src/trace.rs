//! A child process that stops at each system call.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::calls::Call;
use crate::scenario::Result;

/// What happens to the child at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It goes on.
    Go,
    /// It is killed, and the call is not carried out.
    Kill,
}

/// Looks at the calls of a child, from its gate on.
pub(crate) trait Watch {
    /// The child has come through the gate.
    fn gate(&mut self, _: &Tracee) -> Result<()> {
        Ok(())
    }

    /// A thread is about to make a call.
    fn entry(&mut self, tracee: &Tracee, thread: Pid, call: &Call) -> Result<Then>;

    /// The call is done; `result` is below zero for an error.
    fn exit(&mut self, tracee: &Tracee, thread: Pid, call: &Call, result: i64) -> Result<()>;
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Killed(Signal),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exited(code) => write!(f, "exit code {code}"),
            End::Killed(signal) => write!(f, "{signal}"),
        }
    }
}

/// A stopped child, for whoever wants to look into it.
#[derive(Debug)]
pub(crate) struct Tracee {
    leader: Pid,
}

impl Tracee {
    /// `len` bytes of its memory.
    pub(crate) fn bytes(&self, address: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        File::open(self.proc("mem"))?.read_exact_at(&mut bytes, address)?;
        Ok(bytes)
    }

    /// The text at `address`, up to its zero byte.
    pub(crate) fn text(&self, address: u64) -> io::Result<String> {
        let memory = File::open(self.proc("mem"))?;
        let mut text = Vec::new();
        let mut byte = [0];
        loop {
            memory.read_exact_at(&mut byte, address + text.len() as u64)?;
            match byte[0] {
                0 => return String::from_utf8(text).map_err(io::Error::other),
                byte => text.push(byte),
            }
        }
    }

    /// A path under which the file of a descriptor can be opened here, even if it has no name.
    pub(crate) fn descriptor(&self, descriptor: i32) -> PathBuf {
        self.proc(&format!("fd/{descriptor}"))
    }

    /// The descriptors that are open.
    pub(crate) fn descriptors(&self) -> io::Result<Vec<i32>> {
        let entries = fs::read_dir(self.proc("fd"))?;
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().parse().ok()));
        Ok(names
            .collect::<io::Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// The position of a descriptor in its file.
    pub(crate) fn position(&self, descriptor: i32) -> io::Result<u64> {
        let info = fs::read_to_string(self.proc(&format!("fdinfo/{descriptor}")))?;
        let position = info.lines().find_map(|line| line.strip_prefix("pos:"));
        position
            .and_then(|position| position.trim().parse().ok())
            .ok_or_else(|| io::Error::other("no position in fdinfo"))
    }

    /// The flags a descriptor was opened with.
    pub(crate) fn flags(&self, descriptor: i32) -> io::Result<i32> {
        let info = fs::read_to_string(self.proc(&format!("fdinfo/{descriptor}")))?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        flags
            .and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok())
            .ok_or_else(|| io::Error::other("no flags in fdinfo"))
    }

    /// Its working directory.
    pub(crate) fn directory(&self) -> io::Result<PathBuf> {
        fs::read_link(self.proc("cwd"))
    }

    fn proc(&self, what: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{what}", self.leader))
    }
}

/// Runs `command` to its end. It is watched from its gate on: when its first read of standard input
/// has returned the one byte it is given.
///
/// # Errors
///
/// When it cannot be started or traced, or does not end within `patience`, and what the watch says;
/// the child is dead then.
pub(crate) fn run(mut command: Command, patience: Duration, watch: &mut dyn Watch) -> Result<End> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let leader = Pid::from_raw(child.id() as i32);
    // A rig that dies takes its child with it.
    let options =
        Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE;
    if let Err(e) = ptrace::seize(leader, options).and_then(|()| ptrace::interrupt(leader)) {
        child.kill()?;
        child.wait()?;
        return Err(format!(
            "the system does not let a process trace its own child ({e}): allow ptrace, or set \
             ACH_CRASH=skip to do without these tests"
        )
        .into());
    }
    let mut stepping = Stepping {
        tracee: Tracee { leader },
        gate: child.stdin.take(),
        through: false,
        calls: HashMap::new(),
        watch,
    };
    // Lost patience makes an end that the loop below then sees.
    let (ended, end) = mpsc::channel::<()>();
    let hung = Arc::new(AtomicBool::new(false));
    let impatient = Arc::clone(&hung);
    let waiting = thread::spawn(move || {
        if end.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            impatient.store(true, Ordering::SeqCst);
            let _ = kill(leader, Signal::SIGKILL);
        }
    });
    let outcome = stepping.run_to_its_end(leader);
    drop(ended);
    waiting.join().map_err(|_| "the rig's clock panicked")?;
    match hung.load(Ordering::SeqCst) {
        true => Err(format!(
            "the child did not end within {patience:?}; its threads were in {}",
            stepping.inside()
        )
        .into()),
        false => outcome,
    }
}

struct Stepping<'a> {
    tracee: Tracee,
    gate: Option<ChildStdin>,
    through: bool,
    /// Which call each thread is in.
    calls: HashMap<Pid, Call>,
    watch: &'a mut dyn Watch,
}

impl Stepping<'_> {
    /// Until the child has ended.
    fn run_to_its_end(&mut self, leader: Pid) -> Result<End> {
        let mut failed = None;
        loop {
            // Of this thread only: other tests trace children of their own beside this one.
            let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
            let status = match waitpid(None, Some(flags)) {
                Err(Errno::EINTR) => continue,
                status => status?,
            };
            let end = match status {
                WaitStatus::Exited(pid, code) if pid == leader => Some(End::Exited(code)),
                WaitStatus::Signaled(pid, signal, _) if pid == leader => Some(End::Killed(signal)),
                _ => None,
            };
            match (end, failed.take()) {
                (Some(_), Some(e)) => return Err(e),
                (Some(end), None) => return Ok(end),
                // It was killed; its threads go one by one.
                (None, Some(e)) => failed = Some(e),
                (None, None) => match self.step(status) {
                    Ok(Then::Go) => {}
                    Ok(Then::Kill) => kill(leader, Signal::SIGKILL)?,
                    Err(e) => {
                        failed = Some(e);
                        kill(leader, Signal::SIGKILL)?;
                    }
                },
            }
        }
    }

    /// The calls in which the threads are.
    fn inside(&self) -> String {
        let calls: Vec<String> = self.calls.values().map(Call::name).collect();
        calls.join(", ")
    }

    /// Does what one stop asks for, and lets the thread go on.
    fn step(&mut self, status: WaitStatus) -> Result<Then> {
        let (thread, signal) = match status {
            WaitStatus::PtraceSyscall(thread) => {
                if self.call(thread)? == Then::Kill {
                    return Ok(Then::Kill);
                }
                (thread, None)
            }
            WaitStatus::PtraceEvent(thread, ..) => {
                // From the first stop on every call is seen, so the child may begin.
                if let Some(mut gate) = self.gate.take() {
                    gate.write_all(b"\n")?;
                }
                (thread, None)
            }
            WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
            _ => return Ok(Then::Go),
        };
        match ptrace::syscall(thread, signal) {
            // Killed meanwhile.
            Ok(()) | Err(Errno::ESRCH) => Ok(Then::Go),
            Err(e) => Err(e.into()),
        }
    }

    /// At the entry or the exit of a call.
    fn call(&mut self, thread: Pid) -> Result<Then> {
        let Some(info) = unless_gone(ptrace::syscall_info(thread))? else {
            return Ok(Then::Go);
        };
        let Some(registers) = unless_gone(ptrace::getregs(thread))? else {
            return Ok(Then::Go);
        };
        match info.op {
            libc::PTRACE_SYSCALL_INFO_ENTRY => {
                let call = entered(&registers);
                self.calls.insert(thread, call);
                match self.through {
                    true => self.watch.entry(&self.tracee, thread, &call),
                    false => Ok(Then::Go),
                }
            }
            libc::PTRACE_SYSCALL_INFO_EXIT => {
                let result = returned(&registers);
                if let Some(call) = self.calls.remove(&thread) {
                    if self.through {
                        self.watch.exit(&self.tracee, thread, &call, result)?;
                    } else if call.number == libc::SYS_read
                        && call.descriptor(0) == 0
                        && result == 1
                    {
                        self.through = true;
                        self.watch.gate(&self.tracee)?;
                    }
                }
                Ok(Then::Go)
            }
            _ => Ok(Then::Go),
        }
    }
}

/// A thread that another one's `exit_group` has killed is no error.
fn unless_gone<T>(answer: nix::Result<T>) -> Result<Option<T>> {
    match answer {
        Err(Errno::ESRCH) => Ok(None),
        answer => Ok(Some(answer?)),
    }
}

#[cfg(target_arch = "x86_64")]
fn entered(registers: &libc::user_regs_struct) -> Call {
    Call {
        number: registers.orig_rax as i64,
        arguments: [
            registers.rdi,
            registers.rsi,
            registers.rdx,
            registers.r10,
            registers.r8,
            registers.r9,
        ],
    }
}

#[cfg(target_arch = "x86_64")]
fn returned(registers: &libc::user_regs_struct) -> i64 {
    registers.rax as i64
}

#[cfg(target_arch = "aarch64")]
fn entered(registers: &libc::user_regs_struct) -> Call {
    let [a, b, c, d, e, f, _, _, number, ..] = registers.regs;
    Call {
        number: number as i64,
        arguments: [a, b, c, d, e, f],
    }
}

#[cfg(target_arch = "aarch64")]
fn returned(registers: &libc::user_regs_struct) -> i64 {
    registers.regs[0] as i64
}
