//! Every attribute that a source may set and a rule may name, with its type and a sample.
//!
//! One table: the policy checker evaluates each rule against the samples at load (an unknown field would otherwise
//! err only when the rule runs), the documentation is generated from it, and sources are tested against it.

use crate::Gate;

/// The type of an attribute. Every attribute may also be null: not known, or not applicable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number; spans of time are in seconds.
    Int,
    /// A text.
    Text,
    /// A list of texts.
    List,
}

/// One attribute of [`crate::Facts`], named `group.name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// `group.name`, as a rule writes it.
    pub name: &'static str,
    /// Its type when it is not null.
    pub kind: Kind,
    /// One line for the manual.
    pub doc: &'static str,
}

const fn attribute(name: &'static str, kind: Kind, doc: &'static str) -> Attribute {
    Attribute { name, kind, doc }
}

/// What a rule can name at any gate: made from the ask itself.
pub const ASK: &[Attribute] = &[
    attribute("ask.gate", Kind::Text, "the gate that judges: intake, runtime, egress, vault"),
    attribute("ask.principal", Kind::Text, "who asks"),
    attribute("ask.action", Kind::Text, "what is asked for: list, fetch, metadata"),
    attribute("ask.run", Kind::Text, "the contained run that asks"),
    attribute("ask.purpose", Kind::Text, "the stated purpose"),
    attribute("ask.client", Kind::Text, "the client's user agent"),
    attribute("ask.address", Kind::Text, "the client's address"),
    attribute("package.purl", Kind::Text, "the release as a package URL"),
    attribute("package.ecosystem", Kind::Text, "pypi, npm, cargo, huggingface"),
    attribute("package.name", Kind::Text, "the normalised project name"),
    attribute("package.version", Kind::Text, "the version, as the registry spells it"),
    attribute("file.name", Kind::Text, "the file's name"),
    attribute("file.sha256", Kind::Text, "the file's SHA-256"),
];

/// What the sources and detectors of the intake gate set.
pub const INTAKE: &[Attribute] = &[
    attribute("file.kind", Kind::Text, "wheel, sdist, other"),
    attribute("file.size", Kind::Int, "bytes, as the index says"),
    attribute("file.has_hash", Kind::Bool, "whether the index promises a SHA-256"),
    attribute("file.yanked", Kind::Bool, "whether the file is yanked (PEP 592)"),
    attribute(
        "file.age",
        Kind::Int,
        "seconds since the upload, or since Bulkhead first saw the file when the registry gives no time",
    ),
    attribute("file.time", Kind::Text, "where the age comes from: upload, first-seen, malformed, future"),
    attribute("file.uploaded", Kind::Text, "the upload time (RFC 3339)"),
    attribute(
        "project.status",
        Kind::Text,
        "the registry's status: active, archived, deprecated, quarantined (PEP 792)",
    ),
    attribute("project.status_reason", Kind::Text, "the registry's reason for the status"),
    attribute("project.reserved", Kind::Bool, "whether the name is reserved for internal packages (settings.reserved)"),
    attribute("project.lookalike", Kind::Text, "the popular name that this project's looks like"),
    attribute("advisory.malicious", Kind::List, "ids of advisories that call this release or file malicious"),
    attribute("advisory.vulnerable", Kind::List, "ids of the other advisories on this release"),
    attribute("advisory.summary", Kind::Text, "the first matching advisory's own sentence"),
    attribute("floor.version", Kind::Text, "the highest version of the project that was served before"),
    attribute("floor.below", Kind::Bool, "whether this version is lower than the floor"),
    attribute("floor.lag", Kind::Int, "seconds by which this file is older than the floor's"),
    attribute(
        "content.judged",
        Kind::Bool,
        "whether the content was read; false in a listing that was asked for before any download",
    ),
    attribute("content.readable", Kind::Bool, "whether every member of the archive could be read"),
    attribute(
        "content.behaviours",
        Kind::List,
        "what the code can do and when: CONTEXT:ABILITY, such as import:spawn; null when it was not read",
    ),
    attribute(
        "content.score",
        Kind::Int,
        "0 to 100 over all findings, the delta's included; null when it was not read",
    ),
    attribute("content.unasked_score", Kind::Int, "the same without what happens only when somebody calls it"),
    attribute(
        "delta.from",
        Kind::Text,
        "the version that this one was compared with: the highest lower one that was read here; null when there is none",
    ),
    attribute("delta.patch", Kind::Bool, "whether the two versions promise a patch release"),
    attribute(
        "delta.new",
        Kind::List,
        "what is new against it: import:spawn, chain:fetch-start, hook:npm:postinstall, host:NAME, mail:ADDRESS, dependency:NAME, blob:KIND:PATH",
    ),
    attribute(
        "delta.new_dependency",
        Kind::Text,
        "of the projects that it newly depends on and that none of its code seems to import, the youngest; null when there is none",
    ),
    attribute(
        "delta.new_dependency_age",
        Kind::Int,
        "seconds between the first release of that project and the upload of this file; null when the registry does not tell",
    ),
    attribute("delta.score", Kind::Int, "0 to 100 over what is new alone"),
];

