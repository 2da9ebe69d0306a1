//! macOS: `proc_pidinfo` and the POSIX resource calls.
#![allow(unsafe_code)] // There is no safe interface to these in the standard library.

use std::mem::{MaybeUninit, size_of};

use super::Process;

pub(super) fn read() -> Process {
    let task = proc_info::<libc::proc_taskinfo>(libc::PROC_PIDTASKINFO);
    let bsd = proc_info::<libc::proc_bsdinfo>(libc::PROC_PIDTBSDINFO);
    Process {
        cpu_seconds: cpu_seconds(),
        resident_memory_bytes: task.as_ref().map(|task| task.pti_resident_size as f64),
        virtual_memory_bytes: task.as_ref().map(|task| task.pti_virtual_size as f64),
        // The directory lists the descriptors of this process, one of which reads the directory.
        open_fds: std::fs::read_dir("/dev/fd").ok().map(|fds| fds.count() as f64 - 1.0),
        max_fds: max_fds(),
        threads: task.as_ref().map(|task| f64::from(task.pti_threadnum)),
        start_time_seconds: bsd
            .map(|bsd| bsd.pbi_start_tvsec as f64 + bsd.pbi_start_tvusec as f64 / 1e6),
    }
}

fn proc_info<T: Copy>(flavor: libc::c_int) -> Option<T> {
    let mut info = MaybeUninit::<T>::zeroed();
    let size = libc::c_int::try_from(size_of::<T>()).ok()?;
    // SAFETY: the buffer is `size` bytes large, and the kernel writes no more than that.
    let written =
        unsafe { libc::proc_pidinfo(libc::getpid(), flavor, 0, info.as_mut_ptr().cast(), size) };
    // SAFETY: the structures are plain integers, for which zeros are valid, and the kernel has
    // filled all of it.
    (written == size).then(|| unsafe { info.assume_init() })
}

fn cpu_seconds() -> Option<f64> {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a whole `rusage`, which the call fills when it returns 0.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + f64::from(time.tv_usec) / 1e6;
    Some(seconds(usage.ru_utime) + seconds(usage.ru_stime))
}

fn max_fds() -> Option<f64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a whole `rlimit`.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    (result == 0).then_some(match limit.rlim_cur {
        libc::RLIM_INFINITY => f64::INFINITY,
        limit => limit as f64,
    })
}
