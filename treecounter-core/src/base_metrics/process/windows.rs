//! Windows: the process functions of the Win32 API. Handles are its file descriptors.
#![allow(unsafe_code)] // There is no safe interface to these in the standard library.

use std::mem::{size_of, zeroed};

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::ProcessStatus::{
    K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS, PROCESS_MEMORY_COUNTERS_EX,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetProcessHandleCount, GetProcessTimes,
};

use super::Process;

/// File times count steps of 100 ns from the year 1601.
const STEPS_PER_SECOND: f64 = 1e7;
const UNIX_EPOCH_IN_FILE_TIME: f64 = 11_644_473_600.0;

/// The number of handles that a process may hold, as Go's client library gives it.
/// <https://learn.microsoft.com/windows/win32/sysinfo/kernel-objects>
const MAX_HANDLES: f64 = 16_777_216.0;

pub(super) fn read() -> Process {
    let times = times();
    let memory = memory();
    Process {
        cpu_seconds: times.map(|times| times.cpu),
        resident_memory_bytes: memory.map(|memory| memory.WorkingSetSize as f64),
        virtual_memory_bytes: memory.map(|memory| memory.PrivateUsage as f64),
        open_fds: handles(),
        max_fds: Some(MAX_HANDLES),
        // Counting them takes a snapshot of all threads of the system.
        threads: None,
        start_time_seconds: times.map(|times| times.created - UNIX_EPOCH_IN_FILE_TIME),
    }
}

#[derive(Clone, Copy)]
struct Times {
    cpu: f64,
    created: f64,
}

fn times() -> Option<Times> {
    // SAFETY: a FILETIME is two integers, for which zeros are valid.
    let [mut created, mut exited, mut kernel, mut user] = unsafe { zeroed::<[FILETIME; 4]>() };
    // SAFETY: the handle of the current process is always valid; the pointers are to whole values.
    let done = unsafe {
        GetProcessTimes(
            GetCurrentProcess(),
            &raw mut created,
            &raw mut exited,
            &raw mut kernel,
            &raw mut user,
        )
    };
    (done != 0).then(|| Times { cpu: seconds(kernel) + seconds(user), created: seconds(created) })
}

fn seconds(time: FILETIME) -> f64 {
    let steps = u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    steps as f64 / STEPS_PER_SECOND
}

fn memory() -> Option<PROCESS_MEMORY_COUNTERS_EX> {
    let size = size_of::<PROCESS_MEMORY_COUNTERS_EX>() as u32;
    // SAFETY: the structure is plain integers, for which zeros are valid.
    let mut memory = PROCESS_MEMORY_COUNTERS_EX { cb: size, ..unsafe { zeroed() } };
    // SAFETY: the handle is valid, and the size is that of what the pointer is to; the extended
    // structure begins with the basic one, as the function asks for.
    let done = unsafe {
        let memory = (&raw mut memory).cast::<PROCESS_MEMORY_COUNTERS>();
        K32GetProcessMemoryInfo(GetCurrentProcess(), memory, size)
    };
    (done != 0).then_some(memory)
}

fn handles() -> Option<f64> {
    let mut count = 0;
    // SAFETY: the handle is valid, and the pointer is to a whole integer.
    let done = unsafe { GetProcessHandleCount(GetCurrentProcess(), &raw mut count) };
    (done != 0).then(|| f64::from(count))
}
