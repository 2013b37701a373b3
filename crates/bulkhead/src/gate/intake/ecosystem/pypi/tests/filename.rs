use proptest::prelude::*;

use super::super::*;
use super::project;

#[test]
fn names_are_normalised() {
    for (text, wanted) in [
        ("demo", Some("demo")),
        ("Demo", Some("demo")),
        ("zope.interface", Some("zope-interface")),
        ("Zope__Interface", Some("zope-interface")),
        ("a-_.b", Some("a-b")),
        ("a.-.b--c", Some("a-b-c")),
        ("2to3", Some("2to3")),
        ("x", Some("x")),
        ("", None),
        ("-a", None),
        ("a-", None),
        (".", None),
        ("..", None),
        ("a b", None),
        ("a/b", None),
        ("@scope/name", None),
        ("d\u{e9}mo", None),
        // Cyrillic a, and the Kelvin sign, whose lower case is an ASCII k.
        ("dem\u{430}", None),
        ("\u{212a}eras", None),
        ("demo\0", None),
    ] {
        let name = ProjectName::parse(text).ok();
        assert_eq!(name.as_ref().map(ProjectName::as_str), wanted, "{text:?}");
    }
    assert_eq!(project("Foo_Bar").purl().to_string(), "pkg:pypi/foo-bar");
}

