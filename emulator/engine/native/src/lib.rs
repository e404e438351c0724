//! The native half of the Unicorn engine: one class for Node.js. The other half, and the description, is unicorn.ts.

mod access;
mod engine;
mod filter;
mod frames;
mod hooks;
mod oracle;
mod origin;
mod registers;
mod registry;
mod ring;
mod run;
mod shared;
mod translations;
mod unicorn;

use std::ffi::CString;
use std::ptr;

use napi::bindgen_prelude::{Env, Error, Result, Status, Unknown};
use napi::{JsValue, sys};
use napi_derive::napi;

use crate::engine::{Engine, Options};
use crate::filter::{Limit, MAX_DEPTH};
use crate::origin::Origins;
use crate::ring::{Ring, Sink};
use crate::shared::{Shared, WORDS};
use crate::unicorn::{Unicorn, VERSION};

fn failure(message: impl Into<String>) -> Error {
    Error::new(Status::GenericFailure, message.into())
}

/// Start and length of an ArrayBuffer.
fn buffer(env: Env, value: &Unknown) -> Result<(*mut u8, usize)> {
    let mut data = ptr::null_mut();
    let mut length = 0;
    // SAFETY: value is a live handle; the out pointers are valid.
    let status = unsafe { sys::napi_get_arraybuffer_info(env.raw(), value.value().value, &mut data, &mut length) };
    if status == sys::Status::napi_ok { Ok((data.cast(), length)) } else { Err(failure("an ArrayBuffer is expected")) }
}

/// The body of `NativeEngine.runner`'s function.
unsafe extern "C" fn run(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let mut arguments = [ptr::null_mut(); 2];
    let mut count = arguments.len();
    let mut data = ptr::null_mut();
    let mut budget = 0.0;
    let mut result = ptr::null_mut();
    // SAFETY: called by N-API with what it made; `data` is a live engine, to which no reference is held while it runs.
    unsafe {
        sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), ptr::null_mut(), &mut data);
        let [amount, function] = arguments;
        sys::napi_get_value_double(env, amount, &mut budget);
        let engine: *mut Engine = data.cast();
        (*engine).ring.sink = Sink { env, function };
        match Engine::run(engine, if budget.is_finite() { budget as u64 } else { u64::MAX }) {
            // An exception of the sink is pending, and leaves with this call.
            Ok(_) if std::mem::take(&mut (*engine).ring.failed) => {}
            Ok(exit) => {
                sys::napi_create_uint32(env, exit as u32, &mut result);
            }
            Err(message) => {
                let message = CString::new(message).unwrap_or_default();
                sys::napi_throw_error(env, c"GenericFailure".as_ptr(), message.as_ptr());
            }
        }
    }
    result
}

/// Registers, memory and translations of one engine. JavaScript keeps the buffers alive and checks the arguments.
#[napi]
pub struct NativeEngine {
    /// Made by Box::into_raw; null after dispose. Unicorn's hooks hold the same pointer.
    engine: *mut Engine,
}

impl Drop for NativeEngine {
    fn drop(&mut self) {
        self.dispose();
    }
}

