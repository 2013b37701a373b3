//! Raw deflate, one piece at a time, with buffers that are made once per archive.

use flate2::{Decompress, FlushDecompress, Status};

use super::fault::Fault;

const OUTPUT: usize = 128 * 1024;

/// A reused raw inflater.
pub(crate) struct Inflater {
    state: Decompress,
    output: Box<[u8]>,
}

/// What one step did.
pub(crate) struct Step<'a> {
    pub(crate) consumed: usize,
    pub(crate) produced: &'a [u8],
    pub(crate) ended: bool,
}

impl Inflater {
    pub(crate) fn new() -> Self {
        Self { state: Decompress::new(false), output: vec![0; OUTPUT].into() }
    }

    /// Before each stream.
    pub(crate) fn reset(&mut self) {
        self.state.reset(false);
    }

    /// Inflates some of `input`. Without progress the stream needs more input than there is: truncated, for the caller.
    pub(crate) fn step(&mut self, input: &[u8]) -> Result<Step<'_>, Fault> {
        let (before_in, before_out) = (self.state.total_in(), self.state.total_out());
        let status = self
            .state
            .decompress(input, &mut self.output, FlushDecompress::None)
            .map_err(|error| Fault::corrupt(format!("the deflate stream is not valid ({error})")))?;
        let size = |before: u64, after: u64| {
            usize::try_from(after - before).map_err(|_| Fault::corrupt("the inflater miscounted"))
        };
        let consumed = size(before_in, self.state.total_in())?;
        let produced = size(before_out, self.state.total_out())?;
        Ok(Step { consumed, produced: &self.output[..produced], ended: matches!(status, Status::StreamEnd) })
    }
}
