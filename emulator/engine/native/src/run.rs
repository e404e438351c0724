//! The run loop: enters Unicorn, counts what was executed, and turns what stops it into exits.

use std::ptr;

use crate::engine::{Engine, Exit, Refused, Replay, Stop};
use crate::registers;
use crate::registry;
use crate::shared::Outcome;
use crate::unicorn::{Reg, Unicorn, uc_error};

/// More accesses than this one instruction does not make (LD4 of 16 single bytes per register).
const MAX_ACCESSES: u32 = 64;

impl Engine {
    /// A block of code is about to run. False: it must not.
    #[inline(always)]
    pub fn enter_block(&mut self, address: u64, bytes: u64) -> bool {
        let executed = self.hot.instructions + bytes / 4;
        if executed > self.hot.limit || address & 3 != 0 {
            return self.refuse_block(address, bytes);
        }
        self.hot.instructions = executed;
        self.hot.block_start = address;
        self.hot.block_end = address + bytes;
        let page = address >> self.page_shift;
        if self.fetch_page != page {
            if let Some(origins) = &mut self.ring.origins {
                origins.at_pc(address);
            }
            self.fetch_page = page;
            let base = page << self.page_shift;
            match self.fetches.find(base) {
                Some(slot) => self.fetches.use_slot(slot),
                None => {
                    let order = if self.fetches.is_limited() { self.translations.code_order(page) } else { 0 };
                    self.fetches.enter(base, 0, 0, order, &mut self.ring);
                }
            }
            if self.ring.drained {
                self.obey_sink();
            }
        }
        true
    }

    #[cold]
    fn refuse_block(&mut self, address: u64, bytes: u64) -> bool {
        self.note(if address & 3 != 0 {
            Stop::Before(Exit::Alignment)
        } else if self.shared.stop_requested() || self.ring.failed {
            Stop::Before(Exit::Stopped)
        } else if self.hot.instructions == self.hot.limit {
            Stop::Before(Exit::BudgetSpent)
        } else {
            Stop::BudgetInside(bytes)
        });
        false
    }

    /// The sink may have asked for a stop, or have thrown.
    #[cold]
    pub fn obey_sink(&mut self) {
        self.ring.drained = false;
        if self.ring.failed || self.shared.stop_requested() {
            self.hot.limit = 0;
        }
    }

    pub fn note(&mut self, stop: Stop) {
        if self.stop.is_none() {
            self.stop = Some(stop);
        }
    }

    /// Execute at most `budget` instructions.
    ///
    /// # Safety
    /// `this` is a live engine, and no reference to it is held: while Unicorn runs, its hooks come back to the engine.
    pub unsafe fn run(this: *mut Self, budget: u64) -> Result<Exit, String> {
        // SAFETY: each reference below ends before Unicorn is entered.
        unsafe {
            (*this).apply_queue()?;
            let mut pc = (*this).prepare_run(budget);
            let result = loop {
                if (*this).shared.stop_requested() || (*this).ring.failed {
                    break Ok(Exit::Stopped);
                }
                let mut stop = Self::enter_unicorn(this, pc)?;
                if let Stop::BudgetInside(bytes) = stop {
                    stop = Self::run_tail(this, (*this).shared.pc(), bytes)?;
                }
                pc = (*this).shared.pc();
                match stop {
                    Stop::Inside(exit) | Stop::Before(exit) => break Ok(exit),
                    Stop::Hint | Stop::BudgetInside(_) => {}
                    // One instruction at a time, until the one that it is stands alone.
                    Stop::Untranslatable if (*this).block_limit == 1 => break Ok(Exit::UndefinedInstruction),
                    Stop::Untranslatable => (*this).block_limit = 1,
                    Stop::Exception(_) | Stop::Aborted | Stop::UnknownAccess => break Err(format!("Unicorn stopped with {stop:?} at pc {pc:#x}")),
                }
            };
            (*this).block_limit = i32::MAX;
            (*this).finish(result.as_ref().ok());
            result
        }
    }

    fn prepare_run(&mut self, budget: u64) -> u64 {
        registers::write_back(self);
        let pc = self.shared.pc();
        self.hot.limit = self.hot.instructions.saturating_add(budget);
        self.replaying = self.replay.is_some_and(|replay| replay.pc == pc);
        if !self.replaying {
            self.replay = None;
        }
        pc
    }

