//! The plans of exposure's look-ups are pinned: each follows an index, none reads a table from end to end, and SQLite
//! builds no index of its own.

use rusqlite::{Connection, StatementStatus};

use super::super::{connect, graph};

fn plan(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("prepares");
    let count = statement.parameter_count();
    for parameter in 1..=count {
        statement.raw_bind_parameter(parameter, 1).expect("binds");
    }
    let (mut rows, mut lines) = (statement.raw_query(), Vec::new());
    while let Some(row) = rows.next().expect("explains") {
        lines.push(row.get::<_, String>(3).expect("a line"));
    }
    lines.join("\n")
}

#[test]
fn every_look_up_follows_an_index() {
    let connection = connect::memory().expect("opens");
    let [ended, open] = graph::runs_on();
    let statements = [
        ("find", graph::FIND.to_owned()),
        ("releases", graph::RELEASES.to_owned()),
        ("linked", graph::LINKED.to_owned()),
        ("linked back", graph::LINKED_BACK.to_owned()),
        ("contents", graph::CONTENTS.to_owned()),
        ("paths", graph::PATHS.to_owned()),
        ("pulls", graph::PULLS.to_owned()),
        ("pulls by", graph::PULLS_BY.to_owned()),
        ("presences", graph::PRESENCES.to_owned()),
        ("build", graph::BUILD.to_owned()),
        ("runs on, ended", ended),
        ("runs on, open", open),
        ("runs of", graph::runs_of()),
        ("runs by", graph::runs_by()),
        ("runs using", graph::runs_using()),
        ("uses", graph::USES.to_owned()),
        ("hosts of", graph::HOSTS_OF.to_owned()),
        ("assets", graph::ASSETS.to_owned()),
        ("related", graph::RELATED.to_owned()),
        ("related to", graph::RELATED_TO.to_owned()),
    ];
    for (name, sql) in statements {
        let plan = plan(&connection, &sql);
        assert!(!plan.contains("AUTOMATIC"), "{name}:\n{plan}");
        assert!(!plan.contains("SCAN"), "{name}:\n{plan}");
    }
}

/// With statistics SQLite looks at what is bound, and makes the plan anew whenever that changes: measured, a third of a walk.
#[test]
fn a_plan_is_made_once_whatever_is_bound() {
    let connection = connect::memory().expect("opens");
    let rows = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)";
    connection
        .execute_batch(&format!(
            "INSERT INTO pull {rows} SELECT n % 7, n, n, n % 100, NULL FROM n;
             INSERT INTO run {rows} SELECT n, n % 5, n % 9, NULL, n, n + 1, n, n FROM n; ANALYZE;"
        ))
        .expect("fills");
    let [ended, _] = graph::runs_on();
    for sql in [graph::PULLS, graph::PULLS_BY, &ended] {
        let mut statement = connection.prepare(sql).expect("prepares");
        for round in 0..5 {
            let mut rows = statement.query([round, 10 * round, 1_000]).expect("asks");
            while rows.next().expect("answers").is_some() {}
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
    }
}

#[test]
fn the_closure_walks_by_index_from_what_is_tainted() {
    let connection = connect::memory().expect("opens");
    let plan = plan(&connection, graph::CLOSURE);
    let lines: Vec<&str> = plan
        .lines()
        .filter(|line| line.contains("member") || line.contains("link") || line.contains("AUTOMATIC"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    SEARCH member USING PRIMARY KEY (inside=?)
    SEARCH link USING PRIMARY KEY (src=?)
    ");
}
