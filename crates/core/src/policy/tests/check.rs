//! What the checker refuses, and in which words.

use super::{complaints, rule};

#[test]
fn all_errors_come_at_once_with_line_and_hint() {
    let text = r#"
[settings]
cooldwn = "3d"
feed_max_age = "3 days"
reserved = "acme-*"

[defaults]
intake = "block"
exgress = "deny"

[[rule]]
id = "young files"
gate = "intak"
when = "file.age < 3"
effect = "refuse"
reason = "{file.agee} old"
help = ""

[[rule]]
id = "typos"
gate = "intake"
when = '''
file.agee < settings.cooldown
  && projct.status == "x"'''
effect = "hold"
efect = "hold"
mode = "shadow"
actions = ["fetch", "downlaod"]
reason = "{file.name|words} {file.age|wrds} {finding.titel} {file.name"
help = "h"

[[rule]]
id = "typos"
gate = "intake"
when = "true"
effect = "hold"
reason = "r"
help = "h"

[[exception]]
rule = "typos"
subject = "pkg:pypi/acme-*"

[[exceptions]]
"#;
    insta::assert_snapshot!(complaints(text), @r#"
    policy.toml:3: settings: unknown key `cooldwn`
      hint: did you mean `cooldown`?
    policy.toml:4: settings: `feed_max_age`: `3 days` is not a span of time: write a number and s, m, h, d or w, such as `3d` or `36h`
    policy.toml:5: settings: `reserved` must be a list of texts
      hint: reserved = ["..."]
    policy.toml:8: defaults: `block` is no effect
      hint: write one of `allow`, `transform`, `hold`, `deny`
    policy.toml:9: defaults: unknown key `exgress`
      hint: did you mean `egress`?
    policy.toml:12: rule `young files`: an id is kebab-case: lower-case letters, digits and single hyphens
    policy.toml:13: rule `young files`: `intak` is no gate
      hint: did you mean `intake`?
    policy.toml:15: rule `young files`: `refuse` is no effect
      hint: write one of `allow`, `transform`, `hold`, `deny`
    policy.toml:17: rule `young files`: `help` is empty
      hint: tell the person what to do next
    policy.toml:23: rule `typos`: unknown name `file.agee`
      hint: did you mean `file.age`?
    policy.toml:24: rule `typos`: unknown name `projct.status`
      hint: did you mean `project.status`?
    policy.toml:26: rule `typos`: unknown key `efect`
      hint: did you mean `effect`?
    policy.toml:27: rule `typos`: `shadow` is no mode
      hint: write one of `enforce`, `audit`
    policy.toml:28: rule `typos`: `downlaod` is no action
      hint: write one of `list`, `fetch`, `metadata`
    policy.toml:29: rule `typos`: `file.name` is no span of time, so it has no filter
      hint: write `{file.name}`
    policy.toml:29: rule `typos`: unknown filter `wrds`
      hint: did you mean `words`?
    policy.toml:29: rule `typos`: a finding has no `titel`
      hint: did you mean `title`?
    policy.toml:29: rule `typos`: `{` opens a placeholder that never ends
      hint: write `{{` for a brace
    policy.toml:40: exception 1: `owner` is missing
      hint: name who answers for it
    policy.toml:40: exception 1: `reason` is missing
      hint: say why it is needed
    policy.toml:40: exception 1: `expires` is missing
      hint: write a day or a moment in UTC: expires = 2027-01-31 or expires = 2027-01-31T12:00:00Z
    policy.toml:42: exception 1: `pkg:pypi/acme-*` is not the subject of an exception: `*` may stand in the version only
    policy.toml:44: unknown key `exceptions`
      hint: did you mean `exception`?
    "#);
}

#[test]
fn a_file_that_is_not_toml_is_refused_without_guesses() {
    insta::assert_snapshot!(complaints("[settings\ncooldown = 3d\n[[rule]]\nid = \"x\"\n"), @"policy.toml:1: not TOML: unclosed table, expected `]`");
}

#[test]
fn tables_of_the_wrong_shape_are_named() {
    insta::assert_snapshot!(complaints("settings = 3\nrule = \"x\"\nexception = [1]\n"), @r"
    policy.toml:1: `settings` must be a table
      hint: write [settings]
    policy.toml:2: `rule` must be tables
      hint: write [[rule]]
    policy.toml:3: `exception` must be tables
      hint: write [[exception]]
    ");
}

/// Each condition is wrong in one way that evaluation alone would find late, or never.
#[test]
fn conditions_that_cannot_be_meant() {
    let conditions = [
        "file.agee < 3",
        "age < 3",
        "file < 3",
        "fil.age < 3",
        "project.status == 'x' && file.sise > 3",
        "file.age < '3d'",
        "file.age == '3d'",
        "file.age",
        "file.name",
        "file.name && true",
        "!file.age",
        "file.kind in 'wheel'",
        "3 in advisory.malicious",
        "size(file.age) > 1",
        "advisory.malicious.contains('x')",
        "has(file.age)",
        "findings.exists(f, f.detectr == 'x')",
        "findings.exists(f, f.severity > 3)",
        "findings.detector == 'x'",
        "unknown.exists(u, u.source == 'x')",
        "file.age.exists(x, true)",
        "file.name.matches('(')",
        "file.name.matches(file.kind)",
        "file.age.matches('x')",
        "matches(file.name, 'x')",
        "file.name.startWith('x')",
        "lower(file.name) == 'x'",
        "file.age = 3",
        "file.age < 3 and file.size > 3",
        "file.age <",
        "File{age: 3} == 3",
        "-file.name == 3",
        "file.age + file.name > 3",
        "file.yanked < true",
        "file.yanked ? 'a' : 'b'",
        "@pattern0 == 3",
        "request.path == 'x'",
    ];
    let said: Vec<String> = conditions
        .iter()
        .map(|when| {
            format!(
                "{when}\n    {}",
                complaints(&rule(when)).replace("policy.toml:4: rule `mine`: ", "").replace('\n', "\n    ")
            )
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    file.agee < 3
        unknown name `file.agee`
          hint: did you mean `file.age`?
    age < 3
        unknown name `age`
          hint: did you mean `file.age`?
    file < 3
        `file` is a group of attributes
          hint: name one of its attributes: name, sha256, kind, size, has_hash, yanked, age, time, uploaded
    fil.age < 3
        unknown name `fil.age`
          hint: did you mean `file.age`?
    project.status == 'x' && file.sise > 3
        unknown name `file.sise`
          hint: did you mean `file.size`?
    file.age < '3d'
        a number and a text cannot be put in order
          hint: spans of time are in seconds: 3d is 259200
    file.age == '3d'
        a number and a text can never be equal
          hint: spans of time are in seconds: 3d is 259200
    file.age
        the condition is a number instead of true or false
          hint: compare it with something, such as `file.age < settings.cooldown`
    file.name
        the condition is a text instead of true or false
          hint: compare it with something, such as `file.age < settings.cooldown`
    file.name && true
        a text stands where true or false is wanted
    !file.age
        a number stands where true or false is wanted
    file.kind in 'wheel'
        `in` wants a list, not a text
    3 in advisory.malicious
        a number and a text can never be equal
    size(file.age) > 1
        `size` wants a list or a text, not a number
    advisory.malicious.contains('x')
        `contains` wants a text, not a list
          hint: write `x in list`
    has(file.age)
        `has` is not offered
          hint: every attribute exists and may be null: compare it with null
        the condition is a number instead of true or false
          hint: compare it with something, such as `file.age < settings.cooldown`
    findings.exists(f, f.detectr == 'x')
        a finding has no `detectr`
          hint: did you mean `detector`?
    findings.exists(f, f.severity > 3)
        a text and a number cannot be put in order
    findings.detector == 'x'
        a list of findings has no `detector`
          hint: look into it with `.exists(x, ...)`
    unknown.exists(u, u.source == 'x')
        a text has no `source`
    file.age.exists(x, true)
        only a list can be looked into, not a number
    file.name.matches('(')
        the pattern of `matches` is not a regular expression: unclosed group
    file.name.matches(file.kind)
        the pattern of `matches` must be written out
    file.age.matches('x')
        `matches` wants a text, not a number
    matches(file.name, 'x')
        `matches` wants a text and a pattern
          hint: write `file.name.matches("...")`
    file.name.startWith('x')
        unknown function `startWith`
          hint: did you mean `startsWith`?
    lower(file.name) == 'x'
        unknown function `lower`
    file.age = 3
        the condition is not CEL: token recognition error at: '= '
          hint: CEL writes `==` for `=`
    file.age < 3 and file.size > 3
        the condition is not CEL: mismatched input 'and'
          hint: CEL writes `&&` for `and`
    file.age <
        the condition is not CEL: mismatched input '<EOF>'
    File{age: 3} == 3
        there are no message types here
    -file.name == 3
        a text and a number can never be equal
    file.age + file.name > 3
        a number and a text do not combine
    file.yanked < true
        a truth value and a truth value cannot be put in order
    file.yanked ? 'a' : 'b'
        the condition is a text instead of true or false
          hint: compare it with something, such as `file.age < settings.cooldown`
    @pattern0 == 3
        the condition is not CEL: token recognition error at: '@'
    request.path == 'x'
        unknown name `request.path`
          hint: the groups at gate intake are advisory, ask, content, delta, file, floor, package, project, settings
    "#);
}

#[test]
fn conditions_that_are_fine() {
    let conditions = [
        "true",
        "file.yanked == true",
        "file.age == null || file.age < 3 * 86400",
        "file.age != null && file.age - settings.cooldown < 0",
        "file.name != null && file.name.matches('^acme[-_]') && !file.name.endsWith('.whl')",
        "'MAL-1' in advisory.malicious || advisory.malicious == null",
        "findings.exists(f, f.path != null && f.path.endsWith('.pth'))",
        "findings.all(f, f.severity in ['info', 'low'])",
        "findings.filter(f, f.context == 'import').size() > 3",
        "size(findings) > 3 && size(unknown) == 0",
        "(file.kind == 'wheel' ? 1 : 2) == 1",
        "findings.map(f, f.detector).exists(d, d == 'x')",
        "ask.run == null && ask.principal != 'ci'",
        "package.version != null && package.version.contains('dev')",
        "'x' in settings.reserved",
    ];
    for when in conditions {
        assert_eq!(complaints(&rule(when)), "loads", "{when}");
    }
}

#[test]
fn a_condition_that_null_breaks_loads_with_a_warning() {
    insta::assert_snapshot!(complaints(&rule("file.age < settings.cooldown")), @r"
    loads
    policy.toml:4: rule `mine`: when `file.age` is null the condition fails, which counts as hold
      hint: say what null means: `file.age != null && ...` or `file.age == null || ...`
    ");
}

#[test]
fn the_column_is_that_of_the_name() {
    let text = rule("true && file.agee == null");
    let errors = super::Policy::parse(&text, "p").expect_err("a typo");
    let error = errors.iter().next().expect("one");
    // CEL places a selection at its dot.
    assert_eq!((error.line, error.column), (4, "when = '''true && file.".len()));
}

#[test]
fn odd_conditions_are_errors_and_never_panics() {
    for when in [
        "",
        " ",
        "\"",
        "'",
        "((((((((",
        "{",
        "[",
        "a.b.c.d",
        "1 ? 2",
        "x.exists(",
        "\u{0}",
        "ü.ö",
        "findings.exists(1, true)",
    ] {
        assert_ne!(complaints(&rule(when)), "loads", "{when}");
    }
}
