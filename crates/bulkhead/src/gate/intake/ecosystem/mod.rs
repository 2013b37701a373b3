//! Translators without I/O: bytes in, typed out. One file or folder per ecosystem.

pub mod pypi;
