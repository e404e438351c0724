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

#[derive(Clone, Copy)]
pub struct Slot {
    /// Address of the page, or NO_PAGE.
    pub base: u64,
    /// Host address of the page.
    pub host: u64,
    /// Turn of the filter's clock in which the page last became the current one.
    used: u64,
    /// A write has been emitted since the page came in, and the engine may write without asking.
    pub written: bool,
}

const EMPTY: Slot = Slot { base: NO_PAGE, host: 0, used: 0, written: false };

pub struct Filter {
    slots: [Slot; MAX_DEPTH],
    depth: usize,
    clock: u64,
    /// Turn of the last emission: pages used later have not been emitted in their new order.
    emitted: u64,
    page_shift: u32,
    /// Page of the last block, or u64::MAX.
    fetch_page: u64,
}

impl Filter {
    pub fn new(depth: usize, page_shift: u32) -> Self {
        Self { slots: [EMPTY; MAX_DEPTH], depth, clock: 0, emitted: 0, page_shift, fetch_page: u64::MAX }
    }

    #[inline(always)]
    pub fn find(&self, base: u64) -> Option<usize> {
        self.slots[..self.depth].iter().position(|slot| slot.base == base)
    }

    #[inline(always)]
    pub fn slot(&self, index: usize) -> Slot {
        self.slots[index]
    }

    /// The page becomes the most recent one.
    #[inline(always)]
    pub fn use_slot(&mut self, index: usize) {
        self.clock += 1;
        self.slots[index].used = self.clock;
    }

    /// First write to a held page.
    pub fn write_slot(&mut self, index: usize, ring: &mut Ring) {
        self.emit_pending(ring, index);
        self.use_slot(index);
        self.slots[index].written = true;
        self.emit(ring, index, WRITE);
    }

    /// A page from outside comes in, in place of the least recent one. Returns its slot.
    pub fn enter(&mut self, base: u64, host: u64, write: bool, ring: &mut Ring) -> usize {
        self.emit_pending(ring, MAX_DEPTH);
        let mut victim = 0;
        for index in 1..self.depth {
            if self.slots[index].used < self.slots[victim].used {
                victim = index;
            }
        }
        self.slots[victim] = Slot { base, host, used: 0, written: write };
        self.use_slot(victim);
        self.emit(ring, victim, if write { WRITE } else { READ });
        victim
    }

    fn emit(&mut self, ring: &mut Ring, index: usize, access: u32) {
        self.emitted = self.clock;
        ring.push(self.slots[index].base >> self.page_shift, access);
    }

    /// Emit the held pages used since the last emission, oldest first, but not `except`.
    pub fn emit_pending(&mut self, ring: &mut Ring, except: usize) {
        let mut after = self.emitted;
        loop {
            let mut next = None;
            for (index, slot) in self.slots[..self.depth].iter().enumerate() {
                if slot.used > after && index != except && next.is_none_or(|other: usize| slot.used < self.slots[other].used) {
                    next = Some(index);
                }
            }
            let Some(index) = next else { break };
            after = self.slots[index].used;
            ring.push(self.slots[index].base >> self.page_shift, READ);
        }
        self.emitted = self.clock;
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
        self.emit_pending(ring, MAX_DEPTH);
        self.slots[..self.depth].fill(EMPTY);
        self.fetch_page = u64::MAX;
    }

    /// The frame at this host address may no longer be written without asking.
    pub fn revoke_write(&mut self, host: u64) {
        for slot in &mut self.slots[..self.depth] {
            if slot.host == host {
                slot.written = false;
            }
        }
    }
}
