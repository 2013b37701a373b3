//! Places on a machine that matter: where credentials lie, what starts programs again, what steers agents and editors.
//!
//! A path is matched by what it contains, lower case and with `/`, because code names it in pieces: `~/.ssh`, `$HOME/.ssh`,
//! `os.homedir() + "/.ssh"`.

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
