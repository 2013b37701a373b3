//! No descriptor but the standard three survives into the worker.

use std::io;

use super::enter::step;
use crate::ContainError;

/// Closes every descriptor from `first` on (close_range(2), Linux 5.9).
///
/// The parent opens everything close-on-exec, so there should be none; this holds when a library or an embedding
/// program did not.
pub(super) fn close_all_from(first: libc::c_uint) -> Result<(), ContainError> {
    #[expect(unsafe_code, reason = "rustix has no close_range")]
    // SAFETY: no pointers. The worker calls this before it opens anything, so no Rust value owns the descriptors that
    // are closed here; they are inherited ones that nothing in this process knows of.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) };
    if result == 0 { Ok(()) } else { Err(step("close inherited descriptors", io::Error::last_os_error())) }
}
