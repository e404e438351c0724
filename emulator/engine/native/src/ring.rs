//! The ring of trace records that JavaScript reads in place, and the call that hands it over.

use std::ptr;

use napi::sys;

use crate::origin::Origins;

/// The JavaScript side of the run in progress: the function to call with the number of records.
pub struct Sink {
    pub env: sys::napi_env,
    pub function: sys::napi_value,
}

pub struct Ring {
    /// Two words per record: page number bits 31:0; access in bits 1:0, page number bits 39:32 in bits 9:2, number of a held page from bit 10.
    words: *mut u32,
    capacity: usize,
    count: usize,
    /// Off: records are dropped, only counters remain.
    pub enabled: bool,
    /// Who made the accesses, if anyone wants to know.
    pub origins: Option<Origins>,
    pub sink: Sink,
    /// Calls of the sink.
    pub drains: u64,
    /// The sink threw: the exception is pending and the run has to end.
    pub failed: bool,
    /// The sink has been called since the flag was last cleared.
    pub drained: bool,
}

impl Ring {
    pub fn new(words: *mut u32, capacity: usize, enabled: bool, origins: Option<Origins>) -> Self {
        let sink = Sink { env: ptr::null_mut(), function: ptr::null_mut() };
        Self { words, capacity, count: 0, enabled, origins, sink, drains: 0, failed: false, drained: false }
    }

    #[inline(always)]
    pub fn push(&mut self, page: u64, access: u32, held: u32) {
        if !self.enabled {
            return;
        }
        // SAFETY: count stays below capacity, and `words` holds two words per record.
        unsafe {
            *self.words.add(2 * self.count) = page as u32;
            *self.words.add(2 * self.count + 1) = held << 10 | ((page >> 32) as u32) << 2 | access;
        }
        if let Some(origins) = &mut self.origins {
            origins.note(self.count);
        }
        self.count += 1;
        if self.count == self.capacity {
            self.drain();
        }
    }

    /// Hand the records to the sink.
    #[cold]
    pub fn drain(&mut self) {
        let count = std::mem::take(&mut self.count);
        if count == 0 || self.failed {
            return;
        }
        self.drains += 1;
        self.drained = true;
        // SAFETY: env and function are those of the run in progress on this thread.
        self.failed = unsafe { self.call(count as u32) } != sys::Status::napi_ok;
    }

    unsafe fn call(&self, count: u32) -> sys::napi_status {
        let env = self.sink.env;
        let mut scope = ptr::null_mut();
        let mut this = ptr::null_mut();
        let mut argument = ptr::null_mut();
        // SAFETY: by contract of the caller; all out pointers are valid.
        unsafe {
            let status = sys::napi_open_handle_scope(env, &mut scope);
            if status != sys::Status::napi_ok {
                return status;
            }
            sys::napi_get_undefined(env, &mut this);
            sys::napi_create_uint32(env, count, &mut argument);
            let status = sys::napi_call_function(env, this, self.sink.function, 1, &argument, ptr::null_mut());
            sys::napi_close_handle_scope(env, scope);
            status
        }
    }
}
