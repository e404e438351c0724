//! The translation cache: virtual page -> frame and permissions, filled by the kernel side and asked on every slow access.
//!
//! Two levels. Leaf tables of 512 pages, found by hash, hold all that was installed; a range is forgotten leaf by leaf. In
//! front of them stands a direct-mapped table with host addresses, whose tags carry an epoch so that it is emptied in one step.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

pub const READ: u64 = 1;
pub const WRITE: u64 = 2;
pub const EXEC: u64 = 4;
/// Beside these: the page has a dirty state of its own (engine.ts).
pub const OWN_DIRTY: u64 = 8;
/// Set in an entry that Unicorn's own soft TLB may hold, since its last flush.
const FETCHED: u64 = 8;
/// Orders of the entries that the TLBs of the trace filter's limits make of the translation.
const DATA_ORDER_SHIFT: u32 = 4;
const CODE_ORDER_SHIFT: u32 = 9;
const ORDER: u64 = 31;
const FRAME_SHIFT: u32 = 14;
/// In what a grant gives, below the host address of the page: the order for data; whether the trace sink has heard of a write, so that no other
/// need be recorded, or is the first to hear of one.
pub const GRANTED_ORDER: u64 = ORDER;
pub const GRANTED_HEARD: u64 = 1 << 5;
pub const GRANTED_UNHEARD: u64 = 1 << 6;
pub const GRANTED_BITS: u64 = GRANTED_ORDER | GRANTED_HEARD | GRANTED_UNHEARD;

const LEAF_BITS: u32 = 9;
const LEAF_PAGES: usize = 1 << LEAF_BITS;
const FRONT_ENTRIES: usize = 4096;
const EPOCH_SHIFT: u32 = 48;
const LAST_EPOCH: u64 = 0xffff;

/// In place of the number of a sink: the page's dirty state is not its own.
const NOT_OWN: u32 = u32::MAX;
const NO_SINK: u32 = 0;

struct Leaf {
    entries: [u64; LEAF_PAGES],
    /// By page: the last trace sink that a write has been recorded for since the translation was installed.
    heard: [u32; LEAF_PAGES],
}

/// Multiplicative hash of leaf numbers.
#[derive(Default)]
struct LeafHasher(u64);

impl Hasher for LeafHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// A page of the front table. A tag is the page number with the epoch in bits 63:48; 0 is no page.
#[derive(Clone, Copy, Default)]
struct Front {
    read_tag: u64,
    write_tag: u64,
    /// Host address of the page, with GRANTED_BITS.
    granted: u64,
}

/// A translation as the leaf tables hold it.
#[derive(Clone, Copy)]
pub struct Translation {
    pub frame: u64,
    pub perms: u64,
    pub data_order: u64,
    pub code_order: u64,
}

pub struct Translations {
    leaves: HashMap<u64, Box<Leaf>, BuildHasherDefault<LeafHasher>>,
    front: Box<[Front; FRONT_ENTRIES]>,
    /// Tags with another epoch are void. Reads and writes apart, because write grants are withdrawn alone.
    read_epoch: u64,
    write_epoch: u64,
    /// Pages that Unicorn's soft TLB may hold.
    fetched: Vec<u64>,
    /// Number of the trace sink.
    sink: u32,
    /// A page of `fetched` has been forgotten: the soft TLB has to be flushed before the next instruction.
    pub flush_due: bool,
}

impl Translations {
    pub fn new() -> Self {
        Self {
            leaves: HashMap::default(),
            front: Box::new([Front::default(); FRONT_ENTRIES]),
            read_epoch: 1,
            write_epoch: 1,
            fetched: Vec::new(),
            sink: NO_SINK + 1,
            flush_due: false,
        }
    }

    /// What was granted if the front table grants the access, else 0.
    #[inline(always)]
    pub fn front(&self, vpn: u64, write: bool) -> u64 {
        let entry = &self.front[vpn as usize % FRONT_ENTRIES];
        let hit =
            if write { entry.write_tag == vpn | self.write_epoch << EPOCH_SHIFT } else { entry.read_tag == vpn | self.read_epoch << EPOCH_SHIFT };
        if hit { entry.granted } else { 0 }
    }

    /// Let the front table answer reads (and writes, if `write`) of this page.
    pub fn grant(&mut self, vpn: u64, granted: u64, write: bool) {
        let read_tag = vpn | self.read_epoch << EPOCH_SHIFT;
        let write_tag = vpn | self.write_epoch << EPOCH_SHIFT;
        let entry = &mut self.front[vpn as usize % FRONT_ENTRIES];
        let keep_write = entry.read_tag == read_tag && entry.write_tag == write_tag;
        *entry = Front { read_tag, write_tag: if write || keep_write { write_tag } else { 0 }, granted };
    }

    /// Withdraw all write grants of the front table, so that the next write of each page asks the leaf tables.
    pub fn revoke_writes(&mut self) {
        if self.write_epoch == LAST_EPOCH {
            self.empty_front();
        } else {
            self.write_epoch += 1;
        }
    }

    fn empty_front(&mut self) {
        if self.read_epoch == LAST_EPOCH || self.write_epoch == LAST_EPOCH {
            self.front.fill(Front::default());
            self.read_epoch = 0;
            self.write_epoch = 0;
        }
        self.read_epoch += 1;
        self.write_epoch += 1;
    }

    fn clear_front(&mut self, vpn: u64) {
        let entry = &mut self.front[vpn as usize % FRONT_ENTRIES];
        if entry.read_tag == vpn | self.read_epoch << EPOCH_SHIFT {
            *entry = Front::default();
        }
    }

