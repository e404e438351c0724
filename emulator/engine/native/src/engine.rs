//! The engine: one Unicorn, its translation cache, trace filter and counters, and the run loop that turns what stops Unicorn into exits.

use std::ffi::c_void;
use std::ptr;

use crate::access::{Place, untagged};
use crate::filter::{self, BY_WRITE, Filter, HEARD, Limit, NO_PAGE, WRITTEN};
use crate::frames::{CODE, Frames, WRITABLE};
use crate::hooks;
use crate::registers;
use crate::registry;
use crate::ring::Ring;
use crate::shared::Shared;
use crate::translations::{EXEC, GRANTED_BITS, GRANTED_HEARD, GRANTED_ORDER, GRANTED_UNHEARD, READ, Translations, WRITE};
use crate::unicorn::{Arm64CpuModel, CNTKCTL_EL1, CPACR_EL1, Reg, SCTLR_EL1, TCR_EL1, Unicorn, uc_engine};

unsafe extern "C" {
    /// Unicorn: forget the code translated from the RAM bytes [start, end). RAM is one block, so offsets are physical addresses.
    fn tb_invalidate_phys_range_aarch64(uc: *mut uc_engine, start: u64, end: u64);
}

/// Bytes of host memory reserved for translated code; committed where touched. When it is full Unicorn starts over.
const CODE_BUFFER: u32 = 128 << 20;

// SCTLR_EL1: what EL0 may do, as Linux sets it (INIT_SCTLR_EL1_MMU_ON).
const SCTLR_DZE: u64 = 1 << 14;
const SCTLR_UCT: u64 = 1 << 15;
const SCTLR_NTWI: u64 = 1 << 16;
const SCTLR_NTWE: u64 = 1 << 18;
const SCTLR_UCI: u64 = 1 << 26;
/// FP and SIMD do not trap; SVE does.
const CPACR_FPEN: u64 = 3 << 20;
/// The top byte of addresses of the lower half is ignored.
const TCR_TBI0: u64 = 1 << 37;

/// Why a run ended; the numbers are shared with unicorn.ts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Exit {
    Svc = 0,
    TranslationMiss = 1,
    BudgetSpent = 2,
    UndefinedInstruction = 3,
    Breakpoint = 4,
    Alignment = 5,
    Stopped = 6,
}

/// What made Unicorn stop, noted by a hook or a wrapped function. The first note counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Inside the current block.
    Inside(Exit),
    /// Before a block that has not been counted.
    Before(Exit),
    /// WFI: go on behind it.
    Hint,
    /// The next block is longer than the rest of the budget; its length in bytes.
    BudgetInside(u64),
    /// An exception number that EL0 code should not be able to raise.
    Exception(u32),
    /// The translator gave up on an instruction of this block.
    Untranslatable,
    /// QEMU gave up while the guest ran.
    Aborted,
    /// An access that did not come through the wrapped helpers.
    UnknownAccess,
}

/// A data access that was not granted.
#[derive(Clone, Copy)]
pub struct Refused {
    /// First byte of the access.
    pub address: u64,
    /// First byte that was not granted: on the second page if the first one is.
    pub far: u64,
    pub write: bool,
    pub alignment: bool,
}

/// What every access and every block touches.
#[repr(C)]
pub struct Hot {
    /// Page that reads hit without further checks, or NO_PAGE.
    pub read_base: u64,
    /// The same page if writes do too, else NO_PAGE.
    pub write_base: u64,
    /// Host address of the page.
    pub host: u64,
    pub page_size: u64,
    pub loads: u64,
    pub stores: u64,
    /// Instructions executed, the whole current block included.
    pub instructions: u64,
    /// Value of `instructions` that no block may pass.
    pub limit: u64,
    /// The current block; both 0 between runs.
    pub block_start: u64,
    pub block_end: u64,
}

/// A run ended inside an instruction that had already made accesses: they were counted then, and are not counted again.
#[derive(Clone, Copy)]
pub struct Replay {
    pub pc: u64,
    /// The access that was refused; from here on counting goes on.
    pub address: u64,
    pub write: bool,
    /// Accesses that may still come before it.
    pub left: u32,
}

