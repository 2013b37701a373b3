//! The edits as pure functions from text to text, so that undoing is exact.

/// A package client that can be pointed at Bulkhead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Client {
    /// pip, and what reads its configuration
    Pip,
    /// uv
    Uv,
    /// poetry, for the project in this folder
    Poetry,
    /// pdm
    Pdm,
}

const BEGIN: &str = "# >>> bulkhead setup";
const END: &str = "# <<< bulkhead setup";
/// What a line was that an edit replaced.
const WAS: &str = "# bulkhead setup, was: ";
/// Stands behind BEGIN when the text before did not end in a line end.
const NO_NEWLINE: &str = " (no line end before)";

impl Client {
    /// Its name, also that of its configuration folder.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pip => "pip",
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Pdm => "pdm",
        }
    }

    /// Its configuration file's name.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Pip => "pip.conf",
            Self::Uv => "uv.toml",
            Self::Poetry => "pyproject.toml",
            Self::Pdm => "config.toml",
        }
    }

    /// The lines, as a person would write them.
    pub(super) fn lines(self, index: &str) -> String {
        match self {
            Self::Pip => format!("[global]\nindex-url = {index}\n"),
            Self::Uv => format!("[[index]]\nurl = \"{index}\"\ndefault = true\n"),
            Self::Poetry => {
                format!("[[tool.poetry.source]]\nname = \"bulkhead\"\nurl = \"{index}\"\npriority = \"primary\"\n")
            }
            Self::Pdm => format!("[pypi]\nurl = \"{index}\"\n"),
        }
    }

    /// The same by an environment variable, where there is one.
    pub(super) fn environment(self, index: &str) -> Option<String> {
        match self {
            Self::Pip => Some(format!("export PIP_INDEX_URL={index}")),
            Self::Uv => Some(format!("export UV_DEFAULT_INDEX={index}")),
            Self::Poetry => None,
            Self::Pdm => Some(format!("export PDM_PYPI_URL={index}")),
        }
    }

    /// What in a file says already, and otherwise, where packages come from.
    fn conflict(self, text: &str) -> Option<String> {
        let says = |words: &[&str]| {
            let squeezed = |line: &str| line.chars().filter(|char| !char.is_whitespace()).collect::<String>();
            text.lines().map(squeezed).find(|line| words.iter().any(|word| line.starts_with(word)))
        };
        let found = match self {
            Self::Pip => None,
            Self::Uv => says(&["default=true", "index-url=", "default-index="]),
            Self::Poetry => says(&["[[tool.poetry.source]]"]),
            Self::Pdm => says(&["[pypi]", "pypi.url="]),
        };
        found.map(|line| format!("it has `{line}` already"))
    }
}

/// The text with the client's lines in it, and the index that they replaced. Text that has them already is first freed
/// of them.
///
/// # Errors
/// What stands in the way, in words.
pub(super) fn apply(client: Client, text: &str, index: &str) -> Result<(String, Option<String>), String> {
    let clean = remove(text);
    if let Some(conflict) = client.conflict(&clean) {
        return Err(conflict);
    }
    if client == Client::Pip
        && let Some(global) = clean.lines().position(|line| line.trim() == "[global]")
    {
        return Ok(into_global(&clean, global, index));
    }
    let (gap, mark) = if clean.is_empty() || clean.ends_with('\n') { ("", "") } else { ("\n", NO_NEWLINE) };
    Ok((format!("{clean}{gap}{BEGIN}{mark}\n{}{END}\n", client.lines(index)), None))
}

/// Into the section that is there, because a second one of the same name is an error to pip. The index that it names is
/// kept in a comment.
fn into_global(text: &str, global: usize, index: &str) -> (String, Option<String>) {
    let (mut out, mut replaced, mut in_global) = (String::new(), None, false);
    for (at, line) in text.split_inclusive('\n').enumerate() {
        if line.trim_start().starts_with('[') {
            in_global = at == global;
        }
        let value = line.split_once(['=', ':']).filter(|(key, _)| matches!(key.trim(), "index-url" | "index_url"));
        if let (true, Some((_, value))) = (in_global, value) {
            replaced = Some(value.trim().to_owned());
            out += &format!("{WAS}{line}");
        } else {
            out += line;
        }
        if at == global {
            let mark = if line.ends_with('\n') { "" } else { NO_NEWLINE };
            let gap = if line.ends_with('\n') { "" } else { "\n" };
            out += &format!("{gap}{BEGIN}{mark}\nindex-url = {index}\n{END}\n");
        }
    }
    (out, replaced)
}

/// The text without what [`apply`] put there, and with what it replaced.
pub(super) fn remove(text: &str) -> String {
    let (mut out, mut inside) = (String::new(), false);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches('\n');
        if !inside && (bare == BEGIN || bare.strip_prefix(BEGIN) == Some(NO_NEWLINE)) {
            inside = true;
            if bare.ends_with(NO_NEWLINE) && out.ends_with('\n') {
                out.pop();
            }
        } else if inside {
            inside = bare != END;
        } else {
            out += line.strip_prefix(WAS).unwrap_or(line);
        }
    }
    out
}

#[cfg(test)]
mod tests;
