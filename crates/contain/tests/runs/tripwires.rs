//! Credential paths: refused, with the exact name and the process, from the kernel.

use crate::harness::Scene;

#[test]
fn a_credential_is_refused_and_named_with_its_reader() {
    let scene = Scene::new();
    let came = scene.run(&[], "cat $HOME/.ssh/id_rsa; ls $HOME/.ssh; cat $HOME/.netrc; echo x >> $HOME/.netrc; echo x > $HOME/.ssh/authorized_keys");
    assert!(!came.out.contains("DECOY"), "{}", came.out);
    for seen in [
        ".ssh/id_rsa\", verb: \"read\", answer: Refused",
        ".ssh\", verb: \"list\", answer: Refused",
        ".netrc\", verb: \"read\", answer: Refused",
        ".netrc\", verb: \"write\", answer: Refused",
        ".ssh/authorized_keys\", verb: \"read\", answer: Refused",
    ] {
        came.saw(seen);
    }
    assert!(came.seen().iter().any(|line| line.contains(" cat Credential")), "{}", came.told);
    // Files alone hide the home: nothing is there, and nobody is told. Without both it is read.
    let bare = scene.run(&["--only", "processes"], "cat $HOME/.ssh/id_rsa");
    assert_eq!(bare.out, "DECOY");
}

#[test]
fn tripwires_alone_refuse_in_a_home_that_is_in_sight() {
    let scene = Scene::new();
    let came = scene
        .run(&["--only", "tripwires"], "cat $HOME/.ssh/id_rsa; cat $HOME/.netrc; cat $HOME/project/../.ssh/id_rsa");
    assert_eq!(came.out, "");
    assert_eq!(came.seen().len(), 3, "{}", came.told);
}

#[test]
fn links_to_a_credential_lead_to_the_tripwire() {
    let scene = Scene::new();
    std::os::unix::fs::symlink("../.ssh/id_rsa", scene.work.join("notes.txt")).expect("linked");
    std::fs::hard_link(scene.home.join(".ssh/id_rsa"), scene.work.join("hard.txt")).expect("linked");
    scene.own();
    let came = scene.run(
        &["--deny-file", "WORK/hard.txt"],
        "cat notes.txt hard.txt; ln $HOME/.ssh/id_rsa new.txt; cat new.txt; mv hard.txt moved.txt; cat moved.txt",
    );
    assert_eq!(came.out, "", "{}", came.told);
    came.saw("hard.txt\", verb: \"read\", answer: Refused");
    let bare = scene.run(&["--only", "processes"], "cat notes.txt hard.txt");
    assert_eq!(bare.out, "DECOYDECOY");
}

#[test]
fn what_is_behind_a_tripwire_is_chosen_for_each() {
    let scene = Scene::new();
    let options = &["--absent", "HOME/.aws", "--canary", "HOME/.token", "--canary-in", "HOME/.kube"];
    let came = scene.run(options, "ls $HOME/.aws; cat $HOME/.aws/credentials; cat $HOME/.token $HOME/.kube/credentials; ls $HOME/.kube; echo x > $HOME/.token");
    assert_eq!(came.out, "CANARYCANARYcredentials\n", "{}", came.told);
    came.saw(".aws/credentials\", verb: \"read\", answer: Absent");
    came.saw(".token\", verb: \"read\", answer: Canary");
    came.saw(".kube/credentials\", verb: \"read\", answer: Canary");
    came.saw(".token\", verb: \"write\", answer: Refused");
}

#[test]
fn the_folder_above_a_tripwire_stays_where_it_is() {
    let scene = Scene::new().with("sub/deep/.env", "SECRET=1");
    let came = scene.run(
        &["--deny-file", "WORK/sub/deep/.env"],
        "mv sub other; mv sub/deep sub/d; cat sub/deep/.env other/deep/.env sub/d/.env; true",
    );
    assert_eq!(came.out, "", "{}", came.told);
    came.saw("sub/deep/.env\", verb: \"read\", answer: Refused");
}

/// What stands over every credential path of the scene where there is no FUSE.
const DECOYS: &[&str] =
    &["--without", "tripwires", "--decoys", "yes", "--canary-in", "HOME/.kube", "--canary", "HOME/.token"];

#[test]
fn without_fuse_a_decoy_stands_there_and_tells_that_it_was_opened() {
    let scene = Scene::new();
    std::fs::create_dir(scene.home.join(".kube")).expect("made");
    std::fs::write(scene.home.join(".kube/credentials"), "DECOY").expect("written");
    std::fs::write(scene.home.join(".token"), "DECOY").expect("written");
    scene.own();
    let script = "cat $HOME/.kube/credentials $HOME/.token $HOME/.ssh/id_rsa; ls $HOME/.kube; cat $HOME/.netrc; \
                  echo x > $HOME/.token; rm $HOME/.kube/credentials; echo x > $HOME/.kube/new; mv $HOME/.kube $HOME/k; exit 0";
    let came = scene.run(DECOYS, script);
    assert_eq!((came.code, came.out.as_str()), (Some(0), "CANARYCANARYcredentials\n"), "{}", came.told);
    for (path, verb) in [(".kube/credentials", "read"), (".token", "read"), (".kube", "list"), (".netrc", "read")] {
        came.saw(&format!(
            "SEEN 0  Credential {{ path: \"{}/{path}\", verb: \"{verb}\", answer: Decoy",
            scene.home.display()
        ));
    }
    assert!(came.told.contains("decoys of credentials, watched"), "{}", came.told);
    for (path, content) in [(".kube/credentials", "DECOY"), (".token", "DECOY")] {
        assert_eq!(std::fs::read_to_string(scene.home.join(path)).expect("there"), content);
    }
    assert!(!scene.home.join(".kube/new").exists());
    // What is opened as the very last thing is told too, and what nobody opens is not.
    let came = scene.run(DECOYS, "exec cat $HOME/.token");
    assert_eq!(came.seen().iter().filter(|line| line.contains("Credential")).count(), 1, "{}", came.told);
    assert!(scene.run(DECOYS, "true").seen().iter().all(|line| !line.contains("Credential")));
}

#[test]
fn decoys_cover_a_home_that_is_in_sight_and_links_lead_to_them() {
    let scene = Scene::new();
    std::os::unix::fs::symlink("../.token", scene.work.join("notes.txt")).expect("linked");
    std::fs::write(scene.home.join(".token"), "DECOY").expect("written");
    scene.own();
    let came =
        scene.run(&[&["--only", "processes"], &DECOYS[2..]].concat(), "cat notes.txt $HOME/.token; ls $HOME/.kube");
    assert_eq!(came.out, "CANARYCANARY", "{}", came.told);
    came.saw(".token\", verb: \"read\", answer: Decoy");
}