#[test]
fn distributions_are_read() {
    use FileKind::{Egg, Other, Sdist, Wheel};
    for (name, of, kind, version, build) in [
        ("demo-1.0-py3-none-any.whl", "demo", Wheel, "1.0", None),
        ("demo-1.0-1-py3-none-any.whl", "demo", Wheel, "1.0", Some("1")),
        ("demo-1.0-2rc_x-py3-none-any.whl", "demo", Wheel, "1.0", Some("2rc_x")),
        ("Demo_Pack-1!2.0+cu121.x-cp312-cp312-manylinux_2_17_x86_64.whl", "demo-pack", Wheel, "1!2.0+cu121.x", None),
        ("demo.pack-1.0_1-py2.py3-none-any.whl", "demo-pack", Wheel, "1.0_1", None),
        ("demo_pack-1.0.tar.gz", "demo-pack", Sdist, "1.0", None),
        ("demo-pack-1.0.tar.gz", "demo-pack", Sdist, "1.0", None),
        ("demo-pack-1.0-rc.1.zip", "demo-pack", Sdist, "1.0-rc.1", None),
        ("Demo.Pack-v1.0-1.tar.bz2", "demo-pack", Sdist, "v1.0-1", None),
        ("demo-2-3.0.tgz", "demo-2", Sdist, "3.0", None),
        ("demo-1.0.TAR.GZ", "demo", Sdist, "1.0", None),
        ("demo-1.0-py2.7.egg", "demo", Egg, "1.0", None),
        ("demo_pack-1.0_rc1-py2.7-linux-x86_64.egg", "demo-pack", Egg, "1.0_rc1", None),
        ("demo-1.0.win32-py2.7.exe", "demo", Other, "", None),
        ("demo-1.0.tar.gz.asc", "demo", Other, "", None),
        ("demo", "demo", Other, "", None),
    ] {
        let read = FileName::parse(name, &project(of)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((read.kind(), read.version_text(), read.build()), (kind, version, build), "{name}");
        assert_eq!(read.version().is_some(), kind != Other, "{name}");
    }
}

#[test]
fn what_is_no_file_of_the_project_is_an_error() {
    for (name, of, wanted) in [
        ("other-1.0-py3-none-any.whl", "demo", "`other-1.0-py3-none-any.whl` is not a file of demo"),
        ("demo_extra-1.0-py3-none-any.whl", "demo", "`demo_extra-1.0-py3-none-any.whl` is not a file of demo"),
        ("demo-1.0.tar.gz", "demo-pack", "`demo-1.0.tar.gz` is not a file of demo-pack"),
        ("demo-extra-1.0.tar.gz", "demo", "`demo-extra-1.0.tar.gz`: `extra-1.0` is not a version (PEP 440)"),
        ("demo.tar.gz", "demo", "`demo.tar.gz` is not a file of demo"),
        ("demo-.tar.gz", "demo", "`demo-.tar.gz`: `` is not a version (PEP 440)"),
        ("demo-1.0-py3-none.whl", "demo", "`demo-1.0-py3-none.whl` is not named as a wheel must be"),
        ("demo-1.0-x1-py3-none-any.whl", "demo", "`demo-1.0-x1-py3-none-any.whl` is not named as a wheel must be"),
        ("demo-1.0-1-2-py3-none-any.whl", "demo", "`demo-1.0-1-2-py3-none-any.whl` is not named as a wheel must be"),
        ("demo--1.0-py3-none-any.whl", "demo", "`demo--1.0-py3-none-any.whl` is not named as a wheel must be"),
        ("demo-latest-py3-none-any.whl", "demo", "`demo-latest-py3-none-any.whl`: `latest` is not a version (PEP 440)"),
        ("demo-2004d.tar.gz", "demo", "`demo-2004d.tar.gz`: `2004d` is not a version (PEP 440)"),
        ("demo.egg", "demo", "`demo.egg` is not named as an egg must be"),
        ("README.txt", "demo", "`README.txt` is not a file of demo"),
        ("", "demo", "file name `` is empty"),
        (".whl", "demo", "file name `.whl` begins with a dot"),
        ("../demo-1.0.zip", "demo", "file name `../demo-1.0.zip` begins with a dot"),
        ("demo/../../x-1.0.zip", "demo", "file name `demo/../../x-1.0.zip` contains a path separator"),
        ("demo\\x-1.0.zip", "demo", "file name `demo\\\\x-1.0.zip` contains a path separator"),
        ("demo-1.0%2f.zip", "demo", "file name `demo-1.0%2f.zip` contains a percent sign"),
        (
            "demo-1.0\u{202e}piz.exe",
            "demo",
            "file name `demo-1.0\\u{202e}piz.exe` contains characters outside printable ASCII",
        ),
        ("demo-1.0\0.zip", "demo", "file name `demo-1.0\\0.zip` contains characters outside printable ASCII"),
        ("demo-1.0.zip ", "demo", "file name `demo-1.0.zip ` begins or ends with a space"),
    ] {
        let error = FileName::parse(name, &project(of)).expect_err(name);
        assert_eq!(error.to_string(), wanted);
    }
    let long = format!("demo-1.{}.zip", "0".repeat(300));
    assert!(matches!(FileName::parse(&long, &project("demo")), Err(FileNameError::Unsafe { .. })));
}

#[test]
fn versions_are_equal_as_pep_440_says() {
    for (a, b, same) in [
        ("1.82.8", "1.82.8", true),
        ("1.82.8", "1.82.8.0", true),
        ("1.82.8", "1.82.8.0.0", true),
        ("1.82.8", "v1.82.8", true),
        ("1.82.8", "0!1.82.8", true),
        ("1.82.8", "1.82.08", true),
        ("1.82.8", "1!1.82.8", false),
        ("1.82.8", "1.82.8+local", false),
        ("1.82.8+Local.1", "1.82.8+local-01", true),
        ("1.82.8", "1.82.80", false),
        ("1.82.8", "1.82.8rc1", false),
        ("1.0a1", "1.0-alpha_1", true),
        ("1.0a", "1.0a0", true),
        ("1.0rc1", "1.0.c1", true),
        ("1.0.post1", "1.0-1", true),
        ("1.0.dev", "1.0DEV0", true),
        ("1.0", "1", true),
        ("1.0", "1.0 ", true),
        ("latest", "latest", true),
        ("latest", "Latest", false),
        ("latest", "1.0", false),
        ("", "", true),
    ] {
        assert_eq!(same_release(a, b), same, "{a} and {b}");
        assert_eq!(same_release(b, a), same, "{b} and {a}");
    }
}

#[test]
fn a_release_has_one_key() {
    for (text, key) in [
        ("1.82.8", "1.82.8"),
        ("v1.82.8.0", "1.82.8"),
        ("1.0", "1"),
        ("0.0", "0"),
        ("1!1.0.0rc1.post2.dev3+A_1", "1!1rc1.post2.dev3+a.1"),
    ] {
        assert_eq!(release_key(&parse_version(text).unwrap()), key, "{text}");
    }
}

#[test]
fn monstrous_versions_are_none() {
    assert_eq!(parse_version(&"1.".repeat(200)), None);
    assert_eq!(parse_version(&"9".repeat(100)), None);
    assert_eq!(parse_version("1.\u{661}"), None);
}

proptest! {
    #[test]
    fn any_file_name_is_read_or_refused(name in "\\PC{0,60}", tail in "(\\.whl|\\.tar\\.gz|\\.egg|\\.zip)?") {
        let _outcome = FileName::parse(&format!("demo-{name}{tail}"), &project("demo"));
        let _outcome = FileName::parse(&format!("{name}{tail}"), &project("demo"));
    }

    #[test]
    fn a_release_key_names_the_release(text in "([0-9]{1,2}!)?[0-9]{1,3}(\\.[0-9]{1,3}){0,4}((a|b|rc)[0-9]{1,2})?(\\.post[0-9])?(\\.dev[0-9])?") {
        let version = parse_version(&text).unwrap();
        let key = release_key(&version);
        prop_assert!(same_release(&key, &text));
        prop_assert_eq!(release_key(&parse_version(&key).unwrap()), key);
    }
}
