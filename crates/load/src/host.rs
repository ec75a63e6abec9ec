//! What the machine is and does, from `/proc` and the clocks: CPUs, times, memory.

use std::{fs, hash::Hasher as _, io, time::Duration};

use nix::{time::ClockId, unistd::Pid};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// One step of the times in `/proc/stat`.
const TICK: Duration = Duration::from_millis(10);

/// A page of memory.
const PAGE_BYTES: u64 = 4096;

/// Slabs that grow with connections: the socket, its inode, its file, its name, its place in an epoll set.
const CONNECTION_SLABS: [&str; 6] = ["TCP", "sock_inode_cache", "filp", "dentry", "eventpoll_epi", "eventpoll_pwq"];

/// Where server and generator run. With one CPU, wherever the kernel puts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pinning {
    pub(crate) server: Option<u32>,
    pub(crate) generator: Option<u32>,
}

/// The CPUs that this process may use now; run it before anything is pinned.
pub(crate) fn allowed_cpus() -> Vec<u32> {
    let set = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).filter_map(|cpu| u32::try_from(cpu).ok()).collect()
}

impl Pinning {
    /// The last CPU for the server, the first for the generator.
    pub(crate) fn choose(allowed: &[u32]) -> Self {
        match allowed {
            [generator, .., server] => Self { server: Some(*server), generator: Some(*generator) },
            _ => Self { server: None, generator: None },
        }
    }
}

/// Binds the calling thread, and what it starts from now on, to a CPU.
pub(crate) fn pin(cpu: Option<u32>) -> io::Result<()> {
    let Some(cpu) = cpu else { return Ok(()) };
    let mut set = CpuSet::new();
    set.set(cpu as usize);
    Ok(sched_setaffinity(None, &set)?)
}

/// The priority of server and generator: above everything that is not real-time, below the kernel's own threads.
const PRIORITY: u8 = 10;

/// Puts the calling thread, and what it starts from now on, under `SCHED_RR`; true when the kernel permits it. Round robin, so
/// that a loop that never waits cannot starve its neighbours for ever.
pub(crate) fn run_realtime() -> bool {
    let Ok(priority) = ThreadPriorityValue::try_from(PRIORITY) else { return false };
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(priority), policy).is_ok()
}

/// CPU time of a process so far, all its threads; to the nanosecond.
pub(crate) fn cpu_time(pid: u32) -> io::Result<Duration> {
    let pid = Pid::from_raw(i32::try_from(pid).map_err(io::Error::other)?);
    Ok(ClockId::pid_cpu_clock_id(pid)?.now()?.into())
}

/// CPU time of this process so far.
pub(crate) fn own_cpu_time() -> io::Result<Duration> {
    Ok(ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?.into())
}

/// User and system time of a process so far, in steps of 10 ms.
pub(crate) fn user_system(pid: u32) -> Option<(Duration, Duration)> {
    user_system_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads `/proc/<pid>/stat`.
pub(crate) fn user_system_in(stat: &str) -> Option<(Duration, Duration)> {
    // The name may hold spaces; the fields after its bracket do not.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some((TICK * ticks()?, TICK * ticks()?))
}

/// Context switches of all threads of a process so far.
pub(crate) fn context_switches(pid: u32) -> Option<u64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut total = 0;
    for task in tasks {
        let status = fs::read_to_string(task.ok()?.path().join("status")).ok()?;
        total += context_switches_in(&status);
    }
    Some(total)
}

