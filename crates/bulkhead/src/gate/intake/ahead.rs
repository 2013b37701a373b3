//! Fetching ahead: what an install will ask for next is put into quarantine before it asks.
//!
//! pip resolves one project after the other. The moment it reads a wheel's metadata, everything that the metadata
//! requires is known here too, so the pages and the likely wheels of all of them are fetched side by side. Nothing is
//! decided by this and nothing leaves: the same ask is judged when it comes. What is fetched in vain is bounded: so many
//! unasked files per client at a time, none of them large.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_core::Sha256;
use pep440_rs::{Version, VersionSpecifiers};
use tokio::sync::Semaphore;

use super::Intake;
use super::caller::Caller;
use super::ecosystem::pypi::{self, FileKind, IndexFile, ProjectName};
use super::listing::Listing;

/// Fetches under way for all clients together.
const AT_ONCE: usize = 8;
/// Files per client that were fetched ahead and not asked for yet.
const UNASKED: usize = 16;
/// After this an unasked file no longer counts: the install has ended or gone another way.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// Larger files are fetched only when they are asked for.
const LARGEST: u64 = 32 << 20;
/// How far from what a client asked for.
const DEEPEST: u8 = 8;

/// What is fetched ahead, and for whom. The mutex guards the map only.
#[derive(Debug)]
pub(super) struct Ahead {
    places: Arc<Semaphore>,
    unasked: Mutex<HashMap<Option<IpAddr>, HashMap<Sha256, Instant>>>,
}

/// One requirement that needs no extra: `name`, and the versions it takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    pub(super) project: ProjectName,
    pub(super) versions: VersionSpecifiers,
    /// Whether it holds everywhere; one with an environment marker may not hold for this client.
    pub(super) always: bool,
}

/// The machine that asks, as pip and uv tell it in their user agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) python: Version,
    pub(super) cpu: String,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), unasked: Mutex::default() }
    }
}

impl Ahead {
    /// A client has read this metadata; what it requires will be asked for next.
    pub(super) fn follow_metadata(
        &self,
        intake: &Arc<Intake>,
        caller: &Caller,
        machine: Option<&Machine>,
        metadata: &[u8],
    ) {
        // A client that does not say what it runs on gets nothing fetched ahead: the wheel would be a guess.
        if let Some(machine) = machine {
            follow(intake, caller, machine, metadata, 0);
        }
    }

    /// A client has asked for this file: it was not fetched in vain.
    pub(super) fn asked(&self, caller: &Caller, digest: &Sha256) {
        let mut unasked = self.unasked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_client) = unasked.get_mut(&address(caller)) {
            of_client.remove(digest);
        }
    }

    fn may_fetch(&self, caller: &Caller, digest: Sha256) -> bool {
        let mut unasked = self.unasked.lock().unwrap_or_else(PoisonError::into_inner);
        unasked.retain(|_, files| {
            files.retain(|_, at| at.elapsed() < FORGOTTEN);
            !files.is_empty()
        });
        let of_client = unasked.entry(address(caller)).or_default();
        of_client.len() < UNASKED && of_client.insert(digest, Instant::now()).is_none()
    }
}

fn address(caller: &Caller) -> Option<IpAddr> {
    caller.context.address.as_deref().and_then(|text| text.parse().ok())
}

fn follow(intake: &Arc<Intake>, caller: &Caller, machine: &Machine, metadata: &[u8], depth: u8) {
    if depth >= DEEPEST {
        return;
    }
    for requirement in requirements(metadata) {
        let (intake, caller, machine) = (Arc::clone(intake), caller.clone(), machine.clone());
        intake.clone().tasks.spawn(async move {
            let place = Arc::clone(&intake.ahead.places);
            let Ok(_place) = place.acquire_owned().await else { return };
            if let Err(problem) = fetch(&intake, &caller, &machine, &requirement, depth).await {
                // The client will meet the same problem and be told; here it is only an early sight of it.
                tracing::debug!(project = requirement.project.as_str(), %problem, "fetching ahead failed");
            }
        });
    }
}

async fn fetch(
    intake: &Arc<Intake>,
    caller: &Caller,
    machine: &Machine,
    requirement: &Requirement,
    depth: u8,
) -> Result<(), bulkhead_core::Problem> {
    if !requirement.always {
        // It may not hold for this client: the page is cheap to have, judging it is not.
        intake.pages.page(&requirement.project).await?;
        return Ok(());
    }
    let listing = intake.listing(&requirement.project, caller).await?;
    if listing.all_refused {
        return Ok(());
    }
    let Some(file) = likely(&listing, machine, &requirement.project, &requirement.versions) else { return Ok(()) };
    let Some(digest) = file.sha256() else { return Ok(()) };
    let small = file.size.is_some_and(|size| size <= LARGEST);
    if !small || intake.quarantine.is_known(&digest) || !intake.ahead.may_fetch(caller, digest) {
        return Ok(());
    }
    let read = intake.quarantine.read(&requirement.project, file, digest).await?;
    if let Some(metadata) = &read.metadata {
        follow(intake, caller, machine, metadata, depth + 1);
    }
    Ok(())
}

