//! Loads and stores of the guest: the functions that translated code calls in place of Unicorn's own.
//!
//! A memory hook is set (and never called), which makes Unicorn's code generator call a helper for every access. The linker
//! sends these calls here, where the virtual address is at hand: the page filter, the counters and the access itself are a few
//! instructions, and Unicorn's soft TLB is not involved. An access that the translation cache does not grant goes on to the real
//! helper, which asks the TLB fill hook, is refused, and leaves the run with the PC on the instruction.

use std::ffi::c_void;

use crate::engine::Engine;
use crate::registry;

/// Alignment field of a `TCGMemOpIdx` (`MO_AMASK` above the index of the translation regime).
const ALIGN_MASK: u32 = 0x7 << ALIGN_SHIFT;
const ALIGN_SHIFT: u32 = 8;
/// The field's value for "the size of the access".
const ALIGN_SIZE: u32 = 7;

/// Bytes that the address of an access of `size` bytes has to be a multiple of: exclusives ask for more than 1.
fn alignment(op: u32, size: u64) -> u64 {
    match (op & ALIGN_MASK) >> ALIGN_SHIFT {
        ALIGN_SIZE => size,
        bits => 1 << bits,
    }
}

/// Where an access goes. Host addresses; `first` 0: nowhere, `second` not 0: the access crosses into a second page there.
#[derive(Clone, Copy)]
pub struct Place {
    pub first: u64,
    pub second: u64,
}

/// The address without the top byte, which TBI leaves to software.
#[inline(always)]
pub fn untagged(address: u64) -> u64 {
    address << 8 >> 8
}

/// Bytes of an access across two pages that lie on the first.
fn bytes_on_first(engine: &Engine, address: u64) -> usize {
    (engine.hot.page_size - (address & (engine.hot.page_size - 1))) as usize
}

/// Read `size` bytes, zero-extended, from a place.
unsafe fn read_place(engine: &Engine, place: Place, address: u64, size: usize) -> u64 {
    let mut bytes = [0u8; 8];
    let split = if place.second == 0 { size } else { bytes_on_first(engine, address) };
    // SAFETY: the place covers the access.
    unsafe {
        std::ptr::copy_nonoverlapping(place.first as *const u8, bytes.as_mut_ptr(), split);
        if split < size {
            std::ptr::copy_nonoverlapping(place.second as *const u8, bytes.as_mut_ptr().add(split), size - split);
        }
    }
    u64::from_le_bytes(bytes)
}

/// Write the low `size` bytes of `value` to a place.
unsafe fn write_place(engine: &Engine, place: Place, address: u64, size: usize, value: u64) {
    let bytes = value.to_le_bytes();
    let split = if place.second == 0 { size } else { bytes_on_first(engine, address) };
    // SAFETY: the place covers the access.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), place.first as *mut u8, split);
        if split < size {
            std::ptr::copy_nonoverlapping(bytes.as_ptr().add(split), place.second as *mut u8, size - split);
        }
    }
}

macro_rules! load {
    ($wrap:ident, $real:ident, $slow:ident, $type:ty) => {
        unsafe extern "C" {
            fn $real(env: *mut c_void, address: u64, op: u32, return_address: usize) -> u64;
        }

        /// # Safety
        /// Called by code that Unicorn has translated for the engine of `env`.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $wrap(env: *mut c_void, address: u64, op: u32, return_address: usize) -> u64 {
            // SAFETY: the registry knows the engine of every env that runs; the host address lies in the guest RAM, and the check
            // keeps the access inside the page.
            unsafe {
                let engine = registry::engine_of(env);
                let hot = &mut (*engine).hot;
                let offset = untagged(address).wrapping_sub(hot.read_base);
                if offset <= hot.page_size - size_of::<$type>() as u64 && op & ALIGN_MASK == 0 {
                    hot.loads += 1;
                    return u64::from(((hot.host + offset) as *const $type).read_unaligned());
                }
                $slow(env, address, op, return_address, &mut *engine)
            }
        }

        #[inline(never)]
        unsafe extern "C" fn $slow(env: *mut c_void, address: u64, op: u32, return_address: usize, engine: &mut Engine) -> u64 {
            const SIZE: usize = size_of::<$type>();
            // SAFETY: as above; a refused access leaves by longjmp from the real helper.
            unsafe {
                engine.note_origin(return_address);
                let place = engine.place(address, SIZE as u64, alignment(op, SIZE as u64), false);
                if place.first != 0 && place.second == 0 {
                    u64::from((place.first as *const $type).read_unaligned())
                } else if place.first == 0 {
                    $real(env, address, op, return_address)
                } else {
                    read_place(engine, place, address, SIZE)
                }
            }
        }
    };
}

