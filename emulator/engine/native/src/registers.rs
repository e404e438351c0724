//! Registers between Unicorn and the shared words, in groups: most exits need only a few of them.

use std::ffi::{c_int, c_void};
use std::sync::LazyLock;

use crate::engine::Engine;
use crate::shared::{FPCR, FPSR, NZCV, SP, TPIDR_EL0, V0};
use crate::unicorn::{Reg, uc_engine, uc_error};
use unicorn_engine_sys as sys;

/// X0 to X30 and SP.
pub const GENERAL: u64 = 1;
/// NZCV, FPCR, FPSR, TPIDR_EL0.
pub const SYSTEM: u64 = 2;
/// V0 to V31.
pub const VECTORS: u64 = 4;
/// Not a group: the registers are those of another task, so the exclusive monitor is open. Comes with all groups.
pub const OTHER_TASK: u64 = 8;

/// Unicorn's register number and the context word of each register of a group.
struct Group {
    regs: Vec<c_int>,
    words: Vec<usize>,
}

impl Group {
    fn new(members: impl Iterator<Item = (c_int, usize)>) -> Self {
        let (regs, words) = members.unzip();
        Self { regs, words }
    }

    fn pointers(&self, engine: &Engine) -> Vec<*mut c_void> {
        self.words.iter().map(|&word| engine.shared.word(word).cast()).collect()
    }
}

static GENERAL_GROUP: LazyLock<Group> = LazyLock::new(|| {
    let low = (0..29).map(|n| (Reg::X0 as c_int + n, n as usize));
    Group::new(low.chain([(Reg::X29 as c_int, 29), (Reg::X30 as c_int, 30), (Reg::SP as c_int, SP)]))
});
static SYSTEM_GROUP: LazyLock<Group> = LazyLock::new(|| {
    Group::new([(Reg::NZCV as c_int, NZCV), (Reg::FPCR as c_int, FPCR), (Reg::FPSR as c_int, FPSR), (Reg::TPIDR_EL0 as c_int, TPIDR_EL0)].into_iter())
});
static VECTOR_GROUP: LazyLock<Group> = LazyLock::new(|| Group::new((0..32).map(|n| (Reg::Q0 as c_int + n, V0 + 2 * n as usize))));

fn groups(mask: u64) -> impl Iterator<Item = &'static Group> {
    [(GENERAL, &GENERAL_GROUP), (SYSTEM, &SYSTEM_GROUP), (VECTORS, &VECTOR_GROUP)]
        .into_iter()
        .filter(move |(bit, _)| mask & bit != 0)
        .map(|(_, group)| &**group)
}

/// Read the groups of `mask` into the shared words.
pub fn read(engine: &Engine, mask: u64) {
    for group in groups(mask) {
        let mut pointers = group.pointers(engine);
        // SAFETY: 32-bit registers write the low half of their word, vectors two words.
        unsafe { engine.uc.read_batch(&group.regs, &mut pointers) };
    }
}

/// Write the groups that JavaScript has changed.
pub fn write_back(engine: &Engine) {
    let dirty = engine.shared.take_dirty();
    if dirty & OTHER_TASK != 0 {
        engine.pristine.restore();
    }
    for group in groups(dirty) {
        let pointers = group.pointers(engine);
        // SAFETY: as for read.
        unsafe { engine.uc.write_batch(&group.regs, &pointers) };
    }
}

/// The CPU state before the first instruction. Unicorn has no access to the exclusive monitor alone; putting the whole state back
/// opens it, and the registers of the next task are written over the rest.
pub struct Pristine {
    uc: *mut uc_engine,
    context: *mut sys::uc_context,
}

impl Pristine {
    /// Save the state of a CPU that has not run yet.
    pub fn save(uc: *mut uc_engine) -> Result<Self, String> {
        let mut context = std::ptr::null_mut();
        // SAFETY: a live handle; the context is freed on drop.
        let code = unsafe { sys::uc_context_alloc(uc, &mut context) };
        if code != uc_error::OK {
            return Err(format!("uc_context_alloc: {code:?}"));
        }
        // SAFETY: the context was made for this handle.
        let code = unsafe { sys::uc_context_save(uc, context) };
        let saved = Self { uc, context };
        if code == uc_error::OK { Ok(saved) } else { Err(format!("uc_context_save: {code:?}")) }
    }

    fn restore(&self) {
        // SAFETY: handle and context live as long as the engine. A copy inside Unicorn, which cannot fail.
        unsafe { sys::uc_context_restore(self.uc, self.context) };
    }
}

impl Drop for Pristine {
    fn drop(&mut self) {
        // SAFETY: freed once.
        unsafe { sys::uc_context_free(self.context) };
    }
}