/// The wheel that pip or uv would choose on that machine: the newest eligible version, the most specific wheel.
fn likely<'a>(
    listing: &'a Listing,
    machine: &Machine,
    project: &ProjectName,
    versions: &VersionSpecifiers,
) -> Option<&'a IndexFile> {
    let mut best: Option<(Version, u8, &IndexFile)> = None;
    for file in listing.kept() {
        let Ok(name) = pypi::FileName::parse(&file.filename, project) else { continue };
        let Some(version) = name.version() else { continue };
        if name.kind() != FileKind::Wheel || version.any_prerelease() || file.yanked.is_yanked() {
            continue;
        }
        let Some(fit) = machine.fit(&file.filename) else { continue };
        let better = best.as_ref().is_none_or(|(old, old_fit, _)| (version, fit) > (old, *old_fit));
        if better && versions.contains(version) && machine.runs(file) {
            best = Some((version.clone(), fit, file));
        }
    }
    best.map(|(_, _, file)| file)
}

impl Machine {
    /// Reads `pip/26.3 {"cpu":"x86_64","python":"3.11.7",...}`, and uv's, which has the same members.
    pub(super) fn from_user_agent(agent: &str) -> Option<Self> {
        let json = &agent[agent.find('{')?..];
        let member = |name: &str| {
            let key = format!("\"{name}\":\"");
            let rest = &json[json.find(&key)? + key.len()..];
            rest.split('"').next().map(str::to_owned)
        };
        let python = Version::from_str(&member("python")?).ok()?;
        Some(Self { python, cpu: member("cpu").unwrap_or_else(|| "x86_64".to_owned()) })
    }

    fn runs(&self, file: &IndexFile) -> bool {
        let Some(wanted) = &file.requires_python else { return true };
        VersionSpecifiers::from_str(wanted).is_ok_and(|wanted| wanted.contains(&self.python))
    }

    /// How well a wheel's tags fit, or nothing when it does not run here.
    fn fit(&self, file_name: &str) -> Option<u8> {
        let mut tags = file_name.strip_suffix(".whl")?.rsplit('-');
        let (platforms, abis, pythons) = (tags.next()?, tags.next()?, tags.next()?);
        let release = self.python.release();
        let (major, minor) = (*release.first()?, *release.get(1)?);
        let own = format!("cp{major}{minor}");
        let any = format!("py{major}");
        let any_minor = format!("py{major}{minor}");
        let platform = platforms.split('.').filter_map(|tag| self.platform_fit(tag)).max()?;
        let python = pythons
            .split('.')
            .filter_map(|tag| match tag {
                tag if tag == own => Some(8),
                tag if tag == any || tag == any_minor => Some(0),
                tag => {
                    let older = tag.strip_prefix(&format!("cp{major}"))?.parse::<u64>().ok()?;
                    (abis.split('.').any(|abi| abi == "abi3") && older <= minor).then_some(4)
                }
            })
            .max()?;
        let abi = abis.split('.').any(|abi| abi == own || abi == "abi3" || abi == "none");
        abi.then_some(python + platform)
    }

    fn platform_fit(&self, tag: &str) -> Option<u8> {
        match tag {
            "any" => Some(0),
            tag if tag.starts_with("manylinux") && tag.ends_with(&self.cpu) => Some(2),
            tag if tag.starts_with("linux") && tag.ends_with(&self.cpu) => Some(1),
            _ => None,
        }
    }
}

/// What METADATA requires without an extra (PEP 508, as far as it is needed to fetch ahead; never to decide).
pub(super) fn requirements(metadata: &[u8]) -> Vec<Requirement> {
    let text = String::from_utf8_lossy(metadata);
    let head = text.split("\n\n").next().unwrap_or_default();
    let mut seen = HashSet::new();
    let lines = head.lines().filter_map(|line| line.strip_prefix("Requires-Dist:"));
    lines.filter_map(|line| requirement(line.trim())).filter(|found| seen.insert(found.project.clone())).collect()
}

fn requirement(line: &str) -> Option<Requirement> {
    let (what, marker) = line.split_once(';').unwrap_or((line, ""));
    if marker.contains("extra") {
        return None;
    }
    let end = what.find(|char: char| !(char.is_ascii_alphanumeric() || "-_.".contains(char))).unwrap_or(what.len());
    let project = ProjectName::parse(&what[..end]).ok()?;
    let rest = what[end..].trim();
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']')?.1.trim(),
        None => rest,
    };
    let rest = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(rest);
    let versions = VersionSpecifiers::from_str(rest).ok()?;
    Some(Requirement { project, versions, always: marker.trim().is_empty() })
}

#[cfg(test)]
mod tests;
