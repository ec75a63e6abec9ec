//! Mistakes of the path between the ends, and of counting what crosses it.

use record::{Cell, Environment, Kernel};

use super::{Handled, Pitfall, entry, some, worst};
use crate::{
    charts::Input,
    dataset::Dataset,
    detect,
    numbers::{bytes, count, float, percent, time},
    prose::round_trip,
};

/// What a connection may send before the first acknowledgement (RFC 6928), in bytes: ten segments of an Ethernet.
const FIRST_WINDOW: u32 = 14_600;

/// The setting that lets a congestion window shrink while nothing is sent.
const IDLE_WINDOWS: &str = "net.ipv4.tcp_slow_start_after_idle";
/// The only discipline that holds nothing back.
const NO_QUEUE: &str = "noqueue";

/// All of this theme.
pub(super) fn entries(run: Input<'_>) -> Vec<Pitfall> {
    let (data, around) = (run.data, &run.data.header.host.environment);
    let of_path = [nagle(data, around), loopback(data), queues(data, around), idle_windows(data, around)];
    let of_protocol = [
        entry(
            28,
            "HTTP/1.1 here, HTTP/2 there",
            Handled::Partly,
            "Every lane stands on HTTP/1.1 and TCP, so that nothing is mixed. HTTP/2 and HTTP/3 are not measured.",
        ),
        connections(data),
        tls(run),
        entry(
            31,
            "Compression that somebody switched on",
            Handled::Partly,
            "It is off on every lane, and a connection that agrees on it is refused. What it would save is not in this \
             run.",
        ),
        heads(run),
    ];
    let of_bytes = [again(data), Some(matched(data)), resets(data), handshakes(run), Some(held_back(data))];
    of_path.into_iter().chain(of_protocol).chain(of_bytes.into_iter().flatten()).collect()
}

fn total(data: &Dataset, value: fn(&Cell) -> u64) -> u64 {
    data.all_cells().map(value).sum()
}

fn kernel(data: &Dataset, value: fn(&Kernel) -> u64) -> u64 {
    data.all_cells().map(|cell| value(&cell.kernel)).sum()
}

fn nagle(data: &Dataset, around: &Environment) -> Pitfall {
    let name = "Nagle's algorithm against delayed acknowledgements";
    let modes = data.lanes.iter().filter_map(|lane| detect::delayed_acks(&lane.response_time.merged));
    let mode = if data.is_silent() || data.header.rtt_ns.is_some() {
        String::new()
    } else {
        modes.reduce(f64::max).map_or_else(
            || " No lane has a second mode at 40 to 44 ms, which it would leave.".to_owned(),
            |share| format!(" A lane has {} of its deliveries in a second mode at 40 to 44 ms.", percent(share)),
        )
    };
    let (handled, read) = match around.socket.as_ref().and_then(|socket| socket.no_delay) {
        Some(true) => (Handled::Yes, "TCP_NODELAY was read back as on"),
        Some(false) => (Handled::No, "TCP_NODELAY was read back as off"),
        None => (Handled::Partly, "TCP_NODELAY is asked for; the record does not hold that it was on"),
    };
    entry(23, name, handled, format!("{read} from a connection that was opened as the generator opens all.{mode}"))
}

fn loopback(data: &Dataset) -> Pitfall {
    let name = "Loopback taken for a network";
    if let Some(words) = round_trip(data) {
        let how = format!(
            "{words}, half of it each way, without loss and without an MTU of 1,500. Only times are measured behind it."
        );
        return entry(25, name, Handled::Partly, how);
    }
    if !data.header.host.loopback {
        return entry(25, name, Handled::Yes, "Server and subscribers were on two hosts.");
    }
    let how = "Nothing crossed a network: no round trip, no loss, no MTU of 1,500. CPU per delivery contains the \
    receiver's TCP work, and is \
               read as a ratio to the floor.";
    entry(25, name, Handled::No, how)
}

fn queues(data: &Dataset, around: &Environment) -> Pitfall {
    let name = "Traps of the kernel's network emulation";
    let Some(kinds) = around.loopback_qdiscs.as_ref().filter(|_| data.header.host.loopback) else {
        return entry(26, name, Handled::No, "The record does not hold what queues on the interface.");
    };
    let round_trip = around.round_trip_ns.map(|ns| format!(", and the path's own round trip is {}", time(float(ns))));
    let how = format!(
        "It is not used; what delays is a proxy of our own. The loopback interface has {}{}.",
        kinds.join(", "),
        round_trip.unwrap_or_default()
    );
    entry(26, name, Handled::when(kinds.iter().all(|kind| kind == NO_QUEUE), Handled::No), how)
}

fn idle_windows(data: &Dataset, around: &Environment) -> Pitfall {
    let setting = around.sysctls.get(IDLE_WINDOWS).map_or("not known", String::as_str);
    let effect = if data.header.host.loopback && data.header.scenario.size_bytes <= FIRST_WINDOW {
        "At these sizes it has no effect on loopback; on a network it has."
    } else {
        "What it did here is not known."
    };
    let how = format!("{IDLE_WINDOWS} is {setting}, as it was found. {effect}");
    entry(27, "Congestion windows that shrink while a connection is idle", Handled::Partly, how)
}

