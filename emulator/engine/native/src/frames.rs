//! What each frame of guest RAM is used for by the engine: the basis of coherence between stores and translated code.
//!
//! ```text
//! untouched --exec grant--> CODE --write grant: code dropped, soft TLB flushed--> WRITABLE
//! untouched --write grant--> WRITABLE --exec grant: all write grants withdrawn--> CODE
//! ```
//! A frame is never both, so every change of direction passes through here, whatever addresses the frame is mapped at.

pub const CODE: u8 = 1;
pub const WRITABLE: u8 = 2;

pub struct Frames {
    /// One byte per frame. Allocated zeroed: the host commits only what is touched.
    state: Vec<u8>,
}

impl Frames {
    pub fn new(count: usize) -> Self {
        Self { state: vec![0; count] }
    }

    pub fn count(&self) -> u64 {
        self.state.len() as u64
    }

    pub fn get(&self, frame: u64) -> u8 {
        self.state[frame as usize]
    }

    pub fn set(&mut self, frame: u64, state: u8) {
        self.state[frame as usize] = state;
    }
}
