//! The graph as SVG: stages from left to right, grades by colour, by line and by word. No script, no outside resource; it
//! prints, and a screen reader reads its title and the name of every box.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::answer::{Answer, Grade, Row, Stage};

/// Where the corner of a box is.
type Place = (i64, i64);

const BOX: (i64, i64) = (168, 40);
const GAP: (i64, i64) = (46, 12);
const MARGIN: i64 = 16;
const HEAD: i64 = 34;
/// Boxes in a column; what is beyond is one box with a count.
const MOST: usize = 12;

/// The picture.
pub fn svg(answer: &Answer) -> String {
    let columns: Vec<(Stage, Vec<usize>)> = Stage::ALL
        .into_iter()
        .map(|stage| {
            let of = |place: &usize| answer.rows[*place].stage == stage;
            (stage, (0..answer.rows.len()).filter(of).collect::<Vec<_>>())
        })
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    let tallest = columns.iter().map(|(_, rows)| rows.len().min(MOST + 1)).max().unwrap_or(0) as i64;
    let width = 2 * MARGIN + columns.len() as i64 * (BOX.0 + GAP.0) - GAP.0.min(columns.len() as i64 * GAP.0);
    let height = 2 * MARGIN + HEAD + tallest.max(1) * (BOX.1 + GAP.1) + 34;
    let mut out = String::new();
    let title = escape(&format!("What {} leads to", answer.question.subject));
    let summary = escape(&summary(answer));
    push(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"graph\" role=\"img\" aria-labelledby=\"graph-title graph-desc\" viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <title id=\"graph-title\">{title}</title><desc id=\"graph-desc\">{summary}</desc>\n"
        ),
    );
    let mut places: BTreeMap<usize, Place> = BTreeMap::new();
    for (column, (_, rows)) in columns.iter().enumerate() {
        let x = MARGIN + column as i64 * (BOX.0 + GAP.0);
        for (line, row) in rows.iter().enumerate() {
            let y = MARGIN + HEAD + line.min(MOST) as i64 * (BOX.1 + GAP.1);
            places.insert(*row, (x, y));
        }
    }
    edges(answer, &places, &mut out);
    for (column, (stage, rows)) in columns.iter().enumerate() {
        let x = MARGIN + column as i64 * (BOX.0 + GAP.0);
        push(
            &mut out,
            format_args!(
                "<text class=\"stage\" x=\"{x}\" y=\"{}\" fill=\"#56606e\" font-weight=\"600\">{}</text>\n",
                MARGIN + 14,
                stage.word()
            ),
        );
        for (line, row) in rows.iter().take(MOST).enumerate() {
            let y = MARGIN + HEAD + line as i64 * (BOX.1 + GAP.1);
            node(&answer.rows[*row], x, y, &mut out);
        }
        if rows.len() > MOST {
            let y = MARGIN + HEAD + MOST as i64 * (BOX.1 + GAP.1);
            push(
                &mut out,
                format_args!(
                    "<text class=\"more\" x=\"{}\" y=\"{}\" fill=\"#56606e\">and {} more</text>\n",
                    x + 10,
                    y + 24,
                    rows.len() - MOST
                ),
            );
        }
    }
    legend(height - 22, &mut out);
    out.push_str("</svg>\n");
    out
}

/// Lines behind the boxes; several between the same two places are one.
fn edges(answer: &Answer, places: &BTreeMap<usize, Place>, out: &mut String) {
    let mut lines: BTreeMap<(Place, Place), Grade> = BTreeMap::new();
    for edge in &answer.edges {
        let (Some(from), Some(to)) = (places.get(&edge.from), places.get(&edge.to)) else { continue };
        let grade = lines.entry((*from, *to)).or_insert(edge.grade);
        *grade = edge.grade.min(*grade);
    }
    for (((fx, fy), (tx, ty)), grade) in lines {
        let middle = BOX.1 / 2;
        let (stroke, dash) = match grade {
            Grade::Touched => ("#b3261e", ""),
            _ => ("#a15c00", " stroke-dasharray=\"5 4\""),
        };
        let class = class(grade);
        let path = if fx == tx {
            let (side, bulge) = (fx, fx - GAP.0 / 2 + 6);
            format!("M{side} {} C{bulge} {} {bulge} {} {side} {}", fy + middle, fy + middle, ty + middle, ty + middle)
        } else {
            let (start, end) = if fx < tx { (fx + BOX.0, tx) } else { (fx, tx + BOX.0) };
            let half = (start + end) / 2;
            format!("M{start} {} C{half} {} {half} {} {end} {}", fy + middle, fy + middle, ty + middle, ty + middle)
        };
        push(
            out,
            format_args!(
                "<path class=\"edge {class}\" d=\"{path}\" fill=\"none\" stroke=\"{stroke}\" stroke-opacity=\"0.55\" stroke-width=\"1.4\"{dash}/>\n"
            ),
        );
    }
}

