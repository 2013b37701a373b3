//! What a comparison can say: ids, severities and manual entries. The docs list them with the detectors.

use bulkhead_core::{Confidence, Severity};

use crate::detector::Meta;

macro_rules! deltas {
    ($($variant:ident = $id:literal, $severity:ident, $confidence:ident, $title:literal, $doc:literal;)*) => {
        /// One kind of change from the release before. The doc of each is its manual entry.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Change {
            $(#[doc = $doc] $variant,)*
        }

        impl Change {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub(crate) fn meta(self) -> &'static Meta {
                match self {
                    $(Self::$variant => &Meta {
                        id: $id,
                        title: $title,
                        severity: Severity::$severity,
                        confidence: Confidence::$confidence,
                        doc: $doc,
                    },)*
                }
            }
        }
    };
}

deltas! {
    Chain = "delta-unasked-chain", Critical, High, "a chain from source to sink that runs unasked, new against the release before",
        "A file decodes and executes, downloads and starts, or reads secrets and sends, at install, start-up or import, and no \
         file of the release before did so unasked. In a patch release, or in a file whose other code did not change, this \
         is what the poisoned releases of litellm, telnyx, ultralytics and durabletask looked like, and it is refused; \
         in a larger release the severity is medium. What to do: stay on the release before, and tell the publisher.";
    Hunk = "delta-import-hunk", Medium, Medium, "what a stable file does unasked has changed",
        "A file that was there before does something new at install, start-up or import, while its other code is byte for byte \
         (after normalising) what it was. Honest changes touch functions and tests as well; an injected payload touches \
         one place. What to do: read the lines named.";
    Ability = "delta-unasked-ability", Medium, Medium, "the package does something unasked that it never did",
        "Nothing in the release before did this at install, start-up or import: start a program, reach the network, write \
         files, read credentials. Counted by ability, whatever the file. Low for what is common, medium for the rest.";
    Growth = "delta-patch-growth", Medium, Low, "a patch release does much more unasked than the release before",
        "A release that changes only the last part of its version fixes something. Two or more grave abilities that are new \
         at install, start-up or import do not fit that promise.";
    Called = "delta-called-ability", Low, Low, "the package can do something that it never could, when called",
        "New against the release before, but it runs only when somebody calls it, or it is now at more places: running text as code, \
         hiding what is called, what only thieves do. It adds to the score and refuses nothing.";
    InstallHook = "delta-install-hook", High, Medium, "a hook that runs at install, new against the release before",
        "A lifecycle script, a `binding.gyp` with commands, a `cmdclass` or a build script appears in a release whose \
         predecessor had none. The npm worms of 2025 and 2026 all came in like this. Severity is medium where the ecosystem \
         builds from source as a matter of course.";
    StartHook = "delta-startup-hook", High, Medium, "the first file that runs at every interpreter start",
        "A `.pth` or `sitecustomize` in a release whose predecessor had none. One that executes code is denied on its own \
         (`executable-pth`); this also tells of one that only names directories, with low severity.";
    Host = "delta-host", Low, Medium, "a host or address that no file of the release before named",
        "A new place to talk to. Medium when code that runs unasked names it, or when it is a bare address; low otherwise. It is \
         the one trace that a stolen mail library leaves (postmark-mcp 1.0.16), and most releases with a new host are honest: \
         score only.";
    Mail = "delta-mail", Low, Medium, "an e-mail address that no file of the release before held",
        "High when a line of the package's code sends blind copies to it: postmark-mcp 1.0.16 differed from its release before by one \
         such line, and everybody's mail went to a stranger too. Low otherwise: people come and go in honest code. Among \
         1,372 benign archives no library code holds such a line, but for addresses of documentation. What to do: \
         read the line, and ask the publisher whose address it is.";
    Dependency = "delta-dependency", Low, Low, "a dependency that the release before did not ask for",
        "High when it comes from a URL or a repository in place of the registry; medium when no code of the release seems to \
         import it, as in axios 1.14.1; low otherwise. Optional ones are left out.";
    Blob = "delta-blob", Medium, Medium, "native code, a bundle or an opaque file, new against the release before",
        "Machine code where there was none, machine code under a harmless name, megabytes of another language, or a large file \
         that nobody can read. What to do: ask the publisher what it is; a source release should say how it is built.";
    Vanished = "delta-vanished", Info, Medium, "most of the code of the release before is gone",
        "More than half of the files of code that the release before had are not in this one: a rewrite, a split, or somebody \
         else's package under the same name. Low, and info when the version says so by its first part.";
}
