//! Places on a machine that say what code is after: credentials, browser stores, wallets, agents' configuration, and the
//! files that start something. Shared by every language.

use std::sync::LazyLock;

use crate::behaviour::{Ability, Sources};

/// What a path (or a part of one) is known for: the ability of reading it, and of writing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// What reading it is.
    pub(crate) read: Option<Ability>,
    /// What writing it is.
    pub(crate) write: Option<Ability>,
    /// What its content is.
    pub(crate) holds: Sources,
}

const CREDENTIAL: Place = Place { read: Some(Ability::ReadCredential), write: None, holds: Sources::CREDENTIAL };
const BROWSER: Place = Place { read: Some(Ability::ReadBrowser), write: None, holds: Sources::PRIVATE };
const WALLET: Place = Place { read: Some(Ability::Wallet), write: Some(Ability::Wallet), holds: Sources::PRIVATE };
const MEMORY: Place = Place { read: Some(Ability::ReadMemory), write: None, holds: Sources::CREDENTIAL };
const START: Place = Place { read: None, write: Some(Ability::Persist), holds: Sources::NONE };
const AGENT: Place = Place { read: None, write: Some(Ability::AgentConfig), holds: Sources::NONE };

/// Where a place is known: when such a path is opened, when a text names it, or both. Texts name more than is meant: `.npmrc`
/// beside a package is everyday for build tools, so a name has to say more than a path that is read.
type Where = u8;
const OPENED: Where = 1;
const NAMED: Where = 2;
const BOTH: Where = OPENED | NAMED;

/// What the machines of a repository start at the next push, with the repository's secrets.
const WORKFLOWS: &str = ".github/workflows/";

