//! What people declare, as lines of an entry: one JSON object each.

use serde::{Deserialize, Serialize};

/// One declared thing and its relations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Asset {
    /// A secret, by its name.
    Secret {
        /// Its name.
        name: String,
        /// Who answers for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// Hosts on which a program can read it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hosts: Vec<String>,
        /// Datasets that it opens.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        opens: Vec<String>,
    },
    /// A dataset.
    Dataset {
        /// Its name.
        name: String,
        /// Who answers for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// Partners whose data it holds, or who hold it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        partners: Vec<String>,
        /// About how many people are in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        people: Option<u64>,
        /// About how many records.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        records: Option<u64>,
        /// Kinds of data and of people, in the words of GDPR article 33.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        categories: Vec<String>,
    },
    /// A company that data is shared with.
    Partner {
        /// Its name.
        name: String,
        /// Who speaks to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
    /// Datasets that a principal may read.
    Grant {
        /// The principal.
        principal: String,
        /// The datasets.
        datasets: Vec<String>,
    },
}

impl Asset {
    /// The line.
    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).expect("invariant: strings, numbers and lists are JSON")
    }

    pub(super) fn read_line(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| format!("an asset is not understood: {error}"))
    }
}
