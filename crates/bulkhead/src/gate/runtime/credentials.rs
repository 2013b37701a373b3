//! Where credentials live: what a tripwire is put over. One line each, from the tools' own documentation.

/// Folders below the home. The first ones have a tripwire even where they do not exist: whoever looks there is worth knowing.
pub const ALWAYS: &[&str] = &[".ssh", ".aws", ".kube", ".azure", ".config/gcloud"];

/// Folders below the home, where they exist.
pub const FOLDERS: &[&str] = &[
    ".docker",
    ".gnupg",
    ".terraform.d",
    ".password-store",
    ".config/gh",
    ".config/glab-cli",
    ".config/op",
    ".config/sops",
    ".config/rclone",
    ".config/doctl",
    ".config/heroku",
    ".config/wandb",
    ".config/systemd",
    ".config/autostart",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/microsoft-edge",
    ".mozilla",
    ".thunderbird",
    ".local/share/keyrings",
    ".oci",
    ".snowflake",
    ".dbt",
    ".bitcoin",
    ".electrum",
    ".ethereum",
    ".monero",
    ".config/solana",
];

/// Where a cluster puts the tokens of service accounts, where it does.
pub const OF_THE_MACHINE: &[&str] = &["/var/run/secrets", "/run/secrets"];

/// Files below the home, where they exist.
pub const FILES: &[&str] = &[
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".yarnrc.yml",
    ".git-credentials",
    ".config/git/credentials",
    ".vault-token",
    ".pgpass",
    ".my.cnf",
    ".s3cfg",
    ".boto",
    ".databrickscfg",
    ".env",
    ".envrc",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".node_repl_history",
    ".psql_history",
    ".mysql_history",
    ".sqlite_history",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".m2/settings.xml",
    ".gradle/gradle.properties",
    ".cache/huggingface/token",
    ".cache/huggingface/stored_tokens",
    ".huggingface/token",
    ".kaggle/kaggle.json",
    ".config/hub",
    ".config/pip/pip.conf",
    ".pip/pip.conf",
    ".config/uv/credentials.toml",
    ".claude.json",
    ".claude/.credentials.json",
    ".codex/auth.json",
];

/// Below the home, and in sight all the same: tools and what they need to start. Never a file of the lists above, which is
/// covered where it lies below one of these.
pub const TOOLS: &[&str] = &[
    ".pyenv",
    ".asdf",
    ".rustup",
    ".cargo",
    ".nvm",
    ".volta",
    ".fnm",
    ".bun",
    ".deno",
    ".rbenv",
    ".sdkman",
    ".local/bin",
    ".local/lib",
    ".local/share/uv",
    ".local/share/pnpm",
    ".local/share/mise",
    ".conda",
    "anaconda3",
    "miniconda3",
    "miniforge3",
    "mambaforge",
    "go",
    ".cache/huggingface",
    ".cache/torch",
    ".gitconfig",
    ".config/git",
    ".config/matplotlib",
    "nltk_data",
];

/// Variables that name a folder of tools, for those who keep them elsewhere: in sight as if it were where it is expected.
pub const TOOL_VARIABLES: &[&str] =
    &["VIRTUAL_ENV", "RUSTUP_HOME", "CARGO_HOME", "PYENV_ROOT", "NVM_DIR", "VOLTA_HOME", "CONDA_PREFIX"];

/// Tools that keep what they download beside themselves, and cannot do without: a run may write there, and what it wrote
/// goes with it.
pub const SCRATCH_TOOLS: &[&str] = &[".cargo"];
/// The variables that name one of those.
pub const SCRATCH_VARIABLES: &[&str] = &["CARGO_HOME"];

/// Folders of those with nothing but downloads: that something is written there is nothing to tell of.
pub const SCRATCH_DOWNLOADS: &[&str] = &["registry", "git"];

/// Files with secrets directly in a folder of tools, wherever that is.
pub const TOOL_FILES: &[&str] = &["credentials", "credentials.toml"];

/// Anywhere in the work directory: what starts programs later, for somebody else. Read-only inside a run. Repositories of git
/// and environments are found by what is in them (`sight`). A name may have two parts.
pub const ANYWHERE: &[&str] = &[
    ".envrc",
    ".mise.toml",
    "mise.toml",
    // Editors.
    ".vscode",
    ".idea",
    ".zed",
    ".fleet",
    ".devcontainer",
    ".devcontainer.json",
    ".vimrc",
    ".nvimrc",
    ".exrc",
    ".gdbinit",
    ".lldbinit",
    // Agents.
    ".claude",
    ".cursor",
    ".codex",
    ".gemini",
    ".windsurf",
    ".continue",
    ".kiro",
    ".aider.conf.yml",
    ".mcp.json",
    "CLAUDE.md",
    "AGENTS.md",
    "GEMINI.md",
    // Tools whose configuration names programs, or where packages come from.
    ".cargo/config.toml",
    ".cargo/config",
    "rust-toolchain.toml",
    "rust-toolchain",
    ".mvn",
    ".bazelrc",
    ".husky",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    "uv.toml",
    "pip.conf",
    // Python runs these unasked.
    "sitecustomize.py",
    "usercustomize.py",
];

/// The same, where only the one at the root of the work directory counts.
pub const AT_THE_ROOT: &[&str] = &[
    // A new project's repository may lack what makes it one; what is in it counts all the same.
    ".git/hooks",
    ".git/config",
    ".git/info/attributes",
    ".gitmodules",
    ".github",
    ".gitlab-ci.yml",
    ".circleci",
    ".woodpecker.yml",
    ".drone.yml",
    ".travis.yml",
    "Jenkinsfile",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    ".pre-commit-config.yaml",
    // Says where the data of the next run is, and where its hosts stand.
    "bulkhead.toml",
];

/// Whether a file of the work directory is one that holds secrets: `.env` and its variants, but not the ones that are made to
/// be committed.
pub fn is_dotenv(name: &str) -> bool {
    let variant = name.strip_prefix(".env");
    match variant {
        Some("") => true,
        Some(rest) => {
            rest.starts_with('.') && !["example", "sample", "template", "dist"].iter().any(|end| rest.ends_with(end))
        }
        None => false,
    }
}
