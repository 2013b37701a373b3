use super::*;

fn machine(python: &str, cpu: &str) -> Machine {
    Machine { python: python.parse().expect("a version"), cpu: cpu.to_owned() }
}

#[test]
fn clients_tell_their_machine() {
    let pip = r#"pip/26.3 {"ci":null,"cpu":"x86_64","distro":{"name":"Debian"},"implementation":{"name":"CPython"},"python":"3.11.7"}"#;
    assert_eq!(Machine::from_user_agent(pip), Some(machine("3.11.7", "x86_64")));
    for other in ["curl/8", "pip/26.3 {\"python\":\"x\"}", "", "{", "pip/1 {\"python\":\""] {
        assert_eq!(Machine::from_user_agent(other), None, "{other}");
    }
}

#[test]
fn tags_fit_as_pip_ranks_them() {
    let here = machine("3.11.7", "x86_64");
    let fit = |name: &str| here.fit(name);
    let own = fit("a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl");
    let stable = fit("a-1-cp39-abi3-manylinux_2_17_x86_64.whl");
    let any = fit("a-1-py3-none-any.whl");
    assert!(own > stable && stable > any && any.is_some());
    for other in [
        "a-1-cp312-cp312-manylinux_2_17_x86_64.whl",
        "a-1-cp312-abi3-manylinux_2_17_x86_64.whl",
        "a-1-cp311-cp311-win_amd64.whl",
        "a-1-cp311-cp311-manylinux_2_17_aarch64.whl",
        "a-1-cp311-cp311-musllinux_1_2_x86_64.whl",
        "a-1-py2-none-any.whl",
        "a-1.tar.gz",
        "a.whl",
    ] {
        assert_eq!(fit(other), None, "{other}");
    }
}

#[test]
fn requirements_without_extras_are_followed() {
    let metadata = b"Metadata-Version: 2.1\nName: a\nRequires-Dist: Foo_Bar[x,y] (>=1,<2)\nRequires-Dist: b\nRequires-Dist: c>1; extra == 'dev'\n\
Requires-Dist: d; python_version < '3.9'\nRequires-Dist: e @ https://host.example/e.whl\nRequires-Dist: b>3\n\nRequires-Dist: body\n";
    let found = requirements(metadata);
    let shown: Vec<(&str, String, bool)> =
        found.iter().map(|found| (found.project.as_str(), found.versions.to_string(), found.always)).collect();
    assert_eq!(
        shown,
        [("foo-bar", ">=1, <2".to_owned(), true), ("b", String::new(), true), ("d", String::new(), false),]
    );
}

#[test]
fn what_nobody_asks_for_is_bounded() {
    let ahead = Ahead::default();
    let caller = Caller { principal: bulkhead_core::Principal::local(), context: bulkhead_core::Context::default() };
    let digest = |number: u8| Sha256::from_bytes([number; 32]);
    let granted = (0..100).filter(|number| ahead.may_fetch(&caller, digest(*number))).count();
    assert_eq!(granted, UNASKED);
    ahead.asked(&caller, &digest(3));
    assert!(ahead.may_fetch(&caller, digest(200)), "a file that was asked for makes room");
    assert!(!ahead.may_fetch(&caller, digest(201)));
}
