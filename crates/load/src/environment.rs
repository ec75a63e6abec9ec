//! What about the machine and the path can move a number, for the record: settings from `/proc` and `/sys`, and a first server
//! that is asked for nothing but handshakes. What cannot be read is none.

use std::{collections::BTreeMap, fs, net::SocketAddr};

use measure::Mono;
use mio::net::TcpStream;
use nix::time::ClockId;
use record::{Environment, SocketOptions};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;

use crate::{
    host::Pinning,
    qdisc,
    server_process::{ServerCommand, ServerProcess},
    socket,
};

/// Settings that decide how connections are taken, how long bytes wait and how much of them a socket holds.
const SYSCTLS: [&str; 19] = [
    "kernel.sched_rt_runtime_us",
    "net.core.busy_poll",
    "net.core.busy_read",
    "net.core.netdev_max_backlog",
    "net.core.rmem_max",
    "net.core.somaxconn",
    "net.core.wmem_max",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_autocorking",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_no_metrics_save",
    "net.ipv4.tcp_notsent_lowat",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_wmem",
];

/// Handshakes of which the shortest is the path's round trip: a host that is busy lengthens some of them, a path all.
const HANDSHAKES: u32 = 10;

/// How long a handshake may take.
const HANDSHAKE_WITHIN: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Reads all of it, from the generator's thread after it was pinned and scheduled. A server is started for the path and
/// stopped again; one that does not start is left to the first cell to report.
pub(crate) fn read(server: &ServerCommand, pinning: Pinning) -> Environment {
    let server = ServerProcess::start(server, pinning.server, pinning.generator).ok();
    let address = server.as_ref().map(|server| server.origin.address);
    let environment = Environment {
        hz: hz(),
        clocksource: line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        governors: governors(pinning),
        server_scheduling: server.as_ref().and_then(|server| scheduling(&format!("/proc/{}/stat", server.pid()))),
        generator_scheduling: scheduling("/proc/thread-self/stat"),
        loopback_qdiscs: qdisc::kinds("lo"),
        round_trip_ns: address.and_then(|address| (0..HANDSHAKES).filter_map(|_| handshake(address)).min()),
        socket: address.and_then(|address| Some(options(&connected(address)?))),
        sysctls: sysctls(),
    };
    if let Some(server) = server {
        // Whether servers drain in good order is for cells to say.
        let _drained = server.stop();
    }
    environment
}

fn line(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

/// Timer interrupts a second: the coarse clock steps once in each.
fn hz() -> Option<u32> {
    let step = ClockId::CLOCK_MONOTONIC_COARSE.res().ok()?.tv_nsec();
    u32::try_from(1_000_000_000_i64.checked_div(step)?).ok()
}

/// Of the CPUs in use, or of the first when none is chosen.
fn governors(pinning: Pinning) -> Option<Vec<String>> {
    let mut cpus: Vec<u32> = [pinning.server, pinning.generator].into_iter().flatten().collect();
    if cpus.is_empty() {
        cpus.push(0);
    }
    let governor = |cpu| line(&format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor"));
    let mut governors: Vec<String> = cpus.into_iter().map(governor).collect::<Option<_>>()?;
    governors.sort();
    governors.dedup();
    Some(governors)
}

fn scheduling(stat: &str) -> Option<String> {
    scheduling_in(&fs::read_to_string(stat).ok()?)
}

/// Reads the policy, and the priority where it has one, from `/proc/<pid>/stat` (proc(5), sched(7)).
pub(crate) fn scheduling_in(stat: &str) -> Option<String> {
    // The name may hold spaces; the fields after its bracket do not. The first of them is the third of the file.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(40 - 3);
    let (priority, policy) = (fields.next()?, fields.next()?);
    let name = match policy {
        "0" => "SCHED_OTHER",
        "1" => return Some(format!("SCHED_FIFO {priority}")),
        "2" => return Some(format!("SCHED_RR {priority}")),
        "3" => "SCHED_BATCH",
        "5" => "SCHED_IDLE",
        "6" => "SCHED_DEADLINE",
        "7" => "SCHED_EXT",
        _ => return None,
    };
    Some(name.to_owned())
}

fn sysctls() -> BTreeMap<String, String> {
    let value = |name: &str| line(&format!("/proc/sys/{}", name.replace('.', "/")));
    SYSCTLS.iter().filter_map(|name| Some(((*name).to_owned(), value(name)?))).collect()
}

/// A connection opened as all of the generator's are, once the server has answered.
fn connected(server: SocketAddr) -> Option<TcpStream> {
    let tcp = socket::connect(server, 0).ok()?;
    let mut ready = [PollFd::new(&tcp, PollFlags::OUT)];
    let answered = poll(&mut ready, Some(&HANDSHAKE_WITHIN)).ok()? > 0;
    (answered && tcp.peer_addr().is_ok()).then_some(tcp)
}

fn handshake(server: SocketAddr) -> Option<u64> {
    let start = Mono::now();
    let _tcp = connected(server)?;
    u64::try_from(Mono::now().signed_nanos_since(start)).ok()
}

/// Reads back what is in force.
pub(crate) fn options(tcp: &TcpStream) -> SocketOptions {
    let socket = SockRef::from(tcp);
    let bytes = |size: std::io::Result<usize>| size.ok().and_then(|size| u64::try_from(size).ok());
    let congestion = socket.tcp_congestion().ok();
    SocketOptions {
        no_delay: socket.tcp_nodelay().ok(),
        notsent_lowat_bytes: socket.tcp_notsent_lowat().ok().map(u64::from),
        send_buffer_bytes: bytes(socket.send_buffer_size()),
        receive_buffer_bytes: bytes(socket.recv_buffer_size()),
        congestion: congestion.map(|name| String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned()),
    }
}
