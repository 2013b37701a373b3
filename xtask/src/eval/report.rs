//! What is printed: the figures as JSON, and the same as text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Set;
use super::count::{Share, Spread};
use super::guarddog::Answers;
use super::judge::Archive;
use crate::{repository, run};

/// All figures of a run.
pub(super) fn figures(sets: &[Set], peer: &Answers, without: &[String]) -> Value {
    let mut benign: Vec<&Archive> = Vec::new();
    let mut malicious: Vec<&Archive> = Vec::new();
    let mut by_set = Vec::new();
    for set in sets {
        let counted: Vec<&Archive> =
            set.archives.iter().filter(|archive| archive.distinct() || !set.malicious).collect();
        by_set.push(of_set(&set.name, set.malicious, &counted, set.archives.len(), peer));
        if set.malicious { &mut malicious } else { &mut benign }.extend(counted);
    }
    if sets.iter().filter(|set| !set.malicious).count() > 1 {
        by_set.push(of_set("all benign", false, &benign, benign.len(), peer));
    }
    json!({
        "commit": run::ask("git", &["rev-parse", "HEAD"], repository::root()).map(|commit| commit.trim().to_owned()),
        "without": without,
        "peer": peer.version,
        "sets": by_set,
        "detectors": confusion(&malicious, &benign, |archive| {
            archive.findings.iter().map(|found| found.detector.clone()).collect()
        }),
        "at": confusion(&malicious, &benign, |archive| {
            archive.findings.iter().map(|found| format!("{} {} {}", found.detector, found.severity, found.context)).collect()
        }),
        "rules": confusion(&malicious, &benign, |archive| archive.rules.iter().cloned().collect()),
        "scores": scores(&malicious, &benign),
    })
}

fn share(share: Share) -> Value {
    let (low, high) = share.interval();
    json!({ "hits": share.hits, "of": share.of, "percent": share.percent(), "low": low, "high": high })
}

fn spread(spread: Spread) -> Value {
    json!({ "median": spread.median, "p95": spread.p95, "max": spread.max })
}

fn of_set(name: &str, malicious: bool, archives: &[&Archive], files: usize, peer: &Answers) -> Value {
    let count = |is_so: fn(&&&Archive) -> bool| share(Share::of(archives, |archive| is_so(&archive)));
    let mut figures = json!({
        "name": name,
        "malicious": malicious,
        "files": files,
        "refused": count(|archive| archive.refused()),
        "denied": count(|archive| archive.effect == "deny"),
        "refused_without": count(|archive| archive.refused_without()),
        "by_form_alone": count(|archive| archive.by_form_alone()),
        "no_verdict": count(|archive| !archive.verdict_given),
        "cpu_us": spread(Spread::of(archives.iter().filter_map(|archive| archive.cpu_us))),
        "cpu_unknown": archives.iter().filter(|archive| archive.cpu_us.is_none()).count(),
        "rss_kb": spread(Spread::of(archives.iter().map(|archive| archive.rss_kb))),
    });
    // Pairs: only the archives that both have looked at, for both.
    let pairs: Vec<_> = archives.iter().filter_map(|archive| Some((*archive, peer.on(archive)?))).collect();
    if !pairs.is_empty() {
        let told = || pairs.iter().map(|(_, answer)| answer);
        figures["pairs"] = json!({
            "refused": share(Share::of(&pairs, |(archive, _)| archive.refused())),
            "suspicious": share(Share::of(told(), |answer| answer.suspicious())),
            "high": share(Share::of(told(), |answer| answer.high())),
            "only_bulkhead": pairs.iter().filter(|(archive, answer)| archive.refused() && !answer.suspicious()).count(),
            "only_peer": pairs.iter().filter(|(archive, answer)| !archive.refused() && answer.suspicious()).count(),
            "neither": pairs.iter().filter(|(archive, answer)| !archive.refused() && !answer.suspicious()).count(),
            "no_verdict": told().filter(|answer| answer.verdict.is_err()).count(),
            "failed_rules": told().filter(|answer| answer.failed_rules > 0).count(),
            "bulkhead_cpu_us": spread(Spread::of(pairs.iter().filter_map(|(archive, _)| archive.cpu_us))),
            "cpu_us": spread(Spread::of(told().map(|answer| answer.cpu_us))),
            "rss_kb": spread(Spread::of(told().map(|answer| answer.rss_kb))),
        });
    }
    figures
}

/// For each word: on how many archives of either kind it is, and on how many it is the only one.
fn confusion(malicious: &[&Archive], benign: &[&Archive], words: fn(&Archive) -> BTreeSet<String>) -> Value {
    let mut table: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    for (column, archives) in [malicious, benign].into_iter().enumerate() {
        for archive in archives {
            let words = words(archive);
            let alone = words.len() == 1;
            for word in words {
                let row = table.entry(word).or_default();
                row[column] += 1;
                row[2 + column] += usize::from(alone);
            }
        }
    }
    let rows = table.into_iter().map(|(word, [malicious, benign, malicious_alone, benign_alone])| {
        json!({
            "name": word, "malicious": malicious, "benign": benign,
            "malicious_alone": malicious_alone, "benign_alone": benign_alone,
        })
    });
    Value::Array(rows.collect())
}

/// What a threshold on the score alone would refuse.
fn scores(malicious: &[&Archive], benign: &[&Archive]) -> Value {
    let rows = (0..10).map(|tenth| {
        let least = if tenth == 0 { 1 } else { tenth * 10 };
        json!({
            "least": least,
            "malicious": share(Share::of(malicious, |archive| archive.score >= least)),
            "benign": share(Share::of(benign, |archive| archive.score >= least)),
        })
    });
    Value::Array(rows.collect())
}

