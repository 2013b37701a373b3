//! What a run may write, and what it sees.

use crate::harness::Scene;

/// With the whole list of layers, and without the mounts. Landlock alone also keeps the system unwritable, so it goes too.
const WITHOUT_FILES: &[&str] = &["--only", "processes,evidence"];

#[test]
fn the_work_directory_is_writable_and_nothing_else_that_lasts() {
    let scene = Scene::new();
    let script = "echo ok > result; echo bad > ../outside; echo bad > $HOME/.bashrc; mkdir -p $HOME/.config/systemd/user; echo bad > /usr/planted; ls -A $HOME";
    let came = scene.run(&[], script);
    assert_eq!(came.code, Some(0), "{}", came.told);
    assert_eq!(std::fs::read_to_string(scene.work.join("result")).expect("written"), "ok\n");
    for gone in ["outside", ".bashrc", ".config"] {
        assert!(!scene.home.join(gone).exists(), "{gone} outlived the run");
    }
    came.saw("refused: true");
    let bare = scene.run(WITHOUT_FILES, script);
    assert!(scene.home.join(".bashrc").exists(), "without the layer it lasts: {}", bare.told);
}

#[test]
fn what_starts_programs_later_is_read_only_and_stays_in_its_place() {
    let project = || {
        Scene::new()
            .with("sub/.venv/pyvenv.cfg", "home = /usr")
            .with("sub/.venv/lib/site-packages/ok.py", "")
            .with(".git/hooks/sample", "")
            .with(".git/config", "[core]")
    };
    let protect = &["--protect", "WORK/sub/.venv", "--protect", "WORK/.git/hooks", "--protect", "WORK/.git/config"];
    let script = "echo 'import x' > sub/.venv/lib/site-packages/x.pth; echo x > .git/hooks/pre-commit; echo x >> .git/config; \
                  mv sub sub2; mv .git .git2; mv sub/.venv sub/v; mkdir -p sub/.venv/lib/site-packages; rm -rf .git/config; \
                  mv sub/.venv/lib sub/lib; ln .git/config other; echo x >> other; true";
    let scene = project();
    let came = scene.run(protect, script);
    assert!(came.told.contains("WITNESS files held write to sub/.venv"), "{}", came.told);
    let exists = |name: &str| scene.work.join(name).exists();
    assert!(
        !exists("sub/.venv/lib/site-packages/x.pth")
            && !exists(".git/hooks/pre-commit")
            && !exists("sub2")
            && !exists(".git2")
    );
    assert_eq!(std::fs::read_to_string(scene.work.join(".git/config")).expect("there"), "[core]");
    came.saw("x.pth\", refused: true");

    let bare = project();
    bare.run(&[], script);
    let exists = |name: &str| bare.work.join(name).exists();
    assert!(exists("sub2") && exists(".git2"), "without protection all of it works");
}

#[test]
fn a_link_at_a_target_is_not_followed() {
    let scene = Scene::new();
    let outside = scene.place().join("outside");
    std::fs::create_dir(&outside).expect("made");
    std::os::unix::fs::symlink(&outside, scene.work.join("link")).expect("linked");
    scene.own();
    let came = scene.run(
        &["--protect", "WORK/link", "--write", "WORK/link", "--place", "WORK/link/x=y"],
        "cat link/x; echo bad > link/y; true",
    );
    assert_eq!(came.code, Some(0), "{}", came.told);
    assert!(!outside.join("y").exists() && !outside.join("x").exists());
    assert!(came.told.contains("link"), "it says what it passed over: {}", came.told);
}

#[test]
fn a_covered_folder_is_empty_and_stays_so() {
    let scene = Scene::new().with("data/ledger", "entries");
    let came = scene.run(&["--cover", "WORK/data"], "ls data; cat data/ledger; echo x > data/y; mv data d2; true");
    assert!(!came.out.contains("ledger"), "{}", came.out);
    assert_eq!(std::fs::read_to_string(scene.work.join("data/ledger")).expect("there"), "entries");
    assert!(!scene.work.join("data/y").exists());
}

#[test]
fn set_user_id_programs_lend_nothing_and_none_can_be_made() {
    let scene = Scene::new();
    let script = "cp /bin/sleep s; chmod u+s s; stat -c %a s; for p in /usr/bin/su /usr/bin/passwd /usr/bin/chsh; do test -u $p && $p --help > /dev/null; done; \
                  grep -c NoNewPrivs:.1 /proc/self/status";
    let came = scene.run(&[], script);
    assert!(came.out.starts_with("755\n") || came.out.starts_with("700\n"), "{} {}", came.out, came.told);
    assert!(came.out.ends_with("1\n"), "{}", came.out);
    let bare = scene.run(&["--without", "syscalls"], "cp /bin/sleep t; chmod u+s t; stat -c %a t");
    assert!(bare.out.starts_with('4'), "without the filter it works: {}", bare.out);
}

#[test]
fn a_place_is_put_over_a_file_and_cannot_be_changed() {
    let scene = Scene::new().with("bundle.pem", "old");
    let came = scene.run(
        &["--place", "WORK/bundle.pem=new", "--place", "HOME/.config/x=made"],
        "cat bundle.pem $HOME/.config/x; echo bad > bundle.pem; true",
    );
    assert_eq!(came.out, "newmade");
    assert_eq!(std::fs::read_to_string(scene.work.join("bundle.pem")).expect("there"), "old");
}

/// Accelerators and terminals are devices: whatever this machine has, a run has.
#[test]
fn the_devices_of_the_machine_stay() {
    let names = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let outside = std::fs::read_dir("/dev").expect("read").flatten();
    let outside: std::collections::BTreeSet<_> =
        outside.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let came = Scene::new().run(&[], "ls -A /dev; echo x > /dev/null");
    assert_eq!((came.code, names(&came.out)), (Some(0), outside), "{}", came.told);
}
