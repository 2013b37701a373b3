//! A run's environment: what the caller has, without the secrets and without the ways to services outside.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

/// Parts of a name that make it one of a secret. Compared with whole words between underscores, or in one piece.
const SECRET_WORDS: &[&str] = &[
    "TOKEN",
    "TOKENS",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWD",
    "PASS",
    "PASSPHRASE",
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "PAT",
    "PRIVATE",
    "COOKIE",
    "SESSION",
    "AUTH",
    "DSN",
    "MNEMONIC",
    "SEED",
    "SAS",
    "JWT",
    "BEARER",
    "NETRC",
];
/// A name that ends so is a secret's: `OPENAI_API_KEY`, `STRIPE_KEY`.
const SECRET_ENDS: &[&str] =
    &["_KEY", "_KEYS", "_KEY_ID", "APIKEY", "_CONNECTION_STRING", "_CONN_STR", "PASSWORD", "TOKEN"];
/// Services outside, and what belongs to the caller's session.
const DOORS: &[&str] = &[
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "GPG_AGENT_INFO",
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "DOCKER_HOST",
    "CONTAINER_HOST",
    "XDG_RUNTIME_DIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "PULSE_SERVER",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "VSCODE_IPC_HOOK",
    "VSCODE_IPC_HOOK_CLI",
    "VSCODE_GIT_IPC_HANDLE",
    "KUBECONFIG",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "AWS_PROFILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
];
/// Names that look like one and are none.
const HARMLESS: &[&str] = &[
    "TOKENIZERS_PARALLELISM",
    "SSH_TTY",
    "XDG_SESSION_TYPE",
    "XDG_SESSION_CLASS",
    "XDG_SESSION_DESKTOP",
    "DESKTOP_SESSION",
    "XDG_SESSION_ID",
    "PWD",
    "OLDPWD",
    "PYTHONHASHSEED",
    "PL_GLOBAL_SEED",
    "PYTHON_KEYRING_BACKEND",
    "LS_COLORS",
];
/// Beginnings of values that only secrets have.
const SECRET_BEGINS: &[&str] = &[
    "sk-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "hf_",
    "npm_",
    "pypi-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "eyJ",
    "dop_v1_",
    "SG.",
    "key-",
    "-----BEGIN",
    "vault:",
    "hvs.",
    "lin_api_",
    "figd_",
    "dapi",
    "gsk_",
    "r8_",
    "AGE-SECRET-KEY-",
];
/// Whole families: everything that begins so is about one account or one cluster.
const FAMILIES: &[&str] = &["KUBERNETES_", "VAULT_", "ACTIONS_ID_TOKEN_", "ACTIONS_RUNTIME_", "CI_JOB_", "CI_DEPLOY_"];

/// What a run gets, and the names of what was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stripped {
    /// The run's environment.
    pub kept: Vec<(OsString, OsString)>,
    /// Names that were left out, sorted.
    pub names: Vec<String>,
}

/// Leaves out what is, or leads to, a secret. `keep` names what the profile lets through in spite of that.
pub fn strip(environment: Vec<(OsString, OsString)>, keep: &BTreeSet<String>) -> Stripped {
    let (mut kept, mut names) = (Vec::new(), Vec::new());
    for (name, value) in environment {
        let plain = name.to_string_lossy();
        if !keep.contains(plain.as_ref()) && (is_secret_name(&plain) || is_secret_value(&value)) {
            names.push(plain.into_owned());
        } else {
            kept.push((name, value));
        }
    }
    names.sort_unstable();
    Stripped { kept, names }
}

/// Whether a variable of that name holds a secret, or the way to one.
pub fn is_secret_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    if HARMLESS.contains(&upper.as_str()) {
        return false;
    }
    DOORS.contains(&upper.as_str())
        || FAMILIES.iter().any(|family| upper.starts_with(family))
        || SECRET_ENDS.iter().any(|end| upper.ends_with(end))
        || upper.split(['_', '-', '.']).any(|word| SECRET_WORDS.contains(&word))
        || (upper.ends_with("_URL") || upper.ends_with("_URI"))
            && ["DATABASE", "DB", "REDIS", "MONGO", "MONGODB", "POSTGRES", "AMQP", "CELERY", "SENTRY"]
                .iter()
                .any(|of| upper.split('_').any(|word| word == *of))
}

/// Whether a value has the shape of one: the beginning of a known kind, or an address with a password in it.
pub fn is_secret_value(value: &OsStr) -> bool {
    let value = value.to_string_lossy();
    let long_enough = value.len() >= 16;
    (long_enough && SECRET_BEGINS.iter().any(|begin| value.starts_with(begin))) || holds_password(&value)
}

/// `scheme://user:password@host`.
fn holds_password(value: &str) -> bool {
    value.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        authority
            .rsplit_once('@')
            .is_some_and(|(user, _)| user.split_once(':').is_some_and(|(_, word)| !word.is_empty()))
    })
}