/// The figures as text for a terminal.
pub(super) fn text(figures: &Value) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    for set in figures["sets"].as_array().into_iter().flatten() {
        let (what, form) = if set["malicious"] == true { ("recall", "found") } else { ("false positives", "refused") };
        line(format!("\n{}: {} archives, {} files", words(&set["name"]), set["refused"]["of"], set["files"]));
        line(format!("  {what}, deny or hold        {}", percent(&set["refused"])));
        line(format!("  {what}, deny                {}", percent(&set["denied"])));
        line(format!("  {what} without {:<11}  {}", list(&figures["without"]), percent(&set["refused_without"])));
        line(format!("  {form} by the archive's form alone: {}", set["by_form_alone"]["hits"]));
        line(format!("  no verdict               {}", set["no_verdict"]["hits"]));
        line(format!("  CPU ms                   {}", spread_text(&set["cpu_us"], 1_000.0)));
        line(format!("  worker's memory MB       {}", spread_text(&set["rss_kb"], 1_000.0)));
        let pairs = &set["pairs"];
        if !pairs.is_null() {
            line(format!("  beside {} on the same {} archives:", words(&figures["peer"]), pairs["refused"]["of"]));
            line(format!("    Bulkhead, deny or hold   {}", percent(&pairs["refused"])));
            line(format!("    its score >= 5           {}", percent(&pairs["suspicious"])));
            line(format!("    its score >= 7           {}", percent(&pairs["high"])));
            line(format!(
                "    only Bulkhead {}, only it {}, neither {}",
                pairs["only_bulkhead"], pairs["only_peer"], pairs["neither"]
            ));
            line(format!(
                "    it gives no verdict      {} (and on {} some of its rules failed)",
                pairs["no_verdict"], pairs["failed_rules"]
            ));
            line(format!("    Bulkhead's CPU ms        {}", spread_text(&pairs["bulkhead_cpu_us"], 1_000.0)));
            line(format!("    its CPU ms               {}", spread_text(&pairs["cpu_us"], 1_000.0)));
            line(format!("    its memory MB            {}", spread_text(&pairs["rss_kb"], 1_000.0)));
        }
    }
    for (title, key) in [("rule", "rules"), ("detector", "detectors")] {
        line(format!("\n{title:<32} malicious  alone   benign  alone"));
        for row in figures[key].as_array().into_iter().flatten() {
            line(format!(
                "{:<32} {:>9} {:>6} {:>8} {:>6}",
                words(&row["name"]),
                number(&row["malicious"]),
                number(&row["malicious_alone"]),
                number(&row["benign"]),
                number(&row["benign_alone"])
            ));
        }
    }
    line("\nscore at least    malicious      benign".to_owned());
    for row in figures["scores"].as_array().into_iter().flatten() {
        let percent = |name: &str| row[name]["percent"].as_f64().unwrap_or_default();
        line(format!("{:>14} {:>10.1} % {:>9.1} %", number(&row["least"]), percent("malicious"), percent("benign")));
    }
    out
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A number that can be set flush right, which a JSON value ignores.
fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn list(value: &Value) -> String {
    value.as_array().into_iter().flatten().map(words).collect::<Vec<_>>().join(", ")
}

fn percent(share: &Value) -> String {
    let number = |name: &str| share[name].as_f64().unwrap_or_default();
    format!(
        "{:5.1} %  ({:.1} to {:.1}; {} of {})",
        number("percent"),
        number("low"),
        number("high"),
        share["hits"],
        share["of"]
    )
}

fn spread_text(spread: &Value, unit: f64) -> String {
    let number = |name: &str| spread[name].as_f64().unwrap_or_default() / unit;
    format!("median {:.1}, p95 {:.1}, max {:.1}", number("median"), number("p95"), number("max"))
}

/// The malicious archives that pass, with what was seen all the same.
pub(super) fn misses(sets: &[Set]) -> String {
    let missed = sets.iter().filter(|set| set.malicious).flat_map(|set| &set.archives);
    listing(missed.filter(|archive| archive.distinct() && !archive.refused()))
}

/// The benign archives that do not pass, with what is said against them.
pub(super) fn false_positives(sets: &[Set]) -> String {
    let benign = sets.iter().filter(|set| !set.malicious).flat_map(|set| &set.archives);
    listing(benign.filter(|archive| archive.refused()))
}

/// The archives on which one of the two said nothing, which of them, and why.
pub(super) fn no_verdicts(sets: &[Set], peer: &Answers) -> String {
    let mut out = String::new();
    for archive in sets.iter().flat_map(|set| &set.archives) {
        if !archive.verdict_given {
            out.push_str(&format!("{}\tBulkhead\t{}\n", archive.path, archive.rules.join(",")));
        }
        if let (Some(version), Some(Err(why))) = (&peer.version, peer.on(archive).map(|answer| &answer.verdict)) {
            out.push_str(&format!("{}\t{version}\t{why}\n", archive.path));
        }
    }
    out
}

fn listing<'a>(archives: impl Iterator<Item = &'a Archive>) -> String {
    let mut out = String::new();
    for archive in archives {
        let seen: BTreeSet<String> = archive
            .findings
            .iter()
            .map(|found| format!("{}/{}/{}", found.detector, found.severity, found.context))
            .collect();
        let seen: Vec<String> = seen.into_iter().collect();
        let line = [
            archive.path.as_str(),
            &archive.effect,
            &archive.rules.join(","),
            &archive.score.to_string(),
            &seen.join(" "),
        ]
        .join("\t");
        out.push_str(&line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests;
