//! The run as CSV (RFC 4180) for a spreadsheet: one line per lane, a column per number, so that a sheet can sort, plot and
//! divide without turning it first. Lines of several runs can stand under one another: the columns are the same for all.

use crate::{
    dataset::{Dataset, Lane},
    numbers::float,
    summary::{
        BytesSummary, CategoryBytes, DeliveriesSummary, Interval, LaneSummary, Quantiles, ServerSummary, Summary,
    },
    verdict::Verdict,
};

/// A column's name with its unit, and its number; none where it was not measured.
type Number = (String, Option<f64>);

/// Head and lanes in the header's order; each line ends with CR LF, as the RFC has it.
pub(crate) fn csv(data: &Dataset, summary: &Summary, verdict: &Verdict) -> String {
    let mut lines = Vec::new();
    for lane in &data.lanes {
        let Some(numbers) = summary.lane(&lane.info.lane) else { continue };
        let (names, cells): (Vec<String>, Vec<String>) = row(data, verdict, lane, numbers).into_iter().unzip();
        if lines.is_empty() {
            lines.push(names.join(","));
        }
        lines.push(cells.join(","));
    }
    // The last line has an end too.
    lines.push(String::new());
    lines.join("\r\n")
}

/// Names and values of all columns, quoted where they must be.
fn row(data: &Dataset, verdict: &Verdict, lane: &Lane, numbers: &LaneSummary) -> Vec<(String, String)> {
    let header = &data.header;
    let claims = verdict.withdrawn.iter().filter(|claim| claim.is_tail_of(&lane.info.lane)).map(|claim| claim.claim);
    let words = [
        ("scenario", header.scenario.name.clone()),
        ("profile", header.profile.clone()),
        ("seed", header.seed.to_string()),
        ("commit", header.tool.commit.clone().unwrap_or_default()),
        ("rtt_ns", header.rtt_ns.map_or_else(String::new, |ns| ns.to_string())),
        ("verdict", verdict.status.to_string()),
        ("lane", lane.info.lane.clone()),
        ("title", lane.label()),
        ("floor", if data.is_floor(lane) { "yes" } else { "no" }.to_owned()),
        ("withdrawn", claims.collect::<Vec<_>>().join(" ")),
    ];
    let words = words.into_iter().map(|(name, text)| (name.to_owned(), cell(&text)));
    let value = |number: Option<f64>| number.map_or_else(String::new, digits);
    words.chain(columns(numbers).into_iter().map(|(name, number)| (name, value(number)))).collect()
}

/// Twelve significant digits, which no measurement here has: behind them stand errors of the division.
fn digits(number: f64) -> String {
    format!("{number:.11e}").parse().unwrap_or(number).to_string()
}

/// A text in quotes where a comma, a quote or a break would end it. What a spreadsheet would take for a formula begins with
/// an apostrophe, which makes it a text there: lanes and scenarios may have names from files.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { "'" } else { "" };
    let text = format!("{guard}{text}");
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The same names in the same order for every lane of every run.
fn columns(lane: &LaneSummary) -> Vec<Number> {
    let mut columns = vec![plain("blocks", Some(float(lane.blocks))), plain("publishes", Some(float(lane.publishes)))];
    columns.extend(deliveries(&lane.deliveries));
    columns.extend(times("response_time", &lane.response_time_ns));
    columns.extend(spread(&lane.response_time_ns));
    for (name, quantiles) in [
        ("service_time", lane.service_time_ns),
        ("publish_delay", lane.publish_delay_ns),
        ("receive_lag", lane.receive_lag_ns),
        ("fanout_spread", lane.fanout_spread_ns),
        ("time_to_first_delivery", lane.time_to_first_delivery_ns),
        ("rearm_gap", lane.rearm_gap_ns.unwrap_or_default()),
        ("connect_time", lane.connect_time_ns.unwrap_or_default()),
    ] {
        columns.extend(times(name, &quantiles));
    }
    columns.extend(wire(&lane.bytes_per_delivery));
    columns.extend([
        plain("setup_bytes_per_connection", lane.setup_bytes),
        plain("idle_bytes_per_minute", lane.idle_per_minute),
        plain("bytes_per_connect", lane.bytes_per_connect),
        plain("requests_per_delivery", lane.requests_per_delivery),
        plain("deliveries_per_response", lane.deliveries_per_response),
    ]);
    columns.extend(server(&lane.server));
    columns.extend([
        plain("generator_cpu_ns_per_delivery", lane.generator.cpu_ns_per_delivery),
        plain("generator_busiest_core_share", lane.generator.busiest_core),
    ]);
    let drift = lane.drift.map_or([None; 2], |drift| drift.ratio_ci);
    columns.extend(with_interval("drift_ratio", lane.drift.map(|drift| drift.ratio), drift));
    columns
}

