//! What is found where credentials were looked for: nobody's values, under names that are plausible behind a canary, and under
//! those that are really there in a decoy, on a machine without FUSE.

use std::path::Path;

use bulkhead_contain::{Bait, Tripwire};

/// What stands in the files behind canaries: an AWS key id and its secret, a password, a token. The same in every run, and
/// nobody's.
pub const CANARIES: [&str; 4] = [
    "AKIABULKHEADCANARY00",
    "bulkheadcanary/0000000000000000000000000",
    "bulkhead-canary-0000",
    "sk-bulkheadcanary000000000000000000000000",
];

/// What is found behind a canary: plausible for the tool whose file it is, and false. The egress gate knows the values when
/// they come by.
pub fn canary_for(path: &Path) -> Bait {
    let [id, secret, password, token] = CANARIES;
    let aws = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match name.as_str() {
        ".aws" => Bait::CanaryFolder(vec![("credentials".to_owned(), aws.into_bytes())]),
        ".netrc" => Bait::CanaryFile(format!("machine canary.example login canary password {password}\n").into_bytes()),
        _ if path.is_dir() => Bait::CanaryFolder(vec![("credentials".to_owned(), aws.into_bytes())]),
        _ => Bait::CanaryFile(format!("TOKEN={token}\n").into_bytes()),
    }
}

/// Files of one folder that have a decoy. More are as if they were not there.
const MOST: usize = 50;

/// Puts something to find behind every tripwire: what cannot be opened leaves no trace there.
pub fn fill(tripwires: &mut [Tripwire]) {
    for Tripwire { path, bait } in tripwires {
        *bait = match std::mem::replace(bait, Bait::EmptyFolder) {
            Bait::Folder => {
                Bait::CanaryFolder(names(path).into_iter().map(|name| (name.clone(), content(&name))).collect())
            }
            Bait::File => Bait::CanaryFile(content(&path.file_name().unwrap_or_default().to_string_lossy())),
            other => other,
        };
    }
}

fn names(folder: &Path) -> Vec<String> {
    // A folder that its owner cannot list keeps its decoy: an empty one.
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    let mut names: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).take(MOST).collect();
    names.sort();
    names
}

/// Plausible for whoever reads a file of that name. The egress gate knows every value in it when it comes by.
fn content(name: &str) -> Vec<u8> {
    let [id, secret, password, token] = CANARIES;
    let text = match name {
        ".netrc" => format!("machine canary.example login canary password {password}\n"),
        _ if name.starts_with("id_") && !name.ends_with(".pub") => {
            format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{token}\n-----END OPENSSH PRIVATE KEY-----\n")
        }
        _ => format!(
            "[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\npassword = {password}\nTOKEN={token}\n"
        ),
    };
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoy_has_the_names_that_are_there_and_nothing_of_what_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["id_rsa", "config"] {
            std::fs::write(folder.path().join(name), "REAL").unwrap();
        }
        std::fs::create_dir(folder.path().join("deeper")).unwrap();
        let file = folder.path().join("config");
        let mut wires = [
            Tripwire { path: folder.path().to_owned(), bait: Bait::Folder },
            Tripwire { path: file, bait: Bait::File },
            Tripwire { path: folder.path().join("none"), bait: Bait::EmptyFolder },
        ];
        fill(&mut wires);
        let Bait::CanaryFolder(files) = &wires[0].bait else { panic!("{:?}", wires[0]) };
        assert_eq!(files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["config", "id_rsa"]);
        let Bait::CanaryFile(content) = &wires[1].bait else { panic!("{:?}", wires[1]) };
        for content in files.iter().map(|(_, content)| content).chain([content]) {
            let text = String::from_utf8_lossy(content);
            assert!(!text.contains("REAL") && CANARIES.iter().any(|value| text.contains(value)), "{text}");
        }
        assert_eq!(wires[2].bait, Bait::EmptyFolder);
    }
}
