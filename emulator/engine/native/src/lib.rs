//! The native half of the Unicorn engine: one class for Node.js. The other half, and the description, is unicorn.ts.

mod access;
mod engine;
mod filter;
mod frames;
mod hooks;
mod oracle;
mod registers;
mod registry;
mod ring;
mod shared;
mod translations;
mod unicorn;

use std::ptr;

use napi::bindgen_prelude::{Env, Error, Result, Status, Unknown};
use napi::{JsValue, sys};
use napi_derive::napi;

use crate::engine::{Engine, Options};
use crate::filter::MAX_DEPTH;
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
    /// `ram`, `words` and `ring` are ArrayBuffers.
    #[napi(constructor)]
    pub fn new(env: Env, ram: Unknown, words: Unknown, ring: Unknown, page_size: u32, trace: bool, filter_depth: u32) -> Result<Self> {
        if Unicorn::version() != VERSION {
            return Err(failure(format!("Unicorn {:#010x} is linked, {VERSION:#010x} is expected", Unicorn::version())));
        }
        let (ram, ram_bytes) = buffer(env, &ram)?;
        let (words, words_bytes) = buffer(env, &words)?;
        let (ring, ring_bytes) = buffer(env, &ring)?;
        if words_bytes < WORDS * 8 || ring_bytes < 8 || !(1..=MAX_DEPTH).contains(&(filter_depth as usize)) {
            return Err(failure("words or ring too small, or filter depth out of range"));
        }
        let ring = Ring::new(ring.cast(), ring_bytes / 8, trace);
        let options = Options { ram, ram_bytes: ram_bytes as u64, page_size: u64::from(page_size), filter_depth: filter_depth as usize };
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

    /// Run at most `budget` instructions (Infinity: no bound). `sink` is called with the number of records in the ring. Returns the
    /// number of the exit.
    #[napi]
    pub fn run(&mut self, env: Env, budget: f64, sink: Unknown) -> Result<u32> {
        let this = self.pointer()?;
        // SAFETY: a live engine, to which no reference is held while it runs.
        let (exit, engine) = unsafe {
            (*this).ring.sink = Sink { env: env.raw(), function: sink.value().value };
            (Engine::run(this, if budget.is_finite() { budget as u64 } else { u64::MAX }), &mut *this)
        };
        let exit = exit.map_err(failure)?;
        if engine.ring.failed {
            engine.ring.failed = false;
            return Err(Error::new(Status::PendingException, String::new()));
        }
        Ok(exit as u32)
    }

    #[napi]
    pub fn install(&mut self, address: f64, frame: f64, perms: u32) -> Result<()> {
        self.engine()?.install(address as u64, frame as u64, u64::from(perms)).map_err(failure)
    }

    #[napi]
    pub fn invalidate_page(&mut self, page: f64) -> Result<()> {
        self.engine()?.translations.forget_page(page as u64);
        Ok(())
    }

    /// Pages `first` to `last`, both included.
    #[napi]
    pub fn invalidate_range(&mut self, first: f64, last: f64) -> Result<()> {
        self.engine()?.translations.forget_range(first as u64, last as u64);
        Ok(())
    }

    #[napi]
    pub fn invalidate_all(&mut self) -> Result<()> {
        self.engine()?.translations.forget_all();
        Ok(())
    }

    #[napi]
    pub fn discard_code(&mut self, frame: f64) -> Result<()> {
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