/// Lower case, with `/` as the separator. The first that occurs in an opened path decides.
const PLACES: &[(&str, Place, Where)] = &[
    (".ssh/authorized_keys", START, BOTH),
    (".ssh", CREDENTIAL, OPENED),
    ("id_rsa", CREDENTIAL, OPENED),
    ("id_ed25519", CREDENTIAL, OPENED),
    (".aws/credentials", CREDENTIAL, BOTH),
    (".aws/", CREDENTIAL, OPENED),
    (".config/gcloud", CREDENTIAL, BOTH),
    ("application_default_credentials", CREDENTIAL, BOTH),
    (".azure/", CREDENTIAL, BOTH),
    (".kube/config", CREDENTIAL, BOTH),
    (".docker/config.json", CREDENTIAL, BOTH),
    (".netrc", CREDENTIAL, BOTH),
    (".pypirc", CREDENTIAL, BOTH),
    (".npmrc", CREDENTIAL, BOTH),
    (".git-credentials", CREDENTIAL, BOTH),
    (".gitconfig", CREDENTIAL, OPENED),
    (".bash_history", CREDENTIAL, BOTH),
    (".zsh_history", CREDENTIAL, BOTH),
    ("/etc/shadow", CREDENTIAL, BOTH),
    ("/etc/passwd", CREDENTIAL, OPENED),
    (".pgpass", CREDENTIAL, BOTH),
    (".vault-token", CREDENTIAL, BOTH),
    ("filezilla", CREDENTIAL, OPENED),
    ("var/run/secrets", CREDENTIAL, OPENED),
    ("169.254.169.254", CREDENTIAL, BOTH),
    ("/proc/self/environ", CREDENTIAL, OPENED),
    ("google/chrome/user data", BROWSER, BOTH),
    ("user data/default", BROWSER, OPENED),
    ("login data", BROWSER, OPENED),
    ("local storage/leveldb", BROWSER, OPENED),
    ("local extension settings", WALLET, OPENED),
    ("/local state", BROWSER, OPENED),
    ("network/cookies", BROWSER, OPENED),
    ("cookies.sqlite", BROWSER, BOTH),
    ("bravesoftware", BROWSER, OPENED),
    ("opera software", BROWSER, BOTH),
    ("opera stable", BROWSER, OPENED),
    ("yandexbrowser", BROWSER, OPENED),
    ("mozilla/firefox/profiles", BROWSER, BOTH),
    ("chromium/user data", BROWSER, OPENED),
    ("microsoft/edge/user data", BROWSER, BOTH),
    ("library/application support/google/chrome", BROWSER, OPENED),
    ("discordcanary", BROWSER, OPENED),
    ("discordptb", BROWSER, OPENED),
    ("appdata/roaming/discord", BROWSER, OPENED),
    ("lightcord", BROWSER, OPENED),
    ("logins.json", BROWSER, BOTH),
    ("key4.db", BROWSER, BOTH),
    ("telegram desktop/tdata", BROWSER, OPENED),
    ("wallet.dat", WALLET, BOTH),
    ("exodus", WALLET, OPENED),
    ("electrum", WALLET, OPENED),
    ("atomic/local storage", WALLET, BOTH),
    ("metamask", WALLET, OPENED),
    ("bitcoin/wallets", WALLET, OPENED),
    ("ethereum/keystore", WALLET, OPENED),
    (".config/solana/id.json", WALLET, BOTH),
    ("nkbihfbeogaeaoehlefnkodbefgpgknn", WALLET, BOTH),
    (".claude/", AGENT, BOTH),
    (".claude.json", AGENT, BOTH),
    (".cursor/", AGENT, BOTH),
    (".cursorrules", AGENT, BOTH),
    (".windsurf", AGENT, OPENED),
    (".codeium", AGENT, OPENED),
    (".gemini/", AGENT, BOTH),
    (".codex/", AGENT, BOTH),
    (".vscode/tasks.json", AGENT, BOTH),
    (".vscode/settings.json", AGENT, BOTH),
    (".github/copilot", AGENT, OPENED),
    ("mcp.json", AGENT, OPENED),
    ("claude_desktop_config", AGENT, OPENED),
    ("agents.md", AGENT, OPENED),
    ("claude.md", AGENT, OPENED),
    ("start menu/programs/startup", START, BOTH),
    ("startmenu/programs/startup", START, OPENED),
    ("currentversion/run", START, BOTH),
    (".config/autostart", START, BOTH),
    ("launchagents", START, OPENED),
    ("launchdaemons", START, OPENED),
    (".config/systemd", START, OPENED),
    ("etc/systemd", START, OPENED),
    (".bashrc", START, BOTH),
    (".bash_profile", START, BOTH),
    (".zshrc", START, BOTH),
    (".profile", START, OPENED),
    ("etc/cron", START, OPENED),
    ("var/spool/cron", START, OPENED),
    ("/etc/rc.local", START, BOTH),
    ("sitecustomize.py", START, BOTH),
    ("usercustomize.py", START, OPENED),
    ("etc/ld.so.preload", START, OPENED),
    (WORKFLOWS, START, BOTH),
    ("/.ssh/id_", CREDENTIAL, NAMED),
    (".ssh/id_rsa", CREDENTIAL, NAMED),
    (".ssh/id_ed25519", CREDENTIAL, NAMED),
    (".ssh/id_dsa", CREDENTIAL, NAMED),
    (".ssh/id_ecdsa", CREDENTIAL, NAMED),
    (".aws/config", CREDENTIAL, NAMED),
    ("accesstokens.json", CREDENTIAL, NAMED),
    (".cargo/credentials", CREDENTIAL, NAMED),
    (".config/gh/hosts", CREDENTIAL, NAMED),
    ("169.254.170.2", CREDENTIAL, NAMED),
    ("metadata.google.internal", CREDENTIAL, NAMED),
    ("/var/run/secrets/kubernetes.io", CREDENTIAL, NAMED),
    (".terraform.d/credentials", CREDENTIAL, NAMED),
    (".config/rclone", CREDENTIAL, NAMED),
    (".gnupg/", CREDENTIAL, NAMED),
    (".password-store", CREDENTIAL, NAMED),
    ("login.keychain", CREDENTIAL, NAMED),
    (".mysql_history", CREDENTIAL, NAMED),
    (".my.cnf", CREDENTIAL, NAMED),
    (".huggingface/token", CREDENTIAL, NAMED),
    ("google/chrome/default", BROWSER, NAMED),
    (".config/google-chrome", BROWSER, NAMED),
    ("bravesoftware/brave", BROWSER, NAMED),
    (".mozilla/firefox", BROWSER, NAMED),
    ("/login data", BROWSER, NAMED),
    ("local state", BROWSER, NAMED),
    ("local extension settings", BROWSER, NAMED),
    (".bitcoin/", WALLET, NAMED),
    (".ethereum/keystore", WALLET, NAMED),
    ("exodus/exodus.wallet", WALLET, NAMED),
    ("electrum/wallets", WALLET, NAMED),
    ("ledger live", WALLET, NAMED),
    ("monero/wallets", WALLET, NAMED),
    (".bittensor/wallets", WALLET, NAMED),
    (".zprofile", START, NAMED),
    (".zshenv", START, NAMED),
    ("/.profile", START, NAMED),
    ("/etc/profile", START, NAMED),
    ("/etc/cron", START, NAMED),
    ("/var/spool/cron", START, NAMED),
    (".config/systemd/user", START, NAMED),
    ("/etc/systemd/system", START, NAMED),
    ("library/launchagents", START, NAMED),
    ("library/launchdaemons", START, NAMED),
    (".config/fish/config", START, NAMED),
    ("/etc/ld.so.preload", START, NAMED),
    (".git/hooks/", START, NAMED),
    ("profile.ps1", START, NAMED),
    (".vscode/mcp.json", AGENT, NAMED),
    (".windsurf/", AGENT, NAMED),
    (".continue/", AGENT, NAMED),
    (".aider.conf", AGENT, NAMED),
    ("claude_desktop_config.json", AGENT, NAMED),
    (".copilot/", AGENT, NAMED),
    (".openclaw/", AGENT, NAMED),
    ("mcp_config.json", AGENT, NAMED),
    ("/mcp.json", AGENT, NAMED),
    (".github/copilot-instructions", AGENT, NAMED),
    (".amazonq/", AGENT, NAMED),
    (".kiro/", AGENT, NAMED),
    (".cline/", AGENT, NAMED),
    (".roo/", AGENT, NAMED),
];

