use super::*;

#[test]
fn a_replaced_file_is_whole_and_leaves_nothing_beside_it() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::create(&root.path().join("a/b")).unwrap();
    for content in [&b"one"[..], b"two"] {
        folder.replace(&[("tile/0/000".to_owned(), content.to_vec()), ("edge".to_owned(), content.to_vec())]).unwrap();
        assert_eq!(folder.read("tile/0/000").unwrap().as_deref(), Some(content));
    }
    let names: Vec<_> =
        fs::read_dir(root.path().join("a/b")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_segment_is_written_at_offsets_and_cut() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::create(root.path()).unwrap();
    let mut file = folder.open("segment/x001/000").unwrap();
    file.write(0, b"one").unwrap();
    file.write(3, b"two").unwrap();
    file.sync().unwrap();
    file.truncate(4).unwrap();
    assert_eq!(folder.read("segment/x001/000").unwrap().as_deref(), Some(&b"onet"[..]));
    // Opening again keeps what is there.
    folder.open("segment/x001/000").unwrap().write(4, b"!").unwrap();
    assert_eq!(folder.read("segment/x001/000").unwrap().as_deref(), Some(&b"onet!"[..]));
}

#[test]
fn what_is_not_there_is_nothing_and_not_an_error() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::create(root.path()).unwrap();
    folder.replace(&[("file".to_owned(), vec![])]).unwrap();
    for path in ["none", "file/none"] {
        assert_eq!(folder.read(path).unwrap(), None);
    }
    assert!(folder.exists("file").unwrap() && !folder.exists("none").unwrap());
    assert!(folder.read("").is_err());
}

#[test]
fn the_lock_is_held_by_one() {
    let root = tempfile::tempdir().unwrap();
    let (one, two) = (Folder::create(root.path()).unwrap(), Folder::create(root.path()).unwrap());
    let lock = one.lock("lock").unwrap();
    assert_eq!(two.lock("lock").err().map(|error| error.kind()), Some(ErrorKind::WouldBlock));
    drop(lock);
    assert!(two.lock("lock").is_ok());
}
