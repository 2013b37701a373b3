//! What came in, what was held and refused, day by day; what is marked; how the ledger stands.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bulkhead_core::Problem;
use jiff::tz::TimeZone;

use super::{Page, ask, layout};
use crate::control::{Held, Request};
use crate::exposure::picture::{escape, thousands};

const DAYS: i64 = 30;

pub(super) async fn page(page: &Page<'_>) -> Result<String, Problem> {
    let app = page.app;
    app.projected().await?;
    let today = app.clock().now().as_second().div_euclid(86_400);
    let (mut daily, mut alarms, mut environments, mut inside) = (Vec::new(), Vec::new(), 0, 0);
    app.store()
        .look(&mut |graph| {
            daily = graph.daily(today - DAYS + 1)?;
            alarms = graph.alarms()?;
            environments = graph.environments()?.len();
            inside = graph.inside()?.len();
            Ok(())
        })
        .map_err(|error| error.to_problem())?;
    let held: Held = ask(app, Request::ReviewList { all: false }).await?;
    let tile = |number: usize, name: &str, link: &str| {
        format!("<li class=\"card\"><b>{}</b><span><a href=\"{link}\">{name}</a></span></li>", thousands(number as u64))
    };
    let mut body = format!(
        "<h1>Overview</h1><ul class=\"tiles\">{}{}{}{}</ul>",
        tile(held.items.len(), "waiting for review", "/console/held"),
        tile(inside, "releases inside", "/console/exposure"),
        tile(environments, "environments scanned", "/console/exposure"),
        tile(usize::try_from(app.log().size()).unwrap_or(usize::MAX), "entries in the ledger", "/console/ledger"),
    );
    body.push_str(&chart(&daily, today));
    body.push_str("<h2>Marked while inside</h2>");
    if alarms.is_empty() {
        body.push_str("<p class=\"note\">Nothing that is inside was marked. <code>bulkhead watch</code> looks again whenever it runs.</p>");
    } else {
        body.push_str("<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Release</th><th scope=\"col\">Marked by</th><th scope=\"col\">Entry</th></tr></thead><tbody>");
        for (purl, advisory, entry) in &alarms {
            let query = super::form::encode(purl);
            let _ = write!(
                body,
                "<tr class=\"touched\"><th scope=\"row\"><a href=\"/console/exposure?by=release&amp;name={query}\">{}</a></th><td class=\"tag\">{}</td><td><a href=\"/console/ledger/entry?index={entry}\">{entry}</a></td></tr>",
                escape(purl),
                escape(advisory)
            );
        }
        body.push_str("</tbody></table></div>");
    }
    Ok(layout::page(page.session, "Overview", "Overview", &body))
}

/// Bars of each day, one on top of the other, and the same numbers as a table for those who do not see them.
fn chart(daily: &[(i64, String, u64)], today: i64) -> String {
    let mut days: BTreeMap<i64, [u64; 3]> = (0..DAYS).map(|ago| (today - ago, [0; 3])).collect();
    for (day, what, count) in daily {
        let place = match what.as_str() {
            "in" => 0,
            "held" => 1,
            _ => 2,
        };
        days.entry(*day).or_default()[place] += count;
    }
    let most = days.values().map(|counts| counts.iter().sum::<u64>()).max().unwrap_or(0).max(1);
    let (width, height, left, base) = (900.0, 210.0, 44.0, 176.0);
    let step = (width - left) / DAYS as f64;
    let mut bars = String::new();
    for (place, (day, counts)) in days.iter().enumerate() {
        let x = left + place as f64 * step + step * 0.15;
        let (mut y, date) = (base, date(*day));
        let title = format!("{date}: {} came in, {} held, {} refused", counts[0], counts[1], counts[2]);
        let _ = write!(bars, "<g><title>{title}</title>");
        for (count, class) in counts.iter().zip(["bar-in", "bar-held", "bar-refused"]) {
            let tall = *count as f64 / most as f64 * (base - 16.0);
            if *count > 0 {
                y -= tall.max(1.5);
                let _ = write!(
                    bars,
                    "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"1.5\"/>",
                    step * 0.7,
                    tall.max(1.5)
                );
            }
        }
        bars.push_str("</g>");
        if place % 5 == 4 {
            // The last date ends where its bar ends, or it would be cut off.
            let (anchor, at) =
                if place as i64 == DAYS - 1 { ("end", x + step * 0.7) } else { ("middle", x + step * 0.35) };
            let day = &date[5..];
            let _ = write!(bars, "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{day}</text>", base + 18.0);
        }
    }
    let total = |place: usize| days.values().map(|counts| counts[place]).sum::<u64>();
    let rows: String = days
        .iter()
        .rev()
        .filter(|(_, counts)| counts.iter().any(|count| *count > 0))
        .map(|(day, counts)| {
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
                date(*day),
                counts[0],
                counts[1],
                counts[2]
            )
        })
        .collect();
    format!(
        "<h2>The last {DAYS} days</h2><figure class=\"card chart\"><svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"Files that came in, were held and were refused, by day\">\
         <line class=\"axis\" x1=\"{left}\" y1=\"{base}\" x2=\"{width}\" y2=\"{base}\"/><text x=\"{:.1}\" y=\"22\" text-anchor=\"end\">{}</text><text x=\"{:.1}\" y=\"{base}\" text-anchor=\"end\">0</text>{bars}</svg>\
         <figcaption><span class=\"key key-in\"></span>came in {} <span class=\"key key-held\"></span>held {} <span class=\"key key-refused\"></span>refused {}</figcaption>\
         <details><summary>The same as a table</summary><table><thead><tr><th scope=\"col\">Day</th><th scope=\"col\">Came in</th><th scope=\"col\">Held</th><th scope=\"col\">Refused</th></tr></thead><tbody>{rows}</tbody></table></details></figure>",
        left - 8.0,
        thousands(most),
        left - 8.0,
        thousands(total(0)),
        thousands(total(1)),
        thousands(total(2)),
    )
}

fn date(day: i64) -> String {
    let at = jiff::Timestamp::from_second(day * 86_400).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::UTC).date().to_string()
}
