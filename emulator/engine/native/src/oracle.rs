//! The hardware oracle: Unicorn's own Arm MMU asked for translations with AT S1E0R and AT S1E0W. validate/oracle.ts is the other half.
//!
//! The guest code runs at EL1 from a page of its own, reached through TTBR1, so that TTBR0 can hold any tables. It uses registers
//! only: loads and stores of translated code belong to the engine (access.rs).

use std::ffi::{c_int, c_void};

use napi::bindgen_prelude::{Env, Result, Unknown};
use napi_derive::napi;

use crate::unicorn::{Arm64CpuModel, HCR_EL2, Reg, SCR_EL3, SCTLR_EL1, TCR_EL1, TTBR1_EL1, UcError, Unicorn, uc_error};
use crate::{buffer, failure};

const PAGE: usize = 4096;
const CODE_BUFFER: u32 = 1 << 20;

/// Where the oracle's own code and table lie: the last 2 MiB of 48-bit physical addresses.
const OWN: u64 = (1 << 48) - (2 << 20);
/// The same 2 MiB as TTBR1 shows them: the first block of the 25-bit region at the top.
const OWN_VA: u64 = u64::MAX << 25;
const T1SZ: u64 = 64 - 25;

const SCR_NS: u64 = 1;
const SCR_RW: u64 = 1 << 10;
const HCR_RW: u64 = 1 << 31;
const SCTLR_M: u64 = 1;
/// EL1 on SP_EL1, interrupts masked.
const PSTATE_EL1H: u64 = 0x3c5;

/// Fields of TCR_EL1 that govern TTBR0: T0SZ, EPD0, IRGN0, ORGN0, SH0, TG0, IPS, TBI0, HPD0. This MMU has no hardware updates.
const TCR_TTBR0: u64 = 0xffbf | 7 << 32 | 1 << 37 | 1 << 41;
/// T1SZ and TG1 (4K).
const TCR_TTBR1: u64 = T1SZ << 16 | 2 << 30;
/// A block: valid, EL1 read-only, inner shareable, AF, not executable at EL0.
const BLOCK: u64 = 1 | 1 << 7 | 3 << 8 | 1 << 10 | 1 << 54;

/// Addresses per run of the guest code. It takes them in X0-X13, and TTBR0, TCR and MAIR in X28-X30; PAR_EL1 of the reads comes
/// back in X14-X27, of the writes in X0-X13.
const BATCH: usize = 14;
/// Instructions before the first address, and per address: AT, ISB, MRS for a read and for a write.
const SETUP: usize = 4;
const PER_ADDRESS: usize = 6;
const END: u64 = OWN_VA + 4 * (SETUP + BATCH * PER_ADDRESS) as u64;

/// Words of a request before the addresses: TTBR0, TCR, MAIR.
const HEADER: usize = 3;

/// op0, op1, CRn, CRm, op2 where MSR, MRS and SYS have them.
const fn system(op0: u32, op1: u32, crn: u32, crm: u32, op2: u32) -> u32 {
    op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5
}

/// MSR, and SYS for an op0 of 1.
const MSR: u32 = 0xd500_0000;
const MRS: u32 = 0xd520_0000;
const ISB: u32 = 0xd503_3fdf;
const TTBR0_EL1: u32 = system(3, 0, 2, 0, 0);
const TCR: u32 = system(3, 0, 2, 0, 2);
const MAIR_EL1: u32 = system(3, 0, 10, 2, 0);
const PAR_EL1: u32 = system(3, 0, 7, 4, 0);
const AT_S1E0R: u32 = system(1, 0, 7, 8, 2);
const AT_S1E0W: u32 = system(1, 0, 7, 8, 3);

/// The guest code of one batch.
fn program() -> Vec<u32> {
    let mut code = vec![MSR | TTBR0_EL1 | 28, MSR | TCR | 29, MSR | MAIR_EL1 | 30, ISB];
    for address in 0..BATCH as u32 {
        code.extend([MSR | AT_S1E0R | address, ISB, MRS | PAR_EL1 | (address + BATCH as u32)]);
        code.extend([MSR | AT_S1E0W | address, ISB, MRS | PAR_EL1 | address]);
    }
    code
}

/// Memory for the oracle's page of code and its page with one table, aligned as Unicorn asks.
#[repr(C, align(4096))]
struct Own {
    code: [u8; PAGE],
    table: [u8; PAGE],
}

#[napi]
pub struct NativeOracle {
    /// Closed before the memory behind it goes.
    uc: Unicorn,
    _own: Box<Own>,
    regs: [c_int; 31],
}

