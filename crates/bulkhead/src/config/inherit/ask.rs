//! Asking pip for the index that is built into it. No registry host stands in Bulkhead's own code.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::config::env::{self, Env};

/// A cold Python on a busy machine takes seconds; more than this is a hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// Enough for any help text; a program that prints more is not pip.
const MAX_HELP: u64 = 1 << 20;

/// The default index that `pip download --help` (or, without pip, `uv pip download`'s kin) reports; `None` when no
/// client is installed, or none says. Takes up to half a second, and blocks: run it off the async threads, cache it.
pub fn ask_pip(env: &Env) -> Option<String> {
    let commands: [&[&str]; 3] = [
        &["python3", "-m", "pip", "--isolated", "download", "--help"],
        &["pip", "--isolated", "download", "--help"],
        &["uv", "--no-config", "--color", "never", "help", "pip", "install"],
    ];
    commands.into_iter().find_map(|words| default_in_help(&output(words, env)?))
}

/// The URL that a help text names as the default of `--index-url`, as pip prints it: `(default https://...)`, with
/// line breaks anywhere.
pub fn default_in_help(help: &str) -> Option<String> {
    // `--extra-index-url` ends the same way, so the option must stand as a word of its own.
    let words: Vec<&str> = help.split_whitespace().collect();
    let option = words.iter().position(|word| matches!(*word, "--index-url" | "--default-index"))?;
    let rest = &words[option + 1..];
    let end = rest.iter().position(|word| word.starts_with("--") && word.len() > 2).unwrap_or(rest.len());
    rest[..end].windows(2).find_map(|pair| {
        let introduced = pair[0].trim_start_matches(['(', '[']).trim_end_matches(':') == "default";
        let url = pair[1].trim_matches(|char: char| "()[]<>,.:;".contains(char));
        let fetchable = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        (introduced && fetchable).then(|| url.to_owned())
    })
}

/// What the command prints, if it ends well and in time.
fn output(words: &[&str], env: &Env) -> Option<String> {
    let (program, arguments) = words.split_first()?;
    #[expect(
        clippy::disallowed_methods,
        reason = "pip is asked as the user who would run it; it reads nothing hostile"
    )]
    let mut command = Command::new(program);
    // From the root: Python would otherwise import a `pip` folder from the working directory.
    command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // The built-in default is asked for, so neither configuration nor environment may colour the answer; a wide
    // terminal keeps pip from breaking the URL.
    command.env("PIP_CONFIG_FILE", "/dev/null").env_remove("PIP_INDEX_URL").env_remove("UV_DEFAULT_INDEX");
    command.env_remove("UV_INDEX_URL").env("COLUMNS", "1000").env("LC_ALL", "C").env("PAGER", "cat");
    if let Some(path) = env.os(env::PATH) {
        command.env("PATH", path);
    }
    let mut child = command.spawn().ok()?;
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.take(MAX_HELP).read_to_string(&mut text).ok().map(|_| text);
        // The receiver is gone only after a time-out, when nobody wants the text any more.
        drop(sender.send(read));
    });
    let text = receiver.recv_timeout(PATIENCE).ok().flatten();
    if text.is_none() {
        drop(child.kill());
    }
    let status = child.wait().ok()?;
    text.filter(|_| status.success())
}