macro_rules! store {
    ($wrap:ident, $real:ident, $fast:ident, $slow:ident, $type:ty) => {
        unsafe extern "C" {
            fn $real(env: *mut c_void, address: u64, value: u64, op: u32, return_address: usize);
        }

        /// Translated code pushes the return address of a store and jumps here, so a `ret` to it would be mispredicted by every
        /// host that predicts returns by their calls. A balanced call and an indirect jump are not.
        ///
        /// # Safety
        /// Called by code that Unicorn has translated for the engine of `env`.
        #[cfg(target_arch = "x86_64")]
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $wrap(env: *mut c_void, address: u64, value: u64, op: u32, return_address: usize) {
            core::arch::naked_asm!("sub rsp, 8", "call {}", "add rsp, 8", "pop rcx", "jmp rcx", sym $fast)
        }

        /// # Safety
        /// Called by code that Unicorn has translated for the engine of `env`.
        #[cfg(not(target_arch = "x86_64"))]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $wrap(env: *mut c_void, address: u64, value: u64, op: u32, return_address: usize) {
            // SAFETY: passed on.
            unsafe { $fast(env, address, value, op, return_address) }
        }

        unsafe extern "C" fn $fast(env: *mut c_void, address: u64, value: u64, op: u32, return_address: usize) {
            // SAFETY: as for loads.
            unsafe {
                let engine = registry::engine_of(env);
                let hot = &mut (*engine).hot;
                let offset = untagged(address).wrapping_sub(hot.write_base);
                if offset <= hot.page_size - size_of::<$type>() as u64 && op & ALIGN_MASK == 0 {
                    hot.stores += 1;
                    ((hot.host + offset) as *mut $type).write_unaligned(value as $type);
                    return;
                }
                $slow(env, address, value, op, return_address, &mut *engine)
            }
        }

        #[inline(never)]
        unsafe extern "C" fn $slow(env: *mut c_void, address: u64, value: u64, op: u32, return_address: usize, engine: &mut Engine) {
            const SIZE: usize = size_of::<$type>();
            // SAFETY: as for loads.
            unsafe {
                engine.note_origin(return_address);
                let place = engine.place(address, SIZE as u64, alignment(op, SIZE as u64), true);
                if place.first != 0 && place.second == 0 {
                    (place.first as *mut $type).write_unaligned(value as $type);
                } else if place.first == 0 {
                    $real(env, address, value, op, return_address);
                } else {
                    write_place(engine, place, address, SIZE, value);
                }
            }
        }
    };
}

load!(__wrap_helper_ret_ldub_mmu_aarch64, __real_helper_ret_ldub_mmu_aarch64, load8_slow, u8);
load!(__wrap_helper_le_lduw_mmu_aarch64, __real_helper_le_lduw_mmu_aarch64, load16_slow, u16);
load!(__wrap_helper_le_ldul_mmu_aarch64, __real_helper_le_ldul_mmu_aarch64, load32_slow, u32);
load!(__wrap_helper_le_ldq_mmu_aarch64, __real_helper_le_ldq_mmu_aarch64, load64_slow, u64);
store!(__wrap_helper_ret_stb_mmu_aarch64, __real_helper_ret_stb_mmu_aarch64, store8, store8_slow, u8);
store!(__wrap_helper_le_stw_mmu_aarch64, __real_helper_le_stw_mmu_aarch64, store16, store16_slow, u16);
store!(__wrap_helper_le_stl_mmu_aarch64, __real_helper_le_stl_mmu_aarch64, store32, store32_slow, u32);
store!(__wrap_helper_le_stq_mmu_aarch64, __real_helper_le_stq_mmu_aarch64, store64, store64_slow, u64);

/// Bytes that DC ZVA zeroes: 4 << DCZID_EL0.BS.
const ZVA_BLOCK: u64 = 64;
/// EL0 and no alignment asked for.
const PLAIN: u32 = 0;
/// In place of a return address: the PC in the CPU state is that of the access.
pub const PC_IS_KNOWN: usize = 0;

/// DC ZVA: a store of one byte at the address as given, so that a fault reports that one, and then the rest of its aligned block,
/// which lies on the same page. Counted as one store. Its translation sets the PC first, because it asks for SCTLR_EL1.DZE.
///
/// # Safety
/// Called by code that Unicorn has translated for the engine of `env`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_helper_dc_zva_aarch64(env: *mut c_void, address: u64) {
    // SAFETY: as for stores; the block lies in the page whose host address the store has left.
    unsafe {
        store8(env, address, 0, PLAIN, PC_IS_KNOWN);
        let hot = &(*registry::engine_of(env)).hot;
        let offset = address & (hot.page_size - 1) & !(ZVA_BLOCK - 1);
        std::ptr::write_bytes((hot.host + offset) as *mut u8, 0, ZVA_BLOCK as usize);
    }
}
