//! What a browser shows at the root until the console is built: that it runs, and where to point a client.

use crate::app::App;

/// The page. Everything in it is our own text, escaped all the same.
pub fn page(app: &App) -> String {
    let checkpoint_size = app.log().size();
    let origin = escape(app.verifier().name().as_str());
    let upstream = app.upstream().map_or_else(|problem| problem.detail, |found| found.source.clone());
    let upstream = escape(&upstream);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Bulkhead</title>\
<meta name=\"viewport\" content=\"width=device-width\">\
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;color:#1c2430;background:#fff}}\
code{{background:#eef1f5;padding:.1em .3em;border-radius:3px}}dt{{color:#5a6675}}dd{{margin:0 0 .6em}}\
@media(prefers-color-scheme:dark){{body{{color:#dfe5ec;background:#12161c}}code{{background:#232a33}}dt{{color:#93a0ae}}}}</style></head>\
<body><h1>Bulkhead runs</h1>\
<dl><dt>Python index</dt><dd><code>/pypi/simple/</code> in front of the index from {upstream}</dd>\
<dt>Ledger</dt><dd>{origin}: {checkpoint_size} entries, <a href=\"/ledger/checkpoint\">checkpoint</a></dd>\
<dt>Console</dt><dd><a href=\"/console/\">/console/</a>: what came in, what is held, what was exposed</dd>\
<dt>Metrics</dt><dd><a href=\"/metrics\">/metrics</a></dd></dl>\
<p>Point a client here: <code>bulkhead setup pip</code>. Ask why something was refused: <code>bulkhead explain pkg:pypi/NAME@VERSION</code>.</p>\
</body></html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
