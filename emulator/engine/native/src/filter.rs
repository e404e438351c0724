//! The trace filter: holds the pages used last, whose uses cannot change a TLB, and says when a page comes in and when it leaves.
//!
//! A filter holds the `depth` most recently used pages of one kind, data or code. Any TLB whose sets keep at least `depth` recently used
//! entries hits on each of them, so nothing but its order of recency changes, and that need not be known while the page is held: pages leave
//! in the order of their last uses. So a use only notes the time. A page that comes in makes a record, with the number of its slot, which
//! says which page leaves. The first write to a page while it is held makes one too, because it may set the dirty state; unless the page came in as one of which
//! that is known not to be so.
//!
//! A TLB whose sets keep fewer entries sets a limit: of the held pages no more than its ways lie in entries of one of its sets. Where one too many would, pages leave
//! until none does; the least recent of all first, so that the order of leaving stays that of last uses.

use crate::ring::Ring;

pub const MAX_DEPTH: usize = 64;
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

/// How a page comes in: by a write; as one whose writes need not be recorded; and which the engine may write without asking.
pub const BY_WRITE: u32 = 1;
pub const HEARD: u32 = 2;
pub const WRITTEN: u32 = 4;

const BUCKETS: usize = 1024;
/// No slot.
const NONE: usize = MAX_DEPTH;
const LANES: usize = 4;
/// Sets that a limit tells apart; where a TLB has more, some count as one.
const MAX_SETS: u32 = 128;
/// More ways than a filter has pages: no limit.
const ANY_WAYS: u8 = u8::MAX;
/// Numbers of sets of no limit.
const ONE_SET: u64 = 0;

pub struct Filter {
    /// Address of the page in each slot, or NO_PAGE.
    bases: [u64; MAX_DEPTH],
    /// Host address of the page.
    hosts: [u64; MAX_DEPTH],
    /// Slots with a page of which a write has been recorded, one bit each; and those of these pages that the engine may write without asking.
    heard: u64,
    written: u64,
    /// Time of last use, above the number of the slot: the least word is that of the least recent page. Of a slot without a page: u64::MAX.
    used: [u64; MAX_DEPTH],
    /// Slots with a page; one bit each.
    pages: u64,
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
    /// The limit: ANY_WAYS for none.
    ways: u8,
    set_mask: u64,
    /// Held pages whose entries lie in each set, and the set of the page in each slot. Kept under a limit only.
    in_set: [u8; MAX_SETS as usize],
    sets: [u8; MAX_DEPTH],
}

/// What a TLB of several sets allows: pages in entries of one set.
#[derive(Clone, Copy)]
pub struct Limit {
    pub sets: u32,
    pub ways: u32,
}

impl Filter {
    /// `kind`: READ for data, FETCH for code.
    pub fn new(depth: usize, limit: Option<Limit>, page_shift: u32, kind: u32, first_held: u32) -> Self {
        Self {
            bases: [NO_PAGE; MAX_DEPTH],
            hosts: [0; MAX_DEPTH],
            heard: 0,
            written: 0,
            used: [u64::MAX; MAX_DEPTH],
            pages: 0,
            now: 0,
            last: NONE,
            held: [0; BUCKETS],
            guess: [0; BUCKETS],
            depth,
            page_shift,
            kind,
            first_held,
            ways: limit.map_or(ANY_WAYS, |limit| limit.ways as u8),
            set_mask: limit.map_or(ONE_SET, |limit| u64::from(limit.sets.min(MAX_SETS) - 1)),
            in_set: [0; MAX_SETS as usize],
            sets: [0; MAX_DEPTH],
        }
    }