/// The four bytes that each place begins with. Nearly every text of a program is asked about and is none of these, so one
/// pass that needs no copy has to say so.
struct Beginnings {
    /// A bit for each, by [`Beginnings::bit`]: most texts need no more than this.
    bits: [u64; 1 << (BITS - 6)],
    /// All, ascending.
    all: Vec<u32>,
}

/// Bits of the first look, as a power of two: eight kilobytes.
const BITS: u32 = 16;

static BEGINNINGS: LazyLock<Beginnings> = LazyLock::new(|| {
    let first = |part: &str| part.bytes().take(4).fold(0, |word, byte| word << 8 | u32::from(byte));
    let mut all: Vec<u32> = PLACES.iter().map(|(part, ..)| first(part)).collect();
    all.sort_unstable();
    all.dedup();
    let mut bits = [0; 1 << (BITS - 6)];
    for &word in &all {
        let (at, bit) = Beginnings::bit(word);
        bits[at] |= bit;
    }
    Beginnings { bits, all }
});

impl Beginnings {
    fn bit(word: u32) -> (usize, u64) {
        let hash = word.wrapping_mul(0x9e37_79b1) >> (32 - BITS);
        ((hash >> 6) as usize, 1 << (hash & 63))
    }

    /// Whether a place may be in this text, whatever its case and separators.
    fn may_be_in(&self, text: &str) -> bool {
        let mut word = 0_u32;
        for byte in text.bytes() {
            let byte = if byte == b'\\' { b'/' } else { byte.to_ascii_lowercase() };
            if byte == b'/' && word & 0xff == u32::from(b'/') {
                continue;
            }
            word = word << 8 | u32::from(byte);
            let (at, bit) = Self::bit(word);
            if self.bits[at] & bit != 0 && self.all.binary_search(&word).is_ok() {
                return true;
            }
        }
        false
    }
}

