//! The first lock: the list of system calls that a worker may make. Any other kills it on the spot.

use std::collections::BTreeMap;
use std::io;

use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule, TargetArch};

use super::enter::step;
use crate::{ContainError, Enforced, Need};

/// The socket to the parent.
const SOCKET: u64 = 0;
/// The pipe on which a dying worker says why.
const STDERR: u64 = 2;

pub(super) fn restrict(need: Need) -> Result<Enforced, ContainError> {
    if need == Need::Off {
        return Ok(Enforced::lacking("seccomp (switched off)"));
    }
    let rules = allowed().map_err(|why| step("write down the system call list", why))?;
    let calls = rules.len();
    let program = compile(rules).map_err(|why| step("compile the system call filter", why))?;
    match seccompiler::apply_filter(&program) {
        Ok(()) => Ok(Enforced::held(format!("seccomp list of {calls} system calls, any other kills"))),
        Err(seccompiler::Error::Seccomp(why)) if not_offered(&why) && need == Need::IfOffered => {
            Ok(Enforced::lacking(format!("seccomp ({why})")))
        }
        Err(seccompiler::Error::Seccomp(why)) if not_offered(&why) => {
            Err(ContainError::Missing { layer: "seccomp", why: why.to_string() })
        }
        Err(why) => Err(step("install the system call filter", why)),
    }
}

/// The list.
///
/// Conditions look at descriptor numbers, flags and process ids; what a pointer points to cannot be looked at here. There is no call
/// with a path, none that makes a descriptor but `recvmsg` on the socket, none that makes or reaches another process, and none that
/// makes memory executable. What the standard library and libc need beyond that list when they are about to abort
/// (open a terminal, read `/proc`) kills as well, which is the same end.
fn allowed() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let own_process = u64::from(std::process::id());
    let mut list = BTreeMap::new();
    let mut always = |call: libc::c_long| list.insert(call, Vec::new());

    // Reading the job's file, wherever its number is: it is the only file, and it is open for reading only.
    always(libc::SYS_pread64);
    always(libc::SYS_fstat);
    always(libc::SYS_close);
    // Memory that is already mapped, and the heap.
    always(libc::SYS_brk);
    always(libc::SYS_munmap);
    always(libc::SYS_mremap);
    always(libc::SYS_madvise);
    // Thinking: locks without contention, hash seeds, time.
    always(libc::SYS_futex);
    always(libc::SYS_sched_yield);
    always(libc::SYS_getrandom);
    always(libc::SYS_clock_gettime);
    always(libc::SYS_getpid);
    always(libc::SYS_gettid);
    // Ending, by return, by abort, by a caught fault.
    always(libc::SYS_exit);
    always(libc::SYS_exit_group);
    always(libc::SYS_rt_sigaction);
    always(libc::SYS_rt_sigprocmask);
    always(libc::SYS_rt_sigreturn);
    always(libc::SYS_sigaltstack);
    always(libc::SYS_restart_syscall);

    let mut when = |call: libc::c_long, rules: Vec<SeccompRule>| list.insert(call, rules);

    when(libc::SYS_read, vec![argument(0, Eq, SOCKET)?]);
    when(libc::SYS_recvmsg, vec![argument(0, Eq, SOCKET)?]);
    when(libc::SYS_write, vec![argument(0, Eq, SOCKET)?, argument(0, Eq, STDERR)?]);
    // libc reports heap corruption with it.
    when(libc::SYS_writev, vec![argument(0, Eq, STDERR)?]);
    // Debug builds of the standard library ask whether a descriptor is open before they close it.
    when(libc::SYS_fcntl, vec![argument(1, Eq, libc::F_GETFD as u64)?]);
    when(
        libc::SYS_mmap,
        vec![rule([
            condition(2, MaskedEq(libc::PROT_EXEC as u64), 0)?,
            condition(3, MaskedEq(libc::MAP_ANONYMOUS as u64), libc::MAP_ANONYMOUS as u64)?,
        ])?],
    );
    when(libc::SYS_mprotect, vec![argument(2, MaskedEq(libc::PROT_EXEC as u64), 0)?]);
    // abort(3) sends itself a signal; nobody else can be sent one.
    when(libc::SYS_tgkill, vec![argument(0, Eq, own_process)?]);
    Ok(list)
}

fn compile(rules: BTreeMap<i64, Vec<SeccompRule>>) -> Result<BpfProgram, BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture)?.try_into()
}

fn argument(index: u8, operator: seccompiler::SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
    rule([condition(index, operator, value)?])
}

fn rule<const N: usize>(conditions: [SeccompCondition; N]) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.into())
}

/// The kernel's own types of all arguments tested here are 32 bits wide; it ignores the upper half, and so must the filter.
fn condition(index: u8, operator: seccompiler::SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, Dword, operator, value)
}

/// A kernel built without filters, or a sandbox around us that does not implement them.
fn not_offered(why: &io::Error) -> bool {
    matches!(why.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL))
}