fn node(row: &Row, x: i64, y: i64, out: &mut String) {
    let (fill, stroke, dash) = colours(row.grade);
    let (class, name) = (class(row.grade), escape(&fitted(&row.name)));
    let note = match (row.stage, row.people) {
        (Stage::People, Some(people)) => format!("{}, about {}", row.grade.words(), thousands(people)),
        _ => row.grade.words().to_owned(),
    };
    let full = escape(&format!("{} {}: {}. {}", row.stage.word(), row.name, row.grade.words(), row.why));
    push(
        out,
        format_args!(
            "<g class=\"node {class}\"><title>{full}</title>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"1.3\"{dash}/>\
         <text class=\"name\" x=\"{}\" y=\"{}\" fill=\"#1c2430\">{name}</text>\
         <text class=\"grade\" x=\"{}\" y=\"{}\" fill=\"{stroke}\" font-size=\"10\">{note}</text></g>\n",
            BOX.0,
            BOX.1,
            x + 9,
            y + 17,
            x + 9,
            y + 31
        ),
    );
}

fn legend(y: i64, out: &mut String) {
    let mut x = MARGIN;
    for grade in [Grade::Touched, Grade::WithinReach, Grade::Unknown, Grade::NotReachable] {
        let (fill, stroke, dash) = colours(grade);
        push(
            out,
            format_args!(
                "<g class=\"node {}\"><rect x=\"{x}\" y=\"{}\" width=\"14\" height=\"12\" rx=\"3\" fill=\"{fill}\" stroke=\"{stroke}\"{dash}/><text class=\"name\" x=\"{}\" y=\"{}\" fill=\"#1c2430\" font-size=\"11\">{}</text></g>\n",
                class(grade),
                y - 10,
                x + 20,
                y,
                grade.words()
            ),
        );
        x += 28 + 8 * grade.words().len() as i64;
    }
}

fn colours(grade: Grade) -> (&'static str, &'static str, &'static str) {
    match grade {
        Grade::Touched => ("#fdeceb", "#b3261e", ""),
        Grade::WithinReach => ("#fff4e0", "#a15c00", " stroke-dasharray=\"5 3\""),
        Grade::Unknown => ("#f3effa", "#6541a5", " stroke-dasharray=\"2 3\""),
        Grade::NotReachable => ("#f4f6f8", "#56606e", ""),
    }
}

/// The class that a style sheet knows a grade by.
pub fn class(grade: Grade) -> &'static str {
    match grade {
        Grade::Touched => "touched",
        Grade::WithinReach => "within-reach",
        Grade::Unknown => "unknown",
        Grade::NotReachable => "not-reachable",
    }
}

/// The answer in one sentence, for those who do not see the picture.
pub fn summary(answer: &Answer) -> String {
    let count =
        |stage: Stage, grade: Grade| answer.totals.get(&stage).and_then(|of| of.get(&grade)).copied().unwrap_or(0);
    let mut parts = Vec::new();
    for (stage, one, many) in [
        (Stage::Pull, "principal", "principals"),
        (Stage::Build, "build", "builds"),
        (Stage::Host, "host", "hosts"),
        (Stage::Run, "run", "runs"),
        (Stage::Secret, "secret", "secrets"),
        (Stage::Dataset, "dataset", "datasets"),
        (Stage::Partner, "partner", "partners"),
    ] {
        let (touched, reach) = (count(stage, Grade::Touched), count(stage, Grade::WithinReach));
        let noun = |count: u64| if count == 1 { one } else { many };
        match (touched, reach) {
            (0, 0) => {}
            (_, 0) => parts.push(format!("{touched} {} touched", noun(touched))),
            (0, _) => parts.push(format!("{reach} {} within reach", noun(reach))),
            _ => parts.push(format!("{touched} {} touched and {reach} within reach", noun(touched))),
        }
    }
    if parts.is_empty() { "Nothing recorded was touched or within reach".to_owned() } else { parts.join(", ") }
}

/// A name in the width of a box: the middle is left out, since both ends tell names apart.
fn fitted(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= 21 {
        return name.to_owned();
    }
    let (head, tail): (String, String) =
        (letters[..12].iter().collect(), letters[letters.len() - 8..].iter().collect());
    format!("{head}…{tail}")
}

/// `40,000`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// For HTML and SVG, in text and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Overrides of the writing direction make a name look like another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                push(&mut out, format_args!("\\u{{{:x}}}", u32::from(letter)));
            }
            _ => out.push(letter),
        }
    }
    out
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("invariant: a text takes every text");
}
