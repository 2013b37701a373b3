//! Software bills of materials in JSON: CycloneDX and SPDX, as other tools write them. Components may nest, refer to each
//! other in circles, and be a million.

use std::collections::BTreeSet;

use bulkhead_core::Purl;
use serde::Deserialize;

use super::submission::InventoryItem;

#[cfg(test)]
mod tests;

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sbom {
    /// `CycloneDX 1.6`, `SPDX-2.3`.
    pub format: String,
    /// The name of what it is about, when it says.
    pub subject: Option<String>,
    /// The SHA-256 of what it is about, when it says: then it is of a build's output.
    pub digest: Option<String>,
    /// What is in it, without repetition.
    pub items: Vec<InventoryItem>,
    /// Components without a purl and without a SHA-256, or of an ecosystem that Bulkhead does not know.
    pub left_out: u64,
    /// Purls that are none, and the first of each kind of mistake.
    pub bad_purls: u64,
    /// The first few, with why.
    pub examples: Vec<String>,
}

/// What of either format is read. Everything else in the file is passed over without being kept: a million components
/// fit into memory.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    #[serde(rename = "specVersion")]
    spec_version: Option<String>,
    metadata: Metadata,
    components: Vec<Component>,
    #[serde(rename = "spdxVersion")]
    spdx_version: Option<String>,
    name: Option<String>,
    packages: Vec<Package>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    component: Component,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Component {
    name: Option<String>,
    purl: Option<String>,
    hashes: Vec<Hash>,
    components: Vec<Self>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Hash {
    alg: String,
    content: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Package {
    #[serde(rename = "externalRefs")]
    references: Vec<Reference>,
    checksums: Vec<Checksum>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    #[serde(rename = "referenceType")]
    kind: String,
    #[serde(rename = "referenceLocator")]
    locator: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Checksum {
    algorithm: String,
    #[serde(rename = "checksumValue")]
    value: String,
}

/// Reads a bill of materials.
///
/// # Errors
/// When it is neither CycloneDX nor SPDX in JSON.
pub fn parse(text: &[u8]) -> Result<Sbom, String> {
    let document: Document = serde_json::from_slice(text).map_err(|error| format!("it is not JSON of one: {error}"))?;
    let mut reader = Reader::default();
    if document.bom_format.as_deref() == Some("CycloneDX") {
        reader.sbom.format = format!("CycloneDX {}", document.spec_version.as_deref().unwrap_or("?"));
        reader.sbom.digest = document.metadata.component.digest();
        reader.sbom.subject = document.metadata.component.name;
        let mut waiting = document.components;
        while let Some(mut component) = waiting.pop() {
            waiting.append(&mut component.components);
            let digest = component.digest();
            reader.add(component.purl.as_deref(), digest);
        }
    } else if let Some(version) = document.spdx_version {
        reader.sbom.format = version;
        reader.sbom.subject = document.name;
        for package in document.packages {
            let purl = package.references.iter().find(|reference| reference.kind == "purl");
            let sum = package.checksums.iter().find(|sum| sum.algorithm == "SHA256");
            reader.add(purl.map(|purl| purl.locator.as_str()), sum.map(|sum| sum.value.to_lowercase()));
        }
    } else {
        return Err("it is neither CycloneDX (`bomFormat`) nor SPDX 2 (`spdxVersion`) in JSON".to_owned());
    }
    Ok(reader.sbom)
}

impl Component {
    fn digest(&self) -> Option<String> {
        self.hashes.iter().find(|hash| hash.alg == "SHA-256").map(|hash| hash.content.to_lowercase())
    }
}

#[derive(Default)]
struct Reader {
    sbom: Sbom,
    seen: BTreeSet<(Option<String>, Option<String>)>,
}

impl Reader {
    fn add(&mut self, purl: Option<&str>, hash: Option<String>) {
        let hash = hash.filter(|hash| hash.parse::<bulkhead_core::Sha256>().is_ok());
        let purl = match purl.map(str::parse::<Purl>) {
            None => None,
            Some(Ok(purl)) if purl.version().is_some() => Some(purl.to_string()),
            Some(Ok(_)) => None,
            // Another ecosystem's purl is good; Bulkhead has no name for it.
            Some(Err(bulkhead_core::PurlError::Ecosystem(_))) => None,
            Some(Err(error)) => {
                self.sbom.bad_purls += 1;
                if self.sbom.examples.len() < 5 {
                    self.sbom.examples.push(error.to_string());
                }
                None
            }
        };
        if purl.is_none() && hash.is_none() {
            self.sbom.left_out += 1;
        } else if self.seen.insert((purl.clone(), hash.clone())) {
            self.sbom.items.push(InventoryItem { purl, sha256: hash, files: Vec::new() });
        }
    }
}
