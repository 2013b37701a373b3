//! A developer's machine: a home of its own, and real clients that know nothing of the machine the tests run on.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{Bulkhead, Screen};

/// One developer. Caches, configuration and installed packages go away with it.
#[derive(Debug)]
pub struct Developer {
    home: TempDir,
    /// Where packages come from: text of this run, and the word for it on screens.
    index: (String, String),
    /// As which user the index knows the developer.
    port: String,
}

impl Developer {
    /// Somebody whose clients are set up to go through Bulkhead.
    pub fn behind(bulkhead: &Bulkhead) -> Self {
        Self::with_index(&bulkhead.simple(), bulkhead.address().port())
    }

    /// Somebody whose clients go to this index.
    pub fn with_index(index: &str, port: u16) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        Self { home, index: (index.to_owned(), "[INDEX]".to_owned()), port: format!("127.0.0.1:{port}") }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file below the home.
    pub fn write(&self, path: &str, content: &str) -> PathBuf {
        let full = self.home().join(path);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(&full, content).unwrap();
        full
    }

    /// `pip install` of these words into a folder of the home.
    pub fn pip_install(&self, words: &[&str]) -> Screen {
        let index = ["install", "--no-compile", "--target", "site", "--index-url", &self.index.0];
        self.pip(&[&index, words].concat())
    }

    /// pip with these words.
    pub fn pip(&self, words: &[&str]) -> Screen {
        self.run("pip", words, &[])
    }

    /// `uv pip install` of these words into a folder of the home.
    pub fn uv_install(&self, words: &[&str]) -> Screen {
        let index = ["pip", "install", "--target", "site", "--index-url", &self.index.0];
        self.uv(&[&index, words].concat())
    }

    /// uv with these words.
    pub fn uv(&self, words: &[&str]) -> Screen {
        self.run("uv", words, &[])
    }

    /// A client with these words and variables beside those of every developer.
    pub fn run(&self, client: &str, words: &[&str], variables: &[(&str, &str)]) -> Screen {
        let program = installed().join(client).join("bin").join(client);
        assert!(
            program.exists(),
            "{client} is not installed for the tests: run `cargo xtask test` (or `cargo xtask clients`) once"
        );
        let output = Command::new(&program)
            .args(words)
            .current_dir(self.home())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "dumb")
            .env("COLUMNS", "200")
            // The machine's own configuration, in every place where clients look for it.
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_NO_INPUT", "1")
            .env("PIP_RETRIES", "0")
            .env("PIP_PROGRESS_BAR", "off")
            .env("PIP_ROOT_USER_ACTION", "ignore")
            .env("UV_NO_SYSTEM_CONFIG", "1")
            .env("UV_PYTHON_DOWNLOADS", "never")
            .env("UV_NO_PROGRESS", "1")
            .env("UV_HTTP_RETRIES", "0")
            .env("UV_CACHE_DIR", self.home().join("cache/uv"))
            .envs(variables.iter().copied())
            .output()
            .unwrap_or_else(|error| panic!("{client} could not be started: {error}"));
        Screen::new(&output, &self.replacements())
    }

    /// The version of a package that was installed, when it was.
    pub fn installed(&self, package: &str) -> Option<String> {
        let names = std::fs::read_dir(self.home().join("site")).ok()?.flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let prefix = format!("{package}-");
        names.filter_map(|name| Some(name.strip_suffix(".dist-info")?.strip_prefix(&prefix)?.to_owned())).next()
    }

    /// Whether a file of that name is anywhere among what was installed.
    pub fn has(&self, path: &str) -> bool {
        self.home().join("site").join(path).exists()
    }

    fn replacements(&self) -> Vec<(String, &str)> {
        let home = self.home().display().to_string();
        vec![(self.index.0.clone(), self.index.1.as_str()), (home, "[HOME]"), (self.port.clone(), "[ADDRESS]")]
    }
}

/// Where `cargo xtask clients` puts them.
pub fn installed() -> PathBuf {
    match std::env::var_os("BULKHEAD_CLIENTS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).join("../clients"),
    }
}