    /// Whether `enter` asks for the order of the page's entry.
    #[inline(always)]
    pub fn is_limited(&self) -> bool {
        self.ways != ANY_WAYS
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

    /// A write to a held page, which had to be asked for.
    pub fn write_slot(&mut self, slot: usize, ring: &mut Ring) {
        self.use_slot(slot);
        self.written |= 1 << slot;
        if self.heard & 1 << slot == 0 {
            self.heard |= 1 << slot;
            ring.push(self.bases[slot] >> self.page_shift, WRITE, NOT_NEW);
        }
    }

    /// A page from outside comes in, in place of the least recent one if there is no room. `how`: BY_WRITE, HEARD, WRITTEN. `order`: log2 of the pages of the entry that the TLB of the limit
    /// makes of its translation. Returns its slot.
    #[inline(always)]
    pub fn enter(&mut self, base: u64, host: u64, how: u32, order: u32, ring: &mut Ring) -> usize {
        let mut slot = NONE;
        if self.is_limited() {
            let set = (base >> self.page_shift >> order & self.set_mask) as usize % MAX_SETS as usize;
            if self.in_set[set] >= self.ways {
                slot = self.make_room(base, order, set, ring);
            }
            if slot == NONE {
                slot = self.take_slot();
            }
            self.sets[slot % MAX_DEPTH] = set as u8;
            self.in_set[set] += 1;
        } else {
            slot = self.take_slot();
        }
        let slot = slot % MAX_DEPTH;
        self.pages |= 1 << slot;
        let bucket = self.bucket(base);
        self.held[bucket] += 1;
        self.guess[bucket] = slot as u8;
        self.bases[slot] = base;
        self.hosts[slot] = host;
        self.heard = self.heard & !(1 << slot) | u64::from(how & HEARD != 0) << slot;
        self.written = self.written & !(1 << slot) | u64::from(how & WRITTEN != 0) << slot;
        self.use_slot(slot);
        ring.push(base >> self.page_shift, if how & BY_WRITE != 0 { WRITE } else { self.kind }, self.first_held + slot as u32);
        slot
    }

    /// A slot without a page: the first, or that of the least recent one, which leaves.
    #[inline(always)]
    fn take_slot(&mut self) -> usize {
        let slot = self.pages.trailing_ones() as usize;
        if slot < self.depth {
            return slot;
        }
        let slot = self.least_recent();
        self.leave(slot);
        slot
    }

    #[inline(always)]
    fn leave(&mut self, slot: usize) {
        self.held[self.bucket(self.bases[slot])] -= 1;
        if self.is_limited() {
            self.in_set[self.sets[slot] as usize % MAX_SETS as usize] -= 1;
        }
    }

    /// The page in the slot leaves, and no other takes its place at once.
    fn empty(&mut self, slot: usize) {
        self.leave(slot);
        if self.last == slot {
            self.last = NONE;
        }
        self.bases[slot] = NO_PAGE;
        self.used[slot] = u64::MAX;
        self.pages &= !(1 << slot);
    }

    /// A page is to come in whose set may have too many: pages leave, the least recent first, until it has room. Returns the slot of the last one that left; NONE if none had to.
    /// Each page of the set counts as an entry, but not those of the entry that translates the new one.
    #[inline(never)]
    fn make_room(&mut self, base: u64, order: u32, set: usize, ring: &mut Ring) -> usize {
        let unit_shift = self.page_shift + order;
        let counts = |filter: &Self, slot: usize| filter.sets[slot] as usize == set && filter.bases[slot] >> unit_shift != base >> unit_shift;
        let mut others = (0..self.depth).filter(|&slot| self.pages & 1 << slot != 0 && counts(self, slot)).count();
        if others < usize::from(self.ways) {
            return NONE;
        }
        loop {
            let slot = self.least_recent();
            others -= usize::from(counts(self, slot));
            self.empty(slot);
            if others < usize::from(self.ways) {
                return slot;
            }
            ring.push(0, LEAVE, self.first_held + slot as u32);
        }
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

    /// Before the page tables may change: all held pages leave, the least recent first.
    pub fn clear(&mut self, ring: &mut Ring) {
        let mut order = [0; MAX_DEPTH];
        let mut count = 0;
        let mut pages = self.pages;
        while pages != 0 {
            order[count] = self.used[pages.trailing_zeros() as usize];
            count += 1;
            pages &= pages - 1;
        }
        let order = &mut order[..count];
        order.sort_unstable();
        for slot in order.iter().map(|&used| used as usize % MAX_DEPTH) {
            self.empty(slot);
            ring.push(0, LEAVE, self.first_held + slot as u32);
        }
        self.heard = 0;
        self.written = 0;
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
