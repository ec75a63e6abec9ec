//! Mistakes of the generator, of the server's process and of the machine that both are on.

use super::{Handled, Pitfall, entry, some, worst, worst_ns};
use crate::{
    calibration::ruler,
    charts::Input,
    dataset::Dataset,
    environment::scheduling,
    numbers::{percent, time},
};

/// The only governor that leaves a clock alone.
const STEADY: &str = "performance";

/// All of this theme.
pub(super) fn entries(run: Input<'_>) -> Vec<Pitfall> {
    let data = run.data;
    let of_cpus = [
        Some(processes(data)),
        Some(cpus(data)),
        Some(busy(run)),
        Some(others(data)),
        Some(preempted(data)),
        Some(frequency(data)),
    ];
    let of_ends = [unequal_clients(run), allocator(data), kernel_memory(run), Some(probes()), slow_readers(data)];
    let of_tool = [Some(build(data)), Some(uncalibrated(data)), Some(browsers())];
    of_cpus.into_iter().chain(of_ends).chain(of_tool).flatten().collect()
}

fn processes(data: &Dataset) -> Pitfall {
    let how = format!(
        "Two processes; the server is a fresh one for each of {}.",
        some(data.all_cells().count() as u64, "cell")
    );
    entry(37, "Client and server in one process", Handled::Yes, how)
}

fn cpus(data: &Dataset) -> Pitfall {
    let name = "Client and server on the same CPU";
    let host = &data.header.host;
    match (host.server_cpu, host.generator_cpu) {
        (Some(server), Some(generator)) => {
            let how = format!(
                "The server was pinned to CPU {server}, the generator to CPU {generator}. Whether the two are threads \
                 of one core is not looked at."
            );
            let handled = if server == generator { Handled::No } else { Handled::Partly };
            entry(38, name, handled, how)
        }
        _ => entry(
            38,
            name,
            Handled::No,
            format!("They shared {}: one may have waited for the other.", some(host.cores.into(), "core")),
        ),
    }
}

fn busy(run: Input<'_>) -> Pitfall {
    let name = "A generator without room, whose queue is read as delay";
    match worst(run, |lane| lane.generator.busiest_core) {
        Some((share, lane)) => {
            let how = format!(
                "Its core was busy for {} in the busiest cell of {lane}, the most of any lane; beyond 90 % a run is \
                 INVALID.",
                percent(share)
            );
            entry(38, name, Handled::when(share <= 0.9, Handled::No), how)
        }
        None => {
            entry(38, name, Handled::No, "The generator had no core of its own, so that how busy it was is not known.")
        }
    }
}

fn others(data: &Dataset) -> Pitfall {
    let name = "Other processes, and a hypervisor that takes time";
    let machines = || data.all_cells().filter_map(|cell| cell.machine);
    let most = |value: fn(record::Machine) -> f64| machines().map(value).reduce(f64::max);
    match (most(|machine| machine.others_cores), most(|machine| machine.steal)) {
        (Some(others), Some(steal)) => {
            let how = format!(
                "At worst others used {} of a core and the hypervisor took {}, read in every cell.",
                percent(others),
                percent(steal)
            );
            entry(38, name, Handled::when(others <= 0.05 && steal <= 0.01, Handled::Partly), how)
        }
        _ => entry(38, name, Handled::No, "The record does not hold what else the machine did."),
    }
}

fn preempted(data: &Dataset) -> Pitfall {
    let how = format!("Scheduling: {}.", scheduling(data));
    entry(38, "A scheduler that lets others go first", Handled::when(data.header.host.realtime, Handled::No), how)
}

fn frequency(data: &Dataset) -> Pitfall {
    let governors = data.header.host.environment.governors.as_ref().filter(|governors| !governors.is_empty());
    let steady = governors.is_some_and(|governors| governors.iter().all(|governor| governor == STEADY));
    let read = match governors {
        Some(governors) => format!("The governor is {}", governors.join(", ")),
        None => "The machine tells no governor".to_owned(),
    };
    let how = format!(
        "{read}; turbo and temperature are not read. Blocks with all lanes in each spread what drifts over all of them."
    );
    entry(39, "Frequency and heat", Handled::when(steady, Handled::Partly), how)
}

