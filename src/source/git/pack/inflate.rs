//! Inflates the zlib streams of a pack into buffers of a known size.

use flate2::{Decompress, FlushDecompress, Status};

use super::file::{PackFile, WINDOW, Window};

/// Inflates one stream after another with the same tables.
pub(super) struct Inflater {
    state: Decompress,
}

/// Why a stream cannot be inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum InflateError {
    #[error("the pack cannot be read")]
    Read,
    #[error("an entry that is cut off")]
    Cut,
    #[error("an entry with damaged compression")]
    Damaged,
    #[error("an entry of another size than it says")]
    OtherSize,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self { state: Decompress::new(true) }
    }

    /// Inflates the stream at `offset`, which may go on up to `end`, and must fill `out`.
    pub(super) fn fill(
        &mut self,
        file: &PackFile,
        window: &mut Window,
        mut offset: u64,
        end: u64,
        out: &mut [u8],
    ) -> Result<(), InflateError> {
        self.state.reset(true);
        let mut filled = 0;
        loop {
            let wanted = end.saturating_sub(offset).min(WINDOW as u64) as usize;
            let input = window.get(file, offset, wanted).map_err(|_| InflateError::Read)?;
            let before = self.state.total_in();
            // Once `out` is full only the checksum may follow; another byte would go here.
            let mut spare = [0];
            let full = filled == out.len();
            let room = if full { &mut spare[..] } else { &mut out[filled..] };
            let made = self.state.total_out();
            let status =
                self.state.decompress(input, room, FlushDecompress::Finish).map_err(|_| InflateError::Damaged)?;
            let (took, made) = (self.state.total_in() - before, self.state.total_out() - made);
            if full && made > 0 {
                return Err(InflateError::OtherSize);
            }
            filled += made as usize;
            offset += took;
            match status {
                Status::StreamEnd if filled == out.len() => return Ok(()),
                Status::StreamEnd => return Err(InflateError::OtherSize),
                _ if took == 0 && made == 0 && (full || filled < out.len()) => return Err(InflateError::Cut),
                _ => {}
            }
        }
    }

    /// Inflates what it can of `input` from its start, up to the length of `out`, and says how much: for headers.
    pub(super) fn start(&mut self, input: &[u8], out: &mut [u8]) -> Option<usize> {
        self.state.reset(true);
        self.state.decompress(input, out, FlushDecompress::None).ok()?;
        Some(self.state.total_out() as usize)
    }
}
