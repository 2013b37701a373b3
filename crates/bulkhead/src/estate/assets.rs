//! `assets.toml`: what people declare. Every mistake is reported at once, each with its line.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::store::record::Asset;

/// Reads the file.
///
/// # Errors
/// Every mistake, with its line, in the order of the file.
pub fn parse(text: &str) -> Result<Vec<Asset>, Vec<String>> {
    let mut reader = Reader { text, mistakes: BTreeSet::new() };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reader.add(error.span().map_or(0, |span| span.start), format!("not TOML: {}", error.message()));
    }
    if !reader.mistakes.is_empty() {
        return Err(reader.finish());
    }
    let (mut assets, mut known, mut named) = (Vec::new(), BTreeMap::new(), Vec::new());
    for (key, value) in root.into_inner() {
        let at = key.span().start;
        let kind = key.into_inner().to_string();
        if !matches!(kind.as_str(), "secret" | "dataset" | "partner" | "grant") {
            reader.add(at, format!("`{kind}` is not known: write [[secret]], [[dataset]], [[partner]] or [[grant]]"));
            continue;
        }
        let DeValue::Array(tables) = value.into_inner() else {
            reader.add(at, format!("`{kind}` is a list of tables: write [[{kind}]]"));
            continue;
        };
        for table in tables {
            let at = table.span().start;
            let DeValue::Table(table) = table.into_inner() else {
                reader.add(at, format!("a {kind} is a table: write [[{kind}]]"));
                continue;
            };
            if let Some(asset) = reader.asset(&kind, at, table, &mut named) {
                let (kind, name) = identity(&asset);
                if known.insert((kind, name.to_owned()), at).is_some() && kind != "grant" {
                    reader.add(at, format!("the {kind} `{name}` is declared twice"));
                }
                assets.push(asset);
            }
        }
    }
    // What is named must be declared: a typing error would otherwise cut the walk off without a word.
    for (at, kind, name, by) in named {
        if !known.contains_key(&(kind, name.clone())) {
            reader.add(at, format!("{by} names the {kind} `{name}`, and no [[{kind}]] declares it"));
        }
    }
    if reader.mistakes.is_empty() { Ok(assets) } else { Err(reader.finish()) }
}

fn identity(asset: &Asset) -> (&'static str, &str) {
    match asset {
        Asset::Secret { name, .. } => ("secret", name),
        Asset::Dataset { name, .. } => ("dataset", name),
        Asset::Partner { name, .. } => ("partner", name),
        Asset::Grant { principal, .. } => ("grant", principal),
    }
}

/// A name that must be declared: where it stands, what it is, and who names it.
type Named = (usize, &'static str, String, String);

struct Reader<'t> {
    text: &'t str,
    /// By offset, so that they come out in the order of the file.
    mistakes: BTreeSet<(usize, String)>,
}

impl Reader<'_> {
    fn add(&mut self, at: usize, what: String) {
        self.mistakes.insert((at, what));
    }

    fn finish(self) -> Vec<String> {
        let line = |at: usize| {
            1 + self.text.as_bytes()[..at.min(self.text.len())].iter().filter(|byte| **byte == b'\n').count()
        };
        self.mistakes.iter().map(|(at, what)| format!("line {}: {what}", line(*at))).collect()
    }

    fn asset(&mut self, kind: &str, at: usize, mut table: DeTable<'_>, named: &mut Vec<Named>) -> Option<Asset> {
        let key = if kind == "grant" { "principal" } else { "name" };
        let name = self.text(&mut table, key);
        if name.is_none() {
            self.add(at, format!("a {kind} has no {key}"));
        }
        let name = name.unwrap_or_default();
        let by = format!("the {kind} `{name}`");
        let owner = if kind == "grant" { None } else { self.text(&mut table, "owner") };
        let asset = match kind {
            "secret" => {
                let (hosts, opens) = (self.texts(&mut table, "hosts"), self.texts(&mut table, "opens"));
                named.extend(opens.iter().map(|(at, name)| (*at, "dataset", name.clone(), by.clone())));
                Asset::Secret { name, owner, hosts: bare(hosts), opens: bare(opens) }
            }
            "dataset" => {
                let partners = self.texts(&mut table, "partners");
                named.extend(partners.iter().map(|(at, name)| (*at, "partner", name.clone(), by.clone())));
                Asset::Dataset {
                    name,
                    owner,
                    partners: bare(partners),
                    people: self.count(&mut table, "people"),
                    records: self.count(&mut table, "records"),
                    categories: bare(self.texts(&mut table, "categories")),
                }
            }
            "partner" => Asset::Partner { name, owner },
            _ => {
                let datasets = self.texts(&mut table, "datasets");
                named.extend(datasets.iter().map(|(at, name)| (*at, "dataset", name.clone(), by.clone())));
                Asset::Grant { principal: name, datasets: bare(datasets) }
            }
        };
        for (unknown, _) in table {
            let at = unknown.span().start;
            self.add(at, format!("{by} has `{}`, which a {kind} does not have", unknown.into_inner()));
        }
        Some(asset)
    }

    fn text(&mut self, table: &mut DeTable<'_>, key: &str) -> Option<String> {
        let value = table.remove(key)?;
        let at = value.span().start;
        match value.into_inner() {
            DeValue::String(text) if !text.trim().is_empty() && text.len() <= 400 => Some(text.into_owned()),
            _ => {
                self.add(at, format!("`{key}` must be a text of 1 to 400 bytes"));
                None
            }
        }
    }

    fn texts(&mut self, table: &mut DeTable<'_>, key: &str) -> Vec<(usize, String)> {
        let Some(value) = table.remove(key) else { return Vec::new() };
        let at = value.span().start;
        let DeValue::Array(values) = value.into_inner() else {
            self.add(at, format!("`{key}` must be a list of texts"));
            return Vec::new();
        };
        let mut texts = Vec::new();
        for value in values {
            let at = value.span().start;
            match Spanned::into_inner(value) {
                DeValue::String(text) if !text.trim().is_empty() => texts.push((at, text.into_owned())),
                _ => self.add(at, format!("`{key}` must be a list of texts")),
            }
        }
        texts
    }

    fn count(&mut self, table: &mut DeTable<'_>, key: &str) -> Option<u64> {
        let value = table.remove(key)?;
        let at = value.span().start;
        let count = match value.into_inner() {
            DeValue::Integer(number) => number.as_str().replace('_', "").parse::<u32>().ok(),
            _ => None,
        };
        if count.is_none() {
            self.add(at, format!("`{key}` must be a whole number, about how many"));
        }
        count.map(u64::from)
    }
}

fn bare(texts: Vec<(usize, String)>) -> Vec<String> {
    texts.into_iter().map(|(_, text)| text).collect()
}

#[cfg(test)]
mod tests;
