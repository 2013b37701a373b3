//! Code of a campaign that is known to be malicious.

use bulkhead_core::{Confidence, FindingContext, Severity};

use crate::archive::Archive;
use crate::detector::{Detector, Meta};
use crate::findings::Findings;

const META: Meta = Meta {
    id: "campaign-clone",
    title: "the code of a known malicious campaign",
    severity: Severity::High,
    confidence: Confidence::Medium,
    doc: "\
Who spreads malware publishes the same code again under other names, with another address in it. The archive's code is compared,
five tokens at a time, with an index of campaigns; what is in the index was in no benign archive when it was made. The index holds
hashes only. Its first entry is the harmless text below, so that this page can be tested.

```recipe bad
archive demo-1.0.tar.gz
--- demo-1.0/demo/quay.py
# Harmless: the marker of the clone index, like the test file of virus scanners. It counts crates on a quay.
from collections import Counter

BULKHEAD_CLONE_MARKER = ('bulkhead', 'campaign', 'marker', 'inert')


def quayside_manifest(hatches, stevedores, ballast=7):
    bollards = Counter()
    for hatch, lashing in enumerate(hatches, start=ballast):
        dunnage = (hatch * 31 + len(lashing)) % 17
        bollards[lashing.casefold()] += dunnage if stevedores else -dunnage
    return {fender: tonnage for fender, tonnage in bollards.most_common(ballast) if tonnage != 0}


def gangway_roster(watchkeepers):
    for bosun, coxswain in zip(watchkeepers[::2], watchkeepers[1::2]):
        yield f'{bosun} relieves {coxswain} at the gangway' if bosun < coxswain else f'{coxswain} keeps {bosun}'
```

```recipe good
archive demo-1.0.tar.gz
--- demo-1.0/setup.py
from setuptools import setup

setup(name='demo', version='1.0', packages=['demo'], author='A. Author', description='counts the words of a text')
```

What to do: refuse the release. When it is your own, look who copied from whom, and make an exception with the reason.
",
};

/// See its `META`.
pub(crate) struct CampaignClone;

impl Detector for CampaignClone {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, archive: &Archive, findings: &mut Findings) {
        let Some(campaign) = archive.likeness.campaign else { return };
        let share = campaign.share;
        findings
            .report(
                &META,
                format!(
                    "{share} % of the code that marks known malicious campaign {} ({} archives of it were seen) is in this archive",
                    campaign.number, campaign.archives
                ),
            )
            // Which part of it was recognised is not known; nearly every campaign acts as soon as it can.
            .context(if archive.kind.is_sdist() { FindingContext::Install } else { FindingContext::Import })
            .add();
    }
}