fn plain(name: &str, number: Option<f64>) -> Number {
    (name.to_owned(), number)
}

fn with_interval(name: &str, number: Option<f64>, [low, high]: Interval<f64>) -> [Number; 3] {
    [plain(name, number), (format!("{name}_low"), low), (format!("{name}_high"), high)]
}

fn deliveries(ledger: &DeliveriesSummary) -> [Number; 7] {
    [
        ("expected", ledger.expected),
        ("delivered", ledger.delivered),
        ("lost", ledger.lost),
        ("duplicated", ledger.duplicated),
        ("reordered", ledger.reordered),
        ("replayed", ledger.replayed),
        ("gaps_told", ledger.gaps_told),
    ]
    .map(|(name, count)| plain(name, count.map(float)))
}

fn times(name: &str, quantiles: &Quantiles) -> Vec<Number> {
    let interval = |quantile: &str, ns: Option<u64>, ci: Interval<u64>| {
        with_interval(&format!("{name}_{quantile}_ns"), ns.map(float), ci.map(|end| end.map(float)))
    };
    let mut times = interval("p50", quantiles.p50, quantiles.p50_ci).to_vec();
    times.extend(interval("p99", quantiles.p99, quantiles.p99_ci));
    times
}

/// The quantiles between and beyond those that have intervals; of the response time alone, which a sheet would plot.
fn spread(quantiles: &Quantiles) -> [Number; 5] {
    [
        ("response_time_p75_ns", quantiles.p75),
        ("response_time_p90_ns", quantiles.p90),
        ("response_time_p95_ns", quantiles.p95),
        ("response_time_p99.9_ns", quantiles.p999),
        ("response_time_max_ns", quantiles.max),
    ]
    .map(|(name, ns)| plain(name, ns.map(float)))
}

fn wire(bytes: &BytesSummary) -> Vec<Number> {
    let mut columns = Vec::new();
    for (way, side) in [("down", &bytes.down), ("up", &bytes.up)] {
        let CategoryBytes { payload, envelope, framing, http_head, empty_polls, heartbeat, handshake, tls, tcp_ip } =
            *side;
        let categories = [
            ("payload", payload),
            ("envelope", envelope),
            ("framing", framing),
            ("http_head", http_head),
            ("empty_polls", empty_polls),
            ("heartbeat", heartbeat),
            ("handshake", handshake),
            ("tls", tls),
            ("tcp_ip", tcp_ip),
        ];
        columns.extend(categories.map(|(name, bytes)| (format!("{way}_{name}_bytes_per_delivery"), bytes)));
    }
    columns.extend(with_interval("stream_bytes_per_delivery", bytes.stream_total, bytes.stream_total_ci));
    columns.push(plain("ip_bytes_per_delivery", bytes.ip_total));
    columns
}

fn server(server: &ServerSummary) -> Vec<Number> {
    let memory = &server.memory_bytes_per_connection;
    let mut columns = Vec::new();
    for (name, number, interval) in [
        ("server_cpu_ns_per_delivery", server.cpu_ns_per_delivery, server.cpu_ns_per_delivery_ci),
        ("server_cpu_ratio_to_floor", server.cpu_ratio_to_raw, server.cpu_ratio_to_raw_ci),
        (
            "context_switches_per_delivery",
            server.context_switches_per_delivery,
            server.context_switches_per_delivery_ci,
        ),
        ("server_cpu_ns_per_connect", server.cpu_ns_per_connect, server.cpu_ns_per_connect_ci),
        ("user_memory_bytes_per_connection", memory.user, memory.user_ci),
        ("kernel_memory_bytes_per_connection", memory.kernel, memory.kernel_ci),
    ] {
        columns.extend(with_interval(name, number, interval));
    }
    columns.push(plain("server_cpu_user_share", server.cpu_user_share));
    columns
}
