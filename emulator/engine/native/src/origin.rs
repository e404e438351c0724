//! Where the accesses of trace records were made: the PC beside each record, for whoever wants to know who misses.
//!
//! Off by default. The PC of a load or store is known to Unicorn only by the host address that its helper returns to; it is looked
//! up when a record is really written, so the use of a page that the filter holds costs nothing.

use std::ffi::c_void;

use crate::access::PC_IS_KNOWN;
use crate::unicorn::{Reg, read_register, uc_engine};

unsafe extern "C" {
    /// Unicorn: set the PC of its CPU state to the guest instruction behind a host address of translated code. False if it is none.
    fn cpu_restore_state_aarch64(cpu: *mut c_void, host_pc: usize, will_exit: bool) -> bool;
}

/// What the next records belong to.
#[derive(Clone, Copy)]
enum Origin {
    Pc(u64),
    /// An access of running code: Unicorn's CPU object and the host address that its helper returns to, or PC_IS_KNOWN.
    Access(*mut c_void, usize),
}

pub struct Origins {
    /// One 64-bit float per record of the ring. 0: unknown.
    pcs: *mut f64,
    uc: *mut uc_engine,
    next: Origin,
}

impl Origins {
    pub fn new(pcs: *mut f64) -> Self {
        Self { pcs, uc: std::ptr::null_mut(), next: Origin::Pc(0) }
    }

    /// Records that follow are of the instruction at `pc`.
    pub fn at_pc(&mut self, pc: u64) {
        self.next = Origin::Pc(pc);
    }

    /// Records that follow are of the access whose helper returns to `return_address`. Pre: that code is running now.
    pub fn at_access(&mut self, uc: *mut uc_engine, cpu: *mut c_void, return_address: usize) {
        self.uc = uc;
        self.next = Origin::Access(cpu, return_address);
    }

    /// Record number `index` is being written.
    #[cold]
    #[inline(never)]
    pub fn note(&mut self, index: usize) {
        let pc = match self.next {
            Origin::Pc(pc) => pc,
            Origin::Access(cpu, return_address) => {
                // SAFETY: both belong to the engine that runs. The PC in the CPU state is free to change: translated code sets it
                // before it leaves, and whoever interrupts the code restores it in the same way.
                let known = return_address == PC_IS_KNOWN || unsafe { !cpu.is_null() && cpu_restore_state_aarch64(cpu, return_address, false) };
                // SAFETY: as above.
                let pc = if known { unsafe { read_register(self.uc, Reg::PC) } } else { 0 };
                self.next = Origin::Pc(pc);
                pc
            }
        };
        // SAFETY: one float for each record that the ring holds.
        unsafe { *self.pcs.add(index) = pc as f64 };
    }
}