fn connections(data: &Dataset) -> Pitfall {
    let name = "Polls over new connections, or a shortage of ports";
    let all = some(kernel(data, |kernel| kernel.connections), "connection");
    if data.header.scenario.connect_rate_hz.is_some() {
        let how = format!(
            "Opening connections is what was measured, {all} of them, with a new source address for every 10,000."
        );
        return entry(29, name, Handled::Yes, how);
    }
    let opened = total(data, |cell| cell.window.new_connections);
    let opened = if opened == 0 { "none was".to_owned() } else { format!("{} were", count(opened)) };
    let how = format!(
        "Polls keep their connection: of {all} {opened} opened while the feed ran. Polls on a new one each are not \
         measured."
    );
    entry(29, name, Handled::Partly, how)
}

fn tls(run: Input<'_>) -> Pitfall {
    let name = "TLS on some, or on none";
    let encrypted = worst(run, |lane| lane.bytes_per_delivery.down.tls);
    if encrypted.is_some() {
        return entry(30, name, Handled::Yes, "Every lane was encrypted; what TLS adds is a category of its own.");
    }
    entry(
        30,
        name,
        Handled::No,
        "No lane was encrypted. That is fair to all of them, and leaves out CPU and bytes that a public server has.",
    )
}

fn heads(run: Input<'_>) -> Pitfall {
    let headers = &run.data.header.headers;
    let share = worst(run, |lane| {
        let bytes = &lane.bytes_per_delivery;
        let heads = bytes.down.http_head.unwrap_or(0.0) + bytes.up.http_head.unwrap_or(0.0);
        bytes.stream_total.filter(|&total| total > 0.0).map(|total| heads / total)
    });
    let share = share.map_or_else(String::new, |(share, lane)| {
        format!("; of the bytes of {lane} {} are heads, the most of any lane", percent(share))
    });
    let flattering = headers == "minimal";
    let rest = if flattering { ", shorter than any browser's" } else { "" };
    let how = format!("Requests carry the heads of the profile {headers}{rest}{share}.");
    entry(32, "Request heads that no browser would send", Handled::when(!flattering, Handled::Partly), how)
}

/// None where there is nothing to fetch.
fn again(data: &Dataset) -> Option<Pitfall> {
    if data.is_silent() {
        return None;
    }
    let twice = total(data, |cell| cell.deliveries.duplicated);
    let is_once = twice == 0;
    let twice = if is_once { "No delivery came".to_owned() } else { format!("{} came", some(twice, "delivery")) };
    let how = format!("A request says where it has got to, and an answer without news has no body. {twice} twice.");
    Some(entry(33, "Polling that fetches everything again", Handled::when(is_once, Handled::No), how))
}

fn matched(data: &Dataset) -> Pitfall {
    let name = "Bytes counted at a layer that nobody names";
    let (all, matched) = (kernel(data, |kernel| kernel.connections), kernel(data, |kernel| kernel.matched));
    if all == 0 {
        return entry(34, name, Handled::No, "No connection could be held against the kernel's counters.");
    }
    let how = format!(
        "Every stream byte is in one category, both directions. Of {} {} agree with the kernel's counters to the byte.",
        some(all, "connection"),
        if matched == all { "all".to_owned() } else { count(matched) }
    );
    entry(34, name, Handled::when(matched == all, Handled::No), how)
}

fn resets(data: &Dataset) -> Option<Pitfall> {
    let (all, reset) = (kernel(data, |kernel| kernel.connections), kernel(data, |kernel| kernel.reset));
    let name = "Connections that end by reset and are not compared";
    (all + reset > 0).then(|| {
        if reset == 0 {
            let how = "No connection ended by reset, so that none is left out of that comparison.";
            return entry(34, name, Handled::Yes, how);
        }
        let (reset, all) = (count(reset), count(all + reset));
        let how = format!("{reset} of {all} ended by reset, and are left out of that comparison.");
        entry(34, name, Handled::Partly, how)
    })
}

/// None where no bytes were measured.
fn handshakes(run: Input<'_>) -> Option<Pitfall> {
    let (most, lane) = worst(run, |lane| lane.setup_bytes)?;
    let how = format!(
        "They are a category of their own and no part of the cost of a delivery: {} a connection at most ({lane}).",
        bytes(most)
    );
    Some(entry(35, "Handshakes spread over however long a session was", Handled::Yes, how))
}

fn held_back(data: &Dataset) -> Pitfall {
    let how = if data.header.rtt_ns.is_some() {
        "The proxy of this run delays and holds nothing back. Others do: a stream behind them may be later than here."
    } else if !data.header.host.loopback {
        "What stands between server and subscribers is not known. A proxy there may hold a stream back, or end it."
    } else {
        "Nothing stood between server and subscribers: the best case. A proxy may hold a stream back, or end it."
    };
    entry(36, "Proxies that hold a stream back", Handled::No, how)
}
