//! A capture of a run by `tcpdump`, in a network of its own, so that nothing else is on its loopback.
//!
//! The file is the classic one of libpcap: a header of 24 bytes, then packets, each behind 16 bytes of time and length.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use measure::{Mono, clock};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

/// How long the last packets take into the file on a busy machine, at the most.
const WRITTEN_WITHIN: Duration = Duration::from_secs(20);

const ETHERNET: usize = 14;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// A capture under way.
pub(super) struct Capture {
    tcpdump: Child,
    file: PathBuf,
    _folder: TempDir,
}

/// One segment.
#[derive(Debug)]
struct Packet {
    /// Its sender's port first.
    ports: (u16, u16),
    sequence: u32,
    flags: u8,
    header_bytes: u64,
    data_bytes: u64,
    /// How its data begins.
    begins: Vec<u8>,
}

/// One connection, its packets in the order in which they passed.
#[derive(Debug, Default)]
struct Connection {
    /// Each with its place among all packets, and whether it went down to the client.
    packets: Vec<(usize, bool, Packet)>,
}

/// What passed in one cell.
#[derive(Debug, Default)]
pub(super) struct Seen {
    publishers: Vec<Connection>,
    subscribers: Vec<Connection>,
}

impl Capture {
    /// Begins to capture.
    ///
    /// # Errors
    ///
    /// Why it may not.
    pub(super) fn begin() -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("capture.pcap");
        let script =
            r#"ip link set lo up && exec tcpdump -i lo -n -U -Z root --immediate-mode -B 65536 -s 256 -w "$0" tcp"#;
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", script]).arg(&file).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut tcpdump = command.spawn().map_err(|error| format!("no unshare: {error}"))?;
        let mut said = String::new();
        let mut lines = BufReader::new(tcpdump.stderr.take().unwrap());
        while !said.contains("listening on") {
            if lines.read_line(&mut said).unwrap() == 0 {
                tcpdump.wait().unwrap();
                return Err(format!("it needs root, ip and tcpdump: {}", said.trim()));
            }
        }
        Ok(Self { tcpdump, file, _folder: folder })
    }

    /// `program` in the captured network.
    pub(super) fn beside(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.tcpdump.id())).arg(program);
        command
    }

    /// Waits until every connection is seen to its end, and ends. Every cell begins with its publishers.
    pub(super) fn end(mut self, publishers: usize, cells: usize) -> Vec<Seen> {
        let until = Mono::now() + WRITTEN_WITHIN;
        let seen = loop {
            let seen = cells_of(read(&fs::read(&self.file).unwrap()), publishers);
            let ended = |seen: &Seen| seen.publishers.iter().chain(&seen.subscribers).all(Connection::is_over);
            if seen.len() == cells && seen.iter().all(ended) {
                break seen;
            }
            assert!(Mono::now() < until, "{cells} cells, but {} were captured, or not to their ends", seen.len());
            clock::sleep_until(Mono::now() + Duration::from_millis(50));
        };
        kill(Pid::from_raw(self.tcpdump.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        self.tcpdump.wait().unwrap();
        seen
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.tcpdump.kill();
        let _ended = self.tcpdump.wait();
    }
}

/// The segments of a file that may still be written to.
fn read(file: &[u8]) -> Vec<Packet> {
    let Some((header, mut rest)) = file.split_at_checked(24) else { return Vec::new() };
    assert_eq!(header[..4], [0xd4, 0xc3, 0xb2, 0xa1], "microseconds, in the order of a little-endian machine");
    let mut packets = Vec::new();
    while let Some((record, data)) = rest.split_at_checked(16) {
        let length = u32::from_le_bytes(record[8..12].try_into().unwrap()) as usize;
        let Some((packet, next)) = data.split_at_checked(length) else { break };
        packets.push(segment(&packet[ETHERNET..]));
        rest = next;
    }
    packets
}

/// A packet of IPv4 (RFC 791) with a segment of TCP (RFC 9293).
fn segment(packet: &[u8]) -> Packet {
    let number = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    let ip = usize::from(packet[0] & 0xf) * 4;
    let header = ip + usize::from(packet[ip + 12] >> 4) * 4;
    Packet {
        ports: (number(ip), number(ip + 2)),
        sequence: u32::from_be_bytes(packet[ip + 4..ip + 8].try_into().unwrap()),
        flags: packet[ip + 13],
        header_bytes: header as u64,
        data_bytes: u64::from(number(2)) - header as u64,
        begins: packet[header..].to_vec(),
    }
}

/// The connections in the order in which they were asked for, cell by cell.
fn cells_of(packets: Vec<Packet>, publishers: usize) -> Vec<Seen> {
    let mut connections: Vec<Connection> = Vec::new();
    let mut open = BTreeMap::new();
    for (place, packet) in packets.into_iter().enumerate() {
        let (from, to) = packet.ports;
        if packet.flags & (SYN | ACK) == SYN {
            open.insert((from, to), connections.len());
            connections.push(Connection::default());
        }
        let up = open.get(&(from, to));
        let (index, down) = up.map_or_else(|| (open[&(to, from)], true), |index| (*index, false));
        connections[index].packets.push((place, down, packet));
    }
    let mut cells: Vec<Seen> = Vec::new();
    // Whoever only looks how long the path is says nothing.
    for connection in connections.into_iter().filter(|one| one.packets.iter().any(|(.., packet)| packet.data_bytes > 0))
    {
        let first = cells.last().is_none_or(|cell| !cell.subscribers.is_empty());
        if connection.publishes() && first {
            cells.push(Seen::default());
        }
        let cell = cells.last_mut().unwrap();
        if connection.publishes() { &mut cell.publishers } else { &mut cell.subscribers }.push(connection);
    }
    assert!(cells.iter().rev().skip(1).all(|cell| cell.publishers.len() == publishers));
    cells
}

impl Connection {
    fn sent(&self, down: bool) -> impl Iterator<Item = &Packet> {
        self.packets.iter().filter(move |(_, way, _)| *way == down).map(|(_, _, packet)| packet)
    }

    /// Only a publisher wants to receive nothing.
    fn publishes(&self) -> bool {
        let wish = b"receive=false";
        self.sent(false)
            .find(|packet| packet.data_bytes > 0)
            .is_some_and(|packet| packet.begins.windows(wish.len()).any(|part| part == wish))
    }

    fn is_over(&self) -> bool {
        [false, true].into_iter().all(|way| self.sent(way).any(|packet| packet.flags & FIN > 0))
    }

    /// What lies between the first and the last sequence number, which stand for the beginning and the end.
    fn stream_bytes(&self, down: bool) -> u64 {
        let begin = self.sent(down).find(|packet| packet.flags & SYN > 0).unwrap();
        let end = self.sent(down).find(|packet| packet.flags & FIN > 0).unwrap();
        let length = end.sequence.wrapping_sub(begin.sequence.wrapping_add(1));
        u64::from(length) + end.data_bytes
    }
}

impl Seen {
    /// Connections of subscribers.
    pub(super) fn connections(&self) -> u64 {
        self.subscribers.len() as u64
    }

    /// Of all subscribers, in one direction.
    pub(super) fn stream_bytes(&self, down: bool) -> u64 {
        assert!(self.subscribers.iter().flat_map(|one| &one.packets).all(|(_, _, packet)| packet.flags & RST == 0));
        self.subscribers.iter().map(|connection| connection.stream_bytes(down)).sum()
    }

    /// The sizes of IP and TCP headers, of a connection's first segments apart from the others'.
    pub(super) fn header_sizes(&self) -> BTreeSet<(bool, u64)> {
        let packets = self.subscribers.iter().flat_map(|one| &one.packets);
        packets.map(|(.., packet)| (packet.flags & SYN > 0, packet.header_bytes)).collect()
    }

    /// IP and TCP headers of all subscribers from the first publication to the first goodbye: the first end, or the first that
    /// a client writes which asks for nothing.
    pub(super) fn header_bytes_of_the_feed(&self) -> u64 {
        let publication = |one: &Connection| {
            let mut written = one.packets.iter().filter(|(_, down, packet)| !down && packet.data_bytes > 0);
            // After the upgrade is asked for.
            written.nth(1).unwrap().0
        };
        let begin = self.publishers.iter().map(publication).min().unwrap();
        let all = || self.subscribers.iter().flat_map(|one| &one.packets).filter(|(place, ..)| *place >= begin);
        let goodbye = |down: bool, packet: &Packet| {
            packet.flags & FIN > 0 || !down && packet.data_bytes > 0 && !packet.begins.starts_with(b"GET ")
        };
        let end = all().filter(|(_, down, packet)| goodbye(*down, packet)).map(|(place, ..)| *place).min().unwrap();
        all().filter(|(place, ..)| *place < end).map(|(_, _, packet)| packet.header_bytes).sum()
    }
}
