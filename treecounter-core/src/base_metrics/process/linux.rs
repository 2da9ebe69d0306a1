//! Linux: the files of `/proc`, described in proc(5).

use std::borrow::Cow;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::LazyLock;

use super::Process;

/// Clock ticks a second in `/proc`. It is 100 on every architecture that Rust has a Linux for; the
/// call that would ask the system (`sysconf`) needs unsafe code.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn read() -> Process {
    let system = &*SYSTEM;
    let stat = system.stat.as_ref().and_then(Stat::read);
    let memory = system.statm.as_ref().and_then(Memory::read);
    let bytes = |pages: fn(&Memory) -> f64| Some(pages(memory.as_ref()?) * system.page_bytes?);
    Process {
        cpu_seconds: stat.as_ref().map(|stat| stat.cpu_ticks / TICKS_PER_SECOND),
        resident_memory_bytes: bytes(|memory| memory.resident),
        virtual_memory_bytes: bytes(|memory| memory.all),
        open_fds: open_fds(),
        max_fds: system.max_fds,
        threads: stat.as_ref().map(|stat| stat.threads),
        start_time_seconds: stat
            .and_then(|stat| Some(system.boot_time? + stat.start_ticks / TICKS_PER_SECOND)),
    }
}

/// What stays the same while the process runs, and the files that do not. They are kept open,
/// since to open one costs more than to read it, and so that a process which has used up its
/// descriptors still tells so.
struct System {
    stat: Option<File>,
    statm: Option<File>,
    page_bytes: Option<f64>,
    boot_time: Option<f64>,
    max_fds: Option<f64>,
}

static SYSTEM: LazyLock<System> = LazyLock::new(|| System {
    stat: File::open("/proc/self/stat").ok(),
    statm: File::open("/proc/self/statm").ok(),
    page_bytes: fs::read("/proc/self/auxv").ok().as_deref().and_then(page_bytes),
    boot_time: boot_time(),
    max_fds: max_fds(),
});

/// The size of a page, from what the kernel gave the process at its start: pairs of a key and a
/// value, each one word, as getauxval(3) has them.
fn page_bytes(auxiliary: &[u8]) -> Option<f64> {
    const WORD: usize = size_of::<usize>();
    const AT_PAGESZ: usize = 6;
    let word = |bytes: &[u8]| bytes.try_into().ok().map(usize::from_ne_bytes);
    let mut pairs = auxiliary.chunks_exact(2 * WORD).map(|pair| pair.split_at(WORD));
    let (_, size) = pairs.find(|(key, _)| word(key) == Some(AT_PAGESZ))?;
    word(size).map(|size| size as f64)
}

/// Reads a short file from its start, in one call of the system.
fn text<'a>(file: &File, buffer: &'a mut [u8; 1024]) -> Option<Cow<'a, str>> {
    let length = file.read_at(buffer, 0).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]))
}

struct Stat {
    cpu_ticks: f64,
    threads: f64,
    start_ticks: f64,
}

impl Stat {
    fn read(file: &File) -> Option<Self> {
        Self::parse(&text(file, &mut [0; 1024])?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name of the program, in parentheses, may hold spaces and parentheses itself.
        let (_, after_name) = stat.rsplit_once(')')?;
        // proc(5) numbers the fields from 1; the first one after the name is number 3.
        let field = |number: usize| {
            after_name.split_ascii_whitespace().nth(number - 3)?.parse::<f64>().ok()
        };
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
        })
    }
}

struct Memory {
    all: f64,
    resident: f64,
}

impl Memory {
    /// In pages, from `/proc/self/statm`.
    fn read(file: &File) -> Option<Self> {
        let mut buffer = [0; 1024];
        let statm = text(file, &mut buffer)?;
        let mut fields = statm.split_ascii_whitespace().map(|field| field.parse().ok());
        Some(Self { all: fields.next()??, resident: fields.next()?? })
    }
}

/// Linux 6.2 and newer tell the number of descriptors as the size of their directory. Before, the
/// directory is read, and one of its entries is the descriptor that reads it.
fn open_fds() -> Option<f64> {
    match fs::metadata("/proc/self/fd").ok()?.len() {
        0 => Some(fs::read_dir("/proc/self/fd").ok()?.count() as f64 - 1.0),
        count => Some(count as f64),
    }
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
    use super::*;

    #[test]
    fn a_program_may_have_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 12 3 0 0 20 0 5 0 8000 1 2 3";
        let stat = Stat::parse(stat).expect("it parses");
        assert_eq!((stat.cpu_ticks, stat.threads, stat.start_ticks), (15.0, 5.0, 8000.0));
        assert!(Stat::parse("7 (a) S 1").is_none());
    }

    #[test]
    fn the_size_of_a_page_is_found_by_its_key() {
        let words: Vec<u8> = [17_usize, 6, 6, 16384, 0, 0].map(usize::to_ne_bytes).concat();
        assert_eq!(page_bytes(&words), Some(16384.0));
        assert_eq!(page_bytes(&words[..20]), None, "half a pair");
    }

    #[test]
    fn memory_is_what_the_status_of_the_process_says() {
        let near = |value: Option<f64>, status: &str, name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            let kibibytes: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
            (0.8..1.25).contains(&(value.unwrap() / (kibibytes * 1024.0)))
        };
        // Other tests run in this process at the same time, and take or free memory in between.
        let agree = (0..100).any(|_| {
            let (process, status) = (read(), fs::read_to_string("/proc/self/status").unwrap());
            near(process.resident_memory_bytes, &status, "VmRSS:")
                && near(process.virtual_memory_bytes, &status, "VmSize:")
        });
        assert!(agree, "{:?}", fs::read_to_string("/proc/self/status"));
    }

    #[test]
    fn an_open_file_is_counted() {
        // Other tests open and close theirs at the same time, but never so many.
        let before = open_fds().unwrap();
        let files: Vec<_> = (0..200).map(|_| File::open("/proc/self/stat").unwrap()).collect();
        let more = open_fds().unwrap() - before;
        assert!((150.0..250.0).contains(&more), "{more} more for {}", files.len());
    }
}
