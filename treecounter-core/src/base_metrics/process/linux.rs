//! Linux: the files of `/proc`, described in proc(5).

use std::fs;

use super::Process;

/// Clock ticks a second in `/proc`. It is 100 on every architecture that Rust has a Linux for; the
/// call that would ask the system (`sysconf`) needs unsafe code.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn read() -> Process {
    let stat = Stat::read();
    Process {
        cpu_seconds: stat.as_ref().map(|stat| stat.cpu_ticks / TICKS_PER_SECOND),
        resident_memory_bytes: status_kib("VmRSS:").map(|kib| kib * 1024.0),
        virtual_memory_bytes: status_kib("VmSize:").map(|kib| kib * 1024.0),
        // One of the entries is the descriptor that reads the directory.
        open_fds: fs::read_dir("/proc/self/fd").ok().map(|fds| fds.count() as f64 - 1.0),
        max_fds: max_fds(),
        threads: stat.as_ref().map(|stat| stat.threads),
        start_time_seconds: stat
            .and_then(|stat| Some(boot_time()? + stat.start_ticks / TICKS_PER_SECOND)),
    }
}

struct Stat {
    cpu_ticks: f64,
    threads: f64,
    start_ticks: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name of the program, in parentheses, may hold spaces and parentheses itself.
        let (_, after_name) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        // proc(5) numbers the fields from 1; the first one after the name is number 3.
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
        })
    }
}

/// A line of `/proc/self/status`, in KiB.
fn status_kib(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn max_fds() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(f64::INFINITY),
        limit => limit.parse().ok(),
    }
}

/// When the system started, in seconds since the epoch.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_program_may_have_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 12 3 0 0 20 0 5 0 8000 1 2 3";
        let stat = Stat::parse(stat).expect("it parses");
        assert_eq!((stat.cpu_ticks, stat.threads, stat.start_ticks), (15.0, 5.0, 8000.0));
        assert!(Stat::parse("7 (a) S 1").is_none());
    }

    #[test]
    fn the_readings_are_those_of_this_process() {
        let process = read();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let age = now - process.start_time_seconds.unwrap();
        assert!((-2.0..3600.0).contains(&age), "started {age} s ago");
        assert!(process.resident_memory_bytes.unwrap() > 100_000.0);
        assert!(process.virtual_memory_bytes > process.resident_memory_bytes);
        assert!(process.threads.unwrap() >= 1.0);
        assert!(process.open_fds.unwrap() >= 1.0);
        assert!(process.open_fds < process.max_fds);
    }

    #[test]
    fn cpu_time_is_told_in_fractions_of_a_second() {
        let before = read().cpu_seconds.unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            let spent = read().cpu_seconds.unwrap() - before;
            if spent > 0.0 {
                assert!(spent < 1.0, "the first step was {spent} s");
                return;
            }
        }
        panic!("no CPU time was counted");
    }
}
