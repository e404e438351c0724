//! Link settings: the internal functions of Unicorn that this crate puts itself in front of.
//!
//! The linker's `--wrap=F` sends every call of F from another object file to `__wrap_F`, and offers F itself as `__real_F`.
//! A symbol that is gone in another version of Unicorn is a link error, so the pinned version cannot change unnoticed.

/// Loads and stores that translated code makes; DC ZVA; the translator of a block; the generator of helper calls; the system register
/// table; the ways in which QEMU gives up.
const WRAPPED: &[&str] = &[
    "helper_ret_ldub_mmu_aarch64",
    "helper_le_lduw_mmu_aarch64",
    "helper_le_ldul_mmu_aarch64",
    "helper_le_ldq_mmu_aarch64",
    "helper_ret_stb_mmu_aarch64",
    "helper_le_stw_mmu_aarch64",
    "helper_le_stl_mmu_aarch64",
    "helper_le_stq_mmu_aarch64",
    "helper_dc_zva_aarch64",
    "gen_intermediate_code_aarch64",
    "tcg_gen_callN_aarch64",
    "get_arm_cp_reginfo_aarch64",
    "g_assertion_message_expr",
    "abort",
];

fn main() {
    napi_build::setup();
    for symbol in WRAPPED {
        println!("cargo:rustc-link-arg-cdylib=-Wl,--wrap={symbol}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
