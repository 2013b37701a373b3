//! Which archives are meant by a path.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The archive itself, all archives in a folder and below it, or those that a text file names line by line, from its own folder.
pub(crate) fn archives(path: &Path) -> Result<Vec<PathBuf>> {
    let path = fs::canonicalize(path).with_context(|| path.display().to_string())?;
    if is_archive(&path) && path.is_file() {
        return Ok(vec![path]);
    }
    let mut found = Vec::new();
    if path.is_dir() {
        walk(&path, &mut found)?;
        found.sort();
        return Ok(found);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("{} is no archive and no list", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let archive = folder.join(line);
        if !archive.is_file() {
            bail!("{}: {} is not there", path.display(), archive.display());
        }
        found.push(archive);
    }
    Ok(found)
}

/// The two newest releases in each folder of the folder, as `BEFORE<tab>PATH`, the newest alone where there is but one.
pub(super) fn pairs(folder: &Path) -> Result<Vec<PathBuf>> {
    let folder = fs::canonicalize(folder).with_context(|| folder.display().to_string())?;
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let mut releases = archives(&entry?.path())?;
        releases.sort_by_key(|path| numbers(path));
        let (Some(newest), before) = (releases.pop(), releases.pop()) else { continue };
        found.push(match before {
            Some(before) => PathBuf::from(format!("{}\t{}", before.display(), newest.display())),
            None => newest,
        });
    }
    found.sort();
    Ok(found)
}

/// The numbers in a file's name, in order: releases of one project sort by them.
fn numbers(path: &Path) -> Vec<u64> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// What a set is called: the names of what it is made of.
pub(super) fn name(paths: &[PathBuf]) -> String {
    let names = paths.iter().map(|path| path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned());
    names.collect::<Vec<_>>().join(" + ")
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else if is_archive(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_archive(path: &Path) -> bool {
    let name = path.to_string_lossy().to_ascii_lowercase();
    [".whl", ".tar.gz", ".tgz", ".tar.bz2", ".zip", ".egg", ".crate"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_folders_and_pairs_name_their_archives() {
        let root = std::env::temp_dir().join(format!("bulkhead-eval-{}", std::process::id()));
        let project = root.join("projects/demo");
        fs::create_dir_all(&project).expect("a folder");
        for name in ["demo-1.9.0.tar.gz", "demo-1.10.0.tar.gz", "demo-1.2.0.tar.gz", "notes.md"] {
            fs::write(project.join(name), name).expect("a file");
        }
        fs::write(root.join("some.txt"), "projects/demo/demo-1.9.0.tar.gz\n\n").expect("a list");
        fs::write(root.join("wrong.txt"), "projects/demo/absent-1.0.tar.gz\n").expect("a list");
        let (all, some, wrong, pair) = (
            archives(&root),
            archives(&root.join("some.txt")),
            archives(&root.join("wrong.txt")),
            pairs(&root.join("projects")),
        );
        let one = archives(&project.join("demo-1.2.0.tar.gz"));
        fs::remove_dir_all(&root).expect("it is ours");
        assert_eq!(all.expect("a folder").len(), 3);
        assert!(some.expect("a list")[0].ends_with("projects/demo/demo-1.9.0.tar.gz"));
        assert!(wrong.expect_err("it is not there").to_string().contains("absent-1.0.tar.gz is not there"));
        assert_eq!(one.expect("an archive").len(), 1);
        let pair = pair.expect("a folder of projects");
        let pair = pair[0].to_string_lossy();
        assert!(pair.contains("demo-1.9.0.tar.gz\t") && pair.ends_with("demo-1.10.0.tar.gz"), "{pair}");
        assert_eq!(name(&["a/b.txt".into(), "c/d".into()]), "b + d");
        assert!(numbers(Path::new("demo-1.10.0.tar.gz")) > numbers(Path::new("demo-1.9.0.tar.gz")));
    }
}
