//! No way out, and everything that tries one known.

use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use crate::harness::Scene;

#[test]
fn every_address_and_port_reaches_the_supervisor_and_nobody_else() {
    let scene = Scene::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = listener.local_addr().expect("an address").port();
    listener.set_nonblocking(true).expect("set");
    let attempts =
        ["tcp", "10.9.8.7:4444", "tcp", "169.254.169.254:80", "tcp", "93.184.216.34:443", "tcp", "127.0.0.1:3128"];
    let own = format!("127.0.0.1:{port}");
    let came = scene.attempt(&["--answer", "yes"], &[&attempts[..], &["tcp", &own]].concat());
    let lines: Vec<&str> = came.out.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "tcp 10.9.8.7:4444: tcp meant 10.9.8.7:4444",
            "tcp 169.254.169.254:80: tcp meant 169.254.169.254:80",
            "tcp 93.184.216.34:443: tcp meant 93.184.216.34:443",
            "tcp 127.0.0.1:3128: proxy meant 127.0.0.1:3128",
        ],
        "{}",
        came.told
    );
    assert!(lines[4].contains("refused"), "the host's own loopback is another one: {}", lines[4]);
    assert!(listener.accept().is_err(), "nothing arrived outside");

    scene.attempt(&["--only", "files"], &["tcp", &own]);
    assert!(listener.accept().is_ok(), "without the layer it arrives");
}

#[test]
fn datagrams_go_nowhere_and_are_seen() {
    let scene = Scene::new();
    let outside = UdpSocket::bind("127.0.0.1:0").expect("binds");
    outside.set_nonblocking(true).expect("set");
    let to = outside.local_addr().expect("an address").to_string();
    let came = scene.attempt(&[], &["udp", &to, "udp", "8.8.8.8:4444"]);
    assert!(outside.recv(&mut [0; 8]).is_err(), "nothing arrived: {}", came.out);
    came.saw("Internet(8.8.8.8:4444), datagram: true");
    // By calls that nobody is asked about, and of the other family: seen on the way.
    let came =
        scene.attempt(&[], &["udp-sendmsg", "8.8.4.4:4445", "udp-sendmsg", "[2001:db8::7]:4446", "udp-sendmsg", &to]);
    came.saw("Sent { to: 8.8.4.4:4445 }");
    came.saw("Sent { to: [2001:db8::7]:4446 }");
    assert!(outside.recv(&mut [0; 8]).is_err(), "nothing arrived: {}", came.out);
    // Questions for names have another witness, and the run's own loopback is its own.
    let came = scene.attempt(&["--answer", "yes"], &["dns", "10.0.0.53:53", "udp-sendmsg", "127.0.0.1:99"]);
    assert!(!came.told.contains("Sent {"), "{}", came.told);
    scene.attempt(&["--only", "files"], &["udp", &to]);
    assert!(outside.recv(&mut [0; 8]).is_ok(), "without the layer it arrives");
}

#[test]
fn names_are_asked_of_the_supervisor() {
    let scene = Scene::new();
    let came = scene.attempt(&["--answer", "yes"], &["dns", "10.0.0.53:53", "dns", "127.0.0.1:53"]);
    assert_eq!(came.out, "dns 10.0.0.53:53: 198.18.0.1\ndns 127.0.0.1:53: 198.18.0.1\n", "{}", came.told);
    assert!(came.told.contains("DNS asked 10.0.0.53"), "{}", came.told);
}

#[test]
fn other_kinds_of_sockets_are_not_to_be_had() {
    let scene = Scene::new();
    // AF_PACKET, AF_VSOCK, AF_ALG, AF_NETLINK for netfilter, raw IPv4, AF_XDP
    let sockets = [
        "socket", "17:3:0", "socket", "40:1:0", "socket", "38:5:0", "socket", "16:3:12", "socket", "2:3:1", "socket",
        "44:3:0",
    ];
    let came = scene.attempt(&[], &sockets);
    assert_eq!(came.out.lines().count(), 6);
    assert!(came.out.lines().all(|line| line.contains("failed")), "{}", came.out);
    let came = scene.attempt(&[], &["socket", "1:1:0", "socket", "2:1:0", "socket", "10:2:0", "socket", "16:3:0"]);
    assert!(came.out.lines().all(|line| line.contains("succeeded")), "what programs need is there: {}", came.out);
}

#[test]
fn sockets_of_services_outside_are_out_of_reach() {
    let scene = Scene::new();
    let path = scene.work.join("service.sock");
    let listener = UnixListener::bind(&path).expect("binds");
    scene.own();
    let name = format!("bulkhead-run-{}", std::process::id());
    let abstracts = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).expect("a name")).expect("binds");
    for listener in [&listener, &abstracts] {
        listener.set_nonblocking(true).expect("set");
    }
    let path = path.display().to_string();
    let attempts = ["unix", path.as_str(), "abstract", name.as_str()];
    let came = scene.attempt(&["--mask", "WORK/service.sock"], &attempts);
    assert!(listener.accept().is_err() && abstracts.accept().is_err(), "{}", came.out);
    came.saw("service.sock");
    scene.attempt(&["--only", "processes"], &attempts);
    let (mut stream, _) = listener.accept().expect("without the layers it arrives");
    assert!(abstracts.accept().is_ok());
    drop(stream.read(&mut [0; 1]));
}

#[test]
fn a_training_job_talks_to_itself() {
    let scene = Scene::new();
    let came =
        scene.attempt(&[], &["own-loopback", "", "own-socketpair", "", "shared-memory", "", "name-thread", "worker"]);
    assert!(came.out.lines().all(|line| line.contains("succeeded")), "{} {}", came.out, came.told);
    assert_eq!(came.out.lines().count(), 4);
}
