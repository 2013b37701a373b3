//! Every seed of the fuzz targets, through the same functions.

use std::fs;
use std::path::Path;

use crate::fuzz;

type Target = fn(&[u8]);

#[test]
fn the_corpus_is_survived() {
    let targets = [
        ("zip", fuzz::zip as Target),
        ("tar", fuzz::tar),
        ("record", fuzz::record),
        ("pth", fuzz::pth),
        ("metadata", fuzz::metadata),
        ("javascript", fuzz::javascript),
        ("shell", fuzz::shell),
        ("rust", fuzz::rust),
        ("markdown", fuzz::markdown),
        ("python", fuzz::python),
        ("pickle", fuzz::pickle),
        ("manifest", fuzz::manifest),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (target, run) in targets {
        let folder = root.join(target);
        let mut count = 0;
        for file in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            run(&fs::read(file.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "{} is empty", folder.display());
    }
}
