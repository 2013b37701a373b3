//! The ledger, entry by entry: what it says, its proof, the checkpoint and who cosigned it.

use std::fmt::Write as _;

use bulkhead_core::{Code, EntryIndex, Problem};

use super::{Page, ask, layout};
use crate::control::{Request, WitnessRows};
use crate::exposure::cosigners;
use crate::exposure::picture::{escape, thousands};

const ROWS: u64 = 50;

pub(super) async fn list(page: &Page<'_>) -> Result<String, Problem> {
    let log = page.app.log();
    let size = log.size();
    let end = page.query.text("before").and_then(|text| text.parse().ok()).unwrap_or(size).min(size);
    let start = end.saturating_sub(ROWS);
    let mut rows = Vec::new();
    for entry in log.entries(start..end) {
        let (index, entry) = entry.map_err(|error| Problem::new(Code::LedgerUnavailable, error.to_string()))?;
        let about = match (&entry.resource.purl, &entry.resource.digest) {
            (Some(purl), _) => purl.to_string(),
            (None, Some(digest)) => format!("sha256:{}…", &digest.to_hex()[..16]),
            (None, None) => {
                let telling = ["subject", "for", "feed", "host"].iter().find_map(|name| entry.detail.get(*name));
                telling.cloned().unwrap_or_default()
            }
        };
        // The list names people as long as they are known; the entry itself is shown as the log has it.
        let mut shown = serde_json::json!([entry.principal.as_str(), about]);
        page.app.subjects().reveal(&mut shown);
        let shown = |place: usize| shown[place].as_str().unwrap_or_default().chars().take(90).collect::<String>();
        let (principal, about) = (shown(0), shown(1));
        rows.push(format!(
            "<tr class=\"{effect}\"><th scope=\"row\"><a href=\"/console/ledger/entry?index={index}\">{index}</a></th><td class=\"time\">{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"tag\">{effect}</td><td>{}</td></tr>",
            entry.time,
            entry.gate,
            entry.action,
            escape(&principal),
            escape(&about),
            effect = entry.effect,
        ));
    }
    rows.reverse();
    let mut body = format!(
        "<h1>Ledger</h1><p><code>{}</code>: {} entries, {} of them under the checkpoint. Served as plain files from <a href=\"/ledger/checkpoint\"><code>/ledger/</code></a>.</p>{}",
        escape(page.app.verifier().name().as_str()),
        thousands(size),
        thousands(log.integrated()),
        checkpoint(page).await?
    );
    let _ = write!(
        body,
        "<h2>Entries</h2><form method=\"get\" action=\"/console/ledger/entry\" class=\"card fields\"><div><label for=\"index\">Entry</label><input id=\"index\" name=\"index\" inputmode=\"numeric\" pattern=\"[0-9]+\" required></div><div><button>Show</button></div></form>\
         <div class=\"scroll\"><table><thead><tr><th scope=\"col\">Entry</th><th scope=\"col\">Time</th><th scope=\"col\">Gate</th><th scope=\"col\">Action</th><th scope=\"col\">Principal</th><th scope=\"col\">Effect</th><th scope=\"col\">About</th></tr></thead><tbody>{}</tbody></table></div>",
        rows.concat()
    );
    if start > 0 {
        let _ = write!(body, "<p><a rel=\"next\" href=\"/console/ledger?before={start}\">Older entries</a></p>");
    }
    Ok(layout::page(page.session, "Ledger", "Ledger", &body))
}

