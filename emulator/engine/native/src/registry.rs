//! From Unicorn's CPU state to the engine that owns it: what a helper called by translated code has in hand is the former.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use crate::engine::Engine;

const ENTRIES: usize = 256;
/// CPU states are about as large as this, so two of them mostly have different places in the table.
const ENV_SPACING: usize = 1 << 12;

struct Entry {
    env: AtomicPtr<c_void>,
    engine: AtomicPtr<Engine>,
}

static TABLE: [Entry; ENTRIES] = [const { Entry { env: AtomicPtr::new(ptr::null_mut()), engine: AtomicPtr::new(ptr::null_mut()) } }; ENTRIES];
/// Held to change the table. A thread reads without it: its own entry was written by itself.
static CHANGE: Mutex<()> = Mutex::new(());

thread_local! {
    static RUNNING: Cell<*mut Engine> = const { Cell::new(ptr::null_mut()) };
}

#[inline(always)]
fn index_of(env: *mut c_void) -> usize {
    env as usize / ENV_SPACING % ENTRIES
}

/// The engine that runs with this CPU state.
#[inline(always)]
pub fn engine_of(env: *mut c_void) -> *mut Engine {
    let entry = &TABLE[index_of(env)];
    if entry.env.load(Relaxed) == env { entry.engine.load(Relaxed) } else { find_or_enter(env) }
}

/// The entry stands elsewhere because its place was taken, or this is the first access of an engine.
#[cold]
#[inline(never)]
fn find_or_enter(env: *mut c_void) -> *mut Engine {
    let order = (0..ENTRIES).map(|step| &TABLE[(index_of(env) + step) % ENTRIES]);
    if let Some(entry) = order.clone().find(|entry| entry.env.load(Relaxed) == env) {
        return entry.engine.load(Relaxed);
    }
    let engine = RUNNING.get();
    let _guard = CHANGE.lock();
    if let Some(free) = order.clone().find(|entry| entry.env.load(Relaxed).is_null()) {
        free.engine.store(engine, Relaxed);
        free.env.store(env, Relaxed);
    }
    engine
}

/// The engine whose Unicorn is entered on this thread now, or null.
pub fn set_running(engine: *mut Engine) {
    RUNNING.set(engine);
}

pub fn running() -> *mut Engine {
    RUNNING.get()
}

/// The engine ends; its CPU state may be given to another one.
pub fn remove(engine: *mut Engine) {
    let _guard = CHANGE.lock();
    for entry in &TABLE {
        if entry.engine.load(Relaxed) == engine {
            entry.env.store(ptr::null_mut(), Relaxed);
            entry.engine.store(ptr::null_mut(), Relaxed);
        }
    }
}
