//! Words that JavaScript and the engine both see: registers, the outcome of a run, counters. The layout is shared with unicorn.ts.

use crate::translations::Translation;

/// The context: X0-X30, SP, PC, NZCV, FPCR, FPSR, TPIDR_EL0, then V0-V31 as pairs (engine.ts CONTEXT_WORDS).
pub const SP: usize = 31;
pub const PC: usize = 32;
pub const NZCV: usize = 33;
pub const FPCR: usize = 34;
pub const FPSR: usize = 35;
pub const TPIDR_EL0: usize = 36;
pub const V0: usize = 37;
pub const CONTEXT_WORDS: usize = 37 + 64;

/// Full address of the last translation miss or alignment exit, as FAR_EL1 would hold it.
const FAR: usize = CONTEXT_WORDS;
/// Access kind of the last translation miss.
const ACCESS: usize = CONTEXT_WORDS + 1;
/// Set by JavaScript to stop, cleared by the exit it causes.
const STOP: usize = CONTEXT_WORDS + 2;
/// Groups of registers that JavaScript has written since the last run.
const DIRTY: usize = CONTEXT_WORDS + 3;
/// Counters, as 64-bit floats.
const INSTRUCTIONS: usize = CONTEXT_WORDS + 4;
const LOADS: usize = CONTEXT_WORDS + 5;
const STORES: usize = CONTEXT_WORDS + 6;
const DRAINS: usize = CONTEXT_WORDS + 7;
/// Changes of translations that wait for the next run: their number, as a 64-bit float, then two such floats each.
const QUEUE_COUNT: usize = CONTEXT_WORDS + 8;
const QUEUE: usize = CONTEXT_WORDS + 9;
const QUEUE_ENTRIES: usize = 64;
pub const WORDS: usize = QUEUE + 2 * QUEUE_ENTRIES;

pub struct Shared {
    words: *mut u64,
}

/// What a run leaves behind.
pub struct Outcome {
    pub far: u64,
    pub fetch: bool,
    pub write: bool,
    pub instructions: u64,
    pub loads: u64,
    pub stores: u64,
    pub drains: u64,
}

impl Shared {
    /// `words`: at least WORDS 64-bit words, alive as long as the engine.
    pub fn new(words: *mut u64) -> Self {
        Self { words }
    }

    fn get(&self, index: usize) -> u64 {
        // SAFETY: index is below WORDS. JavaScript writes only while no native code runs, or from the sink.
        unsafe { self.words.add(index).read_volatile() }
    }

    fn set(&self, index: usize, value: u64) {
        // SAFETY: as for get.
        unsafe { self.words.add(index).write_volatile(value) }
    }

    /// Address of a context word, for batches of registers.
    pub fn word(&self, index: usize) -> *mut u64 {
        // SAFETY: index is below WORDS.
        unsafe { self.words.add(index) }
    }

    pub fn pc(&self) -> u64 {
        self.get(PC)
    }

    pub fn set_pc(&self, pc: u64) {
        self.set(PC, pc);
    }

    pub fn stop_requested(&self) -> bool {
        self.get(STOP) != 0
    }

    pub fn clear_stop(&self) {
        self.set(STOP, 0);
    }

    pub fn take_dirty(&self) -> u64 {
        let groups = self.get(DIRTY);
        if groups != 0 {
            self.set(DIRTY, 0);
        }
        groups
    }

    fn float(&self, index: usize) -> u64 {
        f64::from_bits(self.get(index)) as u64
    }

    /// Number of queued changes, which the caller takes over.
    pub fn take_queue(&self) -> usize {
        let count = self.float(QUEUE_COUNT) as usize;
        if count != 0 {
            self.set(QUEUE_COUNT, 0);
        }
        count.min(QUEUE_ENTRIES)
    }

    /// A queued change: page and its translation; without one the page is to be forgotten.
    pub fn queued(&self, index: usize) -> (u64, Option<Translation>) {
        let packed = self.float(QUEUE + 2 * index + 1);
        let translation = Translation { frame: packed >> 14, perms: packed & 15, data_order: packed >> 4 & 31, code_order: packed >> 9 & 31 };
        (self.float(QUEUE + 2 * index), (packed != 0).then_some(translation))
    }

    pub fn publish(&self, outcome: &Outcome) {
        self.set(FAR, outcome.far);
        self.set(ACCESS, if outcome.fetch { 0 } else { 1 + u64::from(outcome.write) });
        self.set(INSTRUCTIONS, (outcome.instructions as f64).to_bits());
        self.set(LOADS, (outcome.loads as f64).to_bits());
        self.set(STORES, (outcome.stores as f64).to_bits());
        self.set(DRAINS, (outcome.drains as f64).to_bits());
    }
}
