//! Where everything is in the data directory.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bulkhead_ledger::Origin;

/// The files and folders of one data directory.
#[derive(Debug, Clone)]
pub struct Paths {
    /// The directory itself.
    pub data: PathBuf,
    /// Locked by the process that owns it.
    pub lock: PathBuf,
    /// Where the server answers, or answered last.
    pub address: PathBuf,
    /// The operator's policy.
    pub policy: PathBuf,
    /// SQLite.
    pub database: PathBuf,
    /// Files by digest.
    pub blobs: PathBuf,
    /// The ledger.
    pub ledger: PathBuf,
    /// The ledger's newest signed checkpoint: the small trusted place, apart from the ledger's folder.
    pub head: PathBuf,
    /// Which witnesses cosign the ledger (C2SP tlog-policy), unless the configuration names another file.
    pub witnesses: PathBuf,
    /// Time stamps over daily checkpoints.
    pub timestamps: PathBuf,
    /// The salts of the people whom entries name by pseudonyms. Never in a backup that outlives an erasure.
    pub subjects: PathBuf,
    /// The ledger's signing key.
    pub key: PathBuf,
    /// The ledger's name.
    pub origin: PathBuf,
    /// The sealed secrets.
    pub secrets: PathBuf,
    /// The key that seals them, unless the environment or the keyring has it.
    pub secrets_key: PathBuf,
    /// Locked by whoever changes the sealed secrets or their key.
    pub secrets_lock: PathBuf,
}

impl Paths {
    /// The paths in that directory.
    pub fn new(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            lock: data.join("lock"),
            address: data.join("address"),
            policy: data.join("policy.toml"),
            database: data.join("state.sqlite"),
            blobs: data.join("blobs"),
            ledger: data.join("ledger"),
            head: data.join("ledger.head"),
            witnesses: data.join("witness.policy"),
            subjects: data.join("subjects"),
            timestamps: data.join("timestamps"),
            key: data.join("ledger.key"),
            origin: data.join("ledger.origin"),
            secrets: data.join("secrets.sealed"),
            secrets_key: data.join("secrets.key"),
            secrets_lock: data.join("secrets.lock"),
        }
    }

    /// The ledger's name, as it was made on first start.
    ///
    /// # Errors
    /// When the file is not there or holds no name.
    pub fn origin(&self) -> anyhow::Result<Origin> {
        let text = crate::files::read_text(&self.origin)?;
        text.trim().parse().with_context(|| format!("{} holds no log origin", self.origin.display()))
    }
}
