//! Machines made of a few files.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

const HASH: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
/// SHA-256 of nothing, which is what HASH says.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn machine() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let site = "venv/lib/python3.11/site-packages/demo_pkg-1.0.dist-info";
    write(
        folder.path(),
        &format!("{site}/METADATA"),
        "Metadata-Version: 2.1\nName: Demo.Pkg\nVersion: 1.0\n\nName: other\n",
    );
    write(
        folder.path(),
        &format!("{site}/RECORD"),
        &format!(
            "demo_pkg/__init__.py,sha256={HASH},0\n\"demo_pkg/a,b.py\",sha256={HASH},0\n{site}/RECORD,,\nbad,sha256=zz,1\n"
        ),
    );
    write(folder.path(), "app/node_modules/@scope/left/package.json", r#"{"name":"@scope/left","version":"2.0.0"}"#);
    write(folder.path(), "app/node_modules/@scope/left/index.js", "");
    write(
        folder.path(),
        "app/node_modules/@scope/left/node_modules/right/package.json",
        r#"{"name":"right","version":"3.0.0"}"#,
    );
    write(folder.path(), "app/node_modules/broken/package.json", "{");
    write(
        folder.path(),
        "app/requirements.txt",
        &format!("demo-pkg==1.0 \\\n  --hash=sha256:{EMPTY}\nother[extra]==2 ; python_version>'3'\n# no\n"),
    );
    write(
        folder.path(),
        "app/Cargo.lock",
        &format!("[[package]]\nname = \"serde\"\nversion = \"1.0.0\"\nchecksum = \"{EMPTY}\"\n"),
    );
    write(
        folder.path(),
        "app/package-lock.json",
        r#"{"packages":{"":{"name":"app"},"node_modules/right":{"version":"3.0.0"}}}"#,
    );
    folder
}

fn report<'a>(scan: &'a Scan, beginning: &str, end: &str) -> &'a InventoryReport {
    let found = scan
        .reports
        .iter()
        .find(|report| report.environment.starts_with(beginning) && report.environment.ends_with(end));
    found.unwrap_or_else(|| panic!("no {beginning} ... {end} in {:#?}", scan.reports))
}

#[test]
fn what_is_installed_is_found_with_its_files() {
    let folder = machine();
    let scan = scan("h", folder.path());
    let python = report(&scan, "python ", "site-packages");
    assert_eq!(python.items.len(), 1);
    assert_eq!(python.items[0].purl.as_deref(), Some("pkg:pypi/demo-pkg@1.0"));
    let files: Vec<(&str, &str)> =
        python.items[0].files.iter().map(|file| (file.path.as_str(), file.sha256.as_str())).collect();
    assert_eq!(files, [("demo_pkg/__init__.py", EMPTY), ("demo_pkg/a,b.py", EMPTY)]);
    let node = report(&scan, "node ", "node_modules");
    let purls: Vec<_> = node.items.iter().filter_map(|item| item.purl.as_deref()).collect();
    assert_eq!(purls, ["pkg:npm/%40scope/left@2.0.0", "pkg:npm/right@3.0.0"]);
    assert!(node.items[0].files.iter().any(|file| file.path == "index.js" && file.sha256 == EMPTY));
    assert!(scan.passed_over.iter().any(|what| what.contains("broken")), "{:?}", scan.passed_over);
}

