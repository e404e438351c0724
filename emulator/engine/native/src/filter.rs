//! The trace filter: keeps back every access that cannot change a TLB, and proves it by order.
//!
//! The filter holds the `depth` most recently used data pages. An access to one of them only moves that page to the front: any
//! TLB whose sets keep at least `depth` recently used entries hits on it, so nothing but its order of recency changes. When
//! a page from outside arrives, the filter first emits the held pages whose place has changed, in order of last use, then the
//! new page: the consumer's order equals the true one wherever a victim may be chosen. The first write to a page while it is
//! held is emitted too, because it may set the dirty state.

use crate::ring::Ring;

pub const MAX_DEPTH: usize = 8;
/// Base of no page: no address without its top byte reaches it.
pub const NO_PAGE: u64 = 1 << 60;

pub const FETCH: u32 = 0;
pub const READ: u32 = 1;
pub const WRITE: u32 = 2;

pub struct Filter {
    /// Address of the page in each slot, or NO_PAGE.
    bases: [u64; MAX_DEPTH],
    /// Host address of the page.
    hosts: [u64; MAX_DEPTH],
    /// Slots with a page whose write has been emitted since it came in, and that the engine may write without asking; one bit each.
    written: u32,
    /// Slot numbers by last use, four bits each, the most recent lowest.
    order: u32,
    /// So many of the most recent slots have been used since the last emission.
    pending: u32,
    depth: u32,
    page_shift: u32,
    /// Page of the last block, or u64::MAX.
    fetch_page: u64,
}

const SLOT_BITS: u32 = 4;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;
const FIRST_ORDER: u32 = 0x7654_3210;

impl Filter {
    pub fn new(depth: usize, page_shift: u32) -> Self {
        Self {
            bases: [NO_PAGE; MAX_DEPTH],
            hosts: [0; MAX_DEPTH],
            written: 0,
            order: FIRST_ORDER,
            pending: 0,
            depth: depth as u32,
            page_shift,
            fetch_page: u64::MAX,
        }
    }

    #[inline(always)]
    pub fn find(&self, base: u64) -> Option<usize> {
        self.bases[..self.depth as usize].iter().position(|&other| other == base)
    }

    #[inline(always)]
    pub fn is_written(&self, slot: usize) -> bool {
        self.written & 1 << slot != 0
    }

    #[inline(always)]
    pub fn host(&self, slot: usize) -> u64 {
        self.hosts[slot]
    }

    /// The page becomes the most recent one.
    #[inline(always)]
    pub fn use_slot(&mut self, slot: usize) {
        let mut place = 0;
        while self.order >> (place * SLOT_BITS) & SLOT_MASK != slot as u32 {
            place += 1;
        }
        let newer = self.order & ((1 << (place * SLOT_BITS)) - 1);
        let older = u64::from(self.order) >> ((place + 1) * SLOT_BITS) << ((place + 1) * SLOT_BITS);
        self.order = older as u32 | newer << SLOT_BITS | slot as u32;
        self.pending += u32::from(place >= self.pending);
    }

    /// First write to a held page.
    pub fn write_slot(&mut self, slot: usize, ring: &mut Ring) {
        self.use_slot(slot);
        self.emit_pending(ring, 1);
        self.written |= 1 << slot;
        ring.push(self.bases[slot] >> self.page_shift, WRITE);
    }

    /// A page from outside comes in, in place of the least recent one. Returns its slot.
    #[inline(always)]
    pub fn enter(&mut self, base: u64, host: u64, write: bool, ring: &mut Ring) -> usize {
        if self.pending != 0 {
            self.emit_pending(ring, 0);
        }
        let oldest = (self.depth - 1) * SLOT_BITS;
        let victim = self.order >> oldest & SLOT_MASK;
        self.order = self.order & !(SLOT_MASK << oldest | ((1 << oldest) - 1)) | (self.order & ((1 << oldest) - 1)) << SLOT_BITS | victim;
        let slot = victim as usize % MAX_DEPTH;
        self.bases[slot] = base;
        self.hosts[slot] = host;
        self.written = self.written & !(1 << slot) | u32::from(write) << slot;
        ring.push(base >> self.page_shift, if write { WRITE } else { READ });
        slot
    }

    /// Emit the held pages used since the last emission, oldest first, but not the `newest` most recent ones.
    #[cold]
    fn emit_pending(&mut self, ring: &mut Ring, newest: u32) {
        for place in (newest..self.pending).rev() {
            let slot = (self.order >> (place * SLOT_BITS) & SLOT_MASK) as usize;
            ring.push(self.bases[slot % MAX_DEPTH] >> self.page_shift, READ);
        }
        self.pending = 0;
    }

    /// A block of code starts on `page`.
    #[inline(always)]
    pub fn is_new_fetch(&self, page: u64) -> bool {
        page != self.fetch_page
    }

    pub fn fetch(&mut self, page: u64, ring: &mut Ring) {
        self.fetch_page = page;
        ring.push(page, FETCH);
    }

    /// Before the page tables may change: emit what is due and hold nothing.
    pub fn clear(&mut self, ring: &mut Ring) {
        self.emit_pending(ring, 0);
        self.bases = [NO_PAGE; MAX_DEPTH];
        self.written = 0;
        self.fetch_page = u64::MAX;
    }

    /// The frame at this host address may no longer be written without asking.
    pub fn revoke_write(&mut self, host: u64) {
        for slot in 0..self.depth as usize {
            if self.hosts[slot] == host {
                self.written &= !(1 << slot);
            }
        }
    }
}
