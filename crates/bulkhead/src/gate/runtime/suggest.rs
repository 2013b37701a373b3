//! The smallest profile under which a run would have worked, from what was written of it. Credentials are never part of it.

use std::collections::BTreeSet;

use bulkhead_core::Action;

use super::credentials;
use super::profile::Profile;

/// One thing that a run did or tried, as its entries have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Did {
    /// What.
    pub action: Action,
    /// The file or host.
    pub about: String,
    /// The rule of its entry.
    pub rule: String,
}

/// A profile, and what it does not give, with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suggestion {
    /// The profile.
    pub profile: Profile,
    /// Hosts that policy would have to name, as `name`; a profile opens none.
    pub hosts: BTreeSet<String>,
    /// What stays refused, one sentence each.
    pub withheld: Vec<String>,
}

/// Suggests.
pub fn suggest(did: &[Did]) -> Suggestion {
    let mut suggestion = Suggestion::default();
    let mut write = BTreeSet::new();
    let misused: BTreeSet<&str> =
        did.iter().filter(|did| did.rule == "secret-misuse").map(|did| did.about.as_str()).collect();
    for Did { action, about, rule } in did {
        let withhold = |why: &str| format!("{action} {about}: {why}");
        match (action, rule.as_str()) {
            (Action::Read, _) | (_, "tripwire" | "canary") => {
                suggestion.withheld.push(withhold(
                    "a profile never opens credentials; keep a secret for the run with: bulkhead secret add",
                ));
            }
            (Action::Connect, "no-datagrams" | "socket") => {
                suggestion.withheld.push(withhold("a run reaches hosts by name and over TCP only"));
            }
            (Action::Connect | Action::Request, "secret-misuse") => {
                suggestion.withheld.push(withhold("a secret's placeholder was sent there, and does not belong there"));
            }
            (Action::Connect, "host-disagrees" | "upstream-address") => {
                suggestion.withheld.push(withhold("it is not what it says, or stands where no host may"));
            }
            (Action::Connect, _) if misused.contains(about.as_str()) => {}
            (Action::Connect, _) => match host(about) {
                Some(host) => {
                    suggestion.hosts.insert(host);
                }
                None => suggestion.withheld.push(withhold("an address is not a name that a rule can speak about")),
            },
            (Action::Write, _) => match place(about) {
                Place::Credential => {
                    suggestion
                        .withheld
                        .push(withhold("a profile never opens what starts programs later, or credentials"));
                }
                Place::Persistent(name) => {
                    let why = format!("it starts programs later; to allow it all the same: unprotect = [\"{name}\"]");
                    suggestion.withheld.push(withhold(&why));
                }
                Place::Folder(folder) => {
                    write.insert(folder);
                }
            },
            _ => {}
        }
    }
    // A folder covers what lies below it.
    let folders = write.clone();
    write.retain(|folder| !folders.iter().any(|above| folder != above && folder.starts_with(&format!("{above}/"))));
    suggestion.profile.files.write = write.into_iter().collect();
    suggestion.withheld.sort();
    suggestion.withheld.dedup();
    suggestion
}

enum Place {
    Credential,
    Persistent(String),
    Folder(String),
}

fn place(about: &str) -> Place {
    let below_home = about.strip_prefix("~/");
    let is =
        |list: &[&str], path: &str| list.iter().any(|known| path == *known || path.starts_with(&format!("{known}/")));
    if let Some(path) = below_home {
        let credential =
            [credentials::ALWAYS, credentials::FOLDERS, credentials::FILES].iter().any(|list| is(list, path));
        // Shell start-up files of the home are no credentials, and nothing that a profile opens either.
        let shell = path
            .split('/')
            .next()
            .is_some_and(|first| first.starts_with('.') && (first.ends_with("rc") || first.ends_with("profile")));
        // What is in there is started by others, and its downloads need no profile.
        let tools = is(credentials::SCRATCH_TOOLS, path);
        if credential || shell || tools || !path.contains('/') {
            return Place::Credential;
        }
    } else if !about.starts_with('/') {
        let environment = about.split('/').any(|part| part == "site-packages" || part == ".venv" || part == "venv");
        let mut ends = about.match_indices('/').map(|(at, _)| &about[at + 1..]).chain([about]);
        let anywhere = ends.any(|end| is(credentials::ANYWHERE, end) || is(&[".git/hooks", ".git/config"], end));
        if environment || anywhere || is(credentials::AT_THE_ROOT, about) {
            return Place::Persistent(about.split('/').next().unwrap_or(about).to_owned());
        }
    }
    if ["/etc", "/usr", "/bin", "/lib", "/boot", "/sbin", "/proc", "/sys"]
        .iter()
        .any(|system| about.starts_with(system))
    {
        return Place::Credential;
    }
    Place::Folder(about.rsplit_once('/').map_or_else(|| about.to_owned(), |(folder, _)| folder.to_owned()))
}

/// `name:port`, or a bare name as the name server was asked for it; addresses are nothing that a rule can speak about.
fn host(about: &str) -> Option<String> {
    let name = about.rsplit_once(':').map_or(about, |(name, _)| name);
    let is_name = name.contains('.') && name.parse::<std::net::IpAddr>().is_err() && !name.contains(' ');
    is_name.then(|| name.to_owned())
}
