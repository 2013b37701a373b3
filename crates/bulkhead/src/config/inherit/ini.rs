//! The dialect of pip's configuration files: Python's `configparser.RawConfigParser` with its defaults.
//!
//! That is: `key = value` or `key: value`, keys in any case; whole-line comments with `#` or `;`, none after a value;
//! a line indented deeper than its key continues the value; `[DEFAULT]` counts in every section; a section or key given
//! twice is an error; no interpolation.

/// One key of one section, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The section's name, as written.
    pub(super) section: String,
    /// The key, lower case, with `_` as `-`, as pip reads it.
    pub(super) key: String,
    /// The value; continuation lines are joined with a newline.
    pub(super) value: String,
}

/// The line that cannot be read, from 1, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IniError {
    pub(super) line: usize,
    pub(super) message: String,
}

/// Reads a whole file.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, IniError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut entries: Vec<Entry> = Vec::new();
    let mut sections: Vec<String> = Vec::new();
    // Indentation of the key whose value may still go on.
    let mut open: Option<usize> = None;
    for (index, line) in text.lines().enumerate() {
        let wrong = |message: String| IniError { line: index + 1, message };
        let trimmed = line.trim();
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        if trimmed.is_empty() {
            // `empty_lines_in_values` is on: an empty line belongs to the value that is open.
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if let (Some(key_indent), Some(entry)) = (open, entries.last_mut())
            && indent > key_indent
        {
            entry.value.push('\n');
            entry.value.push_str(trimmed);
            continue;
        }
        if let Some(rest) = trimmed.strip_prefix('[') {
            let (name, _) = rest.rsplit_once(']').ok_or_else(|| wrong("a section without `]`".to_owned()))?;
            if sections.iter().any(|known| known == name) {
                return Err(wrong(format!("section [{name}] is given twice")));
            }
            sections.push(name.to_owned());
            open = None;
            continue;
        }
        let Some(section) = sections.last() else {
            return Err(wrong("a line before the first [section]".to_owned()));
        };
        let (key, value) = trimmed
            .split_once(['=', ':'])
            .filter(|(key, _)| !key.trim().is_empty())
            .ok_or_else(|| wrong("neither a [section] nor `key = value`".to_owned()))?;
        let key = normalise(key);
        if entries.iter().any(|entry| entry.section == *section && entry.key == key) {
            return Err(wrong(format!("`{key}` is given twice in [{section}]")));
        }
        entries.push(Entry { section: section.clone(), key, value: value.trim().to_owned() });
        open = Some(indent);
    }
    Ok(entries)
}

/// pip's `_normalize_name`: lower case, `_` as `-`, no leading `--`.
fn normalise(key: &str) -> String {
    let key = key.trim().to_lowercase().replace('_', "-");
    key.strip_prefix("--").map(str::to_owned).unwrap_or(key)
}
