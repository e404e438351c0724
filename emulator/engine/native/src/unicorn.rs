//! The part of Unicorn's C interface that the engine uses, with checked results.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;

use unicorn_engine_sys as sys;
pub use unicorn_engine_sys::{Arm64CpuModel, MemType, RegisterARM64 as Reg, TlbEntry, uc_engine, uc_error};

/// Version that the wrapped internals belong to, as `uc_version` packs it: major, minor, patch, 255 for a release.
pub const VERSION: u32 = 0x02_01_04_ff;

/// A system register by its encoding, with a value: `uc_arm64_cp_reg`.
#[repr(C)]
struct SystemRegister {
    crn: u32,
    crm: u32,
    op0: u32,
    op1: u32,
    op2: u32,
    value: u64,
}

/// op0, op1, CRn, CRm, op2.
pub type Encoding = (u32, u32, u32, u32, u32);
pub const SCTLR_EL1: Encoding = (3, 0, 1, 0, 0);
pub const CPACR_EL1: Encoding = (3, 0, 1, 0, 2);
pub const TCR_EL1: Encoding = (3, 0, 2, 0, 2);
pub const CNTKCTL_EL1: Encoding = (3, 0, 14, 1, 0);
pub const TTBR1_EL1: Encoding = (3, 0, 2, 0, 1);
pub const HCR_EL2: Encoding = (3, 4, 1, 1, 0);
pub const SCR_EL3: Encoding = (3, 6, 1, 1, 0);

/// Hook types that the engine sets; values of `uc_hook_type`.
pub mod hook {
    pub const INTR: i32 = 1 << 0;
    pub const BLOCK: i32 = 1 << 3;
    pub const MEM_READ: i32 = 1 << 10;
    pub const MEM_WRITE: i32 = 1 << 11;
    pub const TLB_FILL: i32 = 1 << 17;
}

/// A failed call of Unicorn, for a message.
#[derive(Debug)]
pub struct UcError {
    pub call: &'static str,
    pub code: uc_error,
}

impl std::fmt::Display for UcError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SAFETY: uc_strerror returns a static string for every code.
        let text = unsafe { CStr::from_ptr(sys::uc_strerror(self.code)) };
        write!(f, "{}: {}", self.call, text.to_string_lossy())
    }
}

fn check(call: &'static str, code: uc_error) -> Result<(), UcError> {
    if code == uc_error::OK { Ok(()) } else { Err(UcError { call, code }) }
}

/// `UC_CTL_WRITE(type, count)`.
const fn ctl_write(control: sys::ControlType, count: u32) -> sys::ControlType {
    sys::ControlType(control.0 | count << 26 | 1 << 30)
}

/// One open Unicorn: AArch64, closed on drop. The guest RAM is mapped by pointer and never owned.
pub struct Unicorn {
    handle: *mut uc_engine,
}

/// Read a register of the Unicorn behind a handle.
///
/// # Safety
/// The handle is live.
pub unsafe fn read_register(handle: *mut uc_engine, reg: Reg) -> u64 {
    let mut value: u64 = 0;
    // SAFETY: 32-bit registers write the low half of the zeroed value.
    unsafe { sys::uc_reg_read(handle, reg as c_int, (&raw mut value).cast()) };
    value
}

impl Drop for Unicorn {
    fn drop(&mut self) {
        // SAFETY: the handle came from uc_open and is closed once.
        unsafe { sys::uc_close(self.handle) };
    }
}

impl Unicorn {
    pub fn version() -> u32 {
        // SAFETY: null pointers are allowed and mean that the parts are not wanted.
        unsafe { sys::uc_version(ptr::null_mut(), ptr::null_mut()) }
    }

    /// Open with the translation granule's page size (bytes) and a code buffer of `code_buffer` bytes.
    pub fn open(model: Arm64CpuModel, page_size: u64, code_buffer: u32) -> Result<Self, UcError> {
        let mut handle = ptr::null_mut();
        // SAFETY: out pointer is valid; the control calls get the argument types that their macros in unicorn.h name.
        unsafe {
            check("uc_open", sys::uc_open(sys::Arch::ARM64, sys::Mode::ARM, &mut handle))?;
            let uc = Self { handle };
            check("uc_ctl_set_page_size", sys::uc_ctl(handle, ctl_write(sys::ControlType::UC_PAGE_SIZE, 1), page_size as u32))?;
            check("uc_ctl_set_cpu_model", sys::uc_ctl(handle, ctl_write(sys::ControlType::CPU_MODEL, 1), model as c_int))?;
            check("uc_ctl_set_tcg_buffer_size", sys::uc_ctl(handle, ctl_write(sys::ControlType::TCG_BUFFER_SIZE, 1), code_buffer))?;
            check("uc_ctl_tlb_mode", sys::uc_ctl(handle, ctl_write(sys::ControlType::TLB_TYPE, 1), sys::TlbType::VIRTUAL as c_int))?;
            Ok(uc)
        }
    }

    /// Translate by the CPU's own page tables instead of a fill hook.
    pub fn use_cpu_tlb(&self) -> Result<(), UcError> {
        // SAFETY: a live handle, and the argument type that the macro in unicorn.h names.
        check("uc_ctl_tlb_mode", unsafe { sys::uc_ctl(self.handle, ctl_write(sys::ControlType::TLB_TYPE, 1), sys::TlbType::CPU as c_int) })
    }

