//! Where and with what it was measured, in words. What the record does not hold is "not known".

use record::Environment;

use crate::{
    calibration::ruler,
    dataset::Dataset,
    numbers::{count, float, percent, time},
    prose::round_trip,
};

/// What stands where the record does not say.
const NOT_KNOWN: &str = "not known";

/// All but the settings of the kernel, each with its name.
pub(crate) fn environment(data: &Dataset) -> Vec<(&'static str, String)> {
    let (header, host, tool) = (&data.header, &data.header.host, &data.header.tool);
    let around = &host.environment;
    let cpu = |cpu: Option<u32>| cpu.map_or_else(|| "not pinned".to_owned(), |cpu| format!("CPU {cpu}"));
    let network = if host.loopback { "loopback" } else { "between hosts" };
    let round_trip = round_trip(data).map_or_else(String::new, |words| format!("; {words}"));
    let machines = || data.all_cells().filter_map(|cell| cell.machine);
    let worst = |shares: &mut dyn Iterator<Item = f64>| shares.max_by(f64::total_cmp).map(percent);
    vec![
        ("host", host.id.clone()),
        ("CPU", format!("{}, {} cores", host.cpu, host.cores)),
        ("frequency governor", known(around.governors.as_ref().map(|governors| governors.join(", ")))),
        ("kernel", host.kernel.clone()),
        ("timer interrupts", known(around.hz.map(|hz| format!("{hz} a second (HZ)")))),
        ("clock source", known(around.clocksource.clone())),
        (
            "stolen by the hypervisor",
            known(worst(&mut machines().map(|m| m.steal)).map(|s| format!("{s} of a core in the worst cell"))),
        ),
        (
            "used by others",
            known(worst(&mut machines().map(|m| m.others_cores)).map(|s| format!("{s} of a core in the worst cell"))),
        ),
        ("network", format!("{network}{round_trip}")),
        (
            "round trip of the path",
            known(around.round_trip_ns.map(|ns| format!("{}, the shortest handshake", time(float(ns))))),
        ),
        ("queueing on loopback", known(around.loopback_qdiscs.as_ref().map(|kinds| kinds.join(", ")))),
        ("sockets of the generator", known(socket(around))),
        ("server pinned to", cpu(host.server_cpu)),
        ("generator pinned to", cpu(host.generator_cpu)),
        ("scheduling", scheduling(data)),
        ("open files allowed", count(host.file_limit)),
        ("request headers", header.headers.clone()),
        ("blocks", format!("{}, a fresh server and a new lane order in each", header.blocks)),
        (
            "window",
            format!(
                "{} after {} of warm-up",
                time(float(header.scenario.window_ns)),
                time(float(header.scenario.warm_up_ns))
            ),
        ),
        ("profile", header.profile.clone()),
        ("ruler", ruler(header.calibration.as_ref())),
        ("server", header.server.join(" ")),
        ("feedbench", format!("{}, {} build", tool.version, tool.build)),
        ("compiler", known(tool.rustc.clone())),
        ("commit", known(tool.commit.clone())),
        ("seed", header.seed.to_string()),
    ]
}

/// Settings of the kernel by their names.
pub(crate) fn kernel_settings(data: &Dataset) -> Vec<(String, String)> {
    let settings = &data.header.host.environment.sysctls;
    settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn known(text: Option<String>) -> String {
    text.unwrap_or_else(|| NOT_KNOWN.to_owned())
}

/// As it was found; older records hold only whether real-time scheduling was asked for with success.
pub(crate) fn scheduling(data: &Dataset) -> String {
    let (host, around) = (&data.header.host, &data.header.host.environment);
    if let (Some(server), Some(generator)) = (&around.server_scheduling, &around.generator_scheduling) {
        let refused = if host.realtime { "" } else { ": the kernel did not permit real-time scheduling" };
        return format!("server {server}, generator {generator}{refused}");
    }
    if host.realtime {
        "server and generator SCHED_RR".to_owned()
    } else {
        "default: the kernel did not permit real-time scheduling".to_owned()
    }
}

/// What was read back of one of them.
fn socket(around: &Environment) -> Option<String> {
    let options = around.socket.as_ref()?;
    let size = |name: &str, value: Option<u64>| Some(format!("{name} {} B", count(value?)));
    let parts = [
        options.no_delay.map(|on| format!("TCP_NODELAY {}", if on { "on" } else { "off" })),
        size("TCP_NOTSENT_LOWAT", options.notsent_lowat_bytes),
        size("SO_SNDBUF", options.send_buffer_bytes),
        size("SO_RCVBUF", options.receive_buffer_bytes),
        options.congestion.clone(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
