//! Places on a machine that say what code is after: credentials, browser stores, wallets, agents' configuration, and the
//! files that start something; as values, so that what is read can be followed.

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
    PLACES.iter().find(|(part, _)| lower.contains(part)).map(|(_, place)| *place)
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
    (plain && host.len() > 3 && host.contains(['.', ':']) || host == "localhost").then(|| host.to_ascii_lowercase())
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
}
