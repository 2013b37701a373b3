//! The ways in which an archive itself is refused: each has its own stable id, so that policy can name it.

use bulkhead_core::{Confidence, Severity};

use crate::detector::Meta;

macro_rules! flaws {
    ($($variant:ident = $id:literal, $severity:ident, $title:literal, $doc:literal;)*) => {
        /// A structural flaw. The doc of each is its manual entry.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Flaw {
            $(#[doc = $doc] $variant,)*
        }

        impl Flaw {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub(crate) fn meta(self) -> &'static Meta {
                match self {
                    $(Self::$variant => &Meta {
                        id: $id,
                        title: $title,
                        severity: Severity::$severity,
                        confidence: Confidence::High,
                        doc: $doc,
                    },)*
                }
            }
        }
    };
}

flaws! {
    Unreadable = "unreadable-archive", High, "the archive cannot be read",
        "The file is not an archive of the kind that its name promises, is damaged, is of a kind that Bulkhead has no \
         reader for, or its reader broke down over it. What cannot be read cannot be judged.";
    Unfinished = "reading-unfinished", High, "reading it took more than a reader may use",
        "The reader came to the end of its memory or of its time. Large code that a machine wrote can do that, and so can an \
         archive that is made for it; what was not read to its end was not judged.";
    Bomb = "archive-bomb", High, "unpacking costs more than the limits allow",
        "Too many members, too many unpacked bytes, or too many unpacked bytes for each packed one. Reading stops there.";
    ViewsDiffer = "archive-views-differ", Critical, "readers of the archive would see different content",
        "The same fact is stated twice and differently: central directory and local header of a zip (name, size, checksum, \
         method, flags), data descriptor, Unicode path field, the numbers in the zip64 records, the two sizes of a tar \
         member, two long names. pip trusts the central directory, uv reads local headers as they stream by, so each would \
         install something else, and a scanner might see a third thing.";
    AmbiguousEnd = "archive-ambiguous-end", Critical, "there is more than one possible end record",
        "Two end-of-directory records both fit the end of the file, or the archive comment holds the mark of one. Readers \
         differ in which they take. A mark that occurs by chance inside compressed data is not meant and passes.";
    Overlap = "archive-overlap", Critical, "members share bytes",
        "Two members of a zip claim the same bytes of the file, or a member reaches into the directory. No honest writer \
         does this; zip bombs do.";
    HiddenData = "archive-hidden-data", High, "bytes belong to no member",
        "There are bytes between members, between the last member and the directory, after the end of a member's \
         compressed stream, or in a directory entry. Readers that scan for headers see members there that others do not.";
    LeadingData = "archive-leading-data", High, "the archive does not begin at the first byte",
        "Something stands before the first member: the file can be two things at once, for instance a program and a wheel.";
    TrailingData = "archive-trailing-data", High, "there are bytes after the end of the archive",
        "Something follows the end record of a zip, the end of a gzip stream or the end blocks of a tar. Some readers \
         ignore it, others read on.";
    Truncated = "archive-truncated", High, "the archive ends too early",
        "A member, a compressed stream or the end of a tar is missing, so that what is there is not all that was meant.";
    Checksum = "archive-checksum", High, "a checksum does not fit the content",
        "CRC-32 of a zip member or a gzip stream, or the sum of a tar header, is wrong: damaged or altered.";
    Corrupt = "archive-corrupt", High, "a member's data is damaged",
        "A compressed stream or a header field is not valid, or a member unpacks to more than it declares: damaged or altered.";
    Encrypted = "archive-encrypted", High, "a member is encrypted",
        "Encrypted members cannot be judged, and installers do not read them.";
    Method = "archive-method", High, "a member is packed by an unusual method",
        "Only stored and deflated members are read by every installer. A member in any other form is content that some \
         tools see and others skip.";
    MultiDisk = "archive-multi-disk", High, "the archive claims to span several disks",
        "Split zips are not installable; the fields exist only to confuse readers.";
    MultiStream = "archive-multi-stream", High, "several gzip streams follow each other",
        "Some readers (pip) continue with the second gzip stream, others (uv) stop after the first: they unpack different \
         trees.";
    PathEscape = "archive-path-escape", Critical, "a member's path leaves the archive",
        "The path is absolute, holds a `..` or a drive letter: unpacked naively, it overwrites a file elsewhere.";
    PathOdd = "archive-path-odd", High, "a member's path is read differently by different systems",
        "Backslash, control or invisible characters, `.` or empty components, bytes in an unknown character set, or longer \
         than file systems allow.";
    SpecialFile = "archive-special-file", High, "a member is neither file, directory nor link",
        "Device nodes, pipes and unknown types have no place in a package.";
    Sparse = "archive-sparse", High, "a tar member is sparse",
        "Sparse members are expanded by some readers and taken literally by others; no source distribution needs one.";
    PaxGlobal = "archive-pax-global", High, "a global header changes members",
        "A pax global header that sets path, size or link of every later member. Readers disagree on whether it applies. The \
         comment that `git archive` writes is fine.";
    NotRead = "member-not-read", High, "a file that matters is too large to be read",
        "A file that a detector must read (metadata, RECORD, a start-up file) is larger than the limits. It is a finding, \
         because skipping it would be a way around the detector.";
}
