//! Python distributions: `setup.py` and build back-ends at install, `.pth` and `sitecustomize` at start-up, modules at import.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_core::FindingContext;

use super::Started;
use crate::archive::{Archive, EntryKind};
use crate::code::{Hook, Root};
use crate::detector::Want;
use crate::detectors::executable_pth;
use crate::detectors::place;
use crate::filename::normal_name;
use crate::lang::{Callee, Language, View, python};
use crate::report::ArchiveKind;

/// Files that declare what starts: the largest honest ones are a few kilobytes.
const DECLARATION: u64 = 1 << 20;
/// Lines of `.pth` files that are read as code.
const PTH_LINES: usize = 200;

/// The files that declare what starts by itself.
pub(super) fn wants(path: &str) -> Want {
    let file = path.rsplit('/').next().unwrap_or(path);
    match file {
        "entry_points.txt" | "pyproject.toml" | "setup.cfg" | "requires.txt" => Want::UpTo(DECLARATION),
        _ => Want::Nothing,
    }
}

/// What starts by itself in a wheel, an egg or an sdist.
pub(crate) fn started(archive: &Archive, views: &mut Vec<View>) -> Started {
    let mut started = Started::default();
    pth_lines(archive, views, &mut started);
    name_modules(archive, views, &mut started.modules);
    let mut roots = Vec::new();
    for (at, view) in views.iter().enumerate().filter(|(_, view)| view.language == Language::Python) {
        let project = archive.file_name.as_ref().map(|file| file.name.as_str()).unwrap_or_default();
        let Some(context) = context_of(archive.kind, project, &view.path) else { continue };
        roots.push(Root { context, view: at, unit: 0 });
        if context == FindingContext::Install {
            started.hooks.push(hook("setup.py", context, &view.path, 1, "python setup.py"));
            if view.units[0].calls.iter().any(|callee| command_of(view, callee)) {
                started.hooks.push(hook("cmdclass", context, &view.path, 1, "setup(cmdclass=...)"));
            }
        }
    }
    // Lines of a `.pth` were rooted when they were found; their path is no module.
    started.roots.extend(roots);
    for entry in archive.files() {
        let Some(content) = entry.content.as_deref() else { continue };
        let text = String::from_utf8_lossy(content);
        match entry.path.rsplit('/').next().unwrap_or_default() {
            "entry_points.txt" => entry_points(&entry.path, &text, views, &mut started),
            "pyproject.toml" if archive.kind.is_sdist() && depth(&entry.path) == 1 => {
                pyproject(&entry.path, &text, views, &mut started);
            }
            "setup.cfg" if archive.kind.is_sdist() && depth(&entry.path) == 1 => {
                setup_cfg(&entry.path, &text, views, &mut started);
            }
            file if file.to_ascii_lowercase().ends_with(".start") && !archive.kind.is_sdist() => {
                for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
                    run_reference("start", FindingContext::Startup, &entry.path, line, views, &mut started);
                }
            }
            _ => {}
        }
    }
    started
}

fn hook(kind: &str, context: FindingContext, path: &str, line: u32, runs: &str) -> Hook {
    Hook { kind: kind.to_owned(), context, path: path.to_owned(), line, runs: runs.chars().take(400).collect() }
}

fn depth(path: &str) -> usize {
    path.trim_start_matches("./").matches('/').count()
}

/// Whether a call leads to the method of a command class.
fn command_of(view: &View, callee: &Callee) -> bool {
    match callee {
        Callee::Local(unit) => view.units.get(*unit).is_some_and(|unit| unit.name.ends_with(".run")),
        Callee::Other(_, name) => name.ends_with(".run"),
    }
}

/// Each executed line of a `.pth` is a program of its own.
fn pth_lines(archive: &Archive, views: &mut Vec<View>, started: &mut Started) {
    for entry in archive.files().filter(|entry| entry.path.to_ascii_lowercase().ends_with(".pth")) {
        let site = !archive.kind.is_sdist() && place::site_file(&entry.path).is_some();
        if !site && !archive.kind.is_sdist() {
            continue;
        }
        let Some(content) = entry.content.as_deref() else { continue };
        for (line, code) in executable_pth::executed(content).take(PTH_LINES) {
            let code = String::from_utf8_lossy(code);
            // Of an sdist, only the build says whether the file is installed; it may be, so it counts as if it were.
            started.roots.push(Root { context: FindingContext::Startup, view: views.len(), unit: 0 });
            started.hooks.push(hook("pth", FindingContext::Startup, &entry.path, line, &code));
            views.push(python::inner(&entry.path, line, &code));
        }
    }
}

