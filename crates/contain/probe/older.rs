//! A kernel whose landlock is older than it is: the question for the version is trapped and answered with another number.
//! Calls with rights that the number promises mean the same on every later kernel, so nothing else has to be pretended.

use std::sync::atomic::{AtomicI64, Ordering};

static VERSION: AtomicI64 = AtomicI64::new(0);

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the test's own set-up")]
pub(crate) fn landlock(version: i64) {
    VERSION.store(version, Ordering::Relaxed);
    let statement =
        |code: u32, k: u32, jt, jf| libc::sock_filter { code: u16::try_from(code).expect("small"), jt, jf, k };
    let load = |offset| statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0, 0);
    let equal = |value, jf| statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, value, 0, jf);
    let answer = |what| statement(libc::BPF_RET | libc::BPF_K, what, 0, 0);
    let number = u32::try_from(libc::SYS_landlock_create_ruleset).expect("small");
    // The third argument is 1 where the version is asked for.
    let mut filter = [
        load(0),
        equal(number, 3),
        load(32),
        equal(1, 1),
        answer(libc::SECCOMP_RET_TRAP),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: 6, filter: filter.as_mut_ptr() };
    // SAFETY: handler and filter are whole; this process has one thread.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = answer_version as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut()), 0);
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn landlock(_: i64) {
    panic!("the registers of this machine are not known here: {}", VERSION.load(Ordering::Relaxed));
}

/// What the call comes back with.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the test's own set-up")]
extern "C" fn answer_version(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands a handler the registers of the interrupted call.
    unsafe {
        let context = context.cast::<libc::ucontext_t>();
        (*context).uc_mcontext.gregs[usize::try_from(libc::REG_RAX).expect("small")] = VERSION.load(Ordering::Relaxed);
    }
}