    /// The last instructions of a budget end inside the block of `bytes` at `pc`: run them as a block of their own, and forget it.
    unsafe fn run_tail(this: *mut Self, pc: u64, bytes: u64) -> Result<Stop, String> {
        // SAFETY: as for run.
        unsafe {
            let uc: *const Unicorn = &raw const (*this).uc;
            registry::set_running(this);
            (*uc).remove_code(pc, pc + bytes);
            (*this).block_limit = ((*this).hot.limit - (*this).hot.instructions) as i32;
            let stop = Self::enter_unicorn(this, pc);
            registry::set_running(this);
            (*uc).remove_code(pc, pc + 4);
            registry::set_running(ptr::null_mut());
            stop
        }
    }

    /// Run Unicorn once. Publishes the PC, counts what was executed, and says what stopped it.
    unsafe fn enter_unicorn(this: *mut Self, pc: u64) -> Result<Stop, String> {
        registry::set_running(this);
        // SAFETY: as for run.
        let code = unsafe {
            if (*this).translations.flush_due {
                (*this).flush_fetches();
            }
            (*this).stop = None;
            (*this).refused = None;
            let uc: *const Unicorn = &raw const (*this).uc;
            // Unicorn ends a run before the address `until`. None is wanted: 0, or if the guest is there, one that no PC has.
            (*uc).start(pc, u64::from(pc == 0))
        };
        registry::set_running(ptr::null_mut());
        // SAFETY: Unicorn has returned.
        let engine = unsafe { &mut *this };
        let pc = engine.uc.read(Reg::PC);
        engine.shared.set_pc(pc);
        engine.settle_block(pc);
        engine.explain(code, pc).ok_or_else(|| format!("Unicorn stopped with {code:?} ({:?}) at pc {pc:#x}", engine.stop))
    }

    /// What a return of Unicorn means. None: nothing that a guest can cause.
    fn explain(&self, code: uc_error, pc: u64) -> Option<Stop> {
        match self.stop {
            // A fetch from a misaligned address may miss on the page behind it before the block is refused.
            Some(Stop::Before(Exit::TranslationMiss)) if pc & 3 != 0 => Some(Stop::Before(Exit::Alignment)),
            // WFI, or a wait for address 0.
            None if code == uc_error::OK => Some(Stop::Hint),
            stop => stop,
        }
    }

    /// The block was counted whole at its start: take back what has not been executed.
    fn settle_block(&mut self, pc: u64) {
        let inside = !matches!(self.stop, Some(Stop::Before(_) | Stop::BudgetInside(_) | Stop::Untranslatable));
        if inside && (self.hot.block_start..self.hot.block_end).contains(&pc) {
            self.hot.instructions -= (self.hot.block_end - pc) / 4;
        }
        self.hot.block_start = 0;
        self.hot.block_end = 0;
    }

    /// Leave the run: hand over the trace, and publish why and where.
    fn finish(&mut self, exit: Option<&Exit>) {
        let pc = self.shared.pc();
        // What the filters hold leaves; no instruction makes these records.
        if let Some(origins) = &mut self.ring.origins {
            origins.at_pc(pc);
        }
        self.filter.clear(&mut self.ring);
        self.fetches.clear(&mut self.ring);
        self.fetch_page = u64::MAX;
        self.ring.drain();
        self.ring.drained = false;
        self.leave_page();
        let (far, write) = self.refused.map_or((pc, false), |refused| (refused.far, refused.write));
        self.replay = match (exit, self.refused) {
            // A refusal on the way of an unfinished replay leaves its target in place.
            (Some(Exit::TranslationMiss), Some(_)) if self.replaying => self.replay,
            (Some(Exit::TranslationMiss), Some(Refused { address, write, .. })) => Some(Replay { pc, address, write, left: MAX_ACCESSES }),
            _ => None,
        };
        self.shared.publish(&Outcome {
            far,
            fetch: self.refused.is_none(),
            write,
            instructions: self.hot.instructions,
            loads: self.hot.loads,
            stores: self.hot.stores,
            drains: self.ring.drains,
        });
        if exit == Some(&Exit::Svc) {
            registers::read(self, registers::GENERAL);
        }
        if exit == Some(&Exit::Stopped) {
            self.shared.clear_stop();
        }
    }
}
