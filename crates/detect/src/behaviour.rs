//! What code can do, and when: the vocabulary that every language adapter speaks and every code detector reads.
//!
//! An adapter (see [`crate::lang`]) turns a file into *units* (its top level, and each function), each with *effects*. The
//! reach pass ([`crate::reach`]) says when each unit runs, which makes a [`Behaviour`] of each effect. Nothing here knows a
//! language.

use std::fmt;

use bulkhead_core::FindingContext;
use serde::{Deserialize, Serialize};

macro_rules! abilities {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal;)*) => {
        /// One thing that code can do. The words are append-only: profiles are stored with them and policies name them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Ability {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Ability {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word used in profiles, policy and output.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

abilities! {
    /// Runs text or bytes as code of its own language: `exec`, `eval`, `new Function`, `vm.runInContext`, `marshal.loads` + `exec`.
    Execute = "execute";
    /// Turns opaque text into bytes or code: base64, hex, zlib, XOR loops, `chr` joins, decryption.
    Decode = "decode";
    /// Decrypts: Fernet, AES, RSA.
    Decrypt = "decrypt";
    /// Starts another program.
    Spawn = "spawn";
    /// Starts a shell, or gives a shell a command line.
    Shell = "shell";
    /// Sends to or fetches from the network.
    Network = "network";
    /// Fetches from the network: what it returns came from outside.
    Download = "download";
    /// Opens a socket that others connect to.
    Listen = "listen";
    /// Looks up a name that is computed.
    Dns = "dns";
    /// Reads a file of which nothing more is known.
    ReadFile = "read-file";
    /// Writes a file of which nothing more is known.
    WriteFile = "write-file";
    /// Deletes files.
    DeleteFile = "delete-file";
    /// Makes a file executable.
    MakeExecutable = "make-executable";
    /// Reads one named environment variable.
    ReadVariable = "read-variable";
    /// Reads the whole environment.
    ReadEnvironment = "read-environment";
    /// Reads a place where credentials lie: `~/.ssh`, `~/.aws`, `.netrc`, token files, cloud metadata.
    ReadCredential = "read-credential";
    /// Reads what browsers store: cookies, passwords, history.
    ReadBrowser = "read-browser";
    /// Reads or replaces wallets and their addresses.
    Wallet = "wallet";
    /// Reads or writes the clipboard.
    Clipboard = "clipboard";
    /// Watches keys or takes pictures of the screen or camera.
    Watch = "watch";
    /// Asks who and where it is: host name, user, addresses, platform.
    SystemInfo = "system-info";
    /// Arranges to be started again: shell start-up files, systemd units, launch agents, registry run keys, cron, `.pth`.
    Persist = "persist";
    /// Writes configuration, memory or skills of coding agents or editors.
    AgentConfig = "agent-config";
    /// Starts a coding agent with its questions switched off.
    AgentPrompt = "agent-prompt";
    /// Loads native code: ctypes, dlopen, `process.dlopen`.
    LoadNative = "load-native";
    /// Calls something whose name is computed and does not fold.
    ComputedCall = "computed-call";
    /// Reads the memory of other processes.
    ReadMemory = "read-memory";
    /// Publishes packages or writes to repositories with found tokens.
    Publish = "publish";
    /// Mines.
    Mine = "mine";
    /// Raises its rights: sudo, UAC bypass, setuid.
    Escalate = "escalate";
    /// Switches protections off: antivirus exclusions, certificate checks, audit hooks.
    Disarm = "disarm";
    /// Installs further packages or runtimes.
    InstallPackage = "install-package";
    /// Talks to an address that stands in the code only as encoded text.
    HideAddress = "hide-address";
}

impl Ability {
    /// Whether a package that does this unasked is looked at twice. The others nearly every package does.
    pub fn is_grave(self) -> bool {
        !matches!(self, Self::ReadFile | Self::ReadVariable | Self::SystemInfo | Self::LoadNative)
    }
}

impl Ability {
    /// What a package does at few places, so that one place more is news: running text as code, hiding what is called, and what
    /// only thieves do.
    pub(crate) fn is_rare(self) -> bool {
        matches!(
            self,
            Self::Execute
                | Self::Decrypt
                | Self::ComputedCall
                | Self::ReadCredential
                | Self::ReadBrowser
                | Self::Wallet
                | Self::Watch
                | Self::Persist
                | Self::AgentConfig
                | Self::AgentPrompt
                | Self::ReadMemory
                | Self::Publish
                | Self::Mine
                | Self::Escalate
                | Self::Disarm
                | Self::HideAddress
        )
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a value came from, as a set: the sources of a chain from source to sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sources(u16);

impl Sources {
    /// From nowhere in particular.
    pub const NONE: Self = Self(0);
    /// It was decoded or decrypted.
    pub const DECODED: Self = Self(1);
    /// It came over the network.
    pub const NETWORK: Self = Self(1 << 1);
    /// It holds the whole environment, or much of it.
    pub const ENVIRONMENT: Self = Self(1 << 2);
    /// It holds a credential, or the content of a place where they lie.
    pub const CREDENTIAL: Self = Self(1 << 3);
    /// It says who or where this machine is.
    pub const SYSTEM: Self = Self(1 << 4);
    /// It is the content or the path of a file.
    pub const FILE: Self = Self(1 << 5);
    /// It is the content of a file in this package.
    pub const OWN_FILE: Self = Self(1 << 6);
    /// It is the path of a file that this code wrote before.
    pub const WRITTEN: Self = Self(1 << 7);
    /// It is text that was put together from pieces to hide what it says.
    pub const BUILT: Self = Self(1 << 8);
    /// It was read from browser stores, wallets, the clipboard or the screen.
    pub const PRIVATE: Self = Self(1 << 9);
    /// It came in as a parameter or from somewhere the adapter could not follow.
    pub const UNKNOWN: Self = Self(1 << 10);
    /// It is a constant of this file.
    pub const LITERAL: Self = Self(1 << 11);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether any of the others is in it.
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all of the others are in it.
    pub const fn all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is known.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One effect of one unit of code, before it is known when the unit runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What it does.
    pub ability: Ability,
    /// What flows into it: `exec(b64decode(x))` is [`Ability::Execute`] from [`Sources::DECODED`].
    pub from: Sources,
    /// Line, from 1.
    pub line: u32,
    /// The noun where there is one, folded: the host or URL, the command line, the path, the variable.
    pub detail: Option<String>,
    /// The statement, cut and escaped, at most 200 characters.
    pub excerpt: String,
}

/// An effect, and when it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// The member of the archive.
    pub path: String,
    /// The unit: empty for the top level, else the function's dotted name.
    pub unit: String,
    /// When it would run, at the earliest.
    pub context: FindingContext,
    /// What.
    pub effect: Effect,
}

/// How early a context comes, so that the earliest counts: install before startup before import before load before call.
pub(crate) fn rank(context: FindingContext) -> u8 {
    match context {
        FindingContext::Install => 0,
        FindingContext::Startup => 1,
        FindingContext::Import => 2,
        FindingContext::Load => 3,
        FindingContext::Call => 4,
        FindingContext::Archive => 5,
    }
}

/// Whether code in this context runs without anybody calling it.
pub(crate) fn unasked(context: FindingContext) -> bool {
    matches!(context, FindingContext::Install | FindingContext::Startup | FindingContext::Import)
}
