//! Kernels that lack something: what a run then refuses instead, and what it says of the rest.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;

use crate::harness::Scene;

/// What is left where an ordinary user gets no namespaces.
const NO_NAMESPACES: &str = "syscalls,landlock,evidence";

#[test]
fn what_is_missing_stops_the_start_by_name() {
    let scene = Scene::new();
    for name in ["userns", "netns", "pidns", "seccomp", "landlock"] {
        let came = scene.attempt_lacking(name, &[], &["own-socketpair", ""]);
        assert_eq!(came.code, Some(125), "without {name}: {} {}", came.out, came.told);
        assert!(came.told.contains(&format!("REFUSED {name} ")), "without {name}: {}", came.told);
    }
}

#[test]
fn without_namespaces_no_socket_leads_anywhere() {
    let scene = Scene::new();
    let (udp, tcp) = (UdpSocket::bind("127.0.0.1:0").expect("binds"), TcpListener::bind("127.0.0.1:0").expect("binds"));
    udp.set_nonblocking(true).expect("set");
    tcp.set_nonblocking(true).expect("set");
    let path = scene.work.join("service.sock");
    let unix = UnixListener::bind(&path).expect("binds");
    unix.set_nonblocking(true).expect("set");
    scene.own();
    let to_udp = udp.local_addr().expect("an address").to_string();
    let to_tcp = tcp.local_addr().expect("an address").to_string();
    let path = path.display().to_string();
    // Stream, datagram, raw and ping, of both families; MPTCP, which landlock takes for no TCP.
    let attempts = [
        "udp",
        &to_udp,
        "udp-sendmsg",
        &to_udp,
        "tcp",
        &to_tcp,
        "listen",
        "",
        "unix",
        &path,
        "socket",
        "10:2:0",
        "socket",
        "10:1:0",
        "socket",
        "2:2:1",
        "socket",
        "10:2:58",
        "socket",
        "2:3:1",
        "socket",
        "2:1:262",
        "socket",
        "1:2:0",
    ];
    let came = scene.attempt_lacking("userns", &["--only", NO_NAMESPACES], &attempts);
    assert_eq!(came.out.lines().count(), attempts.len() / 2, "{} {}", came.out, came.told);
    assert!(came.out.lines().all(|line| line.ends_with("failed: Permission denied (os error 13)")), "{}", came.out);
    assert!(udp.recv(&mut [0; 8]).is_err() && tcp.accept().is_err() && unix.accept().is_err(), "{}", came.out);
    for seen in
        ["datagram IPv4 socket", "stream IPv4 socket", "datagram IPv6 socket", "raw IPv4 socket", "stream unix socket"]
    {
        came.saw(seen);
    }
    for said in ["no internet sockets", "no Unix sockets but pairs", "WITNESS syscalls held open a datagram socket"] {
        assert!(came.told.contains(said), "{}", came.told);
    }
    // What needs no socket is there, and so are pairs.
    let came = scene.attempt_lacking("userns", &["--only", NO_NAMESPACES], &["own-socketpair", "", "name-thread", "x"]);
    assert!(came.out.lines().all(|line| line.contains("succeeded")), "{} {}", came.out, came.told);

    scene.attempt(&["--only", "evidence"], &["udp", &to_udp, "tcp", &to_tcp, "unix", &path]);
    assert!(udp.recv(&mut [0; 8]).is_ok() && tcp.accept().is_ok() && unix.accept().is_ok(), "without the layers");
}

#[test]
fn without_evidence_the_same_sockets_are_refused() {
    let scene = Scene::new();
    let came = scene.attempt(&["--only", "syscalls"], &["socket", "2:2:0", "socket", "1:1:0", "socket", "10:1:6"]);
    assert!(came.out.lines().all(|line| line.contains("Permission denied")), "{} {}", came.out, came.told);
}

#[test]
fn without_a_network_of_its_own_unix_sockets_stay() {
    let scene = Scene::new();
    let options = ["--without", "network"];
    let came = scene.attempt_lacking("netns", &options, &["socket", "1:1:0", "socket", "2:1:0", "socket", "2:2:0"]);
    let lines: Vec<&str> = came.out.lines().collect();
    assert!(
        lines[0].contains("succeeded") && lines[1..].iter().all(|line| line.contains("denied")),
        "{} {}",
        came.out,
        came.told
    );
}

#[test]
fn raw_and_ping_sockets_are_refused_and_seen_in_a_full_run() {
    let scene = Scene::new();
    let came = scene.attempt(&[], &["socket", "2:3:1", "socket", "2:2:1", "socket", "10:2:58", "socket", "2:2:17"]);
    let lines: Vec<&str> = came.out.lines().collect();
    assert!(
        lines[..3].iter().all(|line| line.contains("Permission denied")) && lines[3].contains("succeeded"),
        "{}",
        came.out
    );
    came.saw("raw IPv4 socket");
    came.saw("datagram IPv6 socket");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn rights_that_landlock_lacks_are_named_and_have_to_be_accepted() {
    let scene = Scene::new();
    let came = scene.attempt(&["--landlock-abi", "2"], &["own-socketpair", ""]);
    assert_eq!(came.code, Some(125), "{}", came.told);
    assert!(came.told.contains("REFUSED landlock-truncate"), "{}", came.told);
    let all = ["--landlock-abi", "2", "--accept", "landlock-truncate", "--accept", "landlock-ioctl"];
    let came = scene.attempt(&all, &["own-socketpair", ""]);
    assert!(came.told.contains("REFUSED landlock-scopes"), "{}", came.told);
    let came = scene.attempt(&[&all[..], &["--accept", "landlock-scopes"]].concat(), &["own-socketpair", ""]);
    assert!(came.out.contains("succeeded"), "{} {}", came.out, came.told);
    assert!(came.told.contains("PASSED OVER landlock-scopes: landlock ABI 2 does not refuse signals"), "{}", came.told);
    assert!(came.told.contains("landlock ABI 2"), "{}", came.told);
    for (version, names) in [
        ("2", "landlock-truncate,landlock-ioctl,landlock-scopes"),
        ("4", "landlock-ioctl,landlock-scopes"),
        ("5", "landlock-scopes"),
        ("6", ""),
    ] {
        let came = scene.attempt(&["--landlock-abi", version, "--lacking", "yes"], &["own-socketpair", ""]);
        assert!(came.told.contains(&format!("LACKING {names}\n")), "ABI {version}: {}", came.told);
    }
    // TCP matters where no namespace keeps it.
    let came = scene.attempt(&["--landlock-abi", "3", "--only", "landlock"], &["own-socketpair", ""]);
    assert!(came.told.contains("REFUSED landlock-tcp"), "{}", came.told);
}
