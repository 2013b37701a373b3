//! Places on a machine that say what code is after: credentials, browser stores, wallets, agents' configuration, and the
//! files that start something. Shared by every language.

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
const START: Place = Place { read: None, write: Some(Ability::Persist), holds: Sources::NONE };
const AGENT: Place = Place { read: None, write: Some(Ability::AgentConfig), holds: Sources::NONE };

/// Lower case, with `/` as the separator. The first that occurs in the path decides.
const PLACES: &[(&str, Place)] = &[
    (".ssh/authorized_keys", Place { read: None, write: Some(Ability::Persist), holds: Sources::NONE }),
    (".ssh", CREDENTIAL),
    ("id_rsa", CREDENTIAL),
    ("id_ed25519", CREDENTIAL),
    (".aws/credentials", CREDENTIAL),
    (".aws/", CREDENTIAL),
    (".config/gcloud", CREDENTIAL),
    ("application_default_credentials", CREDENTIAL),
    (".azure/", CREDENTIAL),
    (".kube/config", CREDENTIAL),
    (".docker/config.json", CREDENTIAL),
    (".netrc", CREDENTIAL),
    (".pypirc", CREDENTIAL),
    (".npmrc", CREDENTIAL),
    (".git-credentials", CREDENTIAL),
    (".gitconfig", CREDENTIAL),
    (".bash_history", CREDENTIAL),
    (".zsh_history", CREDENTIAL),
    ("/etc/shadow", CREDENTIAL),
    ("/etc/passwd", CREDENTIAL),
    (".pgpass", CREDENTIAL),
    (".vault-token", CREDENTIAL),
    ("filezilla", CREDENTIAL),
    ("var/run/secrets", CREDENTIAL),
    ("169.254.169.254", CREDENTIAL),
    ("/proc/self/environ", CREDENTIAL),
    ("google/chrome/user data", BROWSER),
    ("user data/default", BROWSER),
    ("login data", BROWSER),
    ("local storage/leveldb", BROWSER),
    ("local extension settings", WALLET),
    ("/local state", BROWSER),
    ("network/cookies", BROWSER),
    ("cookies.sqlite", BROWSER),
    ("bravesoftware", BROWSER),
    ("opera software", BROWSER),
    ("opera stable", BROWSER),
    ("yandexbrowser", BROWSER),
    ("mozilla/firefox/profiles", BROWSER),
    ("chromium/user data", BROWSER),
    ("microsoft/edge/user data", BROWSER),
    ("library/application support/google/chrome", BROWSER),
    ("discordcanary", BROWSER),
    ("discordptb", BROWSER),
    ("appdata/roaming/discord", BROWSER),
    ("lightcord", BROWSER),
    ("logins.json", BROWSER),
    ("key4.db", BROWSER),
    ("telegram desktop/tdata", BROWSER),
    ("wallet.dat", WALLET),
    ("exodus", WALLET),
    ("electrum", WALLET),
    ("atomic/local storage", WALLET),
    ("metamask", WALLET),
    ("bitcoin/wallets", WALLET),
    ("ethereum/keystore", WALLET),
    (".config/solana/id.json", WALLET),
    ("nkbihfbeogaeaoehlefnkodbefgpgknn", WALLET),
    (".claude/", AGENT),
    (".claude.json", AGENT),
    (".cursor/", AGENT),
    (".cursorrules", AGENT),
    (".windsurf", AGENT),
    (".codeium", AGENT),
    (".gemini/", AGENT),
    (".codex/", AGENT),
    (".vscode/tasks.json", AGENT),
    (".vscode/settings.json", AGENT),
    (".github/copilot", AGENT),
    ("mcp.json", AGENT),
    ("claude_desktop_config", AGENT),
    ("agents.md", AGENT),
    ("claude.md", AGENT),
    ("start menu/programs/startup", START),
    ("startmenu/programs/startup", START),
    ("currentversion/run", START),
    (".config/autostart", START),
    ("launchagents", START),
    ("launchdaemons", START),
    (".config/systemd", START),
    ("etc/systemd", START),
    (".bashrc", START),
    (".bash_profile", START),
    (".zshrc", START),
    (".profile", START),
    ("etc/cron", START),
    ("var/spool/cron", START),
    ("/etc/rc.local", START),
    ("sitecustomize.py", START),
    ("usercustomize.py", START),
    ("etc/ld.so.preload", START),
];

