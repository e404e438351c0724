//! The trace filter: holds the pages used last, whose uses cannot change a TLB, and says when a page comes in and when it leaves.
//!
//! A filter holds the `depth` most recently used pages of one kind, data or code. Any TLB whose sets keep at least `depth` recently used
//! entries hits on each of them, so nothing but its order of recency changes, and that need not be known while the page is held: pages leave
//! in the order of their last uses. So a use only notes the time. A page that comes in makes a record, with the number of its slot, which
//! says which page leaves. The first write to a page while it is held makes one too, because it may set the dirty state.

use crate::ring::Ring;

pub const MAX_DEPTH: usize = 32;
/// Base of no page: no address without its top byte reaches it.
pub const NO_PAGE: u64 = 1 << 60;

pub const FETCH: u32 = 0;
pub const READ: u32 = 1;
pub const WRITE: u32 = 2;
/// Of a record that stands for no touch: a held page leaves.
const LEAVE: u32 = 3;

/// Numbers of held pages in records: those of data, those of code, and no page.
pub const FIRST_DATA_HELD: u32 = 1;
pub const FIRST_CODE_HELD: u32 = 128;
const NOT_NEW: u32 = 0;

const BUCKETS: usize = 1024;
/// No slot.
const NONE: usize = MAX_DEPTH;
const LANES: usize = 4;

pub struct Filter {
    /// Address of the page in each slot, or NO_PAGE.
    bases: [u64; MAX_DEPTH],
    /// Host address of the page.
    hosts: [u64; MAX_DEPTH],
    /// Slots with a page whose write has been recorded since it came in, and that the engine may write without asking; one bit each.
    written: u32,
    /// Time of last use, above the number of the slot: the least word is that of the least recent page. Of a slot without a page: u64::MAX.
    used: [u64; MAX_DEPTH],
    /// Slots with a page, the first ones.
    count: usize,
    now: u64,
    /// The slot used last.
    last: usize,
    /// By the low bits of the page number: held pages with these, and a slot where one of them may be.
    held: [u8; BUCKETS],
    guess: [u8; BUCKETS],
    depth: usize,
    page_shift: u32,
    /// What an access that is no write is recorded as.
    kind: u32,
    /// Number of the page in the first slot.
    first_held: u32,
}

impl Filter {
    /// `kind`: READ for data, FETCH for code.
    pub fn new(depth: usize, page_shift: u32, kind: u32, first_held: u32) -> Self {
        Self {
            bases: [NO_PAGE; MAX_DEPTH],
            hosts: [0; MAX_DEPTH],
            written: 0,
            used: [u64::MAX; MAX_DEPTH],
            count: 0,
            now: 0,
            last: NONE,
            held: [0; BUCKETS],
            guess: [0; BUCKETS],
            depth,
            page_shift,
            kind,
            first_held,
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
            self.now += MAX_DEPTH as u64;
            self.used[slot % MAX_DEPTH] = self.now | slot as u64;
            self.last = slot;
        }
    }

    /// First write to a held page.
    pub fn write_slot(&mut self, slot: usize, ring: &mut Ring) {
        self.use_slot(slot);
        self.written |= 1 << slot;
        ring.push(self.bases[slot] >> self.page_shift, WRITE, NOT_NEW);
    }

    /// A page from outside comes in, in place of the least recent one if there is no room. Returns its slot.
    #[inline(always)]
    pub fn enter(&mut self, base: u64, host: u64, write: bool, ring: &mut Ring) -> usize {
        let slot = if self.count < self.depth {
            self.count += 1;
            self.count - 1
        } else {
            let slot = self.least_recent();
            self.held[self.bucket(self.bases[slot])] -= 1;
            slot
        } % MAX_DEPTH;
        let bucket = self.bucket(base);
        self.held[bucket] += 1;
        self.guess[bucket] = slot as u8;
        self.bases[slot] = base;
        self.hosts[slot] = host;
        self.written = self.written & !(1 << slot) | u32::from(write) << slot;
        self.use_slot(slot);
        ring.push(base >> self.page_shift, if write { WRITE } else { self.kind }, self.first_held + slot as u32);
        slot
    }

    /// The slot of the least recent page.
    #[inline(always)]
    fn least_recent(&self) -> usize {
        // Several at once, and without a branch, which random accesses would mispredict.
        let mut least = [u64::MAX; LANES];
        for used in self.used.chunks_exact(LANES).take(self.depth.div_ceil(LANES)) {
            for (least, &used) in least.iter_mut().zip(used) {
                *least = if used < *least { used } else { *least };
            }
        }
        least.into_iter().fold(u64::MAX, u64::min) as usize % MAX_DEPTH
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

    /// Before the page tables may change: all held pages leave, the least recent first.
    pub fn clear(&mut self, ring: &mut Ring) {
        let mut order = self.used;
        let order = &mut order[..self.count];
        order.sort_unstable();
        for slot in order.iter().map(|&used| used as usize % MAX_DEPTH) {
            self.held[self.bucket(self.bases[slot])] -= 1;
            self.bases[slot] = NO_PAGE;
            self.used[slot] = u64::MAX;
            ring.push(0, LEAVE, self.first_held + slot as u32);
        }
        self.count = 0;
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
