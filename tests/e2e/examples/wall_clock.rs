//! A wall clock that is off, for programs which are started with this in `LD_PRELOAD`: it stands before the C library's, and adds
//! as many seconds as `CAPSTAN_TEST_CLOCK_OFF_BY` says. The monotonic clock, by which waits and deadlines go, stays as it is.
//!
//! An example, because those are what `cargo test` builds beside the tests and leaves under a name that can be found. Of use on
//! Linux with glibc alone, where the standard library asks `clock_gettime`.

#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "it is called in place of a function of the C library, and calls that one")]

use std::{
    env,
    ffi::{c_char, c_int, c_long, c_void},
    mem, ptr,
    sync::LazyLock,
};

/// `struct timespec`.
#[repr(C)]
pub struct Timespec {
    seconds: i64,
    nanoseconds: c_long,
}

type ClockGettime = unsafe extern "C" fn(c_int, *mut Timespec) -> c_int;

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
}

const CLOCK_REALTIME: c_int = 0;

static OFF_BY: LazyLock<i64> =
    LazyLock::new(|| env::var("CAPSTAN_TEST_CLOCK_OFF_BY").ok().and_then(|text| text.parse().ok()).unwrap_or_default());

/// That of the C library.
static NEXT: LazyLock<Option<ClockGettime>> = LazyLock::new(|| {
    /// `RTLD_NEXT`: the next one after this library's own.
    const NEXT: usize = usize::MAX;
    // SAFETY: the name ends with a zero.
    let found = unsafe { dlsym(ptr::without_provenance_mut(NEXT), c"clock_gettime".as_ptr()) };
    // SAFETY: it is a function of this type, and null is `None`.
    unsafe { mem::transmute::<*mut c_void, Option<ClockGettime>>(found) }
});

/// As `clock_gettime(2)`.
///
/// # Safety
///
/// The time can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    let Some(next) = *NEXT else { return -1 };
    // SAFETY: what was asked of this is asked of that.
    let answer = unsafe { next(clock, time) };
    // SAFETY: a time was written there.
    if let (CLOCK_REALTIME, 0, Some(time)) = (clock, answer, unsafe { time.as_mut() }) {
        time.seconds += *OFF_BY;
    }
    answer
}
