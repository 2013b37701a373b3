//! Software bills of materials in JSON: CycloneDX and SPDX, as other tools write them. Components may nest, refer to each
//! other in circles, and be a million.

use std::collections::BTreeSet;

use bulkhead_core::Purl;
use serde_json::Value;

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

/// Reads a bill of materials.
///
/// # Errors
/// When it is neither CycloneDX nor SPDX in JSON.
pub fn parse(text: &[u8]) -> Result<Sbom, String> {
    let json: Value = serde_json::from_slice(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let mut reader = Reader::default();
    if json["bomFormat"].as_str() == Some("CycloneDX") {
        reader.sbom.format = format!("CycloneDX {}", json["specVersion"].as_str().unwrap_or("?"));
        let about = &json["metadata"]["component"];
        reader.sbom.subject = about["name"].as_str().map(str::to_owned);
        reader.sbom.digest = cyclonedx_hash(about);
        reader.cyclonedx(&json["components"]);
    } else if let Some(version) = json["spdxVersion"].as_str() {
        reader.sbom.format = version.to_owned();
        reader.sbom.subject = json["name"].as_str().map(str::to_owned);
        for package in json["packages"].as_array().into_iter().flatten() {
            reader.spdx(package);
        }
    } else {
        return Err("it is neither CycloneDX (`bomFormat`) nor SPDX 2 (`spdxVersion`) in JSON".to_owned());
    }
    Ok(reader.sbom)
}

#[derive(Default)]
struct Reader {
    sbom: Sbom,
    seen: BTreeSet<(Option<String>, Option<String>)>,
}

impl Reader {
    /// Walks with a list of what is still to do: nesting may be as deep as the parser lets it.
    fn cyclonedx(&mut self, components: &Value) {
        let mut waiting: Vec<&Value> = components.as_array().into_iter().flatten().collect();
        while let Some(component) = waiting.pop() {
            self.add(component["purl"].as_str(), cyclonedx_hash(component));
            waiting.extend(component["components"].as_array().into_iter().flatten());
        }
    }

    fn spdx(&mut self, package: &Value) {
        let references = package["externalRefs"].as_array().into_iter().flatten();
        let purl = references
            .filter(|reference| reference["referenceType"].as_str() == Some("purl"))
            .find_map(|reference| reference["referenceLocator"].as_str());
        let sums = package["checksums"].as_array().into_iter().flatten();
        let hash = sums
            .filter(|sum| sum["algorithm"].as_str() == Some("SHA256"))
            .find_map(|sum| sum["checksumValue"].as_str());
        self.add(purl, hash.map(str::to_lowercase));
    }

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

fn cyclonedx_hash(component: &Value) -> Option<String> {
    let hashes = component["hashes"].as_array().into_iter().flatten();
    let hash = hashes.filter(|hash| hash["alg"].as_str() == Some("SHA-256")).find_map(|hash| hash["content"].as_str());
    hash.map(str::to_lowercase)
}