/// What the egress gate sets. What a request alone has is null for a connection.
pub const EGRESS: &[Attribute] = &[
    attribute("net.host", Kind::Text, "the host: a name in lower case without the final dot, or an address"),
    attribute("net.port", Kind::Int, "the port"),
    attribute("net.scheme", Kind::Text, "how it is spoken to: tls, http, https (TLS that was opened), tcp"),
    attribute("net.listed", Kind::Bool, "whether the host is in settings.hosts"),
    attribute("net.secret", Kind::List, "names of the secrets that are for this host"),
    attribute("net.method", Kind::Text, "the method of the request"),
    attribute("net.path", Kind::Text, "the path of the request, without its query"),
    attribute(
        "net.disagrees",
        Kind::Text,
        "how the connection contradicts itself: a TLS hello that names another host, or none",
    ),
    attribute("net.misuse", Kind::Text, "where a secret's placeholder stands that does not belong there"),
];

/// The names that stand alone, beside the groups: `findings` (list of maps with detector, title, severity,
/// confidence, context, path, line, place, excerpt) and `unknown` (list of the ids of sources that could not say).
pub const LISTS: &[&str] = &["findings", "unknown"];

/// The knobs that a rule can name; spans of time are in seconds.
pub const SETTINGS: &[Attribute] = &[
    attribute("settings.cooldown", Kind::Int, "seconds that a file must be old before it passes"),
    attribute(
        "settings.feed_max_age",
        Kind::Int,
        "seconds that an advisory feed may be old before its source is unknown",
    ),
    attribute(
        "settings.downgrade_window",
        Kind::Int,
        "seconds by which a lower version may be older than the newest one served",
    ),
    attribute(
        "settings.young_dependency",
        Kind::Int,
        "seconds for which a project counts as young that a release newly depends on",
    ),
    attribute("settings.score_hold", Kind::Int, "the score from which a file is held"),
    attribute("settings.score_deny", Kind::Int, "the score from which a file is denied"),
    attribute("settings.reserved", Kind::List, "patterns of internal project names"),
    attribute(
        "settings.hosts",
        Kind::List,
        "hosts that runs may reach: names, `*.name` for what is below one, or addresses",
    ),
    attribute("settings.open", Kind::List, "hosts whose TLS is opened, so that rules see method and path"),
    attribute("settings.private", Kind::List, "hosts that may have private addresses"),
];

/// What each element of `findings` has: `findings.exists(f, f.severity == "critical")`. In reasons: `{finding.title}`.
pub const FINDING: &[Attribute] = &[
    attribute("detector", Kind::Text, "the detector's id"),
    attribute("title", Kind::Text, "one sentence: what was seen"),
    attribute("severity", Kind::Text, "info, low, medium, high, critical"),
    attribute("confidence", Kind::Text, "low, medium, high"),
    attribute("context", Kind::Text, "when it would run: archive, install, startup, import, call, load"),
    attribute("path", Kind::Text, "the member of the archive; null when it is not in one place"),
    attribute("line", Kind::Int, "the line in it, from 1; null when it is not on one line"),
    attribute("place", Kind::Text, "path and line: PATH:LINE, or PATH"),
    attribute("excerpt", Kind::Text, "the words that were seen, escaped and cut; null when there are none"),
];

/// The attributes that rules of that gate can name, beside [`SETTINGS`] and [`LISTS`].
pub fn of(gate: Gate) -> impl Iterator<Item = &'static Attribute> {
    let own: &'static [Attribute] = match gate {
        Gate::Intake => INTAKE,
        Gate::Egress => EGRESS,
        Gate::Runtime | Gate::Vault | Gate::Control => &[],
    };
    ASK.iter().chain(own)
}