impl NativeOracle {
    fn open() -> std::result::Result<Self, UcError> {
        let mut own = Box::new(Own { code: [0; PAGE], table: [0; PAGE] });
        for (place, instruction) in own.code.chunks_exact_mut(4).zip(program()) {
            place.copy_from_slice(&instruction.to_le_bytes());
        }
        own.table[..8].copy_from_slice(&(OWN | BLOCK).to_le_bytes());

        let uc = Unicorn::open(Arm64CpuModel::MAX, PAGE as u64, CODE_BUFFER)?;
        uc.use_cpu_tlb()?;
        // SAFETY: the box keeps its place and lives as long as the Unicorn.
        unsafe { uc.map_read_only(OWN, (&raw mut *own).cast(), size_of::<Own>() as u64)? };
        uc.write_system(SCR_EL3, SCR_RW | SCR_NS)?;
        uc.write_system(HCR_EL2, HCR_RW)?;
        uc.write(Reg::PSTATE, PSTATE_EL1H);
        uc.write_system(TTBR1_EL1, OWN + PAGE as u64)?;
        uc.write_system(TCR_EL1, TCR_TTBR1)?;
        let sctlr = uc.read_system(SCTLR_EL1)?;
        uc.write_system(SCTLR_EL1, sctlr | SCTLR_M)?;
        uc.flush_tlb();
        let regs = std::array::from_fn(|n| match n {
            29 => Reg::X29 as c_int,
            30 => Reg::X30 as c_int,
            _ => Reg::X0 as c_int + n as c_int,
        });
        Ok(Self { uc, _own: own, regs })
    }

    /// Translate one batch under `registers` TTBR0, TCR and MAIR; `results` takes a pair per address, for a read and for a write.
    fn batch(&self, registers: &[u64], addresses: &[u64], results: &mut [u64]) -> std::result::Result<(), String> {
        let mut values = [0u64; 31];
        values[..addresses.len()].copy_from_slice(addresses);
        values[28] = registers[0];
        values[29] = registers[1] & TCR_TTBR0 | TCR_TTBR1;
        values[30] = registers[2];
        let mut pointers: [*mut c_void; 31] = std::array::from_fn(|n| (&raw mut values[n]).cast());
        // SAFETY: 31 registers of 64 bits.
        unsafe { self.uc.write_batch(&self.regs, &pointers) };
        let code = self.uc.start(OWN_VA, END);
        let pc = self.uc.read(Reg::PC);
        if code != uc_error::OK || pc != END {
            return Err(format!("the oracle stopped with {code:?} at {pc:#x}"));
        }
        // SAFETY: as above.
        unsafe { self.uc.read_batch(&self.regs, &mut pointers) };
        for (n, pair) in results.chunks_exact_mut(2).enumerate() {
            pair[0] = values[n + BATCH];
            pair[1] = values[n];
        }
        Ok(())
    }
}

#[napi]
impl NativeOracle {
    #[napi(constructor)]
    pub fn new() -> Result<Self> {
        Self::open().map_err(|error| failure(error.to_string()))
    }

    /// Show `bytes` of an ArrayBuffer at physical address `at`. JavaScript keeps the buffer alive. Multiples of 4096.
    #[napi]
    pub fn map(&self, env: Env, at: f64, memory: Unknown, offset: f64, bytes: f64) -> Result<()> {
        let (start, length) = buffer(env, &memory)?;
        if offset + bytes > length as f64 || at + bytes > OWN as f64 {
            return Err(failure("the memory does not reach that far, or lies where the oracle does"));
        }
        // SAFETY: inside the buffer, which JavaScript keeps alive.
        unsafe { self.uc.map_read_only(at as u64, start.add(offset as usize), bytes as u64) }.map_err(|error| failure(error.to_string()))
    }

    /// `words`: TTBR0, TCR, MAIR, `count` addresses, then room for `count` pairs of results: PAR_EL1 after AT S1E0R and after AT S1E0W.
    #[napi]
    pub fn translate(&self, env: Env, words: Unknown, count: u32) -> Result<()> {
        let (start, bytes) = buffer(env, &words)?;
        let count = count as usize;
        if bytes < 8 * (HEADER + 3 * count) {
            return Err(failure("too few words"));
        }
        // SAFETY: the length was checked, and an ArrayBuffer is aligned for 64-bit words.
        let words = unsafe { std::slice::from_raw_parts_mut(start.cast::<u64>(), HEADER + 3 * count) };
        let (request, results) = words.split_at_mut(HEADER + count);
        let (registers, addresses) = request.split_at(HEADER);
        for (addresses, results) in addresses.chunks(BATCH).zip(results.chunks_mut(2 * BATCH)) {
            self.batch(registers, addresses, results).map_err(failure)?;
        }
        Ok(())
    }
}
