//! Unicorn's hooks, and the wrapped functions that are not memory accesses.

use std::ffi::{c_char, c_void};
use std::ptr;

use unicorn_engine_sys::Prot;

use crate::engine::{Engine, Exit, Stop};
use crate::registry;
use crate::unicorn::{MemType, TlbEntry, UcError, hook, uc_engine};

/// Exception numbers of QEMU's Arm target.
const EXCP_UDEF: u32 = 1;
const EXCP_SWI: u32 = 2;
const EXCP_DATA_ABORT: u32 = 4;
const EXCP_BKPT: u32 = 7;

/// Set the engine's hooks.
///
/// # Safety
/// The engine is live and stays in place as long as its Unicorn lives.
pub unsafe fn add(engine: *mut Engine) -> Result<(), UcError> {
    let data: *mut c_void = engine.cast();
    // SAFETY: the signatures are those of unicorn.h for each hook type.
    unsafe {
        let uc = &(*engine).uc;
        uc.hook(hook::TLB_FILL, on_tlb_fill as *const c_void, data)?;
        uc.hook(hook::INTR, on_exception as *const c_void, data)?;
        uc.hook(hook::BLOCK, on_block as *const c_void, data)?;
        uc.hook(hook::MEM_READ | hook::MEM_WRITE, on_access as *const c_void, data)
    }
}

/// Unicorn's soft TLB asks for a page. Only fetches are granted: data accesses are served before they come here.
unsafe extern "C" fn on_tlb_fill(_uc: *mut uc_engine, address: u64, kind: MemType, entry: *mut TlbEntry, engine: *mut c_void) -> bool {
    // SAFETY: Unicorn passes back what `add` gave it, and a valid entry.
    let (engine, entry) = unsafe { (&mut *engine.cast::<Engine>(), &mut *entry) };
    if kind == MemType::FETCH {
        if let Some(frame) = engine.grant_fetch(address >> engine.page_shift) {
            entry.paddr = frame << engine.page_shift;
            entry.perms = Prot::EXEC;
            return true;
        }
        engine.note(Stop::Before(Exit::TranslationMiss));
    } else if engine.refused.is_some() {
        engine.note(Stop::Inside(Exit::TranslationMiss));
    } else {
        engine.note(Stop::UnknownAccess);
    }
    false
}

/// An exception that EL0 code raises.
unsafe extern "C" fn on_exception(_uc: *mut uc_engine, number: u32, engine: *mut c_void) {
    // SAFETY: as above.
    let engine = unsafe { &mut *engine.cast::<Engine>() };
    let misaligned = engine.refused.is_some_and(|refused| refused.alignment);
    engine.note(match number {
        EXCP_SWI => Stop::Inside(Exit::Svc),
        EXCP_UDEF => Stop::Inside(Exit::UndefinedInstruction),
        EXCP_BKPT => Stop::Inside(Exit::Breakpoint),
        EXCP_DATA_ABORT if misaligned => Stop::Inside(Exit::Alignment),
        _ => Stop::Exception(number),
    });
    engine.uc.stop();
}

/// A block of translated code is about to run. The PC stands at its start.
unsafe extern "C" fn on_block(_uc: *mut uc_engine, address: u64, bytes: u32, engine: *mut c_void) {
    // SAFETY: as above; translated code runs, so the cpu is known, and no frame below holds anything to be dropped.
    unsafe {
        let engine = &mut *engine.cast::<Engine>();
        if !engine.enter_block(address, u64::from(bytes)) {
            engine.uc.stop();
            cpu_loop_exit_aarch64(engine.cpu);
        }
    }
}

/// Set only so that translated code calls helpers for its accesses: the wrapped ones never come here.
unsafe extern "C" fn on_access(_uc: *mut uc_engine, _kind: MemType, _address: u64, _size: i32, _value: i64, engine: *mut c_void) {
    // SAFETY: as above.
    let engine = unsafe { &mut *engine.cast::<Engine>() };
    engine.note(Stop::UnknownAccess);
    engine.uc.stop();
}

