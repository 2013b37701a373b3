//! The delta: what a release can do that the one before could not.
//!
//! This is what catches a good package that somebody took over: its own history is the baseline, so that nothing has to be
//! known about the malware. Both sides are profiles; nothing here reads an archive. Alone, a change adds to the score: every
//! honest release changes something. Only a chain that is new, unasked, and where it does not belong refuses
//! ([`Change::Chain`]).

mod chain;
mod metas;
mod name;
mod version;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_core::{Confidence, Finding, FindingContext, Severity};
use serde::{Deserialize, Serialize};

use crate::behaviour::{Ability, unasked};
use crate::findings::Findings;
use crate::lang::python::known_module;
use crate::profile::{Act, BlobKind, CodeFile, Profile};
use crate::score::score;

pub(crate) use metas::Change;
use name::{NODE, is_address, is_no_place, kind_word, same, stem};

/// Words kept in [`Delta::new`].
const WORDS: usize = 100;

/// What is new in a release against the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// The version that it was compared with.
    pub from: String,
    /// The version that was compared.
    pub to: String,
    /// Whether the versions promise a patch release.
    pub patch: bool,
    /// What is new, a word each: `import:spawn`, `hook:npm:postinstall`, `host:x.test`, `mail:a@x.test`, `dependency:x`,
    /// `blob:native:lib/x.so`.
    pub new: Vec<String>,
    /// The same as findings, worst first; detectors `delta-...`.
    pub findings: Vec<Finding>,
    /// The score of those findings alone.
    pub score: u32,
    /// How many files of code are new, changed and gone.
    pub files: Files,
    /// Packages that it asks for and the release before did not, without those that are installed only on demand. How old they
    /// are, only the gate can know.
    pub dependencies: Vec<NewDependency>,
}

/// A dependency that the release before did not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDependency {
    /// The name, as the ecosystem normalises it.
    pub name: String,
    /// Whether some code may import it: no when there is code and none of its imports can be this package.
    pub imported: bool,
    /// Whether it comes from a URL or a repository in place of the registry.
    pub url: bool,
}

/// How many files of code differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Not in the release before.
    pub new: u32,
    /// In both, with different code.
    pub changed: u32,
    /// In both, with the same code.
    pub same: u32,
    /// Only in the release before.
    pub gone: u32,
}

/// Compares two releases of one project, of the same kind of file. The same profiles give the same delta.
pub fn compare(before: &Profile, after: &Profile, from: &str, to: &str) -> Delta {
    let mut compared = Compared {
        before,
        after,
        old: before.files.iter().map(|file| (file.path.as_str(), file)).collect(),
        patch: version::is_patch(from, to),
        major: version::is_major(from, to),
        findings: Findings::new(),
        new: Vec::new(),
        dependencies: Vec::new(),
    };
    let files = compared.count();
    compared.chains();
    compared.hunks();
    compared.abilities();
    compared.hooks();
    compared.hosts();
    compared.mails();
    compared.dependencies();
    compared.blobs();
    compared.vanished(files);
    let Compared { patch, findings, mut new, dependencies, .. } = compared;
    new.truncate(WORDS);
    let findings = findings.finish();
    let score = score(&findings);
    Delta { from: from.to_owned(), to: to.to_owned(), patch, new, findings, score, files, dependencies }
}

/// Two profiles side by side.
struct Compared<'a> {
    before: &'a Profile,
    after: &'a Profile,
    /// The files of before, by path.
    old: BTreeMap<&'a str, &'a CodeFile>,
    patch: bool,
    major: bool,
    findings: Findings,
    new: Vec<String>,
    dependencies: Vec<NewDependency>,
}

impl<'a> Compared<'a> {
    /// Whether a list of before was cut: what it lacks may have been there.
    fn unsure(&self, list: &str) -> bool {
        self.before.cut.iter().any(|cut| cut == list)
    }

    fn count(&self) -> Files {
        let mut files = Files::default();
        for file in &self.after.files {
            match self.old.get(file.path.as_str()) {
                None => files.new += 1,
                Some(old) if old.start == file.start && old.rest == file.rest => files.same += 1,
                Some(_) => files.changed += 1,
            }
        }
        let both = files.changed + files.same;
        files.gone = u32::try_from(self.old.len()).unwrap_or(u32::MAX).saturating_sub(both);
        files
    }