/// None where nothing was received.
fn unequal_clients(run: Input<'_>) -> Option<Pitfall> {
    let (lag, lane) = worst_ns(run, |lane| lane.receive_lag_ns.p50)?;
    let how = format!(
        "One receive loop stamps every read of every lane before it is decoded. The receive lag, which it then waits, \
         is {} or more for half \
         of the reads of the slowest lane ({lane}); no smaller difference is claimed.",
        time(lag)
    );
    Some(entry(40, "Clients that are not equally fast", Handled::Yes, how))
}

/// None where memory was not to be measured.
fn allocator(data: &Dataset) -> Option<Pitfall> {
    let name = "Memory that an allocator keeps";
    if data.header.rtt_ns.is_some() {
        return None;
    }
    let sizes = data.all_cells().filter_map(|cell| cell.memory.as_ref());
    let ends = sizes.filter_map(|memory| Some((memory.points.first()?.connections, memory.points.last()?.connections)));
    Some(match ends.max() {
        Some((few, many)) => {
            let how = format!(
                "What is given is by how much a fresh process (its Pss_Anon) grows from {few} to {many} connections: \
                 two points, an estimate."
            );
            entry(41, name, Handled::Partly, how)
        }
        None => entry(41, name, Handled::No, "Memory was not measured in this run."),
    })
}

fn kernel_memory(run: Input<'_>) -> Option<Pitfall> {
    if run.data.header.rtt_ns.is_some() {
        return None;
    }
    let name = "Memory that the kernel holds";
    let measured = worst(run, |lane| lane.server.memory_bytes_per_connection.kernel).is_some();
    Some(if measured {
        let how =
            "Slabs and socket pages of the host are read too, and halved, since both ends of a connection are on it.";
        entry(42, name, Handled::Yes, how)
    } else {
        entry(
            42,
            name,
            Handled::No,
            "It was not measured: it takes the right to read the kernel's slabs, and a growing fleet.",
        )
    })
}

fn probes() -> Pitfall {
    let how = "Samples stay in memory until a cell is over, and every lane has the same probes. What they cost is not \
    measured.";
    entry(43, "Probes that cost one lane more than another", Handled::Partly, how)
}

/// None where there is nothing to read.
fn slow_readers(data: &Dataset) -> Option<Pitfall> {
    if data.is_silent() {
        return None;
    }
    let told: u64 = data.all_cells().map(|cell| cell.deliveries.gaps_told).sum();
    let told = if told == 0 {
        "nobody had to be told that it missed something".to_owned()
    } else {
        format!("{} were told as missed", some(told, "publication"))
    };
    Some(entry(44, "Slow readers", Handled::No, format!("Nobody read slowly on purpose; {told}.")))
}

fn build(data: &Dataset) -> Pitfall {
    let build = &data.header.tool.build;
    let how = format!("Server and generator are one {build} build.");
    entry(None, "A build without optimisation", Handled::when(build == "release", Handled::No), how)
}

fn uncalibrated(data: &Dataset) -> Pitfall {
    let calibration = data.header.calibration.as_ref();
    let held =
        calibration.is_some_and(|calibration| calibration.checks > 0 && calibration.passed == calibration.checks);
    let ruler = ruler(calibration);
    entry(None, "A ruler that nobody has checked", Handled::when(held, Handled::No), format!("The ruler is {ruler}."))
}

fn browsers() -> Pitfall {
    let how = "Every number is from a driver, none from a browser. What a page loads before it can subscribe is in no \
    figure.";
    entry(50, "Browsers: their clocks, their limits, the weight of a library", Handled::No, how)
}