/// What is known of this path.
pub(crate) fn place(path: &str) -> Option<Place> {
    if path.len() < 4
        || path.len() > 1_000
        || !path.bytes().any(|byte| matches!(byte, b'/' | b'\\' | b'.' | b' ' | b'_'))
    {
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
    let found = PLACES.iter().find(|(part, _)| lower.contains(part)).map(|(_, place)| *place)?;
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

/// Whether the text names a place where credentials lie.
pub(crate) fn credential(path: &str) -> bool {
    const PLACES: &[&str] = &[
        "/.ssh/id_",
        ".ssh/id_rsa",
        ".ssh/id_ed25519",
        ".ssh/id_dsa",
        ".ssh/id_ecdsa",
        ".aws/credentials",
        ".aws/config",
        ".config/gcloud",
        "application_default_credentials",
        ".azure/",
        "accesstokens.json",
        ".kube/config",
        ".netrc",
        ".git-credentials",
        ".docker/config.json",
        ".npmrc",
        ".pypirc",
        ".cargo/credentials",
        ".config/gh/hosts",
        ".vault-token",
        ".bash_history",
        ".zsh_history",
        "/etc/shadow",
        "169.254.169.254",
        "169.254.170.2",
        "metadata.google.internal",
        "/var/run/secrets/kubernetes.io",
        ".terraform.d/credentials",
        ".config/rclone",
        ".gnupg/",
        ".password-store",
        "login.keychain",
        ".mysql_history",
        ".pgpass",
        ".my.cnf",
        ".huggingface/token",
    ];
    let path = normal(path);
    // `.npmrc` beside a package and `/proc/self/environ` are everyday for build tools; only those in a home are secrets.
    PLACES.iter().any(|place| path.contains(place))
        || path.ends_with("/.ssh")
        || path.ends_with("/.ssh/")
        || is_env_file(&path)
}

fn is_env_file(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name == ".env" || name == ".env.local" || name == ".env.production")
}

/// Whether the text names what a browser stores.
pub(crate) fn browser(path: &str) -> bool {
    const PLACES: &[&str] = &[
        "google/chrome/user data",
        "google/chrome/default",
        ".config/google-chrome",
        "bravesoftware/brave",
        "microsoft/edge/user data",
        ".mozilla/firefox",
        "mozilla/firefox/profiles",
        "/login data",
        "cookies.sqlite",
        "logins.json",
        "key4.db",
        "local state",
        "opera software",
        "local extension settings",
    ];
    let path = normal(path);
    PLACES.iter().any(|place| path.contains(place))
}

/// Whether the text names a wallet.
pub(crate) fn wallet(path: &str) -> bool {
    const PLACES: &[&str] = &[
        "wallet.dat",
        ".bitcoin/",
        ".ethereum/keystore",
        "exodus/exodus.wallet",
        ".config/solana/id.json",
        "electrum/wallets",
        "nkbihfbeogaeaoehlefnkodbefgpgknn",
        "atomic/local storage",
        "ledger live",
        "monero/wallets",
        ".bittensor/wallets",
    ];
    let path = normal(path);
    PLACES.iter().any(|place| path.contains(place))
}

/// Whether writing there starts something again later.
pub(crate) fn persistent(path: &str) -> bool {
    const PLACES: &[&str] = &[
        ".bashrc",
        ".bash_profile",
        ".zshrc",
        ".zprofile",
        ".zshenv",
        "/.profile",
        "/etc/profile",
        "/etc/rc.local",
        "/etc/cron",
        "/var/spool/cron",
        ".config/autostart",
        ".config/systemd/user",
        "/etc/systemd/system",
        "library/launchagents",
        "library/launchdaemons",
        "start menu/programs/startup",
        "currentversion/run",
        ".ssh/authorized_keys",
        ".config/fish/config",
        "/etc/ld.so.preload",
        "sitecustomize.py",
        ".git/hooks/",
        "profile.ps1",
    ];
    let path = normal(path);
    PLACES.iter().any(|place| path.contains(place))
}

/// Whether the text names configuration, memory or skills of a coding agent, or tasks that an editor runs.
pub(crate) fn agent_config(path: &str) -> bool {
    const PLACES: &[&str] = &[
        ".claude/",
        ".claude.json",
        ".cursor/",
        ".cursorrules",
        ".vscode/tasks.json",
        ".vscode/settings.json",
        ".vscode/mcp.json",
        ".gemini/",
        ".codex/",
        ".windsurf/",
        ".continue/",
        ".aider.conf",
        "claude_desktop_config.json",
        ".copilot/",
        ".openclaw/",
        "mcp_config.json",
        "/mcp.json",
        ".github/copilot-instructions",
        ".amazonq/",
        ".kiro/",
        ".cline/",
        ".roo/",
    ];
    const FILES: &[&str] = &["claude.md", "agents.md", "gemini.md", "soul.md", "memory.md"];
    let path = normal(path);
    PLACES.iter().any(|place| path.contains(place))
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
mod tests {
    use super::*;

    #[test]
    fn places_are_known_in_either_spelling() {
        let read = |path: &str| place(path).and_then(|place| place.read);
        assert_eq!(read("~/.ssh/id_rsa"), Some(Ability::ReadCredential));
        assert_eq!(read("\u{fffc}\\Google\\Chrome\\User Data\\Default\\Login Data"), Some(Ability::ReadBrowser));
        assert_eq!(read("C:\\\\Users\\\\x\\\\.aws\\\\credentials"), Some(Ability::ReadCredential));
        assert_eq!(read("/usr/lib/python3"), None);
        assert_eq!(place("~/.claude/settings.json").and_then(|place| place.write), Some(Ability::AgentConfig));
        assert_eq!(place("x/site-packages/a.pth").and_then(|place| place.write), Some(Ability::Persist));
    }

    #[test]
    fn hosts_come_out_of_urls() {
        assert_eq!(host("https://User:x@Files.Example:8443/a?b").as_deref(), Some("files.example"));
        assert_eq!(host("curl -k https://c.test/x.pyz").as_deref(), Some("c.test"));
        assert_eq!(host("http://[::1]:80/").as_deref(), Some("::1"));
        assert_eq!(host("file:///etc/passwd"), None);
        assert_eq!(host("no url"), None);
    }

    #[test]
    fn places_are_known_however_they_are_spelled() {
        assert!(
            credential("~/.ssh/id_rsa") && credential("C:\\Users\\x\\.AWS\\credentials") && credential("$HOME/.ssh")
        );
        assert!(credential("../.env") && !credential("src/.environment") && !credential("docs/ssh.md"));
        assert!(persistent("~/.bashrc") && persistent("HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"));
        assert!(
            agent_config("/home/x/.claude/settings.json") && agent_config("SOUL.md") && !agent_config("claude.mdx")
        );
        assert!(home("~/*") && home("/") && home("$HOME/") && !home("/tmp/x") && !home("~/x"));
        assert!(browser("AppData\\Local\\Google\\Chrome\\User Data\\Default\\Login Data"));
        assert!(
            agent_unasked("q", ["chat", "--trust-all-tools"].into_iter()) && !agent_unasked("q", ["chat"].into_iter())
        );
    }
}