/// When the top level of a module runs: `None` where only somebody who asks for it runs it.
fn context_of(kind: ArchiveKind, project: &str, path: &str) -> Option<FindingContext> {
    if path.to_ascii_lowercase().ends_with(".pth") {
        return None;
    }
    let path = path.trim_start_matches("./");
    let parts: Vec<&str> = if kind.is_sdist() {
        let mut parts: Vec<&str> = path.split('/').collect();
        if parts.len() > 1 {
            parts.remove(0);
        }
        parts
    } else {
        if path.contains(".data/scripts/") {
            return None;
        }
        path.split('/').collect()
    };
    let file = *parts.last()?;
    let lower = file.to_ascii_lowercase();
    if kind.is_sdist() && parts.len() == 1 && lower == "setup.py" {
        return Some(FindingContext::Install);
    }
    if parts.len() == 1 && (lower.starts_with("sitecustomize.") || lower.starts_with("usercustomize.")) {
        return Some(FindingContext::Startup);
    }
    let aside = |part: &&str| {
        matches!(
            part.to_ascii_lowercase().as_str(),
            "test"
                | "tests"
                | "testing"
                | "doc"
                | "docs"
                | "example"
                | "examples"
                | "benchmark"
                | "benchmarks"
                | "samples"
                | "sample"
                | "testdata"
                | "fixtures"
                | "demos"
                | "tutorials"
                | "scripts"
                | "tools"
                | "ci"
                | ".github"
                | "integration_tests"
                | "unit_tests"
                | "e2e"
                | "bin"
                | "contrib"
                | "util"
                | "dev"
                | "notebooks"
                | "utils"
        )
    };
    let folders = &parts[..parts.len() - 1];
    // A folder with a blank in its name is no package.
    if folders.iter().any(|part| part.contains(' ')) {
        return None;
    }
    // What a source distribution carries beside its own code, such as a vendored build system.
    let beside = |folder: &&str| folder.contains('-') && normal_name(folder) != normal_name(project);
    if kind.is_sdist() && folders.first().is_some_and(beside) {
        return None;
    }
    // Inside an installed package, folders such as `tools` are modules like any other; only tests and examples stand aside.
    let aside = if kind.is_sdist() && folders.first().is_some_and(aside) {
        true
    } else {
        folders.iter().any(|part| {
            matches!(
                part.to_ascii_lowercase().as_str(),
                "test" | "tests" | "doc" | "docs" | "examples" | "benchmarks" | "testdata"
            ) || part.to_ascii_lowercase().ends_with("_examples")
        })
    };
    let script =
        matches!(lower.as_str(), "conftest.py" | "__main__.py" | "noxfile.py" | "tasks.py" | "fabfile.py" | "dodo.py")
            || lower.starts_with("test_")
            || lower.ends_with("_test.py")
            || lower == "tests.py";
    (!aside && !script).then_some(FindingContext::Import)
}

/// Modules as imports write them: from where the archive has them, and from the topmost folder with an `__init__.py`.
fn name_modules(archive: &Archive, views: &[View], modules: &mut BTreeMap<String, usize>) {
    let packages: BTreeSet<&str> = archive
        .entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::File)
        .filter_map(|entry| entry.path.strip_suffix("/__init__.py"))
        .collect();
    for (at, view) in views.iter().enumerate().filter(|(_, view)| view.language == Language::Python) {
        let Some(stem) = view.path.strip_suffix(".py") else { continue };
        let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
        let parts: Vec<&str> = stem.trim_start_matches("./").split('/').collect();
        let name = python::package_of(&parts).join(".");
        if !name.is_empty() {
            modules.entry(name).or_insert(at);
        }
        let mut first = parts.len() - 1;
        while first > 0 && packages.contains(parts[..first].join("/").as_str()) {
            first -= 1;
        }
        modules.entry(parts[first..].join(".")).or_insert(at);
    }
    // Scripts that Python gives to `node`, by their file's name: the folder is seldom known.
    for (at, view) in views.iter().enumerate().filter(|(_, view)| view.language == Language::JavaScript) {
        if let Some((_, name)) = view.path.rsplit_once('/') {
            modules.entry(format!("/{name}")).or_insert(at);
        }
    }
}