    /// Map `bytes` of host memory, for reading and fetching, at physical address `at`.
    ///
    /// # Safety
    /// The memory must stay valid and in place as long as the engine lives.
    pub unsafe fn map_read_only(&self, at: u64, host: *mut u8, bytes: u64) -> Result<(), UcError> {
        let prot = sys::Prot::READ.0 | sys::Prot::EXEC.0;
        // SAFETY: by contract of this function.
        check("uc_mem_map_ptr", unsafe { sys::uc_mem_map_ptr(self.handle, at, bytes, prot, host.cast()) })
    }

    pub fn handle(&self) -> *mut uc_engine {
        self.handle
    }

    /// Map `bytes` of host memory at physical address 0.
    ///
    /// # Safety
    /// The memory must stay valid and in place as long as the engine lives.
    pub unsafe fn map_ram(&self, host: *mut u8, bytes: u64) -> Result<(), UcError> {
        // SAFETY: by contract of this function.
        check("uc_mem_map_ptr", unsafe { sys::uc_mem_map_ptr(self.handle, 0, bytes, sys::Prot::ALL.0, host.cast()) })
    }

    /// Add a hook for all addresses.
    ///
    /// # Safety
    /// `callback` has the C signature of the hook type; `data` stays valid as long as the engine lives.
    pub unsafe fn hook(&self, kind: i32, callback: *const c_void, data: *mut c_void) -> Result<(), UcError> {
        let mut handle: sys::uc_hook = 0;
        // SAFETY: by contract of this function; begin above end means all addresses.
        check("uc_hook_add", unsafe { sys::uc_hook_add(self.handle, &mut handle, kind, callback.cast_mut(), data, 1, 0) })
    }

    /// Run from `pc` until a hook stops it, an error, or `until` (0: no such address).
    pub fn start(&self, pc: u64, until: u64) -> uc_error {
        // SAFETY: a live handle.
        unsafe { sys::uc_emu_start(self.handle, pc, until, 0, 0) }
    }

    pub fn stop(&self) {
        // SAFETY: a live handle. The result is always OK.
        unsafe { sys::uc_emu_stop(self.handle) };
    }

    /// Forget all entries of the soft TLB. Translated code stays.
    pub fn flush_tlb(&self) {
        // SAFETY: a live handle.
        unsafe { sys::uc_ctl(self.handle, ctl_write(sys::ControlType::TLB_FLUSH, 0)) };
    }

    /// Forget the code translated from the bytes [start, end), where `start` is a virtual address that is mapped now.
    pub fn remove_code(&self, start: u64, end: u64) {
        // SAFETY: a live handle.
        unsafe { sys::uc_ctl(self.handle, ctl_write(sys::ControlType::TB_REMOVE_CACHE, 2), start, end) };
    }

    pub fn read(&self, reg: Reg) -> u64 {
        // SAFETY: a live handle.
        unsafe { read_register(self.handle, reg) }
    }

    pub fn write(&self, reg: Reg, value: u64) {
        // SAFETY: 32-bit registers read the low half (little-endian host).
        unsafe { sys::uc_reg_write(self.handle, reg as c_int, (&raw const value).cast()) };
    }

    /// Read `regs` into the pointers `values`.
    ///
    /// # Safety
    /// Each pointer takes the size of its register.
    pub unsafe fn read_batch(&self, regs: &[c_int], values: &mut [*mut c_void]) {
        // SAFETY: by contract of this function.
        unsafe { sys::uc_reg_read_batch(self.handle, regs.as_ptr(), values.as_mut_ptr(), regs.len() as c_int) };
    }

    /// Write `regs` from the pointers `values`.
    ///
    /// # Safety
    /// Each pointer holds the size of its register.
    pub unsafe fn write_batch(&self, regs: &[c_int], values: &[*mut c_void]) {
        // SAFETY: by contract of this function.
        unsafe { sys::uc_reg_write_batch(self.handle, regs.as_ptr(), values.as_ptr(), regs.len() as c_int) };
    }

    fn system_register(&self, (op0, op1, crn, crm, op2): Encoding) -> SystemRegister {
        SystemRegister { crn, crm, op0, op1, op2, value: 0 }
    }

    pub fn read_system(&self, encoding: Encoding) -> Result<u64, UcError> {
        let mut reg = self.system_register(encoding);
        // SAFETY: the layout is that of uc_arm64_cp_reg.
        check("uc_reg_read", unsafe { sys::uc_reg_read(self.handle, Reg::CP_REG as c_int, (&raw mut reg).cast()) })?;
        Ok(reg.value)
    }

    pub fn write_system(&self, encoding: Encoding, value: u64) -> Result<(), UcError> {
        let mut reg = self.system_register(encoding);
        reg.value = value;
        // SAFETY: the layout is that of uc_arm64_cp_reg.
        check("uc_reg_write", unsafe { sys::uc_reg_write(self.handle, Reg::CP_REG as c_int, (&raw const reg).cast()) })
    }
}
