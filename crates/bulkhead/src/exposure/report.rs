//! The report for people: plain language, one HTML file, printable, no script, nothing fetched.

use std::collections::BTreeSet;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::answer::{Answer, Grade, Row, Stage};
use super::picture::{class, escape, summary, svg, thousands};

#[cfg(test)]
mod tests;

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:15px/1.55 system-ui,sans-serif;max-width:78rem;margin:2rem auto;padding:0 1.2rem;color:#1c2430;background:#fff}\
h1{font-size:1.55rem;line-height:1.25}h2{font-size:1.15rem;margin-top:2.2rem}table{border-collapse:collapse;width:100%}caption{text-align:left;padding:.3em 0;color:#56606e}\
th,td{text-align:left;vertical-align:top;padding:.4em .8em .4em 0;border-bottom:1px solid #dde2e8}th{font-weight:600}.name,td{overflow-wrap:anywhere}\
.tag{white-space:nowrap;font-weight:600}.touched .tag{color:#b3261e}.within-reach .tag{color:#a15c00}.unknown .tag{color:#6541a5}.not-reachable .tag{color:#56606e}\
.graph{width:100%;height:auto;border:1px solid #dde2e8;border-radius:8px;background:#fff}code{font-size:.92em;word-break:break-all}.clock{font-size:1.05rem;font-weight:600}\
@media(prefers-color-scheme:dark){body{color:#e2e7ee;background:#12161c}th,td,.graph{border-color:#333c48}caption{color:#a3aebb}\
.touched .tag{color:#ff8a80}.within-reach .tag{color:#ffb74d}.unknown .tag{color:#c5a8ff}.not-reachable .tag{color:#a3aebb}}\
@media print{body{max-width:none;margin:0;color:#000;background:#fff}h2{break-after:avoid}tr,svg{break-inside:avoid}}";

/// The report on an answer that `entry` records, under a checkpoint that these witnesses cosigned.
pub(super) fn html(answer: &Answer, entry: u64, witnesses: &BTreeSet<String>) -> String {
    let subject = escape(&answer.question.subject.to_string());
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Exposure: {subject}</title><style>{STYLE}</style></head>\n<body>\n<main>\n<h1>What was exposed: {subject}</h1>\n"
    );
    out.push_str(&format!("<p>{}.</p>\n", escape(&summary(answer))));
    out.push_str(&window(answer));
    out.push_str(&format!(
        "<p>Asked by {} at {:.0} of the ledger <code>{}</code>, over its first {} entries. Entry {entry} records this answer. \
         Every row below names the entries that it rests on; each is in this bundle with its proof.</p>\n",
        escape(&answer.question.by),
        answer.question.asked,
        escape(&answer.log),
        answer.size
    ));
    out.push_str("<p><b>Touched</b>: an entry says so. <b>Within reach</b>: a live lease, a grant or a readable path on a host that had it. \
                  <b>Unknown</b>: nothing leads there, but the record has a gap. <b>Not reachable</b>: the record is whole, and nothing leads there.</p>\n");
    out.push_str(&svg(answer));
    out.push_str(&gaps(answer));
    for stage in Stage::ALL {
        out.push_str(&table(answer, stage));
    }
    out.push_str(&article_33(answer));
    out.push_str(&format!(
        "<h2>Check this yourself</h2>\n<p>README.txt in this bundle is the recipe: <code>bulkhead exposure verify BUNDLE.zip --mirror DIR --key KEY</code> \
         computes this answer anew from your own mirror of the ledger and says where it differs.</p>\n\
         {}<p>SHA-256 of answer.json: <code>{}</code></p>\n</main>\n</body></html>\n",
        cosigned(witnesses),
        answer.digest()
    ));
    out
}

/// Who else vouches for the history that the answer rests on.
fn cosigned(witnesses: &BTreeSet<String>) -> String {
    if witnesses.is_empty() {
        return "<p>No witness has cosigned the checkpoint in this bundle: that every reader sees the same log is the log's word alone.</p>\n".to_owned();
    }
    let items: String = witnesses.iter().map(|name| format!("<li><code>{}</code></li>\n", escape(name))).collect();
    format!(
        "<p>Cosigned by the witnesses below, which vouch that the log showed everybody the same history. \
         <code>--witness-policy FILE</code> checks it against the witnesses that you rely on.</p>\n<ul>\n{items}</ul>\n"
    )
}

fn window(answer: &Answer) -> String {
    match (answer.from, answer.to) {
        (Some(from), Some(to)) if to >= answer.question.asked => {
            format!("<p>From <b>{from:.0}</b> on; part of it was still so when this was asked ({to:.0}).</p>\n")
        }
        (Some(from), Some(to)) => format!("<p>From <b>{from:.0}</b> to <b>{to:.0}</b>.</p>\n"),
        _ => "<p>No time is recorded in which something had to do with it.</p>\n".to_owned(),
    }
}

fn gaps(answer: &Answer) -> String {
    if answer.gaps.is_empty() {
        return "<h2>Gaps in the record</h2>\n<p>None is known.</p>\n".to_owned();
    }
    let gap = |gap: &super::Gap| format!("<li>{} (entries {})</li>\n", escape(&gap.what), list(&gap.entries));
    let items: String = answer.gaps.iter().map(gap).collect();
    format!("<h2>Gaps in the record</h2>\n<ul>\n{items}</ul>\n")
}

fn table(answer: &Answer, stage: Stage) -> String {
    let rows: Vec<&Row> = answer.rows.iter().filter(|row| row.stage == stage).collect();
    if rows.is_empty() {
        return String::new();
    }
    let line = |row: &&Row| {
        let time = |at: Option<Timestamp>| at.map_or_else(|| "–".to_owned(), |at| format!("{at:.0}"));
        let mut why = escape(&row.why);
        if let Some(owner) = &row.owner {
            why.push_str(&format!("; owner {}", escape(owner)));
        }
        if let Some(people) = row.people {
            why.push_str(&format!("; about {} people", thousands(people)));
        }
        format!(
            "<tr class=\"{}\"><th scope=\"row\" class=\"name\">{}</th><td class=\"tag\">{}</td><td>{why}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            class(row.grade),
            escape(&row.name),
            row.grade.words(),
            time(row.from),
            time(row.to),
            list(&row.entries)
        )
    };
    let lines: String = rows.iter().map(line).collect();
    let head = match stage {
        Stage::Artifact => "Releases and files",
        Stage::Pull => "Who received it",
        Stage::Build => "Builds that embed it",
        Stage::Host => "Hosts",
        Stage::Run => "Runs",
        Stage::Contact => "Network hosts contacted",
        Stage::Secret => "Secrets",
        Stage::Dataset => "Datasets",
        Stage::Partner => "Partners",
        Stage::People => "People",
    };
    format!(
        "<h2>{head}</h2>\n<table>\n<thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Grade</th><th scope=\"col\">Why</th><th scope=\"col\">From</th><th scope=\"col\">To</th><th scope=\"col\">Entries</th></tr></thead>\n<tbody>\n{lines}</tbody></table>\n"
    )
}

/// The facts that GDPR article 33(3) asks for, and the clocks. What the record does not hold is named as not yet known.
fn article_33(answer: &Answer) -> String {
    let of = |grade: Grade| {
        answer.rows.iter().filter(move |row| row.stage == Stage::Dataset && row.grade == grade).collect::<Vec<_>>()
    };
    let (touched, reach) = (of(Grade::Touched), of(Grade::WithinReach));
    let both: Vec<&Row> = touched.iter().chain(&reach).copied().collect();
    let mut categories: Vec<&str> = both.iter().flat_map(|row| &row.categories).map(String::as_str).collect();
    categories.sort_unstable();
    categories.dedup();
    let records = |rows: &[&Row]| rows.iter().filter_map(|row| row.records).sum::<u64>();
    let uncounted: Vec<&str> = both.iter().filter(|row| row.people.is_none()).map(|row| row.name.as_str()).collect();
    let secrets: Vec<&str> = answer
        .rows
        .iter()
        .filter(|row| row.stage == Stage::Secret && row.grade <= Grade::WithinReach)
        .map(|row| row.name.as_str())
        .collect();
    let mut missing: Vec<String> = answer.gaps.iter().map(|gap| gap.what.clone()).collect();
    if !uncounted.is_empty() {
        missing.push(format!("how many people are in {}", uncounted.join(", ")));
    }
    missing.push("the likely consequences, and the data protection officer's contact: for people to write".to_owned());
    let measures = if secrets.is_empty() {
        "No secret was touched or within reach. What was done else is for people to write.".to_owned()
    } else {
        format!("To rotate: {}. What was done is for people to write.", secrets.join(", "))
    };
    let rows = [
        ("Nature", format!("{} ({})", answer.question.subject, summary(answer))),
        (
            "Window",
            match (answer.from, answer.to) {
                (Some(from), Some(to)) => format!("{from:.0} to {to:.0}"),
                _ => "none recorded".to_owned(),
            },
        ),
        (
            "Categories of people and data",
            if categories.is_empty() { "none declared".to_owned() } else { categories.join(", ") },
        ),
        (
            "People, approximately",
            format!(
                "{} touched, {} more within reach (each an upper bound: somebody in two datasets counts twice)",
                thousands(answer.people_touched),
                thousands(answer.people_within_reach)
            ),
        ),
        (
            "Records, approximately",
            format!("{} touched, {} more within reach", thousands(records(&touched)), thousands(records(&reach))),
        ),
        ("Measures", measures),
        ("Not yet known", missing.join("; ")),
    ];
    let lines: String = rows
        .iter()
        .map(|(head, text)| format!("<tr><th scope=\"row\">{head}</th><td>{}</td></tr>\n", escape(text)))
        .collect();
    format!(
        "<h2>For the notification (GDPR article 33)</h2>\n<table>\n<tbody>\n{lines}</tbody></table>\n{}",
        clocks(answer.question.aware)
    )
}

/// Until when it must be told, from the moment in which it became known.
fn clocks(aware: Timestamp) -> String {
    let deadline = aware.checked_add(SignedDuration::from_hours(72)).unwrap_or(Timestamp::MAX);
    format!(
        "<p class=\"clock\">72 hours from {aware:.0}: <b>{deadline:.0}</b></p>\n\
         <p class=\"clock\">4 business days from then, should it be material (SEC 8-K 1.05): <b>{}</b></p>\n\
         <p>The 72 hours are counted by the hour, weekends and holidays included. Business days are Monday to Friday in UTC; holidays are not known here. \
         The four days run from the day on which somebody determines that it is material; counted from awareness they are the earliest possible.</p>\n",
        business_days(aware, 4)
    )
}

/// The day so many business days after that moment.
fn business_days(from: Timestamp, count: u32) -> String {
    let mut day = from.to_zoned(TimeZone::UTC).date();
    let mut left = count;
    while left > 0 {
        let Ok(next) = day.tomorrow() else { break };
        day = next;
        if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            left -= 1;
        }
    }
    day.to_string()
}

fn list(entries: &BTreeSet<u64>) -> String {
    let shown: Vec<String> = entries.iter().take(12).map(ToString::to_string).collect();
    let more = entries.len().saturating_sub(shown.len());
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