pub struct Engine {
    pub hot: Hot,
    pub filter: Filter,
    /// The same for pages of code, and the page of the last block.
    pub fetches: Filter,
    pub fetch_page: u64,
    pub ring: Ring,
    pub translations: Translations,
    frames: Frames,
    pub pristine: registers::Pristine,
    pub uc: Unicorn,
    pub shared: Shared,
    pub page_shift: u32,
    ram: u64,
    pub stop: Option<Stop>,
    pub refused: Option<Refused>,
    pub replay: Option<Replay>,
    pub replaying: bool,
    /// Instructions that the next translated block may have.
    pub block_limit: i32,
    /// Unicorn's CPU object, for the way out of the translator; null before the first translation.
    pub cpu: *mut c_void,
    pub translating: bool,
}

pub struct Options {
    pub ram: *mut u8,
    pub ram_bytes: u64,
    pub page_size: u64,
    pub filter_depth: usize,
    pub fetch_depth: usize,
    /// Of pages of data, and of code.
    pub limit: Option<Limit>,
    pub fetch_limit: Option<Limit>,
}

impl Engine {
    /// Make an engine at a fixed place in memory, because hooks and translated code point to it. To be freed as a Box.
    pub fn new(options: &Options, shared: Shared, ring: Ring) -> Result<*mut Self, String> {
        if !(options.ram as u64).is_multiple_of(options.page_size) {
            return Err("guest RAM does not begin with a page of the host's memory".into());
        }
        let uc = Unicorn::open(Arm64CpuModel::MAX, options.page_size, CODE_BUFFER).map_err(|error| error.to_string())?;
        let page_shift = options.page_size.trailing_zeros();
        Self::prepare_cpu(&uc).map_err(|error| error.to_string())?;
        let pristine = registers::Pristine::save(uc.handle())?;
        let engine = Box::into_raw(Box::new(Self {
            hot: Hot {
                read_base: NO_PAGE,
                write_base: NO_PAGE,
                host: 0,
                page_size: options.page_size,
                loads: 0,
                stores: 0,
                instructions: 0,
                limit: 0,
                block_start: 0,
                block_end: 0,
            },
            filter: Filter::new(options.filter_depth, options.limit, page_shift, filter::READ, filter::FIRST_DATA_HELD),
            fetches: Filter::new(options.fetch_depth, options.fetch_limit, page_shift, filter::FETCH, filter::FIRST_CODE_HELD),
            fetch_page: u64::MAX,
            ring,
            translations: Translations::new(),
            frames: Frames::new((options.ram_bytes >> page_shift) as usize),
            pristine,
            uc,
            shared,
            page_shift,
            ram: options.ram as u64,
            stop: None,
            refused: None,
            replay: None,
            replaying: false,
            block_limit: i32::MAX,
            cpu: ptr::null_mut(),
            translating: false,
        }));
        // SAFETY: the caller keeps the RAM alive and in place; the engine stays where it is.
        let ready = unsafe { (*engine).uc.map_ram(options.ram, options.ram_bytes).and_then(|()| hooks::add(engine)) };
        ready.map(|()| engine).map_err(|error| {
            // SAFETY: made by Box::into_raw above.
            drop(unsafe { Box::from_raw(engine) });
            error.to_string()
        })
    }

    /// EL0 with the controls that Linux gives it.
    fn prepare_cpu(uc: &Unicorn) -> Result<(), crate::unicorn::UcError> {
        uc.write(Reg::PSTATE, 0);
        let sctlr = uc.read_system(SCTLR_EL1)?;
        uc.write_system(SCTLR_EL1, sctlr | SCTLR_DZE | SCTLR_UCT | SCTLR_UCI | SCTLR_NTWI | SCTLR_NTWE)?;
        uc.write_system(TCR_EL1, TCR_TBI0)?;
        uc.write_system(CNTKCTL_EL1, 0)?;
        uc.write_system(CPACR_EL1, CPACR_FPEN)
    }

    // --- the translation cache ---------------------------------------------------------------------------------------