/// What is known of this path.
pub(crate) fn place(path: &str) -> Option<Place> {
    let spoken = || path.bytes().any(|byte| matches!(byte, b'/' | b'\\' | b'.' | b' ' | b'_'));
    let weights = || path.len() > 4 && path.as_bytes()[path.len() - 4..].eq_ignore_ascii_case(b".pth");
    if path.len() < 4 || path.len() > 1_000 || !(BEGINNINGS.may_be_in(path) && spoken() || weights()) {
        return None;
    }
    let mut lower = String::with_capacity(path.len());
    for c in path.chars() {
        let c = if c == '\\' { '/' } else { c.to_ascii_lowercase() };
        if !(c == '/' && lower.ends_with('/')) {
            lower.push(c);
        }
    }
    if lower.ends_with(".pth") && lower.len() > 4 {
        return Some(START);
    }
    if memory(&lower) {
        return Some(MEMORY);
    }
    let found =
        PLACES.iter().find(|(part, _, at)| at & OPENED != 0 && lower.contains(part)).map(|(_, place, _)| *place)?;
    // Python looks for these in its own folders, not in those that a program makes for itself.
    let folder = lower.strip_suffix("sitecustomize.py").or_else(|| lower.strip_suffix("usercustomize.py"));
    if folder.is_some_and(|folder| {
        folder.contains('/')
            && !folder.contains("-packages")
            && !folder.contains("python")
            && !folder.starts_with(['/', '~', '\u{fffc}'])
    }) {
        return None;
    }
    Some(found)
}

/// Whether the path is the memory of a program or the environment of another one. One's own environment is read in easier ways, and
/// is known as what it is.
pub(crate) fn memory(path: &str) -> bool {
    path.strip_prefix("/proc/")
        .is_some_and(|rest| rest.ends_with("/mem") || rest.ends_with("/environ") && rest != "self/environ")
}

/// What an environment variable holds, by its name.
pub(crate) fn variable(name: &str) -> Sources {
    let upper = name.to_ascii_uppercase();
    let secret =
        ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL"];
    if secret.iter().any(|word| upper.contains(word)) {
        return Sources::CREDENTIAL;
    }
    match upper.as_str() {
        "USER" | "USERNAME" | "LOGNAME" | "HOSTNAME" | "COMPUTERNAME" | "USERDOMAIN" => Sources::SYSTEM,
        _ => Sources::NONE,
    }
}

/// Whether the text is the address of somebody's letter box at a chat service, with the secret that opens it.
pub(crate) fn letter_box(text: &str) -> bool {
    let digits = |after: &str| {
        text.split_once(after).is_some_and(|(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count() >= 6)
    };
    text.len() < 1_000
        && !text.contains(char::is_whitespace)
        && (bot_token(text)
            || digits("discord.com/api/webhooks/")
            || digits("discordapp.com/api/webhooks/")
            || digits("api.telegram.org/bot"))
}

/// `123456789:AA...`: what a chat service calls the secret of a bot.
pub(crate) fn bot_token(text: &str) -> bool {
    text.split_once(':').is_some_and(|(number, secret)| {
        (8..=12).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && secret.len() >= 30
            && secret.starts_with('A')
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    })
}

/// Whether a parameter of this name is a key that opens a wallet.
pub(crate) fn secret_name(name: &str) -> bool {
    matches!(
        name.trim_matches('_').to_ascii_lowercase().as_str(),
        "private_key"
            | "privatekey"
            | "priv_key"
            | "secret_key"
            | "mnemonic"
            | "mnemonics"
            | "seed_phrase"
            | "seedphrase"
            | "keypair"
    )
}

/// The host of a URL, lower case, without user, port and path; `None` for what is no absolute URL with a host.
pub(crate) fn host(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '+').next().unwrap_or_default();
    if !matches!(
        scheme.to_ascii_lowercase().as_str(),
        "http" | "https" | "ftp" | "ws" | "wss" | "tcp" | "udp" | "git+https" | "ssh"
    ) {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\', '"', '\'', ' ', '\n', ')', '>', '<', ',', ';']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(six) => six.split(']').next()?,
        None => host.split(':').next()?,
    };
    let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    (plain && host.len() > 2 && host.contains(['.', ':']) || host == "localhost").then(|| host.to_ascii_lowercase())
}

