//! The question that follows a breach, asked in a browser.

use std::fmt::Write as _;

use bulkhead_core::{Code, Problem};
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use jiff::Timestamp;

use super::form::Form;
use super::{Page, layout};
use crate::control;
use crate::exposure::picture::{class, escape, summary, svg, thousands};
use crate::exposure::{Answer, Question, Stage, Subject};
use crate::net::Body;

const KINDS: &[(&str, &str)] = &[
    ("release", "Release (pkg:pypi/litellm@1.82.8)"),
    ("file", "File, by SHA-256"),
    ("contact", "Network host that runs contacted"),
    ("secret", "Secret"),
    ("dataset", "Dataset"),
    ("principal", "Principal"),
];

pub(super) fn form(page: &Page<'_>) -> String {
    let body = format!("<h1>What was exposed?</h1>{}", search(page, &page.query));
    layout::page(page.session, "Exposure", "Exposure", &body)
}

fn search(page: &Page<'_>, known: &Form) -> String {
    let option = |(value, name): &(&str, &str)| {
        let selected = if *value == known.get("by") { " selected" } else { "" };
        format!("<option value=\"{value}\"{selected}>{name}</option>")
    };
    let options: String = KINDS.iter().map(option).collect();
    format!(
        "<form class=\"card\" method=\"post\" action=\"/console/exposure\"><input type=\"hidden\" name=\"csrf\" value=\"{}\"><div class=\"fields\">\
         <div><label for=\"by\">By</label><select id=\"by\" name=\"by\">{options}</select></div>\
         <div><label for=\"name\">Which</label><input id=\"name\" name=\"name\" required value=\"{}\"></div>\
         <div><label for=\"from\">Not before (UTC, optional)</label><input id=\"from\" name=\"from\" placeholder=\"2026-03-24T10:00Z\" value=\"{}\"></div>\
         <div><label for=\"to\">Not after (UTC, optional)</label><input id=\"to\" name=\"to\" placeholder=\"2026-03-24T16:00Z\" value=\"{}\"></div></div>\
         <button>Ask</button> <span class=\"note\">That it was asked is recorded.</span></form>",
        page.session.csrf,
        escape(known.get("name")),
        escape(known.get("from")),
        escape(known.get("to"))
    )
}

pub(super) async fn answer(page: &Page<'_>, form: &Form) -> Result<String, Problem> {
    let (answer, entry) = control::answer(page.app, question(page, form)?).await?;
    let answer = named(page, answer)?;
    let mut body = format!("<h1>What was exposed: {}</h1>", escape(&answer.question.subject.to_string()));
    let _ = write!(body, "<p>{}.</p>", escape(&summary(&answer)));
    if let (Some(from), Some(to)) = (answer.from, answer.to) {
        let still = if to >= answer.question.asked { ", part of it still so" } else { "" };
        let _ = write!(
            body,
            "<p>From <b>{from:.0}</b> to <b>{to:.0}</b>{still}. People: about <b>{}</b> touched, <b>{}</b> more within reach.</p>",
            thousands(answer.people_touched),
            thousands(answer.people_within_reach)
        );
    }
    let _ = write!(body, "<figure>{}</figure>", svg(&answer));
    if !answer.gaps.is_empty() {
        body.push_str("<h2>Gaps in the record</h2><ul>");
        for gap in &answer.gaps {
            let _ = write!(body, "<li>{} ({})</li>", escape(&gap.what), links(&gap.entries));
        }
        body.push_str("</ul>");
    }
    body.push_str(&rows(&answer));
    let _ = write!(
        body,
        "<h2>For others</h2><form class=\"card\" method=\"post\" action=\"/console/exposure/bundle\">{}<p>The answer, every entry with its proof, a report to print, and how to check it all from a mirror.</p><button>Download the bundle</button> \
         <span class=\"note\">Entry <a href=\"/console/ledger/entry?index={entry}\">{entry}</a> records this answer over the first {} entries.</span></form><h2>Ask again</h2>{}",
        hidden(page, form),
        answer.size,
        search(page, form)
    );
    Ok(layout::page(page.session, "Exposure", "Exposure", &body))
}