#[test]
fn a_node_modules_itself_pnpms_store_and_eggs_are_found() {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let package = |name: &str| format!(r#"{{"name":"{name}","version":"1.0.0"}}"#);
    write(folder.path(), "node_modules/top/package.json", &package("top"));
    write(folder.path(), "node_modules/.pnpm/kept@1.0.0/node_modules/kept/package.json", &package("kept"));
    write(folder.path(), "node_modules/.pnpm/kept@1.0.0/node_modules/kept/index.js", "");
    std::os::unix::fs::symlink(at("node_modules/.pnpm/kept@1.0.0/node_modules/kept"), at("node_modules/kept"))
        .expect("a link");
    write(folder.path(), "node_modules/.bin/tool", "");
    for place in [at("node_modules"), folder.path().to_owned()] {
        let found = scan("h", &place);
        let purls: Vec<_> = found.reports[0].items.iter().map(|item| item.purl.clone().expect("a purl")).collect();
        assert_eq!(purls, ["pkg:npm/kept@1.0.0", "pkg:npm/top@1.0.0"], "{:?}", found.passed_over);
        assert_eq!(found.reports[0].environment, format!("node {}", at("node_modules").display()));
    }
    let metadata = "Metadata-Version: 1.1\nName: Old-Tool\nVersion: 0.9\n";
    write(folder.path(), "usr/lib/python3/dist-packages/Old_Tool-0.9.egg-info/PKG-INFO", metadata);
    write(folder.path(), "usr/lib/python3/dist-packages/older-0.1.egg-info", "Name: older\nVersion: 0.1\n");
    write(folder.path(), "src/tool/tool.egg-info/PKG-INFO", metadata);
    let found = scan("h", &at("usr"));
    let purls: Vec<_> = found.reports[0].items.iter().map(|item| item.purl.clone().expect("a purl")).collect();
    assert_eq!(purls, ["pkg:pypi/old-tool@0.9", "pkg:pypi/older@0.1"]);
    assert!(found.passed_over.iter().all(|what| what.contains("listed by name only")), "{:?}", found.passed_over);
    assert!(scan("h", &at("src")).reports.is_empty(), "a source tree is not installed");
}

#[test]
fn lockfiles_are_read_with_their_hashes() {
    let folder = machine();
    let scan = scan("h", folder.path());
    let items = |name: &str| report(&scan, "lockfile ", name).items.clone();
    assert_eq!(items("requirements.txt")[0].sha256.as_deref(), Some(EMPTY));
    assert_eq!(items("requirements.txt")[1].purl.as_deref(), Some("pkg:pypi/other@2"));
    assert_eq!(items("Cargo.lock")[0].sha256.as_deref(), Some(EMPTY));
    assert_eq!(items("package-lock.json")[0].purl.as_deref(), Some("pkg:npm/right@3.0.0"));
}

/// A tar with one member after the other, as `tar` writes them.
fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, bytes) in members {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[156] = b'0';
        header[257..262].copy_from_slice(b"ustar");
        out.extend(header);
        out.extend(*bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.extend([0; 1024]);
    out
}

#[test]
fn an_image_is_read_through_its_layers() {
    use std::io::Write as _;
    let layer = tar(&[
        ("usr/lib/demo_pkg-1.0.dist-info/METADATA", b"Name: demo_pkg\nVersion: 1.0\n"),
        ("usr/lib/demo_pkg-1.0.dist-info/RECORD", format!("demo.py,sha256={HASH},0\n").as_bytes()),
        ("srv/node_modules/right/package.json", br#"{"name":"right","version":"3.0.0"}"#),
    ]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&layer).expect("packs");
    let packed = packed.finish().expect("packs");
    let image = tar(&[("manifest.json", b"[]"), ("blobs/sha256/aa", &packed), ("blobs/sha256/bb", b"{}")]);
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("image.tar");
    fs::write(&path, &image).expect("a file");
    let whole = scan("h", &path);
    let items = &report(&whole, "image ", "image.tar").items;
    assert_eq!(items[0].files[0].sha256, EMPTY);
    assert_eq!(items[1].purl.as_deref(), Some("pkg:npm/right@3.0.0"));
    // Cut off anywhere, it ends with a word about it and never with a panic.
    for length in (0..image.len()).step_by(97) {
        fs::write(&path, &image[..length]).expect("a file");
        scan("h", &path);
    }
    fs::write(&path, "no tar at all, and longer than one block would be ".repeat(20)).expect("a file");
    assert!(!scan("h", &path).passed_over.is_empty());
}
