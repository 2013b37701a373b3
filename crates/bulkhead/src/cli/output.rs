//! The one place that prints: text for people, JSON for programs.

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use super::Failure;

/// How facts are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
    /// For code-scanning pages: SARIF 2.1.0, from `scan`; elsewhere as JSON.
    Sarif,
    /// Only `ledger export`: an entry a line.
    #[value(hide = true)]
    Jsonl,
    /// Only `ledger export`: an OCSF event a line.
    #[value(hide = true)]
    Ocsf,
}

/// Standard output and standard error, with the format that was asked for.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format != Format::Text
    }

    /// Prints facts: as text by `text`, or as the JSON of `facts`.
    pub(crate) fn facts<T: Serialize>(&self, facts: &T, text: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        match self.format {
            Format::Text => self.text(&text(facts)),
            Format::Json | Format::Sarif | Format::Jsonl | Format::Ocsf => {
                let json = serde_json::to_string_pretty(facts).map_err(|error| Failure::Other(error.into()))?;
                self.text(&json);
            }
        }
        Ok(())
    }

    /// Prints lines for people, whatever the format. A reader that hangs up (`| head`) ends the output, not the command.
    pub(crate) fn text(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let trimmed = text.trim_end_matches('\n');
        drop(writeln!(out, "{trimmed}").and_then(|()| out.flush()));
    }

    /// Prints a note to standard error.
    pub(crate) fn note(&self, text: &str) {
        drop(writeln!(std::io::stderr().lock(), "{}", text.trim_end_matches('\n')));
    }

    /// Prints why the command failed, and gives the exit code.
    pub(crate) fn failure(&self, failure: &Failure) -> ExitCode {
        match (failure, self.format) {
            (Failure::Usage(what), _) => {
                self.note(&format!("bulkhead: {what}"));
                ExitCode::from(2)
            }
            (Failure::Problem(problem), Format::Json | Format::Sarif | Format::Jsonl | Format::Ocsf) => {
                self.text(&problem.to_json().to_string());
                ExitCode::from(1)
            }
            (Failure::Problem(problem), Format::Text) => {
                self.note(&problem.to_string());
                ExitCode::from(1)
            }
            (
                Failure::Remote { code, title, detail, help },
                Format::Json | Format::Sarif | Format::Jsonl | Format::Ocsf,
            ) => {
                let json = serde_json::json!({ "code": code, "title": title, "detail": detail, "help": help });
                self.text(&json.to_string());
                ExitCode::from(1)
            }
            (Failure::Remote { code, title, detail, help }, Format::Text) => {
                self.note(&format!("{code}: {title}\n  {detail}"));
                if !help.is_empty() {
                    self.note(&format!("  help: {help}"));
                }
                ExitCode::from(1)
            }
            (Failure::Other(error), _) => {
                self.note(&format!("bulkhead: {error:#}"));
                ExitCode::from(1)
            }
        }
    }
}

/// A table with aligned columns, two spaces apart; the last column is not padded.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut head.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}