#[napi]
impl NativeEngine {
    /// `ram`, `words`, `ring` and `pcs` are ArrayBuffers; `pcs`, if given, takes a 64-bit float for every record of the ring. `limits`: sets and ways
    /// of the limit on held pages of data, and of that on pages of code; 0 sets for none.
    #[napi(constructor)]
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        env: Env,
        ram: Unknown,
        words: Unknown,
        ring: Unknown,
        page_size: u32,
        trace: bool,
        filter_depth: u32,
        fetch_depth: u32,
        limits: Vec<u32>,
        pcs: Option<Unknown>,
    ) -> Result<Self> {
        if Unicorn::version() != VERSION {
            return Err(failure(format!("Unicorn {:#010x} is linked, {VERSION:#010x} is expected", Unicorn::version())));
        }
        let (ram, ram_bytes) = buffer(env, &ram)?;
        let (words, words_bytes) = buffer(env, &words)?;
        let (ring, ring_bytes) = buffer(env, &ring)?;
        if words_bytes < WORDS * 8 || ring_bytes < 8 || [filter_depth, fetch_depth].iter().any(|&depth| !(1..=MAX_DEPTH).contains(&(depth as usize)))
        {
            return Err(failure("words or ring too small, or filter depth out of range"));
        }
        let limit = |at: usize| match limits.get(at..at + 2) {
            Some(&[0, _]) => Ok(None),
            Some(&[sets, ways]) if sets.is_power_of_two() && (1..=MAX_DEPTH as u32).contains(&ways) => Ok(Some(Limit { sets, ways })),
            _ => Err(failure("limits of held pages out of range")),
        };
        let (limit, fetch_limit) = (limit(0)?, limit(2)?);
        let origins = match pcs {
            None => None,
            Some(pcs) => {
                let (pcs, pcs_bytes) = buffer(env, &pcs)?;
                if pcs_bytes < ring_bytes {
                    return Err(failure("pcs has less room than the ring"));
                }
                Some(Origins::new(pcs.cast()))
            }
        };
        let ring = Ring::new(ring.cast(), ring_bytes / 8, trace, origins);
        let (filter_depth, fetch_depth) = (filter_depth as usize, fetch_depth as usize);
        let options = Options { ram, ram_bytes: ram_bytes as u64, page_size: u64::from(page_size), filter_depth, fetch_depth, limit, fetch_limit };
        let engine = Engine::new(&options, Shared::new(words.cast()), ring).map_err(failure)?;
        Ok(Self { engine })
    }

    fn pointer(&self) -> Result<*mut Engine> {
        if self.engine.is_null() { Err(failure("the engine has been disposed of")) } else { Ok(self.engine) }
    }

    /// The engine, between runs.
    fn engine(&mut self) -> Result<&mut Engine> {
        // SAFETY: not null, so live; JavaScript calls nothing else during a run (unicorn.ts checks).
        self.pointer().map(|engine| unsafe { &mut *engine })
    }

    /// The function (budget, sink) -> number of the exit. Budget: instructions, Infinity for no bound; sink: called with the number of
    /// records in the ring. Bound to the engine, so a call costs no look-up; not to be called after dispose.
    #[napi]
    pub fn runner(&mut self, env: Env) -> Result<Unknown<'_>> {
        let data = self.pointer()?.cast();
        let mut function = ptr::null_mut();
        // SAFETY: the callback has the signature that N-API asks for.
        unsafe {
            if sys::napi_create_function(env.raw(), ptr::null(), 0, Some(run), data, &mut function) != sys::Status::napi_ok {
                return Err(failure("no function"));
            }
            Ok(Unknown::from_raw_unchecked(env.raw(), function))
        }
    }

    /// Apply the queued changes of translations now: the queue is full, or a range comes next.
    #[napi]
    pub fn apply_queue(&mut self) -> Result<()> {
        self.engine()?.apply_queue().map_err(failure)
    }

    /// Pages `first` to `last`, both included.
    #[napi]
    pub fn invalidate_range(&mut self, first: f64, last: f64) -> Result<()> {
        self.apply_queue()?;
        self.engine()?.translations.forget_range(first as u64, last as u64);
        Ok(())
    }

    #[napi]
    pub fn invalidate_all(&mut self) -> Result<()> {
        self.apply_queue()?;
        self.engine()?.translations.forget_all();
        Ok(())
    }

    /// Another sink gets the records from now on.
    #[napi]
    pub fn change_sink(&mut self) -> Result<()> {
        self.engine()?.translations.change_sink();
        Ok(())
    }

    #[napi]
    pub fn discard_code(&mut self, frame: f64) -> Result<()> {
        self.apply_queue()?;
        self.engine()?.discard_code(frame as u64);
        Ok(())
    }

    /// Read groups of registers into the shared words; bits of registers.rs.
    #[napi]
    pub fn read_registers(&mut self, groups: u32) -> Result<()> {
        registers::read(self.engine()?, u64::from(groups));
        Ok(())
    }

    #[napi]
    pub fn dispose(&mut self) {
        let engine = std::mem::replace(&mut self.engine, ptr::null_mut());
        if !engine.is_null() {
            // SAFETY: made by Box::into_raw, and forgotten here.
            drop(unsafe { Box::from_raw(engine) });
        }
    }
}
