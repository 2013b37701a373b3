use bulkhead_core::FindingContext::{Call, Import, Install, Startup};

use super::*;

#[test]
fn each_place_has_its_time() {
    let sdist = ArchiveKind::SdistTarGz;
    let wheel = ArchiveKind::Wheel;
    for (kind, path, context) in [
        (sdist, "demo-1.0/setup.py", Some(Install)),
        (sdist, "demo-1.0/demo/setup.py", Some(Import)),
        (sdist, "demo-1.0/src/demo/__init__.py", Some(Import)),
        (sdist, "demo-1.0/tests/a.py", None),
        (sdist, "demo-1.0/demo/tests/a.py", None),
        (sdist, "demo-1.0/tools/a.py", None),
        (sdist, "demo-1.0/conftest.py", None),
        (sdist, "demo-1.0/vendored-meson/meson/build.py", None),
        (wheel, "demo/tools/a.py", Some(Import)),
        (wheel, "demo/__main__.py", None),
        (wheel, "setup.py", Some(Import)),
        (wheel, "sitecustomize.py", Some(Startup)),
        (wheel, "demo-1.0.data/scripts/run.py", None),
    ] {
        assert_eq!(context_of(kind, "demo", path), context, "{path}");
    }
    assert!(crate::behaviour::rank(Call) > crate::behaviour::rank(Import));
}
