//! The queueing disciplines of an interface, asked of the kernel over rtnetlink(7): one request, one dump of messages.
//!
//! Numbers are in the host's byte order; messages and attributes begin on multiples of four (linux/netlink.h). Of each message
//! only the interface (`tcmsg` of linux/rtnetlink.h) and the attribute with the kind's name are read.

use std::{fs, os::fd::AsRawFd as _};

use nix::sys::{
    socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, setsockopt, socket,
        sockopt::ReceiveTimeout,
    },
    time::{TimeVal, TimeValLike as _},
};

/// `nlmsghdr`: length, type, flags, sequence, sender.
const HEADER_BYTES: usize = 16;
/// `tcmsg`: family, padding, interface, handle, parent, info.
const TCMSG_BYTES: usize = 20;
/// Of a `tcmsg`.
const INTERFACE_AT: usize = 4;
/// Of the attributes of a queueing discipline.
const TCA_KIND: u16 = 1;
/// More than the kernel puts into one answer of a dump.
const ANSWER_BYTES: usize = 64 * 1024;

/// What one answer of a dump held.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The kinds of one interface.
    pub(crate) kinds: Vec<String>,
    /// Nothing more comes.
    pub(crate) last: bool,
}

/// The kinds of all queueing disciplines of `interface`, the root's first; none where the kernel does not tell. An interface
/// without a queue has `noqueue`.
pub(crate) fn kinds(interface: &str) -> Option<Vec<String>> {
    let index: u32 = fs::read_to_string(format!("/sys/class/net/{interface}/ifindex")).ok()?.trim().parse().ok()?;
    let netlink =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute).ok()?;
    // The kernel answers at once or not at all.
    setsockopt(&netlink, ReceiveTimeout, &TimeVal::seconds(1)).ok()?;
    sendto(netlink.as_raw_fd(), &request(index), &NetlinkAddr::new(0, 0), MsgFlags::empty()).ok()?;
    let (mut bytes, mut kinds) = (vec![0; ANSWER_BYTES], Vec::new());
    loop {
        let length = recv(netlink.as_raw_fd(), &mut bytes, MsgFlags::empty()).ok()?;
        let answer = read(&bytes[..length], index)?;
        kinds.extend(answer.kinds);
        if answer.last {
            return Some(kinds);
        }
    }
}

fn request(interface: u32) -> Vec<u8> {
    let length = u32::try_from(HEADER_BYTES + TCMSG_BYTES).unwrap_or(u32::MAX);
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_DUMP).unwrap_or(0);
    let mut bytes = Vec::with_capacity(HEADER_BYTES + TCMSG_BYTES);
    bytes.extend(length.to_ne_bytes());
    bytes.extend(libc::RTM_GETQDISC.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.resize(HEADER_BYTES + INTERFACE_AT, 0);
    bytes.extend(interface.to_ne_bytes());
    bytes.resize(HEADER_BYTES + TCMSG_BYTES, 0);
    bytes
}

/// Reads the messages of one answer; none when one of them is an error or cut short.
pub(crate) fn read(mut rest: &[u8], interface: u32) -> Option<Answer> {
    let mut kinds = Vec::new();
    while !rest.is_empty() {
        let length = usize::try_from(u32_at(rest, 0)?).ok()?;
        let message = rest.get(HEADER_BYTES..length)?;
        match u16_at(rest, 4)? {
            libc::RTM_NEWQDISC if u32_at(message, INTERFACE_AT)? == interface => {
                kinds.push(kind(message.get(TCMSG_BYTES..)?)?);
            }
            kind if i32::from(kind) == libc::NLMSG_DONE => return Some(Answer { kinds, last: true }),
            kind if i32::from(kind) == libc::NLMSG_ERROR => return None,
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(Answer { kinds, last: false })
}

/// The name among a message's attributes, without the zero at its end.
fn kind(mut attributes: &[u8]) -> Option<String> {
    while !attributes.is_empty() {
        let length = usize::from(u16_at(attributes, 0)?);
        let value = attributes.get(4..length)?;
        if u16_at(attributes, 2)? == TCA_KIND {
            return Some(String::from_utf8_lossy(value).trim_end_matches('\0').to_owned());
        }
        attributes = attributes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    None
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}