    /// What the file does unasked that it did not do before. An ability counts once, whatever the context, and so does
    /// what newly flows into it.
    fn gained(&self, file: &'a CodeFile) -> Vec<&'a Act> {
        let old = self.old.get(file.path.as_str());
        let known = |act: &Act| {
            old.is_some_and(|old| {
                old.acts
                    .iter()
                    .any(|was| was.ability == act.ability && chain::tainted(was.from) == chain::tainted(act.from))
            })
        };
        file.acts.iter().filter(|act| !known(act)).collect()
    }

    /// Whether the file was there before and what runs only when called is as it was.
    fn is_stable(&self, file: &CodeFile) -> bool {
        self.old
            .get(file.path.as_str())
            .is_some_and(|old| old.rest == file.rest && (old.rest != 0 || old.units == file.units))
    }

    fn chains(&mut self) {
        if self.unsure("files") || self.unsure("acts") {
            return;
        }
        // A kind of chain that some file of before had unasked is no news in another file.
        let known: BTreeSet<&str> =
            self.before.files.iter().flat_map(|file| chain::of(&refs(&file.acts))).map(|c| c.kind).collect();
        for file in &self.after.files {
            let gained = self.gained(file);
            if gained.is_empty() {
                continue;
            }
            for chain in chain::of(&refs(&file.acts)) {
                // All of it may be old with one new link: then it is news all the same, unless the file had it before.
                if known.contains(chain.kind)
                    || !chain.links.iter().any(|link| gained.iter().any(|act| std::ptr::eq(*act, *link)))
                {
                    continue;
                }
                let out_of_place = self.patch || self.is_stable(file);
                let (severity, confidence) = match (out_of_place, chain.sure) {
                    (true, true) => (Severity::Critical, Confidence::High),
                    (true, false) => (Severity::High, Confidence::Medium),
                    (false, _) => (Severity::Medium, Confidence::Medium),
                };
                let last = chain.links[chain.links.len() - 1];
                let title = format!(
                    "at {} this file now {}; no file of the release before did so unasked",
                    last.context.as_str(),
                    chain.says
                );
                self.new.push(format!("chain:{}", chain.kind));
                let draft = self.findings.report(Change::Chain.meta(), title).at(&file.path).line(last.line);
                let draft = if last.excerpt.is_empty() { draft } else { draft.excerpt(last.excerpt.as_bytes()) };
                draft.context(last.context).severity(severity).confidence(confidence).add();
            }
        }
    }

    fn hunks(&mut self) {
        if self.unsure("acts") {
            return;
        }
        for file in &self.after.files {
            let Some(old) = self.old.get(file.path.as_str()) else { continue };
            if old.start == file.start || !self.is_stable(file) {
                continue;
            }
            let gained: Vec<&Act> = self.gained(file).into_iter().filter(|act| act.ability.is_grave()).collect();
            let Some(first) = gained.first() else { continue };
            let title = format!(
                "only what this file does at {} has changed, and it now does {}",
                first.context.as_str(),
                words(&gained)
            );
            let draft = self.findings.report(Change::Hunk.meta(), title).at(&file.path).line(first.line);
            let draft = if first.excerpt.is_empty() { draft } else { draft.excerpt(first.excerpt.as_bytes()) };
            draft.context(first.context).add();
        }
    }

    fn abilities(&mut self) {
        if self.unsure("behaviours") {
            return;
        }
        let had = |ability: Ability, asked: bool| {
            let mut all = self.before.behaviours.iter();
            all.any(|doing| doing.ability == ability && (asked || unasked(doing.context)))
        };
        let mut seen = BTreeSet::new();
        let mut grave: Vec<Ability> = Vec::new();
        let mut first: Option<(FindingContext, String, u32)> = None;
        for doing in &self.after.behaviours {
            let runs = unasked(doing.context);
            if had(doing.ability, !runs) || !seen.insert(doing.ability) {
                continue;
            }
            self.new.push(doing.word());
            let change = if runs { Change::Ability } else { Change::Called };
            let says = if runs {
                format!("at {} it now does {}, which no code did unasked before", doing.context.as_str(), doing.ability)
            } else {
                format!("when called it can now {}", doing.ability)
            };
            if !doing.ability.is_grave() {
                continue;
            }
            if runs {
                grave.push(doing.ability);
                first.get_or_insert((doing.context, doing.path.clone(), doing.line));
            }
            self.findings.report(change.meta(), says).at(&doing.path).line(doing.line).context(doing.context).add();
        }
        self.more_places();
        if let (true, true, Some((context, path, line))) = (self.patch, grave.len() >= 2, first) {
            let names: Vec<&str> = grave.iter().map(|ability| ability.as_str()).collect();
            let title = format!("a patch release that now also does unasked: {}", names.join(", "));
            self.findings.report(Change::Growth.meta(), title).at(&path).line(line).context(context).add();
        }
    }

    /// What was there before and is now at more places: where, a profile does not keep.
    fn more_places(&mut self) {
        let count = |profile: &Profile, ability: Ability| -> u32 {
            let of = profile.behaviours.iter().filter(|doing| doing.ability == ability);
            of.map(|doing| doing.count).fold(0, u32::saturating_add)
        };
        for ability in Ability::ALL.iter().copied().filter(|ability| ability.is_rare()) {
            let (old, new) = (count(self.before, ability), count(self.after, ability));
            if old > 0 && new > old {
                self.new.push(format!("more:{ability}"));
                let title = format!("it does {ability} at {new} places, where the release before did at {old}");
                self.findings.report(Change::Called.meta(), title).context(FindingContext::Call).add();
            }
        }
    }

    fn hooks(&mut self) {
        if self.unsure("hooks") {
            return;
        }
        let mut told = BTreeSet::new();
        for hook in &self.after.hooks {
            let offered = !unasked(hook.context) || hook.context == FindingContext::Import;
            let family = |kind: &str| kind.split(':').next().unwrap_or(kind).to_owned();
            let known = self.before.hooks.iter().any(|was| was.kind == hook.kind && was.context == hook.context);
            if offered || known || !told.insert(&hook.kind) {
                continue;
            }
            self.new.push(format!("hook:{}", hook.kind));
            let change = if hook.context == FindingContext::Install { Change::InstallHook } else { Change::StartHook };
            // Where a build from source is a matter of course, a new way to build is less of a surprise.
            let usual = matches!(
                family(&hook.kind).as_str(),
                "setup.py" | "cmdclass" | "build-backend" | "build.rs" | "proc-macro"
            );
            let severity = if usual { Severity::Medium } else { Severity::High };
            let title = format!("`{}` runs at {}, and the release before had none", hook.kind, hook.context.as_str());
            let draft =
                self.findings.report(change.meta(), title).at(&hook.path).severity(severity).context(hook.context);
            let draft = if hook.line > 0 { draft.line(hook.line) } else { draft };
            if hook.runs.is_empty() { draft } else { draft.excerpt(hook.runs.as_bytes()) }.add();
        }
        if self.before.structure.pth == 0
            && self.after.structure.pth > 0
            && !told.iter().any(|kind| kind.contains("pth"))
        {
            self.new.push("hook:pth".to_owned());
            let title = "the first .pth file of this project, read at every start of Python";
            self.findings
                .report(Change::StartHook.meta(), title)
                .severity(Severity::Low)
                .context(FindingContext::Startup)
                .add();
        }
    }

    fn hosts(&mut self) {
        if self.unsure("hosts") {
            return;
        }
        let known: BTreeSet<&str> = self.before.hosts.iter().map(|host| host.name.as_str()).collect();
        for host in
            self.after.hosts.iter().filter(|host| !known.contains(host.name.as_str()) && !is_no_place(&host.name))
        {
            self.new.push(format!("host:{}", host.name));
            let bare = is_address(&host.name);
            let runs = unasked(host.context);
            // A new host in code that also does nothing of note when it runs is a link in a message.
            let acts = self
                .after
                .files
                .iter()
                .find(|file| file.path == host.path)
                .is_some_and(|file| file.acts.iter().any(|act| act.ability.is_grave()));
            let severity = if bare || (runs && acts) { Severity::Medium } else { Severity::Low };
            let title = format!("{} is named here, and by no file of the release before", host.name);
            let context = if runs && acts { host.context } else { FindingContext::Call };
            self.findings
                .report(Change::Host.meta(), title)
                .at(&host.path)
                .line(host.line)
                .severity(severity)
                .context(context)
                .add();
        }
    }

    fn mails(&mut self) {
        if self.unsure("mails") {
            return;
        }
        let known = |name: &str, blind: bool| {
            let of = self.before.mails.iter().find(|mail| mail.name == name);
            of.is_some_and(|mail| mail.blind || !blind)
        };
        // An address under a domain that the code spoke of before is the publisher's own affair.
        let own = |name: &str| {
            let domain = name.split('@').nth(1).unwrap_or_default();
            let ends = |host: &str| host == domain || host.ends_with(&format!(".{domain}"));
            self.before.hosts.iter().any(|host| ends(&host.name))
                || self.before.mails.iter().any(|mail| mail.name.split('@').nth(1) == Some(domain))
        };
        let news: Vec<_> = self.after.mails.iter().filter(|mail| !known(&mail.name, mail.blind)).collect();
        for mail in news.into_iter().filter(|mail| !mail.name.split('@').any(is_no_place)) {
            self.new.push(format!("mail:{}", mail.name));
            let says = if mail.blind { "gets blind copies of what this code sends" } else { "stands here" };
            let title = format!("{} {says}, and in no file of the release before", mail.name);
            let severity = if mail.blind && !own(&mail.name) { Severity::High } else { Severity::Low };
            self.findings
                .report(Change::Mail.meta(), title)
                .at(&mail.path)
                .line(mail.line)
                .severity(severity)
                .context(FindingContext::Call)
                .add();
        }
    }

    fn dependencies(&mut self) {
        if self.unsure("dependencies") {
            return;
        }
        let known: BTreeSet<&str> = self.before.dependencies.iter().map(|found| found.name.as_str()).collect();
        let had: BTreeSet<&str> = self.before.imports.iter().map(String::as_str).collect();
        // Names of packages and of what they hold differ too often to match each: any new import may be the new dependency, but
        // for those that a declared dependency or the language itself explains.
        let explained = |name: &str| {
            known_module(name)
                || name.starts_with("node:")
                || NODE.contains(&name)
                || self.after.dependencies.iter().any(|found| same(name, &found.name))
        };
        let mut news = self.after.imports.iter().filter(|name| !had.contains(name.as_str()));
        let imports_more = news.any(|name| !explained(name));
        for found in self.after.dependencies.iter().filter(|found| !known.contains(found.name.as_str())) {
            if found.optional && !found.url {
                continue;
            }
            self.new.push(format!("dependency:{}", found.name));
            let imported = imports_more
                || self.after.imports.is_empty()
                || self.after.imports.iter().any(|name| same(name, &found.name));
            self.dependencies.push(NewDependency { name: found.name.clone(), imported, url: found.url });
            let (severity, says) = match (found.url, imported) {
                (true, _) => (Severity::High, " from outside the registry"),
                (false, false) => (Severity::Medium, ", and no code seems to import it"),
                (false, true) => (Severity::Low, ""),
            };
            let title = format!("it now asks for {}{says}", found.name);
            let draft = self.findings.report(Change::Dependency.meta(), title).severity(severity);
            let confidence = if found.url { Confidence::High } else { Confidence::Low };
            draft.excerpt(format!("{} {}", found.name, found.wants).trim().as_bytes()).confidence(confidence).add();
        }
    }

    fn blobs(&mut self) {
        if self.unsure("blobs") {
            return;
        }
        let had = |kind: BlobKind| self.before.blobs.iter().any(|blob| blob.kind == kind);
        let known: BTreeSet<String> = self.before.blobs.iter().map(|blob| stem(&blob.path)).collect();
        let digests: BTreeSet<_> = self.before.blobs.iter().filter_map(|blob| blob.sha256).collect();
        for blob in &self.after.blobs {
            if known.contains(&stem(&blob.path)) || blob.sha256.is_some_and(|digest| digests.contains(&digest)) {
                continue;
            }
            let kind = kind_word(blob);
            self.new.push(format!("blob:{kind}:{}", blob.path));
            let severity = match blob.kind {
                BlobKind::Disguised => Severity::High,
                BlobKind::Native | BlobKind::Foreign if !had(blob.kind) => Severity::Medium,
                BlobKind::Opaque | BlobKind::Bytecode if !had(blob.kind) => Severity::Low,
                _ => Severity::Info,
            };
            let title = format!(
                "`{}` is a file of kind {kind} with {} bytes, which the release before did not have",
                blob.path, blob.size
            );
            self.findings.report(Change::Blob.meta(), title).at(&blob.path).severity(severity).add();
        }
    }

    fn vanished(&mut self, files: Files) {
        let old = self.old.len();
        if self.unsure("files")
            || self.after.cut.iter().any(|cut| cut == "files")
            || old < 4
            || files.gone as usize * 2 <= old
        {
            return;
        }
        let severity = if self.major { Severity::Info } else { Severity::Low };
        self.new.push(format!("gone:{}", files.gone));
        let title = format!("{} of {old} files of code are gone", files.gone);
        self.findings.report(Change::Vanished.meta(), title).severity(severity).add();
    }
}

fn refs(acts: &[Act]) -> Vec<&Act> {
    acts.iter().collect()
}

fn words(acts: &[&Act]) -> String {
    let words: BTreeSet<&str> = acts.iter().map(|act| act.ability.as_str()).collect();
    words.into_iter().collect::<Vec<_>>().join(", ")
}