/// `module:function` of a declaration: both run in that context.
fn run_reference(
    kind: &str,
    context: FindingContext,
    path: &str,
    reference: &str,
    views: &[View],
    started: &mut Started,
) {
    started.hooks.push(hook(kind, context, path, 0, reference));
    let reference = reference.split(['[', ' ']).next().unwrap_or(reference);
    let (module, name) = reference.split_once(':').unwrap_or((reference, ""));
    let Some(&view) = started.modules.get(module) else { return };
    started.roots.push(Root { context, view, unit: 0 });
    if let Some(unit) = views[view].units.iter().position(|unit| !name.is_empty() && unit.name == name) {
        started.roots.push(Root { context, view, unit });
    }
}

/// Entry points: commands are called by people; plug-ins are loaded by whatever looks for their group.
fn entry_points(path: &str, text: &str, views: &[View], started: &mut Started) {
    let mut group = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            group = name;
            continue;
        }
        let Some((_, reference)) = line.split_once('=') else { continue };
        let reference = reference.trim();
        match group {
            "console_scripts" | "gui_scripts" => {
                started.hooks.push(hook(&format!("entry-point:{group}"), FindingContext::Call, path, 0, line));
            }
            // Every build in the same environment runs these.
            "distutils.commands"
            | "distutils.setup_keywords"
            | "setuptools.finalize_distribution_options"
            | "setuptools.file_finders"
            | "egg_info.writers"
            | "pytest11" => {
                run_reference(&format!("entry-point:{group}"), FindingContext::Import, path, reference, views, started);
            }
            _ => started.hooks.push(hook(&format!("entry-point:{group}"), FindingContext::Call, path, 0, line)),
        }
    }
}

/// The value of `key = ...` in a TOML file, as far as strings and lists of strings on one line go.
fn toml_value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim())
    })
}

fn pyproject(path: &str, text: &str, views: &[View], started: &mut Started) {
    // A back-end inside the archive runs at every build.
    if let (Some(backend), Some(folders)) = (toml_value(text, "build-backend"), toml_value(text, "backend-path")) {
        let backend = backend.trim_matches(['"', '\'']);
        let module = backend.split(':').next().unwrap_or(backend);
        started.hooks.push(hook("build-backend", FindingContext::Install, path, 0, backend));
        for folder in folders.trim_matches(['[', ']']).split(',').map(|folder| folder.trim().trim_matches(['"', '\'']))
        {
            let folder = folder.trim_start_matches("./").trim_matches('/').replace('/', ".");
            let name =
                if folder.is_empty() || folder == "." { module.to_owned() } else { format!("{folder}.{module}") };
            run_all(&name, views, started);
        }
        run_all(module, views, started);
    }
    for (key, kind) in
        [("tool.hatch.build.hooks.custom", "hatch_build"), ("tool.hatch.metadata.hooks.custom", "hatch_build")]
    {
        if text.contains(key) {
            started.hooks.push(hook("build-hook", FindingContext::Install, path, 0, key));
            run_all(kind, views, started);
        }
    }
    if text.contains("[tool.poetry.build]") || text.contains("tool.pdm.build") {
        let script = toml_value(text, "script").or_else(|| toml_value(text, "custom-hook")).unwrap_or("\"build.py\"");
        let script = script.trim_matches(['"', '\'']);
        started.hooks.push(hook("build-hook", FindingContext::Install, path, 0, script));
        run_all(&script.trim_end_matches(".py").replace('/', "."), views, started);
    }
}

/// Everything in that module runs at install: a build calls its hooks by name.
fn run_all(module: &str, views: &[View], started: &mut Started) {
    let Some(&view) = started.modules.get(module) else { return };
    for unit in 0..views[view].units.len() {
        started.roots.push(Root { context: FindingContext::Install, view, unit });
    }
}

/// `cmdclass` in `setup.cfg`: command names and dotted classes.
fn setup_cfg(path: &str, text: &str, views: &[View], started: &mut Started) {
    let mut inside = false;
    for line in text.lines() {
        let indented = line.starts_with([' ', '\t']);
        if !indented {
            inside = line.split('=').next().is_some_and(|key| key.trim() == "cmdclass");
            continue;
        }
        if !inside {
            continue;
        }
        let Some((_, class)) = line.split_once('=') else { continue };
        let class = class.trim();
        started.hooks.push(hook("cmdclass", FindingContext::Install, path, 0, class));
        let Some((module, name)) = class.rsplit_once('.') else { continue };
        let Some(&view) = started.modules.get(module) else { continue };
        started.roots.push(Root { context: FindingContext::Install, view, unit: 0 });
        for (unit, _) in views[view]
            .units
            .iter()
            .enumerate()
            .filter(|(_, unit)| unit.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
        {
            started.roots.push(Root { context: FindingContext::Install, view, unit });
        }
    }
}

#[cfg(test)]
mod tests;