    /// Host address of a page that data may be read from (or written to), with GRANTED_BITS; else 0.
    #[inline(always)]
    fn translate(&mut self, vpn: u64, write: bool) -> u64 {
        let granted = self.translations.front(vpn, write);
        if granted != 0 { granted } else { self.translate_slow(vpn, write) }
    }

    #[cold]
    fn translate_slow(&mut self, vpn: u64, write: bool) -> u64 {
        let Some(translation) = self.translations.find(vpn) else { return 0 };
        if translation.perms & if write { WRITE } else { READ } == 0 {
            return 0;
        }
        if write {
            if self.frames.get(translation.frame) == CODE {
                self.drop_code(translation.frame);
                self.flush_fetches();
            }
            self.frames.set(translation.frame, WRITABLE);
        }
        let granted = self.host_of(translation.frame) | translation.data_order | self.translations.hearing(vpn);
        self.translations.grant(vpn, granted, write);
        granted
    }

    fn host_of(&self, frame: u64) -> u64 {
        self.ram + (frame << self.page_shift)
    }

    /// Forget the code translated from a frame.
    fn drop_code(&mut self, frame: u64) {
        let start = frame << self.page_shift;
        // SAFETY: the frame lies in the mapped RAM. Unicorn calls this function itself from stores of running code.
        unsafe { tb_invalidate_phys_range_aarch64(self.uc.handle(), start, start + self.hot.page_size) };
    }

    pub fn flush_fetches(&mut self) {
        self.uc.flush_tlb();
        self.translations.flushed();
    }

    /// Unicorn wants to fetch from a page: its frame, if it may.
    pub fn grant_fetch(&mut self, vpn: u64) -> Option<u64> {
        let translation = self.translations.find(vpn)?;
        if translation.perms & EXEC == 0 {
            return None;
        }
        if self.frames.get(translation.frame) == WRITABLE {
            self.translations.revoke_writes();
            let host = self.host_of(translation.frame);
            self.filter.revoke_write(host);
            if self.hot.host == host {
                self.hot.write_base = NO_PAGE;
            }
        }
        self.frames.set(translation.frame, CODE);
        self.translations.mark_fetched(vpn);
        Some(translation.frame)
    }

    /// Apply the changes of translations that JavaScript has queued.
    pub fn apply_queue(&mut self) -> Result<(), String> {
        for index in 0..self.shared.take_queue() {
            match self.shared.queued(index) {
                (page, None) => self.translations.forget_page(page),
                (page, Some(translation)) if translation.frame < self.frames.count() => self.translations.install(page, translation),
                (_, Some(translation)) => return Err(format!("frame {:#x} lies outside of guest RAM", translation.frame)),
            }
        }
        Ok(())
    }

    pub fn discard_code(&mut self, frame: u64) {
        if frame < self.frames.count() && self.frames.get(frame) == CODE {
            self.drop_code(frame);
        }
    }

    // --- data accesses -----------------------------------------------------------------------------------------------

    /// The access being served is the one whose helper returns to this address. Kept only if someone wants the PC.
    #[inline(always)]
    pub fn note_origin(&mut self, return_address: usize) {
        if let Some(origins) = &mut self.ring.origins {
            origins.at_access(self.uc.handle(), self.cpu, return_address);
        }
    }

    /// An access that is not on the current page: find the page, note the use of it, count. `alignment`: bytes the address must
    /// be a multiple of. A refusal is noted in `refused`.
    #[inline(never)]
    pub fn place(&mut self, address: u64, size: u64, alignment: u64, write: bool) -> Place {
        let offset = untagged(address) & (self.hot.page_size - 1);
        let base = untagged(address) - offset;
        if address & (alignment - 1) == 0 && offset + size <= self.hot.page_size && !self.replaying && self.touch(base, write) {
            self.count(write);
            return Place { first: self.hot.host + offset, second: 0 };
        }
        self.place_rare(address, base, size, alignment, write)
    }

