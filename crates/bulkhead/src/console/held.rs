//! What is held, with the evidence, and the two decisions about it.

use std::fmt::Write as _;

use bulkhead_core::{Duration, Problem, Value};
use jiff::SignedDuration;

use super::form::{Form, encode};
use super::{Page, ask, layout};
use crate::control::{ExplainedFile, Explanation, Held, Request, Reviewed};
use crate::exposure::picture::escape;

pub(super) async fn list(page: &Page<'_>) -> Result<String, Problem> {
    let held: Held = ask(page.app, Request::ReviewList { all: false }).await?;
    let mut body = "<h1>Held and refused</h1>".to_owned();
    if held.items.is_empty() {
        body.push_str("<p class=\"note\">Nothing waits for a review.</p>");
    } else {
        body.push_str("<div class=\"scroll\"><table><caption>What was refused and waits for a person, longest first</caption><thead><tr><th scope=\"col\">File</th><th scope=\"col\">Effect</th><th scope=\"col\">Rule</th><th scope=\"col\">Why</th><th scope=\"col\">Asked</th><th scope=\"col\">By</th></tr></thead><tbody>");
        for item in &held.items {
            let name = item.file.as_deref().unwrap_or(&item.purl);
            let _ = write!(
                body,
                "<tr class=\"{effect}\"><th scope=\"row\"><a href=\"/console/held/item?purl={}\">{}</a></th><td class=\"tag\">{effect}</td><td>{}</td><td>{}</td><td>{} times, last {:.0}</td><td>{}</td></tr>",
                encode(&item.purl),
                escape(name),
                escape(&item.rule),
                escape(&item.reason),
                item.asked,
                item.last,
                escape(&item.principals.join(", ")),
                effect = item.effect,
            );
        }
        body.push_str("</tbody></table></div>");
    }
    Ok(layout::page(page.session, "Held", "Held", &body))
}

pub(super) async fn item(page: &Page<'_>) -> Result<String, Problem> {
    let purl = page.query.get("purl").to_owned();
    let explained: Result<Explanation, Problem> = ask(page.app, Request::Explain { subject: purl.clone() }).await;
    let (name, csrf) = (escape(&purl), &page.session.csrf);
    let mut body = format!("<p><a href=\"/console/held\">Held</a></p><h1>{name}</h1>");
    match explained {
        Ok(explanation) => {
            let _ = write!(
                body,
                "<div class=\"card\"><p><b>{}</b></p><p>{}</p>",
                escape(&explanation.title),
                escape(&explanation.detail)
            );
            if !explanation.help.is_empty() {
                let _ = write!(body, "<p class=\"note\">{}</p>", escape(&explanation.help));
            }
            body.push_str("</div>");
            for file in &explanation.files {
                evidence(&mut body, file);
            }
        }
        // The upstream may be gone meanwhile; what was decided can still be decided again.
        Err(problem) => {
            let _ = write!(body, "<div class=\"card\"><p class=\"wrong\">{}</p></div>", escape(&problem.detail));
        }
    }
    let _ = write!(
        body,
        "<h2>Decide</h2><div class=\"two\">\
         <form class=\"card\" method=\"post\" action=\"/console/review\"><input type=\"hidden\" name=\"csrf\" value=\"{csrf}\"><input type=\"hidden\" name=\"purl\" value=\"{name}\"><input type=\"hidden\" name=\"decision\" value=\"release\">\
         <label for=\"why-release\">Why it may pass (kept for ever)</label><textarea id=\"why-release\" name=\"reason\" rows=\"2\" required></textarea>\
         <label for=\"span\">For how long</label><input id=\"span\" name=\"expires\" value=\"7d\" pattern=\"[0-9]+[smhdw]\" required><button>Release</button></form>\
         <form class=\"card\" method=\"post\" action=\"/console/review\"><input type=\"hidden\" name=\"csrf\" value=\"{csrf}\"><input type=\"hidden\" name=\"purl\" value=\"{name}\"><input type=\"hidden\" name=\"decision\" value=\"reject\">\
         <label for=\"why-reject\">Why it must not (kept for ever)</label><textarea id=\"why-reject\" name=\"reason\" rows=\"2\" required></textarea><button class=\"stop\">Reject for good</button></form></div>"
    );
    Ok(layout::page(page.session, "Held", &purl, &body))
}

fn evidence(body: &mut String, file: &ExplainedFile) {
    let _ = write!(
        body,
        "<h2>{} <span class=\"{effect}\"><span class=\"tag\">{effect}</span></span></h2><div class=\"scroll\"><table><tbody>",
        escape(&file.file),
        effect = file.effect
    );
    for reason in &file.reasons {
        let _ = write!(
            body,
            "<tr class=\"{}\"><th scope=\"row\">rule {}</th><td><span class=\"tag\">{}</span> {}</td></tr>",
            reason.effect,
            escape(&reason.rule),
            reason.effect,
            escape(&reason.text)
        );
    }
    for finding in &file.facts.findings {
        let place = finding.location.as_ref().map_or_else(String::new, |place| match place.line {
            Some(line) => format!(" in {}:{line}", place.path),
            None => format!(" in {}", place.path),
        });
        let excerpt =
            finding.excerpt.as_deref().map_or_else(String::new, |text| format!("<pre>{}</pre>", escape(text)));
        let _ = write!(
            body,
            "<tr><th scope=\"row\">finding {}</th><td>{}{}{excerpt}</td></tr>",
            escape(&finding.detector),
            escape(&finding.title),
            escape(&place)
        );
    }
    for unknown in &file.facts.unknowns {
        let _ = write!(
            body,
            "<tr class=\"unknown\"><th scope=\"row\">unknown {}</th><td>{}</td></tr>",
            escape(&unknown.source),
            escape(&unknown.why)
        );
    }
    for (name, value) in &file.facts.attributes {
        let text = match value {
            Value::Null => continue,
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Text(value) => value.clone(),
            Value::List(values) if values.is_empty() => continue,
            Value::List(values) => values.join(", "),
        };
        let _ = write!(body, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape(name), escape(&text));
    }
    body.push_str("</tbody></table></div>");
}

pub(super) async fn decide(page: &Page<'_>, form: &Form) -> Result<(), Problem> {
    let wrong = |why: &str| Problem::new(bulkhead_core::Code::BadRequest, why);
    let (subject, owner) = (form.get("purl").to_owned(), page.session.principal.to_string());
    let reason = form.text("reason").ok_or_else(|| wrong("the reason is empty"))?.to_owned();
    let _reviewed: Reviewed = match form.get("decision") {
        "release" => {
            let span: Duration =
                form.get("expires").parse().map_err(|error: bulkhead_core::DurationError| wrong(&error.to_string()))?;
            let expires = page.app.clock().now().checked_add(SignedDuration::from_secs(span.as_seconds()));
            let expires = expires.map_err(|_| wrong("that is after the end of time"))?;
            ask(page.app, Request::ReviewRelease { subject, rule: None, reason, owner, expires }).await?
        }
        "reject" => ask(page.app, Request::ReviewReject { subject, reason, owner }).await?,
        _ => return Err(wrong("the form says neither release nor reject")),
    };
    Ok(())
}
