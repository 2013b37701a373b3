//! The frame of every page.

use bulkhead_core::Problem;

use super::session::Session;
use crate::exposure::picture::escape;

const PAGES: &[(&str, &str)] = &[
    ("/console/", "Overview"),
    ("/console/held", "Held"),
    ("/console/exposure", "Exposure"),
    ("/console/ledger", "Ledger"),
];

/// A page of a session; `here` is its place in the menu.
pub(super) fn page(session: &Session, here: &str, title: &str, body: &str) -> String {
    let link = |(path, name): &(&str, &str)| {
        let current = if *name == here { " aria-current=\"page\"" } else { "" };
        format!("<li><a href=\"{path}\"{current}>{name}</a></li>")
    };
    let links: String = PAGES.iter().map(link).collect();
    let (who, csrf) = (escape(session.principal.as_str()), &session.csrf);
    frame(
        title,
        &format!(
            "<header><a class=\"skip\" href=\"#main\">Skip to content</a><p class=\"brand\"><a href=\"/console/\">Bulkhead</a></p>\
             <nav aria-label=\"Pages\"><ul>{links}</ul></nav>\
             <form class=\"out\" method=\"post\" action=\"/console/logout\"><input type=\"hidden\" name=\"csrf\" value=\"{csrf}\"><span>{who}</span> <button class=\"quiet\">Sign out</button></form></header>\
             <main id=\"main\">{body}</main>"
        ),
    )
}

/// The way in.
pub(super) fn login(wrong: Option<&str>) -> String {
    let wrong = wrong.map_or_else(String::new, |wrong| format!("<p class=\"wrong\" role=\"alert\">{wrong}</p>"));
    frame(
        "Sign in",
        &format!(
            "<main class=\"narrow\"><h1>Bulkhead</h1>{wrong}\
             <form method=\"post\" action=\"/console/login\" class=\"card\"><label for=\"token\">Console token</label>\
             <input id=\"token\" name=\"token\" type=\"password\" autocomplete=\"current-password\" required autofocus aria-describedby=\"how\">\
             <p id=\"how\" class=\"note\">Make one: <code>bulkhead token create --for you --console</code></p>\
             <button>Sign in</button></form></main>"
        ),
    )
}

/// What went wrong, why, what next.
pub(super) fn problem(problem: &Problem) -> String {
    let detail: String = problem.detail.lines().map(|line| format!("<p>{}</p>", escape(line))).collect();
    let help = if problem.help.is_empty() {
        String::new()
    } else {
        format!("<p class=\"note\">{}</p>", escape(&problem.help))
    };
    let title = escape(&problem.title);
    let body = format!(
        "<main class=\"narrow\"><h1>{title}</h1><div class=\"card\" role=\"alert\">{detail}{help}<p><code>{}</code></p></div><p><a href=\"/console/\">Overview</a></p></main>",
        escape(&problem.code.to_string())
    );
    frame(&problem.title, &body)
}

fn frame(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{} · Bulkhead</title><link rel=\"stylesheet\" href=\"/console/style.css\"></head>\n<body>{body}</body></html>\n",
        escape(title)
    )
}
