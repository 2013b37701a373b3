//! How the allocator keeps memory. Here because it is a raw call into the C library, not because it contains anything.

/// Keeps freed memory from piling up: two arenas instead of eight per core, and large blocks that go back to the system
/// when they are freed.
///
/// A gate allocates pages of megabytes on many threads for a moment each. With glibc's defaults the high-water mark of
/// every arena stays resident: measured 247 MB instead of 169 MB after one install of 51 packages. Call it before the
/// first thread starts. On other C libraries it does nothing. Returns whether the settings were taken.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "mallopt is a call into the C library")]
pub fn keep_small() -> bool {
    const LARGE: libc::c_int = 256 * 1024;
    // SAFETY: mallopt takes two integers, touches nothing but the allocator's own settings under its own lock, and is
    // documented to be callable at any time (mallopt(3)).
    let taken = unsafe { [libc::mallopt(libc::M_ARENA_MAX, 2), libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE)] };
    taken == [1, 1]
}

/// Does nothing: other allocators have other habits.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_small() -> bool {
    false
}