/// Reads the `status` of one thread; wanted and unwanted switches together.
pub(crate) fn context_switches_in(status: &str) -> u64 {
    let counts = status.lines().filter(|line| line.contains("voluntary_ctxt_switches:"));
    counts.filter_map(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}

/// Anonymous memory of a process, in bytes, shared pages by their share.
pub(crate) fn user_memory(pid: u32) -> Option<u64> {
    user_memory_in(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?)
}

/// Reads `/proc/<pid>/smaps_rollup`.
pub(crate) fn user_memory_in(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss_Anon:"))?;
    Some(line.split_ascii_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// Memory that the kernel holds for connections, of the whole host, in bytes; none without the right to read slabs.
pub(crate) fn kernel_memory() -> Option<u64> {
    let slabs = fs::read_to_string("/proc/slabinfo").ok()?;
    kernel_memory_in(&slabs, &fs::read_to_string("/proc/net/sockstat").ok()?)
}

/// Reads `/proc/slabinfo` and `/proc/net/sockstat`.
pub(crate) fn kernel_memory_in(slabs: &str, sockets: &str) -> Option<u64> {
    let slab_bytes: u64 = slabs.lines().filter_map(connection_slab).sum();
    let tcp = sockets.lines().find(|line| line.starts_with("TCP:"))?;
    let pages: u64 = tcp.rsplit_once(" mem ")?.1.trim().parse().ok()?;
    Some(slab_bytes + pages * PAGE_BYTES)
}

/// Active objects times their size, of a line of `/proc/slabinfo` that counts.
fn connection_slab(line: &str) -> Option<u64> {
    let mut fields = line.split_ascii_whitespace();
    let name = fields.next().filter(|name| CONNECTION_SLABS.contains(name));
    let mut number = || fields.next()?.parse::<u64>().ok();
    let (active, _total, size) = (number()?, number()?, number()?);
    name.map(|_| active * size)
}

/// Times of CPUs since the start of the machine, in ticks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CpuTimes {
    /// All CPUs: everything but idle, waiting and stolen.
    pub(crate) busy: u64,
    /// All CPUs: taken away by the hypervisor.
    pub(crate) stolen: u64,
    /// One CPU's share of `busy`, when one was asked for.
    pub(crate) busy_of_one: Option<u64>,
}

/// Reads the times; `one` is the CPU whose own share is wanted.
pub(crate) fn cpu_times(one: Option<u32>) -> Option<CpuTimes> {
    cpu_times_in(&fs::read_to_string("/proc/stat").ok()?, one)
}

/// Reads `/proc/stat`.
pub(crate) fn cpu_times_in(stat: &str, one: Option<u32>) -> Option<CpuTimes> {
    let fields = |name: &str| -> Option<Vec<u64>> {
        let line = stat.lines().find(|line| line.split_ascii_whitespace().next() == Some(name))?;
        line.split_ascii_whitespace().skip(1).map(|field| field.parse().ok()).collect()
    };
    // user nice system idle iowait irq softirq steal
    let busy = |times: &[u64]| [0, 1, 2, 5, 6].iter().filter_map(|index| times.get(*index)).sum();
    let all = fields("cpu")?;
    let one = one.and_then(|cpu| fields(&format!("cpu{cpu}")));
    Some(CpuTimes { busy: busy(&all), stolen: *all.get(7)?, busy_of_one: one.as_deref().map(busy) })
}

impl CpuTimes {
    /// Ticks as time.
    pub(crate) fn span(ticks: u64) -> Duration {
        TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
    }
}

fn first_line(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn cpu_model() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "unknown".to_owned(), |(_, model)| model.to_owned())
}

/// The name of this host in records. To be asked for by a thread that is not pinned to a CPU.
pub fn host_id() -> String {
    id(&allowed_cpus())
}

/// Not a secret, but names nobody: the same host gives the same id, another one another.
fn id(allowed: &[u32]) -> String {
    #[expect(deprecated, reason = "the one hash of std whose result is the same in every process")]
    let mut hasher = std::hash::SipHasher::new();
    hasher.write(first_line("/etc/machine-id").as_bytes());
    hasher.write(cpu_model().as_bytes());
    hasher.write_usize(allowed.len());
    format!("{:016x}", hasher.finish())
}

/// The machine, for the record.
pub(crate) fn describe(
    allowed: &[u32],
    pinning: Pinning,
    realtime: bool,
    file_limit: u64,
    environment: record::Environment,
) -> record::Host {
    record::Host {
        id: id(allowed),
        cores: u32::try_from(allowed.len()).unwrap_or(u32::MAX),
        cpu: cpu_model(),
        kernel: first_line("/proc/sys/kernel/osrelease"),
        // The server under test is always started on this host.
        loopback: true,
        realtime,
        server_cpu: pinning.server,
        generator_cpu: pinning.generator,
        file_limit,
        environment,
    }
}
