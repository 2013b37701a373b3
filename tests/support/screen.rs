//! What a program printed, made the same on every machine and in every run.

use std::process::Output;

use regex::Regex;

/// A finished program: exit code and both streams, with what differs from run to run replaced.
#[derive(Debug, Clone)]
pub struct Screen {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// Standard output as it was.
    raw: String,
}

impl Screen {
    /// `replace` holds texts of this run (ports, folders) and the words for them; longer ones first.
    pub fn new(output: &Output, replace: &[(String, &str)]) -> Self {
        let raw = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = filter(&String::from_utf8_lossy(&output.stderr), replace);
        Self { code: output.status.code(), stdout: filter(&raw, replace), stderr, raw }
    }

    pub fn good(&self) -> bool {
        self.code == Some(0)
    }

    /// Fails the test, with everything printed, unless the program succeeded.
    #[track_caller]
    pub fn expect_good(self) -> Self {
        assert!(self.good(), "{self}");
        self
    }

    /// Fails the test, with everything printed, unless the exit code is this.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Both streams, for what may be on either.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Standard output as it was printed, colours and all.
    pub fn as_printed(&self) -> &str {
        &self.raw
    }

    /// Standard output as JSON, nothing replaced.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.raw).unwrap_or_else(|error| panic!("not JSON ({error}):\n{self}"))
    }
}

/// As a snapshot shows it.
impl std::fmt::Display for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code {
            Some(code) => writeln!(f, "exit code: {code}")?,
            None => writeln!(f, "killed")?,
        }
        write!(f, "----- stdout -----\n{}", self.stdout)?;
        write!(f, "----- stderr -----\n{}", self.stderr)
    }
}

/// What differs in every run, whoever printed it. Order matters: longer shapes first.
const SHAPES: &[(&str, &str)] = &[
    ("\u{1b}\\[[0-9;]*[A-Za-z]", ""),
    (r"Using (C?Python) \S+ interpreter at: .*", "Using $1 [VERSION] interpreter"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[ID]"),
    (r"\b[0-9a-f]{64}\b", "[SHA256]"),
    (r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?", "[TIME]"),
    (r"\b\d+(\.\d+)? ?(ms|µs|s)\b", "[TIME]"),
    (r"\b\d+(\.\d+)? (bytes|kB|KiB|MB/s|kB/s|MB|MiB)\b", "[SIZE]"),
];

fn filter(text: &str, replace: &[(String, &str)]) -> String {
    let mut text = text.to_owned();
    for (from, to) in replace {
        text = text.replace(from, to);
    }
    for (shape, to) in SHAPES {
        text = Regex::new(shape).expect("a pattern").replace_all(&text, *to).into_owned();
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}
