//! The trace filter: keeps back every access that cannot change a TLB, and proves it by order.
//!
//! A filter holds the `depth` most recently used pages of one kind, data or code. An access to one of them only moves that page to the
//! front: any TLB whose sets keep at least `depth` recently used entries hits on it, so nothing but its order of recency changes. When
//! a page from outside arrives, the filter first emits the held pages whose place has changed, in order of last use, then the
//! new page: the consumer's order equals the true one wherever a victim may be chosen. The first write to a page while it is
//! held is emitted too, because it may set the dirty state.
//!
//! A use only notes the time: the ring of slots by last use is put in order when it is needed.

use crate::ring::Ring;

pub const MAX_DEPTH: usize = 32;
/// Base of no page: no address without its top byte reaches it.
pub const NO_PAGE: u64 = 1 << 60;

pub const FETCH: u32 = 0;
pub const READ: u32 = 1;
pub const WRITE: u32 = 2;

const BUCKETS: usize = 1024;
/// No slot.
const NONE: usize = MAX_DEPTH;

pub struct Filter {
    /// Address of the page in each slot, or NO_PAGE.
    bases: [u64; MAX_DEPTH],
    /// Host address of the page.
    hosts: [u64; MAX_DEPTH],
    /// Slots with a page whose write has been emitted since it came in, and that the engine may write without asking; one bit each.
    written: u32,
    /// Time of last use.
    used: [u64; MAX_DEPTH],
    now: u64,
    /// Uses after this time have not been emitted.
    emitted: u64,
    /// The slot used last.
    last: usize,
    /// The slots by last emission, in a ring.
    older: [u8; MAX_DEPTH],
    newer: [u8; MAX_DEPTH],
    front: usize,
    /// By the low bits of the page number: held pages with these, and a slot where one of them may be.
    held: [u8; BUCKETS],
    guess: [u8; BUCKETS],
    depth: usize,
    page_shift: u32,
    /// What an access that is no write is emitted as.
    kind: u32,
}

impl Filter {
    /// `kind`: READ for data, FETCH for code.
    pub fn new(depth: usize, page_shift: u32, kind: u32) -> Self {
        let mut older = [0; MAX_DEPTH];
        let mut newer = [0; MAX_DEPTH];
        for slot in 0..depth {
            older[slot] = ((slot + depth - 1) % depth) as u8;
            newer[slot] = ((slot + 1) % depth) as u8;
        }
        Self {
            bases: [NO_PAGE; MAX_DEPTH],
            hosts: [0; MAX_DEPTH],
            written: 0,
            used: [0; MAX_DEPTH],
            now: 0,
            emitted: 0,
            last: NONE,
            older,
            newer,
            front: 0,
            held: [0; BUCKETS],
            guess: [0; BUCKETS],
            depth,
            page_shift,
            kind,
        }
    }

    fn bucket(&self, base: u64) -> usize {
        (base >> self.page_shift) as usize % BUCKETS
    }

    #[inline(always)]
    pub fn find(&mut self, base: u64) -> Option<usize> {
        let bucket = self.bucket(base);
        let guess = self.guess[bucket] as usize % MAX_DEPTH;
        if self.bases[guess] == base {
            Some(guess)
        } else if self.held[bucket] == 0 {
            None
        } else {
            self.search(base)
        }
    }

    #[cold]
    fn search(&mut self, base: u64) -> Option<usize> {
        let slot = self.bases[..self.depth].iter().position(|&other| other == base)?;
        let bucket = self.bucket(base);
        self.guess[bucket] = slot as u8;
        Some(slot)
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
        if slot != self.last {
            self.now += 1;
            self.used[slot % MAX_DEPTH] = self.now;
            self.last = slot;
        }
    }

    /// First write to a held page.
    pub fn write_slot(&mut self, slot: usize, ring: &mut Ring) {
        self.use_slot(slot);
        self.emit_due(ring, slot);
        self.written |= 1 << slot;
        ring.push(self.bases[slot] >> self.page_shift, WRITE);
    }

    /// A page from outside comes in, in place of the least recent one. Returns its slot.
    #[inline(always)]
    pub fn enter(&mut self, base: u64, host: u64, write: bool, ring: &mut Ring) -> usize {
        self.emit_due(ring, NONE);
        let slot = self.newer[self.front % MAX_DEPTH] as usize % MAX_DEPTH;
        self.front = slot;
        if self.bases[slot] != NO_PAGE {
            self.held[self.bucket(self.bases[slot])] -= 1;
        }
        let bucket = self.bucket(base);
        self.held[bucket] += 1;
        self.guess[bucket] = slot as u8;
        self.bases[slot] = base;
        self.hosts[slot] = host;
        self.written = self.written & !(1 << slot) | u32::from(write) << slot;
        self.last = slot;
        ring.push(base >> self.page_shift, if write { WRITE } else { self.kind });
        slot
    }

    /// Emit the held pages used since the last emission, oldest first, but not the one in slot `but`.
    #[inline(always)]
    fn emit_due(&mut self, ring: &mut Ring, but: usize) {
        if self.now != self.emitted {
            self.emit(ring, but);
        }
    }

    #[cold]
    fn emit(&mut self, ring: &mut Ring, but: usize) {
        let mut due = [NONE; MAX_DEPTH];
        let mut count = 0;
        for slot in 0..self.depth {
            if self.used[slot] > self.emitted {
                due[count] = slot;
                count += 1;
            }
        }
        due[..count].sort_unstable_by_key(|&slot| self.used[slot]);
        // The page that was the newest at the last emission is still where it was if it is the oldest now.
        let mut newest = self.front;
        for &slot in &due[..count] {
            self.move_to_front(slot);
            if slot != but && slot != newest {
                ring.push(self.bases[slot] >> self.page_shift, self.kind);
            }
            newest = NONE;
        }
        self.emitted = self.now;
    }

    fn move_to_front(&mut self, slot: usize) {
        let front = self.front;
        let oldest = self.newer[front] as usize;
        if slot != front && slot != oldest {
            let (older, newer) = (self.older[slot], self.newer[slot]);
            self.newer[older as usize] = newer;
            self.older[newer as usize] = older;
            self.newer[front] = slot as u8;
            self.older[slot] = front as u8;
            self.newer[slot] = oldest as u8;
            self.older[oldest] = slot as u8;
        }
        self.front = slot;
    }

    /// Code runs on `page`.
    #[inline(always)]
    pub fn fetch(&mut self, page: u64, ring: &mut Ring) {
        let base = page << self.page_shift;
        match self.find(base) {
            Some(slot) => self.use_slot(slot),
            None => {
                self.enter(base, 0, false, ring);
            }
        }
    }

    /// Before the page tables may change: emit what is due and hold nothing.
    pub fn clear(&mut self, ring: &mut Ring) {
        self.emit_due(ring, NONE);
        for slot in 0..self.depth {
            if self.bases[slot] != NO_PAGE {
                self.held[self.bucket(self.bases[slot])] -= 1;
                self.bases[slot] = NO_PAGE;
            }
        }
        self.written = 0;
        self.last = NONE;
    }

    /// The frame at this host address may no longer be written without asking.
    pub fn revoke_write(&mut self, host: u64) {
        for slot in 0..self.depth {
            if self.hosts[slot] == host {
                self.written &= !(1 << slot);
            }
        }
    }
}
