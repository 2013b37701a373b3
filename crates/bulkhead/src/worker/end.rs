//! Why a worker ended, in words that go into a finding.

use std::os::unix::process::ExitStatusExt as _;

use bulkhead_contain::{Ended, WorkerProfile};
use rustix::process::Signal;

/// Characters of the worker's own words that are repeated.
const QUOTED: usize = 200;

/// One clause: what happened to the worker.
pub(super) fn describe(ended: Option<&Ended>) -> String {
    let Some(Ended { status: Some(status), stderr }) = ended else {
        return "the worker ended, the system does not say how".to_owned();
    };
    let said = quote(&String::from_utf8_lossy(stderr));
    let signal = status.signal().and_then(Signal::from_named_raw);
    match signal {
        Some(Signal::SYS) => {
            "the worker tried a system call that no reader of archives needs, and was killed for it".to_owned()
        }
        Some(Signal::KILL | Signal::XCPU) => "the worker was killed from outside or used up its CPU time".to_owned(),
        Some(Signal::ABORT) if said.starts_with("memory allocation of") => {
            format!("the worker needed more than its {} MiB of memory", WorkerProfile::default().memory >> 20)
        }
        _ if said.is_empty() => format!("the worker ended by itself ({status})"),
        _ => format!("the worker ended by itself ({status}), saying \"{said}\""),
    }
}

/// Whether it came to the end of what it may use. One that is killed from outside looks the same; the system does not tell.
pub(super) fn spent(ended: Option<&Ended>) -> bool {
    let Some(Ended { status: Some(status), stderr }) = ended else { return false };
    match status.signal().and_then(Signal::from_named_raw) {
        Some(Signal::KILL | Signal::XCPU) => true,
        Some(Signal::ABORT) => quote(&String::from_utf8_lossy(stderr)).starts_with("memory allocation of"),
        _ => false,
    }
}

/// A stranger's words on one line, harmless to a terminal.
pub(super) fn quote(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(QUOTED).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(raw_status: i32, stderr: &[u8]) -> Ended {
        Ended { status: Some(std::process::ExitStatus::from_raw(raw_status)), stderr: stderr.to_vec() }
    }

    #[test]
    fn says_what_happened() {
        let abort = ended(6, b"memory allocation of 1048576 bytes failed\n");
        for (end, words, at_a_limit) in [
            (Some(ended(31, b"")), "a system call that no reader", false),
            (Some(ended(9, b"")), "CPU time", true),
            (Some(abort), "more than its 184 MiB", true),
            (Some(ended(6, b"thread panicked\n")), "SIGABRT", false),
            (Some(ended(3 << 8, b"")), "ended by itself (exit status: 3)", false),
            (Some(ended(11, b"a\x1b[31m\nb\xff\xe2\x80\xae")), "SIGSEGV", false),
            (None, "does not say", false),
        ] {
            assert_eq!(spent(end.as_ref()), at_a_limit, "{end:?}");
            assert!(describe(end.as_ref()).contains(words), "{end:?}: {}", describe(end.as_ref()));
        }
    }

    #[test]
    fn quotes_a_stranger_without_control_characters_and_briefly() {
        let said = describe(Some(&ended(11, b"a\x1b[31m\nb\xff\xe2\x80\xae")));
        assert!(said.ends_with(r#"saying "a\u{1b}[31m b�\u{202e}""#), "{said}");
        assert!(describe(Some(&ended(11, &[b'x'; 4096]))).len() < 300);
    }
}