    /// The access is misaligned, crosses a page, repeats a restarted instruction, or is not granted.
    #[cold]
    fn place_rare(&mut self, address: u64, base: u64, size: u64, alignment: u64, write: bool) -> Place {
        const NOWHERE: Place = Place { first: 0, second: 0 };
        if address & (alignment - 1) != 0 {
            self.refused = Some(Refused { address, far: address, write, alignment: true });
            return NOWHERE;
        }
        let counts = !self.replaying || self.replay_arrives(address, write);
        let offset = untagged(address) - base;
        let place = if offset + size > self.hot.page_size {
            self.place_across(address, base, write)
        } else if self.touch(base, write) {
            Place { first: self.hot.host + offset, second: 0 }
        } else {
            self.refused = Some(Refused { address, far: address, write, alignment: false });
            NOWHERE
        };
        if place.first != 0 && counts {
            self.count(write);
        }
        if self.replaying {
            self.leave_page();
        }
        place
    }

    #[inline(always)]
    fn count(&mut self, write: bool) {
        if write {
            self.hot.stores += 1;
        } else {
            self.hot.loads += 1;
        }
    }

    /// The instruction starts over: is this the access that was refused, so that counting goes on?
    #[cold]
    fn replay_arrives(&mut self, address: u64, write: bool) -> bool {
        if let Some(replay) = &mut self.replay
            && (replay.address != address || replay.write != write)
            && replay.left > 0
        {
            replay.left -= 1;
            return false;
        }
        self.replay = None;
        self.replaying = false;
        true
    }

    #[cold]
    fn place_across(&mut self, address: u64, base: u64, write: bool) -> Place {
        let second_page = address.wrapping_add(self.hot.page_size - (untagged(address) - base));
        for (page, far) in [(base, address), (untagged(second_page), second_page)] {
            if self.translate(page >> self.page_shift, write) == 0 {
                self.refused = Some(Refused { address, far, write, alignment: false });
                return Place { first: 0, second: 0 };
            }
        }
        self.touch(base, write);
        let first = self.hot.host + (untagged(address) - base);
        self.touch(untagged(second_page), write);
        Place { first, second: self.hot.host }
    }

    /// Make the page the current one. False if the translation cache does not grant the access.
    #[inline(always)]
    fn touch(&mut self, base: u64, write: bool) -> bool {
        let slot = if let Some(slot) = self.filter.find(base) {
            if write && !self.filter.is_written(slot) {
                let granted = self.translate(base >> self.page_shift, true);
                if granted == 0 {
                    return false;
                }
                self.filter.write_slot(slot, &mut self.ring);
                self.note_write(base, granted);
            } else {
                self.filter.use_slot(slot);
            }
            slot
        } else {
            let granted = self.translate(base >> self.page_shift, write);
            if granted == 0 {
                return false;
            }
            let how = self.comes_in(base, write, granted);
            let slot = self.filter.enter(base, granted & !GRANTED_BITS, how, (granted & GRANTED_ORDER) as u32, &mut self.ring);
            if write {
                self.note_write(base, granted);
            }
            slot
        };
        self.hot.read_base = base;
        self.hot.write_base = if self.filter.is_written(slot) { base } else { NO_PAGE };
        self.hot.host = self.filter.host(slot);
        if self.ring.drained {
            self.obey_sink();
        }
        true
    }

    /// How a page comes into the filter whose access was granted.
    #[inline(always)]
    fn comes_in(&self, base: u64, write: bool, granted: u64) -> u32 {
        if write {
            BY_WRITE | HEARD | WRITTEN
        } else if granted & GRANTED_HEARD == 0 {
            0
        } else if self.translations.front(base >> self.page_shift, true) != 0 {
            HEARD | WRITTEN
        } else {
            HEARD
        }
    }

    /// A write that was granted has been recorded, if it had to be.
    #[inline(always)]
    fn note_write(&mut self, base: u64, granted: u64) {
        if granted & GRANTED_UNHEARD != 0 {
            self.translations.note_write(base >> self.page_shift);
        }
    }

    pub fn leave_page(&mut self) {
        self.hot.read_base = NO_PAGE;
        self.hot.write_base = NO_PAGE;
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        registry::remove(self);
    }
}