    /// GRANTED_HEARD, GRANTED_UNHEARD, or 0 for a page without a dirty state of its own.
    pub fn hearing(&self, vpn: u64) -> u64 {
        match self.leaves.get(&(vpn >> LEAF_BITS)).map_or(NOT_OWN, |leaf| leaf.heard[vpn as usize % LEAF_PAGES]) {
            NOT_OWN => 0,
            sink if sink == self.sink => GRANTED_HEARD,
            _ => GRANTED_UNHEARD,
        }
    }

    /// A write of the page, which has a dirty state of its own, has been recorded.
    #[cold]
    pub fn note_write(&mut self, vpn: u64) {
        if let Some(leaf) = self.leaves.get_mut(&(vpn >> LEAF_BITS)) {
            leaf.heard[vpn as usize % LEAF_PAGES] = self.sink;
        }
        let entry = &mut self.front[vpn as usize % FRONT_ENTRIES];
        if entry.read_tag == vpn | self.read_epoch << EPOCH_SHIFT {
            entry.granted = entry.granted & !GRANTED_UNHEARD | GRANTED_HEARD;
        }
    }

    /// Another trace sink, which has heard of no write, hears all that follows.
    pub fn change_sink(&mut self) {
        self.sink += 1;
        self.empty_front();
    }

    pub fn find(&self, vpn: u64) -> Option<Translation> {
        let entry = self.leaves.get(&(vpn >> LEAF_BITS))?.entries[vpn as usize % LEAF_PAGES];
        (entry != 0).then_some(Translation {
            frame: entry >> FRAME_SHIFT,
            perms: entry & (READ | WRITE | EXEC),
            data_order: entry >> DATA_ORDER_SHIFT & ORDER,
            code_order: entry >> CODE_ORDER_SHIFT & ORDER,
        })
    }

    /// Order of the entry for a page that code runs on.
    pub fn code_order(&self, vpn: u64) -> u32 {
        self.find(vpn).map_or(0, |translation| translation.code_order as u32)
    }

    /// Unicorn's soft TLB takes over this translation for instruction fetches.
    pub fn mark_fetched(&mut self, vpn: u64) {
        if let Some(leaf) = self.leaves.get_mut(&(vpn >> LEAF_BITS)) {
            let entry = &mut leaf.entries[vpn as usize % LEAF_PAGES];
            if *entry & FETCHED == 0 {
                *entry |= FETCHED;
                self.fetched.push(vpn);
            }
        }
    }

    /// Unicorn's soft TLB has been flushed.
    pub fn flushed(&mut self) {
        for vpn in std::mem::take(&mut self.fetched) {
            if let Some(leaf) = self.leaves.get_mut(&(vpn >> LEAF_BITS)) {
                leaf.entries[vpn as usize % LEAF_PAGES] &= !FETCHED;
            }
        }
        self.flush_due = false;
    }

    pub fn install(&mut self, vpn: u64, Translation { frame, perms, data_order, code_order }: Translation) {
        self.clear_front(vpn);
        let leaf = self.leaves.entry(vpn >> LEAF_BITS).or_insert_with(|| Box::new(Leaf { entries: [0; LEAF_PAGES], heard: [NOT_OWN; LEAF_PAGES] }));
        let entry = &mut leaf.entries[vpn as usize % LEAF_PAGES];
        self.flush_due |= *entry & FETCHED != 0;
        *entry = frame << FRAME_SHIFT | code_order << CODE_ORDER_SHIFT | data_order << DATA_ORDER_SHIFT | perms & (READ | WRITE | EXEC);
        leaf.heard[vpn as usize % LEAF_PAGES] = if perms & OWN_DIRTY != 0 { NO_SINK } else { NOT_OWN };
    }

    pub fn forget_page(&mut self, vpn: u64) {
        if let Some(leaf) = self.leaves.get_mut(&(vpn >> LEAF_BITS)) {
            let entry = &mut leaf.entries[vpn as usize % LEAF_PAGES];
            self.flush_due |= *entry & FETCHED != 0;
            *entry = 0;
            self.clear_front(vpn);
        }
    }

    /// Forget the pages `first` to `last`, both included.
    pub fn forget_range(&mut self, first: u64, last: u64) {
        let (first_leaf, last_leaf) = (first >> LEAF_BITS, last >> LEAF_BITS);
        let touched: Vec<u64> = if last_leaf - first_leaf < self.leaves.len() as u64 {
            (first_leaf..=last_leaf).filter(|number| self.leaves.contains_key(number)).collect()
        } else {
            self.leaves.keys().copied().filter(|number| (first_leaf..=last_leaf).contains(number)).collect()
        };
        for number in touched {
            let start = first.max(number << LEAF_BITS);
            let end = last.min((number << LEAF_BITS) + LEAF_PAGES as u64 - 1);
            let whole = end - start + 1 == LEAF_PAGES as u64;
            if let Some(leaf) = self.leaves.get_mut(&number) {
                let mut present = Vec::new();
                for vpn in start..=end {
                    let entry = &mut leaf.entries[vpn as usize % LEAF_PAGES];
                    if *entry != 0 {
                        self.flush_due |= *entry & FETCHED != 0;
                        *entry = 0;
                        present.push(vpn);
                    }
                }
                for vpn in present {
                    self.clear_front(vpn);
                }
            }
            if whole {
                self.leaves.remove(&number);
            }
        }
    }

    pub fn forget_all(&mut self) {
        self.flush_due |= !self.fetched.is_empty();
        self.leaves.clear();
        self.empty_front();
    }
}