pub(super) fn entry(page: &Page<'_>) -> Result<String, Problem> {
    let wrong = |why: String| Problem::new(Code::BadRequest, why).with_help("entries are numbered from 0");
    let broken = |error: bulkhead_ledger::LedgerError| Problem::new(Code::LedgerUnavailable, error.to_string());
    let index: u64 = page.query.get("index").parse().map_err(|_| wrong("that is no entry's number".to_owned()))?;
    let log = page.app.log();
    let bytes = log.entry_bytes(EntryIndex(index)).map_err(broken)?;
    let bytes = bytes.ok_or_else(|| wrong(format!("the ledger has no entry {index}")))?;
    let value: serde_json::Value = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::new(Code::Bug, format!("entry {index} is not JSON: {error}")))?;
    let shown = serde_json::to_string_pretty(&value).unwrap_or_default();
    let proof = log.inclusion_proof(EntryIndex(index)).map_err(broken)?;
    let proof = match proof {
        Some(proof) => format!("<pre>{}</pre>", escape(&String::from_utf8_lossy(&proof.to_bytes()))),
        None => "<p class=\"note\">The checkpoint does not cover it yet; within a second it does.</p>".to_owned(),
    };
    let before = index.checked_sub(1).map_or_else(String::new, |index| {
        format!("<a rel=\"prev\" href=\"/console/ledger/entry?index={index}\">Entry {index}</a> · ")
    });
    let after = if index + 1 < log.size() {
        format!(" · <a rel=\"next\" href=\"/console/ledger/entry?index={0}\">Entry {0}</a>", index + 1)
    } else {
        String::new()
    };
    let body = format!(
        "<p>{before}<a href=\"/console/ledger\">Ledger</a>{after}</p><h1>Entry {index}</h1><pre>{}</pre><h2>Proof that it is in the log (C2SP tlog-proof)</h2>{proof}<p class=\"note\">Any program that reads tlog-proof checks it against the entry's bytes and the log's public key.</p>",
        escape(&shown)
    );
    Ok(layout::page(page.session, "Ledger", &format!("Entry {index}"), &body))
}

/// The head that is published: the newest cosigned one where there are witnesses, who they are, and how they are doing.
async fn checkpoint(page: &Page<'_>) -> Result<String, Problem> {
    let log = page.app.log();
    let note = log.cosigned().unwrap_or_else(|| log.checkpoint());
    let cosigners = cosigners(&note);
    let cosigned = if cosigners.is_empty() {
        "<p class=\"note\">No witness has cosigned it: nobody else vouches yet that every reader sees the same log.</p>"
            .to_owned()
    } else {
        let items: String = cosigners.iter().map(|name| format!("<li><code>{}</code></li>", escape(name))).collect();
        format!("<p>Cosigned by</p><ul class=\"witnesses\">{items}</ul>")
    };
    let text = escape(&String::from_utf8_lossy(&note));
    Ok(format!("<h2>Checkpoint</h2><pre>{text}</pre>{cosigned}{}", witnesses(page).await?))
}

/// Who is asked to cosign, and what came of it.
async fn witnesses(page: &Page<'_>) -> Result<String, Problem> {
    let known: WitnessRows = ask(page.app, Request::WitnessStatus).await?;
    let mut out = String::new();
    if let Some(why) = &known.refused {
        let _ = write!(out, "<p class=\"wrong\">The witness policy is not in force: {}</p>", escape(why));
    }
    if known.witnesses.is_empty() {
        return Ok(out);
    }
    let quorum = if known.quorum { "a quorum of them" } else { "no quorum of them" };
    let _ = write!(
        out,
        "<div class=\"scroll\"><table><caption>Witnesses; {quorum} has cosigned what is published, {} of {} signed entries</caption><thead><tr><th scope=\"col\">Witness</th><th scope=\"col\">Cosigned entries</th><th scope=\"col\">At</th><th scope=\"col\">Trouble</th></tr></thead><tbody>",
        thousands(known.published),
        thousands(known.signed)
    );
    for witness in &known.witnesses {
        let none = || "–".to_owned();
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"time\">{}</td><td>{}</td></tr>",
            escape(&witness.name),
            witness.cosigned.map_or_else(none, thousands),
            witness.at.map_or_else(none, |at| format!("{at:.0}")),
            witness.error.as_deref().map_or_else(none, escape)
        );
    }
    out.push_str("</tbody></table></div>");
    Ok(out)
}
