//! One rule of nf_tables, put to the kernel directly: TCP to any port of any address outside 127.0.0.0/8 comes to one of
//! our listeners. What the `nft` program would do, without needing it, and without capabilities outside the namespace.
//!
//! Numbers are those of `linux/netfilter/nf_tables.h`.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};

const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
const CREATE: u16 = 0x400;

const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
const SUBSYSTEM: u16 = 10;
const NEW_TABLE: u16 = SUBSYSTEM << 8;
const NEW_CHAIN: u16 = (SUBSYSTEM << 8) | 3;
const NEW_RULE: u16 = (SUBSYSTEM << 8) | 6;

const TABLE: &str = "bulkhead";
const CHAIN: &str = "out";

/// Redirects to `port`, but for connections to `except`.
pub(super) fn redirect_tcp(port: u16, except: u16) -> io::Result<()> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::NETFILTER),
    )?;
    const OUTPUT_HOOK: u32 = 3;
    const DESTINATION_NAT_PRIORITY: i32 = -100;
    let hook =
        [attribute(1, &OUTPUT_HOOK.to_be_bytes()), attribute(2, &DESTINATION_NAT_PRIORITY.to_be_bytes())].concat();
    let chain = [text(1, TABLE), text(3, CHAIN), nested(4, &hook), text(7, "nat")].concat();
    let rule = [text(1, TABLE), text(2, CHAIN), nested(4, &expressions(port, except))].concat();
    let batch = [
        message(BATCH_BEGIN, REQUEST, 0, &generic(0, SUBSYSTEM)),
        message(NEW_TABLE, REQUEST | CREATE | ACK, 1, &[generic(IPV4, 0), text(1, TABLE)].concat()),
        message(NEW_CHAIN, REQUEST | CREATE | ACK, 2, &[generic(IPV4, 0), chain].concat()),
        message(NEW_RULE, REQUEST | CREATE | ACK, 3, &[generic(IPV4, 0), rule].concat()),
        message(BATCH_END, REQUEST, 4, &generic(0, SUBSYSTEM)),
    ];
    rustix::net::send(&socket, &batch.concat(), SendFlags::empty())?;
    acknowledged(&socket, 3)
}

const IPV4: u8 = 2;

/// tcp, not 127.0.0.0/8, not the excepted port: redirect.
fn expressions(port: u16, except: u16) -> Vec<u8> {
    const L4_PROTOCOL: u32 = 16;
    const TCP: u8 = 6;
    const NETWORK: u32 = 1;
    const TRANSPORT: u32 = 2;
    [
        expression("meta", &[number(1, REGISTER), number(2, L4_PROTOCOL)].concat()),
        compare(EQUAL, &[TCP]),
        payload(NETWORK, 16, 1),
        compare(NOT_EQUAL, &[127]),
        payload(TRANSPORT, 2, 2),
        compare(NOT_EQUAL, &except.to_be_bytes()),
        expression("immediate", &[number(1, REGISTER), nested(2, &attribute(1, &port.to_be_bytes()))].concat()),
        expression("redir", &number(1, REGISTER)),
    ]
    .concat()
}

const REGISTER: u32 = 1;
const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;

fn payload(base: u32, offset: u32, length: u32) -> Vec<u8> {
    expression("payload", &[number(1, REGISTER), number(2, base), number(3, offset), number(4, length)].concat())
}

fn compare(how: u32, with: &[u8]) -> Vec<u8> {
    expression("cmp", &[number(1, REGISTER), number(2, how), nested(3, &attribute(1, with))].concat())
}

fn expression(name: &str, data: &[u8]) -> Vec<u8> {
    nested(1, &[text(1, name), nested(2, data)].concat())
}

fn generic(family: u8, resource: u16) -> Vec<u8> {
    let [high, low] = resource.to_be_bytes();
    vec![family, 0, high, low]
}

fn number(kind: u16, value: u32) -> Vec<u8> {
    attribute(kind, &value.to_be_bytes())
}

fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, &[value.as_bytes(), &[0]].concat())
}

fn nested(kind: u16, value: &[u8]) -> Vec<u8> {
    const NESTED: u16 = 1 << 15;
    attribute(kind | NESTED, value)
}

/// Length and kind in the machine's order, then the value, padded to four bytes.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).expect("invariant: our attributes are short");
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// One netlink message (netlink(7)).
pub(super) fn message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 16).expect("invariant: our messages are short");
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Reads that many acknowledgements; the first that is an error is the result.
pub(super) fn acknowledged(socket: &OwnedFd, count: usize) -> io::Result<()> {
    const ERROR: u16 = 2;
    let mut seen = 0;
    while seen < count {
        let mut bytes = [0; 4096];
        let (_, got) = rustix::net::recv(socket.as_fd(), &mut bytes, RecvFlags::empty())?;
        let mut rest = &bytes[..got.min(bytes.len())];
        // Each begins with its length and its kind; an acknowledgement goes on with the error's number, negative, or 0.
        while let (Some(length), Some(kind)) = (word(rest, 0), rest.get(4..6)) {
            let kind = u16::from_ne_bytes([kind[0], kind[1]]);
            if kind == ERROR {
                seen += 1;
                let code = word(rest, 16).unwrap_or(0).cast_signed();
                if code != 0 {
                    return Err(io::Error::from_raw_os_error(code.wrapping_neg()));
                }
            }
            let next = usize::try_from(length).unwrap_or(usize::MAX).next_multiple_of(4).max(16);
            rest = rest.get(next..).unwrap_or_default();
        }
    }
    Ok(())
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_ne_bytes)
}
