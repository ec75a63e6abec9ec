//! What `/proc` says, on texts as a kernel writes them, and that this machine's can be read.

use std::{process, time::Duration};

use crate::host::{
    CpuTimes, Pinning, allowed_cpus, context_switches_in, cpu_time, cpu_times, cpu_times_in, kernel_memory_in,
    own_cpu_time, user_memory_in, user_system_in,
};

#[test]
fn server_and_generator_get_different_cpus_where_there_are_two() {
    let none = Pinning { server: None, generator: None };
    assert_eq!(Pinning::choose(&[]), none);
    assert_eq!(Pinning::choose(&[3]), none);
    assert_eq!(Pinning::choose(&[2, 5]), Pinning { server: Some(5), generator: Some(2) });
    assert_eq!(Pinning::choose(&[0, 1, 6, 7]), Pinning { server: Some(7), generator: Some(0) });
}

#[test]
fn user_and_system_time_follow_a_name_with_brackets_and_spaces() {
    let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 1500 0 3 0 125 7 0 0 20 0 5 0 1000 2000 300\n";
    assert_eq!(user_system_in(stat), Some((Duration::from_millis(1250), Duration::from_millis(70))));
    assert_eq!(user_system_in("42 (short) S 1 2"), None);
    assert_eq!(user_system_in(""), None);
}

#[test]
fn wanted_and_unwanted_switches_add_up() {
    let status = "Name:\tx\nThreads:\t1\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t7\n";
    assert_eq!(context_switches_in(status), 157);
    assert_eq!(context_switches_in("Name:\tx\n"), 0);
}

#[test]
fn user_memory_is_the_anonymous_share_in_bytes() {
    let rollup = "00400000-7ffd [rollup]\nRss:  9000 kB\nPss:  5000 kB\nPss_Dirty: 10 kB\nPss_Anon:         812 kB\n\
                  Pss_File:  4188 kB\nAnonymous:  900 kB\n";
    assert_eq!(user_memory_in(rollup), Some(812 * 1024));
    assert_eq!(user_memory_in("Rss:  9000 kB\n"), None);
}

#[test]
fn kernel_memory_is_the_slabs_of_connections_and_the_pages_of_tcp() {
    let slabs = "slabinfo - version: 2.1\n\
                 # name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit>\n\
                 TCPv6                 90     96   2624   12    8 : tunables    0    0    0 : slabdata\n\
                 TCP                   10     12   2432   13    8 : tunables    0    0    0 : slabdata\n\
                 request_sock_TCP       5      5    304   13    1 : tunables    0    0    0 : slabdata\n\
                 filp                 100    128    232   16    1 : tunables    0    0    0 : slabdata\n";
    let sockets = "sockets: used 200\nTCP: inuse 20 orphan 0 tw 4 alloc 22 mem 3\nUDP: inuse 2 mem 900\n";
    assert_eq!(kernel_memory_in(slabs, sockets), Some(10 * 2432 + 100 * 232 + 3 * 4096));
    assert_eq!(kernel_memory_in(slabs, "sockets: used 200\n"), None);
}

#[test]
fn a_busy_cpu_is_neither_idle_nor_waiting_nor_stolen() {
    let stat = "cpu  100 20 30 4000 500 6 7 80 0 0\ncpu1 10 2 3 400 50 1 2 8 0 0\ncpu10 1 1 1 1 1 1 1 1 0 0\nintr 5\n";
    let times = |one| cpu_times_in(stat, one).map(|times| (times.busy, times.stolen, times.busy_of_one));
    assert_eq!(times(None), Some((163, 80, None)));
    assert_eq!(times(Some(1)), Some((163, 80, Some(18))));
    assert_eq!(times(Some(10)), Some((163, 80, Some(5))));
    assert!(cpu_times_in("intr 5\n", None).is_none());
    assert_eq!(CpuTimes::span(25), Duration::from_millis(250));
}

#[test]
fn this_machine_can_be_read() {
    let allowed = allowed_cpus();
    assert!(!allowed.is_empty() && allowed.is_sorted());
    let times = cpu_times(allowed.first().copied()).unwrap();
    assert!(times.busy_of_one.is_some_and(|one| one > 0 && one <= times.busy), "{times:?}");
    let (before, by_id, after) = (own_cpu_time(), cpu_time(process::id()), own_cpu_time());
    assert!(before.unwrap() <= by_id.as_ref().copied().unwrap() && by_id.unwrap() <= after.unwrap());
}
