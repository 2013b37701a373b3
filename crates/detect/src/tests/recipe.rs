//! Archives written as text, for the manual's examples and the fixtures.
//!
//!     archive demo-1.0-py3-none-any.whl     the file's name; says what to build
//!     expect high                           optional: the least severity of the finding
//!     --- path                              a file, then its lines
//!     --- path -> target                    a symbolic link (in a tar)
//!     %repeat 300 (                         inside a file: a line of that text so many times
//!
//! Metadata and RECORD are added, right ones, unless the recipe has them.

use bulkhead_core::Severity;

use super::make_tar::{Item, gzip, tar};
use super::make_zip::{File, wheel_named};
use crate::filename;
use crate::report::ArchiveKind;

/// An archive as text.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) file_name: String,
    pub(super) expect: Severity,
    members: Vec<(String, Option<String>, String)>,
}

impl Recipe {
    pub(super) fn parse(text: &str) -> Self {
        let mut recipe = Self { file_name: String::new(), expect: Severity::Info, members: Vec::new() };
        for line in text.split_inclusive('\n') {
            if let Some(header) = line.strip_prefix("--- ") {
                let (path, target) = header.trim_end().split_once(" -> ").unzip();
                let path = path.unwrap_or(header.trim_end()).to_owned();
                recipe.members.push((path, target.map(str::to_owned), String::new()));
            } else if let Some((_, _, content)) = recipe.members.last_mut() {
                match line.strip_prefix("%repeat ").and_then(|rest| rest.trim_end_matches('\n').split_once(' ')) {
                    Some((count, text)) => {
                        content.push_str(&text.repeat(count.parse().expect("a count")));
                        content.push('\n');
                    }
                    None => content.push_str(line),
                }
            } else if let Some(name) = line.strip_prefix("archive ") {
                recipe.file_name = name.trim_end().to_owned();
            } else if let Some(word) = line.strip_prefix("expect ") {
                let severity = serde_json::from_value(serde_json::Value::String(word.trim_end().to_owned()));
                recipe.expect = severity.expect("a severity");
            } else {
                assert!(line.trim().is_empty() || line.starts_with('#'), "not a recipe line: {line:?}");
            }
        }
        recipe
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let kind = ArchiveKind::of_local(&self.file_name);
        let file = filename::parse(&self.file_name, kind).expect("a file name");
        if kind == ArchiveKind::Wheel {
            let files = self.members.iter().map(|(path, _, content)| File::new(path, content.as_bytes())).collect();
            return wheel_named(&file.name, &file.version, files).bytes();
        }
        let mut items: Vec<Item> = self
            .members
            .iter()
            .map(|(path, target, content)| match target {
                Some(target) => Item::link(path, b'2', target),
                None => Item::file(path, content.as_bytes()),
            })
            .collect();
        if !kind.is_python() {
            return gzip(&tar(&items));
        }
        let info = format!("{}-{}/PKG-INFO", file.name, file.version);
        if !items.iter().any(|item| item.name.ends_with(b"PKG-INFO")) {
            let text = format!("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", file.name, file.version);
            items.push(Item::file(&info, text.as_bytes()));
        }
        gzip(&tar(&items))
    }
}
