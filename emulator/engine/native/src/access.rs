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

/// Bytes of an access that lie on the first of its two pages.
fn bytes_on_first(engine: &Engine, address: u64) -> usize {
    (engine.hot.page_size - (address & (engine.hot.page_size - 1))) as usize
}

macro_rules! load {
    ($wrap:ident, $real:ident, $type:ty) => {
        unsafe extern "C" {
            fn $real(env: *mut c_void, address: u64, op: u32, return_address: usize) -> u64;
        }

        /// # Safety
        /// Called by code that Unicorn has translated for the engine of `env`.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $wrap(env: *mut c_void, address: u64, op: u32, return_address: usize) -> u64 {
            const SIZE: usize = size_of::<$type>();
            // SAFETY: the registry knows the engine of every env that runs; host addresses lie in the guest RAM, and the
            // checks keep the access inside one page.
            unsafe {
                let engine = registry::engine_of(env);
                let hot = &mut (*engine).hot;
                let offset = untagged(address).wrapping_sub(hot.read_base);
                if offset <= hot.page_size - SIZE as u64 && op & ALIGN_MASK == 0 {
                    hot.loads += 1;
                    return u64::from(((hot.host + offset) as *const $type).read_unaligned());
                }
                let place = (*engine).place(address, SIZE as u64, alignment(op, SIZE as u64), false);
                if place.first == 0 {
                    return $real(env, address, op, return_address);
                }
                if place.second == 0 {
                    return u64::from((place.first as *const $type).read_unaligned());
                }
                let mut bytes = [0u8; SIZE];
                let split = bytes_on_first(&*engine, address);
                bytes[..split].copy_from_slice(std::slice::from_raw_parts(place.first as *const u8, split));
                bytes[split..].copy_from_slice(std::slice::from_raw_parts(place.second as *const u8, SIZE - split));
                u64::from(<$type>::from_le_bytes(bytes))
            }
        }
    };
}

macro_rules! store {
    ($wrap:ident, $real:ident, $type:ty) => {
        unsafe extern "C" {
            fn $real(env: *mut c_void, address: u64, value: u64, op: u32, return_address: usize);
        }

        /// # Safety
        /// Called by code that Unicorn has translated for the engine of `env`.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $wrap(env: *mut c_void, address: u64, value: u64, op: u32, return_address: usize) {
            const SIZE: usize = size_of::<$type>();
            // SAFETY: as for loads.
            unsafe {
                let engine = registry::engine_of(env);
                let hot = &mut (*engine).hot;
                let offset = untagged(address).wrapping_sub(hot.write_base);
                if offset <= hot.page_size - SIZE as u64 && op & ALIGN_MASK == 0 {
                    hot.stores += 1;
                    ((hot.host + offset) as *mut $type).write_unaligned(value as $type);
                    return;
                }
                let place = (*engine).place(address, SIZE as u64, alignment(op, SIZE as u64), true);
                if place.first == 0 {
                    return $real(env, address, value, op, return_address);
                }
                if place.second == 0 {
                    (place.first as *mut $type).write_unaligned(value as $type);
                    return;
                }
                let bytes = (value as $type).to_le_bytes();
                let split = bytes_on_first(&*engine, address);
                std::slice::from_raw_parts_mut(place.first as *mut u8, split).copy_from_slice(&bytes[..split]);
                std::slice::from_raw_parts_mut(place.second as *mut u8, SIZE - split).copy_from_slice(&bytes[split..]);
            }
        }
    };
}

load!(__wrap_helper_ret_ldub_mmu_aarch64, __real_helper_ret_ldub_mmu_aarch64, u8);
load!(__wrap_helper_le_lduw_mmu_aarch64, __real_helper_le_lduw_mmu_aarch64, u16);
load!(__wrap_helper_le_ldul_mmu_aarch64, __real_helper_le_ldul_mmu_aarch64, u32);
load!(__wrap_helper_le_ldq_mmu_aarch64, __real_helper_le_ldq_mmu_aarch64, u64);
store!(__wrap_helper_ret_stb_mmu_aarch64, __real_helper_ret_stb_mmu_aarch64, u8);
store!(__wrap_helper_le_stw_mmu_aarch64, __real_helper_le_stw_mmu_aarch64, u16);
store!(__wrap_helper_le_stl_mmu_aarch64, __real_helper_le_stl_mmu_aarch64, u32);
store!(__wrap_helper_le_stq_mmu_aarch64, __real_helper_le_stq_mmu_aarch64, u64);