/// The answer with people by their names, as long as those are known: for whoever may see the console.
fn named(page: &Page<'_>, answer: Answer) -> Result<Answer, Problem> {
    let bug = |error: serde_json::Error| Problem::new(Code::Bug, format!("the answer cannot be shown: {error}"));
    let mut value = serde_json::to_value(answer).map_err(bug)?;
    page.app.subjects().reveal(&mut value);
    serde_json::from_value(value).map_err(bug)
}

fn rows(answer: &Answer) -> String {
    let mut out = "<h2>Everything, by grade</h2><div class=\"scroll\"><table><thead><tr><th scope=\"col\">What</th><th scope=\"col\">Name</th><th scope=\"col\">Grade</th><th scope=\"col\">Why</th><th scope=\"col\">From</th><th scope=\"col\">To</th><th scope=\"col\">Entries</th></tr></thead><tbody>".to_owned();
    let time = |at: Option<Timestamp>| at.map_or_else(|| "–".to_owned(), |at| format!("{at:.0}"));
    for row in &answer.rows {
        let people = match (row.stage, row.people) {
            (Stage::People, Some(people)) => format!(" (about {})", thousands(people)),
            _ => String::new(),
        };
        let _ = write!(
            out,
            "<tr class=\"{}\"><td>{}</td><th scope=\"row\" class=\"name\">{}{people}</th><td class=\"tag\">{}</td><td>{}</td><td class=\"time\">{}</td><td class=\"time\">{}</td><td>{}</td></tr>",
            class(row.grade),
            row.stage.word(),
            escape(&row.name),
            row.grade.words(),
            escape(&row.why),
            time(row.from),
            time(row.to),
            links(&row.entries)
        );
    }
    out.push_str("</tbody></table></div>");
    out
}

fn links(entries: &std::collections::BTreeSet<u64>) -> String {
    let link = |entry: &u64| format!("<a href=\"/console/ledger/entry?index={entry}\">{entry}</a>");
    let shown: Vec<String> = entries.iter().take(8).map(link).collect();
    let more = entries.len().saturating_sub(8);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

fn hidden(page: &Page<'_>, form: &Form) -> String {
    let field = |name: &str| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(form.get(name)));
    let csrf = format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", page.session.csrf);
    ["by", "name", "from", "to"].into_iter().fold(csrf, |all, name| all + &field(name))
}

/// The bundle as a download: asked again, so that its answer has an entry of its own.
pub(super) async fn bundle(page: &Page<'_>, form: &Form) -> Result<Response<Body>, Problem> {
    let (answer, entry) = control::answer(page.app, question(page, form)?).await?;
    let bytes = control::bundle(page.app, &answer, entry).await?;
    let mut response = Response::new(Body::from(Bytes::from(bytes)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"exposure.zip\""));
    Ok(response)
}

fn question(page: &Page<'_>, form: &Form) -> Result<Question, Problem> {
    let wrong = |why: String| {
        Problem::new(Code::BadRequest, why).with_help("go back and write it as the field's example shows")
    };
    let name = form.text("name").ok_or_else(|| wrong("nothing is named".to_owned()))?;
    let subject = match form.get("by") {
        "release" => Subject::Release(name.parse().map_err(|error| wrong(format!("{error}")))?),
        "file" => Subject::File(name.trim_start_matches("sha256:").parse().map_err(|error| wrong(format!("{error}")))?),
        "contact" => Subject::HostContacted(name.to_owned()),
        "secret" => Subject::Secret(name.to_owned()),
        "dataset" => Subject::Dataset(name.to_owned()),
        "principal" => Subject::Principal(name.to_owned()),
        other => return Err(wrong(format!("`{other}` cannot be asked about"))),
    };
    let time = |field: &str| -> Result<Option<Timestamp>, Problem> {
        let Some(text) = form.text(field) else { return Ok(None) };
        let short = text.strip_suffix('Z').filter(|head| head.len() == 16).map(|head| format!("{head}:00Z"));
        let parsed = short.as_deref().unwrap_or(text).parse();
        parsed.map(Some).map_err(|_| wrong(format!("`{text}` is not a time such as 2026-03-24T10:00Z")))
    };
    let now = page.app.clock().now();
    let by = page.session.principal.to_string();
    Ok(Question { subject, from: time("from")?, to: time("to")?, asked: now, aware: now, by })
}
