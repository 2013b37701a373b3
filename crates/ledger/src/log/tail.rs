//! The end of the log, where batches are appended. Owned by the writer thread.

use super::{DurableEnd, Log};
use crate::backend::SegmentFile;
use crate::error::LedgerError;
use crate::segment::{SEGMENT_ENTRIES, Segment, encode_frame, path_of_segment};

/// Appends batches. Between calls, everything up to `end` is durable, and what is behind it was never acknowledged.
pub(crate) struct Tail {
    log: Log,
    end: DurableEnd,
    /// The open segment; nothing when it must be opened, or established again, before the next append.
    file: Option<Box<dyn SegmentFile>>,
    /// Whether the segment's content is known. It is not after a failed fdatasync (the kernel may have marked pages
    /// clean that never reached the disk) or a failed truncation.
    sure: bool,
}

impl Tail {
    pub(crate) fn new(log: Log, sure: bool) -> Self {
        let end = log.end();
        Self { log, end, file: None, sure }
    }

    /// The index that the next entry gets.
    pub(crate) fn next(&self) -> u64 {
        self.end.entries
    }

    /// How many entries the next batch may have: a batch lies in one segment.
    pub(crate) fn room(&self) -> u64 {
        SEGMENT_ENTRIES - self.end.entries % SEGMENT_ENTRIES
    }

    /// Appends a batch of at most [`Self::room`] encoded entries and makes it durable.
    ///
    /// # Errors
    /// When it could not be made durable. None of it is then part of the log, and the next append tries to establish a
    /// known state first.
    pub(crate) fn append(&mut self, entries: &[Vec<u8>]) -> Result<(), LedgerError> {
        if !self.sure {
            self.establish()?;
        }
        let mut end = self.end;
        if end.entries / SEGMENT_ENTRIES != end.segment {
            end = DurableEnd { segment: end.entries / SEGMENT_ENTRIES, bytes: 0, ..end };
            self.file = None;
        }
        let frame = encode_frame(end.entries, entries)?;
        let path = path_of_segment(end.segment);
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.log.backend().open(&path).map_err(LedgerError::io("open", &path))?,
        };
        // From here the segment is the one that is being appended to, whatever happens: a failed start of a new segment
        // leaves a file that has to be emptied.
        self.end = end;
        if let Err(error) = file.write(end.bytes as u64, &frame) {
            self.sure = file.truncate(end.bytes as u64).is_ok();
            self.file = self.sure.then_some(file);
            return Err(LedgerError::io("append to", &path)(error));
        }
        if let Err(error) = file.sync() {
            self.sure = false;
            return Err(LedgerError::io("sync", &path)(error));
        }
        self.file = Some(file);
        self.end.entries += entries.len() as u64;
        self.end.bytes += frame.len();
        self.log.set_end(self.end);
        Ok(())
    }

    /// Makes the segment hold exactly what is acknowledged: reads it back, checks every frame, and puts a new file with
    /// the whole frames in its place. Pages of the old file are never trusted to be on the disk. Also cuts a torn tail
    /// at start.
    ///
    /// # Errors
    /// When that is not possible now, or acknowledged frames are gone.
    pub(crate) fn establish(&mut self) -> Result<(), LedgerError> {
        self.file = None;
        self.sure = false;
        let DurableEnd { entries, segment: number, bytes: length } = self.end;
        let path = path_of_segment(number);
        let bytes = self.log.backend().read(&path).map_err(LedgerError::io("read back", &path))?;
        let mut bytes = bytes.unwrap_or_default();
        bytes.truncate(length);
        let segment = Segment::parse(number, bytes)?;
        if segment.end() != entries || segment.whole().len() != length {
            let what = format!("entry {} is missing, though it was acknowledged", segment.end());
            return Err(LedgerError::corrupt(&path, segment.whole().len(), what));
        }
        let whole = segment.whole().to_vec();
        self.log.backend().replace(&[(path.clone(), whole)]).map_err(LedgerError::io("write again", &path))?;
        self.sure = true;
        Ok(())
    }
}
