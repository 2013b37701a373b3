//! The report as a page: the kill chain from left to right, and where each step died.

use std::fmt::Write as _;

use super::{Came, Report};

/// One self-contained page.
pub fn page(report: &Report) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Bulkhead drill</title>\
         <style>body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\
         table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd}\
         .refused{color:#126b3a}.succeeded,.void{color:#b00020;font-weight:600}.unrecorded{color:#9a6700}\
         text{font:13px system-ui,sans-serif}</style><h1>The breach of March 2026, re-enacted</h1>",
    );
    page.push_str(&chain(report));
    page.push_str("<table><tr><th>step<th>attempt<th>bare<th>contained<th>stopped alone by</tr>");
    for row in &report.rows {
        let (class, contained) = word(row.contained);
        let bare = if row.control { "succeeds" } else { "<span class=\"void\">void</span>" };
        let _ = write!(
            page,
            "<tr><td>{} {}<td>{}<td>{bare}<td class=\"{class}\">{contained}<td>{}</tr>",
            row.step,
            escape(row.phase),
            escape(row.what),
            escape(&row.stopped_by.join(", "))
        );
    }
    page.push_str("</table><h2>What must work all the same</h2><ul>");
    for (what, works) in report.works() {
        let (class, word) = if works { ("refused", "yes") } else { ("succeeded", "NO") };
        let _ = write!(page, "<li>{}: <span class=\"{class}\">{word}</span>", escape(what));
    }
    page.push_str("</ul><h2>What the poisoned release exposed, as the ledger answers</h2><table>");
    for row in &report.exposed {
        let [stage, name, grade, why] = [&row.stage, &row.name, &row.grade, &row.why].map(|text| escape(text));
        let _ = write!(page, "<tr><td>{stage}<td>{name}<td>{grade}<td>{why}");
    }
    page.push_str("</table><h2>Not stopped</h2><ul>");
    for text in &report.not_stopped {
        let _ = write!(page, "<li>{}", escape(text));
    }
    page.push_str("</ul></html>\n");
    page
}

/// The phases as boxes; a barrier after each in which everything was refused.
fn chain(report: &Report) -> String {
    let mut phases: Vec<(&str, usize, usize)> = Vec::new();
    for row in &report.rows {
        let refused = usize::from(row.control && row.contained == Came::Refused);
        match phases.iter_mut().find(|(name, ..)| *name == row.phase) {
            Some((_, all, held)) => (*all, *held) = (*all + 1, *held + refused),
            None => phases.push((row.phase, 1, refused)),
        }
    }
    let mut picture =
        format!("<svg viewBox=\"0 0 {} 110\" role=\"img\" aria-label=\"kill chain\">", phases.len() * 180 + 20);
    for (index, (name, all, held)) in phases.iter().enumerate() {
        let x = 10 + index * 180;
        let (fill, stroke) = if all == held { ("#e7f5ec", "#126b3a") } else { ("#fdecef", "#b00020") };
        let _ = write!(
            picture,
            "<rect x=\"{x}\" y=\"25\" width=\"130\" height=\"60\" rx=\"6\" fill=\"{fill}\" stroke=\"{stroke}\"/>\
             <text x=\"{}\" y=\"50\">{}</text><text x=\"{}\" y=\"70\">{held} of {all} refused</text>\
             <line x1=\"{}\" y1=\"55\" x2=\"{}\" y2=\"55\" stroke=\"#888\"/>",
            x + 12,
            escape(name),
            x + 12,
            x + 130,
            x + 180
        );
        if all == held {
            let _ = write!(picture, "<rect x=\"{}\" y=\"15\" width=\"8\" height=\"80\" fill=\"#126b3a\"/>", x + 145);
        }
    }
    picture.push_str("</svg>");
    picture
}

/// The class and the words for it.
pub fn word(came: Came) -> (&'static str, &'static str) {
    match came {
        Came::Succeeded => ("succeeded", "SUCCEEDED"),
        Came::Refused => ("refused", "refused, recorded"),
        Came::Unrecorded => ("unrecorded", "refused, unrecorded"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