/// Whether a text names a place of that kind.
fn named(path: &str, kind: Place) -> bool {
    PLACES.iter().any(|(part, place, at)| at & NAMED != 0 && *place == kind && path.contains(part))
}

/// Whether the text names a place where credentials lie.
pub(crate) fn credential(path: &str) -> bool {
    let path = normal(path);
    // `.npmrc` beside a package and `/proc/self/environ` are everyday for build tools; only those in a home are secrets.
    named(&path, CREDENTIAL) || path.ends_with("/.ssh") || path.ends_with("/.ssh/") || is_env_file(&path)
}

fn is_env_file(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name == ".env" || name == ".env.local" || name == ".env.production")
}

/// Whether the text names what a browser stores.
pub(crate) fn browser(path: &str) -> bool {
    let path = normal(path);
    named(&path, BROWSER)
}

/// Whether the text names a wallet.
pub(crate) fn wallet(path: &str) -> bool {
    let path = normal(path);
    named(&path, WALLET)
}

/// Whether writing there starts something again later.
pub(crate) fn persistent(path: &str) -> bool {
    let path = normal(path);
    named(&path, START)
}

/// Whether the path is one of a workflow. Tools that set up a repository write them when they are asked.
pub(crate) fn workflow(path: &str) -> bool {
    normal(path).contains(WORKFLOWS)
}

/// Whether the text names configuration, memory or skills of a coding agent, or tasks that an editor runs.
pub(crate) fn agent_config(path: &str) -> bool {
    const FILES: &[&str] = &["claude.md", "agents.md", "gemini.md", "soul.md", "memory.md"];
    let path = normal(path);
    named(&path, AGENT)
        || path.ends_with("/.claude")
        || path.ends_with("/.cursor")
        || path.rsplit('/').next().is_some_and(|name| FILES.contains(&name))
}

/// Whether it is a home directory, or all of the machine.
pub(crate) fn home(path: &str) -> bool {
    let path = normal(path);
    let path = path.trim_end_matches('*').trim_end_matches('/');
    matches!(
        path,
        "" | "~"
            | "$home"
            | "${home}"
            | "%userprofile%"
            | "$env:userprofile"
            | "$env:home"
            | "/home"
            | "/root"
            | "c:"
            | "%homepath%"
    )
}

/// The programs that are coding agents, and whether these words switch their questions off.
pub(crate) fn agent_unasked<'a>(program: &str, mut words: impl Iterator<Item = &'a str>) -> bool {
    const AGENTS: &[&str] = &[
        "claude",
        "gemini",
        "q",
        "codex",
        "cursor-agent",
        "amp",
        "opencode",
        "copilot",
        "qwen",
        "aider",
        "openclaw",
        "goose",
        "droid",
    ];
    AGENTS.contains(&program) && words.any(questions_off)
}

/// A flag that switches the questions of some agent off.
pub(crate) fn questions_off(word: &str) -> bool {
    matches!(
        word,
        "--dangerously-skip-permissions"
            | "--yolo"
            | "--trust-all-tools"
            | "--dangerously-bypass-approvals-and-sandbox"
            | "--full-auto"
            | "--approval-mode=yolo"
            | "--approval-mode=full-auto"
            | "--allow-all-tools"
            | "--dangerously-allow-all"
            | "--permission-mode=bypassPermissions"
            | "bypassPermissions"
            | "--yes-always"
            | "--skip-permissions-unsafe"
    )
}

fn normal(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for character in path.chars() {
        let character = if character == '\\' { '/' } else { character.to_ascii_lowercase() };
        if character != '/' || !out.ends_with('/') {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests;