unsafe extern "C" {
    fn __real_gen_intermediate_code_aarch64(cpu: *mut c_void, block: *mut c_void, max_instructions: i32);
    fn __real_abort() -> !;
    fn cpu_loop_exit_aarch64(cpu: *mut c_void) -> !;
    fn __real_tcg_gen_callN_aarch64(context: *mut c_void, function: *const c_void, result: *mut c_void, count: i32, arguments: *mut *mut c_void);
    fn __real_get_arm_cp_reginfo_aarch64(registers: *mut c_void, key: u32) -> *const c_void;
    fn helper_check_exit_request_aarch64(uc: *mut c_void, in_delay_slot: u32);
}

/// Unicorn translates a block: no longer than the engine wants it.
///
/// # Safety
/// Called by Unicorn.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_gen_intermediate_code_aarch64(cpu: *mut c_void, block: *mut c_void, max_instructions: i32) {
    let engine = registry::running();
    if engine.is_null() {
        // The oracle's Unicorn.
        // SAFETY: the arguments are passed on.
        return unsafe { __real_gen_intermediate_code_aarch64(cpu, block, max_instructions) };
    }
    // SAFETY: the running engine is live, and only hooks of this thread look at it meanwhile.
    unsafe {
        (*engine).cpu = cpu;
        (*engine).translating = true;
        __real_gen_intermediate_code_aarch64(cpu, block, max_instructions.min((*engine).block_limit));
        (*engine).translating = false;
        (*engine).block_limit = i32::MAX;
    }
}

/// QEMU gives up: on a few undefined encodings while it translates, never in the execution of a sane guest. Instead of the
/// process the run ends, by the way that a fetch miss takes out of the translator.
unsafe fn give_up() -> ! {
    let engine = registry::running();
    // SAFETY: a running engine is live; its cpu is set if it has translated anything.
    unsafe {
        if engine.is_null() || (*engine).cpu.is_null() {
            __real_abort();
        }
        let translating = std::mem::replace(&mut (*engine).translating, false);
        (*engine).note(if translating { Stop::Untranslatable } else { Stop::Aborted });
        (*engine).uc.stop();
        cpu_loop_exit_aarch64((*engine).cpu)
    }
}

/// # Safety
/// Called by any code of this addon that ends the process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_abort() -> ! {
    // SAFETY: as for give_up.
    unsafe { give_up() }
}

/// A failed assertion of QEMU, without its message.
///
/// # Safety
/// Called by Unicorn.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_g_assertion_message_expr(_file: *const c_char, _line: i32, _expression: *const c_char) -> ! {
    // SAFETY: as for give_up.
    unsafe { give_up() }
}

/// The code generator emits a helper call. Unicorn asks at the start of each block and after every memory access whether a hook
/// wants to stop. Here all stops leave by longjmp, so the question is not generated.
///
/// # Safety
/// Called by Unicorn's translator.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_tcg_gen_callN_aarch64(
    context: *mut c_void,
    function: *const c_void,
    result: *mut c_void,
    count: i32,
    arguments: *mut *mut c_void,
) {
    if !ptr::eq(function, helper_check_exit_request_aarch64 as *const c_void) {
        // SAFETY: the arguments are passed on.
        unsafe { __real_tcg_gen_callN_aarch64(context, function, result, count, arguments) }
    }
}

/// Key of a system register in Unicorn's table (`ENCODE_AA64_CP_REG`).
const fn key(op0: u32, op1: u32, crn: u32, crm: u32, op2: u32) -> u32 {
    const AA64: u32 = 1 << 28;
    const SYSREG_CP: u32 = 0x13;
    AA64 | SYSREG_CP << 16 | op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2
}

const RNDR: u32 = key(3, 3, 2, 4, 0);
const RNDRRS: u32 = key(3, 3, 2, 4, 1);
const DC_CVAP: u32 = key(1, 3, 7, 12, 1);
const DC_CVADP: u32 = key(1, 3, 7, 13, 1);

/// System registers by key. The random number registers are hidden, because they would read the host's entropy, and DC CVAP and
/// CVADP, because they would read memory past the helpers: undefined instructions, as on a core without these features.
///
/// # Safety
/// Called by Unicorn.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_get_arm_cp_reginfo_aarch64(registers: *mut c_void, key: u32) -> *const c_void {
    if matches!(key, RNDR | RNDRRS | DC_CVAP | DC_CVADP) {
        return ptr::null();
    }
    // SAFETY: the arguments are passed on.
    unsafe { __real_get_arm_cp_reginfo_aarch64(registers, key) }
}
